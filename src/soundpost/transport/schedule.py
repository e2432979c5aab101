"""When each poll is due; pure. Phases are spread so that a thousand lines don't ask at the same instant.

What is due waits in the order in which it would grow old: a line that can't keep up (a slow device, a stack of nine boxes)
reads what changes fast before what hardly changes, and lets nothing starve, for a wait makes everything more urgent.
"""

import heapq
from collections.abc import Sequence

SHARED = tuple(range(8192))
"""Small integers all schedules share: a poll's own would be a third of what it costs."""
FIRST_ROUND_S = 5.0
"""Everything is read once within this time after a line came up, then each at its own phase of its period."""


class Schedule:
    """`periods[i]` belongs to poll i. `start` spreads from `now`, `done` puts poll i at its next phase. `firsts[i]`: the time
    over which the first round of such polls is spread."""

    def __init__(self, periods: Sequence[float], phase: float, now: float, firsts: Sequence[float] = ()) -> None:
        self._periods = list(periods)
        self._firsts = list(firsts) or [min(period, FIRST_ROUND_S) for period in periods]
        self._phase = phase
        self._later: list[tuple[float, int, float]] = []
        self._ready: list[tuple[float, int]] = []
        self._origin = now
        self.all_due(now)

    def all_due(self, now: float) -> None:
        count = max(1, len(self._periods))
        spread = [(now + index / count * first, shared(index), first) for index, first in enumerate(self._firsts)]
        self._later, self._ready = spread, []
        heapq.heapify(self._later)

    def due(self, indexes: set[int], when: float) -> None:
        """Moves these to `when`; one that is being asked right now is not in the queue and stays out."""
        here = {index for _, index, _ in self._later} | {index for _, index in self._ready}
        chosen = indexes & here
        self._ready = [item for item in self._ready if item[1] not in chosen]
        self._later = [item for item in self._later if item[1] not in chosen]
        self._later += [(when, index, 0.0) for index in sorted(chosen)]
        heapq.heapify(self._ready)
        heapq.heapify(self._later)

    def next_due(self) -> float:
        """Infinity when there is nothing to poll, in the past when something is due already."""
        if self._ready:
            return float("-inf")
        return self._later[0][0] if self._later else float("inf")

    def take(self, now: float) -> int:
        """The most urgent of those due; without any, the next one."""
        while self._later and self._later[0][0] <= now:
            due, index, slack = heapq.heappop(self._later)
            heapq.heappush(self._ready, (due + slack, index))
        return heapq.heappop(self._ready)[1] if self._ready else heapq.heappop(self._later)[1]

    def done(self, index: int, now: float, period: float | None = None) -> None:
        """`period` overrides the poll's own this once."""
        every = period or self._periods[index]
        base = self._origin + (self._phase + index / len(self._periods)) % 1.0 * every
        due = base + ((now - base) // every + 1) * every
        heapq.heappush(self._later, (due if due > now else now + every, shared(index), every))


def shared(index: int) -> int:
    return SHARED[index] if index < len(SHARED) else index
