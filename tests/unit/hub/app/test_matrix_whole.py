"""The matrix is the whole of it: each route of both editions and each live topic stands in a table, with the very right the source
gives it; and what lies outside a person's part answers as what was never there."""

from typing import Any

import msgspec
import pytest
import websockets
from tests.support.routes import every_route
from tests.unit.hub.app.test_matrix import (
    ADMINISTRATOR,
    MATRIX,
    MONITOR,
    OPEN,
    OWN,
    PARTS,
    WHOLE,
    World,
    may,
    world,
)

__all__ = ["world"]

LOCAL = {
    "GET /api/v1/external/hub": MONITOR,
    "PUT /api/v1/external/hub": OWN,
    "DELETE /api/v1/external/hub": OWN,
    "POST /api/v1/external/hub/check": OWN,
    "POST /api/v1/external/hub/try": OWN,
    "GET /api/v1/local/credentials": OWN,
    "PUT /api/v1/local/credentials": OWN,
    "GET /api/v1/local/discovery": OWN,
    "PUT /api/v1/local/discovery": OWN,
    "GET /api/v1/local/ceiling": MONITOR,
    "PUT /api/v1/local/ceiling": OWN,
}
"""On a Local Agent only; they are asked in tests/unit/editions and the journeys."""
RIGHTS = {
    ("open", False): OPEN,
    ("see", False): MONITOR,
    ("control", False): ADMINISTRATOR,
    ("administer", False): ADMINISTRATOR,
    ("administer", True): WHOLE,
    ("own", True): OWN,
}
TOPICS = {
    "summary": "",
    "found": "",
    "list": "kind=mixer",
    "device": "dev_in",
    "agents": "",
    "agent": "AGENT",
    "locations": "",
    "events": "",
    "users": "",
    "views": "",
    "messages": "",
    "audit": "",
    "keys": "",
    "streams": "",
}
"""Each topic that the hub's live socket has, with what follows its colon. All are for who may see; what they tell is narrowed."""


async def test_each_route_of_both_editions_stands_in_a_table_with_its_right() -> None:
    declared = {name: (handler.opt["right"], bool(handler.opt.get("whole"))) for name, handler in await every_route()}
    table = {**MATRIX, **LOCAL}
    for name, right in declared.items():
        assert name in table, (
            f"{name} stands in no table: add it to MATRIX in test_matrix.py (or LOCAL here), with its least role"
        )
        assert right in RIGHTS, (
            f'{name}: a right of {right} is in no table; what is *own* reaches everywhere, so give it "whole": True'
        )
        assert RIGHTS[right] == table[name], f"{name} asks for {right}; the table says {table[name]!r}"
    assert set(table) == set(declared), f"no such routes any more: {sorted(set(table) - set(declared))}"


@pytest.mark.slow
async def test_each_topic_for_each_role(world: World) -> None:
    assert set(world.hub.live.topics._providers) == set(TOPICS), (
        "add the new topic to TOPICS, and to a test of what it tells"
    )
    for who in world.cookies:
        for topic, argument in TOPICS.items():
            name = f"{topic}:{argument.replace('AGENT', world.agent)}" if argument else topic
            assert await told(world, who, name) == ("snapshot" if may(who, MONITOR) else "refused"), (who, name)


@pytest.mark.slow
async def test_topics_tell_a_limited_reader_of_their_part_alone(world: World) -> None:
    for who in PARTS:
        assert await told(world, who, "device:dev_out") == await told(world, who, "device:dev_none") == "error"
        assert [item["id"] for item in (await snapshot(world, who, "list:kind=mixer"))["items"]] == ["dev_in"]
        assert (await snapshot(world, who, "summary"))["kinds"]["mixer"]["online"] == 1
        assert [place["id"] for place in (await snapshot(world, who, "locations"))["items"]] == [world.rooms["in"]]
        (agent,) = (await snapshot(world, who, "agents"))["items"]
        assert agent["devices"]["online"] == 1
        assert (await snapshot(world, who, f"agent:{world.agent}"))["devices"]["online"] == 1
        assert await snapshot(world, who, "users") == await snapshot(world, who, "views") == {"turns": 0}


@pytest.mark.slow
@pytest.mark.parametrize("who", PARTS)
async def test_an_id_outside_answers_as_one_that_never_was(world: World, who: str) -> None:
    """Every route of the table that takes the id of a device, a place or a command."""
    order = {"capability": "refresh", "arguments": {}}
    asked = await world.ask("owner", "POST", "/api/v1/devices/dev_out/commands", order)
    outside = {
        "device_id": "dev_out",
        "location_id": world.rooms["out"],
        "command_id": asked.json().get("id", "cmd_out"),
    }
    for route in MATRIX:
        method, path = route.split(" ")
        ids = [name for name in outside if f"{{{name}}}" in path]
        if not ids or not may(who, MATRIX[route]):
            continue
        (name,) = ids
        there = await answered(world, who, method, path.replace(f"{{{name}}}", outside[name]))
        never = await answered(world, who, method, path.replace(f"{{{name}}}", f"{name[:3]}_never"))
        assert there == never, (route, there, never)
        assert there[0] in (400, 404), (route, there)


async def answered(world: World, who: str, method: str, path: str) -> tuple[int, str]:
    path = path.replace("{", "no-").replace("}", "")
    answer = await world.ask(who, method, path, BODIES.get(path.rsplit("/", 1)[1], {}) if method != "GET" else None)
    return answer.status_code, answer.json()["code"]


BODIES: dict[str, Any] = {"commands": {"capability": "refresh", "arguments": {}}}
"""Bodies that are right, by how the path ends, so that it is the id that is refused."""


async def told(world: World, who: str, topic: str) -> str:
    """How a subscription was answered: `snapshot`, `error`, or `refused` before the upgrade."""
    try:
        message = await first(world, who, topic)
    except websockets.InvalidStatus as refused:
        return "refused" if refused.response.status_code == 403 else str(refused)
    return str(message["type"])


async def snapshot(world: World, who: str, topic: str) -> Any:
    message = await first(world, who, topic)
    assert message["type"] == "snapshot", message
    return message["data"]


async def first(world: World, who: str, topic: str) -> dict[str, Any]:
    url = str(world.client.base_url).replace("http", "ws").rstrip("/") + "/api/v1/live"
    cookie = "; ".join(f"{name}={value}" for name, value in world.cookies[who].items())
    headers = {**world.origin, **({"Cookie": cookie} if cookie else {})}
    async with websockets.connect(url, additional_headers=headers, proxy=None) as socket:
        await socket.send(msgspec.json.encode({"subscribe": [topic]}).decode())
        message: dict[str, Any] = msgspec.json.decode(await socket.recv())
        return message
