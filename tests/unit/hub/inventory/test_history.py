"""Values over time: nothing sealed twice or left out, through restarts, changed descriptions and a kill between commits."""

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from tests.support.clock import ManualClock
from tests.unit.hub.inventory.fabric import GAIN, LONDON, POINTS, Session, change, found, opened

from soundpost.device.model import Descriptor
from soundpost.hub.inventory import history, segments
from soundpost.hub.inventory.history import Sample
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.store import CommitUnknown, Store
from soundpost.hub.store.tables import segments as segment_rows
from soundpost.hub.store.tables import value_history
from soundpost.kernel.errors import Corrupt, NotFound
from soundpost.link.envelope import Change

KEY = POINTS[GAIN].key
EVER = (0, 2**62)


async def heard(inventory: Inventory, *values: float) -> None:
    inventory.attached(LONDON)
    london = Session(inventory, LONDON)
    london.send(found("dev_a"))
    london.declare("dev_a")
    await london.settled()
    for number, value in enumerate(values):
        london.values(change(GAIN, value, at=1_000 + number))
        await london.settled()


async def gains(inventory: Inventory) -> list[object]:
    device = inventory.memory.devices["dev_a"]
    return [sample.value for sample in await inventory.values_of(device, KEY, *EVER)]


async def test_every_value_is_there_once_whenever_it_was_sealed(tmp_path: Path) -> None:
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        await heard(inventory, -1.0, -2.0)
        assert await gains(inventory) == [-1.0, -2.0]
        await inventory._historian.seal()
        await heard(inventory, -1.0, -2.0, -3.0)  # told again after a new connection: the same times, the same values
        assert await gains(inventory) == [-1.0, -2.0, -3.0]
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        assert await gains(inventory) == [-1.0, -2.0, -3.0]
        await heard(inventory, -1.0, -2.0, -3.0, -4.0)
        assert await gains(inventory) == [-1.0, -2.0, -3.0, -4.0]


async def test_a_point_keeps_its_past_when_the_device_is_described_anew(tmp_path: Path) -> None:
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        await heard(inventory, -1.0)
        await inventory._historian.seal()
        london = Session(inventory, LONDON)
        london.declare("dev_a", (Descriptor("unit.cpu", "number"), POINTS[GAIN]))
        london.values(change(0, 17, at=1_500), change(1, -9.0, at=1_501))
        await london.settled()
        assert await gains(inventory) == [-1.0, -9.0]


async def test_a_device_described_before_a_restart_has_a_history_after_it(tmp_path: Path) -> None:
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        await heard(inventory)
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        await heard(inventory, -5.0)
        assert await gains(inventory) == [-5.0]


