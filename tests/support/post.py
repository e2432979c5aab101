"""A mail server and a gateway for text messages on loopback, that do as a test tells them."""

import asyncio
import email
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

PASSWORD = "the mail account's password"


class Sink:
    """What arrived, oldest first. `rcpt`, `data`: what the server answers to an address, and to a message; "" = the connection is cut."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.tried: list[str] = []
        self.port = 0
        self.rcpt: Callable[[str], str] = lambda address: "250 fine"
        self.data: Callable[[EmailMessage], str] = lambda message: "250 2.0.0 queued as 42"
        self.arrived = asyncio.Event()
        self.hold: asyncio.Event | None = None
        self.servers: list[SMTP] = []

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        self.tried.append(address)
        answer = self.rcpt(address)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        message = email.message_from_bytes(envelope.content or b"", policy=default)  # type: ignore[arg-type]
        assert isinstance(message, EmailMessage)
        answer = self.data(message)
        if not answer:
            assert server.transport is not None
            server.transport.abort()
            return "451 gone"
        if answer.startswith("2"):
            self.mails.append(message)
            self.recipients += envelope.rcpt_tos
        self.arrived.set()
        if self.hold is not None:
            await self.hold.wait()
        return answer


def authenticator(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    fine = data.login == b"av@example.org" and data.password == PASSWORD.encode()
    given = data.password.decode()
    words = None if fine else f"535 5.7.8 Authentication credentials invalid: {given}"
    return AuthResult(success=fine, handled=False, message=words)


@asynccontextmanager
async def mail_server(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, auth: bool = False, **options: Any
) -> AsyncIterator[Sink]:
    sink, loop = Sink(), asyncio.get_running_loop()
    more: dict[str, Any] = (
        {"authenticator": authenticator, "auth_require_tls": tls is None, **options} if auth else options
    )

    def made() -> SMTP:
        one = SMTP(
            sink,
            hostname="mail.test",
            ident="a test server",
            enable_SMTPUTF8=True,
            tls_context=starttls,
            loop=loop,
            **more,
        )
        sink.servers.append(one)
        return one

    server = await loop.create_server(made, "127.0.0.1", 0, ssl=tls)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        for one in sink.servers:
            if one.transport is not None:
                one.transport.abort()
            if one._handler_coroutine is not None:  # it waits on where a handshake failed
                one._handler_coroutine.cancel()
        await server.wait_closed()


class Gateway:
    """`asked`: (request line, headers, body) of each. `answer`: status, further headers, body."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: tuple[str, dict[str, str], bytes] = ("201 Created", {}, b'{"sid": "SM1"}')
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.asked.append((first, headers, body))
        status, more, words = self.answer
        told = {"Content-Length": str(len(words)), "Connection": "close", **more}
        writer.write(
            (f"HTTP/1.1 {status}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in told.items()) + "\r\n").encode() + words
        )
        await writer.drain()
        writer.close()

    def json(self) -> Any:
        return json.loads(self.asked[-1][2])


@asynccontextmanager
async def gateway() -> AsyncIterator[Gateway]:
    made = Gateway()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()
