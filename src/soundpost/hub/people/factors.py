"""The second factor: set up, asked for at sign-in, demanded by the organization, removed when the telephone is lost."""

import secrets

import pyotp
from msgspec import Struct
from sqlalchemy import Connection

from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.organization.service import Change
from soundpost.hub.people import repo, rules
from soundpost.hub.people.rules import Principal
from soundpost.hub.people.service import Client, People, SignedIn
from soundpost.hub.store import Store, Tx
from soundpost.kernel.errors import Conflict, Forbidden, NotFound, Unauthenticated

CODE = "\0code "
"""Codes are counted apart from passwords: one who knows the password gets no fresh tries by entering it again."""


class Factor(Struct, frozen=True):
    """`since_ms` is 0 while it is not in use. `demanded`: it can't be done without."""

    since_ms: int
    codes_left: int
    demanded: bool


class Begun(Struct, frozen=True):
    """For an authenticator app: the secret as letters, and the address that a QR code carries."""

    secret: str
    uri: str


class Factors:
    def __init__(self, people: People, store: Store) -> None:
        self._people, self._store = people, store

    async def of(self, principal: Principal) -> Factor:
        demanded = rules.demanded(self._people.policy, principal.role)

        def look(conn: Connection) -> Factor:
            found = repo.factor(conn, principal.id)
            since = found.enabled_ms if found is not None else 0
            return Factor(since, repo.recovery_codes_left(conn, principal.id), demanded)

        return await self._store.read(look)

    # --- setting up

    async def begin(self, principal: Principal, password: str, issuer: str) -> Begun:
        """A new secret, which counts once a code of it was entered."""
        await self._people.check_own_password(principal, password)
        secret = pyotp.random_base32()

        def work(tx: Tx) -> None:
            found = repo.factor(tx.conn, principal.id)
            if found is not None and found.enabled_ms:
                raise Conflict("A second factor is set up already; remove it first.", code="second_factor_there")
            sealed = tx.secrets.sealer.seal(secret.encode(), _context(principal.id))
            repo.put_factor(tx.conn, principal.id, sealed, tx.now_ms)

        await self._store.unit_of_work(work)
        uri = pyotp.TOTP(secret).provisioning_uri(name=principal.sign_in, issuer_name=issuer)
        return Begun(secret, uri)

    async def confirm(self, principal: Principal, who: Who, code: str, client: Client) -> list[str]:
        """The recovery codes, which are shown once. The person's other sessions end: none of them passed it."""
        browser = await self._people.pass_gate(principal.sign_in, client, CODE)

        def work(tx: Tx) -> list[str] | None:
            found = repo.factor(tx.conn, principal.id)
            if found is None or found.enabled_ms:
                raise Conflict("Begin the set-up again.", code="second_factor_not_begun")
            if not _totp_fits(tx, principal.id, code):
                return None
            repo.enable_factor(tx.conn, principal.id, tx.now_ms)
            codes = _new_codes(tx, principal.id)
            self._people.end_sessions(tx, principal.id, bytes.fromhex(principal.session))
            audit.recorded(tx, who, "person.second_factor", subject=principal.id)
            tx.log("person.second_factor", {"person": principal.id, "name": principal.name, "on": True})
            self._people.tell(tx, principal.id, "second_factor_changed", {"on": True, "address": who.address})
            return codes

        codes = await self._store.unit_of_work(work)
        if codes is None:
            raise wrong_first_code()
        self._people.gate_passed(principal.sign_in, client, browser, CODE)
        return codes

    async def renew_codes(self, principal: Principal, who: Who, password: str, code: str, client: Client) -> list[str]:
        def work(tx: Tx) -> list[str]:
            audit.recorded(tx, who, "person.recovery_codes", subject=principal.id)
            return _new_codes(tx, principal.id)

        await self._proved(principal, who, "person.recovery_codes", password, code, client)
        return await self._store.unit_of_work(work)

    async def disable(self, principal: Principal, who: Who, password: str, code: str, client: Client) -> None:
        if rules.demanded(self._people.policy, principal.role):
            raise Conflict(
                "A second factor is demanded of you; an owner can end that, or remove yours.",
                code="second_factor_needed",
            )
        await self._proved(principal, who, "person.second_factor_removed", password, code, client)
        await self._store.unit_of_work(lambda tx: self._remove(tx, who, principal.id))

    async def _proved(self, principal: Principal, who: Who, act: str, password: str, code: str, client: Client) -> None:
        """A wrong password or code stands in the audit as `act`, refused: a stolen session tries these."""

        def refused(tx: Tx, reason: str) -> None:
            audit.recorded(tx, who, act, subject=principal.id, result="refused", reason={"code": reason})

        def fits(tx: Tx) -> bool:
            if _code_fits(tx, principal.id, code):
                return True
            refused(tx, "wrong_code")
            return False

        try:
            await self._people.check_own_password(principal, password)
        except Forbidden as error:
            why = error.code
            await self._store.unit_of_work(lambda tx: refused(tx, why))
            raise
        browser = await self._people.pass_gate(principal.sign_in, client, CODE)
        if not await self._store.unit_of_work(fits):
            raise wrong_code()
        self._people.gate_passed(principal.sign_in, client, browser, CODE)

    # --- at sign-in

    async def sign_in(self, ticket: str, code: str, client: Client) -> SignedIn:
        """The second step. A ticket bears five tries, and what is tried counts for the person as well."""
        now = self._people.now_ms()
        asked = await self._store.read(lambda conn: repo.ticket(conn, rules.SECOND, ticket, now))
        if asked is None:
            raise ticket_gone()
        browser = await self._people.pass_gate(asked.sign_in, client, CODE)
        token = secrets.token_urlsafe(32)

        def work(tx: Tx) -> Principal | None:
            row = repo.ticket(tx.conn, rules.SECOND, ticket, tx.now_ms)
            if row is None or not repo.try_ticket(tx.conn, row.token_hash, rules.MOST_TRIES):
                raise ticket_gone()
            who = Who("person", row.id, row.name, client.address)
            if not _code_fits(tx, row.id, code):
                audit.recorded(tx, who, "session.opened", result="refused", reason={"code": "wrong_code"})
                tx.log("session.refused", {"sign_in": row.sign_in, "address": client.address, "reason": "wrong_code"})
                return None
            repo.drop_tickets(tx.conn, rules.SECOND, row.id)
            return self._people.open_session(tx, row, token, client)

        principal = await self._store.unit_of_work(work)
        if principal is None:
            raise wrong_code()
        self._people.gate_passed(asked.sign_in, client, browser, CODE)
        return self._people.signed_in(principal, token)

    # --- of others

    async def remove(self, principal: Principal, who: Who, person: str) -> None:
        """An owner's: the telephone is lost. The person is told."""
        rules.check_other(principal, person)

        await self._store.unit_of_work(lambda tx: self._remove(tx, who, person))

    def _remove(self, tx: Tx, who: Who, person: str) -> None:
        row = repo.by_id(tx.conn, person)
        if row is None:
            raise NotFound("There is no such person.", code="no_such_person", id=person)
        if not repo.drop_factor(tx.conn, person):
            raise Conflict("There is no second factor to remove.", code="no_second_factor")
        audit.recorded(tx, who, "person.second_factor_removed", subject=person)
        told = {"person": person, "name": row.name, "on": False, "by": who.name or who.id}
        tx.log("person.second_factor", told)
        self._people.tell(tx, person, "second_factor_changed", {"on": False, "address": who.address})
        tx.after(lambda: self._people.ended.emit(person) if who.id != person else None)

    async def demand(self, who: Who, policy: str) -> None:
        """A setting of the organization. Whoever lacks one that is demanded can do nothing but set one up: their sockets come back to
        that."""
        await self._people.organization.change(who, Change(second_factor=policy))
        for row in await self._store.read(repo.without_factor):
            self._people.ended.emit(row.id)


