"""A WebSocket client that costs next to nothing: binary messages over TLS, as thousands of agents would send them.

Real agents use a library; here two thousand share a core with the load's own work. Frames are masked with zeros, which the
standard's form allows and which saves copying; the hub's side is the real one.
"""

import asyncio
import base64
import os
import ssl
from collections.abc import Callable

BINARY, CLOSE, PING, PONG = 2, 8, 9, 10
HEADERS_MOST = 16 << 10
Heard = Callable[[bytes], None]


class Wire(asyncio.Protocol):
    """`heard` is called with each whole message, `ended` once. Acks are small and never split into fragments."""

    def __init__(self, host: str, path: str, heard: Heard, ended: Callable[[], None]) -> None:
        self._host, self._path, self._heard, self._ended = host, path, heard, ended
        self._transport: asyncio.Transport | None = None
        self._data = bytearray()
        self._open = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {self._path} HTTP/1.1", f"Host: {self._host}", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", "",
        ]  # fmt: skip
        self._transport.write("\r\n".join(lines).encode())  # type: ignore[union-attr]

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._open and not self._upgraded():
            return
        while self._message():
            pass

    def _upgraded(self) -> bool:
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            if len(self._data) > HEADERS_MOST:
                self.close()
            return False
        if not self._data.startswith(b"HTTP/1.1 101"):
            self._fail(f"the hub answered {bytes(self._data[:40])!r}")
            return False
        del self._data[: end + 4]
        self._open = True
        self.opened.set_result(None)
        return True

    def _message(self) -> bool:
        """Takes one frame off the buffer; false when there is none whole."""
        data = self._data
        if len(data) < 2:
            return False
        size, start = data[1] & 127, 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        if len(data) < start + size:
            return False
        kind, body = data[0] & 15, bytes(data[start : start + size])
        del data[: start + size]
        if kind == BINARY:
            self._heard(body)
        elif kind == PING:
            self._frame(PONG, body)
        elif kind == CLOSE:
            self.close()
        return True

    def send(self, body: bytes) -> None:
        self._frame(BINARY, body)

    def _frame(self, kind: int, body: bytes) -> None:
        size = len(body)
        if size < 126:
            head = bytes((128 | kind, 128 | size, 0, 0, 0, 0))
        elif size < 65_536:
            head = bytes((128 | kind, 254)) + size.to_bytes(2, "big") + b"\0\0\0\0"
        else:
            head = bytes((128 | kind, 255)) + size.to_bytes(8, "big") + b"\0\0\0\0"
        if self._transport is not None:
            self._transport.write(head + body)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _fail(self, why: str) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(why))
        self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._fail(str(error or "closed"))
        if self.opened.done() and not self.opened.cancelled():
            self.opened.exception()  # looked at: whoever waited has it, nobody else needs it
        self._ended()


async def opened(
    host: str, port: int, path: str, context: ssl.SSLContext, heard: Heard, ended: Callable[[], None]
) -> Wire:
    loop = asyncio.get_running_loop()
    name = f"{host}:{port}"
    _, wire = await loop.create_connection(lambda: Wire(name, path, heard, ended), host, port, ssl=context)
    await wire.opened
    return wire
