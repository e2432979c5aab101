"""The drivers on lines that are odd in every way the simulator knows (devices.md 14.4): what is true is still read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.contract.harness import GOOD, QUICK, Array, Recorder, Simulated
from tests.support.clock import ManualClock, settle

from soundpost.device.contract import Periods, Trouble
from soundpost.drivers.bma360d import FAMILY as BMA360D
from soundpost.drivers.converge_pro2 import FAMILY as CONVERGE_PRO2
from soundpost.kernel.clock import Clock, SystemClock
from soundpost.transport.line import LOGIN_S
from soundpost.transport.telling import GARBAGE, SILENT_LIMIT

ODD: list[tuple[str, dict[str, Any]]] = [
    ("split", {}),
    ("split", {"size": 5, "gap_s": 0.002}),
    ("lf_cr", {}),
    ("nul", {"start": True}),
    ("echo", {}),
    ("options", {"each": True}),
    ("chatter", {}),
    ("late", {"every": 40, "delay_s": 1.5 * QUICK.answer}),
]
OF_STACKS: list[tuple[str, dict[str, Any]]] = [("no_prompt", {}), ("login_twice", {})]


@pytest.mark.parametrize(("fault", "args"), [*ODD, *OF_STACKS], ids=str)
async def test_a_stack(fault: str, args: dict[str, Any]) -> None:
    harness = Simulated()
    await harness.start()
    try:
        await harness.farm.fault(harness.station.name, fault, True, args)
        seen = await read(
            CONVERGE_PRO2,
            harness,
            ("box:1234-2334-40", "mic.101.level.gain"),
            ("box:1234-2334-40", "mic.104.level.mute"),
        )
        assert seen.values["box:1234-2334-40", "mic.101.level.gain"].value == 0.0
        assert seen.values["box:1234-2334-40", "mic.104.level.mute"].value is False
    finally:
        await harness.stop()


@pytest.mark.parametrize(("fault", "args"), ODD, ids=str)
async def test_an_array(fault: str, args: dict[str, Any]) -> None:
    harness = Array()
    await harness.start()
    try:
        await harness.farm.fault(harness.station.name, fault, True, args)
        seen = await read(BMA360D, harness, ("box:bma360d", "bfzone.2"), ("box:bma360d", "beamreport.beam_1"))
        assert seen.values["box:bma360d", "bfzone.2"].value is True
        assert seen.values["box:bma360d", "beamreport.beam_1"].value is False
    finally:
        await harness.stop()


WHERE: dict[type[Simulated | Array], tuple[str, str]] = {
    Simulated: ("box:1234-2334-40", "mic.101.level.gain"),
    Array: ("box:bma360d", "bfzone.2"),
}
WORDS = {Simulated: "EP MIC 101 LEVEL GAIN", Array: "BFZONE 2"}


@pytest.mark.parametrize("harness_of", [Simulated, Array])
async def test_an_answer_that_comes_late_is_told_and_never_taken_for_another(
    harness_of: type[Simulated | Array],
) -> None:
    async with held(harness_of) as (harness, sink):
        where = WHERE[harness_of]
        await sink.until(lambda: where in sink.values)
        before = sink.values[where].value
        late = {"match": WORDS[harness_of], "delay_s": 1.5 * QUICK.answer}
        await harness.farm.fault(harness.station.name, "late", True, late)
        await sink.until(lambda: any(t[0] is Trouble.SILENT and WORDS[harness_of] in t[1] for t in sink.troubles()))
        await sink.until(lambda: "recovered" in sink.names())
        sink.values.clear()
        await harness.farm.fault(harness.station.name, "late", False)
        await sink.until(lambda: where in sink.values)
        assert sink.values[where].value == before
        assert not any(reading.error for reading in sink.values.values())


@pytest.mark.parametrize("harness_of", [Simulated, Array])
async def test_a_line_the_device_has_forgotten_is_given_up_and_the_next_one_works(
    harness_of: type[Simulated | Array],
) -> None:
    """Nothing is acknowledged, nothing ends: only silence tells."""
    clock = ManualClock()
    async with held(harness_of, clock, Periods(gap=0.0)) as (harness, sink):
        frozen = set(harness.station.sessions)
        await harness.farm.fault(harness.station.name, "half_open")
        sink.forget()
        while "connected" not in sink.names():
            await clock.advance(1.0)
            await settle(100)
        told = sink.troubles()
        assert [t[2] for t in told if t[0] is Trouble.SILENT][:SILENT_LIMIT] == list(range(1, SILENT_LIMIT + 1))
        assert {t[0] for t in told} == {Trouble.SILENT}
        assert set(harness.station.sessions) - frozen, "on a line of its own"
        sink.values.clear()
        while WHERE[harness_of] not in sink.values:
            await clock.advance(1.0)
            await settle(100)


async def test_a_sign_in_without_a_prompt_behind_it_is_told_and_no_refusal() -> None:
    """`=>` is the one sign that a sign-in succeeded (devices.md 1.1)."""
    clock, sink = ManualClock(), Recorder()
    harness = Simulated()
    await harness.start()
    await harness.farm.fault(harness.station.name, "no_prompt", True, {"login": True})
    session = CONVERGE_PRO2.session(harness.endpoint, [GOOD], sink, clock, Periods(gap=0.0), 7)
    task = asyncio.ensure_future(session.run())
    try:
        while len(sink.troubles()) < 3:
            await clock.advance(1.0)
            await settle(100)
        assert {t[:2] for t in sink.troubles()} == {(Trouble.SILENT, f"no answer to the sign-in within {LOGIN_S:g} s")}
        await harness.farm.fault(harness.station.name, "no_prompt", False)
        while "inventory" not in sink.names():
            await clock.advance(1.0)
            await settle(100)
    finally:
        task.cancel()
        await asyncio.wait({task})
        await harness.stop()


@pytest.mark.parametrize("harness_of", [Simulated, Array])
async def test_garbage_is_counted(harness_of: type[Simulated | Array]) -> None:
    async with held(harness_of) as (harness, sink):
        await sink.until(lambda: ("stack", GARBAGE.key) in sink.values)
        for times in (1, 2):
            await harness.farm.fault(harness.station.name, "garbage")
            await sink.until(lambda: sink.values["stack", GARBAGE.key].value == times)  # noqa: B023
        assert sink.troubles() == []


@pytest.mark.parametrize("fault", ["garbage", "flood", "reset"])
@pytest.mark.parametrize("harness_of", [Simulated, Array])
async def test_what_happens_once_is_got_over(harness_of: type[Simulated | Array], fault: str) -> None:
    """The line or the next one goes on reading."""
    harness = harness_of()
    family = CONVERGE_PRO2 if harness_of is Simulated else BMA360D
    await harness.start()
    sink = Recorder()
    task = asyncio.ensure_future(family.session(harness.endpoint, [GOOD], sink, SystemClock(), QUICK, 7).run())
    try:
        await sink.until(lambda: bool(sink.values))
        await harness.farm.fault(harness.station.name, fault)
        sink.forget()
        sink.values.clear()
        await sink.until(lambda: len(sink.values) > 3 and harness.connections() > 0)
    finally:
        task.cancel()
        await asyncio.wait({task})
        await harness.stop()


@asynccontextmanager
async def held(
    harness_of: type[Simulated | Array], clock: Clock | None = None, periods: Periods = QUICK
) -> AsyncIterator[tuple[Simulated | Array, Recorder]]:
    """A line that is up while the block runs."""
    harness, sink = harness_of(), Recorder()
    family = CONVERGE_PRO2 if harness_of is Simulated else BMA360D
    await harness.start()
    session = family.session(harness.endpoint, [GOOD], sink, clock or SystemClock(), periods, 7)
    task = asyncio.ensure_future(session.run())
    try:
        await sink.until(lambda: "inventory" in sink.names())
        yield harness, sink
    finally:
        task.cancel()
        await asyncio.wait({task})
        await harness.stop()


async def read(family: Any, harness: Any, *wanted: tuple[str, str]) -> Recorder:
    """Until all of it was read."""
    sink = Recorder()
    task = asyncio.ensure_future(family.session(harness.endpoint, [GOOD], sink, SystemClock(), QUICK, 7).run())
    try:
        await sink.until(lambda: all(key in sink.values for key in wanted))
    finally:
        task.cancel()
        await asyncio.wait({task})
    return sink
