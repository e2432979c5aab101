"""What can be said, and what can't be built at all."""

import pytest

from soundpost.drivers.converge_pro2 import words


def test_lines_are_as_the_manuals_give_them() -> None:
    assert words.version() == "VERSION * FW 1"
    assert words.end_point("MIC", 103, "LEVEL", "MUTE", words.bit(True)) == "EP MIC 103 LEVEL MUTE 1"
    assert words.end_point("PROC", 101, "LEVEL", "GAIN", words.decibels(-10)) == "EP PROC 101 LEVEL GAIN -10.0"
    assert words.end_point("MIC", 101, "LEVEL", "GAIN_COARSE", words.whole(56.0)) == "EP MIC 101 LEVEL GAIN_COARSE 56"
    assert words.ramp("FADER", 302, -10, 2) == "RAMP FADER 302 -10.0 2.0"
    assert words.macro("SYSON") == "MCCF SYSON"
    assert words.room(1, "Part_A", "Part_A_Preset_1") == "ROOM 1 7 Part_A Part_A_Preset_1"
    assert words.crosspoint("In", "Out", True, "gated") == "MT In Out 1 0 3"
    assert words.gates("Name_1") == "GATE Name_1 1 1"
    assert words.beams() == "BEAM * 5 1"
    assert words.key("UA", 101, "KEY_CALL", "5551234") == "EP UA 101 KEY KEY_CALL 5551234"
    assert words.unit("Büro", "LOCATE", "1") == "BOX Büro UNIT LOCATE 1"


@pytest.mark.parametrize(
    "said",
    [
        ("FACTORYDEFAULT",),
        ("factorydefault", "Name_1"),
        ("CLRMATRIX",),
        ("EP", "MIC", "101", "LEVEL", "MUTE", "2"),
        ("EP", "MIC", "101", "1", "2", "2"),
        ("ep", "MIC", "101", "level", "mute", "toggle"),
        ("EP", "UA", "101", "KEY", "KEY_HOOK", "2"),
        ("MCCF", "two words"),
        ("BOX", "two words", "UNIT", "SN"),
        ("BOX", "a\rFACTORYDEFAULT", "UNIT", "SN"),
        ("BOX", "", "UNIT", "SN"),
        ("BOX", "a\x7f", "UNIT", "SN"),
    ],
)
def test_what_must_never_be_sent_cant_be_built(said: tuple[str, ...]) -> None:
    with pytest.raises(words.NeverSent):
        words.line(*said)
