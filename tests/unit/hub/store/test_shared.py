"""Records that wait share a commit: each stands or falls alone, in order, and nobody is answered before the commit."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select
from tests.support.clock import ManualClock

from soundpost.hub.store import CommitUnknown, Store, Tx, outbox
from soundpost.hub.store.lanes import SHARED_MOST
from soundpost.hub.store.tables import meta
from soundpost.kernel.errors import Unavailable

Work = Callable[[Tx], Any]


@pytest.fixture
async def any_store(target: Path | str) -> AsyncIterator[Store]:
    """Its clock stands still: how much is shared does not hang on how fast this machine is."""
    async with Store(target, ManualClock()) as opened:
        yield opened


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store(tmp_path / "soundpost.db", ManualClock()) as opened:
        yield opened


async def together(store: Store, works: list[tuple[Work, bool]]) -> list[Any]:
    """All are in the queue before the first of them runs."""
    go = threading.Event()

    def first(tx: Tx) -> None:
        if (
            tx.conn.dialect.name == "sqlite"
        ):  # on PostgreSQL the lane is a task, which runs after all these were submitted
            go.wait(10)

    waiting = [asyncio.create_task(store.unit_of_work(work, ingest=ingest)) for work, ingest in [(first, True), *works]]
    await asyncio.sleep(0)  # noqa: TID251 - one turn, in which all of them are submitted
    go.set()
    return (await asyncio.gather(*waiting, return_exceptions=True))[1:]


def commits(store: Store, count: list[int]) -> None:
    engine: Any = store._async.sync_engine if store._async else store._engines[0]
    event.listen(engine, "commit", lambda _conn: count.append(1))


def put(key: str, fail: bool = False) -> Work:
    def work(tx: Tx) -> str:
        tx.conn.execute(meta.insert().values(key=key, value=b"x"))
        tx.log("device.changed", {"key": key})
        if fail:
            raise RuntimeError(key)
        return key

    return work


async def keys(store: Store) -> set[str]:
    rows = await store.read(lambda conn: conn.execute(select(meta.c.key).where(meta.c.key.like("k%"))).scalars().all())
    return set(rows)


async def test_one_that_fails_takes_no_other_with_it(any_store: Store) -> None:
    count: list[int] = []
    commits(any_store, count)
    heard: list[str] = []
    any_store.subscribe(lambda entries: heard.extend(entry.data["key"] for entry in entries))
    done = await together(any_store, [(put(f"k{n}", fail=n % 3 == 1), False) for n in range(9)])
    good = [f"k{n}" for n in range(9) if n % 3 != 1]
    assert [one for one in done if isinstance(one, str)] == good == heard
    assert [str(one) for one in done if isinstance(one, RuntimeError)] == ["k1", "k4", "k7"]
    assert await keys(any_store) == set(good)
    assert any_store.head == 6
    assert len(count) == 2  # the one all waited for, and theirs


async def test_a_broken_constraint_is_its_own_alone(any_store: Store) -> None:
    done = await together(any_store, [(put("k1"), False), (put("k1"), False), (put("k2"), False)])
    assert (done[0], done[2]) == ("k1", "k2")
    assert "UNIQUE" in str(done[1]).upper()
    assert await keys(any_store) == {"k1", "k2"}


async def test_what_one_wrote_the_next_sees(any_store: Store) -> None:
    def look(tx: Tx) -> bool:
        return tx.conn.execute(select(meta.c.key).where(meta.c.key == "k1")).first() is not None

    assert (await together(any_store, [(put("k1"), False), (look, False)]))[1] is True
    assert (await together(any_store, [(put("k2", fail=True), False), (look, False)]))[1] is True


async def test_nobody_is_answered_before_the_commit(any_store: Store) -> None:
    order: list[str] = []
    engine: Any = any_store._async.sync_engine if any_store._async else any_store._engines[0]
    event.listen(engine, "commit", lambda _conn: order.append("commit"))

    def work(name: str) -> Work:
        return lambda tx: (order.append(f"{name} ran"), tx.after(lambda: order.append(f"{name} told")))

    await together(any_store, [(work("a"), False), (work("b"), False)])
    assert order == ["commit", "a ran", "b ran", "commit", "a told", "b told"]


async def test_a_commit_that_fails_is_unknown_to_all_but_who_failed_before(store: Store) -> None:
    def refuse(_conn: Any) -> None:
        raise RuntimeError("the disk")

    def arm(tx: Tx) -> None:
        event.listen(store._engines[0], "commit", refuse, once=True)

    done = await together(store, [(arm, False), (put("k1"), False), (put("k2", fail=True), False)])
    assert [type(one) for one in done] == [CommitUnknown, CommitUnknown, RuntimeError]
    assert await keys(store) == set()
    assert await store.unit_of_work(put("k3")) == "k3"


async def test_a_transaction_the_database_gave_up_fails_all_and_the_lane_lives_on(store: Store) -> None:
    def full(tx: Tx) -> None:
        tx.conn.exec_driver_sql("ROLLBACK")  # as SQLite itself does when the disk is full
        raise OSError("no space left")

    done = await together(store, [(put("k1"), False), (full, False), (put("k2"), False)])
    assert [type(one) for one in done[:2]] == [OSError, OSError]
    assert (done[2], await keys(store)) == ("k2", {"k2"})


async def test_a_full_disk_says_so_to_whom_it_hit(store: Store) -> None:
    def fill(tx: Tx) -> None:
        raise_full(tx)

    def raise_full(tx: Tx) -> None:
        import sqlite3

        raise sqlite3.OperationalError("database or disk is full")

    done = await together(store, [(put("k1"), False), (fill, False)])
    assert done[0] == "k1"
    assert isinstance(done[1], Unavailable)
    assert done[1].code == "disk_full"


async def test_ingest_shares_with_nobody_and_is_next(any_store: Store) -> None:
    order: list[str] = []
    engine: Any = any_store._async.sync_engine if any_store._async else any_store._engines[0]
    event.listen(engine, "commit", lambda _conn: order.append("|"))

    def named(name: str) -> Work:
        return lambda tx: order.append(name)

    await together(any_store, [(named(f"r{n}"), False) for n in range(3)] + [(named("i0"), True), (named("i1"), True)])
    assert order == ["|", "i0", "|", "i1", "|", "r0", "r1", "r2", "|"]


async def test_ingest_that_comes_meanwhile_ends_the_commit(store: Store) -> None:
    order: list[str] = []
    event.listen(store._engines[0], "commit", lambda _conn: order.append("|"))
    loop, came = asyncio.get_running_loop(), threading.Event()
    later: list[asyncio.Task[Any]] = []

    def comes() -> None:
        later.append(asyncio.ensure_future(store.unit_of_work(lambda tx: order.append("i"), ingest=True)))
        loop.call_soon(came.set)

    def calls(tx: Tx) -> None:
        order.append("r0")
        loop.call_soon_threadsafe(comes)
        came.wait(10)

    await together(store, [(calls, False), (lambda tx: order.append("r1"), False)])
    await asyncio.gather(*later)
    assert order == ["|", "r0", "|", "i", "|", "r1", "|"]


async def test_a_commit_has_bounds(store: Store) -> None:
    sizes: list[int] = []
    seen: list[int] = []
    event.listen(store._engines[0], "commit", lambda _conn: (sizes.append(len(seen)), seen.clear()))
    count = 3 * SHARED_MOST
    await together(store, [(lambda tx: seen.append(1), False) for _ in range(count)])
    assert sum(sizes) == count
    assert max(sizes) <= SHARED_MOST


async def test_closing_lets_all_who_wait_finish(target: Path | str) -> None:
    async with Store(target, ManualClock()) as store:
        waiting = [asyncio.create_task(store.unit_of_work(put(f"k{n}"))) for n in range(30)]
        await asyncio.sleep(0)  # noqa: TID251
    assert [await one for one in waiting] == [f"k{n}" for n in range(30)]


Step = st.tuples(st.sampled_from("abcd"), st.sampled_from(["put", "drop", "fail", "break"]), st.booleans())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(Step, min_size=1, max_size=8), min_size=1, max_size=6))
async def test_as_if_each_had_been_alone(store: Store, rounds: list[list[tuple[str, str, bool]]]) -> None:
    """Against a model: a dictionary that each unit changes alone, ingest of a round first."""
    model: dict[str, int] = {}
    await store.unit_of_work(lambda tx: tx.conn.execute(meta.delete().where(meta.c.key.in_(tuple("abcd")))) and None)
    first = store.head
    wanted: list[tuple[str, str]] = []
    for units in rounds:
        done = await together(store, [(step(key, what), ingest) for key, what, ingest in units])
        for (key, what, _), result in sorted(zip(units, done, strict=True), key=lambda pair: not pair[0][2]):
            if what == "put" and key not in model:
                model[key] = 1
                assert result == "put"
                wanted.append((key, what))
            elif what == "drop":
                model.pop(key, None)
                assert result == "drop"
                wanted.append((key, what))
            else:
                assert isinstance(result, Exception)
    found = await store.read(
        lambda conn: conn.execute(select(meta.c.key).where(meta.c.key.in_(tuple("abcd")))).scalars().all()
    )
    assert set(found) == set(model)
    stored = await store.read(lambda conn: outbox.read(conn, after=first, limit=1_000))
    assert [(entry.data["key"], entry.data["what"]) for entry in stored] == wanted
    assert [entry.id for entry in stored] == list(range(first + 1, store.head + 1))


def step(key: str, what: str) -> Work:
    def work(tx: Tx) -> str:
        if what == "drop":
            tx.conn.execute(meta.delete().where(meta.c.key == key))
        else:
            with suppress(ZeroDivisionError):
                tx.conn.execute(meta.insert().values(key=key, value=what.encode()))
        tx.log("device.changed", {"key": key, "what": what})
        if what == "fail":
            raise RuntimeError("no")
        if what == "break":
            tx.conn.exec_driver_sql("select nothing from nowhere")
        return what

    return work
