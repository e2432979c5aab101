"""Does the audit still prove itself? Read in stretches, beside the writer, in bounded memory."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol, TypeVar

from msgspec import Struct, field
from sqlalchemy import Connection

from soundpost.hub.audit import noted, repo
from soundpost.hub.audit.chain import Anchor, Head
from soundpost.hub.audit.checking import Checker, Finding
from soundpost.hub.store import Store

T = TypeVar("T")
STRETCH = 500
NOTES_MOST = 20
RESTORED = "hub.restored"
"""The act of a hub that found out that it went back to an older copy (T36)."""


class Cut(Struct):
    """What retention took away last: `count` rows up to row `n`, at `time_ms`."""

    n: int
    count: int
    time_ms: int


class Restored(Struct):
    """At row `n` the hub found that it had gone back to an older copy: rows that stood behind it then may have been others."""

    n: int
    time_ms: int


class Report(Struct):
    """`checked` rows proved themselves, `first` to `upto` (0: there are none); `older` ones stand from before the chain and
    `other_key` were proved with a key that is gone: these can't be checked. `head` is what to keep elsewhere."""

    state: Literal["whole", "broken"]
    time_ms: int
    checked: int
    older: int
    other_key: int
    first: int
    upto: int
    head: str
    findings: list[Finding] = field(default_factory=list)
    untold: int = 0
    cut: Cut | None = None
    restored: list[Restored] = field(default_factory=list)


class Reading(Protocol):
    """What both an open store and a file beside it can do."""

    async def read(self, query: Callable[[Connection], T]) -> T: ...


Rest = Callable[[], Awaitable[None]]


async def no_rest() -> None:
    pass


async def prove(reading: Reading, key: bytes, now_ms: int, kept: Sequence[Head] = (), rest: Rest = no_rest) -> Report:
    """Walks the whole chain. `kept`: heads from elsewhere to compare with; `rest` is awaited between stretches."""
    head, anchors = await reading.read(lambda conn: (repo.head(conn), repo.anchors(conn)))
    walk = Walk(Checker(key, anchors, head, kept), head, anchors)
    while await reading.read(walk.stretch):
        await rest()
    above = await reading.read(repo.beyond)
    findings = walk.checker.finish(above=above)
    return walk.report(findings, now_ms)


class Walk:
    def __init__(self, checker: Checker, head: Head, anchors: list[Anchor]) -> None:
        self.checker, self._head = checker, head
        self._cut = last_cut(anchors)
        self._after = self._first = 0
        self._restored: list[Restored] = []

    def stretch(self, conn: Connection) -> bool:
        """Checks some rows where they are read (on SQLite in the reader's thread); true while there are more."""
        rows = repo.stretch(conn, self._after, self._head.n, STRETCH)
        if rows and rows[0].n > self._after + 1:
            self._cut_meanwhile(conn)
        for row in rows:
            self.checker.row(row)
            if row.act == RESTORED and row.phase == "opened" and len(self._restored) < NOTES_MOST:
                self._restored.append(Restored(row.n, row.time_ms))
        if rows:
            self._first = self._first or rows[0].n
            self._after = rows[-1].n
        return len(rows) == STRETCH

    def _cut_meanwhile(self, conn: Connection) -> None:
        cut = last_cut(repo.anchors(conn))
        if cut is not None and cut.n > self._after:
            self._cut = cut
            self.checker.skip(cut)

    def report(self, findings: list[Finding], now_ms: int) -> Report:
        checker, cut = self.checker, self._cut
        return Report(
            "broken" if findings or checker.untold else "whole",
            now_ms,
            checker.checked,
            checker.older,
            checker.other_key,
            self._first,
            self._after,
            self._head.text,
            findings,
            checker.untold,
            Cut(cut.n, cut.count, cut.time_ms) if cut else None,
            self._restored,
        )


def last_cut(anchors: list[Anchor]) -> Anchor | None:
    return next((anchor for anchor in reversed(anchors) if anchor.kind == "cut"), None)


class Prover:
    """Of a running hub: what the last pass said, and a new one on demand; one at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._one = asyncio.Lock()
        self.last: Report | None = None
        self.wanted = 0
        """So many wait for a pass: the one that is under way is not to take its time."""

    async def report(self) -> Report:
        """Of the last pass; of one made now when there was none since the start."""
        return self.last or await self.now()

    async def now(self, rest: Rest | None = None) -> Report:
        self.wanted += rest is None
        try:
            async with self._one:
                key = self._store.secrets.audit_key
                kept = noted.kept(self._store.secrets.folder)
                self.last = await prove(self._store, key, self._store.clock.now_ms(), kept, rest or no_rest)
                return self.last
        finally:
            self.wanted -= rest is None
