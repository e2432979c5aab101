"""What a line can be like (devices.md 14.4), byte by byte: every fault, and that `off` ends it."""

import asyncio
import socket
import sys
from typing import Any

import pytest
from tests.unit.simulator.peers import Peer, StillClock, connected, fact, logged_in

from soundpost.simulator import Farm
from soundpost.simulator.faults import FAULTS
from soundpost.simulator.station import Station

NAME = "Vectors-01"
ASKED = b"EP MIC 101 LEVEL GAIN\r"
ANSWER = b"EP MIC 101 LEVEL GAIN 0.0 \r\n=> "


async def all_that_came(peer: Peer) -> bytes:
    """What has arrived and nothing after it: the clock stands still, so nothing more is on its way."""
    return await peer.reader.read(1 << 20)


@pytest.mark.parametrize("place", range(1, len(ANSWER)))
async def test_two_segments_cut_at_every_place(farm: Farm, peer: Peer, clock: StillClock, place: int) -> None:
    await farm.fault(NAME, "split", True, {"at": place, "gap_s": 1})
    peer.send(ASKED)
    await fact(lambda: clock.sleepers == 1)
    await peer.expect(ANSWER[:place])
    await clock.advance(1)
    await peer.expect(ANSWER[place:])


async def test_single_bytes(farm: Farm, peer: Peer) -> None:
    await farm.fault(NAME, "split")
    await peer.ask(ASKED, ANSWER)
    await farm.fault(NAME, "split", False)
    await peer.ask(ASKED, ANSWER)


async def test_a_slow_drip(farm: Farm, peer: Peer, clock: StillClock) -> None:
    await farm.fault(NAME, "split", True, {"size": 3, "gap_s": 2})
    peer.send(ASKED)
    await peer.expect(ANSWER[:3])
    for start in range(3, len(ANSWER), 3):
        await fact(lambda: clock.sleepers == 1)
        await clock.advance(2)
        assert await all_that_came(peer) == ANSWER[start : start + 3]


async def test_answers_that_drip_keep_their_order(farm: Farm, peer: Peer, clock: StillClock) -> None:
    await farm.fault(NAME, "split", True, {"size": 20, "gap_s": 1})
    peer.send(ASKED + b"MCCF SYSON\r")
    await fact(lambda: clock.sleepers == 1)
    await farm.fault(NAME, "split", False)
    farm.push(NAME, "STACK NOTIFICATION HW_RESYNC")
    await clock.advance(10)
    await peer.expect(ANSWER + b"MCCF SYSON \r\n=> STACK NOTIFICATION HW_RESYNC \r\n=> ")


@pytest.mark.parametrize(
    ("fault", "args", "asked", "answer"),
    [
        ("lf_cr", {}, ASKED, b"EP MIC 101 LEVEL GAIN 0.0 \n\r=> "),
        ("nul", {}, ASKED, b"EP MIC 101 LEVEL GAIN 0.0 \0\r\n=> "),
        ("nul", {"start": True}, ASKED, b"\0EP MIC 101 LEVEL GAIN 0.0 \0\r\n=> "),
        ("echo", {}, ASKED, b"EP MIC 101 LEVEL GAIN\r\n" + ANSWER),
        ("options", {"each": True}, ASKED, b"\xff\xfd\x06" + ANSWER),
        ("no_prompt", {}, ASKED, b"EP MIC 101 LEVEL GAIN 0.0 \r\n"),
        ("chatter", {}, ASKED, b"EP MIC 101 LEVEL MUTE 0 \r\n=> " + ANSWER),
        ("chatter", {"lines": ["what", "EP MIC 101 LEVEL GAIN 9.0"]}, ASKED, b"what \r\n=> EP MIC 101 LEVEL GAIN 9.0 \r\n=> " + ANSWER),
    ],
)  # fmt: skip
async def test_odd_bytes(farm: Farm, peer: Peer, fault: str, args: dict[str, Any], asked: bytes, answer: bytes) -> None:
    await farm.fault(NAME, fault, True, args)
    await peer.ask(asked, answer)
    await farm.fault(NAME, fault, False)
    await peer.ask(ASKED, ANSWER)


async def test_odd_bytes_add_up_and_end_one_by_one(farm: Farm, peer: Peer) -> None:
    for fault in ("lf_cr", "nul", "no_prompt"):
        await farm.fault(NAME, fault)
    await peer.ask(ASKED, b"EP MIC 101 LEVEL GAIN 0.0 \0\n\r")
    farm.push(NAME, "STACK NOTIFICATION HW_RESYNC")
    await peer.expect(b"STACK NOTIFICATION HW_RESYNC \0\n\r")
    await farm.fault(NAME, "nul", False)
    await peer.ask(ASKED, b"EP MIC 101 LEVEL GAIN 0.0 \n\r")


