"""What the link runs over: any ordered, reliable channel of whole frames."""

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

    async def close(self, *, goodbye: bool = False) -> None: ...


class RoomsChannel:
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
        await self._inner.close(goodbye=goodbye)
