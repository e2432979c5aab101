"""When each poll is due; pure. Phases are spread so that a thousand lines don't ask at the same instant.

What is due waits in the order in which it would grow old: a line that can't keep up (a slow device, a stack of nine boxes)
reads what changes fast before what hardly changes, and lets nothing starve, for a wait makes everything more urgent.

A thousand lines have a thousand polls each, so what a schedule keeps of one is its time and a byte. Polls of one period lie
together in blocks, each with its earliest time: whoever looks for the next one looks at blocks first.
"""

import heapq
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct

FIRST_ROUND_S = 5.0
"""Everything is read once within this time after a line came up, then each at its own phase of its period."""
BLOCK = 64
NEVER = float("inf")


class Pace(Struct, frozen=True):
    """Seconds from one poll to its next, and over how many the first round of such polls is spread."""

    period: float
    first: float


class Order(Struct, frozen=True):
    """Which place in the columns each poll has; shared by all schedules of one shape. Block b is the places from
    `spans[b][0]` to before `spans[b][1]`, all of pace `paces[b]`."""

    place: "array[int]"
    index: "array[int]"
    block: "array[int]"
    paces: tuple[Pace, ...]
    spans: tuple[tuple[int, int], ...]
    first: "array[float]"
    """By place: seconds after the line came up at which each is asked first."""
    least: "array[float]"
    """By block: the earliest of those."""

    @property
    def size(self) -> int:
        return len(self.place)


@lru_cache(1024)
def order(kinds: bytes, paces: tuple[Pace, ...]) -> Order:
    """`kinds[i]`: which of the paces poll i has."""
    index = array("H", sorted(range(len(kinds)), key=kinds.__getitem__))
    place = array("H", bytes(2 * len(kinds)))
    for at, poll in enumerate(index):
        place[poll] = at
    edges = [0] if index else []
    for at in range(1, len(index)):
        if kinds[index[at]] != kinds[index[at - 1]] or at - edges[-1] == BLOCK:
            edges.append(at)
    spans = tuple(pairwise([*edges, len(index)]))
    block = array("H", (number for number, (start, end) in enumerate(spans) for _ in range(start, end)))
    each = tuple(paces[kinds[index[start]]] for start, _ in spans)
    first = array("d", (poll / len(index) * each[at].first for poll, at in zip(index, block, strict=True)))
    return Order(place, index, block, each, spans, first, array("d", (min(first[start:end]) for start, end in spans)))


def order_of(periods: Sequence[float], firsts: Sequence[float] = ()) -> Order:
    firsts = firsts or [min(period, FIRST_ROUND_S) for period in periods]
    each = [Pace(period, first) for period, first in zip(periods, firsts, strict=True)]
    paces = tuple(dict.fromkeys(each))
    return order(bytes(map(paces.index, each)), paces)


class Schedule:
    """`periods[i]` belongs to poll i. `start` spreads from `now`, `done` puts poll i at its next phase. `firsts[i]`: the time
    over which the first round of such polls is spread."""

    __slots__ = ("_due", "_first", "_least", "_moved", "_order", "_origin", "_phase", "_soonest")

    def __init__(self, periods: Sequence[float], phase: float, now: float, firsts: Sequence[float] = ()) -> None:
        self._begin(order_of(periods, firsts), phase, now)

    @classmethod
    def shaped(cls, order: Order, phase: float, now: float) -> "Schedule":
        made = cls.__new__(cls)
        made._begin(order, phase, now)
        return made

    def _begin(self, order: Order, phase: float, now: float) -> None:
        self._order, self._phase, self._origin = order, phase, now
        self.all_due(now)

    def all_due(self, now: float) -> None:
        order = self._order
        self._due = array("d", map(now.__add__, order.first))
        """By place; NEVER while it is being asked, or is among the moved."""
        self._first = bytearray(b"\1") * order.size
        """By place: 1 while its first round is not over."""
        self._least = array("d", map(now.__add__, order.least))
        self._moved: list[tuple[float, int]] = []
        self._soonest = min(self._least, default=NEVER)

    def due(self, indexes: Iterable[int], when: float) -> None:
        """Moves these to `when`; one that is being asked right now is not in the queue and stays out."""
        order, chosen = self._order, set(indexes)
        again = [item for item in self._moved if item[1] in chosen]
        self._moved = [item for item in self._moved if item[1] not in chosen]
        self._moved += [(when, index) for _, index in again]
        for index in sorted(chosen):
            place = order.place[index]
            if self._due[place] != NEVER:
                self._due[place] = NEVER
                self._look(order.block[place])
                self._moved.append((when, index))
        heapq.heapify(self._moved)
        self._soonest = min(self._least, default=NEVER)

    def hasten(self, indexes: Iterable[int], when: float, apart: float) -> None:
        """These are asked from `when` on, one every so many seconds, or when they would be if that is sooner."""
        order = self._order
        waiting = {index: at for at, index in self._moved}
        for number, index in enumerate(sorted(set(indexes))):
            at, place = when + number * apart, order.place[index]
            if at < self._due[place] < NEVER:
                self._due[place] = NEVER
                self._look(order.block[place])
                waiting[index] = at
            elif index in waiting:
                waiting[index] = min(waiting[index], at)
        self._moved = [(at, index) for index, at in waiting.items()]
        heapq.heapify(self._moved)
        self._soonest = min(self._least, default=NEVER)

    def next_due(self) -> float:
        """Infinity when there is nothing to poll, in the past when something is due already."""
        return min(self._soonest, self._moved[0][0]) if self._moved else self._soonest

    def take(self, now: float) -> int:
        """The most urgent of those due; without any, the next one."""
        due = self.next_due()
        until = max(now, due)
        urgency, place = NEVER, -1
        for block, least in enumerate(self._least):
            if least <= until:
                found = self._due.index(least, *self._order.spans[block])
                pace = self._order.paces[block]
                wait = least + (pace.first if self._first[found] else pace.period)
                if wait < urgency:
                    urgency, place = wait, found
        if self._moved and self._moved[0][0] <= min(until, urgency):
            return heapq.heappop(self._moved)[1]
        self._due[place] = NEVER
        self._look(self._order.block[place])
        self._soonest = min(self._least)
        return self._order.index[place]

    def done(self, index: int, now: float, period: float | None = None) -> None:
        """`period` overrides the poll's own this once."""
        order = self._order
        place = order.place[index]
        block = order.block[place]
        every = period or order.paces[block].period
        base = self._origin + (self._phase + index / order.size) % 1.0 * every
        due = base + ((now - base) // every + 1) * every
        due = due if due > now else now + every
        self._due[place] = due
        self._first[place] = 0
        if due < self._least[block]:
            self._least[block] = due
            self._soonest = min(self._soonest, due)

    def _look(self, block: int) -> None:
        start, end = self._order.spans[block]
        self._least[block] = min(self._due[start:end])
