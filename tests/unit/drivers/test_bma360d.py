"""The ceiling array's own line: what is said, read and refused (devices.md 10.2, 14.3)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundpost.device.capability import CommandState
from soundpost.device.contract import Look, Trouble
from soundpost.device.model import Endpoint
from soundpost.drivers.bma360d import FAMILY, assumed, points, replies, words
from soundpost.drivers.bma360d.driver import Conversation, understood
from soundpost.drivers.bma360d.replies import Beams, Fact, Gain, Told, Unknown, Zone, parse
from soundpost.kernel.clock import SystemClock
from soundpost.simulator import ArraySpec, Farm
from soundpost.simulator.arraystation import ArrayStation
from soundpost.simulator.assumptions import Assumptions
from soundpost.simulator.bma360d import Array
from soundpost.transport.line import ErrorAnswer, LineLost, Silence
from soundpost.wire.dialogue import Request

CLOCK = SystemClock()
SPEC = ArraySpec("Ceiling", "00:1D:C1:00:00:01", "10.0.0.7")
OTHER = ArraySpec("Other", "00:1D:C1:00:00:99", "10.0.0.8")


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("BEAMREPORT 000000000001", Beams((True, *[False] * 11))),
        ("beamreport 100000000000", Beams((*[False] * 11, True))),
        ("BEAMREPORT 00000001", Unknown("BEAMREPORT 00000001")),
        ("BFZONE 4 1", Zone(4, True)),
        ("BFZONE  12  0 ", Zone(12, False)),
        ("BFZONE 13 0", Unknown("BFZONE 13 0")),
        ("BFZONE 4 2", Unknown("BFZONE 4 2")),
        ("GAIN 1 V -6.5", Gain(1, "V", -6.5)),
        ("GAIN 5 V 0", Unknown("GAIN 5 V 0")),
        ("MACADDR 00:1D:C1:00:00:01", Told(Fact.MACADDR, "00:1D:C1:00:00:01")),
        ("MACADDR 00-1d-c1-00-00-01", Told(Fact.MACADDR, "00:1D:C1:00:00:01")),
        ("DANTEIP 10.0.0.7", Told(Fact.DANTEIP, "10.0.0.7")),
        ("DANTEIP none", Unknown("DANTEIP none")),
        ("", Unknown("")),
    ],
)
def test_lines(text: str, reply: replies.Reply) -> None:
    assert parse(text) == reply


@given(st.one_of(st.text(max_size=60), st.from_regex(replies.BFZONE), st.from_regex(replies.GAIN)))
def test_any_text_is_read_as_something(text: str) -> None:
    known = {point.key for point in points.descriptors()}
    assert {reading.key for _, reading in understood(parse(text), pushed=True).readings} <= known
    replies.is_error(text)
    replies.is_help([text])


@pytest.mark.parametrize(
    ("lines", "ours"),
    [
        (["BEAMREPORT", "BFZONE", "DANTEIP", "HELP"], True),
        (["Commands: beamreport, bfzone, breport, help"], True),
        (["HELP", "GAIN", "MUTE", "VERSION"], False),
        (["unknown command HELP"], False),
        ([], False),
    ],
)
def test_help_is_known_in_any_layout(lines: list[str], ours: bool) -> None:
    assert replies.is_help(lines) is ours


def test_what_is_said() -> None:
    assert [words.beams(), words.zone(4), words.write_zone(4, False), words.gain(1, "S")] == [
        *("BEAMREPORT", "BFZONE 4", "BFZONE 4 0", "GAIN 1 S")
    ]
    assert len(points.descriptors()) == 34
    assert all(point.assumed == point.key.startswith("gain.") for point in points.descriptors())


@asynccontextmanager
async def playing(**switches: Any) -> AsyncIterator[ArrayStation]:
    """The simulator's array, with beams 1 and 3 hearing somebody."""
    async with Farm([], arrays=[SPEC], network="127.20.0.0/24", port=0, switches=switches) as farm:
        station = farm.array(SPEC.name)
        station.array.beams = 0b101
        yield station


async def look(station: ArrayStation) -> Look:
    return await FAMILY.look(Endpoint(*station.endpoint), (), CLOCK, 2.0)


