"""A browser at the live socket, without a network: it speaks ASGI to the whole application."""

import asyncio
import json
from typing import Any

from tests.support.clock import settle


class Page:
    """`stuck` holds back what the hub sends, as a browser does that can't follow."""

    def __init__(self, app: Any, headers: dict[str, str]) -> None:
        self.scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": "/api/v1/live",
            "raw_path": b"/api/v1/live",
            "root_path": "",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
            "subprotocols": [],
            "state": {},
            "extensions": {},
        }
        self.heard: list[dict[str, Any]] = []
        self.closed: int | None = None
        self.accepted = False
        self.free = asyncio.Event()
        self.free.set()
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._in.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(app(self.scope, self._in.get, self._send))

    async def _send(self, message: dict[str, Any]) -> None:
        await self.free.wait()
        match message["type"]:
            case "websocket.accept":
                self.accepted = True
            case "websocket.close":
                self.closed = message["code"]
            case "websocket.send":
                self.heard.append(json.loads(message["text"]))

    def say(self, **message: Any) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    def raw(self, text: str) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": text})

    async def next(self, topic: str | None = None) -> dict[str, Any]:
        """The first message not looked at yet, of this topic."""
        while True:
            for place, message in enumerate(self.heard):
                if topic is None or message.get("topic") == topic:
                    return self.heard.pop(place)
            assert not self.task.done(), self.closed
            await settle(3)

    async def follow(self, topic: str) -> dict[str, Any]:
        self.say(subscribe=[topic])
        return await self.next(topic)

    async def leave(self) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1000})
        self.free.set()
        await self.task
