"""What roles and keys may do, which passwords and names are good enough, and how often a sign-in may fail. Pure."""

import re
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from soundpost.kernel.errors import Conflict, Forbidden, Invalid, TooMany

Right = Literal["open", "see", "control", "administer", "own"]
RIGHTS: tuple[Right, ...] = ("open", "see", "control", "administer", "own")

ROLES: dict[str, frozenset[str]] = {
    "monitor": frozenset({"open", "see"}),
    "administrator": frozenset({"open", "see", "control", "administer"}),
    "owner": frozenset(RIGHTS),
}
"""What each role may do; a role can be limited to a part of the tree of places (`Principal.places`)."""
RANKS: tuple[str, ...] = ("monitor", "administrator", "owner")
INVITED, ACTIVE, DISABLED = "invited", "active", "disabled"
STATES = (INVITED, ACTIVE, DISABLED)
LOCKS = ("not_allowed", "owner_only", "beyond_part", "last_owner")
"""Why a person can't be changed by who reads: no right to; an owner, by somebody who is none; sees more than the reader; the last
owner."""
MOST_ADDRESSES = 500
INVITATION_MS = 7 * 86_400_000
SCOPES: dict[str, frozenset[str]] = {
    "read": frozenset({"open", "see"}),
    "control": frozenset({"open", "see", "control"}),
    "administer": frozenset({"open", "see", "control", "administer"}),
}

PASSWORD_LEAST, PASSWORD_MOST = 10, 1_024
MAIL = re.compile(
    r"^[^@\s\x00-\x1f<>()\[\]\\\",;:]+@[^@\s\x00-\x1f<>()\[\]\\\",;:]+\.[^@\s\x00-\x1f<>()\[\]\\\",;:.]+$"
)
"""What a mail server takes without quoting: what would have to be quoted could be read as something else in a header."""


class Principal(Struct, frozen=True):
    """Who is signed in: a person by session (`session` = what the session is known by), or an API key."""

    kind: Literal["person", "key"]
    id: str
    name: str
    sign_in: str
    role: str
    rights: frozenset[str]
    session: str = ""
    places: frozenset[str] = frozenset()
    """The places it is limited to, with all below them; empty = everything."""


def normal(sign_in: str) -> str:
    """Names are compared without case and without spaces around them."""
    return sign_in.strip().casefold()


def check_name(sign_in: str, *, mail: bool) -> str:
    """The name to store; an e-mail address at the hub, any short printable name at a Local Agent."""
    name = normal(sign_in)
    if not name or len(name) > 254 or not name.isprintable():
        raise Invalid("Choose a sign-in name of 1 to 254 characters.", code="invalid_argument", field="sign_in")
    if mail and not MAIL.match(name):
        raise Invalid("The sign-in name must be an e-mail address.", code="invalid_argument", field="sign_in")
    return name


def check_password(password: str, sign_in: str) -> None:
    if len(password) < PASSWORD_LEAST:
        raise weak(f"The password needs at least {PASSWORD_LEAST} characters.", "short")
    if len(password) > PASSWORD_MOST:
        raise weak(f"The password may have at most {PASSWORD_MOST} characters.", "long")
    if normal(password) == normal(sign_in):
        raise weak("The password must not be the sign-in name.", "name")
    if len(set(password)) < 3:
        raise weak("The password repeats too few characters.", "simple")


class Standing(Struct, frozen=True):
    """What the rules must know of a person."""

    id: str
    role: str
    state: str
    places: frozenset[str] = frozenset()
    ends_ms: int = 0

    def is_owner(self, now_ms: int) -> bool:
        """Counts as an owner who can still come in."""
        return self.role == "owner" and self.state == ACTIVE and not self.ended(now_ms)

    def ended(self, now_ms: int) -> bool:
        return 0 < self.ends_ms <= now_ms


def check_grant(actor: Principal, before: Standing | None, after: Standing | None) -> None:
    """Whether the actor may make `after` of `before` (None: somebody new; somebody removed). Nobody gives more than they have."""
    for standing in (before, after):
        if standing is not None and RANKS.index(standing.role) > RANKS.index(_rank(actor)):
            raise Forbidden("Only an owner may add, change or remove an owner.", code="not_allowed", right="own")
    if actor.places and after is not None and not after.places:
        raise Forbidden("You can give access to your own part of the places only.", code="not_allowed", right="own")


def _rank(actor: Principal) -> str:
    return next((role for role in reversed(RANKS) if ROLES[role] <= actor.rights), RANKS[0])


def check_owner_left(people: Iterable[Standing], now_ms: int) -> None:
    """After a change: somebody must be able to own the place, now and for good."""
    if not any(person.is_owner(now_ms) and not person.ends_ms and not person.places for person in people):
        raise Conflict(
            "There must be an owner who can sign in, sees everything and does not end. Make somebody else owner first.",
            code="last_owner",
        )


def addresses(entry: str) -> list[str]:
    """What stands between commas, semicolons, spaces and line ends, in its order."""
    found = [part for part in re.split(r"[\s,;]+", entry) if part]
    if not found:
        raise Invalid("Enter at least one address.", code="invalid_argument", field="addresses")
    if len(found) > MOST_ADDRESSES:
        raise Invalid(f"Enter at most {MOST_ADDRESSES} addresses at once.", code="too_many", most=MOST_ADDRESSES)
    return found


def check_end(ends_ms: int, now_ms: int) -> int:
    if ends_ms and ends_ms <= now_ms:
        raise Invalid("The end must lie ahead.", code="invalid_argument", field="ends")
    return ends_ms


def weak(text: str, why: str) -> Invalid:
    return Invalid(text, code="weak_password", field="password", why=why, minimum=PASSWORD_LEAST)


class Attempts:
    """Failed sign-ins by (address, name), in memory: five are free, then each doubles the wait up to five minutes."""

    FREE, LONGEST_S, FORGET_S, MOST = 5, 300.0, 900.0, 10_000

    def __init__(self, free: int = FREE) -> None:
        self._free = free
        self._failed: dict[tuple[str, str], tuple[int, float]] = {}

    def check(self, key: tuple[str, str], now: float) -> None:
        count, last = self._failed.get(key, (0, now))
        if count < self._free or now - last >= self.FORGET_S:
            return
        wait = last + min(self.LONGEST_S, 2.0 ** min(count - self._free, 32)) - now
        if wait > 0:
            seconds = int(wait) + 1
            raise TooMany(f"Too many failed attempts. Try again in {seconds} seconds.", retry_after_s=seconds)

    def failed(self, key: tuple[str, str], now: float) -> None:
        count, last = self._failed.pop(key, (0, now))
        if now - last >= self.FORGET_S:
            count = 0
        self._failed[key] = (count + 1, now)
        if len(self._failed) > self.MOST:  # re-inserting keeps the oldest first
            del self._failed[next(iter(self._failed))]

    def cleared(self, key: tuple[str, str]) -> None:
        self._failed.pop(key, None)
