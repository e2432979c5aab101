"""Tapes of tests/transcripts, played as devices to a whole session: sign-in, dialogue and driver. Each line the recorded client said is
asked as we would ask it; which of what comes is its answer, and which came unasked, is for the session to find out."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.contract.harness import GOOD, QUICK, Recorder
from tests.contract.player import Player, answers
from tests.unit.drivers.test_tapes import TAPES, talk_of

from soundpost.device.contract import Unit
from soundpost.device.model import Endpoint
from soundpost.drivers.converge_pro2 import replies
from soundpost.kernel.clock import SystemClock
from soundpost.transport.line import Ask, ErrorAnswer
from soundpost.transport.session import LineSession
from soundpost.transport.talk import Heard, Poll, Talk
from soundpost.wire import tape
from soundpost.wire.dialogue import Request

ELSEWHERE = {
    "GATE": ("GATEREPORT", "*"),
    "BEAM": ("BEAMREPORT", "*"),
    "HELP": ("*",),
    "BREPORT": ("BEAMREPORT",),
    "DANTEMAC": ("MACADDR",),
}
"""Commands whose answer begins with another word."""
TYPES = {kind.value for kind in replies.EndPoint}


def request(line: str) -> Request:
    """How a recorded line is asked: its answer repeats it without its value."""
    words = line.upper().split()
    if words[0] in ELSEWHERE:
        return Request(line, ELSEWHERE[words[0]])
    if words[0] == "EP":
        named = 5 if words[1] in TYPES else 4
        prefix = [*words[: named - 2], "INQUIRE_RESULT", *words[named - 1 : named]]
        return Request(line, tuple(prefix if "ACTIVE_PARTIES" in words else words[:named]))
    if words[0] == "BFZONE":
        return Request(line, tuple(words[:2]))
    if words[0] in ("MCCF", "MT", "ROOM"):
        return Request(line, (words[0],))
    return Request(line, tuple(words), bare=words[0] == "VERSION")


class Retold:
    """A driver's Talk that reads its unit by saying what the recorded client said, in its order."""

    def __init__(self, talk: Talk, lines: Sequence[str], unit: Unit, sink: Recorder) -> None:
        self._talk, self._lines, self._unit, self._sink = talk, list(lines), unit, sink
        self.is_error, self.line_end = talk.is_error, talk.line_end
        self.signs_in, self.prompt_first, self.heard = talk.signs_in, talk.prompt_first, talk.heard
        self.refused: list[str] = []

    async def identify(self, ask: Ask) -> Unit:
        lines, self._lines = self._lines, []
        for line in lines:
            asked = request(line)
            try:
                answer = await ask(asked)
            except ErrorAnswer:
                self.refused.append(line)
                continue
            for part, reading in self._talk.answered(Poll(asked, "", "", "any"), answer).readings:
                self._sink.readings(part, [reading])
        return self._unit

    def forget(self) -> None: ...

    def polls(self) -> list[Poll]:
        return []

    def known(self) -> Heard:
        return Heard()

    def heartbeats(self) -> list[Request]:
        return [request("VERSION * FW 1")]

    def alive(self, answer: list[str]) -> Heard:
        return Heard()


def changes(sink: Recorder) -> dict[str, list[str]]:
    """By key: each value that differs from the one before it, without those that tell nothing."""
    found: dict[str, list[str]] = {}
    for _, _, *readings in (told for told in sink.told if told[0] == "readings"):
        for reading in readings:
            seen = found.setdefault(reading.key, [])
            if seen[-1:] != [str(reading.value)] and reading.value != "":
                seen.append(str(reading.value))
    return found


@pytest.mark.parametrize("path", TAPES, ids=lambda path: path.stem)
async def test_a_tape_is_played_to_a_session(path: Path) -> None:
    told = path.read_bytes()
    entries, sink = tape.parse(told), Recorder()
    said = [entry.data.decode().strip("\r\n ") for entry in entries if entry.way is tape.Way.TO]
    lines = [line for line in said if set(line) != {"*"}]
    wanted = {words[1]: words[2:] for words in map(str.split, tape.remarks(told)) if words[0] == "?"}
    talk = await talk_of(path)
    retold = Retold(talk, lines, Unit([]), sink)
    player = Player(entries, signs_in=talk.signs_in())
    await player.start()
    session = LineSession(retold, Endpoint("127.0.0.1", player.port), [GOOD], sink, SystemClock(), QUICK, 7)
    held = asyncio.ensure_future(session.run())
    try:
        await sink.until(lambda: {key: changes(sink).get(key) for key in wanted} == wanted)
        await sink.until(lambda: "inventory" in sink.names())
    finally:
        held.cancel()
        await asyncio.wait({held})
        await player.stop()
    recorded = {line for line, replied in answers(entries).items() if replied[0].startswith(b"ERROR")}
    assert (set(retold.refused), player.unknown) == (recorded, [])
    unasked = {
        reading.key
        for _, _, *readings in (told for told in sink.told if told[0] == "readings")
        for reading in readings
        if reading.pushed
    }
    assert unasked == PUSHED[path.stem]


PUSHED = {
    "bma360d": {f"beamreport.beam_{n}" for n in range(1, 13)},
    "pepperdash": {f"ua.101.inquire.{word}" for word in ("active_parties", "caller_id", "direction", "hook")},
    "poller": {f"telco_rx.101.inquire.{word}" for word in ("caller_id", "direction", "hook")},
}
"""What came unasked on each."""
