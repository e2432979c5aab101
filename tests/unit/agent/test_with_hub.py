"""The engine and the real hub rooms, joined by the link itself as a Local Agent joins them."""

import asyncio

from tests.support.clock import ManualClock
from tests.unit.agent.fakes import FakeNet, FakeStack, agent, calm, unit, until

from soundpost.editions import rooms
from soundpost.hub.agents.door import LocalDoor
from soundpost.hub.app import Edition
from soundpost.hub.audit.service import Who
from soundpost.hub.inventory.scope import EVERYTHING
from soundpost.hub.people.service import People
from soundpost.hub.store import Store

SAM = Who("person", "usr_sam", "Sam", "127.0.0.1")


async def test_commands_asked_at_once_are_all_carried_out(tmp_path):
    clock, net = ManualClock(), FakeNet()
    stack = net.put("10.0.0.5", FakeStack(unit("1111")))
    async with Store(tmp_path / "hub.db", clock) as store, agent(tmp_path, net, clock=clock) as engine:
        await until(engine, lambda: engine.lines.watches)
        people = People(store, clock, mail=False)
        async with rooms.opened(Edition("local_agent"), store, people, clock) as house:
            account = await house.agents.adopt_local(engine.site, "Here", engine.public_key(), engine.zone)
            uplink = await engine.attach_local(LocalDoor(house.links).connect, account.id, house.links.hub)
            (box,) = (k.device.id for k in engine.registry.known.values() if k.device.kind == "mixer")
            await until(engine, lambda: box in house.inventory.memory.devices)
            asked = await asyncio.gather(
                *(house.commands.ask(SAM, box, "refresh", {}, allowed=EVERYTHING) for _ in range(4))
            )
            for _ in range(30):
                await clock.advance(0.3)
                for _ in range(6):  # a question and its answer cross both disks
                    await calm(engine, 1)
                    await store.unit_of_work(lambda tx: None)
            rows = [await house.commands.find(row.id, EVERYTHING) for row in asked]
            assert [str(row.state) for row in rows] == ["done"] * 4
            assert len(stack.performed) == 4
            assert uplink.state.phase == "connected"
