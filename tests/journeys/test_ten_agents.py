"""Ten agents over ten real TLS links at one hub, all of which also see one device that belongs to one of them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.programs import Api, Program, eventually, folder

from soundpost.agent.run import Agent
from soundpost.agent.settings import AgentSettings
from soundpost.device.contract import Credentials, Periods
from soundpost.kernel.clock import SystemClock
from soundpost.simulator.farm import Farm
from soundpost.simulator.specs import make_stacks

pytestmark = pytest.mark.journey
AGENTS = 10
SHARED = AGENTS
"""The place of the stack that every agent sees, behind one for each."""


def settings(base: Path, number: int, farm: Farm) -> AgentSettings:
    seen = [farm.stacks[number].endpoint, farm.stacks[SHARED].endpoint]
    return AgentSettings(
        data=base / f"agent{number}", keys=base / f"agent{number}.keys", zone="Europe/London",
        subnets=tuple("{}:{}".format(*endpoint) for endpoint in seen),
        credentials=(Credentials("cred_default", "clearone", "converge"),),
        periods=Periods(status=2.0, levels=5.0, facts=60.0, heartbeat=5.0),
    )  # fmt: skip


def told_twice(api: Api) -> set[str]:
    found = api.get("/found")["items"]
    return {item["site"]["name"] for item in found if item["reason"]["code"] == "duplicate_serial"}


async def until(what: str, true: Callable[[], Any]) -> None:
    """The agents live on this loop, the hub in its own process: asking it must not hold them up."""
    await asyncio.to_thread(eventually, what, true)


async def test_ten_agents_and_a_device_that_all_of_them_see(tmp_path: Path) -> None:
    clock = SystemClock()
    names = [f"Site {number}" for number in range(AGENTS)]
    orders = {"make_owner": True, "agents": [{"name": name, "fresh": True} for name in names]}
    hub = await asyncio.to_thread(
        Program, "hub", "--data", folder(tmp_path, "hub"), "--port", "0", "--tls-port", "0", orders=orders
    )
    api = Api(hub.ready["url"], hub.ready["api_key"])
    try:
        async with AsyncExitStack() as open_, Farm(make_stacks(AGENTS + 1), network="127.24.60.0/24") as farm:
            agents = [
                await open_.enter_async_context(Agent(settings(tmp_path, n, farm), clock, networks=list))
                for n in range(AGENTS)
            ]
            for agent, join in zip(agents, hub.ready["agents"], strict=True):
                await agent.begin()
                await agent.configure_hub(join["url"], join["name"], join["password"], join["ca_pem"])
            await until(
                "ten are connected",
                lambda: [a["state"] for a in api.get("/agents")["items"]] == ["connected"] * AGENTS,
            )
            shared = farm.stacks[SHARED].stack.boxes
            own = sum(len(station.stack.boxes) for station in farm.stacks[:SHARED])
            listed = own + AGENTS * len(shared)
            await until("every box", lambda: len(api.devices(kind="mixer", status="online")) == listed)
            mixers = api.devices(kind="mixer")
            assert {m["site"]["name"] for m in mixers} == set(names)
            # One serial at ten sites is a conflict that is shown and never merged (T3): ten rows, and nine sites are told.
            times = Counter(m["serial_number"] for m in mixers)
            assert sorted(times.values()) == [1] * own + [AGENTS] * len(shared)
            await until("nine sites are told", lambda: len(told_twice(api)) == AGENTS - 1)
    finally:
        api.close()
        await asyncio.to_thread(hub.stop)
