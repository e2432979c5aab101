"""An agent under strain: a network of 65,534 silent addresses, ranges that change under a sweep, fifty devices that move at once, a full
spool that a newer version finds."""

import asyncio

import pytest
from sqlalchemy import select
from tests.support.clock import ManualClock, settle
from tests.unit.agent.fakes import (
    FakeFamily,
    FakeNet,
    FakeStack,
    agent,
    body,
    calm,
    facts,
    networks,
    settings,
    unit,
    until,
)
from tests.unit.agent.hubs import hub_on

from soundpost.agent.discovery import DiscoverySettings
from soundpost.agent.pending import SLACK
from soundpost.agent.run import Agent
from soundpost.agent.settings import Bounds
from soundpost.device.contract import Look
from soundpost.device.model import Endpoint
from soundpost.hub.agents.door import LocalDoor
from soundpost.hub.store import outbox
from soundpost.hub.store.tables import rejected
from soundpost.link import events


class Silent(FakeFamily):
    """Where nobody lives, a connect ends after its whole time; `most` were under way at once. Those that began together share one
    timer, or 65,534 of them would be let off one by one."""

    def __init__(self, net):
        super().__init__(net)
        self.now = self.most = self.asked = 0
        self.ends: dict[float, asyncio.Task[None]] = {}

    async def look(self, endpoint, credentials, clock, connect_s):
        self.asked += 1
        if endpoint in self.net.at:
            return await super().look(endpoint, credentials, clock, connect_s)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            due = clock.monotonic() + connect_s
            if due not in self.ends:
                self.ends[due] = asyncio.create_task(clock.sleep(connect_s))
            await asyncio.shield(self.ends[due])
        finally:
            self.now -= 1
        raise TimeoutError


def swept(engine):
    return [state for state in engine.board.scan_state.ranges if state.swept]


@pytest.mark.slow
async def test_a_slash_16_is_swept_in_six_minutes_and_says_truly_how_far_it_is(tmp_path):
    net, clock = FakeNet(), ManualClock()
    family = Silent(net)
    net.put("10.30.255.250", FakeStack(unit("1111")))
    chosen = settings(tmp_path, "10.30.0.0/16", connect_s=1.0)
    async with Agent(chosen, clock, families={"fake": family}, networks=networks) as engine:
        await engine.begin()
        begun, told = clock.monotonic(), []
        await until(engine, lambda: swept(engine))
        while not engine.lines.watches:
            (state,) = swept(engine)
            told.append((state.asked, family.asked - family.now))
            await clock.advance(1.0)
        await clock.advance(1.0)
        await until(engine, lambda: not swept(engine)[0].running)
        assert clock.monotonic() - begun < 360
        assert family.most == chosen.sweep_parallel == 256
        assert all(0 <= done - asked <= chosen.sweep_parallel for asked, done in told)
        assert [asked for asked, _ in told] == sorted(asked for asked, _ in told)
        (state,) = swept(engine)
        assert (state.asked, state.total, state.found) == (65_534, 65_534, 1)


async def test_ranges_that_change_end_the_sweep_that_runs(tmp_path):
    net, clock = FakeNet(), ManualClock()
    family = Silent(net)
    net.put("10.40.0.5", FakeStack(unit("1111")))
    async with Agent(settings(tmp_path, "10.30.0.0/16"), clock, families={"fake": family}, networks=networks) as engine:
        await engine.begin()
        await clock.advance(10)
        old = family.asked
        engine.discovery.configure(DiscoverySettings(["10.40.0.0/29"], "list", 900.0))
        for _ in range(4):
            await clock.advance(1.5)
        await until(engine, lambda: engine.lines.watches)
        await clock.advance(3)
        await calm(engine)
        assert family.asked < old + 256 + 8
        assert [body(fact).range for fact in await facts(engine, "scan.done")] == ["10.40.0.0/29"]


