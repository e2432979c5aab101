import json
from pathlib import Path
from typing import Any

import pytest

from soundpost.device.capability import VERBS
from soundpost.device.ceiling import LEVELS, allows, needs
from soundpost.drivers.converge_pro2 import table

CASES = json.loads((Path(__file__).parents[2] / "data" / "ceiling.json").read_text())
"""The page judges by the same table (web/tests/ceilings.test.ts)."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['capability']} {case['arguments']} from {case['now']}")
def test_what_a_command_needs(case: dict[str, Any]) -> None:
    assert needs(case["capability"], case["arguments"], case["now"]) == case["needs"]


@pytest.mark.parametrize(
    "row", [row for row in table.ROWS if row.write is not None], ids=lambda row: f"{row.block} {row.parameter}"
)
def test_every_writable_point_of_a_stack_was_thought_of(row: table.Row) -> None:
    """What lets somebody listen needs more than control: whoever adds a point says here what it is, or it is refused."""
    towards = [kind for kind in row.types if kind not in ("OUTPUT", "SPEAKER", "TELCO_RX", "VOIP_RX", "USB_RX")]
    kind = [*towards, *row.types][0]
    key = f"{kind}.101.{row.block}.{row.parameter}".lower()
    least = {needs("control", {"key": key, "value": value}, None) for value in (True, False, -65.0, 20.0)}
    shapes = row.block in ("GRAPHICEQ", "SIG_GEN") or row.parameter in ("POLARITY", "RING_ENABLE")
    shapes = shapes or (row.parameter == "GAIN" and not towards)
    closes = row.parameter in ("MUTE", "GAIN", "KEY_DO_NOT_DISTURB") or row.parameter.startswith("ZONE_")
    assert least == ({"control"} if shapes else {"control", "microphones"} if closes else {"microphones"})


def test_each_level_holds_those_before_it():
    for place, ceiling in enumerate(LEVELS):
        assert [allows(ceiling, level) for level in LEVELS] == [at <= place for at in range(len(LEVELS))]


def test_a_ceiling_nobody_told_allows_all_and_one_nobody_knows_allows_looking():
    assert all(allows("", level) for level in LEVELS)
    assert [level for level in LEVELS if allows("stratosphere", level)] == ["monitor"]


def test_only_looking_is_below_control():
    assert {verb for verb in VERBS if needs(verb, {}) == "monitor"} == {"refresh"}
