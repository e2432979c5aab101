"""One's own account: name, language, time zone, number, and where one is signed in."""

import secrets
import zoneinfo
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from sqlalchemy import Row

from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.mail import service as mail
from soundpost.hub.organization import service as organization
from soundpost.hub.people import repo, rules
from soundpost.hub.people.rules import Principal
from soundpost.hub.people.service import People
from soundpost.hub.store import Store, Tx
from soundpost.kernel.errors import Conflict, Forbidden, Invalid, NotFound

LANGUAGES = ("", "en", "de", "es")
SHOWN = 24
"""How many letters of a session's digest name it: it names, and lets nobody in."""


class Profile(Struct):
    """What somebody changes of their own; what is unset stays."""

    name: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    zone: str | UnsetType = UNSET


class OpenSession(Struct, frozen=True):
    id: str
    address: str
    browser: str
    created_ms: int
    seen_ms: int
    here: bool


class Account:
    def __init__(self, people: People, store: Store) -> None:
        self._people, self._store = people, store
        self._texts = rules.Attempts(free=3)

    async def row(self, principal: Principal) -> Row[Any]:
        _person_only(principal)
        found = await self._store.read(lambda conn: repo.by_id(conn, principal.id))
        if found is None:
            raise NotFound("Your account was removed.", code="no_such_person")
        return found

    async def change(self, principal: Principal, who: Who, wanted: Profile) -> None:
        _person_only(principal)
        values = _checked(wanted)

        def work(tx: Tx) -> None:
            before = repo.by_id(tx.conn, principal.id)
            changed = {name: value for name, value in values.items() if getattr(before, name) != value}
            if not changed:
                return
            repo.change_person(tx.conn, principal.id, **changed)
            audit.recorded(
                tx,
                who,
                "person.profile",
                subject=principal.id,
                detail={"before": {name: getattr(before, name) for name in changed}, "after": changed},
            )

        await self._store.unit_of_work(work)

    async def accept(self, principal: Principal, who: Who, revision: int) -> None:
        """The terms as they are now. Raises Conflict where others hold by now than those that were read."""
        _person_only(principal)

        def work(tx: Tx) -> None:
            holds = organization.revision(tx)
            if revision != holds:
                raise Conflict("The terms changed meanwhile; read them again.", code="terms_changed", revision=holds)
            accepted = {"terms_ms": tx.now_ms, "terms_revision": holds}
            repo.change_person(tx.conn, principal.id, **accepted)
            audit.recorded(tx, who, "person.terms", subject=principal.id, detail=accepted)

        await self._store.unit_of_work(work)

    # --- sessions

    async def sessions(self, principal: Principal) -> list[OpenSession]:
        _person_only(principal)
        now = self._people.now_ms()
        rows = await self._store.read(lambda conn: repo.sessions_of(conn, principal.id, now))
        return [
            OpenSession(
                bytes(row.token_hash).hex()[:SHOWN], row.address, row.browser, row.created_ms, row.seen_ms,
                bytes(row.token_hash).hex() == principal.session,
            )
            for row in rows
        ]  # fmt: skip

    async def end_session(self, principal: Principal, who: Who, id: str) -> None:
        _person_only(principal)

        def work(tx: Tx) -> None:
            for row in repo.sessions_of(tx.conn, principal.id, 0):
                session = bytes(row.token_hash).hex()
                if session[:SHOWN] == id:
                    repo.end_session(tx.conn, bytes(row.token_hash))
                    audit.recorded(tx, who, "session.ended", subject=principal.id)
                    tx.after(lambda ended=session: self._people.ended.emit(ended))  # type: ignore[misc]
                    return
            raise NotFound("This session has ended already.", code="no_such_session", id=id)

        await self._store.unit_of_work(work)

    async def end_others(self, principal: Principal, who: Who) -> int:
        """All but this one. Returns how many."""
        _person_only(principal)
        return await self._end_all(who, principal.id, bytes.fromhex(principal.session))

    async def sign_out(self, who: Who, person: str) -> int:
        """All of somebody's sessions, as an owner wants it."""
        return await self._end_all(who, person, b"")

    async def _end_all(self, who: Who, person: str, kept: bytes) -> int:
        def work(tx: Tx) -> int:
            if repo.by_id(tx.conn, person) is None:
                raise NotFound("There is no such person.", code="no_such_person", id=person)
            ended = self._people.end_sessions(tx, person, kept)
            audit.recorded(tx, who, "session.all_ended", subject=person, detail={"sessions_ended": ended})
            return ended

        return await self._store.unit_of_work(work)

    # --- the number for text messages

    async def change_number(self, principal: Principal, who: Who, typed: str) -> None:
        """Stored at once; not verified until the code that is sent to it was entered."""
        _person_only(principal)
        number = rules.check_number(typed)

        def work(tx: Tx) -> None:
            before = repo.by_id(tx.conn, principal.id)
            if before is None or before.number == number:
                return
            self._store_number(tx, principal.id, who, before.number, number)

        await self._store.unit_of_work(work)
        if self._people.can_text():
            await self.send_code(principal)

    async def clear_number(self, principal: Principal, who: Who) -> None:
        _person_only(principal)

        def work(tx: Tx) -> None:
            before = repo.by_id(tx.conn, principal.id)
            if before is not None and before.number:
                self._store_number(tx, principal.id, who, before.number, "")

        await self._store.unit_of_work(work)

    def _store_number(self, tx: Tx, person: str, who: Who, before: str, after: str) -> None:
        repo.change_person(tx.conn, person, number=after, number_verified_ms=0)
        repo.drop_tickets(tx.conn, rules.NUMBER, person)
        detail = {"before": rules.masked(before), "after": rules.masked(after)}
        audit.recorded(tx, who, "person.number", subject=person, detail=detail)

    async def send_code(self, principal: Principal) -> None:
        """By text message, to the number that stands there. Raises TooMany: each message costs somebody money."""
        _person_only(principal)
        if not self._people.can_text():
            raise Conflict("No gateway for text messages is set up; ask an owner.", code="no_text_gateway")
        self._texts.take(("", principal.id), self._people.monotonic())
        code = f"{secrets.randbelow(1_000_000):06}"

        def work(tx: Tx) -> None:
            row = repo.by_id(tx.conn, principal.id)
            if row is None or not row.number:
                raise Conflict("There is no number to verify.", code="no_number")
            repo.drop_tickets(tx.conn, rules.NUMBER, row.id)
            sealed = tx.secrets.sealer.seal(f"{code} {row.number}".encode(), f"number {row.id}")
            token = secrets.token_urlsafe(32)
            repo.add_ticket(tx.conn, rules.NUMBER, token, row.id, tx.now_ms, rules.LASTS_MS[rules.NUMBER], sealed)
            mail.queue(
                tx,
                "sms",
                row.number,
                "number_code",
                {"code": code, "minutes": 10},
                language=row.language,
                person=row.id,
            )

        await self._store.unit_of_work(work)

    async def verify_number(self, principal: Principal, who: Who, typed: str) -> None:
        _person_only(principal)

        def work(tx: Tx) -> bool:
            row, ticket = (
                repo.by_id(tx.conn, principal.id),
                repo.ticket_of(tx.conn, rules.NUMBER, principal.id, tx.now_ms),
            )
            if row is None or ticket is None or not repo.try_ticket(tx.conn, ticket.token_hash, rules.MOST_TRIES):
                raise Conflict("This code is too old or was tried too often; have a new one sent.", code="code_gone")
            sent = tx.secrets.sealer.open(bytes(ticket.body), f"number {row.id}").decode()
            given = f"{rules.plain_code(typed)} {row.number}"
            if not secrets.compare_digest(sent.encode(), given.encode()):
                return False
            repo.change_person(tx.conn, row.id, number_verified_ms=tx.now_ms)
            repo.drop_tickets(tx.conn, rules.NUMBER, row.id)
            audit.recorded(tx, who, "person.number_verified", subject=row.id)
            return True

        if not await self._store.unit_of_work(work):
            raise Invalid("This is not the code that was sent.", code="wrong_number_code", field="code")


def _person_only(principal: Principal) -> None:
    if principal.kind != "person":
        raise Forbidden("An API key has no account; sign in as a person.", code="not_a_person")


def _checked(wanted: Profile) -> dict[str, str]:
    values: dict[str, str] = {}
    if wanted.name is not UNSET:
        values["name"] = " ".join(wanted.name.split())[:200]
        if not values["name"] or not values["name"].isprintable():
            raise Invalid("Enter a name.", code="invalid_argument", field="name")
    if wanted.language is not UNSET:
        if wanted.language not in LANGUAGES:
            raise Invalid("Choose en, de or es.", code="invalid_argument", field="language")
        values["language"] = wanted.language
    if wanted.zone is not UNSET:
        if wanted.zone and wanted.zone not in zoneinfo.available_timezones():
            raise Invalid("Choose a time zone such as Europe/London.", code="invalid_argument", field="zone")
        values["zone"] = wanted.zone
    return values
