"""How frames reach a session: a raw-ASGI WebSocket at `/agent/link`, and a pair in memory for a Local Agent's own engine."""

import asyncio
import contextlib
import ipaddress
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal

from soundpost.hub.agents import rules
from soundpost.hub.agents.links import AgentLinks
from soundpost.link import envelope

PATH = "/agent/link"
FRAMES_WAITING = 256
GOODBYE = 1001
"""The close code of an agent that is stopped on purpose: it is lost at once, without grace."""

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]


class Outlet:
    """Frames on their way to one agent. Bounded: an agent that takes nothing is hung up on, and resumes later."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._woken = asyncio.Event()
        self._closed = False

    def put(self, frame: bytes) -> bool:
        if self._closed or len(self._frames) >= FRAMES_WAITING:
            return False
        self._frames.append(frame)
        self._woken.set()
        return True

    def close(self) -> None:
        """What was put is still sent."""
        self._closed = True
        self._woken.set()

    async def get(self) -> bytes | None:
        """The next frame; None once closed and empty."""
        while not self._frames:
            if self._closed:
                return None
            self._woken.clear()
            await self._woken.wait()
        return self._frames.popleft()


class AgentDoor:
    """An ASGI application for `PATH`. `plain`: who may come without TLS. The server's own size cap must not be below
    `envelope.FRAME_CAP`; its pings end a line whose other end takes nothing."""

    def __init__(self, links: AgentLinks, *, plain: Literal["never", "loopback", "any"] = "never") -> None:
        self._links, self._plain = links, plain

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await _only_websocket(send)
        elif scope["type"] == "websocket" and (await receive())["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
            if self._secure(scope):
                await self._serve(scope, receive, send)
            else:
                frame = envelope.encode(rules.refusal("tls_needed"))
                await send({"type": "websocket.send", "bytes": frame})
                await send({"type": "websocket.close", "code": 1008})

    def _secure(self, scope: Any) -> bool:
        if scope.get("scheme") == "wss" or self._plain == "any":
            return True
        return self._plain == "loopback" and _loopback(_address(scope))

    async def _serve(self, scope: Any, receive: Receive, send: Send) -> None:
        outlet = Outlet()
        writing = asyncio.create_task(_write(outlet, send), name="agents-write")
        session = self._links.open(_address(scope), outlet.put, outlet.close)
        code = 0
        try:
            while (event := await receive())["type"] == "websocket.receive":
                session.feed(event.get("bytes") or b"")
            code = event.get("code", 0)
        finally:
            session.gone(clean=code == GOODBYE)
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing


async def _write(outlet: Outlet, send: Send) -> None:
    with contextlib.suppress(OSError, RuntimeError):  # the line is gone; the reading end hears of it
        while (frame := await outlet.get()) is not None:
            await send({"type": "websocket.send", "bytes": frame})
        await send({"type": "websocket.close", "code": 1000})


def _address(scope: Any) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


async def _only_websocket(send: Send) -> None:
    body = (
        b'{"type":"about:blank","title":"Upgrade Required","status":426,"code":"websocket_only",'
        b'"detail":"This address is for Local Agents; they speak WebSocket here.","params":{}}'
    )
    headers = [(b"content-type", b"application/problem+json"), (b"upgrade", b"websocket")]
    await send({"type": "http.response.start", "status": 426, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class LocalChannel:
    """The engine's end of a link inside one process: the same frames, the same session, no socket."""

    def __init__(self, links: AgentLinks) -> None:
        self._outlet = Outlet()
        self._session = links.open("local", self._outlet.put, self._outlet.close, local=True)

    async def send(self, frame: bytes) -> None:
        self._session.feed(frame)

    async def receive(self) -> bytes | None:
        """The hub's next frame; None when the link is over."""
        return await self._outlet.get()

    async def close(self, *, goodbye: bool = False) -> None:
        self._session.gone(clean=goodbye)
        self._outlet.close()


class LocalDoor:
    """For a Local Agent's own engine, whose key and site are known beforehand (`Agents.adopt_local`). Each call opens one link."""

    def __init__(self, links: AgentLinks) -> None:
        self._links = links

    def connect(self) -> LocalChannel:
        return LocalChannel(self._links)