async def test_it_is_recognised_by_its_help() -> None:
    async with playing() as station:
        seen = await look(station)
        assert seen.ours
        assert seen.unit is not None
        assert [(part.part, part.mac, part.serial_number) for part in seen.unit.parts] == [
            ("stack", "", ""),
            ("box:bma360d", "00:1D:C1:00:00:01", ""),
        ]
        assert list(station.heard) == ["HELP", "DANTEMAC", "DANTEMAC"]


async def test_what_greets_is_sent_nothing() -> None:
    async with playing(bma360d_greeting="Username: ") as station:
        assert not (await look(station)).ours
        assert not station.heard


async def test_what_knows_other_commands_is_not_ours() -> None:
    async with playing() as station:
        station.array.commands = ["HELP", "DIAL", "HANGUP"]
        assert not (await look(station)).ours
        station.error = ("", "ERROR what")
        assert not (await look(station)).ours


class Direct:
    def __init__(self) -> None:
        self.array = Array(SPEC, Assumptions())
        self.array.beams, self.array.gains[4, "S"] = 0b101, -6.0
        self.talk, self.asked = Conversation(), list[str]()
        self.lost: Exception | None = None

    async def ask(self, request: Request) -> list[str]:
        self.asked.append(request.line)
        if self.lost is not None and request.line.startswith("BFZONE"):
            raise self.lost
        answer = self.array.answer(request.line)
        if replies.is_error(answer[0]):
            raise ErrorAnswer(answer[0])
        return answer[:1]

    async def write(self, **arguments: object) -> CommandState:
        outcome = await self.talk.perform(self.ask, points.MIC, "control", arguments, frozenset())
        return outcome.state


async def test_everything_is_read() -> None:
    direct = Direct()
    await direct.talk.identify(direct.ask)
    read = {}
    for poll in direct.talk.polls():
        heard = direct.talk.answered(poll, await direct.ask(poll.request))
        assert heard.garbage == ""
        assert {poll.key, *poll.also} == {reading.key for _, reading in heard.readings}
        read |= {reading.key: reading.value for _, reading in heard.readings}
    assert read.keys() == {point.key for point in points.descriptors()}
    assert read["beamreport.beam_3"] is True
    assert read["beamreport.beam_2"] is False
    assert read["gain.s.4"] == -6.0
    assert direct.talk.answered(direct.talk.polls()[0], ["BEAMREPORT soon"]).garbage == "BEAMREPORT soon"


async def test_a_write_wants_the_mac_that_was_read_and_says_how_it_ended() -> None:
    direct = Direct()
    await direct.talk.identify(direct.ask)
    assert await direct.write(key="bfzone.4", value=False) is CommandState.DONE
    assert direct.asked[-2:] == ["DANTEMAC", "BFZONE 4 0"]
    direct.lost = Silence("no answer")
    assert await direct.write(key="bfzone.4", value=True) is CommandState.UNCERTAIN
    assert direct.asked.count("BFZONE 4 1") == 1
    direct.lost = ErrorAnswer("ERROR busy")
    assert await direct.write(key="bfzone.4", value=True) is CommandState.FAILED
    direct.lost, direct.array.spec = None, OTHER
    before = len(direct.asked)
    assert await direct.write(key="bfzone.4", value=True) is CommandState.FAILED
    assert direct.asked[before:] == ["DANTEMAC"]


async def test_another_unit_at_the_address_is_noticed() -> None:
    direct = Direct()
    await direct.talk.identify(direct.ask)
    assert direct.talk.alive(["MACADDR 00:1D:C1:00:00:01"]).readings
    for wrong in ("alive", "identify"):
        direct.array.spec = OTHER
        with pytest.raises(LineLost) as lost:
            direct.talk.alive([f"MACADDR {OTHER.mac}"]) if wrong == "alive" else await direct.talk.identify(direct.ask)
        assert lost.value.trouble is Trouble.NOT_THE_DEVICE


def test_every_switch_can_be_looked_up() -> None:
    assert all(assumed.on(name) for name in assumed.ASSUMED)
