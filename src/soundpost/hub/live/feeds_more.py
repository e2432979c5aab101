"""The feeds of servers, facts, and single objects that other rooms register."""

from collections.abc import Callable
from typing import Any

import msgspec

from soundpost.hub.agents.items import AgentItems
from soundpost.hub.inventory import places, views
from soundpost.hub.inventory.scope import Scope
from soundpost.hub.inventory.service import Inventory, SiteReader
from soundpost.hub.inventory.state import Delta
from soundpost.hub.live.topics import Soon, Tell, changed
from soundpost.hub.store import Event
from soundpost.kernel.errors import NotFound
from soundpost.kernel.signal import Signal

COUNTING = {"*", "status", "location"}
"""Of a device's fields, those that change how many stand how at its place."""


class AgentsFeed:
    """`agents`: whole items of the servers that changed; their device counts change with the inventory."""

    def __init__(self, items: AgentItems, inventory: Inventory, scope: Scope, tell: Tell, soon: Soon) -> None:
        self._items, self._inventory = items, inventory
        self._reader = SiteReader(inventory, scope)
        self._tell, self._soon = tell, soon
        self._pending: set[str] = set()
        self._known = {item.id for item in items.all(self._reader)}

    def close(self) -> None:
        self._pending.clear()

    async def snapshot(self) -> object:
        return {"items": self._items.all(self._reader)}

    def on_agent(self, id: str) -> None:
        self._pending.add(id)
        self._soon()

    def on_delta(self, delta: Delta) -> None:
        self._pending |= agents_of(delta, self._inventory)
        if self._pending:
            self._soon()

    def flush(self) -> None:
        pending, self._pending = self._pending, set()
        items, gone = [], []
        for id in sorted(pending):
            try:
                item = self._items.item(id, self._reader)
            except NotFound:
                if id in self._known:
                    self._known.discard(id)
                    gone.append(id)
                continue
            self._known.add(id)
            items.append(item)
        if items:
            self._tell("change", {"items": items})
        if gone:
            self._tell("gone", {"ids": gone})


def agents_of(delta: Delta, inventory: Inventory) -> set[str]:
    """Servers whose counts or link this changed."""
    memory = inventory.memory
    sites = {memory.sites[id] for id in delta.sites if id in memory.sites}
    sites |= {
        memory.devices[id].site for id, names in delta.faces.items() if names & {"*", "status"} and id in memory.devices
    }
    return {site.agent.id for site in sites if site.agent is not None}


class AgentFeed:
    """`agent:ID`."""

    def __init__(self, items: AgentItems, inventory: Inventory, id: str, scope: Scope, tell: Tell, soon: Soon) -> None:
        self._items, self._inventory, self._id = items, inventory, id
        self._tell, self._soon = tell, soon
        self._reader = SiteReader(inventory, scope)
        self._told: dict[str, Any] = msgspec.to_builtins(items.detail(id, self._reader))

    def close(self) -> None:
        self._told = {}

    async def snapshot(self) -> object:
        return self._items.detail(self._id, self._reader)

    def on_agent(self, id: str) -> None:
        if id == self._id:
            self._soon()

    def on_delta(self, delta: Delta) -> None:
        if self._id in agents_of(delta, self._inventory):
            self._soon()

    def flush(self) -> None:
        try:
            now: dict[str, Any] = msgspec.to_builtins(self._items.detail(self._id, self._reader))
        except NotFound:
            self._tell("gone", {})
            return
        different = changed(self._told, now)
        self._told = now
        if different:
            self._tell("change", {"id": self._id, **different})


class LocationsFeed:
    """`locations`: whole items of the places that changed, their counts once a second at most; `order` when places came, went or
    moved."""

    def __init__(self, inventory: Inventory, scope: Scope, tell: Tell, soon: Soon) -> None:
        self._inventory, self._scope, self._tell, self._soon = inventory, scope, tell, soon
        self._stale = False
        self._told = self._now()

    def close(self) -> None:
        self._told = {}

    def _now(self) -> dict[str, places.LocationItem]:
        return self._inventory.drawn(self._scope)

    async def snapshot(self) -> object:
        return {"items": list(self._now().values()), **self._rest()}

    def _rest(self) -> dict[str, Any]:
        return {"unplaced": self._inventory.unplaced(self._scope), "managed": self._inventory.locations.managed}

    def on_delta(self, delta: Delta) -> None:
        self._stale = (
            self._stale or delta.places or bool(delta.sites) or any(names & COUNTING for names in delta.faces.values())
        )
        if delta.places:
            self._soon()

    def on_tick(self) -> None:
        self.flush()

    def flush(self) -> None:
        if not self._stale:
            return
        self._stale = False
        before, self._told = self._told, self._now()
        items = [item for id, item in self._told.items() if (old := before.get(id)) is not item and old != item]
        gone = [id for id in before if id not in self._told]
        if gone:
            self._tell("gone", {"ids": gone})
        change: dict[str, Any] = {"items": items, **self._rest()}
        if list(before) != list(self._told):
            change["order"] = list(self._told)
        self._tell("change", change)


class EventsFeed:
    """`events`: from now on; what was before is asked for over REST."""

    def __init__(self, inventory: Inventory, scope: Scope, tell: Tell) -> None:
        self._inventory, self._scope, self._tell = inventory, scope, tell

    def close(self) -> None:
        """Nothing is held."""

    async def snapshot(self) -> object:
        return {"log": self._inventory.store.log_id, "last": self._inventory.store.head}

    def on_events(self, events: list[Event]) -> None:
        items = [views.event_item(event) for event in events if self._inventory.sees(event, self._scope)]
        if items:
            self._tell("change", {"items": items})

    def flush(self) -> None:
        """Facts never wait."""


class ObjectFeed:
    """One object of another room, looked at each second while somebody reads it; its changed top-level fields are told."""

    def __init__(self, look: Callable[[], object], tell: Tell) -> None:
        self._look, self._tell = look, tell
        self._told: dict[str, Any] = msgspec.to_builtins(look())

    def close(self) -> None:
        self._told = {}

    async def snapshot(self) -> object:
        return self._look()

    def on_tick(self) -> None:
        self.flush()

    def flush(self) -> None:
        now: dict[str, Any] = msgspec.to_builtins(self._look())
        different = changed(self._told, now)
        self._told = now
        if different:
            self._tell("change", different)


class TurnsFeed:
    """A topic that tells only that something changed; what holds now is asked over REST, where each reader's rights narrow it. So one
    topic serves readers of all roles, and says nothing that one of them may not know."""

    def __init__(self, turned: Signal[Any] | None, types: tuple[str, ...], tell: Tell, soon: Soon) -> None:
        self._turns, self._types, self._tell, self._soon = 0, types, tell, soon
        self._leave = turned.subscribe(lambda _: self._turn()) if turned is not None else lambda: None

    def close(self) -> None:
        self._leave()

    async def snapshot(self) -> object:
        return {"turns": self._turns}

    def _turn(self) -> None:
        self._turns += 1
        self._soon()

    def on_events(self, events: list[Event]) -> None:
        if self._types and any(event.type.startswith(self._types) for event in events):
            self._turn()

    def flush(self) -> None:
        self._tell("change", {"turns": self._turns})
