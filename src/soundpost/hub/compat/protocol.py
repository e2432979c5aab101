"""What uvicorn says by itself, in JSON: a request that can't be read, a head without end, too many at once."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from soundpost.hub.compat import rules
from soundpost.kernel.errors import Invalid, TellUser, Unavailable

HEAD_MOST, CONNECTIONS_MOST = 16 * 1024, 256


class HeadTooLarge(TellUser):
    status = 431


class JsonProtocol(HttpToolsProtocol):
    _head: int | None = 0
    """Bytes of a head that has not ended; None between one's end and the next."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MOST:
            self.refuse(Unavailable("Too many ask at once. Try again later.", code="busy"))
            return
        # who connects and says nothing is not waited for longer than who has asked before
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._head is not None and not self.transport.is_closing():
            self._head += len(data)
            if self._head > HEAD_MOST:
                self.refuse(HeadTooLarge("The head of this request is too large.", code="too_large"))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0

    def on_headers_complete(self) -> None:
        self._head = None
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_MOST:
            self.refuse(HeadTooLarge("The head of this request is too large.", code="too_large"))
        else:
            super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self.refuse(Invalid("The request can't be read.", code="invalid"))

    def refuse(self, error: TellUser) -> None:
        if self.transport.is_closing():
            return
        body = rules.problem(error)
        head: list[Any] = [
            STATUS_LINE[error.status],
            b"content-type: application/problem+json\r\n",
            f"content-length: {len(body)}\r\n".encode(),
            b"connection: close\r\n\r\n",
        ]
        self.transport.write(b"".join([*head, body]))
        self.transport.close()
