"""One page's live socket, as a browser holds it: subscribes, and stamps each message with the moment it arrived."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import websockets
from websockets.asyncio.client import ClientConnection

from bench.programs import Api
from soundpost.kernel.clock import SystemClock, parse_rfc3339

CLOCK = SystemClock()
Fits = Callable[[dict[str, Any]], bool]
BIGGEST = 64 << 20


class Page:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def subscribe(self, topic: str) -> dict[str, Any]:
        """Returns the topic's snapshot."""
        await self._socket.send(json.dumps({"subscribe": [topic]}))
        snapshot, _ = await self.seen(lambda m: m.get("topic") == topic and m["type"] in ("snapshot", "error"), 60)
        if snapshot["type"] == "error":
            raise RuntimeError(f"{topic} was refused: {snapshot['data']}")
        return snapshot

    async def next(self) -> tuple[dict[str, Any], int]:
        """A message and when it arrived, in microseconds since 1970."""
        text = await self._socket.recv()
        arrived = CLOCK.now_us()
        message: dict[str, Any] = json.loads(text)
        return message, arrived

    async def seen(self, fits: Fits, seconds: float = 10.0) -> tuple[dict[str, Any], int]:
        """The next message that fits; TimeoutError when none came."""
        async with asyncio.timeout(seconds):
            while True:
                message, arrived = await self.next()
                if fits(message):
                    return message, arrived


@contextlib.asynccontextmanager
async def page(api: Api) -> AsyncIterator[Page]:
    headers = {"X-Api-Key": api.client.headers["X-Api-Key"]}
    url = f"ws://{urlsplit(api.url).netloc}/api/v1/live"
    async with websockets.connect(url, additional_headers=headers, max_size=BIGGEST, max_queue=4096) as socket:
        yield Page(socket)


def micro(text: str) -> int:
    """Microseconds since 1970 of the control API's time."""
    whole, fraction = text.rstrip("Z").split(".")
    return parse_rfc3339(whole + "Z") * 1000 + int(fraction.ljust(6, "0"))
