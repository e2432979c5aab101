import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.simulator.peers import NETWORK, Peer, logged_in, refused, vector_stack

from soundpost.kernel.errors import Invalid, Unavailable
from soundpost.simulator import Farm, make_stacks
from soundpost.simulator.control import serving
from soundpost.simulator.faults import FAULTS
from soundpost.simulator.run import Settings, run

NAME = "Vectors-01"
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "simulate.md"


@pytest.fixture
async def farm() -> AsyncIterator[Farm]:
    async with Farm([vector_stack(), *make_stacks(2)], network=NETWORK, port=0) as running:
        yield running


@pytest.fixture
async def api(farm: Farm) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(farm, port=0) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def test_stacks_are_listed_by_name(farm: Farm, api: httpx.AsyncClient) -> None:
    items = (await api.get("/stacks")).json()["items"]
    assert [item["name"] for item in items] == [NAME, "Stack-01", "Stack-02"]
    first = items[0]
    assert (first["address"], first["port"]) == farm.stacks[0].endpoint
    assert [(box["name"], box["serial"], box["model"]) for box in first["boxes"]] == [
        ("DSP1", "1234-2334-40", "128V"),
        ("Name_2", "5678-2401-40", "48T"),
    ]
    assert [peripheral["type"] for peripheral in first["boxes"][0]["peripherals"]] == ["BMA2", "USB_EXP"]


async def test_one_stack_shows_its_live_state(farm: Farm, api: httpx.AsyncClient, peer: Peer) -> None:
    await peer.value("EP MIC 101 LEVEL MUTE 1")
    await peer.value("FACTORYDEFAULT")
    state = (await api.get(f"/stacks/{NAME}")).json()
    assert state["values"] == {"MIC 101 LEVEL MUTE": "1"}
    assert (state["sessions"], state["commands_seen"], state["forbidden_seen"]) == (1, 2, 1)


async def test_faults_push_and_set(farm: Farm, api: httpx.AsyncClient, peer: Peer) -> None:
    orders: list[tuple[str, dict[str, Any]]] = [
        ("push", {"line": "STACK NOTIFICATION HW_RESYNC"}),
        ("set", {"address": "MIC 101", "parameter": "MUTE", "value": 1}),
        ("set", {"address": "MIC 101", "parameter": "MUTE", "value": False}),
        ("faults", {"fault": "refuse", "on": True, "args": {}}),
    ]
    for path, body in orders:
        answer = await api.post(f"/stacks/{NAME}/{path}", json=body)
        assert answer.status_code == 200, answer.text
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", answer.json()["time"])
        if path == "push":
            await peer.expect(b"STACK NOTIFICATION HW_RESYNC \r\n=> ")
        elif path == "set":
            await peer.expect(f"EP MIC 101 LEVEL MUTE {int(body['value'])} \r\n=> ".encode())
    assert await peer.gone() is ConnectionResetError
    assert await refused(farm.stacks[0].endpoint)
    assert (await api.get(f"/stacks/{NAME}")).json()["faults"] == {"refuse": {}}


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("GET", "/nowhere", "", 404, "not_found"),
        ("GET", "/stacks/Nobody", "", 404, "stack_not_found"),
        ("POST", "/stacks/Nobody/faults", '{"fault":"reset"}', 404, "stack_not_found"),
        ("DELETE", "/stacks", "", 405, "method_not_allowed"),
        ("GET", f"/stacks/{NAME}/push", "", 405, "method_not_allowed"),
        ("POST", f"/stacks/{NAME}/faults", "{", 400, "json_invalid"),
        ("POST", f"/stacks/{NAME}/faults", "", 400, "json_invalid"),
        ("POST", f"/stacks/{NAME}/faults", "[]", 400, "body_invalid"),
        ("POST", f"/stacks/{NAME}/faults", '{"fault":"x"}', 400, "fault_unknown"),
        ("POST", f"/stacks/{NAME}/faults", '{"fault":"reset","more":1}', 400, "body_invalid"),
        ("POST", f"/stacks/{NAME}/faults", '{"fault":"slow","args":{"delay_s":"x"}}', 400, "args_invalid"),
        ("POST", f"/stacks/{NAME}/faults", '{"fault":"move","args":{"address":"8.8.8.8"}}', 409, "move_impossible"),
        ("POST", f"/stacks/{NAME}/push", '{"line":""}', 400, "line_invalid"),
        ("POST", f"/stacks/{NAME}/set", '{"address":"MIC 1","parameter":"MUTE","value":1}', 400, "point_unknown"),
    ],
)
async def test_problems(api: httpx.AsyncClient, method: str, path: str, content: str, status: int, code: str) -> None:
    answer = await api.request(method, path, content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].endswith(".")


async def test_the_index_and_the_guide_list_every_fault(api: httpx.AsyncClient) -> None:
    rows = (await api.get("/")).json()["faults"]
    assert [row["name"] for row in rows] == list(FAULTS)
    assert next(row for row in rows if row["name"] == "slow")["args"] == {"delay_s": 3.0}
    told = {line.split("`")[1]: line for line in GUIDE.read_text().splitlines() if line.startswith("| `")}
    for row in rows:
        for argument in row["args"]:
            assert f"`{argument}`" in told[row["name"]], f"{row['name']} {argument} is not in the guide"


async def test_health_and_assumptions(api: httpx.AsyncClient) -> None:
    health = (await api.get("/health")).json()
    assert health == {"status": "ok", "stacks": 3, "arrays": 0, "personality": "lab", "seed": 1, "commands_seen": 0}
    items = (await api.get("/assumptions")).json()["items"]
    assert {"name", "value", "default", "text", "lab_only"} == set(items[0])


async def test_a_taken_control_port_is_named(farm: Farm) -> None:
    async with serving(farm, port=0) as url:
        with pytest.raises(Unavailable) as told:
            async with serving(farm, port=int(url.rpartition(":")[2])):
                pass
        assert told.value.code == "port_taken"


async def test_run_until_stopped() -> None:
    stop, told, said = asyncio.Event(), asyncio.get_running_loop().create_future(), list[str]()
    sites = {"London": "127.20.0.0/26", "New York": "127.20.0.64/26", "Sydney": "127.20.0.128/26"}
    settings = Settings(stacks=6, scene="lively", port=0, control_port=0, sites=sites)
    task = asyncio.create_task(run(settings, told.set_result, stop, say=said.append))
    ready: dict[str, Any] = await told
    assert ready["stacks"] == 6
    async with httpx.AsyncClient(base_url=ready["control"]) as client:
        items = (await client.get("/stacks")).json()["items"]
    assert [item["name"] for item in items][::2] == ["London-01", "New-York-01", "Sydney-01"]
    async with logged_in((items[4]["address"], items[4]["port"])) as peer:
        assert await peer.value("STACK NAME") == "STACK NAME Sydney-01"
    stop.set()
    await task
    assert any("locate_s = 30.0" in line for line in said)


async def test_run_with_an_unknown_scene() -> None:
    with pytest.raises(Invalid):
        await run(Settings(scene="wild"), lambda _ready: None, asyncio.Event())