def _context(person: str) -> str:
    return f"second factor {person}"


def _code_fits(tx: Tx, person: str, typed: str) -> bool:
    """A code of the app, or a recovery code; either fits once."""
    found = repo.factor(tx.conn, person)
    if found is None or not found.enabled_ms:
        return False
    return _totp_fits(tx, person, typed) or repo.use_recovery_code(tx.conn, person, _hashed(person, typed))


def _totp_fits(tx: Tx, person: str, typed: str) -> bool:
    found, code = repo.factor(tx.conn, person), rules.plain_code(typed)
    if found is None or not code.isascii() or not code.isdigit():
        return False
    totp = pyotp.TOTP(tx.secrets.sealer.open(bytes(found.secret), _context(person)).decode())
    fitting = [step for step in rules.steps(tx.now_ms) if secrets.compare_digest(totp.at(step * rules.STEP_S), code)]
    return bool(fitting) and repo.use_step(tx.conn, person, fitting[-1])


def _new_codes(tx: Tx, person: str) -> list[str]:
    codes = [rules.recovery_code(secrets.token_bytes(16)) for _ in range(rules.CODES)]
    repo.put_recovery_codes(tx.conn, person, [_hashed(person, code) for code in codes])
    return codes


def _hashed(person: str, code: str) -> bytes:
    return repo.digest(f"{person} {rules.plain_code(code)}")


def wrong_code() -> Unauthenticated:
    return Unauthenticated(
        "This code does not fit. Enter the one that the app shows now, each once, or a recovery code.",
        code="wrong_code",
    )


def wrong_first_code() -> Unauthenticated:
    """While it is set up: no recovery code exists yet."""
    return Unauthenticated(
        "This code does not fit. Enter the one that the app shows now, each once.", code="wrong_first_code"
    )


def ticket_gone() -> Unauthenticated:
    return Unauthenticated("This took too long or too many tries; sign in again.", code="ticket_gone")
