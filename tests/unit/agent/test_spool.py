import asyncio
import sqlite3
import subprocess
import sys
import threading

import msgspec
import pytest
from tests.support.clock import ManualClock, settle
from tests.unit.agent.fakes import body

from soundpost.agent.disk import Disk
from soundpost.agent.hold import HeldValue, Hold
from soundpost.agent.settings import Bounds
from soundpost.agent.spool import DAY_MS, Spool
from soundpost.kernel.errors import Unavailable
from soundpost.link.events import SpoolDropped, unpack


@pytest.fixture
async def disk(tmp_path):
    opened = Disk.open(tmp_path / "agent.db")
    yield opened
    await opened.close()


async def spool_on(disk, clock=None, **bounds):
    spool = Spool(disk, clock or ManualClock(), Bounds(**bounds))
    await spool.load()
    return spool


async def read(spool, hub="local", after=0):
    return await spool.read(hub, after, 1000, 1 << 30)


async def test_facts_are_on_disk_before_anyone_is_told(disk):
    spool = await spool_on(disk)
    told = asyncio.Event()
    seen = []

    def listener():
        seen.append(spool.newest)
        told.set()

    spool.listen(listener)
    noted = [spool.note("device.status", {"n": n}, "dev_a", 1) for n in range(5)]
    assert not seen
    await told.wait()
    await spool.settled()
    stored = await read(spool)
    assert [item.uid for item in stored] == [fact.uid for fact in noted]
    assert [unpack(item.body).type for item in stored] == ["device.status"] * 5
    assert spool.newest == 5


async def test_a_record_goes_with_its_fact(disk):
    spool = await spool_on(disk)
    spool.note("x", {}, also=lambda c: c.execute("insert into setting values ('with', x'01')"))
    await spool.settled()
    assert await disk.run(lambda c: c.execute("select count(*) from setting").fetchone()[0]) == 1


async def test_uids_rise_even_when_the_clock_steps_back(disk):
    clock = ManualClock()
    spool = await spool_on(disk, clock)
    uids = [spool.note("x", {}).uid for _ in range(50)]
    clock.jump(-3600)
    uids += [spool.note("x", {}).uid for _ in range(50)]
    assert uids == sorted(set(uids))
    await spool.settled()


async def test_two_readers_each_with_their_own_mark(disk):
    spool = await spool_on(disk)
    await spool.join("local")
    await spool.join("hub:hub_one")
    facts = [spool.note("x", {"n": n}) for n in range(4)]
    await spool.settled()
    await spool.mark("local", 3, facts[2].uid)
    await spool.mark("local", 2, facts[1].uid)
    assert (await spool.mark_of("local")).position == 3
    assert (await spool.mark_of("local")).uid == facts[2].uid
    assert (await spool.mark_of("hub:hub_one")).position == 0
    assert await spool.waiting("hub_one", 0) == 4
    again = await spool_on(disk)
    assert (await again.mark_of("local")).position == 3


async def test_facts_name_the_hub_they_are_for_and_go_to_no_other(disk):
    spool = await spool_on(disk)
    spool.note("before", {})
    spool.hub = "hub_one"
    spool.note("one", {})
    spool.hub = "hub_two"
    spool.note("two", {})
    await spool.settled()

    async def types(hub):
        return [unpack(item.body).type for item in await read(spool, hub)]

    assert await types("hub_one") == ["before", "one"]
    assert await types("hub_two") == ["before", "two"]
    assert await types("local") == ["before", "one", "two"]


async def test_a_second_hub_gets_nothing_from_before_the_first_was_left(disk):
    spool = await spool_on(disk)
    spool.note("x", {})
    await spool.settled()
    await spool.join("hub:hub_one")
    await spool.leave("hub:hub_one")
    mark = await spool.join("hub:hub_two")
    assert (mark.position, mark.oldest) == (1, 1)
    assert (await spool.join("hub:hub_one")).position == 0


