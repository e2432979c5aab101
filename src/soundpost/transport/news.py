"""What ends the rest between two questions early."""

import asyncio

from soundpost.kernel.clock import Clock


class News:
    """`anew`: everything must be read again. One rests, anybody wakes."""

    __slots__ = ("_clock", "_rest", "anew")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rest: asyncio.Future[None] | None = None
        self.anew = False

    def want_anew(self) -> None:
        self.anew = True
        self.wake()

    def wake(self, _: object = None) -> None:
        if self._rest is not None and not self._rest.done():
            self._rest.set_result(None)

    async def rest(self, seconds: float) -> None:
        self._rest = asyncio.get_running_loop().create_future()
        timer = self._clock.call_later(seconds, self.wake)
        try:
            await self._rest
        finally:
            timer.cancel()
            self._rest = None
