"""Who else may come in: invited, given a role and a part of the places, ended, removed.

Every change is decided by rules that are told everybody's standing as the rows are, in the transaction that makes it.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from sqlalchemy import Row

from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.mail import service as mail
from soundpost.hub.organization import service as organization
from soundpost.hub.people import repo, rules
from soundpost.hub.people.rules import Principal, Standing
from soundpost.hub.people.service import Client, People, SignedIn
from soundpost.hub.store import Store, Tx
from soundpost.kernel import ids
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import Conflict, Forbidden, Invalid, NotFound, TellUser

INVITATION = "invitation"
AT_ONCE = 20
"""How many are invited in one transaction: others who write wait for no more than that."""


class User(Struct, frozen=True):
    """One person as the Users screen shows them. `invited_until_ms` is 0 where no link waits."""

    id: str
    sign_in: str
    name: str
    role: str
    state: str
    places: frozenset[str]
    ends_ms: int
    created_ms: int
    seen_ms: int
    invited_by: str
    invited_until_ms: int = 0
    second_factor: bool = False


class Asked(Struct, frozen=True):
    """How one address of an entry ended: `added` with the link to send, or refused with a code and a sentence. `mail`: how the mail
    with the link is doing, see `Users.post`."""

    address: str
    user: str = ""
    token: str = ""
    mail: str = ""
    code: str = ""
    text: str = ""


class Grant(Struct):
    """What a person is given; what is unset stays."""

    role: str | UnsetType = UNSET
    places: frozenset[str] | UnsetType = UNSET
    ends_ms: int | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class Invited(Struct, frozen=True):
    """What a registration page shows of a link."""

    sign_in: str
    role: str
    by: str
    expires_ms: int
    ends_ms: int


class Users:
    def __init__(self, people: People, store: Store, clock: Clock) -> None:
        self._people, self._store, self._clock = people, store, clock
        self._looked_ms = clock.now_ms()
        self.post: Callable[[], str] = lambda: "not_set_up"
        """Whether mails leave: "" (at once), `not_set_up`, `address_missing` or `down` (they wait); handed in by who sends them."""

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def check_places(self, principal: Principal, grant: Grant) -> None:
        if grant.places is not UNSET and grant.places:
            self._people.places_within(principal, grant.places)

    def reaches(self, principal: Principal, user: User) -> bool:
        return self._people.reaches(principal, user.places)

    def locked(self, principal: Principal, user: User, owners: Sequence[User]) -> str | None:
        """Why this principal can't change this person, as one of `rules.LOCKS`; None: it can. `owners`: all there are."""
        if "administer" not in principal.rights:
            return "not_allowed"
        standing = _standing_of(user)
        try:
            rules.check_grant(principal, standing, None)
            self._people.check_reach(principal, standing.places)
            if user.role == "owner":
                others = (_standing_of(other) for other in owners if other.id != user.id)
                rules.check_owner_left(others, self._clock.now_ms())
        except Conflict:
            return "last_owner"
        except Forbidden:
            return "owner_only" if user.role == "owner" else "beyond_part"
        return None

    # --- asking

    async def all(self) -> list[User]:
        return [_user(row) for row in await self._store.read(repo.everybody)]

    async def get(self, id: str) -> User:
        row = await self._store.read(lambda conn: repo.one_of_everybody(conn, id))
        if row is None:
            raise no_such_person(id)
        return _user(row)

    # --- inviting

    async def invite(self, principal: Principal, who: Who, entry: str, grant: Grant) -> list[Asked]:
        """Each address is judged on its own; one that can't be added holds up no other."""
        wanted = _standing("", grant, Standing("", "", rules.INVITED))
        rules.check_end(wanted.ends_ms, self._clock.now_ms())
        rules.check_grant(principal, None, wanted)
        entries, here = rules.addresses(entry), set[str]()

        asked: list[Asked] = []
        for start in range(0, len(entries), AT_ONCE):
            some = entries[start : start + AT_ONCE]
            asked += await self._store.unit_of_work(lambda tx, some=some: self._add_each(tx, who, some, wanted, here))  # type: ignore[misc]
        return asked

    def _add_each(self, tx: Tx, who: Who, entries: Sequence[str], wanted: Standing, here: set[str]) -> list[Asked]:
        """`here`: whom this entry named already."""
        taken, asked = repo.sign_ins(tx.conn), []
        for address in entries:
            try:
                name = rules.check_name(address, mail=self._people.mail)
                if name in here:
                    raise Conflict(f"{name} stands twice in what was entered; it is invited once.", code="person_twice")
                if name in taken:
                    raise _taken(name)
            except TellUser as error:
                asked.append(Asked(address[:254], code=error.code, text=error.text))
                continue
            here.add(name)
            asked.append(self._add(tx, who, name, wanted))
        return asked

    def _add(self, tx: Tx, who: Who, name: str, wanted: Standing) -> Asked:
        id = ids.mint("usr", tx.now_ms)
        row = {
            "id": id, "sign_in": name, "name": name, "role": wanted.role, "password_hash": "", "created_ms": tx.now_ms,
            "state": rules.INVITED, "places": repo.joined(wanted.places), "ends_ms": wanted.ends_ms,
            "invited_by": who.name or who.id,
        }  # fmt: skip
        repo.add_person(tx.conn, row)
        token = self._link(tx, id, name, wanted, who)
        detail = {"before": None, "after": {"sign_in": name, **_plain(wanted)}}
        tx.log("person.invited", {"person": id, "name": name, "by": who.name or who.id})
        audit.recorded(tx, who, "person.invited", subject=id, detail=detail)
        return Asked(name, id, token, self._mail_state())

    def _link(self, tx: Tx, person: str, name: str, standing: Standing, who: Who) -> str:
        """A new link, and the mail that carries it; the ones before it fit no more, and what waits to be sent of them goes."""
        token, by, until = secrets.token_urlsafe(32), who.name or who.id, tx.now_ms + rules.INVITATION_MS
        repo.drop_invitations(tx.conn, person)
        repo.add_invitation(tx.conn, token, person, tx.now_ms, until, by)
        if self._people.mail:
            mail.cancel(tx, person, (INVITATION,))
            until = min(until, standing.ends_ms or until)
            params = {
                "by": by,
                "role": standing.role,
                "until_ms": until,
                "ends_ms": standing.ends_ms,
                "link": f"/register/{token}",
            }
            mail.queue(tx, "mail", name, INVITATION, params, person=person, expires_ms=until)
        return token

    def _mail_state(self) -> str:
        return (self.post() or "queued") if self._people.mail else "none"

    async def invite_again(self, principal: Principal, who: Who, id: str) -> Asked:
        def work(tx: Tx) -> Asked:
            before = _existing(tx, id)
            rules.check_grant(principal, before, before)
            self._people.check_reach(principal, before.places)
            if before.state != rules.INVITED:
                raise Conflict("This person has joined already.", code="not_invited")
            row = _row(tx, id)
            token = self._link(tx, id, row.sign_in, before, who)
            tx.log("person.invited_again", {"person": id, "name": row.name, "by": who.name or who.id})
            audit.recorded(tx, who, "person.invited_again", subject=id)
            return Asked(row.sign_in, id, token, self._mail_state())

        return await self._store.unit_of_work(work)

    # --- registering

    async def invited(self, token: str) -> Invited:
        """Raises NotFound for a link that is used, withdrawn, too old, or made up: nobody is told which."""
        now = self._clock.now_ms()
        row = await self._store.read(lambda conn: repo.invitation(conn, token, now))
        if row is None:
            raise no_such_link()
        return Invited(row.sign_in, row.role, row.by, min(row.expires_ms, row.ends_ms or row.expires_ms), row.ends_ms)

    async def register(
        self, token: str, name: str, password: str, terms: bool, client: Client, revision: int | None = None
    ) -> SignedIn:
        """The link's person chooses a password and is signed in; the link fits once. `revision`: of the terms that were read."""
        if not terms:
            raise Invalid("Accept the terms and the privacy policy to join.", code="terms_needed", field="terms")
        found = await self.invited(token)
        rules.check_password(password, found.sign_in)
        hashed = await self._people.passwords.hash(password)
        session = secrets.token_urlsafe(32)

        def work(tx: Tx) -> Principal:
            row = repo.invitation(tx.conn, token, tx.now_ms)
            if row is None:
                raise no_such_link()
            holds = organization.revision(tx)
            if revision is not None and revision != holds:
                raise Conflict("The terms changed meanwhile; read them again.", code="terms_changed", revision=holds)
            shown = " ".join(name.split())[:200] or row.sign_in
            accepted = {"terms_ms": tx.now_ms, "terms_revision": holds}
            repo.change_person(tx.conn, row.person, state=rules.ACTIVE, password_hash=hashed, name=shown, **accepted)
            repo.drop_invitations(tx.conn, row.person)
            mail.cancel(tx, row.person, (INVITATION,))
            tx.log("person.joined", {"person": row.person, "name": shown})
            audit.recorded(
                tx,
                Who("person", row.person, shown, client.address),
                "person.joined",
                subject=row.person,
                detail=accepted,
            )
            return self._people.open_session(tx, _row(tx, row.person), session, client)

        return self._people.signed_in(await self._store.unit_of_work(work), session)

    # --- changing

    async def change(self, principal: Principal, who: Who, id: str, grant: Grant) -> User:
        if grant.ends_ms is not UNSET:
            rules.check_end(grant.ends_ms, self._clock.now_ms())

        def work(tx: Tx) -> None:
            before = _existing(tx, id)
            after = _standing(id, grant, before)
            rules.check_grant(principal, before, after)
            self._people.check_reach(principal, before.places)
            _check_owner_left(tx, before, after)
            if after == before:
                return
            news = {
                "role": after.role,
                "state": after.state,
                "places": repo.joined(after.places),
                "ends_ms": after.ends_ms,
            }
            repo.change_person(tx.conn, id, **news)
            name = _row(tx, id).name
            detail = {"name": name, "before": _plain(before), "after": _plain(after)}
            tx.log("person.changed", {"person": id, "name": name, "by": who.name or who.id})
            audit.recorded(tx, who, "person.changed", subject=id, detail=detail)
            self._rights_changed(tx, id, out=after.state == rules.DISABLED)

        await self._store.unit_of_work(work)
        return await self.get(id)

    async def remove(self, principal: Principal, who: Who, id: str) -> None:
        """What the person did stays in the audit; an invitation that waits is withdrawn."""

        def work(tx: Tx) -> None:
            before = _existing(tx, id)
            rules.check_grant(principal, before, None)
            self._people.check_reach(principal, before.places)
            _check_owner_left(tx, before, None)
            row = _row(tx, id)
            self._rights_changed(tx, id, out=True)
            repo.drop_own_views(tx.conn, id)
            repo.remove_person(tx.conn, id)
            mail.cancel(tx, id)
            tx.log("person.removed", {"person": id, "name": row.name, "by": who.name or who.id})
            audit.recorded(
                tx,
                who,
                "person.removed",
                subject=id,
                detail={"before": {"sign_in": row.sign_in, "name": row.name, **_plain(before)}, "after": None},
            )

        await self._store.unit_of_work(work)

    def _rights_changed(self, tx: Tx, id: str, *, out: bool) -> None:
        """Sockets are opened anew with what holds now; whoever is out loses the sessions as well."""
        if out:
            repo.end_other_sessions(tx.conn, id, b"")
            repo.drop_tickets(tx.conn, rules.RESET, id)
            repo.drop_tickets(tx.conn, rules.SECOND, id)
        tx.after(lambda: self._people.ended.emit(id))

    async def end_those_whose_time_is_over(self) -> None:
        """Their sessions go, and their sockets at once: asked each second, so nobody stays longer than that."""
        now = self._clock.now_ms()
        since = self._looked_ms
        over = await self._store.read(lambda conn: repo.over(conn, since, now))
        for key in await self._store.read(lambda conn: repo.keys_over(conn, since, now)):
            self._people.ended.emit(key)
        if over:
            await self._end(over)
        self._looked_ms = now

    async def _end(self, over: list[str]) -> None:

        def work(tx: Tx) -> None:
            for id in over:
                if repo.end_other_sessions(tx.conn, id, b""):
                    audit.recorded(tx, audit.SYSTEM, "person.ended", subject=id)
                tx.after(lambda id=id: self._people.ended.emit(id))  # type: ignore[misc]

        await self._store.unit_of_work(work)


