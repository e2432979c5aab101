"""What roles and keys may do, which passwords and names are good enough, and how often a sign-in may fail. Pure."""

import re
from typing import Literal

from msgspec import Struct

from soundpost.kernel.errors import Invalid, TooMany

Right = Literal["open", "see", "control", "administer", "own"]
RIGHTS: tuple[Right, ...] = ("open", "see", "control", "administer", "own")

ROLES: dict[str, frozenset[str]] = {
    "monitor": frozenset({"open", "see"}),
    "administrator": frozenset({"open", "see", "control", "administer"}),
    "owner": frozenset(RIGHTS),
}
"""Only `owner` is given out today; the others are what later roles will hold."""
SCOPES: dict[str, frozenset[str]] = {
    "read": frozenset({"open", "see"}),
    "control": frozenset({"open", "see", "control"}),
    "administer": frozenset({"open", "see", "control", "administer"}),
}

PASSWORD_LEAST, PASSWORD_MOST = 10, 1_024
MAIL = re.compile(r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f.]+$")


class Principal(Struct, frozen=True):
    """Who is signed in: a person by session (`session` = what the session is known by), or an API key."""

    kind: Literal["person", "key"]
    id: str
    name: str
    sign_in: str
    role: str
    rights: frozenset[str]
    session: str = ""


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
