"""What somebody changed goes at once; what drifts waits for the others; and hurrying has an end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from tests.support.clock import ManualClock, settle

from soundpost.agent.board import Board, Shelf
from soundpost.agent.values import ValueLane
from soundpost.agent.values_out import COALESCE_S, HURRY_BURST, ValuesOut
from soundpost.device.contract import PointReading
from soundpost.device.model import Descriptor, Device
from soundpost.link.envelope import Values, decode

TEMPERATURE = Descriptor(key="unit.temperature", type="number")
GAIN = Descriptor(key="mic.101.level.gain", type="number", writable=True)


class Frames:
    """A channel whose other end acks every values frame."""

    def __init__(self) -> None:
        self.values: list[Values] = []
        self.out: ValuesOut | None = None

    async def send(self, frame: bytes) -> None:
        message = decode(frame)
        if isinstance(message, Values):
            self.values.append(message)
            assert self.out is not None
            asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(self.out.acked(message.n)))  # type: ignore[union-attr]

    async def recv(self) -> bytes:
        raise AssertionError("nothing is read here")

    async def close(self, *, goodbye: bool = False) -> None: ...


class Bench:
    def __init__(self, clock: ManualClock) -> None:
        self.clock, self.board, self.frames = clock, Board(), Frames()
        self.lane = ValueLane(self.board, None)
        self.board.listen(self.lane)
        self.shelf: Shelf = self.board.declare(
            Device(id="dev_1", kind="mixer", family="f", serial_number="1"), [TEMPERATURE, GAIN]
        )
        self.frames.out = self.out = ValuesOut(clock, self.lane, self.frames)
        self.out.reads_due = False

    def say(self, key: str, value: float) -> None:
        self.board.observe(self.shelf, [PointReading(key, value)], self.clock.now_ms())

    @property
    def told(self) -> list[float | None]:
        return [change.value for frame in self.frames.values for change in frame.changes]  # type: ignore[misc]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = ManualClock()
    made = Bench(clock)
    made.say(TEMPERATURE.key, 40.0)
    made.say(GAIN.key, 0.0)
    await made.lane.begin(snapshot=True)
    task = asyncio.create_task(made.out.run())
    await settle()
    await clock.advance(COALESCE_S)
    yield made
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_what_drifts_waits_and_what_was_changed_does_not(bench: Bench) -> None:
    bench.say(TEMPERATURE.key, 41.0)
    await settle()
    assert bench.told[-1] == 41.0, "at once after quiet"
    bench.say(TEMPERATURE.key, 42.0)
    await settle()
    assert bench.told[-1] == 41.0
    bench.say(GAIN.key, -3.0)
    await settle()
    assert {42.0, -3.0} <= set(bench.told), "the change goes, and takes what waits along"


async def test_hurrying_has_an_end(bench: Bench) -> None:
    before = len(bench.frames.values)
    for number in range(100):
        bench.say(GAIN.key, -1.0 - number)
        await settle()
    assert len(bench.frames.values) - before <= HURRY_BURST + 2
    await bench.clock.advance(COALESCE_S)
    await settle()
    assert bench.told[-1] == -100.0, "the last value always arrives"
