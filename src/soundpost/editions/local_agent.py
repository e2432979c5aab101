"""The Local Agent: the agent's engine and the hub rooms of one site in one process, joined by the link itself in memory."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from soundpost import __version__
from soundpost.agent.channel import ChannelClosed
from soundpost.agent.run import Agent
from soundpost.agent.settings import NAMES, from_environment
from soundpost.editions import enterprise, local_api, process, rooms
from soundpost.hub import serve
from soundpost.hub.agents.door import LocalChannel, LocalDoor
from soundpost.hub.agents.rules import refusal
from soundpost.hub.agents.service import Ending
from soundpost.hub.app import Edition
from soundpost.hub.locations.tree import Location
from soundpost.hub.people.api import SiteView
from soundpost.hub.people.service import People
from soundpost.hub.store import Store
from soundpost.kernel.clock import Clock, SystemClock
from soundpost.kernel.errors import Conflict, Invalid
from soundpost.kernel.settings import as_environment, data_folder, existing_folder, keys_folder
from soundpost.link.envelope import SitePlaces

OWNER = "owner"
FIRST_PORT, SECOND_PORT = 80, 8090


class Options(Struct):
    data: Path | None = None
    ready_json: bool = False
    port: int | None = None


def machine_name() -> str:
    import platform

    return platform.node() or "This site"


@contextlib.asynccontextmanager
async def engine(data: Path | None, clock: Clock) -> AsyncIterator[Agent]:
    """Loaded, not begun."""
    folder = data_folder("agent", data)
    told = as_environment("agent", folder, NAMES)
    async with Agent(from_environment(told, folder, keys_folder(folder), version=__version__), clock) as agent:
        yield agent


async def run(options: Options, clock: Clock, stop: asyncio.Event) -> None:
    orders = process.orders()
    folder = data_folder("agent", options.data)
    async with (
        engine(options.data, clock) as agent,
        Store(folder / "soundpost.db", clock, keys=keys_folder(folder)) as store,
    ):
        people = People(store, clock, mail=False, own_machine_first=True)
        external = local_api.External(agent, clock)
        async with rooms.opened(
            Edition("local_agent", name=site_name(agent)),
            store,
            people,
            clock,
            periods=agent.settings.periods,
            controllers=local_api.CONTROLLERS,
            services={"engine": agent, "external": external},
            prepare=lambda house: external.register(house.live),
        ) as house:
            local = LocalRooms(house, agent, clock)
            await local.attach()
            following = asyncio.create_task(local.follow(), name="local-site")
            async with await listen(house, options, clock, orders.get("port_option", "--port")) as serving:
                serve.settle_memory()
                await join_as_told(agent, orders.get("join"))
                body = await start_up(house, serving, options, orders)
                tell(options, body)
                try:
                    await agent.begin()
                    await enterprise.until(stop, serving, clock, keys_folder(folder), ())
                finally:
                    following.cancel()
                    await asyncio.gather(following, return_exceptions=True)


def site_name(agent: Agent) -> str:
    """The hub's name for the site once joined, else this machine's."""
    connection = agent.hub_connection()
    return (connection.state.site_name if connection else "") or machine_name()


class LocalRooms:
    """The local rooms as the first reader of the agent's log. When a hub gives the site its id and name, they follow."""

    def __init__(self, house: rooms.House, agent: Agent, clock: Clock) -> None:
        self._house, self._agent, self._clock = house, agent, clock
        self._site = self._name = ""
        self._moving = False
        self._places: SitePlaces | None = None

    async def attach(self) -> None:
        stored = [id for id in self._house.agents.sites if id != self._agent.site]
        for old in stored:  # joined while these rooms were closed
            await rooms.rehome(self._house, old, self._agent.site)
        account = await self._adopt()
        await self._mirror()
        await self._agent.attach_local(self._connect, account, self._house.links.hub)

    def _connect(self) -> LocalChannel:
        if self._moving:
            raise ChannelClosed("The local rooms are being moved to the hub's id for this site.")
        return LocalDoor(self._house.links).connect()

    async def _adopt(self) -> str:
        agent = self._agent
        self._site, self._name = agent.site, site_name(agent)
        account = await self._house.agents.adopt_local(self._site, self._name, agent.public_key(), agent.zone)
        self._house.about.site = SiteView(self._site, self._name, agent.zone)
        self._house.about.name = self._name
        return account.id

    async def follow(self) -> None:
        """Until cancelled: once a second, has the site another id or name?"""
        while True:
            await self._clock.sleep(1.0)
            if self._agent.site != self._site:
                await self._move()
            elif site_name(self._agent) != self._name:
                await self._adopt()
            await self._mirror()

    async def _mirror(self) -> None:
        """The hub's places as it tells them. Without a hub what was there stays, and is this site's own again."""
        told, locations = self._agent.house.hub_plan.places, self._house.inventory.locations
        if told == self._places:
            return
        if told is not None:
            places = [Location(**structs.asdict(place)) for place in told.places]
            await locations.mirror(places, told.devices)
        self._places, locations.managed = told, told is not None
        self._house.inventory.places_changed()

    async def _move(self) -> None:
        self._moving = True
        try:
            local = self._house.agents.of_site(self._site)
            if local is not None:
                self._house.agents.ended.emit(Ending(local.id, refusal("replaced")))
            await self._house.links.idle()
            await rooms.rehome(self._house, self._site, self._agent.site)
            await self._adopt()
        finally:
            self._moving = False
        if self._agent.local is not None:
            self._agent.local.try_now()


