"""docs/protocol/converge-pro-2.md says what the tables say."""

import importlib
from pathlib import Path

import pytest
from tests.support.clock import ManualClock
from tests.unit.drivers.direct import Direct

from soundpost.drivers.converge_pro2 import assumed, models, report
from soundpost.drivers.converge_pro2.table import ROWS
from soundpost.drivers.converge_pro2.verbs import VERBS
from soundpost.simulator.assumptions import of_personality
from soundpost.simulator.specs import BoxSpec, StackSpec
from soundpost.simulator.station import Station

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docs/protocol/converge-pro-2.md"


def test_the_committed_file_is_up_to_date() -> None:
    command = "python -m soundpost.drivers.converge_pro2.report > docs/protocol/converge-pro-2.md"
    assert FILE.read_text() == report.report(), f"run: {command}"


def test_it_holds_every_row_verb_and_assumption() -> None:
    text = report.report()
    for row in ROWS:
        assert f"| {row.block} | {row.parameter} |" in text
    for verb in VERBS:
        assert f"| {verb} |" in text
    for name in assumed.ASSUMED:
        assert f"`{name}`" in text


def test_every_test_it_names_exists() -> None:
    for name in report.TESTS.values():
        path, _, function = name.partition("::")
        module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
        assert hasattr(module, function), name


def test_the_readme_counts_as_the_tables_do() -> None:
    lines = (ROOT / "src/soundpost/drivers/converge_pro2/README.md").read_text().splitlines()
    for row in report.counts():
        model, _, figures = row.removeprefix("| ").partition(" | ")
        if model.upper() in report.models.MODELS:
            names = [line for line in lines if line.endswith(figures) and model.lower() in line.lower()]
            assert names, row


class Played:
    """A simulated box, asked without a line."""

    def __init__(self, model: str) -> None:
        spec = StackSpec("Lab", (BoxSpec("Name_1", model, "1234-2334-40", "00:90:79:00:00:01"),))
        self._station = Station(spec, ("127.0.0.1", 1), of_personality("lab"), ManualClock())

    def replies(self, line: str) -> list[str]:
        said = self._station.answer(line.rstrip("\r"), None).replace("=> ", "")  # type: ignore[arg-type]
        return [row.strip() for row in said.split("\r\n") if row.strip()]


@pytest.mark.parametrize("model", models.MODELS)
async def test_the_polls_it_counts_are_those_a_session_makes(model: str) -> None:
    talk = Direct(Played("Huddle" if model == "HUDDLE" else model))  # type: ignore[arg-type]
    await talk.read()
    groups = [poll.group for poll in talk.talk.polls()]
    assert tuple(groups.count(group) for group in ("status", "levels", "settings")) == report.polls_of(model)