def _user(row: Row[Any]) -> User:
    names = ("id", "sign_in", "name", "role", "state", "ends_ms", "created_ms", "seen_ms", "invited_by")
    return User(
        **{name: getattr(row, name) for name in names},
        places=repo.split(row.places),
        invited_until_ms=row.expires_ms or 0,
        second_factor=bool(row.factor_ms),
    )


def _standing(id: str, grant: Grant, before: Standing) -> Standing:
    role = before.role if grant.role is UNSET else grant.role
    if role not in rules.ROLES:
        raise Invalid(f"A role is one of {', '.join(rules.RANKS)}.", code="invalid_argument", field="role")
    state = before.state
    if grant.disabled is True and state == rules.INVITED:
        raise Conflict(
            "This person has not joined yet, and the link still fits. Withdraw the invitation instead.",
            code="still_invited",
        )
    if grant.disabled is not UNSET and state != rules.INVITED:
        state = rules.DISABLED if grant.disabled else rules.ACTIVE
    places = before.places if grant.places is UNSET else grant.places
    ends = before.ends_ms if grant.ends_ms is UNSET else grant.ends_ms
    return Standing(id, role, state, places, ends)


def _row(tx: Tx, id: str) -> Row[Any]:
    row = repo.by_id(tx.conn, id)
    if row is None:
        raise no_such_person(id)
    return row


