"""Everything a line can do wrong: the session says which it was, counts it, keeps polling the rest and stays alive."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable

import pytest
from tests.contract.harness import WRONG
from tests.contract.peer import Peer, framed
from tests.support.clock import settle
from tests.unit.transport.bench import BOX, PERIODS, Bench, benched

from soundpost.device.capability import CommandState
from soundpost.device.contract import Trouble
from soundpost.transport.session import SILENT_LIMIT
from soundpost.transport.stream import Stream
from soundpost.wire.lines import MAX_LINE

pytestmark = pytest.mark.slow  # some ten seconds in all

MUTE = {"key": "mic.101.level.mute", "value": True}
OPTIONS = b"\xff\xfd\x01\xff\xfd\x1f\xff\xfa\x18\x01\xff\xf0\xff\xf9"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with benched() as made:
        yield made


def ended(end: bytes) -> Callable[[Peer], None]:
    return lambda peer: setattr(peer, "frame", lambda line: line.encode() + end)


def framing(frame: Callable[[str], bytes]) -> Callable[[Peer], None]:
    return lambda peer: setattr(peer, "frame", frame)


def setting(**knobs: object) -> Callable[[Peer], None]:
    return lambda peer: [setattr(peer, name, value) for name, value in knobs.items()]  # type: ignore[func-returns-value, return-value]


HARMLESS: dict[str, Callable[[Peer], None]] = {
    "cr lf, prompt omitted": ended(b" \r\n"),
    "lf cr": ended(b" \n\r=> "),
    "lf alone": ended(b"\n"),
    "cr alone, prompt doubled": ended(b" \r=> => "),
    "blank lines": ended(b" \r\n\r\n \r\n=> "),
    "nul in the line": framing(lambda line: b"\0" + framed(line.replace(" ", " \0", 1))),
    "option bytes everywhere": framing(lambda line: OPTIONS + framed(line)[:5] + OPTIONS + framed(line)[5:]),
    "echo": setting(echo=True),
    "duplicate user prompt": setting(greeting=b"Username: \r\nUsername: "),
    "duplicate password prompt": setting(asks_password=b"Password: Password: "),
    "no options": setting(greeting=b"Username: "),
    "options in the login": setting(greeting=b"Use" + OPTIONS + b"rname: "),
    "pushes before each reply": setting(
        before_reply=["EP MIC 102 LEVEL MUTE 1", "EP UA 101 NOTIFICATION ERROR x", "what", "EP MIC 101 NEW WORD 5"]
    ),
    "all in upper and lower case": framing(lambda line: framed(line.replace("LEVEL", "level"))),
}


@pytest.mark.parametrize("chopped", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("fault", HARMLESS)
async def test_what_a_device_may_do_to_its_lines_changes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: str, chopped: bool
) -> None:
    if chopped:
        whole = Stream.data_received
        monkeypatch.setattr(Stream, "data_received", lambda self, data: [whole(self, bytes([b])) for b in data])
    HARMLESS[fault](bench.peer)
    session = await bench.up()
    await bench.clock.advance(20.0)
    assert bench.sink.values[BOX, "mic.101.level.gain"].value == -5.0
    outcome = await bench.perform(session, "control", MUTE)
    assert outcome.state is CommandState.DONE, outcome
    await bench.clock.advance(40.0)
    assert bench.sink.values[BOX, "mic.101.level.mute"].value is True
    assert bench.kinds == []


async def test_a_wrong_password_is_told_once_and_not_tried_again(bench: Bench) -> None:
    bench.session(WRONG)
    await bench.trouble(Trouble.SIGN_IN_REFUSED)
    await bench.clock.advance(600.0)
    assert len(bench.peer.logins) == 1
    assert bench.sink.troubles() == [
        (Trouble.SIGN_IN_REFUSED, "none of the known sign-ins is accepted; add the device's user name and password", 1)
    ]


async def test_an_answer_that_drips_in_within_its_time_is_an_answer(bench: Bench) -> None:
    session = await bench.up()
    bench.peer.silent = True
    verb = asyncio.ensure_future(bench.perform(session, "control", MUTE))
    while "BOX Name_1 UNIT SN" not in bench.peer.lines[-1:]:
        await settle(10)
    for byte in framed("BOX Name_1 UNIT SN 1234-2334-40"):
        bench.peer.raw(bytes([byte]))
        await bench.clock.advance(0.05)
    while "EP MIC 101 LEVEL MUTE 1" not in bench.peer.lines[-1:]:
        await settle(10)
    for byte in framed("EP MIC 101 LEVEL MUTE 1"):
        bench.peer.raw(bytes([byte]))
        await bench.clock.advance(0.05)
    assert (await verb).state is CommandState.DONE


async def test_an_answer_that_drips_in_too_slowly_is_late_and_never_taken_for_another(bench: Bench) -> None:
    session = await bench.up()
    bench.peer.silent = True
    verb = asyncio.ensure_future(bench.perform(session, "control", MUTE))
    while "BOX Name_1 UNIT SN" not in bench.peer.lines[-1:]:
        await settle(10)
    bench.peer.raw(b"BOX Name_1 UNIT SN 1234")
    await bench.clock.advance(2.1)
    outcome = await verb
    assert (outcome.state, outcome.code) == (CommandState.FAILED, "no_answer")
    assert "EP MIC 101 LEVEL MUTE 1" not in bench.peer.lines, "nothing is written without proof"
    bench.peer.silent = False
    bench.peer.raw(b"-2334-40 \r\n=> ")
    await bench.clock.advance(3.0)
    assert (await bench.perform(session, "control", MUTE)).state is CommandState.DONE


async def test_a_line_that_stays_silent_is_given_up_and_the_next_one_works(bench: Bench) -> None:
    """What a forgotten line does is in contract/test_odd_lines, where the simulator's is."""
    await bench.up()
    bench.peer.silent = True
    await bench.clock.advance(2.1 * SILENT_LIMIT + 60.0)
    silent = [t for t in bench.sink.troubles() if t[0] is Trouble.SILENT]
    assert [t[2] for t in silent[:SILENT_LIMIT]] == list(range(1, SILENT_LIMIT + 1))
    assert len(bench.peer.lines) < 400, "a silent device is asked nothing but heartbeats"
    bench.peer.silent = False
    await bench.come_back()


