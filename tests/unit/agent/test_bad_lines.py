"""An agent whose devices answer without end, hang up on a password or take their time: the others are served, no password is sent
for ever, and what is told as expired is not written."""

import asyncio

import pytest
from tests.contract.peer import PASSWORD, USER, Peer
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
from tests.unit.transport.bench import Late

from soundpost.agent.looking import LOOK_S, LOOK_SET_S
from soundpost.agent.run import Agent
from soundpost.device.contract import Credentials, Look, Periods
from soundpost.device.model import Endpoint
from soundpost.drivers.converge_pro2 import FAMILY
from soundpost.link.commands import Command
from soundpost.transport.telling import GARBAGE

pytestmark = pytest.mark.slow

SET = Credentials("cred_good", USER, PASSWORD)
HUNG = Look(ours=True, problem="it closed the line during the sign-in", hung_up=("cred_good",))


class Endless(FakeFamily):
    """A look at 10.0.0.7 never ends."""

    async def look(self, endpoint, credentials, clock, connect_s):
        if endpoint.address == "10.0.0.7":
            await asyncio.get_running_loop().create_future()
        return await super().look(endpoint, credentials, clock, connect_s)


@pytest.fixture
async def peer():
    made = Peer()
    await made.start()
    yield made
    await made.stop()


def real(folder, peer, clock, *more, **changes):
    """An agent with the real driver, which sweeps the peer's address alone."""
    changes = {"credentials": (SET,), "periods": Periods(gap=0.0)} | changes
    chosen = settings(folder, f"127.0.0.1:{peer.port}", *more, **changes)
    return Agent(chosen, clock, families={FAMILY.name: FAMILY}, networks=list)


async def listed(engine, clock):
    """Found, and its line is up."""
    while not any(watch.well for watch in engine.lines.watches.values()):
        await clock.advance(0.1)
        await calm(engine, 1)


async def test_a_look_without_end_stops_neither_this_sweep_nor_the_next(tmp_path):
    net, clock = FakeNet(), ManualClock()
    net.put("10.0.0.5", FakeStack(unit("1111")))
    async with Agent(settings(tmp_path), clock, families={"fake": Endless(net)}, networks=networks) as engine:
        await engine.begin()
        await until(engine, lambda: engine.lines.watches)
        await clock.advance(LOOK_S + LOOK_SET_S + 5.0)
        await calm(engine)
        (done,) = [body(fact) for fact in await facts(engine, "scan.done")]
        assert (done.asked, done.found) == (20, 1)
        (finding,) = engine.discovery.findings.all.values()
        assert (finding.address, finding.reason.code) == ("10.0.0.7", "not_known")
        assert "came to no end" in finding.reason.text
        engine.scan_now()
        await calm(engine)
        await clock.advance(LOOK_S + LOOK_SET_S + 5.0)
        await calm(engine)
        assert len(await facts(engine, "scan.done")) == 2


async def test_a_device_that_talks_on_stops_no_sweep(tmp_path, peer):
    peer.asks_password = b""
    clock = ManualClock()
    async with real(tmp_path, peer, clock) as engine:
        await engine.begin()
        for _ in range(30):
            await settle(100)
            peer.raw(b"one moment please \r\n")
            await calm(engine)
            await clock.advance(4.0)
        assert len(await facts(engine, "scan.done")) == 1
        (finding,) = engine.discovery.findings.all.values()
        assert "came to no end" in finding.reason.text
        assert not peer.logins


def tries(net):
    return [sets for endpoint, sets in net.looks if endpoint == Endpoint("10.0.0.5", 23)]


async def test_a_line_that_broke_behind_a_password_is_no_refusal(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit("1111"), first=[HUNG]))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: engine.lines.watches)
        assert tries(net) == [("cred_good",)] * 2
        assert not engine.discovery.findings.all


async def test_a_set_is_not_sent_a_third_time_where_the_line_broke_twice(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit("1111"), first=[HUNG, HUNG]))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: engine.discovery.findings.all)
        engine.scan_now()
        await until(engine, lambda: len(tries(net)) == 3)
        await calm(engine)
        assert tries(net) == [("cred_good",), ("cred_good",), ()]
        (finding,) = engine.discovery.findings.all.values()
        assert finding.reason.code == "sign_in_refused"
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: engine.lines.watches)
        assert tries(net)[3:] == [("cred_good",)], "nobody said that it was refused, so nothing of it is on disk"


async def test_an_agent_that_starts_while_a_device_resets_keeps_its_sign_in(tmp_path, peer):
    clock = ManualClock()
    async with real(tmp_path, peer, clock) as engine:
        await engine.begin()
        await listed(engine, clock)
    peer.closes_after_failure, peer.password = True, "not ready"
    before = len(peer.logins)
    async with real(tmp_path, peer, clock) as engine:
        await engine.begin()
        (watch,) = engine.lines.watches.values()
        while len(peer.logins) < before + 3:
            await clock.advance(1.0)
            await calm(engine, 1)
        peer.password = PASSWORD
        for _ in range(90):
            await clock.advance(1.0)
            await calm(engine, 1)
        assert watch.well


async def test_what_waits_for_a_reading_past_its_deadline_is_expired_and_never_written(tmp_path, peer):
    clock = ManualClock()
    async with real(tmp_path, peer, clock) as engine:
        await engine.begin()
        await listed(engine, clock)
        await calm(engine)
        box = next(k.device.id for k in engine.registry.known.values() if k.device.kind == "mixer")
        slow = Late(peer, clock, 1.5)
        peer.push("STACK NOTIFICATION HW_RESYNC")
        await slow.advance(2.0)
        arguments = {"key": "mic.101.level.mute", "value": True}
        order = Command(id="cmd_1", device=box, capability="control", arguments=arguments, left_ms=4_000)
        ended = asyncio.ensure_future(engine.perform(order))
        await slow.advance(6.0)
        await calm(engine)
        assert ended.done(), "the queue of the stack goes on"
        assert ((await ended).state, (await ended).reason.code) == ("expired", "expired")
        assert (await ended).reason.text.startswith("Nothing was sent")
        await slow.advance(90.0)
        assert any(line.endswith("MUTE") for line in peer.lines), "the reading is over and it is polled again"
        assert "EP MIC 101 LEVEL MUTE 1" not in peer.lines
        assert [body(fact).state for fact in await facts(engine, "command.ended")] == ["expired"]


async def test_garbage_is_a_figure_at_the_stack_and_no_status(tmp_path, peer):
    clock = ManualClock()
    async with real(tmp_path, peer, clock) as engine:
        await engine.begin()
        await listed(engine, clock)
        stack = next(k.device.id for k in engine.registry.known.values() if k.device.kind == "stack")
        shelf = engine.board.shelves[stack]
        for data in (b"x" * 10_000 + b"\r\n", b"\xff\x01", b"what \r\n=> ", b"ERROR NO \r\n=> "):
            peer.raw(data)
        peer.values["MIC 101 GAIN"] = "LOUD"
        for _ in range(100):
            await clock.advance(1.0)
            await calm(engine, 1)
        assert shelf.value(GARBAGE.key) >= 4 + 3
        assert {body(fact).status for fact in await facts(engine, "device.status")} == {"online"}
