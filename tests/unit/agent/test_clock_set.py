"""A wall clock that is set while things are kept: back, as a dead battery does, or forward, and right again. Nothing is older for it."""

import pytest
from tests.support.clock import ManualClock
from tests.unit.agent.fakes import body, reading
from tests.unit.agent.hubs import site

from soundpost.agent.disk import Disk
from soundpost.agent.journal import ENDED, KEPT_MS, Entry, Journal
from soundpost.agent.settings import Bounds
from soundpost.agent.spool import DAY_MS, Spool
from soundpost.hub.agents.items import AgentItems
from soundpost.hub.store import outbox
from soundpost.link.commands import Command
from soundpost.link.events import unpack

pytestmark = pytest.mark.slow

DAY_S = DAY_MS / 1_000
AWAY = [-400 * DAY_S, 400 * DAY_S, -26 * 365 * DAY_S]


class Kept:
    """A spool on a disk of its own, which may be opened again."""

    def __init__(self, path, clock, **bounds):
        self.path, self.clock, self.bounds = path, clock, Bounds(**bounds)

    async def __aenter__(self):
        await self.open()
        return self

    async def open(self):
        self.disk = Disk.open(self.path)
        self.spool = Spool(self.disk, self.clock, self.bounds)
        await self.spool.load()

    async def __aexit__(self, *_):
        await self.disk.close()

    async def again(self):
        await self.disk.close()
        await self.open()

    async def note(self, *names):
        noted = [self.spool.note(name, {}) for name in names]
        await self.spool.settled()
        return noted

    async def types(self):
        return [unpack(item.body).type for item in await self.spool.read("local", 0, 1_000, 1 << 30)]


@pytest.fixture
async def kept(tmp_path):
    async with Kept(tmp_path / "agent.db", ManualClock()) as opened:
        yield opened


@pytest.mark.parametrize("away", AWAY)
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clock_that_was_wrong_for_an_hour_costs_no_fact(kept, away, restarted):
    await kept.spool.join("local")
    await kept.spool.trim()
    await kept.note("before")
    for jump, name in ((away, "meanwhile"), (-away, "after")):
        kept.clock.jump(jump)
        if restarted:
            await kept.again()
        await kept.spool.trim()
        await kept.note(name)
        await kept.clock.advance(3_600)
        await kept.spool.trim()
    assert await kept.types() == ["before", "meanwhile", "after"]
    assert not kept.spool.dropped


async def test_the_age_bound_takes_the_beginning_of_the_log_whatever_its_facts_say(tmp_path):
    async with Kept(tmp_path / "agent.db", ManualClock(), fact_days=30) as kept:
        await kept.note("one")
        kept.clock.jump(AWAY[2])
        await kept.note("two of 2000")
        await kept.spool.trim()
        kept.clock.jump(-AWAY[2])
        await kept.note("three")
        for _ in range(29):
            await kept.clock.advance(DAY_S)
            await kept.spool.trim()
        assert await kept.types() == ["one", "two of 2000", "three"]
        await kept.clock.advance(DAY_S)
        await kept.spool.trim()
        assert await kept.types() == ["three", "spool.dropped"]
        (_, drop) = [unpack(item.body) for item in await kept.spool.read("local", 0, 10, 1 << 30)]
        assert body(drop).count == 2
        await kept.clock.advance(DAY_S)
        await kept.spool.trim()
        assert (await kept.types())[0] == "spool.dropped"


@pytest.mark.parametrize("away", AWAY)
async def test_a_uid_is_known_for_a_year_after_its_fact_went_whatever_the_clock_said(kept, away):
    await kept.spool.join("local")
    kept.clock.jump(away)
    (fact,) = await kept.note("x")
    await kept.spool.mark("local", 1, fact.uid)
    await kept.spool.trim()
    kept.clock.jump(-away)
    await kept.spool.trim()
    assert await kept.types() == ["x"], "three days, so that a hub that was put back gets it again"
    await kept.clock.advance(3 * DAY_S)
    await kept.spool.trim()
    assert await kept.types() == []
    for _ in range(2):
        kept.clock.jump(away)
        await kept.spool.trim()
        kept.clock.jump(-away)
        await kept.again()
        await kept.spool.trim()
        await kept.clock.advance(180 * DAY_S)
    await kept.spool.trim()
    assert await kept.spool.knows(fact.uid)
    await kept.clock.advance(6 * DAY_S)
    await kept.spool.trim()
    assert not await kept.spool.knows(fact.uid)


@pytest.mark.parametrize("away", AWAY)
async def test_a_command_is_known_for_a_year_whatever_the_clock_said(kept, away):
    journal, age = Journal(kept.disk), kept.spool.age
    kept.clock.jump(away)
    command = Command(id="cmd_1", device="dev_a", capability="reboot", arguments={})
    entry = Entry(command=command, origin="hub_one", state=ENDED, received_ms=kept.clock.now_ms(), age_ms=age.now_ms())
    await journal.put(entry)
    await journal.trim(age.now_ms())
    kept.clock.jump(-away)
    await journal.trim(age.now_ms())
    assert await journal.find("cmd_1"), "else the hub's repeat of it would be carried out again (T20)"
    await kept.clock.advance(KEPT_MS / 1_000 + 1)
    await journal.trim(age.now_ms())
    assert not await journal.find("cmd_1")


@pytest.mark.parametrize("away", AWAY)
async def test_a_clock_that_is_set_while_the_agent_runs_is_told_and_corrected_at_once(tmp_path, away):
    """T25: the hub is told how far off it is, and every fact and value stands where it belongs all the same."""
    async with site(tmp_path, ManualClock()) as here:
        hub = here.houses["hub"]
        assert abs(offset_s(hub)) < 1
        (box,) = [device for device in hub.inventory.memory.devices.values() if device.record.kind == "mixer"]
        begun = here.theirs.now_ms()
        here.clock.jump(away)
        (watch,) = here.engine.lines.watches.values()
        watch.readings("box:1111", [reading(True)])
        await here.later(1)
        stack = here.net.take("10.0.0.5")
        await here.later(20)
        assert abs(offset_s(hub) + away) < 1, "the servers' page says so beyond a minute: far off; times are corrected"
        assert here.servers()["hub"] == ("connected", "")
        assert box.status == "offline"
        assert begun - 2_000 <= box.since_ms <= here.theirs.now_ms()
        (place,) = [place for place, value in enumerate(box.values) if value is True]
        assert abs(box.times[place] - begun) < 3_000
        here.net.put("10.0.0.5", stack)
        here.clock.jump(-away)
        await here.later(60)
        assert abs(offset_s(hub)) < 1
        assert here.shown()["hub"] == {("online", "")}
        rows = await hub.agents.store.read(lambda conn: outbox.read(conn, limit=10_000))
        told = [row for row in rows if row.type == "device.status"]
        assert max(abs(row.received_ms - row.time_ms) for row in told) < 5_000
        await here.engine.spool.trim()
        assert not here.engine.spool.dropped


def offset_s(house):
    (account,) = house.agents.accounts.values()
    return AgentItems(house.links)._offset_ms(account) / 1_000