async def test_a_run_that_ended_between_two_commits_writes_the_same_rows_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "CHUNKS", 1)
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        await heard(inventory, -1.0, -2.0)
        london = Session(inventory, LONDON)
        london.declare("dev_b")
        london.values(change(GAIN, -7.0, ref=2), devices={2: "dev_b"})
        await london.settled()
        with monkeypatch.context() as patch:
            patch.setattr("soundpost.hub.inventory.repo.put_sealed", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await inventory._historian.seal()
        assert [device for device, *_ in await chunks(inventory)] == ["dev_a"]
        assert await gains(inventory) == [-1.0, -2.0], "once, though chunks and segments both have it"
        await inventory._historian.seal()
        assert [device for device, *_ in await chunks(inventory)] == ["dev_a", "dev_b"]
        assert await gains(inventory) == [-1.0, -2.0]


async def chunks(inventory: Inventory) -> list[Any]:
    return list(await inventory.store.read(lambda conn: conn.execute(select(value_history)).all()))


async def test_a_mark_nobody_confirmed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was committed, but the database did not say so; the device was described anew in what was sealed."""
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        await heard(inventory, -1.0)
        await inventory._historian.seal()
        london = Session(inventory, LONDON)
        london.declare("dev_a", (Descriptor("unit.cpu", "number"), POINTS[GAIN]))
        london.values(change(1, -9.0, at=1_501))
        await london.settled()
        committed = Store.unit_of_work

        async def unknown(store: Store, work: Any, **options: Any) -> Any:
            def quiet(tx: Any) -> None:
                work(tx)
                tx.callbacks.clear()

            await committed(store, quiet, **options)
            raise CommitUnknown("Nobody knows.")

        with monkeypatch.context() as patch:
            patch.setattr(Store, "unit_of_work", unknown)
            with pytest.raises(CommitUnknown):
                await inventory._historian.seal()
        london.values(change(1, -10.0, at=1_502))
        await london.settled()
        assert await gains(inventory) == [-1.0, -9.0, -10.0]
        await inventory._historian.seal()
        assert await gains(inventory) == [-1.0, -9.0, -10.0]


OTHER = (Descriptor("unit.cpu", "number"), POINTS[GAIN])


async def test_what_a_device_was_described_as_survives_a_restart_without_a_value_in_between(tmp_path: Path) -> None:
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        await heard(inventory, -1.0)
        await inventory._historian.seal()
        london = Session(inventory, LONDON)
        london.declare("dev_a", OTHER)
        london.values(change(GAIN, 3.0, ref=2), devices={2: "dev_b"})
        await london.settled()
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        inventory.attached(LONDON)
        london = Session(inventory, LONDON)
        london.values(change(1, -9.0, at=1_501))
        await london.settled()
        assert await gains(inventory) == [-1.0, -9.0]


async def test_a_value_is_left_out_when_nobody_knows_what_it_was_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Described and sealed without a value, then a value, then described anew, then a kill."""
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        await heard(inventory)
        await inventory._historian.seal()
        london = Session(inventory, LONDON)
        london.values(change(0, 21.5, at=1_400))
        await london.settled()
        london.declare("dev_a", OTHER)
        london.values(change(0, 17, at=1_500))
        await london.settled()
        monkeypatch.setattr(Inventory, "flush", nothing)
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        loads = await inventory.values_of(inventory.memory.devices["dev_a"], "unit.cpu", *EVER)
        assert [sample.value for sample in loads] == [17]


MOVES = st.lists(
    st.sampled_from(("value", "value", "value", "other device", "describe", "redescribe", "round", "seal", "flush",
                     "restart", "look")),
    min_size=3,
    max_size=25,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=30)
@given(MOVES)
async def test_a_chart_shows_the_same_before_while_and_after_it_is_sealed(moves: list[str]) -> None:
    """The oracle is the list of what was told. `round` ends sealing after a round that holds little."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "READ", 2)
        path, told, points, redescribed = Path(folder) / "hub.db", list[object](), POINTS, False
        stack = AsyncExitStack()
        inventory = await stack.enter_async_context(opened(path, ManualClock()))
        await heard(inventory)
        for number, move in enumerate([*moves, "look", "round", "look", "seal", "look"]):
            london = Session(inventory, LONDON)
            match move:
                case "value":
                    told.append(-float(number))
                    london.values(change(points.index(POINTS[GAIN]), told[-1], at=1_000 + number))
                case "other device":
                    london.declare("dev_b")
                    london.values(change(GAIN, 3.0, ref=2), devices={2: "dev_b"})
                case "describe":
                    london.declare("dev_a", points)
                case "redescribe":
                    points, redescribed = OTHER if points is POINTS else POINTS, True
                    london.declare("dev_a", points)
                    told.append(-float(number))
                    london.values(change(points.index(POINTS[GAIN]), told[-1], at=1_000 + number))
                case "round":
                    patch.setattr(history, "SAMPLES", 1)
                    await inventory._historian._some()
                    patch.setattr(history, "SAMPLES", 500_000)
                case "seal":
                    await inventory._historian.seal()
                    redescribed = False
                case "flush":
                    await inventory._keeper.flush()
                case "restart" if not redescribed:
                    # Without the flush and the sealing of a stop in order: as after a kill.
                    patch.setattr(Inventory, "flush", nothing)
                    await stack.aclose()
                    inventory = await stack.enter_async_context(opened(path, ManualClock()))
                    inventory.attached(LONDON)
                    patch.undo()
                    patch.setattr(history, "READ", 2)
                case "look":
                    assert await gains(inventory) == told
            await london.settled()
        await stack.aclose()


async def nothing(_inventory: Inventory) -> None: ...


async def test_what_is_sealed_and_flushed_goes_and_old_history_is_trimmed(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path / "hub.db", clock) as inventory:
        await heard(inventory, -1.0)
        await inventory.flush()
        left = await inventory.store.read(lambda conn: conn.execute(select(segment_rows)).all())
        assert left == []
        await inventory.store.unit_of_work(lambda tx: history.repo.trim_history(tx.conn, 10**15))
        assert await gains(inventory) == []
        with pytest.raises(NotFound):
            await inventory.values_of(inventory.memory.devices["dev_a"], "no.such.point", *EVER)


SAMPLES = st.builds(
    Sample,
    st.integers(0, 500),
    st.integers(0, 2**47),
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
)


@given(st.lists(SAMPLES))
def test_a_chunk_is_read_as_it_was_written(samples: list[Sample]) -> None:
    assert history.unpack(history.pack(samples)) == samples


@pytest.mark.parametrize("body", [b"", b"\x02abc", b"\x01abc", history.LEVEL + history.pack([])[1:5]])
def test_a_damaged_chunk_is_told(body: bytes) -> None:
    with pytest.raises(Corrupt):
        history.unpack(body)


def test_values_of_a_device_nobody_described_are_left_out() -> None:
    frame = segments.Frame("sit_a", 10, {1: "dev_a", 2: "dev_b"}, [Change(1, 0, 5, 100), Change(2, 0, 6, 100)])
    gathering = history.Gathering({"dev_a": b"s1"})
    for _ in gathering.take([frame, segments.Declared("dev_b", "sit_a", b"s2")]):
        pass
    assert [(c.device, c.schema, c.samples) for c in gathering.chunks()] == [("dev_a", b"s1", [Sample(0, 110, 5)])]
    assert gathering.described == {"dev_b": b"s2"}
