"""A port that answers, over time: the clock is the test's, the socket real."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.contract.harness import Port, Recorder
from tests.support.clock import ManualClock, settle

from soundpost.device.capability import CommandState
from soundpost.device.contract import Periods, Trouble
from soundpost.device.model import Endpoint
from soundpost.drivers.collaborate_live import ANSWERS, CODEC, CollaborateLive, endpoints
from soundpost.transport.reach import ReachSession
from soundpost.wire import tape

PERIODS = Periods()


class Bench:
    def __init__(self) -> None:
        self.peer, self.sink, self.clock = Port(), Recorder(), ManualClock()
        self.knocks = 0

    async def start(self) -> ReachSession:
        await self.peer.start()
        endpoint = Endpoint("127.0.0.1", self.peer.port)
        session = CollaborateLive().session(endpoint, (), self.sink, self.clock, PERIODS, 7)
        assert isinstance(session, ReachSession)
        self.task = asyncio.ensure_future(session.run())
        await self.sink.until(lambda: "inventory" in self.sink.names())
        return session

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})
        await self.peer.stop()

    def told(self, name: str) -> int:
        return self.sink.names().count(name)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    await made.stop()


async def test_it_is_knocked_at_each_heartbeat_and_told_what_that_means(bench: Bench) -> None:
    await bench.start()
    for _ in range(90):
        await bench.clock.advance(1.0)
        await settle(20)
    assert bench.told("inventory") == 1
    assert 3 <= bench.told("readings") <= 5
    assert bench.sink.values[CODEC, ANSWERS.key].value is True
    assert ("covered", CODEC, "status") in bench.sink.told
    assert bench.peer.heard == b"", "not a byte is sent"


async def test_away_and_back(bench: Bench) -> None:
    session = await bench.start()
    await bench.peer.stop()
    for _ in range(70):
        await bench.clock.advance(1.0)
        await settle(20)
    assert [t[0] for t in bench.sink.troubles()] == [Trouble.REFUSED] * len(bench.sink.troubles())
    assert [t[2] for t in bench.sink.troubles()] == list(range(1, len(bench.sink.troubles()) + 1))
    assert (await session.perform(CODEC, "refresh", {}, frozenset())).state is CommandState.FAILED
    await bench.peer.start()
    assert (await session.perform(CODEC, "refresh", {}, frozenset())).state is CommandState.DONE
    assert bench.told("connected") == 2
    notes = [entry.data.decode() for entry in tape.parse(session.transcript())]
    assert any("refused the connection" in note for note in notes)


async def test_hands_off_is_kept(bench: Bench) -> None:
    session = await bench.start()
    await session.hands_off(600)
    bench.sink.forget()
    await bench.clock.advance(500.0)
    assert bench.sink.told == []
    assert (await session.perform(CODEC, "refresh", {}, frozenset())).code == "line_down"
    await session.hands_off(0)
    await bench.sink.until(lambda: "inventory" in bench.sink.names())
    assert (await session.perform(CODEC, "reboot", {}, frozenset())).state is CommandState.UNSUPPORTED


async def test_retarget_goes_there_at_once(bench: Bench) -> None:
    session = await bench.start()
    session.retarget(Endpoint("127.0.0.1", 1))
    await bench.sink.until(lambda: bool(bench.sink.troubles()))
    assert "127.0.0.1:1 refused" in bench.sink.troubles()[0][1]


def test_only_what_an_operator_names_is_looked_at() -> None:
    named = list(endpoints("10.0.0.5:443, 10.0.0.6:5060,rubbish,10.0.0.7:99999,[::1]:80,:5"))
    assert named == [Endpoint("10.0.0.5", 443), Endpoint("10.0.0.6", 5060), Endpoint("::1", 80)]
    assert list(endpoints("")) == []
