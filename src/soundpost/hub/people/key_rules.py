"""What an API key looks like, who may make which, and what is left of it now. Pure."""

import re

from msgspec import Struct

from soundpost.hub.people import rules
from soundpost.hub.people.rules import ROLES, SCOPES, Principal
from soundpost.kernel.errors import Conflict, Forbidden, Invalid

FORM = re.compile(r"sp_[0-9a-v]{8}_[A-Za-z0-9_-]{43}")
FIRST_FORM = re.compile(r"sp_[A-Za-z0-9_-]{43}")
"""Of keys from before there was a part to know them by."""
PREFIX_LENGTH = 11
NAME_MOST, MOST_KEYS = 100, 100
WEAKER = ("expired", "disabled", "ended", "second_factor", "role")
"""Why a key does less than its scope says: its time or its person's is over, its person is disabled, must set up a second factor
first, or may do less than the key."""


class Holder(Struct, frozen=True):
    """A key's person, as the rows are now. `held_back`: a second factor is demanded of them, and there is none."""

    role: str
    state: str
    ends_ms: int
    held_back: bool


def prefix(key: str) -> str:
    """The part of a key that may be shown and that finds its row; "" where this is no such key."""
    return key[:PREFIX_LENGTH] if FORM.fullmatch(key) else ""


def made_of(letters: str, secret: str) -> str:
    """`letters`: 8 of base32, to know it by; `secret`: 43 of base64."""
    return f"sp_{letters}_{secret}"


def check_name(typed: str) -> str:
    name = " ".join(typed.split())
    if not name or len(name) > NAME_MOST or not name.isprintable():
        raise Invalid(f"Name the key with 1 to {NAME_MOST} letters.", code="invalid_argument", field="name")
    return name


def check_scope(principal: Principal, scope: str) -> None:
    """Owners make any key of their own; administrators such as read."""
    if scope not in SCOPES:
        raise Invalid("A key's scope is read, control or administer.", code="invalid_argument", field="scope")
    if "own" not in principal.rights and scope != "read":
        raise Forbidden("Administrators make keys that read; ask an owner for more.", code="key_scope", right="own")


def check_room(has: int) -> None:
    if has >= MOST_KEYS:
        raise Conflict(
            f"You have {MOST_KEYS} keys; revoke one that is not used first.", code="too_many_keys", most=MOST_KEYS
        )


def weaker(scope: str, expires_ms: int, holder: Holder, now_ms: int) -> str | None:
    """Why the key does less now than its scope says, as one of `WEAKER`; None: it does all of it."""
    if 0 < expires_ms <= now_ms:
        return "expired"
    if holder.state != rules.ACTIVE:
        return "disabled"
    if 0 < holder.ends_ms <= now_ms:
        return "ended"
    if holder.held_back:
        return "second_factor"
    return None if SCOPES[scope] <= ROLES[holder.role] else "role"


def lets_in(why: str | None) -> bool:
    """Whether somebody stands behind the key; who is held back is told so."""
    return why in (None, "role", "second_factor")


def rights(scope: str, role: str) -> frozenset[str]:
    """What the key may do: never more than its person."""
    return SCOPES.get(scope, frozenset()) & ROLES.get(role, frozenset())


def scope_now(scope: str, why: str | None, role: str) -> str:
    """What is left of a scope: the widest one that its person may, "" where the key does nothing now."""
    if why not in (None, "role"):
        return ""
    left = rights(scope, role)
    return next((name for name in reversed(SCOPES) if SCOPES[name] <= left), "")
