"""Old bodies go, their uids a year later, on both databases; a device's present status never does."""

from pathlib import Path

import pytest
from sqlalchemy import insert, select
from tests.support.clock import ManualClock

from soundpost.hub.store import Store, Tx, outbox, retention
from soundpost.hub.store.tables import events, fact_uids, rejected, status_history

YEAR_S = 365 * 86_400.0


def uid(number: int) -> bytes:
    return number.to_bytes(16, "big")


async def count(store: Store, table: object) -> int:
    return len(await store.read(lambda conn: conn.execute(select(table)).all()))  # type: ignore[call-overload]


async def add(store: Store, first: int, many: int) -> None:
    def work(tx: Tx) -> None:
        for number in range(first, first + many):
            tx.log("device.status", {}, uid=uid(number))

    await store.unit_of_work(work)


async def test_bodies_then_uids(target: Path | str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 7)
    clock = ManualClock()
    async with Store(target, clock) as store:
        await add(store, 0, 20)
        assert await retention.trim(store) == 0
        await clock.advance(1.2 * YEAR_S)
        await add(store, 100, 5)
        assert await retention.trim(store) == 20
        kept = await store.read(lambda conn: [event.id for event in outbox.read(conn)])
        assert kept == [21, 22, 23, 24, 25], "numbers are never used again"
        assert await count(store, fact_uids) == 25
        assert await store.unit_of_work(lambda tx: tx.unseen([uid(3), uid(100), uid(7_777)])) == {uid(7_777)}
        await clock.advance(1.1 * YEAR_S)
        await retention.trim(store)
        assert (await count(store, events), await count(store, fact_uids)) == (0, 5)
        assert await retention.trim(store) == 0
        await clock.advance(1.1 * YEAR_S)
        await retention.trim(store)
        assert await count(store, fact_uids) == 0


async def test_a_status_without_a_later_one_stays(target: Path | str) -> None:
    clock = ManualClock()
    async with Store(target, clock) as store:
        start = clock.now_ms()

        def work(tx: Tx) -> None:
            for event, (device, since) in enumerate([("a", start), ("a", start + 1), ("b", start)]):
                row = {"device": device, "since_ms": since, "event": event, "status": "online"}
                tx.conn.execute(insert(status_history).values(row))
            tx.conn.execute(insert(rejected).values(time_ms=start, site="s", source="x", reason="r", body=b"b"))

        await store.unit_of_work(work)
        await clock.advance(1.2 * YEAR_S)
        await retention.trim(store)
        rows = await store.read(
            lambda conn: conn.execute(select(status_history.c.device, status_history.c.since_ms)).all()
        )
        assert sorted(map(tuple, rows)) == [("a", start + 1), ("b", start)]
        assert await count(store, rejected) == 0
