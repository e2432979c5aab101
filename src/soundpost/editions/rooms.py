"""The hub rooms both editions have, joined. What a lower room must hear from a higher one is handed in here."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from msgspec import Struct

from soundpost.device.contract import Periods
from soundpost.hub.agents import repo as agents_repo
from soundpost.hub.agents.api import AgentsController, SitesController
from soundpost.hub.agents.door import AgentDoor
from soundpost.hub.agents.items import AgentItems
from soundpost.hub.agents.links import AgentLinks
from soundpost.hub.agents.service import Agents, note_last_uid
from soundpost.hub.app import Edition, Rooms, build
from soundpost.hub.commands import api as commands_api
from soundpost.hub.commands import repo as commands_repo
from soundpost.hub.commands.service import Commands
from soundpost.hub.inventory import api as inventory_api
from soundpost.hub.inventory import places_api
from soundpost.hub.inventory import repo as inventory_repo
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.live.service import Live
from soundpost.hub.people import users_api
from soundpost.hub.people.api import About
from soundpost.hub.people.service import People
from soundpost.hub.people.users import Users
from soundpost.hub.store import Store, Tx, retention
from soundpost.kernel import log
from soundpost.kernel.clock import Clock


class House(Struct):
    """The open rooms of one process, running."""

    store: Store
    people: People
    agents: Agents
    links: AgentLinks
    inventory: Inventory
    commands: Commands
    live: Live
    about: About
    app: Any
    first_run_code: str | None


@contextlib.asynccontextmanager
async def opened(
    edition: Edition,
    store: Store,
    people: People,
    clock: Clock,
    *,
    periods: Periods | None = None,
    door: bool = False,
    controllers: tuple[Any, ...] = (),
    services: dict[str, object] | None = None,
    prepare: Callable[["House"], None] = lambda house: None,
) -> AsyncIterator[House]:
    """Starts the rooms bottom up and stops them top down. `door`: other machines' agents may come in. `prepare` may register
    more topics before anybody is let in."""
    code = await people.start()
    agents = Agents(store, people.passwords)
    await agents.start()
    people.agent_account_check = agents.is_account
    inventory = Inventory(store, note_last_uid, periods)
    commands = Commands(store, inventory)
    links = AgentLinks(
        agents, f"hub_{people.instance}", inventory, commands, name=edition.name, is_person=people.is_person
    )
    commands.send_command = links.send_command
    inventory.on_command_ended = commands.ended
    inventory.person_of = commands.person_of
    inventory.pick = links.pick
    inventory.transcript_of = links.transcript
    inventory.break_links_with(links.break_link)
    users = Users(people, store, clock)
    users.places_within = people.places_within = inventory.places_within
    items = AgentItems(links, inventory.reader_of)
    live = Live(people, inventory, commands, items, links)
    about = About(edition.code, edition.version, edition.name)
    rooms = Rooms(
        controllers=(
            *inventory_api.CONTROLLERS,
            *places_api.CONTROLLERS,
            *users_api.CONTROLLERS,
            *commands_api.CONTROLLERS,
            SitesController,
            AgentsController,
            live.handler(),
            *controllers,
        ),
        services={
            "agents": agents, "links": links, "agent_items": items, "inventory": inventory, "commands": commands, "users": users,
            **(services or {}),
        },
        agent_door=AgentDoor(links) if door else None,
    )  # fmt: skip
    app = build(edition, store, people, rooms, about=about)
    house = House(store, people, agents, links, inventory, commands, live, about, app, code)
    prepare(house)
    await inventory.start()
    await commands.start()
    await links.start()
    await live.start()
    ticking = asyncio.create_task(links.run(), name="links")
    ending = asyncio.create_task(end_people(users, clock), name="people-ending")
    trimming = asyncio.create_task(retention.daily(store), name="retention")
    try:
        yield house
    finally:
        ticking.cancel()
        trimming.cancel()
        ending.cancel()
        await asyncio.gather(ticking, trimming, ending, return_exceptions=True)
        await live.stop()
        await links.stop()
        await commands.stop()
        await inventory.stop()
        people.close()


async def end_people(users: Users, clock: Clock) -> None:
    """A person's last second is the last: asked each second, since clocks may be moved."""
    while True:
        await clock.sleep(1.0)
        try:
            await users.end_those_whose_time_is_over()
        except Exception:
            log.get("people").exception("who ended could not be asked")


async def rehome(house: House, old: str, new: str) -> None:
    """A Local Agent was given the hub's id for its site: everything here moves to it. Nobody may deliver meanwhile."""

    def work(tx: Tx) -> None:
        agents_repo.move_site(tx.conn, old, new)
        inventory_repo.move_site(tx.conn, old, new)
        commands_repo.move_site(tx.conn, old, new)
        agents_repo.remove_site(tx.conn, old)

    # What the ended session told still waits under the old id, and would be taken for another site's afterwards.
    await house.inventory.idle()
    await house.inventory.flush()
    await house.store.unit_of_work(work)
    await house.agents.start()
    await house.inventory.rebuild()
