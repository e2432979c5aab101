"""When each poll is due; pure. Phases are spread so that a thousand lines don't ask at the same instant."""

import heapq
from collections.abc import Sequence

FIRST_ROUND_S = 5.0
"""Everything is read once within this time after a line came up, then each at its own phase of its period."""


class Schedule:
    """`periods[i]` belongs to poll i. `start` spreads from `now`, `done` puts poll i at its next phase."""

    def __init__(self, periods: Sequence[float], phase: float, now: float) -> None:
        self._periods = list(periods)
        count = max(1, len(self._periods))
        self._phases = [(phase + index / count) % 1.0 for index in range(len(self._periods))]
        self._heap: list[tuple[float, int]] = []
        self._origin = now
        self.all_due(now)

    def all_due(self, now: float) -> None:
        count = max(1, len(self._periods))
        self._heap = [(now + index / count * min(p, FIRST_ROUND_S), index) for index, p in enumerate(self._periods)]
        heapq.heapify(self._heap)

    def due(self, indexes: set[int], now: float) -> None:
        """Moves these to the front; one that is being asked right now is not in the queue and stays out."""
        self._heap = [(now if index in indexes else due, index) for due, index in self._heap]
        heapq.heapify(self._heap)

    def next_due(self) -> float:
        """Infinity when there is nothing to poll."""
        return self._heap[0][0] if self._heap else float("inf")

    def take(self) -> int:
        return heapq.heappop(self._heap)[1]

    def done(self, index: int, now: float, period: float | None = None) -> None:
        """`period` overrides the poll's own this once."""
        every = period or self._periods[index]
        base = self._origin + self._phases[index] * every
        due = base + ((now - base) // every + 1) * every
        heapq.heappush(self._heap, (due if due > now else now + every, index))
