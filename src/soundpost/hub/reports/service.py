"""The access review: who may come in, as what, where, until when, with which keys, and what of it to look at."""

from typing import Any, Protocol

import msgspec
from msgspec import Struct
from sqlalchemy import Row

from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.people.rules import demanded
from soundpost.hub.reports import repo, rules
from soundpost.hub.reports.rules import Key, Person
from soundpost.hub.store import Store
from soundpost.kernel import csvfile
from soundpost.kernel.clock import rfc3339


class Places(Protocol):
    """`path`: how a place is called, with all above it; its id where it is gone."""

    def path(self, id: str) -> str: ...

    def is_under(self, id: str, top: str) -> bool: ...


class Review(Struct, frozen=True):
    """`people` and `keys` with what to look at, of each. `policy`: of whom a second factor is demanded."""

    now_ms: int
    policy: str
    people: list[tuple[Person, list[str]]]
    keys: list[tuple[Key, list[str]]]
    owners: int

    def looks(self) -> dict[str, int]:
        """How often each is to be looked at, in the order of rules.LOOKS; what is nowhere is left out."""
        found = [look for _, some in (*self.people, *self.keys) for look in some] + rules.of_owners(self.owners)
        return {look: found.count(look) for look in rules.LOOKS if look in found}


async def review(store: Store, policy: str) -> Review:
    now_ms = store.clock.now_ms()
    rows, key_rows = await store.read(lambda conn: (repo.everybody(conn, now_ms), repo.keys(conn)))
    people, keys = [_person(row) for row in rows], [_key(row) for row in key_rows]
    by_id = {person.id: person for person in people}
    return Review(
        now_ms,
        policy,
        [(person, rules.of_person(person, now_ms)) for person in people],
        [(key, rules.of_key(key, by_id.get(key.person), now_ms)) for key in keys],
        rules.owners(people, now_ms),
    )


def _person(row: Row[Any]) -> Person:
    names = (
        "id",
        "name",
        "sign_in",
        "role",
        "state",
        "created_ms",
        "seen_ms",
        "ends_ms",
        "invited_by",
        "sessions",
        "keys",
    )
    told = {name: getattr(row, name) for name in names}
    return Person(**told, places=_places(row.places), second_factor=bool(row.factor))


def _key(row: Row[Any]) -> Key:
    names = ("id", "name", "scope", "person", "created_ms", "used_ms", "used_from", "expires_ms")
    return Key(**{name: getattr(row, name) for name in names}, places=_places(row.places))


def _places(text: str) -> frozenset[str]:
    return frozenset(text.split(",")) if text else frozenset()


FIELDS = [
    *("kind", "id", "name", "sign_in", "role", "scope_now", "weaker", "state", "everywhere", "places", "last_used", "from"),
    *("second_factor", "sessions", "keys", "ends", "added", "by", "look"),
]  # fmt: skip


def stamp(ms: int) -> str | None:
    return rfc3339(ms) if ms else None


def lines(review: Review, places: Places) -> list[dict[str, Any]]:
    """One for each person and each key, with the same fields; places by their paths."""
    by_id = {person.id: person for person, _ in review.people}
    return [
        *(_of_person(person, looks, places, review.now_ms) for person, looks in review.people),
        *(_of_key(key, looks, by_id.get(key.person), places, review) for key, looks in review.keys),
    ]


def _of_person(person: Person, looks: list[str], places: Places, now_ms: int) -> dict[str, Any]:
    state = "ended" if 0 < person.ends_ms <= now_ms else person.state
    return {
        "kind": "person", "id": person.id, "name": person.name, "sign_in": person.sign_in, "role": person.role, "scope_now": None,
        "weaker": None, "state": state, "everywhere": not person.places, "places": sorted(map(places.path, person.places)),
        "last_used": stamp(person.seen_ms), "from": None, "second_factor": person.second_factor, "sessions": person.sessions,
        "keys": person.keys, "ends": stamp(person.ends_ms), "added": stamp(person.created_ms), "by": person.invited_by or None,
        "look": looks,
    }  # fmt: skip


def _of_key(key: Key, looks: list[str], owner: Person | None, places: Places, review: Review) -> dict[str, Any]:
    held_back = owner is not None and not owner.second_factor and demanded(review.policy, owner.role)
    now = rules.standing(key, owner, held_back, places.is_under, review.now_ms)
    return {
        "kind": "key", "id": key.id, "name": key.name, "sign_in": None, "role": key.scope, "scope_now": now.scope_now,
        "weaker": now.weaker, "state": now.state, "everywhere": now.everywhere, "places": sorted(map(places.path, now.places)),
        "last_used": stamp(key.used_ms), "from": key.used_from or None, "second_factor": None, "sessions": None, "keys": None,
        "ends": stamp(key.expires_ms), "added": stamp(key.created_ms), "by": owner.name if owner else key.person, "look": looks,
    }  # fmt: skip


def as_csv(found: list[dict[str, Any]]) -> bytes:
    cells = [[_cell(line[name]) for name in FIELDS] for line in found]
    return (csvfile.BOM + csvfile.lines([FIELDS, *cells])).encode()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "; ".join(map(str, value)) if isinstance(value, list) else value


def as_jsonl(found: list[dict[str, Any]]) -> bytes:
    return b"".join(msgspec.json.encode(line) + b"\n" for line in found)


async def taken(store: Store, who: Who, review: Review, format: str) -> None:
    """Audited before the file is handed out."""
    detail = {"format": format, "people": len(review.people), "keys": len(review.keys)}
    await store.unit_of_work(lambda tx: audit.recorded(tx, who, "access.exported", detail=detail))
