"""Both ends of a link in one process, with a test at the hub's end."""

import asyncio

from soundpost.agent.channel import ChannelClosed


class MemoryChannel:
    """One end of a pair inside one process. A full queue makes the sender wait, as a socket would."""

    def __init__(self, inbox: "asyncio.Queue[bytes | None]", outbox: "asyncio.Queue[bytes | None]") -> None:
        self._inbox, self._outbox = inbox, outbox
        self._closed = asyncio.Event()
        self.peer: MemoryChannel | None = None

    async def send(self, frame: bytes) -> None:
        if self._closed.is_set() or self.peer is None or self.peer._closed.is_set():
            raise ChannelClosed("The link is closed.")
        await self._outbox.put(frame)

    async def recv(self) -> bytes:
        if self._closed.is_set() and self._inbox.empty():
            raise ChannelClosed("The link is closed.")
        frame = await self._inbox.get()
        if frame is None:
            self._closed.set()
            raise ChannelClosed("The other end closed the link.")
        return frame

    async def close(self, *, goodbye: bool = False) -> None:
        """Frames already sent are still received by the other end; senders that wait there are let go."""
        if self._closed.is_set():
            return
        self._closed.set()
        for queue in (self._inbox, self._outbox):
            if queue is self._inbox:
                while not queue.empty():
                    queue.get_nowait()
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)


QUEUED = 64


def pair() -> tuple[MemoryChannel, MemoryChannel]:
    """Both ends: what one sends the other receives."""
    up: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUED)
    down: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUED)
    one, other = MemoryChannel(up, down), MemoryChannel(down, up)
    one.peer, other.peer = other, one
    return one, other
