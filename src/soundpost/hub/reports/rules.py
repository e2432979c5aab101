"""What an access review says: what a key can do now and where, and what to look at. Pure."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from soundpost.hub.people import key_rules
from soundpost.hub.people.key_rules import Holder

DAY_MS = 86_400_000
IDLE_MS = 90 * DAY_MS
"""So long unused, and somebody should ask whether it is still needed."""
WAITS_MS = 30 * DAY_MS
OWNERS_FEW, OWNERS_MANY = 2, 5
PERSON_LOOKS = ("never_signed_in", "idle", "no_second_factor", "invitation_waits", "out_with_key")
KEY_LOOKS = ("key_never_expires", "key_idle", "key_never_used", "key_of_nobody")
ORGANIZATION_LOOKS = ("owner_alone", "owners_many")
LOOKS = (*PERSON_LOOKS, *KEY_LOOKS, *ORGANIZATION_LOOKS)


class Person(Struct, frozen=True):
    """`state`: invited, active, disabled. Times in ms, 0 = never. `places` empty: everywhere."""

    id: str
    name: str
    sign_in: str
    role: str
    state: str
    places: frozenset[str]
    created_ms: int
    seen_ms: int
    ends_ms: int
    invited_by: str
    second_factor: bool
    sessions: int
    keys: int

    def out(self, now_ms: int) -> bool:
        """Can't come in any more."""
        return self.state == "disabled" or 0 < self.ends_ms <= now_ms


class Key(Struct, frozen=True):
    """`expires_ms` 0: never; `used_ms` 0: never. `places` empty: all that its person sees."""

    id: str
    name: str
    scope: str
    person: str
    places: frozenset[str]
    created_ms: int
    used_ms: int
    used_from: str
    expires_ms: int


class Standing(Struct, frozen=True):
    """What a key can do now. `scope_now` "": nothing; `weaker`: why it is less than its scope. `everywhere`: as its person, who is
    limited to no places; else `places`, and nowhere where there are none."""

    state: str
    scope_now: str
    weaker: str | None
    everywhere: bool
    places: frozenset[str]


def standing(
    key: Key, owner: Person | None, held_back: bool, is_under: Callable[[str, str], bool], now_ms: int
) -> Standing:
    """`held_back`: a second factor is demanded of its person, who has none. `is_under`: the first place is or lies below the second."""
    if owner is None:
        return Standing("disabled", "", "disabled", False, frozenset())
    why = key_rules.weaker(key.scope, key.expires_ms, Holder(owner.role, owner.state, owner.ends_ms, held_back), now_ms)
    state = {"expired": "ended", "ended": "ended", "disabled": "disabled"}.get(why or "", "active")
    everywhere = not key.places and not owner.places
    return Standing(
        state, key_rules.scope_now(key.scope, why, owner.role), why, everywhere, _both(key, owner, is_under)
    )


def _both(key: Key, owner: Person, is_under: Callable[[str, str], bool]) -> frozenset[str]:
    """Where a key's places and its person's overlap; a side without places has them all."""
    if not key.places or not owner.places:
        return key.places or owner.places
    inner = {place for place in key.places if any(is_under(place, top) for top in owner.places)}
    return frozenset(inner | {place for place in owner.places if any(is_under(place, top) for top in key.places)})


def of_person(person: Person, now_ms: int) -> list[str]:
    """What to look at; in the order of PERSON_LOOKS."""
    if person.out(now_ms):
        return ["out_with_key"] if person.keys else []
    if person.state == "invited":
        return ["invitation_waits"] if now_ms - person.created_ms > WAITS_MS else []
    found = []
    if not person.seen_ms:
        found.append("never_signed_in")
    elif now_ms - person.seen_ms > IDLE_MS:
        found.append("idle")
    if not person.second_factor:
        found.append("no_second_factor")
    return found


def of_key(key: Key, owner: Person | None, now_ms: int) -> list[str]:
    if 0 < key.expires_ms <= now_ms:
        return []
    if owner is None or owner.out(now_ms):
        return ["key_of_nobody"]
    found = [] if key.expires_ms else ["key_never_expires"]
    if key.used_ms:
        return [*found, "key_idle"] if now_ms - key.used_ms > IDLE_MS else found
    return [*found, "key_never_used"] if now_ms - key.created_ms > IDLE_MS else found


def owners(people: Iterable[Person], now_ms: int) -> int:
    """Who can come in as an owner."""
    return sum(person.role == "owner" and person.state == "active" and not person.out(now_ms) for person in people)


def of_owners(count: int) -> list[str]:
    return ["owner_alone"] if count < OWNERS_FEW else ["owners_many"] if count > OWNERS_MANY else []