async def listen(house: rooms.House, options: Options, clock: Clock, option: str) -> serve.Serving:
    """Port 80 as people expect of a local page, else 8090; a port that was asked for is never replaced."""
    if options.port is not None:
        return serve.Serving(house.app, clock, plain=serve.Plain(port=options.port, option=option))
    try:
        serve.bind("127.0.0.1", FIRST_PORT).close()
    except Conflict:
        return serve.Serving(house.app, clock, plain=serve.Plain(port=SECOND_PORT, option=option))
    return serve.Serving(house.app, clock, plain=serve.Plain(port=FIRST_PORT))


async def join_as_told(agent: Agent, join: dict[str, Any] | None) -> None:
    """By the supervisor of `up` and `demo`, which also hands over the hub's CA: they run on the same machine."""
    if join is None:
        return
    before = agent.hub_connection()
    if join.get("password") is None and before is None:
        raise Conflict(
            "This agent was joined before, but its folder does not know it. Start with an empty folder.",
            code="join_lost",
        )
    if join.get("password") is not None or (before and join["url"] not in before.url):
        await agent.configure_hub(join["url"], join["name"], join.get("password"), join["ca_pem"])


async def start_up(
    house: rooms.House, serving: serve.Serving, options: Options, orders: dict[str, Any]
) -> dict[str, Any]:
    url = f"http://127.0.0.1:{serving.port}"
    body = {
        "url": url,
        **await enterprise.first_owner(house, options.ready_json and bool(orders.get("make_owner", True)), OWNER),
        "pid": os.getpid(),
        "site": house.about.site.name if house.about.site else "",
    }
    code = house.first_run_code if house.people.first_run_open else None
    body["first_run_url"] = f"{url}/first-run?code={code}" if code else None
    return body


def tell(options: Options, body: dict[str, Any]) -> None:
    if options.ready_json:
        process.ready_line(body)
        return
    process.say(f"Soundpost Local Agent at {body['first_run_url'] or body['url']}")
    if body["first_run_url"]:
        process.say("  Open it on this machine; the first person to do so becomes its owner.")
    process.open_browser(body["first_run_url"] or body["url"])


async def join(data: Path | None, url: str, name: str, password: str, fingerprint: str) -> None:
    """`soundpost agent join`: the fingerprint given must be the one the hub shows; then the join waits for the next start."""
    async with engine(data, SystemClock()) as agent:
        await local_api.configure(agent, url, name, password, fingerprint)
        process.say("Noted. Start the agent: it joins at once, and its page shows how that goes.")


async def reset_password(data: Path | None, sign_in: str, *, second_factor: bool = False) -> None:
    clock = SystemClock()
    path = existing_folder("agent", data) / "soundpost.db"
    if not path.exists():
        raise Invalid(f"No agent has run in {path.parent}. Check --data.", code="data_folder", folder=str(path.parent))
    async with Store(path, clock, keys=keys_folder(path.parent)) as store:
        people = People(store, clock, mail=False)
        try:
            await people.start()
            made = await people.reset_password(sign_in, second_factor=second_factor)
        finally:
            people.close()
    process.say(f"New password for {made.sign_in}: {made.password}")
