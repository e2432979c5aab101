"""After a restart, clean or killed, memory is what it was: rows, blobs, redo."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from tests.support.clock import ManualClock
from tests.unit.hub.inventory.fabric import (
    GAIN,
    LONDON,
    MUTE,
    NOW_MS,
    POINTS,
    TEMPERATURE,
    Session,
    change,
    found,
    opened,
    status,
    unreadable,
)

from soundpost.device.model import Descriptor
from soundpost.hub.inventory import keeper
from soundpost.hub.inventory import segments as segments_room
from soundpost.hub.inventory.scope import EVERYTHING
from soundpost.hub.inventory.service import STOP_S, Inventory
from soundpost.hub.store.tables import blobs, segments
from soundpost.kernel.clock import SystemClock
from soundpost.link.envelope import Read


def told(inventory: Inventory) -> dict[str, Any]:
    """All that is kept, as memory has it."""
    memory = inventory.memory
    return {
        "devices": {
            d.id: (d.record, d.status, d.since_ms, d.values, list(d.times), bytes(d.codes), d.origins, d.texts)
            for d in memory.devices.values()
        },
        "found": memory.found,
        "segment": memory.segment,
        "totals": {kind: dict(counts) for kind, counts in memory.totals.items()},
    }


async def fill(inventory: Inventory) -> None:
    inventory.attached(LONDON)
    london = Session(inventory, LONDON)
    london.send(found("dev_a"), status("dev_a", "online"), found("dev_b"), unreadable("x@1:23", "not_known"))
    london.declare("dev_a")
    london.declare("dev_b")
    london.values(change(GAIN, -3.0, origin="cmd_1"), change(MUTE, True, ref=2), devices={1: "dev_a", 2: "dev_b"})
    await london.settled()
    await inventory.flush()
    london.values(change(GAIN, -4.0), change(TEMPERATURE, None, quality="error", text="ERROR 3"))
    london.declare("dev_b", (Descriptor("unit.cpu", "number"),))
    london.values(change(0, 17, ref=2), devices={2: "dev_b"})
    await london.settled()


async def count(inventory: Inventory, table: Any) -> int:
    return len(await inventory.store.read(lambda conn: conn.execute(select(table)).all()))


async def test_memory_after_a_restart_is_what_it_was_before(tmp_path: Path):
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        await fill(inventory)
        before = told(inventory)
        await inventory.rebuild()  # blob and redo
        assert told(inventory) == before
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:  # blobs alone: it was stopped in order
        assert told(inventory) == before
        assert await count(inventory, segments) == 0


async def test_segments_go_when_every_blob_and_history_are_past_them(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(keeper, "BLOBS", 1)
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        inventory.attached(LONDON)
        london = Session(inventory, LONDON)
        london.send(found("dev_a"), found("dev_b"))
        for ref, device in ((1, "dev_a"), (2, "dev_b")):
            london.declare(device)
            london.values(change(GAIN, 1.0, ref=ref), devices={ref: device})
            await london.settled()
        london.values(change(GAIN, 2.0))
        await london.settled()
        assert await count(inventory, segments) == 3
        await inventory._keeper._some()  # dev_a: dev_b still needs the second
        assert await count(inventory, segments) == 3, "history has none of them yet"
        await inventory._historian.seal()
        assert await count(inventory, segments) == 2, "the blob of dev_b still needs two"
        await inventory.flush()
        assert (await count(inventory, segments), await count(inventory, blobs)) == (0, 2)


async def test_a_flush_that_fails_loses_nothing(tmp_path: Path, monkeypatch):
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        await fill(inventory)
        before = told(inventory)

        def full(*_: object) -> None:
            raise OSError("full")

        with monkeypatch.context() as patch:
            patch.setattr("soundpost.hub.inventory.repo.drop_segments", full)
            for _ in range(2):
                with contextlib.suppress(OSError):
                    await inventory.flush()
        await inventory.rebuild()
        assert told(inventory) == before


async def test_a_site_is_waited_for_after_a_start_and_lost_after_a_minute(tmp_path: Path):
    clock = ManualClock()
    async with opened(tmp_path / "hub.db", clock) as inventory:
        await fill(inventory)
    async with opened(tmp_path / "hub.db", clock) as inventory:
        device = inventory.find("dev_a", EVERYTHING)
        assert inventory.item(device).status == "online"
        await clock.advance(61)
        item = inventory.item(device)
        assert (item.status, item.was, item.reason.code) == ("unknown", "online", "agent_lost")
        assert device.status == "online"  # derived, never written
        inventory.attached(LONDON)
        assert inventory.item(device).status == "online"


KILLED = """
import asyncio, sys
from pathlib import Path
from soundpost.kernel.clock import SystemClock
from tests.unit.hub.inventory.fabric import *

