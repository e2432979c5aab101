"""Truth T15: ids follow commit order without holes, whatever fails between; announcements follow too."""

import asyncio
import random

import msgspec
import pytest
from sqlalchemy import func, select

from soundpost.hub.store import Event, Store, Tx, outbox
from soundpost.hub.store.tables import events, meta


def logging(n: int, fail: bool):  # type: ignore[no-untyped-def]
    def work(tx: Tx) -> int:
        for part in range(n % 3 + 1):
            tx.log("device.changed", {"n": n, "part": part})
        if fail:
            raise RuntimeError("this unit fails")
        return n

    return work


async def test_no_holes_and_announced_in_order(any_store: Store) -> None:
    heard: list[Event] = []
    any_store.subscribe(heard.extend)
    chance = random.Random(3)
    units = [(n, chance.random() < 0.3) for n in range(60)]
    done = await asyncio.gather(
        *(any_store.unit_of_work(logging(n, fail), ingest=n % 2 == 0) for n, fail in units), return_exceptions=True
    )
    wanted = sum(n % 3 + 1 for n, fail in units if not fail)
    assert [n for n in done if isinstance(n, int)] == [n for n, fail in units if not fail]
    assert [entry.id for entry in heard] == list(range(1, wanted + 1))
    stored = await any_store.read(lambda conn: outbox.read(conn, limit=1_000))
    assert stored == heard
    assert any_store.head == wanted


async def test_a_failing_unit_leaves_nothing(any_store: Store) -> None:
    called: list[str] = []

    def work(tx: Tx) -> None:
        tx.conn.execute(meta.insert().values(key="half", value=b"done"))
        tx.after(lambda: called.append("never"))
        tx.log("device.changed")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await any_store.unit_of_work(work)
    rows = await any_store.read(lambda conn: conn.execute(select(meta.c.key).where(meta.c.key == "half")).all())
    assert (rows, called, any_store.head) == ([], [], 0)


async def test_after_comes_before_the_announcement_and_the_result(any_store: Store) -> None:
    order: list[str] = []
    any_store.subscribe(lambda _: order.append("heard"))

    def work(tx: Tx) -> None:
        tx.log("device.changed")
        tx.after(lambda: order.append("after"))

    await any_store.unit_of_work(work)
    assert order == ["after", "heard"]


async def test_a_listener_that_fails_keeps_nobody_from_hearing(store: Store) -> None:
    heard: list[int] = []

    def broken(_: list[Event]) -> None:
        raise RuntimeError("listener")

    store.subscribe(broken)
    store.subscribe(lambda entries: heard.append(len(entries)))
    await store.unit_of_work(lambda tx: tx.log("device.changed") and None)
    assert heard == [1]


async def test_a_caller_that_goes_away_does_not_undo_a_commit(any_store: Store) -> None:
    waiting = asyncio.create_task(any_store.unit_of_work(logging(0, fail=False)))
    await asyncio.sleep(0)  # noqa: TID251 - one turn, so that the unit is submitted
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await any_store.unit_of_work(lambda tx: None)
    assert any_store.head == 1


async def test_facts_seen_once(any_store: Store) -> None:
    uids = [bytes([n]) * 16 for n in range(4)]

    def work(tx: Tx) -> int:
        fresh = tx.unseen(uids)
        for uid in sorted(fresh):
            tx.log("device.status", uid=uid)
        return len(fresh)

    assert await any_store.unit_of_work(work) == 4
    assert await any_store.unit_of_work(work) == 0
    assert await any_store.read(lambda conn: conn.execute(select(func.count()).select_from(events)).scalar()) == 4


async def test_events_read_up_and_down(any_store: Store) -> None:
    await any_store.unit_of_work(
        lambda tx: [tx.log("device.changed", {"n": n}, device=f"dev{n % 2}") for n in range(5)]
    )
    up = await any_store.read(lambda conn: outbox.read(conn, after=2, limit=2))
    down = await any_store.read(lambda conn: outbox.read(conn, before=4, limit=2))
    mine = await any_store.read(lambda conn: outbox.read(conn, where=[events.c.device == "dev1"]))
    assert ([e.id for e in up], [e.id for e in down], [e.data["n"] for e in mine]) == ([3, 4], [3, 2], [1, 3])


async def test_readers_can_not_write(store: Store) -> None:
    with pytest.raises(Exception, match="readonly"):
        await store.read(lambda conn: conn.execute(meta.insert().values(key="a", value=b"")))


async def test_a_new_log_is_told_after_the_commit(any_store: Store) -> None:
    before = any_store.log_id
    await any_store.unit_of_work(any_store.new_log)
    assert any_store.log_id != before


def test_a_stored_event_begins_with_its_level_and_the_oldest_are_still_read():
    data = {"device": "dev_1", "n": 3}
    packed = msgspec.msgpack.encode(data)
    assert outbox.body(outbox.LEVEL + packed) == outbox.body(packed) == data
