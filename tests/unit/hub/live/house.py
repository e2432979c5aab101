"""The rooms a live socket needs, joined as an edition joins them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Struct

from soundpost.hub.agents.items import AgentItems
from soundpost.hub.agents.links import AgentLinks
from soundpost.hub.agents.service import Agents, note_last_uid
from soundpost.hub.app import Edition, Rooms, build
from soundpost.hub.commands.api import CONTROLLERS as COMMANDS
from soundpost.hub.commands.service import Commands
from soundpost.hub.inventory.api import CONTROLLERS as INVENTORY
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.live.service import Live
from soundpost.hub.people.service import People
from soundpost.hub.store import Store


class House(Struct):
    store: Store
    people: People
    inventory: Inventory
    commands: Commands
    live: Live
    app: Any


@asynccontextmanager
async def lived_in(store: Store) -> AsyncIterator[House]:
    people = People(store, store.clock)
    await people.start()
    agents = Agents(store, people.passwords)
    await agents.start()
    inventory = Inventory(store, note_last_uid)
    commands = Commands(store, inventory)
    links = AgentLinks(agents, f"hub_{people.instance}", inventory, commands)
    inventory.on_command_ended, inventory.person_of, inventory.pick = commands.ended, commands.person_of, links.pick
    live = Live(people, inventory, commands, AgentItems(links, inventory.reader_of), links)
    app = build(
        Edition("enterprise"),
        store,
        people,
        Rooms((*INVENTORY, *COMMANDS, live.handler()), {"inventory": inventory, "commands": commands}),
    )
    for room in (inventory, commands, live):
        await room.start()
    try:
        yield House(store, people, inventory, commands, live, app)
    finally:
        for room in (live, commands, inventory):
            await room.stop()
        people.close()
