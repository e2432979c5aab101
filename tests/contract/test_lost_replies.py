"""One reply that never comes while a stack is read costs it neither its boxes nor its functions: against the simulator, on lines."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.contract.harness import GOOD, QUICK, Recorder

from soundpost.device.contract import Session
from soundpost.device.model import Endpoint
from soundpost.drivers.converge_pro2 import FAMILY
from soundpost.kernel.clock import SystemClock
from soundpost.simulator.farm import Farm
from soundpost.simulator.specs import BoxSpec, StackSpec

CLOCK = SystemClock()
SPEC = StackSpec(
    "Board-01",
    (
        BoxSpec("Name_1", "Huddle", "1234-2334-40", "00:90:79:00:00:01"),
        BoxSpec("Name_2", "Huddle", "1234-2335-40", "00:90:79:00:00:02"),
    ),
)
PARTS = ["stack", "box:1234-2334-40", "box:1234-2335-40"]


class Held:
    def __init__(self) -> None:
        self.farm = Farm([SPEC], network="127.20.90.0/24", port=0)
        self.sink = Recorder()
        self.tasks: list[asyncio.Task[None]] = []

    async def hold(self, memory: bytes = b"", answer: float = QUICK.answer) -> Session:
        endpoint = Endpoint(*self.farm.stacks[0].endpoint)
        periods = msgspec.structs.replace(QUICK, answer=answer)
        session = FAMILY.session(endpoint, [GOOD], self.sink, CLOCK, periods, 7, memory)
        self.tasks.append(asyncio.ensure_future(session.run()))
        await self.read()
        return session

    async def read(self) -> None:
        self.sink.forget()
        await self.sink.until(lambda: "inventory" in self.sink.names())

    async def let_go(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)

    async def lost(self, on: bool, match: str = "", every: int = 1) -> None:
        await self.farm.fault(SPEC.name, "lost", on, {"match": match, "every": every} if on else {})

    @property
    def parts(self) -> list[str]:
        assert self.sink.unit is not None
        return [part.part for part in self.sink.unit.parts]


@pytest.fixture
async def held() -> AsyncIterator[Held]:
    made = Held()
    await made.farm.start()
    yield made
    await made.let_go()
    await made.farm.stop()


async def test_a_box_list_that_is_lost_at_a_reconnect_takes_no_box_away(held: Held) -> None:
    session = await held.hold()
    await held.lost(True, "BOX * UNIT SN")
    await held.farm.fault(SPEC.name, "reset")
    await held.read()
    assert held.parts == PARTS
    assert held.sink.unit is not None and held.sink.unit.memory and held.sink.unit.doubtful
    await held.lost(False)
    assert (await session.perform("stack", "refresh", {}, held.sink.unit.serials)).state == "done"
    assert held.parts == PARTS
    assert not held.sink.unit.doubtful


async def test_nor_does_one_at_the_start_of_an_agent_that_knows_the_stack(held: Held) -> None:
    await held.hold()
    assert held.sink.unit is not None
    memory = held.sink.unit.memory
    await held.let_go()
    await held.lost(True, "BOX * UNIT SN")
    await held.hold(memory)
    assert held.parts == PARTS


async def test_a_locate_light_whose_reply_was_lost_can_be_switched_once_it_is_refreshed(held: Held) -> None:
    await held.lost(True, "UNIT LOCATE")
    session = await held.hold()
    assert held.sink.unit is not None
    serials = held.sink.unit.serials
    await held.lost(False)
    assert (await session.perform("stack", "refresh", {}, serials)).state == "done"
    assert (await session.perform(PARTS[2], "locate", {"on": True}, serials)).state == "done"


async def test_a_stack_that_loses_every_second_reply_is_read_all_the_same(held: Held) -> None:
    await held.hold(answer=0.2)
    await held.lost(True, every=2)
    await held.farm.fault(SPEC.name, "reset")
    await held.read()
    assert held.parts == PARTS
    assert held.sink.unit is not None and held.sink.unit.doubtful
    assert {part.capabilities.get("locate") for part in held.sink.unit.parts[1:]} == {"assumed"}
