"""The ceiling array's own line: what is said, read and refused (devices.md 10.2, 14.3)."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.array_peer import ArrayPeer

from soundpost.device.capability import CommandState
from soundpost.device.contract import Look, Trouble
from soundpost.device.model import Endpoint
from soundpost.drivers.bma360d import FAMILY, assumed, points, replies, words
from soundpost.drivers.bma360d.driver import Conversation, understood
from soundpost.drivers.bma360d.replies import Beams, Fact, Gain, Told, Unknown, Zone, parse
from soundpost.kernel.clock import SystemClock
from soundpost.transport.line import ErrorAnswer, LineLost, Silence
from soundpost.wire.dialogue import Request

CLOCK = SystemClock()


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


@pytest.fixture
async def peer() -> AsyncIterator[ArrayPeer]:
    made = ArrayPeer()
    await made.start()
    yield made
    await made.stop()


async def look(peer: ArrayPeer) -> Look:
    return await FAMILY.look(Endpoint("127.0.0.1", peer.port), (), CLOCK, 2.0)


async def test_it_is_recognised_by_its_help(peer: ArrayPeer) -> None:
    seen = await look(peer)
    assert seen.ours
    assert seen.unit is not None
    assert [(part.part, part.mac, part.serial_number) for part in seen.unit.parts] == [
        ("stack", "", ""),
        ("box:bma360d", "00:1D:C1:00:00:01", ""),
    ]
    assert peer.lines == ["HELP", "DANTEMAC", "DANTEMAC"]


async def test_what_greets_is_sent_nothing(peer: ArrayPeer) -> None:
    peer.greeting = b"Username: "
    assert not (await look(peer)).ours
    assert peer.lines == []


async def test_what_knows_other_commands_is_not_ours(peer: ArrayPeer) -> None:
    peer.help = ["HELP", "DIAL", "HANGUP"]
    assert not (await look(peer)).ours
    peer.error = "ERROR what"
    assert not (await look(peer)).ours


class Direct:
    def __init__(self) -> None:
        self.peer, self.talk, self.asked = ArrayPeer(), Conversation(), list[str]()
        self.lost: Exception | None = None

    async def ask(self, request: Request) -> list[str]:
        self.asked.append(request.line)
        if self.lost is not None and request.line.startswith("BFZONE"):
            raise self.lost
        answer = [self.peer.error] if self.peer.error else self.peer.replies(request.line)
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
    direct.lost, direct.peer.mac = None, "00:1D:C1:00:00:99"
    before = len(direct.asked)
    assert await direct.write(key="bfzone.4", value=True) is CommandState.FAILED
    assert direct.asked[before:] == ["DANTEMAC"]


async def test_another_unit_at_the_address_is_noticed() -> None:
    direct = Direct()
    await direct.talk.identify(direct.ask)
    assert direct.talk.alive(["MACADDR 00:1D:C1:00:00:01"]).readings
    for wrong in ("alive", "identify"):
        direct.peer.mac = "00:1D:C1:00:00:99"
        with pytest.raises(LineLost) as lost:
            direct.talk.alive([f"MACADDR {direct.peer.mac}"]) if wrong == "alive" else await direct.talk.identify(
                direct.ask
            )
        assert lost.value.trouble is Trouble.NOT_THE_DEVICE


def test_every_switch_can_be_looked_up() -> None:
    assert all(assumed.on(name) for name in assumed.ASSUMED)
