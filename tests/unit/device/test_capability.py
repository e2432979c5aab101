"""What an order must say, and what it writes."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundpost.device.capability import ACTS, VERBS

RAMP = {"end_point": "fader.302", "target": -10, "step": 2}
CALL = {"end_point": "ua.101", "act": "call", "number": "5551234"}
CROSS = {"input": "Mic_1", "output": "Out_1", "on": True, "type": "gated"}


@pytest.mark.parametrize(
    ("verb", "arguments", "wrong"),
    [
        ("ramp", RAMP, ""),
        ("ramp", RAMP | {"target": 20.5}, "target"),
        ("ramp", RAMP | {"target": math.nan}, "target"),
        ("ramp", RAMP | {"target": True}, "target"),
        ("ramp", RAMP | {"step": 0}, "step"),
        ("ramp", RAMP | {"end_point": "fader.302.level"}, "end_point"),
        ("ramp", RAMP | {"fast": True}, "fast"),
        ("ramp", {}, "end_point"),
        ("macro", {"name": "SYSON"}, ""),
        ("macro", {"name": "SYS ON"}, "name"),
        ("macro", {"name": "A\rFACTORYDEFAULT"}, "name"),
        ("room", {"room": 1, "sub_room": "Part_A", "configuration": "Part_A_Preset_1"}, ""),
        ("room", {"room": 1.5, "sub_room": "Part_A", "configuration": "P"}, "room"),
        ("room", {"room": math.inf, "sub_room": "Part_A", "configuration": "P"}, "room"),
        ("crosspoint", CROSS, ""),
        ("crosspoint", CROSS | {"type": "strange"}, "type"),
        ("crosspoint", CROSS | {"on": 1}, "on"),
        ("telephone", CALL, ""),
        ("telephone", {"end_point": "ua.101", "act": "call"}, "number"),
        ("telephone", CALL | {"number": "555 1234"}, "number"),
        ("telephone", CALL | {"act": "answer"}, "number"),
        ("telephone", {"end_point": "ua.101", "act": "answer"}, ""),
        ("telephone", {"end_point": "ua.101", "act": "dtmf", "digits": "12*#"}, ""),
        ("telephone", {"end_point": "ua.101", "act": "dtmf", "digits": "1A"}, "digits"),
        ("telephone", {"end_point": "ua.101", "act": "reject", "line": 6}, "line"),
        ("telephone", {"end_point": "ua.101", "act": ["call"]}, "act"),
        ("telephone", {"end_point": "ua.101", "act": "toggle"}, "act"),
    ],
)
def test_arguments(verb: str, arguments: dict[str, Any], wrong: str) -> None:
    found = VERBS[verb].misfit(arguments)
    assert (found[0] if found else "") == wrong
    assert found is None or found[1].endswith(".")


@given(
    st.sampled_from(sorted(VERBS)),
    st.dictionaries(
        st.sampled_from(["end_point", "act", "number", "digits", "line", "name", "on", "type", "target", "x"]),
        st.one_of(
            st.text(max_size=6), st.floats(), st.integers(), st.booleans(), st.sampled_from(sorted(ACTS)), st.none()
        ),
    ),
)
def test_whatever_is_asked_is_judged(verb: str, arguments: dict[str, Any]) -> None:
    VERBS[verb].misfit(arguments)
    assert isinstance(VERBS[verb].written(arguments), str)


def test_what_must_not_be_repeated_says_so() -> None:
    assert {name for name, verb in VERBS.items() if verb.repeat == "never"} == {"reboot", "macro", "room", "telephone"}
    assert VERBS["ramp"].written(RAMP) == "fader.302.level.gain"
    assert VERBS["ramp"].written({}) == ""