async def test_a_megabyte_without_a_line_end_counts_once_and_is_kept_nowhere(bench: Bench) -> None:
    session = await bench.up()
    for _ in range(16):
        bench.peer.raw(b"y" * 65_536)
        await settle(20)
    assert session._line is not None
    assert session._line._stream is not None
    assert len(session._line._stream._lines._tail) <= MAX_LINE
    bench.peer.raw(b"\r\n=> ")
    assert (await bench.perform(session, "control", MUTE)).state is CommandState.DONE
    await bench.clock.advance(PERIODS.heartbeat)
    assert (bench.garbled, bench.kinds) == (1, [])


@pytest.mark.parametrize("seed", range(6))
async def test_garbage_between_answers_neither_kills_nor_lies(bench: Bench, seed: int) -> None:
    noise = random.Random(seed)
    session = await bench.up()
    await bench.clock.advance(6.0)
    bench.sink.forget()
    bench.peer.frame = lambda line: noise.randbytes(noise.randrange(60)) + b"\r\n" + framed(line)
    await bench.clock.advance(120.0)
    assert all(t[0] in (Trouble.SILENT, Trouble.GARBAGE, Trouble.ERROR_ANSWER) for t in bench.sink.troubles())
    bench.peer.frame = framed
    bench.peer.raw(b"\xff\xf0\r\n")
    await bench.clock.advance(40.0)
    assert (await bench.perform(session, "control", MUTE)).state is CommandState.DONE
    values = {w[2].value for w in bench.sink.told if w[0] == "readings" and w[2].key == "mic.101.level.gain"}
    assert values <= {-5.0, None}


async def test_one_slow_device_slows_nobody_else(bench: Bench) -> None:
    """Two lines in one process: the one that answers nothing costs the other not one poll."""
    async with benched() as other:
        other.clock = bench.clock
        await bench.up()
        await other.up()
        other.peer.silent = True
        before = len(bench.peer.lines)
        for _ in range(90):
            await bench.clock.advance(1.0)
            await settle(100)
        asked = bench.peer.lines[before:]
        assert asked.count("EP MIC 101 LEVEL GAIN") == 1 + 3
        assert asked.count("BOX Name_1 UNIT TEMP") == 1 + 9
        assert Trouble.SILENT in other.kinds
        assert bench.kinds == []
