"""One TCP connection that delivers framed items and says why it ended."""

import asyncio
import errno
from collections.abc import Callable
from typing import Protocol, cast

from soundpost.device.contract import Trouble
from soundpost.device.model import Endpoint
from soundpost.kernel.clock import Clock
from soundpost.wire.lines import Item, Lines
from soundpost.wire.tape import Way

Tap = Callable[[Way, bytes], None]
"""Hears every byte as it went over the line, and in notes what became of the line."""


def no_tap(way: Way, data: bytes) -> None:
    """For who only looks."""


HIDDEN = 8
"""Stars for a secret, whatever its length."""


class Receiver(Protocol):
    def received(self, items: list[Item]) -> None:
        """At least one line, prompt or piece of garbage arrived."""

    def lost(self, trouble: Trouble, text: str) -> None:
        """The connection is gone; called once."""


def told(error: BaseException, endpoint: Endpoint) -> tuple[Trouble, str]:
    """What a failed connect or a broken connection means, in a sentence for a person."""
    if isinstance(error, ConnectionRefusedError):
        return Trouble.REFUSED, f"{endpoint} refused the connection"
    if isinstance(error, ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
        return Trouble.CLOSED, f"{endpoint} reset the connection"
    if isinstance(error, TimeoutError):
        return Trouble.UNREACHABLE, f"{endpoint} did not answer in time"
    if isinstance(error, OSError) and error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN):
        return Trouble.UNREACHABLE, f"{endpoint} can't be reached: {error.strerror}"
    if isinstance(error, OSError):
        return Trouble.UNREACHABLE, f"{endpoint} can't be reached: {error.strerror or error}"
    return Trouble.CLOSED, f"the line to {endpoint} broke: {type(error).__name__}"


class Stream(asyncio.Protocol):
    """Written to with `send`, heard by a Receiver. An error in the receiver ends the connection, never only the reading."""

    __slots__ = ("_endpoint", "_lines", "_parting", "_receiver", "_tap", "_transport")

    def __init__(self, receiver: Receiver, endpoint: Endpoint, tap: Tap = no_tap) -> None:
        self._receiver = receiver
        self._tap = tap
        self._endpoint = endpoint
        self._lines = Lines()
        self._transport: asyncio.Transport | None = None
        self._parting: tuple[Trouble, str] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._tap(Way.NOTE, f"connected to {self._endpoint}".encode())

    def data_received(self, data: bytes) -> None:
        self._tap(Way.FROM, data)
        if self._parting is None and (items := self._lines.feed(data)):
            self._receiver.received(items)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._parting is None:
            self._parting = told(exc, self._endpoint) if exc else (Trouble.CLOSED, f"{self._endpoint} closed the line")
            self._tap(Way.NOTE, self._parting[1].encode())
            self._receiver.lost(*self._parting)

    def send(self, text: str, end: bytes = b"\r", secret: bool = False) -> None:
        if self._transport is not None:
            data = text.encode()
            self._tap(Way.TO, (b"*" * HIDDEN if secret else data) + end)
            self._transport.write(data + end)

    def hang_up(self, trouble: Trouble, text: str) -> None:
        """Ends the connection from our side, at once: bytes not yet taken by the system are thrown away."""
        if self._parting is None:
            self._parting = (trouble, text)
            self._tap(Way.NOTE, f"hung up: {text}".encode())
            self._receiver.lost(trouble, text)
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()


async def connect(receiver: Receiver, endpoint: Endpoint, clock: Clock, seconds: float, tap: Tap = no_tap) -> Stream:
    """Raises ConnectionRefusedError, TimeoutError or another OSError."""
    loop = asyncio.get_running_loop()
    async with clock.timeout(seconds):
        _, stream = await loop.create_connection(
            lambda: Stream(receiver, endpoint, tap), endpoint.address, endpoint.port
        )
    return stream
