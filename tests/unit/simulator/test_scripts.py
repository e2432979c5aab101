"""Scripted scenes: read from YAML with the line of every mistake, drawn from the seed, played by the clock."""

import asyncio
import contextlib
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.simulator.peers import NETWORK, StillClock, fact, vector_stack

from soundpost.kernel.errors import Invalid
from soundpost.simulator import ArraySpec, Farm, make_stacks
from soundpost.simulator.acts import Act
from soundpost.simulator.arraystation import ArrayStation
from soundpost.simulator.scenes import Scene
from soundpost.simulator.script import Script
from soundpost.simulator.scriptfile import parsed
from soundpost.simulator.station import Station
from soundpost.simulator.storm import CALM_S, ROUND_S, Storm

KINDS = {"London-01": Station, "London-02": Station, "Rome-01": Station, "London-BMA-01": ArrayStation}
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "simulate.md"


def acts(text: str, until: float, seed: int = 1) -> list[tuple[float, Act]]:
    plan, told = Script(parsed(text.encode(), "x.yaml", KINDS), KINDS, seed), []
    while (due := plan.next_s()) is not None and due <= until:
        told += [(due, act) for act in plan.acts(due)]
    return told


def test_steps_happen_at_their_times_to_those_they_name() -> None:
    text = """
steps:
  - {at: 5, stack: London-*, fault: silence, for: 10}
  - {at: 5, stack: Rome-01, set: {address: MIC 101, parameter: MUTE, value: true}}
  - {at: 7, stack: "*-01", push: STACK NOTIFICATION HW_RESYNC}
  - {at: 8, stack: Rome-01, locate: {box: Name_1, on: false}}
  - {at: 9, stack: Rome-01, call: {do: incoming, number: "17"}}
  - {at: 20, stack: Rome-01, fault: refuse, on: false}
"""
    assert [(time, act.stack, act.what, act.on) for time, act in acts(text, 100)] == [
        (5, "London-01", "silence", True),
        (5, "London-02", "silence", True),
        (5, "London-BMA-01", "silence", True),
        (5, "Rome-01", "set", True),
        (7, "London-01", "push", True),
        (7, "Rome-01", "push", True),
        (7, "London-BMA-01", "push", True),
        (8, "Rome-01", "locate", False),
        (9, "Rome-01", "call", True),
        (15, "London-01", "silence", False),
        (15, "London-02", "silence", False),
        (15, "London-BMA-01", "silence", False),
        (20, "Rome-01", "refuse", False),
    ]
    assert acts(text, 100)[3][1].args == {"address": "MIC 101", "parameter": "MUTE", "value": 1.0}


def test_a_fault_of_stacks_passes_arrays_by() -> None:
    assert [act.stack for _, act in acts("steps: [{at: 1, stack: London-*, fault: heat}]", 9)] == [
        "London-01",
        "London-02",
    ]


def test_every_until_and_jitter() -> None:
    even = "steps: [{every: 10, until: 45, stack: Rome-01, fault: reset}]"
    assert [time for time, _ in acts(even, 100)] == [10, 20, 30, 40]
    later = "steps: [{at: 3, every: 10, until: 23, stack: Rome-01, fault: reset}]"
    assert [time for time, _ in acts(later, 100)] == [3, 13, 23]
    uneven = "steps: [{every: 10, jitter: 4, stack: Rome-01, fault: reset}]"
    times = [time for time, _ in acts(uneven, 1_000)]
    assert all(abs(time - 10 * n) <= 4 for n, time in enumerate(times, 1))
    assert len(set(times)) == len(times) >= 99
    assert times == [time for time, _ in acts(uneven, 1_000)] != [time for time, _ in acts(uneven, 1_000, seed=2)]


def test_some_are_drawn_by_the_seed() -> None:
    text = "{seed: SEED, steps: [{every: 1, stack: '*', pick: 2, fault: reset}]}"
    one, same, other = ([act.stack for _, act in acts(text.replace("SEED", seed), 50)] for seed in ("3", "3", "4"))
    assert one == same != other
    assert len(one) == 100
    assert set(one) == set(KINDS)
    assert all(first != second for first, second in zip(one[::2], one[1::2], strict=True))