def _existing(tx: Tx, id: str) -> Standing:
    return standing(_row(tx, id))


def standing(row: Row[Any]) -> Standing:
    return Standing(row.id, row.role, row.state, repo.split(row.places), row.ends_ms)


def _check_owner_left(tx: Tx, before: Standing, after: Standing | None) -> None:
    if before.role != "owner":
        return
    others: Sequence[Standing] = [standing(row) for row in repo.owners(tx.conn) if row.id != before.id]
    rules.check_owner_left([*others, *([after] if after is not None else [])], tx.now_ms)


def _standing_of(user: User) -> Standing:
    return Standing(user.id, user.role, user.state, user.places, user.ends_ms)


def _plain(standing: Standing) -> dict[str, Any]:
    return {
        "role": standing.role, "state": standing.state, "places": sorted(standing.places), "ends_ms": standing.ends_ms,
    }  # fmt: skip


def _taken(name: str) -> Conflict:
    return Conflict(f"{name} is here already.", code="person_taken")


def no_such_person(id: str) -> NotFound:
    return NotFound("There is no such person.", code="no_such_person", id=id)


def no_such_link() -> NotFound:
    return NotFound(
        "This link does not fit any more: it was used, withdrawn or is too old. Ask for a new one.", code="link_gone"
    )
