"""What was noted and is not on disk yet: in order, and, while the disk takes nothing, bounded and honest about what it dropped.

The event loop adds, the disk's thread takes and puts back.
"""

import threading
from collections import deque
from collections.abc import Sequence

from soundpost.agent.disk import Job
from soundpost.link.events import Fact, SpoolDropped

Noted = tuple[Fact | None, Job | None]
"""A fact, a record that goes with it or alone, or both."""
OVERHEAD = 500
"""Bytes a fact or a record costs in memory besides what it says."""
SLACK = 0.9
"""A bound that is passed is emptied down to this share, so that a disk that stays full leaves few drops to count."""


def weight(noted: Noted) -> int:
    fact, also = noted
    return OVERHEAD + (len(fact.data) if fact is not None else 0) + int(getattr(also, "size", 0))


def summed(drops: Sequence[SpoolDropped]) -> SpoolDropped:
    """Several drops of one kind as one."""
    count = sum(drop.count for drop in drops)
    return SpoolDropped(drops[0].kind, count, min(drop.from_ms for drop in drops), max(drop.to_ms for drop in drops))


class Pending:
    """`most` bytes are kept while `bounded`: a disk that works takes all soon, however much is noted at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._noted: deque[Noted] = deque()
        self._bytes = 0
        self._facts = 0
        self._lost: SpoolDropped | None = None
        self._records_lost = False
        self.bounded = False

    @property
    def facts(self) -> int:
        """How many facts wait for the disk."""
        return self._facts

    def __bool__(self) -> bool:
        return bool(self._noted or self._lost)

    def add(self, noted: Noted) -> bool:
        """True when it is the first that waits."""
        with self._lock:
            first = not self._noted
            self._noted.append(noted)
            self._count(noted, 1)
            self._bound()
            return first

    def take(self) -> tuple[list[Noted], SpoolDropped | None]:
        """All that waits, and what was dropped before it, which has to be told."""
        with self._lock:
            taken, lost = list(self._noted), self._lost
            self._noted.clear()
            self._bytes = self._facts = 0
            self._lost = None
            return taken, lost

    def put_back(self, taken: list[Noted], lost: SpoolDropped | None) -> None:
        """Before all that came later: a newer status must never be on disk before an older one."""
        with self._lock:
            self._noted.extendleft(reversed(taken))
            for noted in taken:
                self._count(noted, 1)
            if lost is not None:
                self._lost = summed([lost, self._lost] if self._lost else [lost])
            self.bounded = True
            self._bound()

    def forgotten(self) -> bool:
        """Whether anything was dropped since this was asked last: then what is known now has to be noted again."""
        with self._lock:
            lost, self._records_lost = self._records_lost, False
            return lost

    def _count(self, noted: Noted, sign: int) -> None:
        self._bytes += sign * weight(noted)
        self._facts += sign * (noted[0] is not None)

    def _bound(self) -> None:
        if not self.bounded or self._bytes <= self._most:
            return
        times = []
        while self._noted and self._bytes > self._most * SLACK:
            noted = self._noted.popleft()
            self._count(noted, -1)
            if noted[0] is not None:
                times.append(noted[0].time_ms)
        self._records_lost = True
        if times:
            drop = SpoolDropped("facts", len(times), min(times), max(times))
            self._lost = summed([self._lost, drop] if self._lost else [drop])
