"""Truth T15, T16: an effect happens once whatever is killed, and a poison event is set aside after five tries."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from soundpost.hub.store import Consumer, Event, Store, Tx, meta
from soundpost.hub.store.tables import consumers, poisoned
from soundpost.kernel.clock import SystemClock


async def reached(store: Store, name: str, n: int) -> None:
    """Until the consumer's cursor stands at `n`: looked at after each commit."""
    moved = asyncio.Event()
    store.subscribe(lambda _: moved.set())
    async with SystemClock().timeout(20):
        while (
            await store.read(lambda c: c.execute(select(consumers.c.n).where(consumers.c.name == name)).scalar()) != n
        ):
            await store.unit_of_work(lambda tx: None)


async def stopped(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def counting(tx: Tx, entry: Event) -> None:
    """The effect: a counter in the same database."""
    meta.put(tx, "count", str(int(meta.get(tx.conn, "count") or b"0") + entry.data.get("n", 0)).encode())


async def test_effects_once_over_restarts(target: Path | str) -> None:
    for n in range(3):
        async with Store(target, SystemClock()) as store:
            await store.unit_of_work(lambda tx, n=n: [tx.log("a", {"n": 10**n}), tx.log("a", {"n": 10**n})])
            task = asyncio.create_task(Consumer(store, "counter", counting).run())
            await reached(store, "counter", (n + 1) * 2)
            await stopped(task)
            assert int(await store.read(lambda c: meta.get(c, "count")) or b"0") == int("2" * (n + 1))


async def test_two_of_one_name_do_an_effect_once(any_store: Store) -> None:
    """As after a takeover: whoever moves the cursor first has done it, the other's work is undone."""
    tasks = [asyncio.create_task(Consumer(any_store, "counter", counting).run()) for _ in range(2)]
    for _ in range(30):
        await any_store.unit_of_work(lambda tx: tx.log("a", {"n": 1}))
    await reached(any_store, "counter", 30)
    for task in tasks:
        await stopped(task)
    assert await any_store.read(lambda c: meta.get(c, "count")) == b"30"
    assert await any_store.read(lambda c: c.execute(select(poisoned)).all()) == []


async def test_poison_is_set_aside_and_the_rest_goes_on(any_store: Store) -> None:
    tries: list[int] = []

    def handle(tx: Tx, entry: Event) -> None:
        counting(tx, entry)
        if entry.data.get("poison"):
            tries.append(entry.id)
            raise RuntimeError("can't be applied")

    await any_store.unit_of_work(
        lambda tx: [tx.log("a", {"n": 1}), tx.log("a", {"n": 50, "poison": True}), tx.log("a", {"n": 1})]
    )
    task = asyncio.create_task(Consumer(any_store, "counter", handle).run())
    await reached(any_store, "counter", 4)  # three, and the event that says so
    await stopped(task)
    row = (await any_store.read(lambda c: c.execute(select(poisoned)).all()))[0]
    assert (row.event, row.reason) == (2, "can't be applied")
    assert len(tries) in (5, 6)  # the first may fail within a batch that began before it
    assert await any_store.read(lambda c: meta.get(c, "count")) == b"2"
