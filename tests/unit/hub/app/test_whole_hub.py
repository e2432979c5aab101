"""Both editions with all their rooms: every route names its right, and schemathesis finds no answer that is not in the document."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.hub import problem

from soundpost.editions import local_api, rooms
from soundpost.hub import serve
from soundpost.hub.app import Edition
from soundpost.hub.people.http import routes_without_right
from soundpost.hub.people.service import People
from soundpost.hub.store import Store
from soundpost.kernel.clock import SystemClock

OPEN = (
    "/api/v1/health", "/api/v1/session", "/api/v1/first-run", "/api/v1/registration/xtoken", "/api/v1/organization/terms",
    "/api/v1/session/second-factor", "/api/v1/password-resets", "/api/v1/password-resets/check",
)  # fmt: skip


@asynccontextmanager
async def house(folder: Path, edition: Edition, **options: Any) -> AsyncIterator[rooms.House]:
    clock = SystemClock()
    async with (
        Store(folder / "soundpost.db", clock) as store,
        rooms.opened(edition, store, People(store, clock), clock, **options) as opened,
    ):
        yield opened


PERSONS = ("/api/v1/session/password", "/api/v1/account", "/api/v1/views", "/api/v1/keys")
"""What people do of their own. Whoever may see may do it, but a key is no person: refused for that, or for the body it did not send."""


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[rooms.House]:
    async with house(tmp_path, Edition("enterprise"), door=True) as opened:
        yield opened


@asynccontextmanager
async def served(hub: rooms.House) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serve.Serving(hub.app, SystemClock(), plain=serve.Plain(0)) as serving,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{serving.port}") as client,
    ):
        yield client


async def key(hub: rooms.House, scope: str) -> str:
    if hub.people.first_run_open:
        await hub.people.ready_owner("owner@example.org")
    owner = await hub.store.read(lambda conn: conn.exec_driver_sql("select id from people").scalar())
    return await hub.people.add_key(str(owner), "test", scope)


async def test_every_route_of_the_hub_names_its_right(hub: rooms.House) -> None:
    assert routes_without_right(hub.app) == []


async def test_every_route_of_a_local_agent_names_its_right(tmp_path: Path) -> None:
    services: dict[str, object] = {"engine": object(), "external": object()}
    edition = Edition("local_agent")
    async with house(tmp_path, edition, controllers=local_api.CONTROLLERS, services=services) as opened:
        assert routes_without_right(opened.app) == []


@pytest.mark.slow
async def test_nobody_sees_anything_and_readers_change_nothing(hub: rooms.House) -> None:
    """Each route asked by nobody and by a key that may only read."""
    read = await key(hub, "read")
    async with served(hub) as client:
        document = (await client.get("/api/v1/openapi.json")).json()
        for path, operations in document["paths"].items():
            address = path.replace("{", "x").replace("}", "")
            for method in operations:
                answer = await client.request(method.upper(), address)
                opened = address in OPEN
                if not opened:
                    problem(answer, 401, "unauthenticated")
                if method != "get" and not opened:
                    answer = await client.request(method.upper(), address, headers={"X-Api-Key": read})
                    if address.startswith(PERSONS):
                        assert answer.status_code in (400, 403, 404), f"{method} {address}: {answer.text}"
                    else:
                        problem(answer, 403, "not_allowed")
