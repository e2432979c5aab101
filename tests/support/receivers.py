"""A syslog server and a webhook's server on loopback, that do as a test tells them."""

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


def unframed(raw: bytes) -> tuple[list[bytes], bytes]:
    """Whole messages, by counted octets, and what is left of one that was cut."""
    found = []
    while (at := raw.find(b" ")) > 0 and len(raw) >= at + 1 + int(raw[:at]):
        size = int(raw[:at])
        found.append(raw[at + 1 : at + 1 + size])
        raw = raw[at + 1 + size :]
    return found, raw


class Logs:
    """`mode`: `read` to the end and close; `cut` after `cut_after` bytes, which resets the line; `hold` the line open when all is read;
    `deaf`: it is taken and nothing read."""

    def __init__(self, port: int) -> None:
        self.port, self.mode, self.cut_after = port, "read", 40
        self.lines: list[list[bytes]] = []
        self.fragments: list[bytes] = []
        self.let_go = asyncio.Event()

    @property
    def messages(self) -> list[str]:
        return [message.decode() for line in self.lines for message in line]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(Exception):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "deaf":
            await self.let_go.wait()
            return
        if self.mode == "cut":
            self.fragments.append(await reader.read(self.cut_after))
            line = writer.get_extra_info("socket")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        whole, rest = unframed(await reader.read(-1))
        self.lines.append(whole)
        if rest:
            self.fragments.append(rest)
        if self.mode == "hold":
            await self.let_go.wait()


@asynccontextmanager
async def logs(context: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[Logs]:
    made = Logs(0)
    server = await asyncio.start_server(made.serve, "127.0.0.1", port, ssl=context)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.let_go.set()
        server.close()
        await server.wait_closed()


class Hook:
    """Answers each POST with `status` and `answer`; `silent`: it hears and says nothing; `cut`: it hears the head and breaks off."""

    def __init__(self) -> None:
        self.port, self.status, self.answer, self.mode = 0, 200, "thanks", "answer"
        self.headers: dict[str, str] = {}
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.paths: list[str] = []
        self.let_go = asyncio.Event()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.heard]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            self.paths.append(head[0].split(" ")[1])
            if self.mode == "cut":
                writer.transport.abort()
                return
            body = await reader.readexactly(int(headers["content-length"]))
            self.heard.append((headers, body))
            if self.mode == "silent":
                await self.let_go.wait()
                return
            told = {"Content-Length": str(len(self.answer)), "Connection": "close", **self.headers}
            lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
            writer.write(f"HTTP/1.1 {self.status} X\r\n{lines}\r\n{self.answer}".encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(Exception):
                await writer.wait_closed()


@asynccontextmanager
async def hook(context: ssl.SSLContext | None = None) -> AsyncIterator[Hook]:
    made = Hook()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=context)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.let_go.set()
        server.close()
        await server.wait_closed()
