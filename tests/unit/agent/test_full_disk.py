"""An agent whose disk is full: SQLite's own refusal, at the agent, at its own page and at the hub, until there is room again."""

import pytest
from tests.support.clock import ManualClock, settle
from tests.unit.agent.fakes import FakeNet, FakeStack, agent, body, calm, facts, unit, until
from tests.unit.agent.hubs import site, tried

from soundpost.agent.disk import Disk
from soundpost.agent.memory import KnownDevice, save_device
from soundpost.agent.settings import Bounds
from soundpost.agent.spool import Spool
from soundpost.device.model import Device, Kind
from soundpost.link.events import unpack

pytestmark = pytest.mark.slow

BIG = "t" * 100_000
"""Needs pages of its own."""


async def fill(disk):
    """No page more than there is. Reading and giving room go on."""
    await disk.run(lambda c: c.execute(f"pragma max_page_count = {c.execute('pragma page_count').fetchone()[0]}"))


async def make_room(disk):
    await disk.run(lambda c: c.execute("pragma max_page_count = 1000000"))


async def refused(spool):
    """Something that needs room was noted; it has been tried."""
    spool.note("x", {"text": BIG})
    await tried(spool._disk)
    await settle()
    assert spool.failing


# --- memory


@pytest.fixture
async def disk(tmp_path):
    opened = Disk.open(tmp_path / "agent.db")
    yield opened
    await opened.close()


async def read(spool):
    return [unpack(item.body) for item in await spool.read("local", 0, 100_000, 1 << 30)]


async def test_what_waits_in_memory_is_bounded_counted_and_told_once_there_is_room(disk):
    clock = ManualClock()
    spool = Spool(disk, clock, Bounds(pending_bytes=1_000_000))
    await spool.load()
    forgot = []
    spool.forgot.append(lambda: forgot.append(len(forgot)))
    await fill(disk)
    first_ms = clock.now_ms()
    await refused(spool)
    known = KnownDevice(device=Device(id="dev_a", kind=Kind.MIXER, family="f", name="n" * 1_000), part="p")
    most = 0
    for number in range(3_000):
        clock.jump(1)
        spool.note("x", {"n": number}, "dev_a", also=save_device(known))
        most = max(most, spool.unwritten)
        if number % 500 == 0:
            spool.retry()
            await tried(disk)
            assert spool.failing
    assert 0 < most < 700
    assert not forgot
    kept = spool.unwritten
    await make_room(disk)
    spool.retry()
    await spool.settled()
    await settle()
    assert not spool.failing
    drop, *rest = await read(spool)
    assert (drop.type, body(drop).count, body(drop).from_ms) == ("spool.dropped", 3_001 - kept, first_ms)
    assert len(rest) == kept
    assert [fact.uid for fact in rest] == sorted(fact.uid for fact in rest)
    assert (spool.dropped, spool.unwritten, forgot) == (3_001 - kept, 0, [0])
    again = Spool(disk, clock, Bounds())
    await again.load()
    assert again.dropped == spool.dropped


async def test_a_disk_that_works_is_no_reason_to_drop_anything(disk):
    spool = Spool(disk, ManualClock(), Bounds(pending_bytes=1_000))
    await spool.load()
    for number in range(500):
        spool.note("x", {"n": number})
    await spool.settled()
    assert len(await read(spool)) == 500
    assert not spool.dropped


# --- what people see


BOTH_ONLINE = {"page": {("online", "")}, "hub": {("online", "")}}
BOTH_UNKNOWN = {"page": {("unknown", "disk_failed")}, "hub": {("unknown", "disk_failed")}}


async def test_nobody_sees_online_after_a_plug_was_pulled_on_a_full_disk(tmp_path):
    async with site(tmp_path) as here:
        assert here.shown() == BOTH_ONLINE
        await fill(here.engine.disk)
        await refused(here.engine.spool)
        stack = here.net.take("10.0.0.5")
        await here.later(7)
        assert here.shown() == BOTH_UNKNOWN
        assert here.servers() == {"page": ("lost", "disk_failed"), "hub": ("lost", "disk_failed")}
        assert (here.line.state.phase, here.line.state.code) == ("failing", "disk_failed")
        assert "disk" in here.line.state.text
        dials = here.dials
        await here.later(45)
        assert here.dials == dials, "an agent that can only tell what was must not be believed for a moment"
        assert here.shown() == BOTH_UNKNOWN
        await make_room(here.engine.disk)
        await here.later(10)
        assert here.shown() == {"page": {("offline", "")}, "hub": {("offline", "")}}
        assert here.servers() == {"page": ("connected", ""), "hub": ("connected", "")}
        here.net.put("10.0.0.5", stack)
        await here.later(40)
        assert here.shown() == BOTH_ONLINE
        told = [fact.type for fact in await facts(here.engine, "device.status", "x")]
        assert "x" in told, "what waited has gone up"


async def test_a_full_disk_that_also_holds_the_local_pages_store(tmp_path):
    """One disk for both: the page's rooms can't write that their server is lost, and say so all the same."""
    async with site(tmp_path) as here:
        store, raw = here.houses["page"].agents.store, []
        await store.unit_of_work(lambda tx: raw.append(tx.conn.connection.dbapi_connection))
        raw[0].execute("pragma query_only = 1")
        await fill(here.engine.disk)
        await refused(here.engine.spool)
        here.net.take("10.0.0.5")
        await here.later(30)
        shown = here.shown()
        assert shown["hub"] == {("unknown", "disk_failed")}
        assert {status for status, _ in shown["page"]} == {"unknown"}
        assert here.servers()["page"][0] == "lost"
        raw[0].execute("pragma query_only = 0")
        await make_room(here.engine.disk)
        await here.later(60)
        assert here.shown() == {"page": {("offline", "")}, "hub": {("offline", "")}}


async def test_what_was_dropped_in_memory_is_noted_again_as_it_is_now(tmp_path):
    """The status that was dropped would else stay what it was before, for ever."""
    async with site(tmp_path) as here:
        spool = here.engine.spool
        spool._pending._most = 50_000
        await fill(here.engine.disk)
        await refused(spool)
        here.net.take("10.0.0.5")
        await here.later(7)
        assert spool.unwritten
        for number in range(300):
            spool.note("x", {"n": number, "text": "t" * 500})
        await make_room(here.engine.disk)
        await here.later(15)
        assert spool.dropped
        assert here.shown() == {"page": {("offline", "")}, "hub": {("offline", "")}}


async def test_a_full_disk_at_the_start_is_told_and_passes(tmp_path):
    net, clock = FakeNet(), ManualClock()
    net.put("10.0.0.5", FakeStack(unit("1111")))
    async with agent(tmp_path, net, clock=clock, begun=False) as engine:
        await fill(engine.disk)
        await refused(engine.spool)
        await engine.begin()
        await clock.advance(20)
        await calm(engine, 1)
        assert engine.spool.failing
        await make_room(engine.disk)
        await clock.advance(10)
        await until(engine, lambda: engine.lines.watches and not engine.spool.failing)
