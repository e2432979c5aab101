"""The chain over the audit's rows (truth T35): the proof of a row is made, under a key, from the row and the proof before it.

Pure. Without the key nobody can make a proof, so a row that was edited, removed, moved or added by hand does not fit its
neighbours. The head's seal says where the chain ends, so that a cut tail shows; an anchor's seal says where it begins. What the
database alone can't show is that all of it was put back to an older copy: for that a head is kept elsewhere.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

LEVEL = 1
"""Of what is signed; a proof of another level is another function."""
COLUMNS = (
    "n", "id", "phase", "time_ms", "act", "who_kind", "who_id", "who_name", "address", "device", "subject", "result", "detail",
)  # fmt: skip
"""What a proof covers, in this order: every column but the proof itself."""
FIRST = b""
"""What stands before the first anchor."""


class Row(Struct, frozen=True):
    """One row as it stands in the table. `values` are those of COLUMNS; `mac` is None on a row from before the chain."""

    values: tuple[Any, ...]
    mac: bytes | None

    @property
    def n(self) -> int:
        number: int = self.values[0]
        return number

    @property
    def act(self) -> str:
        word: str = self.values[4]
        return word

    @property
    def phase(self) -> str:
        word: str = self.values[2]
        return word

    @property
    def time_ms(self) -> int:
        time: int = self.values[3]
        return time

    def numbered(self, n: int) -> tuple[Any, ...]:
        return (n, *self.values[1:])


AnchorKind = Literal["begin", "again", "key", "cut"]


class Anchor(Struct, frozen=True):
    """Where a chain begins. `begin`: rows up to `n` stand from before the chain (`count` of them). `again`: the same, written by a hub
    that had proved rows before and found no chain; nobody but a hand takes it away. `key`: rows up to `n` were proved with another key.
    `cut`: `count` rows up to `n` were taken away by retention, and `mac` is the proof of row `n`."""

    id: int
    kind: AnchorKind
    n: int
    count: int
    time_ms: int
    key: str
    mac: bytes
    seal: bytes = b""


class Head(Struct, frozen=True):
    """Where the chain ends: the proof `mac` of row `n`, None before the first. `key` names the key, see `key_name`."""

    n: int
    mac: bytes | None = None
    seal: bytes | None = None
    key: str = ""

    @property
    def text(self) -> str:
        """As it leaves the machine: `12345:9f86d081…`, 64 hexadecimal digits."""
        return f"{self.n}:{(self.mac or b'').hex()}"


def head_of(text: str) -> Head:
    """From its `text`. Raises ValueError."""
    n, _, mac = text.strip().partition(":")
    proof = bytes.fromhex(mac)
    if not n.isascii() or not n.isdigit() or len(n) > 18 or (int(n) > 0 and len(proof) != 32):
        raise ValueError(f"no head: {text!r}")
    return Head(int(n), proof)


def row_of(values: Mapping[str, Any]) -> Row:
    return Row(tuple(values[name] for name in COLUMNS), values.get("mac"))


def proof(key: bytes, before: bytes, values: tuple[Any, ...]) -> bytes:
    """Of one row. msgpack says where each value begins and ends, so no two rows are signed as the same bytes."""
    return _hmac(key, "row", (before, values))


def anchor_seal(key: bytes, before: bytes, anchor: Anchor) -> bytes:
    """`before`: the seal of the anchor before it, or FIRST."""
    a = anchor
    return _hmac(key, "anchor", (before, (a.id, a.kind, a.n, a.count, a.time_ms, a.key, a.mac)))


def head_seal(key: bytes, n: int, mac: bytes) -> bytes:
    return _hmac(key, "head", (n, mac))


def key_name(key: bytes) -> str:
    """Tells keys apart without telling anything of them."""
    return _hmac(key, "name", ()).hex()[:16]


def same(one: bytes | None, other: bytes | None) -> bool:
    return hmac.compare_digest(one or b"", other or b"")


def _hmac(key: bytes, what: str, content: tuple[Any, ...]) -> bytes:
    return hmac.digest(key, msgspec.msgpack.encode((LEVEL, what, *content)), hashlib.sha256().name)
