from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from litestar import get, post, websocket
from litestar.connection import WebSocket
from msgspec import Struct
from tests.support.hub import Hub, hub

from soundpost.hub.app import Rooms
from soundpost.kernel.errors import GiveUp, Retry, Unsupported


class Thing(Struct, forbid_unknown_fields=True):
    name: str
    size: int = 1


@post("/api/v1/things", opt={"right": "open"})
async def add_thing(data: Thing) -> Thing:
    return data


@get("/api/v1/break/{how:str}", opt={"right": "open"}, include_in_schema=False)
async def broken(how: str) -> None:
    secret = "the secret in a stack"  # noqa: F841
    raise {
        "bug": RuntimeError("the secret in an error"),
        "retry": Retry("The line is down. Try again.", cause="the secret cause"),
        "unsupported": Unsupported("This device can't do that."),
        "give-up": GiveUp("It failed for good.", cause="the secret cause"),
    }[how]


@get("/api/v1/no-right", include_in_schema=False)
async def unnamed() -> None: ...


@get("/api/v1/odd-right", opt={"right": "everything"}, include_in_schema=False)
async def odd() -> None: ...


@websocket("/api/v1/echo", opt={"right": "see"})
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(socket.scope["user"].name)
    await socket.close()


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Hub]:
    web = tmp_path / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("<!doctype html><title>Soundpost</title>" + "<p>page</p>" * 50)
    (web / "favicon.svg").write_text("<svg/>")
    (web / "assets" / "index-abc123.js").write_text("export const page = 1;\n" * 50)
    async with hub(tmp_path, rooms=Rooms(controllers=[add_thing, broken, unnamed, odd, echo])) as running:
        yield running


@pytest.fixture
async def owned(home: Hub) -> Hub:
    assert (await home.first_run()).status_code == 201
    return home
