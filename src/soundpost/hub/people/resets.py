"""A forgotten password: a link by mail, or one that an owner or administrator makes; it fits once, for an hour."""

import asyncio
import secrets

from sqlalchemy import Row

from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.people import repo, rules
from soundpost.hub.people.rules import Principal, Standing
from soundpost.hub.people.service import Client, People, may_come_in
from soundpost.hub.store import Store, Tx
from soundpost.kernel import ids, log
from soundpost.kernel.errors import Conflict, NotFound, Unavailable

WAITING_MOST = 64


class Resets:
    def __init__(self, people: People, store: Store) -> None:
        self._people, self._store = people, store
        self._attempts = rules.Attempts(free=10)
        self._left = True
        """Something may have been asked that nobody looked at yet; at a start, what a kill left."""
        self._later: set[asyncio.Task[None]] = set()
        self._line = log.UpDown(log.get("people"), "making links for forgotten passwords")

    async def ask(self, sign_in: str, client: Client) -> None:
        """What is asked is on disk before the answer, in the same words for any name; whose it is is looked up after it, so that nothing
        tells whether it is here, and nothing is lost in between (decision 0012). Raises Conflict where no mail is set up, TooMany
        for an address that asks without end."""
        if not self._people.can_mail():
            raise Conflict("No mail is set up here; ask an owner for a link.", code="no_mail_here")
        self._attempts.take((rules.network(client.address), ""), self._people.monotonic())
        name = rules.asked_name(sign_in)
        await self._store.unit_of_work(lambda tx: self._note(tx, name, client.address))
        self._left = True
        task = asyncio.create_task(self.carry(), name="password-reset")
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _note(self, tx: Tx, name: str, address: str) -> None:
        if repo.count_reset_requests(tx.conn) >= WAITING_MOST:
            raise Unavailable("Too many ask at once. Try again in a few seconds.", code="busy", retry_after_s=3)
        repo.add_reset_request(tx.conn, ids.mint("ask", tx.now_ms), name, address, tx.now_ms)

    async def idle(self) -> None:
        """Until all that was asked for is queued."""
        await asyncio.gather(*self._later, return_exceptions=True)

    async def carry(self) -> None:
        """Queues the mails of all that was asked, each in a transaction of its own. Asked after each question and each second: what a kill
        or a database that was away left is made up for."""
        if not self._left:
            return
        self._left = False
        try:
            while await self._store.unit_of_work(self._one):
                pass
            self._line.up()
        except Exception as error:
            self._left = True
            self._line.down(str(error))

    def _one(self, tx: Tx) -> bool:
        asked = repo.take_reset_request(tx.conn)
        if asked is None:
            return False
        if asked.created_ms + rules.LASTS_MS[rules.RESET] > tx.now_ms:  # else a mail would only surprise
            self._send(tx, asked.sign_in, Client(address=asked.address))
        return True

    def _send(self, tx: Tx, name: str, client: Client) -> None:
        """At most three links wait for one person: who asks for somebody else floods no mailbox, and takes no link away."""
        row = repo.by_sign_in(tx.conn, name)
        who = Who("system", name=name, address=client.address)
        out = row is None or not may_come_in(row, tx.now_ms)
        if row is None or out or repo.count_tickets(tx.conn, rules.RESET, row.id, tx.now_ms) >= rules.MOST_LINKS:
            audit.recorded(tx, who, "person.reset_asked", result="refused")
            return
        token = self._link(tx, row)
        audit.recorded(tx, who, "person.reset_asked", subject=row.id)
        self._mail(tx, row, token)

    def _mail(self, tx: Tx, row: Row[tuple[object, ...]], token: str) -> None:
        minutes = rules.LASTS_MS[rules.RESET] // 60_000
        self._people.tell(tx, row.id, "password_reset", {"link": f"/reset/{token}", "minutes": minutes})

    def _link(self, tx: Tx, row: Row[tuple[object, ...]]) -> str:
        token = secrets.token_urlsafe(32)
        repo.add_ticket(tx.conn, rules.RESET, token, row.id, tx.now_ms, rules.LASTS_MS[rules.RESET])
        return token

    async def make(self, principal: Principal, who: Who, person: str, *, hand_over: bool = False) -> str:
        """A link for somebody of no higher rank whose places lie in one's own. It goes to them by mail; "" then. Where no mail leaves, or
        who makes it wants to `hand_over`, the token is returned, and shown once."""
        rules.check_other(principal, person)
        mailed = self._people.can_mail() and not hand_over
        row = await self._store.read(lambda conn: repo.by_id(conn, person))
        if row is None:
            raise NotFound("There is no such person.", code="no_such_person", id=person)
        self._people.check_reach(principal, repo.split(row.places))

        def work(tx: Tx) -> str:
            found = repo.by_id(tx.conn, person)
            if found is None or found.state != rules.ACTIVE:
                raise Conflict("This person can't sign in; invite or enable them first.", code="not_active")
            standing = Standing(found.id, found.role, found.state, repo.split(found.places), found.ends_ms)
            rules.check_grant(principal, standing, standing)
            repo.drop_tickets(tx.conn, rules.RESET, person)
            audit.recorded(tx, who, "person.reset_made", subject=person, detail={"by": "mail" if mailed else "hand"})
            token = self._link(tx, found)
            if mailed:
                self._mail(tx, found, token)
            return "" if mailed else token

        return await self._store.unit_of_work(work)

    async def check(self, token: str) -> str:
        """Whose link this is. Raises NotFound for one that is used, too old or made up."""
        now = self._people.now_ms()
        row = await self._store.read(lambda conn: repo.ticket(conn, rules.RESET, token, now))
        if row is None:
            raise link_gone()
        return str(row.sign_in)

    async def use(self, token: str, password: str, client: Client) -> None:
        """The new password holds, every session ends, and the link is used up. Nobody is signed in by it."""
        rules.check_password(password, await self.check(token))
        hashed = await self._people.passwords.hash(password)

        def work(tx: Tx) -> None:
            row = repo.ticket(tx.conn, rules.RESET, token, tx.now_ms)
            if row is None:
                raise link_gone()
            who = Who("person", row.id, row.name, client.address)
            self._people.replace_password(tx, who, row.id, hashed, kept=b"")

        await self._store.unit_of_work(work)


def link_gone() -> NotFound:
    return NotFound("This link does not fit any more: it was used or is too old. Ask for a new one.", code="link_gone")
