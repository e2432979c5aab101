"""The drivers on lines that are odd in every way the simulator knows (devices.md 14.4): what is true is still read."""

import asyncio
from typing import Any

import pytest
from tests.contract.harness import GOOD, QUICK, Array, Recorder, Simulated

from soundpost.drivers.bma360d import FAMILY as BMA360D
from soundpost.drivers.converge_pro2 import FAMILY as CONVERGE_PRO2
from soundpost.kernel.clock import SystemClock

ODD: list[tuple[str, dict[str, Any]]] = [
    ("split", {}),
    ("split", {"size": 5, "gap_s": 0.002}),
    ("lf_cr", {}),
    ("nul", {"start": True}),
    ("echo", {}),
    ("options", {"each": True}),
    ("chatter", {}),
    ("late", {"every": 40, "delay_s": 0.2}),
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
