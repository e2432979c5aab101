import pytest

from soundpost.device.capability import VERBS
from soundpost.device.ceiling import LEVELS, allows, needs

MUTE, GAIN = "mic.101.level.mute", "mic.101.level.gain"


@pytest.mark.parametrize(
    ("capability", "arguments", "level"),
    [
        ("refresh", {}, "monitor"),
        ("locate", {"on": True}, "control"),
        ("control", {"key": GAIN, "value": 3.0}, "control"),
        ("control", {"key": MUTE, "value": True}, "control"),
        ("control", {"key": MUTE, "value": False}, "microphones"),
        ("control", {"key": "fader.302.level.mute", "value": 0}, "microphones"),
        ("crosspoint", {"on": False}, "control"),
        ("crosspoint", {"on": True}, "microphones"),
        ("telephone", {"act": "hang_up"}, "control"),
        ("telephone", {"act": "answer"}, "microphones"),
        ("telephone", {}, "microphones"),
        ("macro", {"name": "anything"}, "microphones"),
        ("firmware", {}, "configuration"),
    ],
)
def test_what_a_command_needs(capability, arguments, level):
    assert needs(capability, arguments) == level


def test_each_level_holds_those_before_it():
    for place, ceiling in enumerate(LEVELS):
        assert [allows(ceiling, level) for level in LEVELS] == [at <= place for at in range(len(LEVELS))]


def test_a_ceiling_nobody_told_allows_all_and_one_nobody_knows_allows_looking():
    assert all(allows("", level) for level in LEVELS)
    assert [level for level in LEVELS if allows("stratosphere", level)] == ["monitor"]


def test_only_looking_is_below_control():
    assert {verb for verb in VERBS if needs(verb, {}) == "monitor"} == {"refresh"}