async def test_fifty_devices_with_new_addresses_keep_their_ids_and_their_old_addresses(tmp_path):
    net, clock = FakeNet(), ManualClock()
    for number in range(1, 51):
        net.put(f"10.0.0.{number}", FakeStack(unit(f"S{number:04d}", name=f"Room{number}")))
    async with agent(tmp_path, net, "10.0.0.0/24", clock=clock) as engine:
        await until(engine, lambda: len(engine.lines.watches) == 50)
        await calm(engine)
        before = {k.device.serial_number: k.device for k in engine.registry.known.values() if k.device.serial_number}
        for number in range(1, 51):
            net.at[Endpoint(f"10.0.0.{300 - 51 - number}", 23)] = net.at.pop(Endpoint(f"10.0.0.{number}", 23))
        net.poke()
        await clock.advance(40)
        await until(engine, lambda: all(watch.well for watch in engine.lines.watches.values()))
        await calm(engine)
        known = [k.device for k in engine.registry.known.values()]
        after = {device.serial_number: device for device in known if device.serial_number}
        assert {serial: device.id for serial, device in after.items()} == {s: d.id for s, d in before.items()}
        stacks = [device for device in known if device.kind == "stack"]
        assert len(stacks) == 50
        assert all(len(stack.former_addresses) == 1 for stack in stacks)
        moved = [body(fact) for fact in await facts(engine, "device.moved")]
        assert len(moved) == 50
        assert not engine.discovery.findings.all


async def test_a_full_spool_of_an_older_level_goes_up_whole(tmp_path, monkeypatch):
    """T19: what was written before an upgrade, up to the bound, is read after it by the agent and by the hub."""
    net, clock, older = FakeNet(), ManualClock(), events.STORED_LEVEL
    bounds = Bounds(fact_bytes=300_000)
    async with agent(tmp_path / "agent", net, clock=clock, bounds=bounds) as engine:
        noted = 0
        while not engine.spool.dropped:
            for _ in range(100):
                engine.spool.note("later", {"n": noted})
                noted += 1
            await engine.spool.settled()
            await settle()
        dropped = engine.spool.dropped
    monkeypatch.setattr(events, "STORED_LEVEL", older + 1)
    async with agent(tmp_path / "agent", net, clock=clock, bounds=bounds, begun=False) as engine:
        kept = await facts(engine)
        assert len(kept) > 1_000
        stored = await engine.spool.read("local", 0, 100_000, 1 << 30)
        assert {item.body[0] for item in stored} == {older}
        size = sum(len(item.body) for item in stored)
        assert SLACK * bounds.fact_bytes - 10_000 < size <= bounds.fact_bytes, "it is at its bound"
        engine.spool.note("newest", {})
        await calm(engine)
        upto = engine.spool.newest
        async with hub_on(tmp_path / "hub", clock, engine, "local") as (house, account):
            line = await engine.attach_local(LocalDoor(house.links).connect, account, house.links.hub)
            for _ in range(600):
                await clock.advance(0.05)
                await calm(engine, 1)
                await house.agents.store.unit_of_work(lambda tx: None)
                if (await engine.spool.mark_of("local")).position >= upto:
                    break
            assert line.state.phase == "connected"
            assert (await engine.spool.mark_of("local")).position >= upto
            store = house.agents.store
            told = await store.read(lambda conn: outbox.read(conn, limit=100_000))
            later = [fact for fact in kept if fact.type == "later"]
            assert [row.data["n"] for row in told if row.type == "later"] == list(range(noted - len(later), noted))
            (drop,) = [row for row in told if row.type == "spool.dropped"]
            assert drop.data["count"] == dropped
            assert [row.type for row in told if row.type in ("later", "newest")][-1] == "newest"
            assert not await store.read(lambda conn: conn.execute(select(rejected.c.reason)).all())
            await engine.local.close()
            engine.local = None


async def test_a_slow_look_does_not_hold_up_the_others(tmp_path):
    net, clock = FakeNet(), ManualClock()
    for number in (3, 9):
        net.put(f"10.0.0.{number}", FakeStack(unit(f"S{number}")))

    class Stuck(FakeFamily):
        async def look(self, endpoint, credentials, clock, connect_s) -> Look:
            if endpoint.address == "10.0.0.3":
                await asyncio.get_running_loop().create_future()
            return await super().look(endpoint, credentials, clock, connect_s)

    async with Agent(settings(tmp_path), clock, families={"fake": Stuck(net)}, networks=networks) as engine:
        await engine.begin()
        await settle(50)
        await until(engine, lambda: engine.lines.watches)
        (watch,) = engine.lines.watches.values()
        assert watch.endpoint.address == "10.0.0.9"
