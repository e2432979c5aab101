"""A clock that stands still until a test moves it."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

SETTLE_ROUNDS = 60


async def settle(rounds: int = SETTLE_ROUNDS) -> None:
    """Lets everything that is ready run, loopback sockets of this loop included."""
    loop = asyncio.get_running_loop()
    for _ in range(rounds):
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn


class ManualClock:
    """Implements kernel.clock.Clock. `advance` fires sleepers and time-outs in order and lets the loop settle after each."""

    def __init__(self, start: float = 1_000.0, now_ms: int = 1_795_000_000_000) -> None:
        self._now = self._start = start
        self._epoch_ms = now_ms
        self._timers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now_ms(self) -> int:
        return self._epoch_ms + round((self._now - self._start) * 1_000)

    def now_us(self) -> int:
        return self.now_ms() * 1_000

    def monotonic(self) -> float:
        return self._now

    def jump(self, seconds: float) -> None:
        """The wall clock alone is set to another time."""
        self._epoch_ms += round(seconds * 1_000)

    async def sleep(self, seconds: float) -> None:
        await self._timer(seconds)

    def call_later(self, seconds: float, call: Callable[[], None]) -> asyncio.Future[None]:
        timer = self._timer(seconds)
        timer.add_done_callback(lambda done: None if done.cancelled() else call())
        return timer

    @asynccontextmanager
    async def timeout(self, seconds: float | None) -> AsyncIterator[None]:
        if seconds is None:
            yield
            return
        timer = self._timer(seconds)
        async with asyncio.timeout(None) as real:  # noqa: TID251
            timer.add_done_callback(
                lambda done: None if done.cancelled() else real.reschedule(asyncio.get_running_loop().time())
            )
            try:
                yield
            finally:
                timer.cancel()

    async def advance(self, seconds: float) -> None:
        until = self._now + seconds
        await settle()
        while self._timers and self._timers[0][0] <= until:
            due, _, timer = heapq.heappop(self._timers)
            if timer.done():
                continue
            self._now = max(self._now, due)
            timer.set_result(None)
            await settle()
        self._now = until
        await settle()

    def _timer(self, seconds: float) -> asyncio.Future[None]:
        timer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if seconds <= 0:
            timer.set_result(None)
        else:
            heapq.heappush(self._timers, (self._now + seconds, next(self._order), timer))
        return timer
