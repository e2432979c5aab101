"""What goes wrong inside a file's transfer, each at the byte it says. No sockets: the storage asks here before it gives or takes."""

import asyncio
from dataclasses import dataclass, field

import aioftp

from soundpost.kernel.clock import Clock


@dataclass(slots=True)
class Hindrance:
    """None, or 0: not so. `cut_after`, `stall_after`: bytes of one file, from its beginning; `quietly`: the end is told as a good one.
    `drip`: so many bytes, then a pause of `drip_s`. `size_off` is added to the size that is told."""

    refuses: bool = False
    cut_after: int | None = None
    quietly: bool = False
    stall_after: int | None = None
    drip: int = 0
    drip_s: float = 0.0
    size_off: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a stall ends."""
    _closings: int = 0

    async def allowed(self, at: int, wanted: int, clock: Clock) -> int:
        """How many of `wanted` bytes may go at this place of a file now, perhaps after a while; 0: this is its end."""
        if self.drip:
            await clock.sleep(self.drip_s)
            wanted = min(wanted, self.drip)
        while self.stall_after is not None and at >= self.stall_after:
            await self._waited()
        for bound in (self.cut_after, self.stall_after):
            if bound is not None and at < bound:
                wanted = min(wanted, bound - at)
        if self.cut_after is None or at < self.cut_after:
            return wanted
        if self.quietly:
            return 0
        raise aioftp.PathIOError("the transfer broke off")

    async def _waited(self) -> None:
        closings = self._closings
        await self.moved.wait()
        if closings != self._closings:
            raise aioftp.PathIOError("the service was closed")

    def closed(self) -> None:
        """Nothing waits any more: a service that closes has to end what it had begun."""
        self._closings += 1
        self._wake()

    def _wake(self) -> None:
        self.moved.set()
        self.moved = asyncio.Event()

    def stall(self, after: int | None) -> None:
        self.stall_after = after
        if after is None:
            self._wake()
