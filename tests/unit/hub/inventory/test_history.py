"""Values over time: nothing sealed twice or left out, through restarts, changed descriptions and a kill between commits."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from tests.support.clock import ManualClock
from tests.unit.hub.inventory.fabric import GAIN, LONDON, POINTS, Session, change, found, opened

from soundpost.device.model import Descriptor
from soundpost.hub.inventory import history, segments
from soundpost.hub.inventory.history import Sample
from soundpost.hub.inventory.service import Inventory
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
    async with opened(tmp_path / "hub.db", ManualClock()) as inventory:
        await heard(inventory, -1.0, -2.0)
        with monkeypatch.context() as patch:
            patch.setattr("soundpost.hub.inventory.repo.put_sealed", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await inventory._historian.seal()
        assert await gains(inventory) == [-1.0, -2.0]
        rows = await inventory.store.read(lambda conn: conn.execute(select(value_history)).all())
        assert len(rows) == 1


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
    made = history.chunks_of([[frame], [segments.Declared("dev_b", "sit_a", b"s2")]], {"dev_a": b"s1"})
    assert [(c.device, c.schema, c.samples) for c in made] == [("dev_a", b"s1", [Sample(0, 110, 5)])]