async def test_acked_facts_stay_three_days_and_their_uids_longer(disk):
    clock = ManualClock()
    spool = await spool_on(disk, clock)
    await spool.join("local")
    await spool.join("hub:hub_one")
    facts = [spool.note("x", {}) for _ in range(3)]
    await spool.settled()
    await spool.mark("local", 3, facts[2].uid)
    await spool.mark("hub:hub_one", 2, facts[1].uid)
    await spool.trim()
    await clock.advance(2 * 86_400)
    await spool.trim()
    assert len(await read(spool)) == 3
    await clock.advance(86_400 + 1)
    await spool.trim()
    assert [item.uid for item in await read(spool)] == [facts[2].uid]
    assert await spool.knows(facts[0].uid)
    assert not await spool.knows(b"\x00" * 16)
    assert spool.dropped == 0
    assert await spool.oldest_kept() == 3


async def test_nothing_is_trimmed_while_no_reader_ever_came(disk):
    clock = ManualClock()
    spool = await spool_on(disk, clock)
    spool.note("x", {})
    await spool.settled()
    await spool.trim()
    await clock.advance(10 * 86_400)
    await spool.trim()
    assert len(await read(spool)) == 1


async def test_what_the_size_bound_drops_leaves_a_fact(disk):
    spool = await spool_on(disk, fact_bytes=4_000)
    await spool.join("hub:hub_one")
    for n in range(60):
        spool.note("x", {"text": "t" * 100, "n": n})
        await spool.settled()
    stored = [unpack(item.body) for item in await read(spool)]
    drops = [body(fact) for fact in stored if fact.type == "spool.dropped"]
    assert drops
    assert all(isinstance(drop, SpoolDropped) and drop.kind == "facts" for drop in drops)
    assert sum(len(item.body) for item in await read(spool)) <= 4_400
    assert spool.dropped > 0
    assert (await spool_on(disk)).dropped == spool.dropped
    kept = sum(fact.type == "x" for fact in stored)
    assert spool.dropped == 60 - kept
    assert sum(drop.count for drop in drops) == 60 - kept


async def test_a_drop_fact_that_is_dropped_leaves_its_count_to_the_next(disk):
    clock = ManualClock()
    spool = await spool_on(disk, clock, fact_days=1.0)
    first_ms = clock.now_ms()
    spool.note("x", {})
    spool.note("spool.dropped", SpoolDropped("facts", 7, 5, 6))
    spool.note("spool.dropped", SpoolDropped("values", 40, 1, 2))
    spool.note("spool.dropped", SpoolDropped("values", 2, 3, 4))
    spool.note("found.unreadable", {"text": "spool.dropped"})
    await spool.trim()
    await clock.advance(2 * DAY_MS / 1000)
    await spool.trim()
    drops = [body(unpack(item.body)) for item in await read(spool)]
    assert drops == [SpoolDropped("facts", 9, 5, first_ms), SpoolDropped("values", 42, 1, 4)]
    assert spool.dropped == 2


async def test_what_every_reader_has_goes_first_and_without_a_word(disk):
    spool = await spool_on(disk, fact_bytes=100_000)
    await spool.join("hub:hub_one")
    for n in range(5):
        spool.note("x", {"n": n})
    await spool.settled()
    await spool.mark("hub:hub_one", 5, b"u" * 16)
    small = await spool_on(disk, fact_bytes=250)
    await small.join("hub:hub_one")
    small.note("y", {})
    await small.settled()
    types = [unpack(item.body).type for item in await read(small)]
    assert "spool.dropped" not in types
    assert types[-1] == "y"
    assert small.dropped == 0


async def test_the_age_bound(disk):
    clock = ManualClock()
    spool = await spool_on(disk, clock, fact_days=1.0)
    spool.note("x", {})
    first_ms = clock.now_ms()
    await spool.trim()
    await clock.advance(2 * DAY_MS / 1000)
    await spool.trim()
    (drop,) = [unpack(item.body) for item in await read(spool)]
    assert body(drop) == SpoolDropped("facts", 1, first_ms, first_ms)


