"""The feeds of devices, lists, the summary and what was found."""

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from soundpost.hub.commands.api import view
from soundpost.hub.commands.service import Changed, Commands
from soundpost.hub.inventory import query, views
from soundpost.hub.inventory.scope import Scope
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.inventory.state import Delta, DeviceState
from soundpost.hub.live.topics import Soon, Tell, changed
from soundpost.kernel.errors import Invalid

TIMELESS = frozenset({"age_s"})
"""A browser counts ages on by itself."""


def fields_of(item: views.DeviceItem, names: set[str]) -> dict[str, Any]:
    """The named fields, or all for `*`."""
    every = msgspec.structs.asdict(item)
    if "*" in names:
        return every
    return {"id": item.id, **{name: every[name] for name in names if name in every}}


class DeviceFeed:
    """`device:ID`: its item, its points and its commands. Only a device somebody looks at has its values told."""

    def __init__(self, inventory: Inventory, commands: Commands, id: str, scope: Scope, tell: Tell, soon: Soon) -> None:
        self._inventory, self._commands, self._id, self._scope = inventory, commands, id, scope
        self._tell, self._soon = tell, soon
        self._told: dict[int, dict[str, Any]] = {}
        self._schema = inventory.find(id, scope).schema
        self._places: set[int] = set()
        inventory.memory.watch(id, 1)

    def close(self) -> None:
        self._inventory.memory.watch(self._id, -1)

    def _device(self) -> DeviceState:
        return self._inventory.find(self._id, self._scope)

    def _seen(self) -> bool:
        """A device that was moved out of the part of the places this reader sees is gone for them."""
        device = self._inventory.memory.devices.get(self._id)
        return device is None or self._scope.everything or self._scope.device(device)

    async def snapshot(self) -> object:
        commands = [view(row) for row in await self._commands.of_device(self._id)]
        device = self._device()
        points = self._inventory.points(device)
        if not self._told:
            self._schema = device.schema
            self._told = {place: plain(point) for place, point in enumerate(points)}
        return {"device": self._inventory.item(device), "points": points, "commands": commands}

    def on_delta(self, delta: Delta) -> None:
        if self._id in delta.gone or not self._seen():
            self._tell("gone", {})
            return
        if (names := delta.faces.get(self._id)) is not None:
            item = self._inventory.item(self._device())
            self._tell("change", {"device": {**fields_of(item, names), "age_s": item.age_s}})
        places = delta.values.get(self._id)
        if self._id in delta.judged:
            places = set(range(self._device().schema.size))
        if places:
            self._places |= places
            self._soon()

    def on_command(self, changed: Changed) -> None:
        if changed.device == self._id and self._seen():
            self._tell("change", {"commands": [view(changed.row)]})

    def flush(self) -> None:
        if not self._seen():
            return
        device = self._device()
        if device.schema is not self._schema:
            self._schema, self._told = device.schema, {}
            self._places = set(range(device.schema.size))
        places = sorted(place for place in self._places if place < device.schema.size)
        self._places = set()
        points: list[dict[str, Any]] = []
        for place, point in zip(places, self._inventory.points(device, places), strict=True):
            now = plain(point)
            if different := changed(self._told.get(place, {}), now):
                points.append({"key": point.key, **different, "age_s": point.age_s})
                self._told[place] = now
        if points:
            self._tell("change", {"points": points})


def plain(point: views.PointItem) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(point).items() if name not in TIMELESS}


class ListFeed:
    """`list:QUERY`: all devices that match, not only the first page."""

    def __init__(self, inventory: Inventory, asked: str, scope: Scope, tell: Tell, soon: Soon) -> None:
        self._inventory, self._scope, self._tell, self._soon = inventory, scope, tell, soon
        pairs = parse_qsl(asked, keep_blank_values=True, strict_parsing=False)
        self._asked = dict(pairs)
        if self._asked.get("cursor"):
            raise Invalid("A live list begins at its beginning.", code="invalid_argument", field="cursor")
        self._query = query.parse(self._asked)
        self._ids = self._matching()
        self._pending: dict[str, set[str]] = {}

    def close(self) -> None:
        self._pending.clear()

    def _matches(self, device: DeviceState) -> bool:
        return query.matches(self._inventory.memory, self._query, self._scope, device)

    def _matching(self) -> set[str]:
        memory = self._inventory.memory
        some = query.candidates(memory, self._query)
        return {device.id for device in query.matching(memory, self._query, self._scope, some)}

    async def snapshot(self) -> object:
        page = self._inventory.select(self._asked, self._scope)
        items = [self._inventory.item(device) for device in page.devices]
        return {"items": items, "total": page.total, "next": page.next}

    def on_delta(self, delta: Delta) -> None:
        for id, names in delta.faces.items():
            self._pending.setdefault(id, set()).update(names)
        for id in delta.gone:
            self._pending.setdefault(id, set())
        if self._pending:
            self._soon()

    def flush(self) -> None:
        pending, self._pending = self._pending, {}
        items: list[dict[str, Any]] = []
        gone: list[str] = []
        for id, names in pending.items():
            device = self._inventory.memory.devices.get(id)
            if device is None or not self._matches(device):
                if id in self._ids:
                    self._ids.discard(id)
                    gone.append(id)
                continue
            item = self._inventory.item(device)
            if id in self._ids:
                items.append(fields_of(item, names))
            else:
                self._ids.add(id)
                items.append({**msgspec.structs.asdict(item), "new": True})
        if gone:
            self._tell("gone", {"ids": gone, "total": len(self._ids)})
        if items:
            self._tell("change", {"items": items, "total": len(self._ids)})


class SummaryFeed:
    def __init__(self, inventory: Inventory, scope: Scope, tell: Tell, soon: Soon) -> None:
        self._inventory, self._scope, self._tell, self._soon = inventory, scope, tell, soon
        self._told: dict[str, Any] = {}

    def close(self) -> None:
        self._told = {}

    async def snapshot(self) -> object:
        now = self._inventory.summary(self._scope)
        self._told = self._told or msgspec.to_builtins(now)
        return now

    def on_delta(self, delta: Delta) -> None:
        if delta.faces or delta.sites or delta.found or delta.found_gone or delta.gone:
            self._soon()

    def on_agent(self, _id: str) -> None:
        self._soon()

    def flush(self) -> None:
        now: dict[str, Any] = msgspec.to_builtins(self._inventory.summary(self._scope))
        different = changed(self._told, now)
        self._told = now
        if different.keys() - {"as_of"}:
            self._tell("change", different)


class FoundFeed:
    def __init__(self, inventory: Inventory, scope: Scope, tell: Tell, soon: Soon) -> None:
        self._inventory, self._scope, self._tell, self._soon = inventory, scope, tell, soon
        self._told = self._now()

    def close(self) -> None:
        self._told = {}

    def _now(self) -> dict[str, views.FoundItem]:
        return {entry.shown_id: self._inventory.found_view(entry) for entry in self._inventory.found(self._scope)}

    async def snapshot(self) -> object:
        return {"items": list(self._now().values())}

    def on_delta(self, delta: Delta) -> None:
        # A record may bring a serial that another site has: that shows here too.
        if delta.found or delta.found_gone or delta.sites or any("*" in names for names in delta.faces.values()):
            self._soon()

    def flush(self) -> None:
        before, self._told = self._told, self._now()
        items = [item for id, item in self._told.items() if before.get(id) != item]
        if items:
            self._tell("change", {"items": items})
        if gone := sorted(before.keys() - self._told.keys()):
            self._tell("gone", {"ids": gone})