async def test_option_bytes_greet_and_consent_to_them_is_not_answered(farm: Farm, station: Station) -> None:
    await farm.fault(NAME, "options")
    async with connected(station.endpoint) as peer:
        await peer.expect(b"\xff\xfd\x01\xff\xfd\x21\xff\xfb\x01\xff\xfb\x03Username: ")
        await peer.ask(b"\xff\xfb\x01\xff\xfd\x03clearone\r\n", b"Password: ")
        await peer.ask(b"converge\r\n", b"\r\n=> ")
    await farm.fault(NAME, "options", False)
    async with logged_in(station.endpoint):
        pass


@pytest.mark.parametrize("password", [False, True])
async def test_the_login_asks_twice(farm: Farm, station: Station, password: bool) -> None:
    await farm.fault(NAME, "login_twice", True, {"password": password})
    async with connected(station.endpoint) as peer:
        await peer.expect(b"Username: Username: ")
        await peer.ask(b"clearone\r\n", b"Password: " * (1 + password))
        await peer.ask(b"converge\r\n", b"\r\n=> ")
        await peer.ask(ASKED, ANSWER)


async def test_no_prompt_at_login_either(farm: Farm, station: Station) -> None:
    await farm.fault(NAME, "no_prompt", True, {"login": True})
    async with connected(station.endpoint) as peer:
        await peer.expect(b"Username: ")
        await peer.ask(b"clearone\r\n", b"Password: ")
        await peer.ask(b"converge\r\n", b"\r\n")
        await peer.ask(ASKED, b"EP MIC 101 LEVEL GAIN 0.0 \r\n")


async def test_no_password_is_right(farm: Farm, station: Station, peer: Peer) -> None:
    await farm.fault(NAME, "wrong_password")
    async with connected(station.endpoint) as refused:
        await refused.expect(b"Username: ")
        await refused.ask(b"clearone\r\n", b"Password: ")
        await refused.ask(b"converge\r\n", b"\r\nUsername: ")
    await peer.ask(ASKED, ANSWER)  # who is in stays in
    await farm.fault(NAME, "wrong_password", False)
    async with logged_in(station.endpoint):
        pass


async def test_replies_are_lost(farm: Farm, station: Station, peer: Peer) -> None:
    await farm.fault(NAME, "lost", True, {"match": "gain", "every": 2})
    await peer.ask(ASKED, ANSWER)
    await peer.ask(ASKED + b"MCCF SYSON\r", b"MCCF SYSON \r\n=> ")
    await peer.ask(ASKED, ANSWER)
    await farm.fault(NAME, "lost", True, {})
    peer.send(b"EP MIC 101 LEVEL MUTE 1\r")
    await fact(lambda: station.commands_seen == 5)
    assert station.stack.changed_values() == {"MIC 101 LEVEL MUTE": "1"}  # done, and not told


async def test_replies_are_late_and_overtaken(farm: Farm, peer: Peer, clock: StillClock) -> None:
    await farm.fault(NAME, "late", True, {"match": "level", "delay_s": 7})
    await peer.ask(ASKED + b"MCCF SYSON\r", b"MCCF SYSON \r\n=> ")
    await clock.advance(7)
    await peer.expect(ANSWER)


async def test_a_restart_loses_late_replies(farm: Farm, peer: Peer, clock: StillClock) -> None:
    await farm.fault(NAME, "late")
    peer.send(ASKED)
    await fact(lambda: clock.sleepers == 1)
    await farm.fault(NAME, "reboot")
    await fact(lambda: clock.sleepers == 1)
    assert await peer.gone() is ConnectionResetError


async def test_a_line_the_device_has_forgotten(farm: Farm, station: Station, peer: Peer) -> None:
    await farm.fault(NAME, "half_open")
    peer.send(b"EP MIC 101 LEVEL MUTE 1\r")
    async with logged_in(station.endpoint) as other:
        await other.ask(ASKED, ANSWER)
        farm.push(NAME, "STACK NOTIFICATION HW_RESYNC")
        await other.expect(b"STACK NOTIFICATION HW_RESYNC \r\n=> ")
        assert station.stack.changed_values() == {}
        assert len(station.sessions) == 2
        await farm.fault(NAME, "half_open", False)
        assert await peer.gone() is ConnectionResetError  # and not one byte before
        await other.ask(ASKED, ANSWER)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be made to acknowledge nothing")
async def test_nothing_that_is_said_to_a_forgotten_line_is_acknowledged(
    farm: Farm, station: Station, peer: Peer
) -> None:
    """The system says how many times it has sent the same bytes again."""
    sock = peer.writer.get_extra_info("socket")

    def sent_again() -> int:
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[2]

    await peer.ask(ASKED, ANSWER)
    await farm.fault(NAME, "half_open")
    peer.send(ASKED)
    await fact(lambda: sent_again() > 0)
    await farm.fault(NAME, "half_open", False)
    assert await peer.gone() is ConnectionResetError