class Faulty:
    """The disk's connection, on a disk that takes no commit while `full`, or not the next one."""

    def __init__(self, disk):
        self.inner, self.full, self.once, self.failed = disk._connection, False, False, 0
        disk._connection = self

    def execute(self, statement, *values):
        if statement == "commit" and (self.full or self.once):
            self.once = False
            self.failed += 1
            raise sqlite3.OperationalError("database or disk is full")
        return self.inner.execute(statement, *values)

    def __getattr__(self, name):
        return getattr(self.inner, name)


async def numbers(spool):
    await spool.settled()
    return [body["n"] for body in [msgspec.msgpack.decode(unpack(item.body).data) for item in await read(spool)]]


def setting(name):
    return lambda c: c.execute("insert into setting values (?, x'01')", (name,))


async def settings(disk):
    return await disk.run(lambda c: [row[0] for row in c.execute("select name from setting order by name")])


async def test_a_commit_that_fails_loses_no_fact(disk):
    """Two groups fail after their jobs went well; what was noted in between comes after them, in order, with its records."""
    spool = await spool_on(disk)
    faulty = Faulty(disk)
    faulty.full = True
    for n in range(3):
        spool.note("x", {"n": n}, also=setting(f"with {n}"))
        with pytest.raises(Unavailable):
            await spool.settled()
        await settle()
    spool.note_record(setting("alone"))
    assert faulty.failed
    assert spool.failing
    assert await numbers_on_disk(disk) == 0
    faulty.full = False
    spool.note("x", {"n": 3})
    spool.retry()
    assert await numbers(spool) == [0, 1, 2, 3]
    await settle()
    assert not spool.failing
    assert spool.newest == 4
    assert await settings(disk) == ["alone", "with 0", "with 1", "with 2"]


async def numbers_on_disk(disk):
    """Read beside the disk's thread, which commits nothing now."""
    return await asyncio.to_thread(lambda: disk._connection.execute("select count(*) from fact").fetchone()[0])


async def test_a_later_group_does_not_overtake_one_whose_commit_failed(disk):
    spool = await spool_on(disk)
    started, held = threading.Event(), threading.Event()
    faulty = Faulty(disk)
    faulty.once = True

    def wait(_):
        started.set()
        held.wait()

    spool.note("x", {"n": 0}, also=wait)
    await asyncio.to_thread(started.wait)
    spool.note("x", {"n": 1})
    held.set()
    assert await numbers(spool) == [0, 1]
    assert faulty.failed == 1


async def test_a_full_disk_that_fails_the_statement_is_tried_again(disk):
    """SQLite's own error, raised in the job and not at the commit."""
    spool = await spool_on(disk)
    await disk.run(lambda c: c.execute(f"pragma max_page_count = {c.execute('pragma page_count').fetchone()[0]}"))
    big = "t" * 100_000
    spool.note("x", {"n": 0, "text": big}, also=setting("with"))
    await asyncio.wait({disk.submit(lambda c: None)})
    await settle()
    assert spool.failing
    await disk.run(lambda c: c.execute("pragma max_page_count = 100000"))
    spool.retry()
    assert await numbers(spool) == [0]
    assert await settings(disk) == ["with"]
    assert spool._bytes == await disk.run(lambda c: c.execute("select sum(length(body)) from fact").fetchone()[0])


@pytest.mark.parametrize("poison", [OSError("gone"), ValueError("no"), sqlite3.IntegrityError("twice")])
async def test_a_record_that_cant_be_written_holds_nothing_up(disk, poison):
    spool = await spool_on(disk)

    def fail(connection):
        setting("half")(connection)
        raise poison

    spool.note("x", {"n": 0}, also=fail)
    spool.note("x", {"n": 1}, also=setting("good"))
    spool.note_record(fail)
    assert await numbers(spool) == [0, 1]
    await settle()
    assert not spool.failing
    assert await settings(disk) == ["good"]


