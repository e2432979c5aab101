"""API keys: each person's own, and those of the people somebody may manage."""

from typing import Any

from msgspec import Struct
from sqlalchemy import Row

from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.people import key_rules, repo, rules
from soundpost.hub.people.rules import Principal, Standing
from soundpost.hub.people.service import People
from soundpost.hub.store import Store, Tx
from soundpost.kernel.errors import Forbidden, NotFound, TellUser
from soundpost.kernel.signal import Signal


class Key(Struct, frozen=True):
    """One key as its screen shows it. `weaker`: why it does less than its scope says, see `key_rules.WEAKER`; `scope_now`: what is left,
    "" for nothing. `places` empty: all that its person sees."""

    id: str
    name: str
    prefix: str
    scope: str
    scope_now: str
    weaker: str | None
    places: frozenset[str]
    person: str
    person_name: str
    created_ms: int
    expires_ms: int
    used_ms: int
    used_from: str


class Wanted(Struct, frozen=True):
    """`expires_ms` 0: never. `places` empty: all that its person sees."""

    name: str
    scope: str
    places: frozenset[str] = frozenset()
    expires_ms: int = 0


class Keys:
    """Keys are for people to look after: no key makes, sees or revokes another."""

    def __init__(self, people: People, store: Store) -> None:
        self._people, self._store = people, store
        self.changed: Signal[str] = Signal("keys changed")
        """Emits the id of a key that was made or revoked."""

    async def all(self, reader: Principal) -> list[Key]:
        """Newest first."""
        _person_only(reader)
        rows = await self._store.read(repo.all_keys)
        return [self._key(row) for row in rows if self._may_see(reader, row)]

    async def add(self, principal: Principal, who: Who, wanted: Wanted) -> tuple[Key, str]:
        """The new key, and its text, which is told here and never again."""
        _person_only(principal)
        name = key_rules.check_name(wanted.name)
        key_rules.check_scope(principal, wanted.scope)
        rules.check_end(wanted.expires_ms, self._people.now_ms(), field="expires")
        self._people.places_within(principal, wanted.places)

        def work(tx: Tx) -> tuple[Row[Any], str]:
            key_rules.check_room(repo.count_keys(tx.conn, principal.id))
            more = {"places": repo.joined(wanted.places), "expires_ms": wanted.expires_ms}
            id, key = self._people.keyring.insert(tx, principal.id, name, wanted.scope, **more)
            detail = {"name": name, "scope": wanted.scope, "person": principal.id, **more}
            tx.log("key.added", {"key": id, "person": principal.id, "name": name, "by": who.name or who.id})
            audit.recorded(tx, who, "key.added", subject=id, detail=detail)
            tx.after(lambda: self.changed.emit(id))
            return _existing(tx, id), key

        row, key = await self._store.unit_of_work(work)
        return self._key(row), key

    async def revoke(self, principal: Principal, who: Who, id: str) -> None:
        """It works no more, and what it holds open is closed. One that the reader may not see is not there."""
        _person_only(principal)

        def work(tx: Tx) -> None:
            row = _existing(tx, id)
            if not self._may_see(principal, row):
                raise no_such_key(id)
            repo.drop_key(tx.conn, id)
            detail = {"name": row.name, "scope": row.scope, "person": row.person}
            tx.log("key.revoked", {"key": id, "person": row.person, "name": row.name, "by": who.name or who.id})
            audit.recorded(tx, who, "key.revoked", subject=id, detail=detail)
            tx.after(lambda: self._ended(id))

        await self._store.unit_of_work(work)

    def _ended(self, id: str) -> None:
        self._people.ended.emit(id)
        self.changed.emit(id)

    def _may_see(self, reader: Principal, row: Row[Any]) -> bool:
        """One's own, and those of whom one may manage."""
        if row.person == reader.id:
            return True
        if "administer" not in reader.rights:
            return False
        standing = Standing(row.person, row.role, row.state, repo.split(row.person_places), row.ends_ms)
        try:
            rules.check_grant(reader, standing, None)
        except TellUser:
            return False
        return self._people.reaches(reader, standing.places)

    def _key(self, row: Row[Any]) -> Key:
        keyring = self._people.keyring
        why = key_rules.weaker(row.scope, row.expires_ms, keyring.holder(row), self._people.now_ms())
        use = keyring.last_use(row)
        return Key(
            id=row.id,
            name=row.name,
            prefix=row.prefix,
            scope=row.scope,
            scope_now=key_rules.scope_now(row.scope, why, row.role),
            weaker=why,
            places=repo.split(row.places),
            person=row.person,
            person_name=row.person_name,
            created_ms=row.created_ms,
            expires_ms=row.expires_ms,
            used_ms=use.ms,
            used_from=use.address,
        )


def _person_only(principal: Principal) -> None:
    if principal.kind != "person":
        raise Forbidden("An API key looks after no keys; sign in as a person.", code="not_a_person")


def _existing(tx: Tx, id: str) -> Row[Any]:
    row = repo.key_by_id(tx.conn, id)
    if row is None:
        raise no_such_key(id)
    return row


def no_such_key(id: str) -> NotFound:
    return NotFound("There is no such key; it was revoked, or went with its person.", code="no_such_key", id=id)
