"""The first owner, signing in and out, API keys."""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Literal, NoReturn

from msgspec import Struct
from sqlalchemy import Connection, Row

from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.mail import service as mail
from soundpost.hub.organization.service import Organization
from soundpost.hub.people import repo, rules
from soundpost.hub.people.keyring import Keyring
from soundpost.hub.people.passwords import Passwords
from soundpost.hub.people.rules import Principal
from soundpost.hub.store import Store, Tx, meta
from soundpost.kernel import ids
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from soundpost.kernel.signal import Signal

DAY_MS = 86_400_000
SESSION_MS = 14 * DAY_MS
LONGEST_MS = 90 * DAY_MS
BROWSER_MS = 365 * DAY_MS
TOUCH_MS = 300_000
FIRST_RUN = "first_run"

PlacesWithin = Callable[[Principal, Collection[str]], None]
AgentAccountCheck = Callable[[str, str], Awaitable[bool]]


class Client(Struct, frozen=True):
    """Where a request comes from."""

    address: str = ""
    browser: str = ""
    own_machine: bool = True
    known: str = ""
    """What the browser's long-lived cookie says: nothing but that somebody signed in with it before."""


class SignedIn(Struct, frozen=True):
    """`token` goes into the cookie and nowhere else."""

    principal: Principal
    token: str
    lasts_s: int


class SecondAsked(Struct, frozen=True):
    """The password was right; a code must follow within the time, and the ticket says for whom. No session yet."""

    ticket: str
    lasts_s: int


class Starter(Struct, frozen=True):
    """What `--ready-json` prints once on an empty data folder."""

    sign_in: str
    password: str
    api_key: str


async def no_agents(_name: str, _password: str) -> bool:
    return False


