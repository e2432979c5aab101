"""What the link runs over: any ordered, reliable channel of whole frames."""

import asyncio
from typing import Protocol

from soundpost.kernel.errors import Retry


class ChannelClosed(Retry):
    default_code = "link_closed"


class Channel(Protocol):
    async def send(self, frame: bytes) -> None:
        """Returns when the frame is handed on. Raises ChannelClosed."""

    async def recv(self) -> bytes:
        """The next whole frame. Raises ChannelClosed when there will be none; what came before is still delivered."""

    async def close(self, *, goodbye: bool = False) -> None:
        """`goodbye`: this end stops on purpose and does not mean to come back at once."""


class Receiving(Protocol):
    """A link's end as the local rooms give it: `receive` returns None when the link is over."""

    async def send(self, frame: bytes) -> None: ...

    async def receive(self) -> bytes | None: ...

    async def close(self) -> None: ...


class LocalChannel:
    """The engine's end of the link to the local rooms."""

    def __init__(self, inner: Receiving) -> None:
        self._inner = inner

    async def send(self, frame: bytes) -> None:
        await self._inner.send(frame)

    async def recv(self) -> bytes:
        frame = await self._inner.receive()
        if frame is None:
            raise ChannelClosed("The local rooms closed the link.")
        return frame

    async def close(self, *, goodbye: bool = False) -> None:
        await self._inner.close()


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
