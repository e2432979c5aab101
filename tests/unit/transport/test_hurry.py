"""What is asked out of turn when a device tells that something changed, but not where."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import settle
from tests.unit.transport.bench import BOX, Bench, benched

from soundpost.device.contract import Periods
from soundpost.transport.hurry import DEBT_S, EACH_S, NEVER, Hurry
from soundpost.transport.schedule import Schedule

SELDOM = Periods(status=1e6, levels=1e6, facts=1e6, settings=1e6, heartbeat=1e6)
"""A poll's first turn after its first round may come at any time of its period."""
NAMED = "EP Somebody LEVEL MUTE 1"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with benched() as made:
        made.peer.models = {
            "Name_1": "HOLO 9",
            "Name_2": "HOLO 9",
        }  # asked end point by end point: five of them have a mute
        yield made


async def read_once(bench: Bench) -> None:
    """The first round of levels is over, and nothing is due for long."""
    bench.session(periods=SELDOM)
    for _ in range(200):
        await settle(30)
        await bench.clock.advance(0.1)
    assert (BOX, "mic.102.level.mute") in bench.sink.values
    bench.peer.lines.clear()


def asked(bench: Bench, end: str) -> int:
    return sum(line.endswith(end) for line in bench.peer.lines)


async def test_a_change_of_a_named_channel_is_read_at_once(bench: Bench) -> None:
    await read_once(bench)
    bench.peer.values["MIC 102 MUTE"] = "1"
    bench.peer.push(NAMED)
    for _ in range(10):
        await settle(100)
        await bench.clock.advance(0.1)
    assert bench.sink.values[BOX, "mic.102.level.mute"].value is True
    assert (asked(bench, "LEVEL MUTE"), asked(bench, "LEVEL GAIN")) == (5, 0), (
        "of what it may mean, and of nothing else"
    )


async def test_a_storm_of_them_becomes_no_storm_of_polls(bench: Bench) -> None:
    await read_once(bench)
    for _ in range(300):
        for parameter in ("LEVEL MUTE", "LEVEL GAIN"):
            bench.peer.push(f"EP Somebody {parameter} 1")
        await settle(30)
        await bench.clock.advance(0.1)
    most = (30.0 + DEBT_S) / EACH_S
    assert most / 2 < len(bench.peer.lines) <= most + 10
    assert min(asked(bench, "LEVEL MUTE"), asked(bench, "LEVEL GAIN")) > most / 5
    bench.peer.values["MIC 102 MUTE"] = "1"
    bench.peer.push(NAMED)
    for _ in range(200):
        await settle(30)
        await bench.clock.advance(0.1)
    assert bench.sink.values[BOX, "mic.102.level.mute"].value is True, "the last one counts as well"


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 200), st.floats(0, 3)), max_size=80))
def test_what_is_wanted_is_taken_in_the_end_and_never_too_much(steps: list[tuple[str, int, float]]) -> None:
    hurry, now, wanted, questions, most = Hurry(), 0.0, set[str](), 0, 0
    for what, count, seconds in steps:
        now += seconds
        hurry.want(what, now)
        wanted.add(what)
        while taken := hurry.take(now):
            wanted.discard(taken)
            questions, most = questions + count, max(most, count)
            hurry.asked(taken, count, now)
        assert questions * EACH_S <= now + DEBT_S + most * EACH_S + 1e-6
    for _ in range(len(wanted)):
        now = max(now, hurry.next_at())
        taken = hurry.take(now)
        wanted.remove(taken)
        hurry.asked(taken, 200, now)
    assert (wanted, hurry.next_at()) == (set(), NEVER)


def test_hastened_polls_come_one_by_one_and_those_due_sooner_stay() -> None:
    schedule = Schedule([30.0] * 4, 0.0, 0.0, [30.0] * 4)
    assert schedule.take(0.0) == 0
    schedule.due({3}, 0.3)
    schedule.hasten({0, 1, 2, 3}, 1.0, 0.5)
    assert [(schedule.next_due(), schedule.take(0.0)) for _ in range(3)] == [(0.3, 3), (1.5, 1), (2.0, 2)]