class People:
    """`mail`: sign-in names are e-mail addresses (the hub). `own_machine_first`: first run only from this very machine (a Local
    Agent). `agent_account_check`: is this an agent's name and password? handed in by app, since agents is the room above.
    `origins`: further page origins that are ours (a reverse proxy's). `proxies`: the ones whose X-Forwarded-For is believed.
    A session ends `idle_ms` after its last use, and `longest_ms` after its start whatever its use."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        mail: bool = True,
        own_machine_first: bool = False,
        agent_account_check: AgentAccountCheck = no_agents,
        origins: frozenset[str] = frozenset(),
        proxies: rules.Networks = (),
        idle_ms: int = SESSION_MS,
        longest_ms: int = LONGEST_MS,
        passwords: Passwords | None = None,
    ) -> None:
        self._store, self._clock = store, clock
        self.proxies = proxies
        self._idle_ms, self._longest_ms = min(idle_ms, longest_ms), longest_ms
        self.organization = Organization(store)
        """Whose settings hold for everybody; an edition with an address of its own says so before the start."""
        self.can_mail: Callable[[], bool] = lambda: False
        """Is mail set up, so that a link can be sent? Handed in by the room that sends."""
        self.can_text: Callable[[], bool] = lambda: False
        """Is there a gateway for text messages?"""
        self.places_within: PlacesWithin = lambda principal, places: None
        """Raises where one of the places is not there, or not in the principal's part; handed in, since places lie above."""
        self.mail, self._own_machine_first = mail, own_machine_first
        self.agent_account_check = agent_account_check
        self.origins = origins
        self.passwords = passwords or Passwords()
        self.instance = ""
        self.first_run_open = False
        self.ended: Signal[str] = Signal("session ended")
        """Emits a Principal's `session` when it ends, and a person's id when their rights change: live subscriptions stop."""
        self.keyring = Keyring(store, clock, lambda: self.policy)
        self._attempts = rules.Attempts()
        self._gate = rules.Gate()

    async def start(self) -> str | None:
        """Before the first request. Returns the one-time code of the first run, None when an owner exists. Each start makes a
        new code, since only its hash is kept."""
        await self.organization.start()
        code = ids.text(secrets.token_bytes(16))[-20:]
        self.first_run_open = await self._store.unit_of_work(lambda tx: self._begin(tx, code))
        return code if self.first_run_open else None

    @property
    def policy(self) -> str:
        """Of whom a second factor is demanded."""
        return self.organization.settings.second_factor

    def _begin(self, tx: Tx, code: str) -> bool:
        self.instance = meta.instance(tx)
        if repo.anyone(tx.conn):
            return False
        meta.put(tx, FIRST_RUN, repo.digest(code))
        return True

    def close(self) -> None:
        self.passwords.close()

    # -- the first owner

    async def first_run(self, code: str, sign_in: str, name: str, password: str, client: Client) -> SignedIn:
        if self._own_machine_first and not client.own_machine:
            raise Forbidden(
                "The first sign-in of a Local Agent is made on its own machine; open the page there.",
                code="first_run_elsewhere",
            )
        if not self.first_run_open:
            raise first_run_done()
        key = (client.address, "\0first-run")
        self._attempts.take(key, self._clock.monotonic())
        if not await self._store.read(lambda conn: code_fits(conn, code)):
            raise Forbidden(
                "This is not the code of the start-up address. Open the address the program printed when it started.",
                code="first_run_code",
            )
        return await self._add_owner(sign_in, name, password, client)

    async def _add_owner(self, sign_in: str, name: str, password: str, client: Client) -> SignedIn:
        chosen = rules.check_name(sign_in, mail=self.mail)
        rules.check_password(password, chosen)
        hashed = await self.passwords.hash(password)
        token = secrets.token_urlsafe(32)

        def work(tx: Tx) -> Principal:
            person = self._insert_owner(tx, chosen, name, hashed, client)
            return self.open_session(tx, person, token, client)

        return self.signed_in(await self._store.unit_of_work(work), token)

    def _insert_owner(self, tx: Tx, sign_in: str, name: str, hashed: str, client: Client) -> Row[Any]:
        if repo.anyone(tx.conn):
            raise first_run_done()
        id = ids.mint("usr", tx.now_ms)
        shown = name.strip()[:200] or sign_in
        repo.add_person(
            tx.conn,
            {
                "id": id,
                "sign_in": sign_in,
                "name": shown,
                "role": "owner",
                "password_hash": hashed,
                "created_ms": tx.now_ms,
            },
        )
        meta.drop(tx, FIRST_RUN)
        tx.log("person.added", {"person": id, "sign_in": sign_in, "name": shown, "role": "owner"})
        who = Who("person", id, shown, client.address)
        audit.recorded(
            tx, who, "person.added", subject=id, detail={"before": None, "after": {"sign_in": sign_in, "role": "owner"}}
        )
        tx.after(lambda: setattr(self, "first_run_open", False))
        person = repo.by_id(tx.conn, id)
        assert person is not None
        return person

    async def ready_owner(self, sign_in: str) -> Starter | None:
        """An owner with a made-up password and a control-scope key, on an empty data folder; None where people exist."""
        if not self.first_run_open:
            return None
        password = secrets.token_urlsafe(15)
        hashed = await self.passwords.hash(password)

        def work(tx: Tx) -> str:
            person = self._insert_owner(tx, rules.check_name(sign_in, mail=self.mail), "Owner", hashed, Client())
            return self._insert_key(tx, person.id, "made at the first start", "control")

        return Starter(sign_in, password, await self._store.unit_of_work(work))

    def _insert_key(self, tx: Tx, person: str, name: str, scope: str) -> str:
        id, key = self.keyring.insert(tx, person, name, scope)
        audit.recorded(
            tx, audit.SYSTEM, "key.added", subject=id, detail={"name": name, "scope": scope, "person": person}
        )
        return key

    async def add_key(self, person: str, name: str, scope: str) -> str:
        """For this program itself. The key, which is shown once: only its hash is kept."""
        if scope not in rules.SCOPES:
            raise Invalid("A key's scope is read, control or administer.", code="invalid_argument", field="scope")
        return await self._store.unit_of_work(lambda tx: self._insert_key(tx, person, name, scope))

    async def is_person(self, name: str) -> bool:
        """Does a person sign in by this name? For the sentence an agent gets that was given a person's account."""
        return await self._store.read(lambda conn: repo.by_sign_in(conn, rules.asked_name(name)) is not None)

    # -- signing in

    async def sign_in(self, sign_in: str, password: str, client: Client) -> SignedIn | SecondAsked:
        """Whoever is unknown, invited, disabled or over costs as much as whoever is here, and is told the same."""
        name = rules.asked_name(sign_in)
        browser = await self.pass_gate(name, client)
        person = await self._store.read(lambda conn: repo.by_sign_in(conn, name))
        out = person is None or not may_come_in(person, self._clock.now_ms())
        hashed = person.password_hash if person is not None and not out else None
        if not await self.passwords.verify(hashed or None, password) or person is None or out:
            await self._refuse(name, sign_in, password, client)
        self._gate.went_well(name, client.address, browser)
        token, verified = secrets.token_urlsafe(32), person.password_hash

        def work(tx: Tx) -> Principal | None:
            found = repo.by_id(tx.conn, person.id)
            if found is None or found.password_hash != verified or not may_come_in(found, self._clock.now_ms()):
                raise wrong_sign_in()  # changed while the password was judged
            if _has_factor(tx, found.id):
                repo.add_ticket(tx.conn, rules.SECOND, token, found.id, tx.now_ms, rules.LASTS_MS[rules.SECOND])
                return None
            return self.open_session(tx, found, token, client)

        principal = await self._store.unit_of_work(work)
        if principal is None:
            return SecondAsked(token, rules.LASTS_MS[rules.SECOND] // 1000)
        return self.signed_in(principal, token)

    async def pass_gate(self, name: str, client: Client, what: str = "") -> str:
        """Counts a try to be `name`, or at one of `name`'s codes. Raises TooMany. Returns what the browser is known by, "" for a
        stranger; `gate_passed` wants it."""
        known = await self._store.read(lambda conn: repo.knows_browser(conn, client.known, name))
        browser = repo.digest(client.known).hex() if known else ""
        self._gate.take(name, client.address, browser, self._clock.monotonic(), what=what)
        return browser

    def gate_passed(self, name: str, client: Client, browser: str, what: str = "") -> None:
        self._gate.went_well(name, client.address, browser, what=what)

    def signed_in(self, principal: Principal, token: str) -> SignedIn:
        return SignedIn(principal, token, self._longest_ms // 1000)

    async def _refuse(self, name: str, sign_in: str, password: str, client: Client) -> NoReturn:
        agents = await self.agent_account_check(sign_in.strip(), password)
        code = "agent_account" if agents else "sign_in_failed"

        def work(tx: Tx) -> None:
            tx.log("session.refused", {"sign_in": name, "address": client.address, "reason": code})
            who = Who("system", name=name, address=client.address)
            audit.recorded(tx, who, "session.opened", result="refused", reason={"code": code})

        await self._store.unit_of_work(work)
        if agents:
            raise Forbidden(
                "This is a server's account, not a person's: enter it at the Local Agent under Connect to Central Hub.",
                code="agent_account",
            )
        raise wrong_sign_in()

    def open_session(self, tx: Tx, person: Row[Any], token: str, client: Client) -> Principal:
        """A new session under a new token (whatever the browser sent before), which the browser is known by from now on."""
        repo.sweep_sessions(tx.conn, tx.now_ms)
        repo.sweep_browsers(tx.conn, tx.now_ms - BROWSER_MS)
        repo.keep_browser(tx.conn, client.known, browser_token(token), person.id, tx.now_ms)
        row = {
            "token_hash": repo.digest(token),
            "person": person.id,
            "created_ms": tx.now_ms,
            "seen_ms": tx.now_ms,
            "expires_ms": tx.now_ms + self._idle_ms,
            "address": client.address,
            "browser": client.browser,
        }
        repo.add_session(tx.conn, row)
        repo.change_person(tx.conn, person.id, seen_ms=tx.now_ms)
        told = {"person": person.id, "name": person.name, "sign_in": person.sign_in, "address": client.address}
        tx.log("session.opened", told)
        audit.recorded(tx, Who("person", person.id, person.name, client.address), "session.opened", subject=person.id)
        return self.of_person(person, repo.digest(token), has_factor=_has_factor(tx, person.id), begun_ms=tx.now_ms)

    async def sign_out(self, who: Who, session: str) -> None:
        def work(tx: Tx) -> None:
            if repo.end_session(tx.conn, bytes.fromhex(session)):
                audit.recorded(tx, who, "session.ended", subject=who.id)
                tx.after(lambda: self.ended.emit(session))

        await self._store.unit_of_work(work)

    async def change_password(self, principal: Principal, who: Who, current: str, new: str) -> None:
        """Ends the person's other sessions."""
        await self.check_own_password(principal, current)
        rules.check_password(new, principal.sign_in)
        hashed = await self.passwords.hash(new)
        await self._store.unit_of_work(
            lambda tx: self.replace_password(tx, who, principal.id, hashed, kept=bytes.fromhex(principal.session))
        )

    async def check_own_password(self, principal: Principal, password: str) -> None:
        """Before what a stolen session must not do. Counted by the session: nobody else can use it up."""
        if principal.kind != "person":
            raise Forbidden("An API key has no account; sign in as a person.", code="not_a_person")
        key = (principal.session, principal.id)
        self._attempts.take(key, self._clock.monotonic())
        person = await self._store.read(lambda conn: repo.by_id(conn, principal.id))
        if person is None or not await self.passwords.verify(person.password_hash, password):
            raise Forbidden("The present password is wrong.", code="wrong_password", field="password")
        self._attempts.cleared(key)

    async def reset_password(self, sign_in: str | None = None, *, second_factor: bool = False) -> Starter:
        """For the command line of the machine itself: a new made-up password for this name, or for the first owner.
        `second_factor`: it is removed as well."""
        name = rules.asked_name(sign_in) if sign_in else None
        person = await self._store.read(lambda c: repo.by_sign_in(c, name) if name else repo.first_owner(c))
        if person is None:
            raise NotFound("Nobody has that sign-in name here.", code="no_such_person")
        password = secrets.token_urlsafe(15)
        hashed = await self.passwords.hash(password)

        def work(tx: Tx) -> None:
            self.replace_password(tx, audit.SYSTEM, person.id, hashed, kept=b"")
            if second_factor and repo.drop_factor(tx.conn, person.id):
                audit.recorded(tx, audit.SYSTEM, "person.second_factor_removed", subject=person.id)

        await self._store.unit_of_work(work)
        return Starter(person.sign_in, password, "")

    def replace_password(self, tx: Tx, who: Who, person: str, hashed: str, *, kept: bytes) -> None:
        """What the old one opened is closed: sessions but `kept`, links, half-done sign-ins. The person is told."""
        repo.set_password(tx.conn, person, hashed)
        repo.drop_tickets(tx.conn, rules.RESET, person)
        repo.drop_tickets(tx.conn, rules.SECOND, person)
        if not kept:
            repo.forget_browsers(tx.conn, person)
        gone = self.end_sessions(tx, person, kept)
        audit.recorded(tx, who, "person.password", subject=person, detail={"sessions_ended": gone})
        self.tell(tx, person, "password_changed", {"address": who.address})

    def end_sessions(self, tx: Tx, person: str, kept: bytes = b"") -> int:
        """All of a person's but `kept`; their sockets close when it is committed. Returns how many."""
        gone = repo.end_other_sessions(tx.conn, person, kept)
        tx.after(lambda: self._tell_ended(gone))
        return len(gone)

    def tell(self, tx: Tx, person: str, kind: str, params: dict[str, Any]) -> None:
        """A mail to the person, where names are addresses (a Local Agent sends none)."""
        row = repo.by_id(tx.conn, person)
        if row is not None and self.mail:
            params = {"name": row.name, "time": tx.now_ms, **params}
            mail.queue(tx, "mail", row.sign_in, kind, params, language=row.language, person=row.id)

    def reaches(self, principal: Principal, places: frozenset[str]) -> bool:
        """Whether all of a person's access, which is limited to `places`, lies in the principal's part of them."""
        if not principal.places:
            return True
        try:
            self.places_within(principal, places)
        except (NotFound, Forbidden):
            return False
        return bool(places)

    def check_reach(self, principal: Principal, places: frozenset[str]) -> None:
        """Who is limited to a part of the places may change only those whose access lies in it."""
        if not self.reaches(principal, places):
            raise Forbidden(
                "This person's access reaches beyond your part of the places; ask an owner.",
                code="not_allowed",
                right="own",
            )

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def _tell_ended(self, sessions: list[bytes]) -> None:
        for session in sessions:
            self.ended.emit(session.hex())

    # -- who stands behind a request

    async def principal_of_token(self, token: str) -> Principal | None:
        hashed, now = repo.digest(token), self._clock.now_ms()
        row = await self._store.read(lambda conn: repo.session(conn, hashed, now))
        if row is None:
            return None
        if now - row.seen_ms > TOUCH_MS:  # not with each request: a page asks often, and each touch is a commit
            await self._store.unit_of_work(
                lambda tx: repo.touch_session(
                    tx.conn, hashed, tx.now_ms, min(tx.now_ms + self._idle_ms, row.created_ms + self._longest_ms)
                )
            )
        return self.of_person(row, hashed, has_factor=bool(row.factor_ms), begun_ms=row.created_ms)

    def of_person(self, row: Row[Any], token_hash: bytes, *, has_factor: bool, begun_ms: int) -> Principal:
        """`begun_ms`: of the session."""
        return Principal(
            *("person", row.id, row.name, row.sign_in, row.role),
            rules.ROLES.get(row.role, frozenset()),
            session=token_hash.hex(),
            places=repo.split(row.places),
            language=row.language,
            zone=row.zone,
            held_back=self._held_back(row, begun_ms, has_factor),
        )

    def _held_back(self, row: Row[Any], begun_ms: int, has_factor: bool) -> Literal["", "terms", "factor"]:
        terms = self.organization.settings.terms
        if rules.terms_due(terms.revision, row.terms_revision, terms.since_ms, begun_ms):
            return "terms"
        return "factor" if not has_factor and rules.demanded(self.policy, row.role) else ""

    async def principal_of_key(self, key: str, address: str = "") -> Principal | None:
        return await self.keyring.principal(key, address)


def may_come_in(row: Row[Any], now_ms: int) -> bool:
    return row.state == rules.ACTIVE and not 0 < row.ends_ms <= now_ms


def _has_factor(tx: Tx, person: str) -> bool:
    found = repo.factor(tx.conn, person)
    return found is not None and found.enabled_ms > 0


def browser_token(token: str) -> str:
    """Of a session's token, one way: whoever reads the one cookie can't make the other."""
    return hashlib.sha256(b"browser " + token.encode()).hexdigest()


def wrong_sign_in() -> Unauthenticated:
    return Unauthenticated("Name or password is wrong.", code="sign_in_failed")


def code_fits(conn: Connection, code: str) -> bool:
    kept = meta.get(conn, FIRST_RUN)
    return kept is not None and hmac.compare_digest(kept, repo.digest(code.strip()))


def first_run_done() -> Conflict:
    return Conflict("The first owner exists already; sign in instead.", code="first_run_done")
