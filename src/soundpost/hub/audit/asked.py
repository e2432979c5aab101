"""What is asked of the audit, and one act made of its two rows. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from soundpost.kernel.errors import Invalid

KINDS = ("person", "key", "agent", "rule", "system")
OPEN = "open"
"""Asked for like a result: acts that never ended."""
_ONE = r"[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?"
PATTERN = re.compile(f"^{_ONE}$")
PATTERNS = f"^{_ONE}(,{_ONE})*$"
"""Several, as an address may name them."""
TEXT_MOST, LIST_MOST = 200, 50
CHANGED = ("before", "after")


class Asked(Struct, frozen=True):
    """Empty means whatever. `acts`: words, or their beginnings as `person.*`. Times in ms, both ends included."""

    kinds: frozenset[str] = frozenset()
    who: str = ""
    acts: tuple[str, ...] = ()
    device: str = ""
    subject: str = ""
    address: str = ""
    results: frozenset[str] = frozenset()
    since_ms: int = 0
    until_ms: int = 0
    words: tuple[str, ...] = ()


class Act(Struct):
    """`n`, `last_n`: its rows. `ended_ms` None: nobody wrote how it ended. `detail` stood on the first row, `outcome` on the last."""

    n: int
    id: str
    time_ms: int
    act: str
    kind: str
    who: str
    name: str
    address: str
    device: str
    subject: str
    detail: dict[str, Any]
    last_n: int | None = None
    ended_ms: int | None = None
    result: str | None = None
    outcome: dict[str, Any] = {}

    @property
    def took_ms(self) -> int | None:
        """None while open, and where the clock was set back meanwhile."""
        return None if self.ended_ms is None or self.ended_ms < self.time_ms else self.ended_ms - self.time_ms

    def change(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None, dict[str, Any]]:
        """Before, after, and what else was said of it."""
        before, after = (as_object(self.detail.get(key)) for key in CHANGED)
        rest = {key: value for key, value in self.detail.items() if key not in CHANGED or not _is_change(self.detail)}
        return (before, after, rest) if _is_change(self.detail) else (None, None, rest)


def _is_change(detail: Mapping[str, Any]) -> bool:
    return any(key in detail for key in CHANGED)


def as_object(value: object) -> dict[str, Any] | None:
    """A change of one thing has its value alone; of several, an object."""
    if value is None:
        return None
    return value if isinstance(value, dict) else {"value": value}


def asked(
    *, kind: str | None, who: str | None, act: str | None, device: str | None, subject: str | None, address: str | None,
    result: str | None, since_ms: int | None, until_ms: int | None, text: str | None,
) -> Asked:  # fmt: skip
    """Raises Invalid, naming the field, for what can't be looked for."""
    kinds = listed(kind, "kind")
    if odd := sorted(set(kinds) - set(KINDS)):
        raise wrong("kind", f"{odd[0]!r} is no kind; use {', '.join(KINDS)}.")
    acts = listed(act, "act")
    if odd := [one for one in acts if not PATTERN.match(one)]:
        raise wrong("act", f"{odd[0]!r} is no act; write person.invited, or person.* for all of them.")
    if since_ms and until_ms and since_ms > until_ms:
        raise wrong("until", "The end must not lie before the beginning.")
    return Asked(
        frozenset(kinds), line(who, "who"), tuple(acts), line(device, "device"), line(subject, "subject"), line(address, "address"),
        frozenset(listed(result, "result")), since_ms or 0, until_ms or 0, tuple(line(text, "q").casefold().split()),
    )  # fmt: skip


def listed(text: str | None, field: str) -> list[str]:
    parts = [part.strip() for part in line(text, field, 2_000).split(",")]
    found = [part for part in parts if part]
    if len(found) > LIST_MOST:
        raise wrong(field, f"At most {LIST_MOST} at once.")
    return found


def line(text: str | None, field: str, most: int = TEXT_MOST) -> str:
    if text and len(text) > most:
        raise wrong(field, f"Write at most {most} characters.")
    if text and "\x00" in text:
        raise wrong(field, "Write it without control characters.")
    return (text or "").strip()


def wrong(field: str, text: str) -> Invalid:
    return Invalid(text, code="invalid_argument", field=field)


def matched(patterns: Sequence[str], known: Iterable[str]) -> list[str]:
    """The known acts that one of the patterns means."""
    exact = {pattern for pattern in patterns if not pattern.endswith(".*")}
    starts = tuple(pattern[:-1] for pattern in patterns if pattern.endswith(".*"))
    return sorted(act for act in known if act in exact or act.startswith(starts))