async def main():
    async with opened(Path(sys.argv[1]), SystemClock()) as inventory:
        inventory.attached(LONDON)
        london = Session(inventory, LONDON)
        london.send(found("dev_a"), status("dev_a", "online"))
        london.declare("dev_a")
        for n in range(10_000):
            london.values(change(GAIN, float(n)))
            london.send(status("dev_a", "offline" if n % 2 else "online", since=NOW_MS + n))
            await london.settled()
            if n % 7 == 0:
                await inventory.flush()
            print(n, flush=True)

asyncio.run(main())
"""


async def test_what_was_acked_survives_a_kill(tmp_path: Path):
    path = tmp_path / "hub.db"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path.cwd(),
        env=dict(os.environ),
    )
    acked = -1
    try:
        assert process.stdout is not None
        for line in process.stdout:
            acked = int(line)
            if acked >= 40:
                break
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:
            if line.endswith("\n"):
                acked = int(line)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    async with opened(path, SystemClock()) as inventory:
        device = inventory.find("dev_a", EVERYTHING)
        gain = inventory.points(device)[GAIN].value
        assert gain in (float(acked), float(acked + 1))
        assert device.status == ("offline" if device.since_ms % 2 else "online")
        events = await inventory.events(EVERYTHING, after=0, before=None, limit=1000)
        assert [e.id for e in events] == list(range(1, len(events) + 1))
        assert len(events) in (acked + 3, acked + 4)


async def test_a_damaged_row_is_left_out_and_keeps_no_hub_from_starting(tmp_path: Path):
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        await fill(inventory)
        await inventory._keeper.flush()

        def damage(tx: Any) -> None:
            tx.conn.execute(blobs.update().where(blobs.c.device == "dev_a").values(body=b"\x01nonsense"))
            tx.conn.execute(segments.insert().values(n=inventory.memory.segment + 1, time_ms=1, body=b"\x07"))

        await inventory.store.unit_of_work(damage)
        await inventory.rebuild()
        assert set(inventory.memory.devices) == {"dev_a", "dev_b"}
        assert 17 in inventory.memory.devices["dev_b"].values
        await inventory._historian.seal()


async def test_a_blob_from_before_a_group_was_added_is_read(tmp_path: Path):
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        london = Session(inventory, LONDON)
        inventory.attached(LONDON)
        london.send(found("dev_a"), status("dev_a", "online"))
        london.declare("dev_a")
        london.values(change(TEMPERATURE, 40), reads=[Read(1, 1, NOW_MS)])
        await london.settled()
        device = inventory.find("dev_a", EVERYTHING)
        blob = segments_room.unpack_blob(segments_room.pack_blob(device))
        blob.reads = blob.reads[:3]
        segments_room.fill(device, blob, device.schema)
        assert (list(device.reads), device.values[TEMPERATURE]) == ([0, NOW_MS, 0, 0], 40)


async def test_a_stop_waits_only_so_long_and_loses_nothing(tmp_path: Path, monkeypatch):
    """A hundred thousand devices under load have more to save than anybody waits for; the redo log has it all."""
    clock = ManualClock()
    async with opened(tmp_path / "hub.db", clock) as inventory:
        await fill(inventory)
        before = told(inventory)
        for_ever = asyncio.Event()

        async def endless(_inventory: Inventory) -> None:
            await for_ever.wait()

        monkeypatch.setattr(Inventory, "flush", endless)
        stopping = asyncio.create_task(inventory.stop())
        await clock.advance(STOP_S - 0.1)
        assert not stopping.done()
        await clock.advance(0.2)
        assert stopping.done()
        monkeypatch.setattr(Inventory, "flush", nothing)
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        assert told(inventory) == before


async def nothing(_inventory: Inventory) -> None: ...


@pytest.mark.slow
@settings(max_examples=30)
@given(st.lists(st.sampled_from(("a", "b", "anew", "pack", "pack", "save", "seal")), min_size=4, max_size=25))
async def test_what_arrives_while_blobs_are_packed_is_in_one_or_in_the_redo_log(moves: list[str]):
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder) / "hub.db", ManualClock()) as inventory:
            inventory.attached(LONDON)
            london, packed = Session(inventory, LONDON), list[keeper.Packed]()
            london.send(found("dev_a"), found("dev_b"))
            points = POINTS
            london.declare("dev_a")
            london.declare("dev_b")
            london.values(change(GAIN, 0.0))
            await london.settled()
            for number, move in enumerate([*moves, "save"]):
                match move:
                    case "a":
                        london.values(change(GAIN, -float(number)))
                    case "b":
                        place = points.index(POINTS[GAIN])
                        london.values(change(place, -float(number), ref=2), devices={2: "dev_b"})
                    case "anew":
                        points = POINTS[1:] if points is POINTS else POINTS
                        london.declare("dev_b", points)
                        london.values(change(0, None, ref=2), devices={2: "dev_b"})  # its ack tells that both are in
                    case "pack":
                        inventory._keeper._pack(1, packed)
                    case "save" if packed:
                        await inventory._keeper._save(packed)
                        packed = []
                    case "seal":
                        await inventory._historian.seal()
                await london.settled()
            before = told(inventory)
            await inventory.rebuild()
            assert told(inventory) == before
