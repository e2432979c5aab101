"""What uvicorn says by itself, in JSON: a request that can't be read, a head without end, too many at once."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from soundpost.hub.compat import rules
from soundpost.kernel.errors import Invalid, TellUser, Unavailable

HEAD_MOST, CONNECTIONS_MOST = 16 * 1024, 256
HEAD_S = 10.0
"""How long a request may take to arrive: else 256 strangers who begin one and stop would keep every client out."""


class HeadTooLarge(TellUser):
    status = 431


class TooSlow(TellUser):
    status = 408


class JsonProtocol(HttpToolsProtocol):
    _head: int | None = 0
    """Bytes of a head that has not ended; None between one's end and the next."""
    _late: asyncio.TimerHandle | None = None
    """Runs while something was sent that is not a whole request yet."""

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
        if self.transport.is_closing():
            return
        if self._late is None and (self._head is not None or self.cycle.response_complete):
            self._late = self.loop.call_later(HEAD_S, self._too_late)
        if self._head is not None:
            self._head += len(data)
            if self._head > HEAD_MOST:
                self.refuse(HeadTooLarge("The head of this request is too large.", code="too_large"))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0

    def on_headers_complete(self) -> None:
        self._head = None
        self._in_time()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_MOST:
            self.refuse(HeadTooLarge("The head of this request is too large.", code="too_large"))
        else:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        super().connection_lost(exc)

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_late(self) -> None:
        """A body that does not end belongs to a request that is answered: there is nothing more to say."""
        if self._head is None:
            self.transport.close()
        else:
            self.refuse(TooSlow("The request was not all here in time. Send it at once.", code="timed_out"))

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
