"""The engine with real hub rooms at both its links: its own page's, and a hub's, joined by the link itself."""

import asyncio
from contextlib import asynccontextmanager

from tests.support.clock import ManualClock, settle
from tests.unit.agent.fakes import FakeNet, FakeStack, agent, unit, until

from soundpost.agent.channel import RoomsChannel
from soundpost.agent.identity import LOCAL, Account
from soundpost.agent.uplink import Uplink
from soundpost.editions import rooms
from soundpost.hub.agents.door import LocalDoor
from soundpost.hub.agents.items import AgentItems
from soundpost.hub.app import Edition
from soundpost.hub.inventory import views
from soundpost.hub.people.service import People
from soundpost.hub.store import Store


async def tried(disk):
    """All that was submitted was done, or was not taken."""
    await asyncio.gather(disk.submit(lambda c: None), return_exceptions=True)


@asynccontextmanager
async def hub_on(folder, clock, engine, reader):
    """Hub rooms with a store of their own that know this engine by its key for that reader."""
    folder.mkdir()
    async with Store(folder / "soundpost.db", clock) as store:
        people = People(store, clock, mail=False)
        async with rooms.opened(Edition("local_agent"), store, people, clock) as house:
            account = await house.agents.adopt_local(engine.site, "Here", engine.public_key(reader), engine.zone)
            yield house, account.id


class Site:
    """An agent with one stack, its own rooms and a hub."""

    def __init__(self, engine, net, clock, theirs, local, central, line):
        self.engine, self.net, self.clock, self.theirs = engine, net, clock, theirs
        self.houses, self.line = {"page": local, "hub": central}, line
        self.dials = 0

    async def later(self, seconds):
        """Both stores and the agent's disk have their say in between."""
        for _ in range(round(seconds / 0.5)):
            await self.clock.advance(0.5)
            if self.theirs is not self.clock:
                await self.theirs.advance(0.5)
            await self.calm()

    async def calm(self, rounds=3):
        for _ in range(rounds):
            await settle(30)
            await tried(self.engine.disk)
            for house in self.houses.values():
                await asyncio.gather(house.agents.store.unit_of_work(lambda tx: None), return_exceptions=True)

    def shown(self):
        """By place, the statuses people see there, and why."""
        told = {}
        for place, house in self.houses.items():
            seen = [views.shown(device) for device in house.inventory.memory.devices.values()]
            told[place] = {
                (str(one.status), ((one.reason and one.reason.params) or {}).get("cause", "")) for one in seen
            }
        return told

    def servers(self):
        told = {}
        for place, house in self.houses.items():
            items = AgentItems(house.links)
            (account,) = house.agents.accounts.values()
            reason = items._reason(account)
            told[place] = (items._state(account), reason.code if reason else "")
        return told


@asynccontextmanager
async def site(tmp_path, theirs=None):
    """`theirs`: the hub's own clock."""
    clock, net = ManualClock(), FakeNet()
    theirs = theirs or clock
    net.put("10.0.0.5", FakeStack(unit("1111")))
    async with agent(tmp_path / "agent", net, clock=clock) as engine:
        await until(engine, lambda: engine.lines.watches)
        async with (
            hub_on(tmp_path / "page", clock, engine, "local") as (local, own),
            hub_on(tmp_path / "hub", theirs, engine, "hub") as (central, account),
        ):

            async def dial():
                here.dials += 1
                return RoomsChannel(LocalDoor(central.links).connect())

            said = Account(reader="hub", host="h", name="Here", trust=LOCAL, agent=account, site=engine.site)
            line = Uplink(engine.engine, said, dial, engine.hold)
            here = Site(engine, net, clock, theirs, local, central, line)
            running = asyncio.create_task(line.run())
            try:
                await engine.attach_local(LocalDoor(local.links).connect, own, local.links.hub)
                await until(engine, lambda: line.state.phase == "connected" == engine.local.state.phase)
                await here.later(3)
                yield here
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                await line.close()
                await engine.local.close()
                engine.local = None
