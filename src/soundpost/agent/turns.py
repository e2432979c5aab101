"""The commands of one stack, and whose turn it is: in the order they came, but one that must wait lets pass what it waits for."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from soundpost.agent.journal import Entry
from soundpost.kernel.clock import Clock
from soundpost.link.envelope import GoAnswer

BUSY_FIRST_S, BUSY_MOST_S = 0.2, 1.0


class Origin(Protocol):
    """The link a command came by."""

    @property
    def name(self) -> str:
        """The hub's id, or "local"."""

    def seen(self, key: str) -> None:
        """The command is in the journal."""

    async def go(self, key: str) -> GoAnswer:
        """May raise OSError when the link is gone, or never answer."""


@dataclass(slots=True, eq=False)
class Queued:
    """`due` and `again_at` are monotonic. `pause` is 0 until its origin said that it must wait."""

    entry: Entry
    origin: Origin
    due: float
    pause: float = 0.0
    again_at: float = 0.0

    def goes_before(self, other: "Queued") -> bool:
        """Whether the same asker asked for it earlier: its ids are in the order of time."""
        return self.origin.name == other.origin.name and self.entry.command.id < other.entry.command.id


class Turns:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[Queued] = []
        self._more = asyncio.Event()

    def add(self, queued: Queued) -> None:
        self._waiting.append(queued)
        self._more.set()

    def not_yet(self, queued: Queued) -> None:
        """Its origin still counts an earlier command of the stack as open. Asked again soon, then less often, at its deadline
        for the last time."""
        queued.pause = min(queued.pause * 2, BUSY_MOST_S) or BUSY_FIRST_S
        queued.again_at = min(self._clock.monotonic() + queued.pause, queued.due)
        self._waiting.insert(0, queued)

    async def next(self) -> Queued:
        while True:
            self._more.clear()
            now = self._clock.monotonic()
            for queued in self._in_turn():
                if queued.again_at <= now:
                    self._waiting.remove(queued)
                    return queued
            first = min((queued.again_at for queued in self._waiting if queued.again_at > now), default=None)
            try:
                async with self._clock.timeout(None if first is None else first - now):
                    await self._more.wait()
            except TimeoutError:
                continue

    def _in_turn(self) -> Iterator[Queued]:
        """Without those that would only be told to wait as well, behind one of the same asker that waits already. What that
        one waits for, and what others asked, may pass it."""
        told_to_wait = [queued for queued in self._waiting if queued.pause]
        for queued in self._waiting:
            if not any(other.goes_before(queued) for other in told_to_wait):
                yield queued