async def test_values_outlive_a_disk_that_takes_nothing(disk):
    spool = await spool_on(disk)
    hold, faulty = Hold(disk, spool, 3), Faulty(disk)
    await hold.set_gap(False)
    hold.add(held("a", 1))
    faulty.full = True
    await hold.flush()
    for n in range(2, 5):
        hold.add(held("a", n))
    await hold.flush()
    assert hold.waiting == 3
    faulty.full = False
    await hold.flush()
    assert [kept.held.time_ms for kept in await hold.read(0, 10)] == [2, 3, 4]
    assert hold.gap
    await spool.settled()
    (drop,) = [unpack(item.body) for item in await read(spool)]
    assert body(drop) == SpoolDropped("values", 1, 1, 1)


async def test_values_outlive_a_full_disk_that_fails_the_statement(disk):
    hold = Hold(disk, await spool_on(disk), 10)
    await disk.run(lambda c: c.execute(f"pragma max_page_count = {c.execute('pragma page_count').fetchone()[0]}"))
    hold.add(HeldValue("dev_a", "a", 1, "t" * 100_000))
    await hold.flush()
    await disk.run(lambda c: c.execute("pragma max_page_count = 100000"))
    await hold.flush()
    assert [kept.held.time_ms for kept in await hold.read(0, 10)] == [1]


async def test_killed_while_writing_nothing_told_is_lost(tmp_path):
    code = f"""
import asyncio, os, pathlib
from soundpost.agent.disk import Disk
from soundpost.agent.settings import Bounds
from soundpost.agent.spool import Spool
from soundpost.kernel.clock import SystemClock
async def main():
    spool = Spool(Disk.open(pathlib.Path({str(tmp_path / "agent.db")!r})), SystemClock(), Bounds())
    told = asyncio.Event()
    spool.listen(told.set)
    noted = [spool.note("x", {{"n": n}}).uid.hex() for n in range(100)]
    while spool.newest < 100:
        told.clear()
        await told.wait()
    spool.note("y", {{}})
    print("\\n".join(noted), flush=True)
    os._exit(9)
asyncio.run(main())
"""
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    disk = Disk.open(tmp_path / "agent.db")
    spool = await spool_on(disk)
    assert [item.uid.hex() for item in await read(spool)][:100] == done.stdout.split()
    await disk.close()


# values while apart


def held(point, time_ms, value=1.0):
    return HeldValue("dev_a", point, time_ms, value)


async def test_held_values_fall_on_their_key_and_keep_their_order(disk):
    spool = await spool_on(disk)
    hold = Hold(disk, spool, 100)
    for item in (held("a", 1), held("b", 1), held("a", 1, 2.0), held("a", 2)):
        hold.add(item)
    assert hold.waiting == 4
    await hold.flush()
    kept = await hold.read(0, 10)
    assert [(k.held.point, k.held.time_ms, k.held.value) for k in kept] == [("b", 1, 1.0), ("a", 1, 2.0), ("a", 2, 1.0)]
    await hold.sent(kept[1].number)
    assert hold.waiting == 1
    again = Hold(disk, spool, 100)
    await again.load()
    assert again.waiting == 1


async def test_held_values_are_bounded_and_drops_are_counted(disk):
    spool = await spool_on(disk)
    hold = Hold(disk, spool, 10)
    await hold.set_gap(False)
    for n in range(12):
        hold.add(held("a", n))
    await hold.flush()
    assert hold.waiting == 9
    assert hold.gap
    await spool.settled()
    (drop,) = [unpack(item.body) for item in await read(spool)]
    assert body(drop) == SpoolDropped("values", 3, 0, 2)
