"""What ends the rest between two questions early."""

import asyncio

from soundpost.kernel.clock import Clock


class News:
    """`anew`: everything must be read again. Whoever rests is woken by anybody: the poller may rest while a verb that was asked
    for waits for a device that starts."""

    __slots__ = ("_clock", "_resting", "anew")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._resting: set[asyncio.Future[None]] = set()
        self.anew = False

    def wanted(self) -> bool:
        return self.anew

    def want_anew(self) -> None:
        self.anew = True
        self.wake()

    def wake(self, _: object = None) -> None:
        for rest in self._resting:
            if not rest.done():
                rest.set_result(None)

    async def rest(self, seconds: float) -> None:
        rest: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._resting.add(rest)
        timer = self._clock.call_later(seconds, lambda: None if rest.done() else rest.set_result(None))
        try:
            await rest
        finally:
            timer.cancel()
            self._resting.discard(rest)
