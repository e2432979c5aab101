"""Every operation asked by property on a running hub with devices, places, people and keys, by nobody, by a monitor and an
administrator of one room, by the owner and by keys: no fault inside, no answer the document does not name, nothing without proof."""

import asyncio
from typing import Any

import pytest
from tests.support.schemathesis_run import auth_findings, findings
from tests.unit.hub.app.test_matrix import World, world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
__all__ = ["world"]
PEOPLE = ("nobody", "monitor of a room", "owner")


async def document(world: World) -> dict[str, Any]:
    made: dict[str, Any] = (await world.ask("nobody", "GET", "/api/v1/openapi.json")).json()
    return made


@pytest.mark.parametrize("who", PEOPLE)
async def test_nothing_answers_what_it_does_not_name(world: World, who: str) -> None:
    made, url = await document(world), str(world.client.base_url)
    headers = {**world.origin, "Cookie": "; ".join(f"{name}={value}" for name, value in world.cookies[who].items())}
    assert await asyncio.to_thread(findings, url, made, headers) == []


async def test_nothing_answers_without_proof(world: World) -> None:
    made, url = await document(world), str(world.client.base_url)
    key = await world.hub.people.add_key(await owner_id(world), "probe", "administer")
    assert await asyncio.to_thread(auth_findings, url, made, key) == []


async def owner_id(world: World) -> str:
    return str((await world.ask("owner", "GET", "/api/v1/session")).json()["person"]["id"])
