"""Every operation asked by property on a running hub with devices, places, people and keys, by nobody, by a monitor and an
administrator of one room, by the owner and by keys: no fault inside, no answer the document does not name, nothing without proof."""

import asyncio
from typing import Any

import pytest
from tests.support.schemathesis_run import ANSWERED, auth_findings, findings
from tests.unit.hub.app.test_matrix import World, world

from soundpost.hub.people.rules import RIGHTS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
__all__ = ["world"]
PEOPLE = {"nobody": 6, "monitor of a room": 4, "a key": 4, "owner": 8}
"""Who asks, and how many of each operation, right and wrong: the more they may, the further what they send comes."""


async def document(world: World) -> dict[str, Any]:
    made: dict[str, Any] = (await world.ask("nobody", "GET", "/api/v1/openapi.json")).json()
    return made


@pytest.mark.parametrize("who", PEOPLE)
async def test_nothing_answers_what_it_does_not_name(world: World, who: str) -> None:
    made, url = await document(world), str(world.client.base_url)
    headers = await proof(world, who)
    rights = ("open",) if who == "nobody" else RIGHTS  # all else is 401 for nobody: below
    known = await there(world)
    ANSWERED.clear()
    assert await asyncio.to_thread(findings, url, made, headers, examples=PEOPLE[who], rights=rights, known=known) == []
    if who == "owner":  # what is right comes through to the rooms, or this would prove little
        well = [name for name, statuses in ANSWERED.items() if any(status < 300 for status in statuses)]
        assert len(well) > len(ANSWERED) / 2, sorted(set(ANSWERED) - set(well))


async def proof(world: World, who: str) -> dict[str, str]:
    if who == "a key":
        owner = (await world.ask("owner", "GET", "/api/v1/session")).json()["person"]["id"]
        return {"X-Api-Key": await world.hub.people.add_key(owner, "probe", "administer")}
    return {**world.origin, "Cookie": "; ".join(f"{name}={value}" for name, value in world.cookies[who].items())}


async def there(world: World) -> dict[str, str]:
    """Something of each kind that has an id, in the room that the limited ones see."""

    async def made(path: str, body: dict[str, Any]) -> str:
        answer = await world.ask("owner", "POST", f"/api/v1{path}", body)
        assert answer.status_code < 300, answer.text
        return str(answer.json()["id"])

    people = (await world.ask("owner", "GET", "/api/v1/users")).json()["items"]
    rule = {"location": world.rooms["in"], "name": "nothing*"}
    return {
        "device_id": "dev_in",
        "location_id": await made("/locations", {"name": "Corner", "parent": world.rooms["in"]}),
        "agent_id": world.agent,
        "user_id": next(one["id"] for one in people if one["sign_in"] == "administrator@example.org"),
        "view_id": await made("/views", {"path": "/devices/pro-audio", "name": "All", "query": "kind=mixer"}),
        "rule_id": await made("/locations/rules", rule),
    }


async def test_nothing_answers_without_proof(world: World) -> None:
    made, url = await document(world), str(world.client.base_url)
    assert await asyncio.to_thread(auth_findings, url, made) == []
