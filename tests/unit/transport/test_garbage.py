"""What can't be understood is counted, and costs neither the session nor the status of what can."""

from collections.abc import AsyncIterator

import pytest
from tests.support.clock import settle
from tests.unit.transport.bench import BOX, PERIODS, Bench, benched

from soundpost.device.contract import PointReading, Trouble
from soundpost.drivers.converge_pro2.driver import Conversation
from soundpost.kernel.clock import Clock
from soundpost.transport.talk import Heard
from soundpost.transport.telling import GARBAGE

pytestmark = pytest.mark.slow

GAIN, QUESTION = "mic.101.level.gain", "EP MIC 101 LEVEL GAIN"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with benched() as made:
        yield made


async def later(bench: Bench, seconds: float = PERIODS.heartbeat + 1.0) -> None:
    """By default a heartbeat more."""
    for _ in range(round(seconds)):
        await bench.clock.advance(1.0)
        await settle(100)


KINDS = {
    "an endless line": b"x" * 100_000 + b"\r\n",
    "broken option bytes": b"\xff\x01",
    "an unknown word": b"what \r\n=> ",
    "bytes": b"\x80\xfe\x00\x23\x7e\x7b\x8a\x1b\x5b\x32\x4a\r\n",
    "an error that answers nothing": b"ERROR INVALID COMMAND \r\n=> ",
}


@pytest.mark.parametrize("data", KINDS.values(), ids=KINDS)
async def test_it_is_counted_and_the_session_goes_on(bench: Bench, data: bytes) -> None:
    await bench.up()
    assert bench.garbled == 0
    for times in (1, 2):
        bench.peer.raw(data)
        await later(bench)
        assert bench.garbled == times
    assert bench.kinds == []
    bench.peer.push("EP MIC 102 LEVEL MUTE 1")
    await bench.sink.until(lambda: bench.sink.values.get((BOX, "mic.102.level.mute")) is not None)


async def test_what_is_known_is_not_counted(bench: Bench) -> None:
    """Words that tell nothing of use are words of the language all the same."""
    bench.peer.before_reply = ["EP UA 101 NOTIFICATION ERROR x", "EP MIC 102 LEVEL MUTE 1", "EP MIC 101 NEW WORD 5"]
    await bench.up()
    await later(bench)
    assert bench.garbled == 0


async def test_the_figure_is_a_point_of_the_stack_and_outlives_the_connection(bench: Bench) -> None:
    await bench.up()
    assert bench.sink.unit is not None
    assert GARBAGE in bench.sink.unit.parts[0].points
    bench.peer.push("what")
    await later(bench)
    assert ("covered", "stack", GARBAGE.group) in bench.sink.told
    bench.peer.drop()
    await bench.come_back()
    await bench.sink.until(lambda: "inventory" in bench.sink.names())
    assert bench.garbled == 1


async def test_an_answer_that_cant_be_read_is_its_points_error_until_one_can(bench: Bench) -> None:
    await bench.up()
    await later(bench, 40)
    assert bench.sink.values[BOX, GAIN].value == -5.0
    bench.peer.values["MIC 101 GAIN"] = "LOUD"
    await later(bench, 95)
    assert bench.sink.values[BOX, GAIN] == PointReading(GAIN, None, f"'{QUESTION} LOUD'")
    assert bench.garbled in (3, 4), "each of them counts"
    assert bench.kinds == [], "the rest of the stack is well"
    assert bench.sink.values[BOX, "mic.102.level.gain"].error == ""
    bench.peer.values["MIC 101 GAIN"] = "-7.0"
    await later(bench, 35)
    assert bench.sink.values[BOX, GAIN] == PointReading(GAIN, -7.0)


class Odd(Conversation):
    """Reads no heartbeat."""

    __slots__ = ("odd",)

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.odd = True

    def alive(self, answer: list[str]) -> Heard:
        return Heard(garbage="BOX Name_1 UNIT SN ?") if self.odd else super().alive(answer)


async def test_heartbeats_that_cant_be_read_are_told_until_one_can(bench: Bench) -> None:
    """Then nothing on the line is sure to be understood."""
    talk = Odd(bench.clock)
    await bench.up(bench.session(talk=talk))
    await bench.trouble_while_advancing(Trouble.GARBAGE)
    times = len(bench.sink.troubles())
    assert bench.sink.troubles()[0] == (Trouble.GARBAGE, "an answer could not be read: 'BOX Name_1 UNIT SN ?'", 1)
    talk.odd = False
    bench.sink.forget()
    await later(bench)
    assert "recovered" in bench.sink.names()
    assert bench.kinds == []
    assert bench.garbled == times
