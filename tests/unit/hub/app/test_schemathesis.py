"""Every operation asked by property on a running hub with devices, places, people and keys, by nobody, by a monitor and an
administrator of one room, by the owner and by keys: no fault inside, no answer the document does not name, nothing without proof."""

import asyncio
from typing import Any

import pytest
from tests.support.schemathesis_run import auth_findings, findings
from tests.unit.hub.app.test_matrix import World, world

from soundpost.hub.people.rules import RIGHTS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
__all__ = ["world"]
PEOPLE = {"nobody": 3, "monitor of a room": 3, "owner": 5}
"""Who asks, and how many of each operation, right and wrong: the more they may, the further what they send comes."""


async def document(world: World) -> dict[str, Any]:
    made: dict[str, Any] = (await world.ask("nobody", "GET", "/api/v1/openapi.json")).json()
    return made


@pytest.mark.parametrize("who", PEOPLE)
async def test_nothing_answers_what_it_does_not_name(world: World, who: str) -> None:
    made, url = await document(world), str(world.client.base_url)
    headers = {**world.origin, "Cookie": "; ".join(f"{name}={value}" for name, value in world.cookies[who].items())}
    rights = ("open",) if who == "nobody" else RIGHTS  # all else is 401 for nobody: below
    assert await asyncio.to_thread(findings, url, made, headers, examples=PEOPLE[who], rights=rights) == []


async def test_nothing_answers_without_proof(world: World) -> None:
    made, url = await document(world), str(world.client.base_url)
    assert await asyncio.to_thread(auth_findings, url, made) == []
