"""What a device page says of a function or a point (proved, assumed) is what the report says, and every row has a grade."""

from collections.abc import Iterator

import pytest
from tests.contract.peer import Peer
from tests.unit.drivers.direct import BOX, Direct

from soundpost.device.contract import Part
from soundpost.drivers.converge_pro2 import assumed, report
from soundpost.drivers.converge_pro2.models import TYPES

GUESSED = set("IA")
EXAMPLES: dict[str, dict[str, object]] = {
    "control": {"key": "mic.101.level.mute", "value": True},
    "locate": {"on": True},
    "ramp": {"end_point": "fader.101", "target": -10, "step": 2},
    "macro": {"name": "SYSON"},
    "room": {"room": 1, "sub_room": "Part_A", "configuration": "Part_A_Preset_1"},
    "crosspoint": {"input": "In", "output": "Out", "on": True, "type": "normal"},
    "telephone": {"end_point": "ua.101", "act": "answer"},
}


@pytest.fixture
async def direct() -> Direct:
    made = Direct(Peer())
    made.peer.models = {"Name_1": "HOLO 9", "Name_2": "48V"}
    made.peer.more = {(kind, "101") for kind in TYPES}
    return made


def tables() -> Iterator[dict[str, str]]:
    """The rows of the report that have a grade, each by its columns."""
    heads: list[str] = []
    for line in report.report().splitlines():
        cells = [cell.strip() for cell in line.replace("\\|", "/").strip("|").split(" | ")]
        if not line.startswith("|"):
            heads = []
        elif not heads:
            heads = cells
        elif cells[0] != "---" and "grade" in heads:
            yield dict(zip(heads, cells, strict=True))


def marked(row: dict[str, str]) -> bool:
    """Whether the report calls it assumed."""
    guessed = bool(GUESSED & set(row["grade"]))
    assert guessed == bool(row["switch"]), row
    return guessed


def test_no_grade_is_empty_and_a_guess_has_a_switch() -> None:
    rows = list(tables())
    assert len(rows) > 60
    for row in rows:
        assert row["grade"] and set(row["grade"]) <= set("MPFEIA"), row
        marked(row)
        switches = row["switch"].replace("`", "").split()
        assert set(switches) <= set(assumed.ASSUMED), row


async def test_a_function_is_called_assumed_on_the_page_where_the_report_calls_it_so(direct: Direct) -> None:
    unit = await direct.read()
    told = unit.parts[0].capabilities | next(part for part in unit.parts if part.part == BOX).capabilities
    functions = {row["function"]: marked(row) for row in tables() if "function" in row}
    assert set(functions) == set(told) - {"refresh", "hands_off", "health"}
    assert {name: told[name] != "evidenced" for name in functions} == functions
    assert all(told[name] in ("assumed", "untried") for name, guessed in functions.items() if guessed)


@pytest.mark.parametrize("verb", EXAMPLES)
async def test_an_outcome_says_the_same(direct: Direct, verb: str) -> None:
    await direct.read()
    outcome = await direct.perform(verb, **EXAMPLES[verb])
    assert outcome.state == "done"
    assert outcome.assumed == assumed.rests(verb)


async def test_a_point_is_called_assumed_where_the_report_calls_it_so(direct: Direct) -> None:
    unit = await direct.read()
    stack, box = unit.parts[0], next(part for part in unit.parts if part.part == BOX)
    array = next(part for part in unit.parts if part.part.startswith("plink:"))

    def said(part: Part, key: str) -> bool:
        return next(point for point in part.points if point.key == key).assumed

    for row in tables():
        if "end points" in row:
            for kind in row["end points"].split():
                key = f"{kind}.101.{row['block']}.{row['parameter']}".lower()
                assert said(box, key) == marked(row), key
        elif "point" in row:
            key, _, of_stack = row["point"].replace("`", "").partition(" of the stack")
            where = stack if "of the stack" in row["point"] else array if key.startswith("bma360") else box
            key = key.replace("<n>", "101").replace("<1..12>", "3")
            assert said(where, key) == marked(row), row
            assert not of_stack
