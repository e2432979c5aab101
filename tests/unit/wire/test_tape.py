"""The flight recorder keeps what came last, shows no secret, and reads back what it wrote."""

import contextlib
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundpost.wire import tape
from soundpost.wire.tape import LIMIT, MOST_ENTRY, OPEN, Entry, NotATape, Tape, Way

WAYS = st.sampled_from(list(Way))


def test_what_was_said_is_read_back_in_order() -> None:
    kept = Tape(100.0)
    kept.note(100.0, "connected to 127.0.0.1:23")
    kept.add(100.25, Way.FROM, b"Username: ")
    kept.add(100.5, Way.TO, b"clearone\r\n")
    assert tape.text(kept.entries(), ["began\nearly"]).decode() == (
        "#soundpost-tape 1\n# began early\n0.000 = connected to 127.0.0.1:23\n"
        "0.250 < Username:\\x20\n0.500 > clearone\\r\\n\n"
    )
    assert not kept.cut


@given(st.lists(st.tuples(st.floats(0, 1e6), WAYS, st.binary(max_size=60)), max_size=30))
def test_any_bytes_survive_the_text(told: list[tuple[float, Way, bytes]]) -> None:
    kept = Tape(0.0)
    for at, way, data in told:
        kept.add(at, way, data)
    read = tape.parse(tape.text(kept.entries(), ["a remark"]))
    assert [(entry.way, entry.data) for entry in read] == [(way, data) for _, way, data in told]
    assert tape.parse(tape.text(read)) == read


def test_the_last_bytes_are_kept_and_no_more() -> None:
    kept = Tape(0.0)
    for number in range(20_000):
        kept.add(number, Way.FROM, f"EP MIC 101 LEVEL GAIN {number} \r\n=> ".encode())
    entries = kept.entries()
    assert kept.cut
    assert entries[-1].data.startswith(b"EP MIC 101 LEVEL GAIN 19999 ")
    assert LIMIT / 2 <= sum(len(entry.data) for entry in entries) <= LIMIT
    assert [entry.at for entry in entries] == [20_000.0 - left for left in range(len(entries), 0, -1)]


def test_what_repeats_itself_takes_an_eighth_of_its_room() -> None:
    """A line that is polled: two hundred questions, the same answers but for one in twenty."""
    kept, at, chance = Tape(0.0), 0.0, random.Random(1)
    answers = [f"EP {kind} {100 + n} LEVEL GAIN" for kind in ("MIC", "OUTPUT", "PROC", "FADER") for n in range(50)]
    values = dict.fromkeys(answers, "-20.0")
    while not kept.cut:
        for question in answers:
            at += 0.05 + chance.random() * 0.01
            kept.add(at, Way.TO, f"{question}\r".encode())
            if chance.random() < 0.05:
                values[question] = f"{chance.randrange(-130, 40) / 2:.1f}"
            kept.add(at + chance.random() * 0.01, Way.FROM, f"{question} {values[question]} \r\n=> ".encode())
    said = sum(len(entry.data) for entry in kept.entries())
    assert said > LIMIT / 2
    assert kept.held < said / 6 + OPEN


@given(st.lists(st.tuples(st.integers(0, 10**9), WAYS, st.binary(max_size=3_000)), max_size=60), st.integers(4, 64))
def test_blocks_are_read_back_whole_whatever_their_size(told: list[tuple[int, Way, bytes]], kib: int) -> None:
    kept = Tape(0.0, kib * 1024)
    for ms, way, data in told:
        kept.add(ms / 1000, way, data)
    entries = kept.entries()
    assert kept.cut or len(entries) == len(told)
    assert entries == [Entry(ms / 1000, way, data) for ms, way, data in told[len(told) - len(entries) :]]


def test_a_flood_is_counted_and_does_not_push_out_what_led_to_it() -> None:
    kept = Tape(0.0)
    kept.add(0.0, Way.TO, b"EP MIC 101 LEVEL MUTE\r")
    kept.add(1.0, Way.FROM, b"x" * 1_000_000)
    first, flood, note = kept.entries()
    assert first.data == b"EP MIC 101 LEVEL MUTE\r"
    assert len(flood.data) == MOST_ENTRY
    assert note == Entry(1.0, Way.NOTE, b"995904 bytes more were not kept")


@given(
    before=st.binary(max_size=20),
    after=st.binary(max_size=20),
    cuts=st.lists(st.integers(0, 60), max_size=6),
    way=WAYS,
)
def test_a_secret_is_masked_however_it_was_cut(before: bytes, after: bytes, cuts: list[int], way: Way) -> None:
    secret = b"s3cr3t-passw0rd"
    stream = before + secret + after
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    kept = Tape(0.0)
    kept.hide(secret.decode())
    for start, end in itertools.pairwise(edges):
        kept.add(0.0, way, stream[start:end])
        kept.add(0.0, Way.NOTE if way is not Way.NOTE else Way.FROM, b"between")
    shown = b"".join(entry.data for entry in kept.entries() if entry.way is way)
    assert len(shown) == len(stream)
    assert secret not in shown
    assert secret not in tape.text(kept.entries())


@pytest.mark.parametrize(
    ("stream", "cut", "shown"),
    [
        (b"=> word hello", True, b"=> word hello"),
        (b"assword hello", True, b"******* hello"),
        (b"assword hello", False, b"assword hello"),
        (b"rd hello", True, b"rd hello"),
        (b"hello pass", False, b"hello ****"),
        (b"passwordpassword", False, b"****************"),
    ],
)
def test_halves_of_a_secret_at_either_end(stream: bytes, cut: bool, shown: bytes) -> None:
    assert tape.masked(stream, {b"password"}, cut) == shown


def test_a_word_too_short_to_be_told_apart_is_not_masked_where_it_is_not_ours() -> None:
    kept = Tape(0.0)
    kept.hide("1")
    kept.add(0.0, Way.FROM, b"EP MIC 101")
    assert kept.entries()[0].data == b"EP MIC 101"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"0.000 < x\n",
        b"#soundpost-tape 1\nhello\n",
        b"#soundpost-tape 1\n0.000 ? x\n",
        b"#soundpost-tape 1\n0.000 < \\q\n",
        "#soundpost-tape 1\n0.000 < ü\n".encode(),
    ],
)
def test_what_is_no_tape_is_refused(text: bytes) -> None:
    with pytest.raises(NotATape):
        tape.parse(text)


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused(data: bytes) -> None:
    for body in (data, tape.HEAD + data):
        with contextlib.suppress(NotATape):
            assert tape.parse(tape.text(tape.parse(body))) == tape.parse(body)
    tape.remarks(data)
