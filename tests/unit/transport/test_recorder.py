"""The session's flight recorder: complete, without a password, and good enough to be the device itself."""

from collections.abc import AsyncIterator

import pytest
from tests.contract.harness import GOOD, WRONG
from tests.contract.player import Player
from tests.support.clock import settle
from tests.unit.transport.bench import BOX, Bench, benched

from soundpost.device.contract import Credentials, Trouble
from soundpost.wire import tape
from soundpost.wire.tape import Way


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with benched() as made:
        yield made


async def test_both_ways_are_on_the_tape_with_times_of_the_one_clock(bench: Bench) -> None:
    session = await bench.up()
    await bench.clock.advance(20.0)
    entries = tape.parse(session.transcript())
    assert entries[0].way is Way.NOTE
    assert entries[1].data.endswith(b"Username: ")
    said = [entry.data for entry in entries if entry.way is Way.TO]
    assert said[:3] == [b"********\r\n", b"********\r\n", b"VERSION * FW 1\r"]
    assert len(said) == 2 + len(bench.peer.lines)
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    assert max(entry.at for entry in entries) <= 20.0
    assert tape.remarks(session.transcript()) == ["began 2026-11-18T11:06:40.000Z", "complete"]


async def test_a_password_is_on_no_tape_even_where_the_device_echoes_it(bench: Bench) -> None:
    bench.peer.asks_password = b"clearone\r\nconverge? guess?\r\nPassword: "
    session = await bench.up(bench.session(WRONG, GOOD))
    session.renew([Credentials("new", "clearone", "another-one")])
    bench.peer.push("you are converge, I guess, or another-one")
    await settle(100)
    text = session.transcript()
    for secret in (b"converge", b"guess", b"another-one"):
        assert secret not in text
    assert b"you are ********, I *****, or ***********" in text


async def test_why_a_line_ended_is_on_the_tape(bench: Bench) -> None:
    session = await bench.up()
    bench.peer.drop()
    await bench.trouble(Trouble.CLOSED)
    await session.hands_off(60)
    notes = [entry.data.decode() for entry in tape.parse(session.transcript()) if entry.way is Way.NOTE]
    assert any("closed the line" in note for note in notes)


async def test_a_tape_plays_the_device_it_was_recorded_from(bench: Bench) -> None:
    bench.peer.values["MIC 101 GAIN"] = "-7.5"
    session = await bench.up()
    await bench.clock.advance(4.0)
    entries = tape.parse(session.transcript())
    player = Player(entries)
    await player.start()
    async with benched() as other:
        await other.peer.stop()
        other.peer.port = player.port
        await other.up()
        await other.clock.advance(4.0)
        assert other.sink.unit == bench.sink.unit
        assert player.unknown == []
        assert other.kinds == []
        assert other.sink.values[BOX, "mic.101.level.gain"].value == -7.5
        assert {k: v.value for k, v in other.sink.values.items()} == {k: v.value for k, v in bench.sink.values.items()}
        for task in other.tasks:
            task.cancel()
    await player.stop()
