"""The OpenAPI document of both editions in one, for the web client's generated types: `python -m soundpost.editions.openapi`."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from soundpost.editions import local_api, rooms
from soundpost.hub import openapi
from soundpost.hub.app import Edition
from soundpost.hub.people.service import People
from soundpost.hub.store import Store
from soundpost.kernel.clock import SystemClock


async def document() -> dict[str, Any]:
    """A Local Agent has every route of the hub and some of its own. Nothing is listened on."""
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
                return openapi.document(house.app)


def text() -> bytes:
    """In an order that does not depend on that of the routes, so that a change shows as one."""
    return msgspec.json.format(msgspec.json.encode(asyncio.run(document()), order="sorted"), indent=1) + b"\n"


def main() -> None:
    sys.stdout.buffer.write(text())


if __name__ == "__main__":
    main()