def test_a_scene_repeats() -> None:
    text = "{repeat: 30, steps: [{at: 5, stack: Rome-01, fault: reset}, {at: 20, stack: Rome-01, fault: reset}]}"
    assert [time for time, _ in acts(text, 90)] == [5, 20, 35, 50, 65, 80]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", r"line 1: a scene is a mapping with `steps`\."),
        ("- a", r"line 1: a scene is a mapping"),
        ("steps: [", r"line 1: expected the node content"),
        ("steps:\n  - at: 1\n    fault: silence\n   stack: x", r"line 4: "),
        ("name: x", r"line 1: object missing required field `steps`\."),
        ("steps: 3", r"line 1, steps: expected `array`, got `int`\."),
        ("steps:\n- at: soon\n  fault: reset", r"line 2, steps\[0\]\.at: expected `float \| null`, got `str`\."),
        ("steps:\n- at: 1\n  falt: reset", r"line 3, steps\[0\]\.falt: object contains unknown field `falt`\."),
        ("steps:\n- at: 1\n  fault: reset\nmore: 1", r"line 4, more: object contains unknown field `more`\."),
        ("steps:\n- at: 1\n  at: 2\n  fault: reset", r"line 3, steps\[0\]\.at: it stands here twice\."),
        ("steps:\n- 1: x", r"line 2, steps\[0\]\.1: a name is expected here\."),
        ("steps:\n- at: 1", r"line 2, steps\[0\]: a step has one of .*; this one has none\."),
        ("steps:\n- at: 1\n  fault: reset\n  push: x", r"line 2, steps\[0\]: .* has fault, push\."),
        ("steps:\n- fault: reset", r"line 2, steps\[0\]: a step has a time"),
        ("steps:\n- at: 1\n  fault: bang", r"line 3, steps\[0\]\.fault: There is no fault 'bang'"),
        ("steps:\n- at: 1\n  fault: slow\n  args: {delay: 3}", r"line 4, steps\[0\]\.args: The arguments of 'slow'"),
        ("steps:\n- at: 1\n  push: x\n  args: {}", r"line 4, steps\[0\]\.args: `args` are those of a `fault`\."),
        ("steps:\n- at: 1\n  push: x\n  on: false", r"line 4, steps\[0\]\.on: "),
        ("steps:\n- at: 1\n  push: x\n  for: 3", r"line 4, steps\[0\]\.for: "),
        ("steps:\n- at: 1\n  push: ''", r"line 3, steps\[0\]\.push: it is one line"),
        ("steps:\n- at: 1\n  fault: reset\n  for: 3", r"line 4, steps\[0\]\.for: this does not last"),
        ("steps:\n- at: 1\n  fault: silence\n  on: false\n  for: 3", r"line 5, steps\[0\]\.for: "),
        ("steps:\n- at: -1\n  fault: reset", r"line 2, steps\[0\]\.at: it is a number of seconds from 0 "),
        ("steps:\n- at: .nan\n  fault: reset", r"line 2, steps\[0\]\.at: "),
        ("steps:\n- every: 0\n  fault: reset", r"line 2, steps\[0\]\.every: "),
        (
            "steps:\n- at: 9\n  every: 2\n  until: 3\n  fault: reset",
            r"line 4, steps\[0\]\.until: it ends before it begins \(`at` 9\)\.",
        ),
        (
            "steps:\n- every: 9\n  until: 3\n  fault: reset",
            r"line 3, steps\[0\]\.until: it ends before it begins \(`every` 9\)\.",
        ),
        ("steps:\n- at: 1\n  until: 3\n  fault: reset", r"line 3, steps\[0\]\.until: `until` goes with `every`\."),
        ("steps:\n- every: 4\n  jitter: 3\n  fault: reset", r"line 3, steps\[0\]\.jitter: it is at most half"),
        ("steps:\n- at: 1\n  pick: 0\n  fault: reset", r"line 3, steps\[0\]\.pick: at least 1"),
        ("steps:\n- at: 1\n  stack: Paris*\n  fault: reset", r"line 3, steps\[0\]\.stack: no device .* 'Paris\*'\."),
        ("steps:\n- at: 1\n  stack: '*BMA*'\n  fault: heat", r"line 3, steps\[0\]\.stack: no device that this can"),
        ("steps:\n- at: 1\n  set: {address: MIC 101, parameter: MUTE}", r"line 3, steps\[0\]\.set: object missing"),
        ("steps:\n- at: 1\n  call: {do: sing}", r"line 3, steps\[0\]\.call\.do: a call can incoming"),
        ("steps:\n- at: 9\n  fault: reset\nrepeat: 9", r"line 4, repeat: it is a number of seconds above 9"),
        ("a: &a {b: 1}\nc: *a", r"line 2: aliases are not taken\."),
        ("a: !!python/name:os.system x", r"line 1: could not determine a constructor"),
        ("\x00", r"line 1: .*special characters"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_field(text: str, told: str) -> None:
    with pytest.raises(Invalid) as error:
        parsed(text.encode(), "x.yaml", KINDS)
    assert error.value.code == "scene_invalid"
    assert re.match(rf"x\.yaml, {told}", error.value.text), error.value.text
    assert "\n" not in error.value.text


@given(
    st.one_of(st.binary(max_size=200), st.text(alphabet="steps:-[]{}&*!'\"\n at1.# on", max_size=120).map(str.encode))
)
def test_any_file_is_a_scene_or_told_why_not(text: bytes) -> None:
    with contextlib.suppress(Invalid):
        assert parsed(text, "x.yaml", KINDS).steps == []


def test_the_guides_example_is_a_scene() -> None:
    example = GUIDE.read_text().split("```yaml\n")[1].split("```")[0]
    assert len(parsed(example.encode(), "guide.yaml", KINDS).steps) >= 5


def test_a_file_that_is_not_there(clock: StillClock, tmp_path: Path) -> None:
    farm = Farm(make_stacks(1), network=NETWORK, clock=clock)
    with pytest.raises(Invalid) as told:
        Scene(farm, str(tmp_path / "no.yaml"))
    assert told.value.code == "scene_unreadable"
    with pytest.raises(Invalid) as told:
        Scene(farm, "wild")
    assert told.value.code == "scene_unknown"


async def played(farm: Farm, clock: StillClock, scene: str, seconds: float) -> None:
    task = asyncio.create_task(Scene(farm, scene).run(clock))
    await clock.advance(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_script_is_played_by_the_clock(clock: StillClock, tmp_path: Path) -> None:
    file = tmp_path / "day.yaml"
    file.write_text(
        """
steps:
  - {at: 1.5, stack: Vectors-01, fault: slow, args: {delay_s: 9}, for: 100}
  - {at: 2, stack: Vectors-01, set: {address: MIC 101, parameter: GAIN, value: -3}}
  - {at: 2, stack: Vectors-01, set: {address: MIC 999, parameter: GAIN, value: -3}}
  - {at: 3, stack: Vectors-01, locate: {box: DSP1}}
  - {at: 3, stack: Vectors-01, call: {do: incoming}}
  - {at: 4, stack: Ceiling, set: {address: BEAM 3, parameter: ACTIVE, value: 1}}
  - {at: 5, stack: Ceiling, fault: refuse}
  - {at: 6, stack: Ceiling, fault: refuse, on: false}
  - {at: 6, push: "BFZONE 1 1"}
"""
    )
    specs, arrays = [vector_stack()], [ArraySpec("Ceiling", "00:1D:C1:00:00:01", "10.0.0.7")]
    async with Farm(specs, arrays=arrays, network=NETWORK, port=0, clock=clock) as farm:
        station, array = farm.stacks[0], farm.array("Ceiling")
        await played(farm, clock, str(file), 5.5)
        assert station.faults == {"slow": {"delay_s": 9}}
        assert station.stack.changed_values() == {
            "MIC 101 LEVEL GAIN": "-3.0"
        }  # the one that fits; the other is logged
        assert station.stack.boxes[0].locate
        assert array.array.beams == 0b100
        assert array.faults == {"refuse": {}}
        await played(farm, clock, str(file), 7)
        assert array.faults == {}


async def test_a_script_that_is_over_ends(clock: StillClock, tmp_path: Path) -> None:
    file = tmp_path / "short.yml"
    file.write_text("steps: [{at: 0, fault: reset}]")
    async with Farm(make_stacks(1), network=NETWORK, port=0, clock=clock) as farm:
        await Scene(farm, str(file)).run(clock)


# -- storm


def storm(seed: int, until: float = 3 * ROUND_S) -> list[tuple[float, Act]]:
    plan: Any = Storm(make_stacks(50), seed)
    told = []
    while (due := plan.next_s()) is not None and due <= until:
        told += [(due, act) for act in plan.acts(due)]
    return told


def test_a_storm_strikes_most_within_seconds_and_ends() -> None:
    told = storm(1)
    assert told == storm(1) != storm(2)
    for turn in range(3):
        breaks = turn * ROUND_S + CALM_S
        of_turn = [(time - breaks, act) for time, act in told if turn * ROUND_S <= time < (turn + 1) * ROUND_S]
        troubles = [(time, act) for time, act in of_turn if act.what != "set"]
        begun = [(time, act) for time, act in troubles if act.on]
        assert len({act.stack for _, act in begun}) == len(begun) == 30
        assert all(0 <= time <= 5 for time, _ in begun)
        lasting = sorted((act.stack, act.what) for _, act in begun if act.what not in ("reset", "reboot"))
        assert sorted((act.stack, act.what) for _, act in troubles if not act.on) == lasting
        assert len(of_turn) - len(troubles) > 500
        assert all(0 <= time <= 66 for time, _ in of_turn)


def test_a_storm_over_nothing() -> None:
    assert Storm([], 1).next_s() is None


async def test_a_storm_is_played(clock: StillClock) -> None:
    async with Farm(make_stacks(10), network=NETWORK, port=0, clock=clock) as farm:
        task = asyncio.create_task(Scene(farm, "storm").run(clock))
        await clock.advance(CALM_S + 5)
        await fact(lambda: clock.sleepers > 0)
        troubled = [station for station in farm.stacks if station.faults or station.restarting]
        assert 2 <= len(troubled) <= 6
        await clock.advance(ROUND_S - CALM_S - 6)
        assert all(not station.faults and station.listening for station in farm.stacks)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
