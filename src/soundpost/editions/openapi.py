"""The OpenAPI document of both editions in one, for the web client's generated types: `python -m soundpost.editions.openapi`."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar

from soundpost.editions import local_api, rooms
from soundpost.hub import openapi
from soundpost.hub.app import Edition
from soundpost.hub.people.service import People
from soundpost.hub.problems import MEDIA_TYPE
from soundpost.hub.store import Store
from soundpost.kernel.clock import SystemClock


async def document() -> dict[str, Any]:
    async with with_application() as app:
        return openapi.document(app)


@contextlib.asynccontextmanager
async def with_application() -> AsyncIterator[Litestar]:
    """With every route: a Local Agent has those of the hub and some of its own. Nothing is listened on."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        async with Store(Path(folder) / "soundpost.db", clock) as store:
            people = People(store, clock)
            # the routes' services are asked for when a request comes, and none does
            services: dict[str, object] = {"engine": None, "external": None}
            async with rooms.opened(
                Edition("local_agent", version="0"),
                store,
                people,
                clock,
                controllers=local_api.CONTROLLERS,
                services=services,
            ) as house:
                yield house.app


def lean(made: dict[str, Any]) -> dict[str, Any]:
    """Without what no type is made of: the client reads every error as the one problem it is."""
    problem = {
        "description": "A problem",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    made["components"].pop("examples")
    for operations in made["paths"].values():
        for operation in operations.values():
            answers = {status: answer for status, answer in operation["responses"].items() if status < "400"}
            for part in (*answers.values(), operation.get("requestBody", {})):
                for content in part.get("content", {}).values():
                    content.pop("example", None)
            operation["responses"] = {**answers, "default": problem}
            operation.pop("description", None)
    return made


def text() -> bytes:
    """In an order that does not depend on that of the routes, so that a change shows as one."""
    return msgspec.json.format(msgspec.json.encode(lean(asyncio.run(document())), order="sorted"), indent=1) + b"\n"


def main() -> None:
    sys.stdout.buffer.write(text())


if __name__ == "__main__":
    main()
