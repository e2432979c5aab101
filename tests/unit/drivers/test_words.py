"""What can be said, and what can't be built at all."""

import pytest

from soundpost.drivers.converge_pro2 import words


def test_lines_are_as_the_manuals_give_them() -> None:
    assert words.version() == "VERSION * FW 1"
    assert words.write_mute("MIC", 103, True) == "EP MIC 103 LEVEL MUTE 1"
    assert words.write_gain("PROC", 101, -10) == "EP PROC 101 LEVEL GAIN -10.0"
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
        ("BOX", "two words", "UNIT", "SN"),
        ("BOX", "a\rFACTORYDEFAULT", "UNIT", "SN"),
        ("BOX", "", "UNIT", "SN"),
        ("BOX", "a\x7f", "UNIT", "SN"),
    ],
)
def test_what_must_never_be_sent_cant_be_built(said: tuple[str, ...]) -> None:
    with pytest.raises(words.NeverSent):
        words.line(*said)
