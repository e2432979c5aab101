"""A chain without a database: made as the hub makes it, to be tampered with."""

from typing import Any

import msgspec

from soundpost.hub.audit import chain
from soundpost.hub.audit.chain import Anchor, AnchorKind, Head, Row
from soundpost.hub.audit.checking import Checker, Finding

KEY, OTHER = b"k" * 32, b"o" * 32


def values(n: int, **changed: Any) -> dict[str, Any]:
    row = {name: f"{name} {n}" for name in chain.COLUMNS}
    return {**row, "n": n, "time_ms": 1_000 * n, "detail": b"\x01" + bytes([n % 256]), **changed}


class Chain:
    """`older` rows stand before it, `count` in it."""

    def __init__(self, count: int, *, older: int = 0, key: bytes = KEY) -> None:
        self.key = key
        self.rows = [chain.row_of(values(n)) for n in range(1, older + 1)]
        self.anchors: list[Anchor] = []
        self.before = self.anchor("begin", older, older, chain.FIRST).seal
        for _ in range(count):
            self.add()
        self.seal()

    @property
    def n(self) -> int:
        return self.rows[-1].n if self.rows else 0

    def add(self, n: int = 0, **changed: Any) -> None:
        row = values(n or self.n + 1, **changed)
        self.before = chain.proof(self.key, self.before, chain.row_of(row).values)
        self.rows.append(chain.row_of({**row, "mac": self.before}))

    def anchor(self, kind: AnchorKind, n: int, count: int, mac: bytes) -> Anchor:
        before = self.anchors[-1].seal if self.anchors else chain.FIRST
        plain = Anchor(len(self.anchors) + 1, kind, n, count, 5, chain.key_name(self.key), mac)
        self.anchors.append(msgspec.structs.replace(plain, seal=chain.anchor_seal(self.key, before, plain)))
        return self.anchors[-1]

    def seal(self) -> None:
        name = chain.key_name(self.key)
        self.head = Head(self.n, self.before, chain.head_seal(self.key, self.n, self.before), name)

    def cut(self, upto: int) -> None:
        gone = [row for row in self.rows if row.n <= upto]
        self.rows = self.rows[len(gone) :]
        self.anchor("cut", upto, len(gone), gone[-1].mac or b"")

    def another_key(self, key: bytes) -> None:
        self.key = key
        self.before = self.anchor("key", self.n, 0, self.before).seal

    def check(self, *, key: bytes | None = None, kept: tuple[Head, ...] = (), above: int = 0) -> list[Finding]:
        checker = Checker(key or self.key, self.anchors, self.head, kept)
        for row in self.rows:
            checker.row(row)
        return checker.finish(above=above)

    def told(self, **options: Any) -> list[tuple[str, int, int]]:
        return [(finding.code, finding.n, finding.upto) for finding in self.check(**options)]


def changed(row: Row, column: str, value: Any) -> Row:
    at = chain.COLUMNS.index(column)
    return Row((*row.values[:at], value, *row.values[at + 1 :]), row.mac)
