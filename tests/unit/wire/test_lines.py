"""The framing gives the same items however bytes were cut, and nothing a line can carry ends it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundpost.wire.lines import MAX_LINE, MAX_SUBNEGOTIATION, NO_OPTION, TOO_LONG, Item, Line, Lines, Prompt

GREETING = bytes.fromhex("fffd01fffd21fffb01fffb03")


def feed(*segments: bytes) -> list[Item]:
    lines = Lines()
    return [item for segment in segments for item in lines.feed(segment)]


@pytest.mark.parametrize(
    ("data", "items"),
    [
        (b"EP MIC 103 LEVEL MUTE 0 \r\n=> ", [Line("EP MIC 103 LEVEL MUTE 0"), Prompt.READY]),
        (b"=> => EP A LEVEL GAIN 1\n\r", [Prompt.READY, Prompt.READY, Line("EP A LEVEL GAIN 1")]),
        (GREETING + b"Username: ", [Prompt.USERNAME]),
        (b"Username:", [Prompt.USERNAME]),
        (b"\r\nPassword: ", [Prompt.PASSWORD]),
        (b"Username: Username: ", [Prompt.USERNAME, Prompt.USERNAME]),
        (b"VERSION * FW 1\0\r\n", [Line("VERSION * FW 1", empty_value=True)]),
        (b"a\r\r\n\n\rb\r", [Line("a"), Line("b")]),
        (b" \r\n\0\r\n=> \r\n", [Prompt.READY]),
        (b"a => b Username: c\r", [Line("a => b Username: c")]),
        (b"\xff\xfa\x18\x00abc\xff\xff\xff\xf0x\r", [Line("x")]),
        (b"a\xff\xf1b\r", [Line("ab")]),
        (b"\xff\xff\r", [Line("\ufffd")]),
        (b"half a line", []),
        (b"\x1b[2Jred\x9b\r", [Line("\ufffd[2Jred\ufffd")]),
        (b"EP A\tB 1\r", [Line("EP A\tB 1")]),
        (b"a\rb\xff\x01c\r", [Line("a"), NO_OPTION, Line("bc")]),
    ],
)
def test_what_is_on_the_wire_becomes_items(data: bytes, items: list[Item]) -> None:
    assert feed(data) == items
    assert feed(*(bytes([byte]) for byte in data)) == items


def test_a_line_that_never_ends_is_dropped_once_and_the_next_is_read() -> None:
    lines = Lines()
    assert lines.feed(b"x" * MAX_LINE) == []
    assert lines.feed(b"x") == [TOO_LONG]
    assert lines.feed(b"x" * 100_000) == []
    assert lines.feed(b"\r\nEP 1\r\n") == [Line("EP 1")]
    assert lines.garbage == 1


def test_a_subnegotiation_that_never_ends_does_not_swallow_the_session() -> None:
    lines = Lines()
    assert lines.feed(b"\xff\xfa" + b"x" * (MAX_SUBNEGOTIATION + 1)) == [NO_OPTION]
    assert lines.feed(b"\rok\r") == [Line("ok")]
    assert lines.garbage == 1


PIECES = st.one_of(
    st.sampled_from(
        [
            b"\r",
            b"\n",
            b"\0",
            b" ",
            b"=>",
            b"=",
            b"Username:",
            b"Password: ",
            b"\xff",
            b"\xff\xfd\x01",
            b"\xff\xfa",
            b"\xff\xf0",
        ]
    ),
    st.sampled_from([b"EP MIC 101 LEVEL MUTE 1 \r\n=> ", b"VERSION * FW 1\0\r\n", b"y" * (MAX_LINE - 1), b"z" * 3]),
    st.binary(max_size=12),
)
STREAM = st.lists(PIECES, max_size=25).map(b"".join)


@given(data=STREAM, cuts=st.lists(st.integers(0, 200), max_size=20))
def test_any_segmentation_gives_the_same(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    segments = [data[a:b] for a, b in itertools.pairwise(edges)]
    assert feed(*segments) == feed(data)


@given(data=STREAM.filter(lambda data: len(data) < 300))
def test_byte_by_byte_gives_the_same(data: bytes) -> None:
    assert feed(*(bytes([byte]) for byte in data)) == feed(data)


@given(garbage=st.binary(max_size=400).filter(lambda data: b"\xff" not in data))
def test_garbage_never_kills(garbage: bytes) -> None:
    assert feed(garbage, b"\r\nEP 1 \r\n")[-1] == Line("EP 1")
