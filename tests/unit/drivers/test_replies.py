"""Every line becomes a reply of some kind; numbers are read as devices.md 2 has them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundpost.drivers.converge_pro2 import replies
from soundpost.drivers.converge_pro2.replies import (
    Beams,
    BoxPlink,
    BoxValue,
    EndPoint,
    EpNotification,
    EpValue,
    Gates,
    Notice,
    Plink,
    PlinkEnd,
    StackName,
    StackNotification,
    Unknown,
    Version,
    parse,
)
from soundpost.wire.dialogue import Dialogue, Fate, Request, reading, writing
from soundpost.wire.lines import Line, Lines

TRANSCRIPTS = sorted((Path(__file__).parents[2] / "transcripts").glob("*.txt"))


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("EP MIC 302 LEVEL MUTE 1", EpValue(EndPoint.MIC, 302, "", "LEVEL", "MUTE", "1")),
        ("EP SPKR_ZN_1 LEVEL GAIN -5.0", EpValue(EndPoint.UNKNOWN, 0, "SPKR_ZN_1", "LEVEL", "GAIN", "-5.0")),
        ("EP NEWTYPE 101 LEVEL MUTE 1", EpValue(EndPoint.UNKNOWN, 0, "NEWTYPE", "101", "LEVEL", "MUTE 1")),
        (
            "EP UA 101 INQUIRE_RESULT ACTIVE_PARTIES PL 1;IDLE;",
            EpValue(EndPoint.UA, 101, "", "INQUIRE_RESULT", "ACTIVE_PARTIES", "PL 1;IDLE;"),
        ),
        (
            "EP UA 101 NOTIFICATION STATE_CHANGE PL 1;IDLE",
            EpNotification(EndPoint.UA, 101, "", "STATE_CHANGE", "PL 1;IDLE"),
        ),
        ("BOX Name_1 UNIT SN 1234-2334-40", BoxValue("Name_1", "SN", "1234-2334-40")),
        (
            "BOX Name_1 PLINK 2 BMA360 Ceiling 9000-2401-40 2.0.1.8 0",
            BoxPlink("Name_1", 2, Plink.BMA360, "BMA360", "Ceiling", "9000-2401-40", "2.0.1.8", False),
        ),
        (
            "BOX Name_1 PLINK 2 HOLO Ceiling 9 2 1",
            BoxPlink("Name_1", 2, Plink.UNKNOWN, "HOLO", "Ceiling", "9", "2", True),
        ),
        ("BOX Name_1 PLINK END", PlinkEnd("Name_1")),
        ("VERSION Name_1 FW 1 7.0.0.1", Version("Name_1", "7.0.0.1")),
        ("VERSION * FW 1", Version("*", "")),
        ("STACK NOTIFICATION HW_RESYNC", StackNotification(Notice.HW_RESYNC, "")),
        ("STACK NOTIFICATION PARTY 3", StackNotification(Notice.UNKNOWN, "3")),
        ("STACK NAME Boardroom", StackName("Boardroom")),
        ("GATEREPORT Name_1 0 1 1 000000000001", Gates("Name_1", (True, *[False] * 11))),
        ("GATEREPORT Name_1 0 1 1 0002", Unknown("GATEREPORT Name_1 0 1 1 0002")),
        ("GATEREPORT Name_1 0 1 1", Unknown("GATEREPORT Name_1 0 1 1")),
        (
            "BEAMREPORT Name_1 1 1 48 101 000000000100 48 102 100000000000",
            Beams("Name_1", {"101": (False, False, True, *[False] * 9), "102": (*[False] * 11, True)}),
        ),
        ("BEAMREPORT Name_1 1 1 49 101 000000000100", Unknown("BEAMREPORT Name_1 1 1 49 101 000000000100")),
        ("BOX Name_1 PLINK 2 BMA360", Unknown("BOX Name_1 PLINK 2 BMA360")),
        ("EP MIC", Unknown("EP MIC")),
        ("EP MIC 101 LEVEL", Unknown("EP MIC 101 LEVEL")),
        ("hello", Unknown("hello")),
        ("", Unknown("")),
    ],
)
def test_lines(text: str, reply: replies.Reply) -> None:
    assert parse(text) == reply


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-10.0", -10.0),
        ("+3", 3.0),
        ("0", 0.0),
        ("-6.25", -6.25),
        ("20.", 20.0),
        ("100", None),
        ("1e1", None),
        ("", None),
    ],
)
def test_decibels(text: str, value: float | None) -> None:
    assert replies.decibels(text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("0", False), ("1", True), ("1.0", True), ("2", None), ("", None), ("on", None)]
)
def test_bits(text: str, value: bool | None) -> None:
    assert replies.bit(text) is value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("ERROR INVALID COMMAND", True),
        ("Error Invalid Parameter(s)", True),
        ("EP MIC 101 LEVEL MUTE ERROR", True),
        ("EP UA 101 NOTIFICATION ERROR ERROR_CALL_ACTIVE", False),
        ("BOX ERROR_1 UNIT SN 1", False),
        ("EP MIC 101 LEVEL MUTE 1", False),
    ],
)
def test_errors(text: str, error: bool) -> None:
    assert replies.is_error(text) is error


WORDS = st.sampled_from(
    ["EP", "BOX", "MIC", "101", "LEVEL", "NOTIFICATION", "PLINK", "END", "STACK", "VERSION", "FW", "1", "²"]
)


@given(st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=10).map(" ".join)))
def test_any_text_is_read_as_something(text: str) -> None:
    assert parse(text) is not None
    replies.is_error(text)
    for read in (replies.decibels, replies.bit, replies.figure):
        read(text)


def asked(kind: str, text: str) -> Request:
    return writing(text) if kind == "W" else reading(text, bare=kind == "V")


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("ends", [b" \r\n=> ", b"\n\r", b"\r\n"])
def test_transcripts(path: Path, ends: bytes) -> None:
    """Replayed byte by byte: each S answers what was asked, each P is a push, each E an error; all are understood."""
    lines, talk = Lines(), Dialogue(replies.is_error)
    expected = {"S": Fate.REPLY, "P": Fate.PUSH, "E": Fate.ERROR}
    for row in path.read_text().splitlines():
        kind, _, text = row.partition(" ")
        if kind in ("C", "W", "V"):
            talk.begin(asked(kind, text))
        elif kind in expected:
            raw = text.replace("\\0", "\0").encode() + ends
            items = [item for byte in raw for item in lines.feed(bytes([byte])) if isinstance(item, Line)]
            assert [talk.take(item) for item in items] == [expected[kind]], row
            assert kind == "E" or not isinstance(parse(items[0].text), Unknown), row
