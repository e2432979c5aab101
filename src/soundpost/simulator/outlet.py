"""How a session's bytes leave: at once, late but in order, or in pieces that are segments of their own."""

import asyncio
from collections import deque
from typing import Protocol

from soundpost.kernel.clock import Clock
from soundpost.simulator.disguise import Cut


class Carrier(Protocol):
    clock: Clock
    silent: bool
    cut: Cut | None
    slow_s: float


class Outlet:
    """Nothing is queued and no task runs unless the station is slow or cuts; then order is kept until all is out."""

    __slots__ = ("_queue", "_sender", "_station", "transport")

    def __init__(self, station: Carrier) -> None:
        self._station = station
        self.transport: asyncio.Transport | None = None
        self._queue: deque[tuple[float, bytes]] | None = None  # an empty deque is not small
        self._sender: asyncio.Task[None] | None = None

    def send(self, data: bytes) -> None:
        station = self._station
        if station.cut is None and not station.slow_s and not self._queue:
            self.write(data)
            return
        if self._queue is None:
            self._queue = deque()
        due = station.clock.monotonic() + station.slow_s
        cut = station.cut
        if cut is None:
            self._queue.append((due, data))
        else:
            due = max(due, self._queue[-1][0] + cut.gap_s) if self._queue else due
            self._queue.extend((due + n * cut.gap_s, piece) for n, piece in enumerate(cut.pieces(data)))
        if self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._send_queued())

    async def _send_queued(self) -> None:
        clock = self._station.clock
        loop = asyncio.get_running_loop()
        try:
            while self._queue:
                due, data = self._queue[0]
                if (wait := due - clock.monotonic()) > 0:
                    await clock.sleep(wait)
                if not self._queue:  # a lost line has none
                    return
                self._queue.popleft()
                self.write(data)
                # uvloop sends all that is written within one turn as one segment; a turn between them keeps them apart.
                turn = loop.create_future()
                loop.call_soon(turn.set_result, None)
                await turn
        finally:
            self._sender = None

    def write(self, data: bytes) -> None:
        transport = self.transport
        if transport is not None and not transport.is_closing() and not self._station.silent:
            transport.write(data)

    def empty(self) -> None:
        if self._queue:
            self._queue.clear()

    def lost(self) -> None:
        self.transport = self._queue = None
        if self._sender is not None:
            self._sender.cancel()
