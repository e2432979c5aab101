"""The real driver against the simulator: found, watched, commanded."""

import pytest

from soundpost.agent import catalogue
from soundpost.agent.run import Agent
from soundpost.agent.settings import AgentSettings
from soundpost.device.contract import Credentials, Periods
from soundpost.kernel import ids
from soundpost.kernel.clock import SystemClock
from soundpost.kernel.errors import Invalid
from soundpost.link.commands import Command
from soundpost.simulator.farm import Farm
from soundpost.simulator.specs import make_stacks


def test_families_come_from_entry_points_and_the_assumed_ones_only_where_wanted():
    assert {"converge_pro2"} == catalogue.families().keys()
    assert {"converge_pro2", "bma360d"} == catalogue.families(("bma360d",)).keys()
    with pytest.raises(Invalid, match="toaster") as caught:
        catalogue.families(("toaster",))
    assert caught.value.code == "family_unknown"


@pytest.fixture
async def farm():
    async with Farm(make_stacks(3), network="127.20.9.0/24") as running:
        yield running


async def until(clock, true):
    async with clock.timeout(30):
        while not true():
            await clock.sleep(0.02)


@pytest.mark.slow
async def test_found_watched_and_commanded(tmp_path, farm):
    clock = SystemClock()
    settings = AgentSettings(
        data=tmp_path / "data",
        keys=tmp_path / "keys",
        subnets=tuple("{}:{}".format(*station.endpoint) for station in farm.stacks),
        credentials=(Credentials("cred_default", "clearone", "converge"),),
        periods=Periods(status=0.2, levels=0.2, facts=1.0, heartbeat=0.5, answer=1.0, gap=0.0),
        zone="Europe/London",
    )
    async with Agent(settings, clock, networks=list) as agent:
        await agent.begin()
        await until(clock, lambda: len(agent.lines.watches) == 3)
        await until(clock, lambda: all(watch.well for watch in agent.lines.watches.values()))
        assert not agent.discovery.findings.all
        box = next(k.device for k in agent.registry.known.values() if k.device.kind == "mixer")
        shelf = agent.board.shelves[box.id]
        key = next(d.key for d in shelf.schema.descriptors if d.key.endswith("level.mute"))
        await until(clock, lambda: shelf.value(key) is not None)
        wanted = not shelf.value(key)
        arguments = {"key": key, "value": wanted}
        ended = await agent.perform(
            Command(id=ids.mint("cmd", clock.now_ms()), device=box.id, capability="control", arguments=arguments)
        )
        assert ended.state == "done", ended
        assert shelf.value(key) == wanted
        assert shelf.origins[shelf.schema.index[key]] == ended.id
