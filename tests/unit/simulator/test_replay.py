"""A transcript played as a device: the same bytes bring the same answers, and the first other byte is told with its place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.simulator.peers import Peer, StillClock, connected, fact

from soundpost.kernel.clock import SystemClock
from soundpost.kernel.errors import Conflict, Invalid
from soundpost.simulator import ReplaySettings, run_replay
from soundpost.simulator.replay import Replay, Strayed
from soundpost.simulator.replayer import load
from soundpost.simulator.transcript import connections, parse, shown
from soundpost.wire import tape

FOLDER = Path(__file__).parents[2] / "transcripts"
TAPES = sorted(FOLDER.glob("*.tape"))
SMALL = rb"""#soundpost-tape 1
# a remark
0.050 = connected to device:23
0.100 < Username:\x20
0.150 > ********\r\n
0.200 < Password:\x20
0.250 > ********\r\n
0.300 < \r\n=>\x20
0.400 > VERSION * FW 1\r
0.900 < VERSION DSP1 FW 1 7.0.0.1 \r\n=>\x20
1.900 < STACK NOTIFICATION HW_RESYNC \r\n=>\x20
2.000 = device:23 closed the line
3.000 = connected to device:23
3.100 < again\xff\x00\\
3.200 = hung up: for good
"""


def replay(text: bytes, place: int = 0) -> Replay:
    return Replay(connections(parse(text, "x.tape"))[place])


def answered(machine: Replay, *data: bytes) -> bytes:
    return b"".join(said.data for piece in data for said in machine.feed(piece))


@pytest.mark.parametrize("path", TAPES, ids=lambda path: path.stem)
def test_it_is_read_as_the_recorder_wrote_it(path: Path) -> None:
    ours = [(segment.at, segment.way, segment.data) for segment in parse(path.read_bytes(), path.name)]
    assert ours == [(entry.at, str(entry.way), entry.data) for entry in tape.parse(path.read_bytes())]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_back(data: bytes) -> None:
    text = tape.text([tape.Entry(0.5, tape.Way.FROM, data)])
    assert [segment.data for segment in parse(text, "x")] == [data]
    assert parse(b"#soundpost-tape 1\n0.500 < " + shown(data).encode() + b"\n", "x")[0].data == data


@pytest.mark.parametrize("path", TAPES, ids=lambda path: path.stem)
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_the_recorded_client_hears_the_recorded_device(path: Path, step: int) -> None:
    segments = parse(path.read_bytes(), path.name)
    (recorded,) = connections(segments)
    machine, heard = Replay(recorded), b""
    heard += b"".join(said.data for said in machine.opening())
    told = b"".join(segment.data for segment in recorded if segment.way == ">")
    for start in range(0, len(told), step):
        heard += answered(machine, told[start : start + step])
    assert machine.over
    assert heard == b"".join(segment.data for segment in recorded if segment.way == "<")


def test_a_secret_may_be_any_word_and_a_star_is_a_star() -> None:
    machine = replay(SMALL)
    assert [said.data for said in machine.opening()] == [b"Username: "]
    assert answered(machine, b"cl", b"earone", b"\r\n") == b"Password: "
    assert answered(machine, b"a much longer word than the stars\r", b"\n") == b"\r\n=> "
    assert answered(machine, b"VERSION * FW 1\r").startswith(b"VERSION DSP1")
    assert machine.over


def test_a_secret_in_the_middle_of_a_line() -> None:
    machine = replay(b"#soundpost-tape 1\n0.100 > SET a *** b ***** c\\r\n0.200 < ok\n")
    assert machine.opening() == []
    assert answered(machine, b"SET a one two", b" b three c c", b" c\r") == b"ok"
    for wrong in (b"SET b", b"SET a x\r", b"SET a x b y\r"):
        with pytest.raises(Strayed):
            answered(replay(b"#soundpost-tape 1\n0.100 > SET a *** b ***** c\\r\n"), wrong)


WORDS = st.text(alphabet="ab *", min_size=1, max_size=8).map(str.encode)


@given(st.lists(WORDS, min_size=1, max_size=6), WORDS.filter(lambda word: b"*" not in word), st.integers(1, 9))
def test_any_client_that_says_the_recorded_bytes_is_followed(lines: list[bytes], secret: bytes, step: int) -> None:
    recorded = [line if b"***" not in line else b"SET ***" for line in lines]
    entries = [
        tape.Entry(float(n), way, data + b"\r\n")
        for n, line in enumerate(recorded)
        for way, data in ((tape.Way.TO, line), (tape.Way.FROM, b"%d" % n))
    ]
    machine = replay(tape.text(entries))
    told = b"".join(line.replace(b"***", secret) + b"\r\n" for line in recorded)
    heard = answered(machine, *(told[at : at + step] for at in range(0, len(told), step)))
    assert machine.over
    assert heard == b"".join(b"%d\r\n" % n for n in range(len(recorded)))


def test_what_is_pipelined_is_answered_in_its_order() -> None:
    machine = replay(SMALL)
    machine.opening()
    assert answered(machine, b"me\r\nmine\r\nVERSION * F") == b"Password: \r\n=> "


def test_where_it_strays_is_told_at_once_and_what_was_right_is_answered() -> None:
    machine = replay(SMALL)
    machine.opening()
    said = machine.feed(b"me\r\nmine\r\nVERSION * FX")
    assert [next(said).data, next(said).data] == [b"Password: ", b"\r\n=> "]
    with pytest.raises(Strayed) as told:
        next(said)
    assert str(told.value) == "line 9: expected 'VERSION * FW 1\\\\r', but 'VERSION * FX' came"
    machine = replay(SMALL)
    machine.opening()
    answered(machine, b"me\r\nmine\r\nVERSION * FW 1\r")
    with pytest.raises(Strayed, match="the recording ends here, but 'more' came"):
        answered(machine, b"more")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"", 1),
        (b"#another-tape 1\n", 1),
        (b"#soundpost-tape 1\nwhat\n", 2),
        (b"#soundpost-tape 1\n\n0.100 ? x\n", 3),
        (b"#soundpost-tape 1\n0.100 < \\x4\n", 2),
        (b"#soundpost-tape 1\n0.100 < \\t\n", 2),
        (b"#soundpost-tape 1\n0.100 < \\\n", 2),
        (b"#soundpost-tape 1\n0.100 < whole\n0.200 < cut o", 3),
    ],
)
def test_what_is_no_transcript_is_told_with_its_line(text: bytes, line: int) -> None:
    with pytest.raises(Invalid) as told:
        parse(text, "x.tape")
    assert (told.value.code, told.value.params["line"]) == ("transcript_invalid", line)


def test_a_tape_that_is_cut_off_says_which_line_to_delete() -> None:
    whole = b"#soundpost-tape 1\n0.100 < whole\n"
    with pytest.raises(Invalid, match="line 3: it does not end"):
        parse(whole + b"0.200 < cut o", "x.tape")
    assert len(parse(whole, "x.tape")) == 1


def test_files_that_can_not_be_played(tmp_path: Path) -> None:
    empty = tmp_path / "empty.tape"
    empty.write_bytes(b"#soundpost-tape 1\n0.100 = connected to device:23\n")
    for path, code in ((empty, "transcript_invalid"), (tmp_path / "no.tape", "transcript_unreadable")):
        with pytest.raises(Invalid) as told:
            load(path)
        assert told.value.code == code


@asynccontextmanager
async def playing(
    tmp_path: Path, clock: Any = None, pace: float = 0.0
) -> AsyncIterator[tuple[tuple[str, int], asyncio.Event, asyncio.Task[None]]]:
    file = tmp_path / "small.tape"
    file.write_bytes(SMALL)
    stop, told = asyncio.Event(), asyncio.get_running_loop().create_future()
    settings = ReplaySettings(file, pace=pace)
    task = asyncio.create_task(run_replay(settings, told.set_result, stop, clock=clock or SystemClock()))
    ready = await told
    assert ready["connections"] == 2
    host, _, port = ready["replay"].partition(":")
    try:
        yield (host, int(port)), stop, task
    finally:
        stop.set()
        await asyncio.wait({task})


async def signed_in(peer: Peer) -> None:
    await peer.expect(b"Username: ")
    await peer.ask(b"clearone\r\n", b"Password: ")
    await peer.ask(b"converge\r\n", b"\r\n=> ")


async def test_each_connection_plays_the_next_one_recorded(tmp_path: Path) -> None:
    async with playing(tmp_path) as (endpoint, stop, task):
        async with connected(endpoint) as peer:
            await signed_in(peer)
            await peer.ask(
                b"VERSION * FW 1\r",
                b"VERSION DSP1 FW 1 7.0.0.1 \r\n=> STACK NOTIFICATION HW_RESYNC \r\n=> ",
            )
            assert await peer.gone() is None  # as the device closed it then
        async with connected(endpoint) as peer:
            await peer.expect(b"again\xff\x00\\")
        async with connected(endpoint) as peer:
            await peer.expect(b"Username: ")
        stop.set()
        await task


async def test_who_strays_is_cut_off_and_the_end_says_where(tmp_path: Path) -> None:
    async with playing(tmp_path) as (endpoint, stop, task):
        async with connected(endpoint) as peer:
            await signed_in(peer)
            peer.send(b"EP MIC 101 LEVEL MUTE\r")
            await peer.gone()
        stop.set()
        with pytest.raises(Conflict) as told:
            await task
    assert told.value.code == "replay_strayed"
    assert "small.tape, line 9: expected 'VERSION" in told.value.text


async def test_the_recorded_times_are_kept_by_the_clock(tmp_path: Path, clock: StillClock) -> None:
    async with playing(tmp_path, clock, pace=2.0) as (endpoint, _, _), connected(endpoint) as peer:
        await peer.expect(b"Username: ")
        peer.send(b"clearone\r\n")
        await fact(lambda: clock.sleepers == 1)
        await clock.advance(0.1)
        await peer.expect(b"Password: ")
        peer.send(b"converge\r\nVERSION * FW 1\r")
        await fact(lambda: clock.sleepers == 1)
        await clock.advance(0.1)
        await peer.expect(b"\r\n=> ")
        await clock.advance(1.0)
        await peer.expect(b"VERSION DSP1 FW 1 7.0.0.1 \r\n=> ")
        await clock.advance(2.0)
        await peer.expect(b"STACK NOTIFICATION HW_RESYNC \r\n=> ")
        await clock.advance(0.2)
        assert await peer.gone() is None


async def test_a_pace_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        await run_replay(ReplaySettings(TAPES[0], pace=-1), lambda _: None, asyncio.Event())