async def test_forgotten_lines_take_no_session_from_others(farm: Farm, station: Station) -> None:
    most = station.switches.max_sessions
    async with asyncio.TaskGroup() as group:
        lines = [group.create_task(asyncio.open_connection(*station.endpoint)) for _ in range(most)]
    await fact(lambda: len(station.sessions) == most)
    await farm.fault(NAME, "half_open")
    async with logged_in(station.endpoint):
        pass
    await farm.fault(NAME, "half_open", False)
    for line in lines:
        assert await Peer(*line.result()).gone() is ConnectionResetError
        await Peer(*line.result()).close()


async def test_a_megabyte_without_a_line_end(farm: Farm, station: Station, peer: Peer) -> None:
    await farm.fault(NAME, "flood")
    assert await peer.reader.readexactly(1_000_000) == b"x" * 1_000_000
    await peer.ask(ASKED, ANSWER)
    assert station.faults == {}


@pytest.mark.parametrize(
    ("args", "bytes_"),
    [
        ({}, b"\x80\xfe\x00#~{\x8a\x1b[2J\r\n"),
        ({"hex": "fffb18ff00", "line_end": False}, b"\xff\xfb\x18\xff\x00"),
    ],
)
async def test_garbage(farm: Farm, peer: Peer, args: dict[str, Any], bytes_: bytes) -> None:
    await farm.fault(NAME, "garbage", True, args)
    await peer.expect(bytes_)
    await peer.ask(ASKED, ANSWER)


async def test_nothing_odd_reaches_who_is_not_signed_in(farm: Farm, station: Station) -> None:
    async with connected(station.endpoint) as peer:
        await peer.expect(b"Username: ")
        for fault in ("flood", "garbage"):
            await farm.fault(NAME, fault)
        await peer.ask(b"clearone\r\n", b"Password: ")


async def test_temperature_climbs_by_the_clock_and_ends(farm: Farm, peer: Peer, clock: StillClock) -> None:
    async def degrees(box: str) -> float:
        return float((await peer.value(f"BOX {box} UNIT TEMP")).split()[-1])

    warm, other = await degrees("DSP1"), await degrees("Name_2")
    await farm.fault(NAME, "heat", True, {"box": "DSP1", "per_s": 0.5, "up_to": 80})
    assert await degrees("DSP1") == warm
    await clock.advance(10)
    assert 4 <= await degrees("DSP1") - warm <= 6
    assert abs(await degrees("Name_2") - other) < 1
    await farm.fault(NAME, "heat", True, {"box": "DSP1", "per_s": 0.5, "up_to": 80})  # twice is once
    await clock.advance(1_000)
    assert await degrees("DSP1") == 80
    await farm.fault(NAME, "heat", False)
    assert await degrees("DSP1") < 60


async def test_the_clock_is_wrong(farm: Farm, peer: Peer) -> None:
    right = await peer.value("STACK TIME")
    await farm.fault(NAME, "clock", True, {"off_s": -86_400})
    behind = await peer.value("STACK TIME")
    assert (right[:21], behind[:21], right[21:]) == ("STACK TIME 2026-11-18", "STACK TIME 2026-11-17", behind[21:])
    await farm.fault(NAME, "clock", False)
    assert await peer.value("STACK TIME") == right


async def test_an_update_that_says_done_and_changes_nothing(
    farm: Farm, station: Station, peer: Peer, clock: StillClock
) -> None:
    station.stack.files["/firmware/x_7.9.9.9.bin"] = b"x"
    await farm.fault(NAME, "update_fails", True, {"quietly": True})
    peer.send(b"BOX DSP1 UNIT UPDATE x_7.9.9.9.bin\r")
    await fact(lambda: clock.sleepers == 1)
    await clock.advance(5.5)
    told = await peer.reader.readuntil(b"DONE \r\n=> ")
    assert b"NOTIFICATION UPDATE 100 " in told
    assert station.stack.boxes[0].firmware == "7.0.0.1"


@pytest.mark.parametrize(
    ("fault", "command", "end"),
    [
        ("load_fails", b"STACK LOAD p.PCCP2X\r", b"STACK NOTIFICATION LOAD FAILED CHECKSUM \r\n=> "),
        ("update_fails", b"BOX DSP1 UNIT UPDATE x_7.9.9.9.bin\r", b"BOX DSP1 NOTIFICATION UPDATE FAILED FLASH \r\n=> "),
    ],
)  # fmt: skip
async def test_transfers_fail(
    farm: Farm, station: Station, peer: Peer, clock: StillClock, fault: str, command: bytes, end: bytes
) -> None:
    station.stack.files["/firmware/x_7.9.9.9.bin"] = station.stack.files["/project/p.PCCP2X"] = b"x"
    await farm.fault(NAME, fault)
    peer.send(command)
    await fact(lambda: clock.sleepers == 1)
    await clock.advance(5)
    assert (await peer.reader.readuntil(end)).endswith(end)
    assert station.stack.boxes[0].firmware == "7.0.0.1"


async def test_every_fault_can_be_turned_off_unasked(farm: Farm, peer: Peer) -> None:
    for fault in FAULTS:
        await farm.fault(NAME, fault, False)
    await peer.ask(ASKED, ANSWER)
