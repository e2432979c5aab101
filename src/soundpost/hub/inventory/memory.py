"""What the hub knows now, in memory: changed only by what is committed, and rebuilt from the store at any time (T14, T17).

Nothing here waits, writes or reads a clock. Whoever changes something finds what it changed in `delta`.
"""

from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from soundpost.device.model import GROUPS, Descriptor, Device, Reason
from soundpost.hub.inventory.order import Order
from soundpost.hub.inventory.rules import CODES, GOOD, LATEST_MS, RESTARTING, TROUBLED, restarts
from soundpost.hub.inventory.state import (
    EMPTY,
    LOST,
    AgentInfo,
    Delta,
    DeviceState,
    Found,
    Link,
    Restart,
    Schema,
    SiteState,
)
from soundpost.hub.locations.moves import Called
from soundpost.hub.locations.placing import PlaceRule
from soundpost.hub.locations.tree import Photo, Tree
from soundpost.kernel.shared import Shared
from soundpost.link.envelope import Change, Read


class Places(Protocol):
    """What is known of places (hub.locations)."""

    @property
    def tree(self) -> Tree: ...

    @property
    def photos(self) -> Mapping[str, tuple[Photo, ...]]: ...

    def where(self, chain: Sequence[str], names: Collection[str], address: str) -> tuple[str, str]: ...

    def rule_for(self, names: Collection[str], address: str) -> PlaceRule | None: ...


class Nowhere:
    """Before anybody drew a place."""

    tree = Tree()
    photos: Mapping[str, tuple[Photo, ...]] = MappingProxyType({})

    def where(self, chain: Sequence[str], names: Collection[str], address: str) -> tuple[str, str]:
        return "", ""

    def rule_for(self, names: Collection[str], address: str) -> PlaceRule | None:
        return None


ALIKE = "kind", "family", "name", "model", "part_number", "firmware_version", "credential_set"
"""Of a record: what many devices have in common."""
STATUS_FIELDS = ("status", "since", "reason", "was")
STATUS_ORDERS = ("status", "since")


class Memory:
    def __init__(self, started_ms: int) -> None:
        self.started_ms = started_ms
        self.schemas: dict[bytes, Schema] = {b"": EMPTY}
        self.links: dict[str, Link] = {}
        self.watchers: dict[str, int] = {}
        self.delta = Delta()
        self.counted = 0
        """Higher each time a count, or what is shown of one, is another."""
        self.places: Places = Nowhere()
        self.restarts: dict[str, Restart] = {}
        """The last one asked of each stack, or of a device without one, while devices may be away because of it."""
        self.sealed = 0
        """The last segment whose values are in history's chunks."""
        self._shared = Shared()
        self.moves = 0
        """Counts each time a device comes to a place or leaves it; never begins anew, since others keep what they made at a count."""
        self.parts: dict[tuple[frozenset[str], frozenset[str]], object] = {}
        """One scope for all who see the same part of the places (scope.py)."""
        self.forget()

    def forget(self) -> None:
        """Empties all that the store can tell again; links, watchers and schemas stay."""
        self.sites: dict[str, SiteState] = {}
        self.devices: dict[str, DeviceState] = {}
        self.found: dict[str, Found] = {}
        self.children: dict[str, set[str]] = defaultdict(set)
        self.members: dict[str, set[str]] = defaultdict(set)
        self.serials: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.doubled: set[tuple[str, str]] = set()
        """Those of `serials` that more than one device has."""
        self.orders: dict[str, Order] = {}
        """Those somebody asked for, by name (query.ORDERS)."""
        self.unsearched: set[DeviceState] = set()
        """Listed devices whose search text must be made anew before anybody searches."""
        self.totals: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.moves += 1
        self.counted += 1
        self.at: dict[str, set[DeviceState]] = defaultdict(set)
        """By place, the devices that are at it itself, not below it."""
        self.counts_at: dict[tuple[str, str], dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(Counter))
        """By place and site: its devices by kind and the status their agent last reported."""
        self.troubled: dict[str, DeviceState] = {}
        self.dirty: deque[DeviceState] = deque()
        """Those whose blob lacks segments, by the first one it lacks."""
        self.segment = 0

    def take_delta(self) -> Delta:
        delta, self.delta = self.delta, Delta()
        return delta

    # Sites and their links

    def site(self, id: str) -> SiteState:
        """Made on first sight: a session may name a site before its row was read."""
        known = self.sites.get(id)
        if known is None:
            link = self.links.setdefault(id, Link(self.started_ms))
            known = self.sites[id] = SiteState(id, link)
        return known

    def put_site(self, id: str, name: str, zone: str, agent: AgentInfo | None) -> None:
        site = self.site(id)
        renamed = (site.name, site.zone) != (name, zone)
        if not renamed and site.agent == agent:
            return
        site.name, site.zone, site.agent = name, zone, agent
        self.delta.sites.add(id)
        if site.link.state == LOST and agent is not None and agent.state == "lost" and agent.since_ms:
            site.link.since_ms = agent.since_ms  # the agents' room knows since when nothing was heard
            for device in site.devices.values():
                self._moved(device, "since")
                self.delta.face(device.id, "since")
        for device in site.devices.values():
            if renamed:
                self._moved(device, "site")
                self._reworded(device)
            self.delta.face(device.id, "site", "agent")

    def set_link(self, site_id: str, state: str, since_ms: int, reason: Reason | None = None) -> None:
        """Moves the whole site between shown and unknown; costs its kinds, not its devices, unless somebody watches."""
        site = self.site(site_id)
        before, link = site.up, site.link
        link.state, link.since_ms = state, since_ms
        if reason is not None:
            link.reason = reason
        self.delta.sites.add(site_id)
        if not (before and site.up):
            for device in site.devices.values():
                self._moved(device, *STATUS_ORDERS)
        if before == site.up:
            for id in site.devices:
                self.delta.face(id, "agent")
            return
        self.counted += 1
        for kind, counts in site.counts.items():
            total = self.totals[kind]
            for status, n in counts.items():
                total[status if before else "unknown"] -= n
                total[status if site.up else "unknown"] += n
        for id, device in site.devices.items():
            self.delta.face(id, *STATUS_FIELDS, "agent")
            if device.watchers:
                self.delta.judged.add(id)

    # Devices

    def device(self, id: str, site_id: str) -> DeviceState:
        known = self.devices.get(id)
        if known is None:
            known = self.devices[id] = DeviceState(id, self.site(site_id))
            known.watchers = self.watchers.get(id, 0)
        return known

    def put_record(self, id: str, site_id: str, record: Device, generation: int, first_seen_ms: int) -> None:
        device = self.device(id, site_id)
        if device.record is not None:
            self._index(device, -1)
            self.delta.face(id, "*")
        else:
            self.delta.face(id, "*", "new")
        device.record, device.generation, device.first_seen_ms = self._lean(record), generation, first_seen_ms
        self.at[device.place].discard(device)
        device.place, device.placed_by = self._where(device)
        self.at[device.place].add(device)
        self.moves += 1
        device.restarts = self._restarts(device)
        self._index(device, 1)
        self._moved(device, *self.orders)
        self._reworded(device)
        for child in self.members.get(id, ()):  # they show this one's address where they have none
            member = self.devices[child]
            self._moved(member, "address")
            self._reworded(member)
            self.delta.face(child, "address", "port")
        for below in self._below(device):
            self._settle(below)

    def _lean(self, record: Device) -> Device:
        """The same record, made of words that others have too: those of a thousand boxes of one model are alike."""
        shared = self._shared
        for name in ALIKE:
            setattr(record, name, shared(getattr(record, name)))
        record.capabilities, record.assumed = shared.table(record.capabilities), shared.words(record.assumed)
        return record

    def set_status(self, id: str, status: str, since_ms: int, reason: Reason | None, time_ms: int) -> None:
        device = self.devices.get(id)
        if device is None:
            return
        if device.record is not None:
            self._count(device, -1)
        device.status, device.since_ms, device.reason, device.status_time_ms = status, since_ms, reason, time_ms
        device.restarts = self._restarts(device)
        if device.record is not None:
            self._count(device, 1)
            self._moved(device, *STATUS_ORDERS)
        self.delta.face(id, *STATUS_FIELDS)
        if device.watchers:
            self.delta.judged.add(id)

    # Where they are

    def settle(self, ids: Iterable[str]) -> None:
        """These devices, and what hangs from them, may be elsewhere now."""
        for id in ids:
            device = self.devices.get(id)
            if device is not None and device.record is not None:
                self._settle(device)
                for below in self._below(device):
                    self._settle(below)

    def renamed_places(self, ids: Iterable[str]) -> None:
        """These places are called otherwise now, lie elsewhere or are gone: what is shown of their devices is too."""
        for id in ids:
            for device in self.at.get(id, ()):
                self._shown_elsewhere(device)

    def _settle(self, device: DeviceState) -> None:
        place, by = self._where(device)
        if (place, by) == (device.place, device.placed_by):
            return
        self._count(device, -1)
        self.at[device.place].discard(device)
        device.place, device.placed_by = place, by
        self.at[place].add(device)
        self.moves += 1
        self._count(device, 1)
        self._shown_elsewhere(device)

    def _shown_elsewhere(self, device: DeviceState) -> None:
        self._moved(device, "location")
        self._reworded(device)
        self.delta.face(device.id, "location")

    def rule_of(self, device: DeviceState) -> PlaceRule | None:
        """Which rule puts it where it is; None where a hand does, or nobody."""
        _, names, address = self._called(device)
        return self.places.rule_for(names, address) if device.placed_by == "rule" else None

    def _where(self, device: DeviceState) -> tuple[str, str]:
        return self.places.where(*self._called(device))

    def called(self) -> list[Called]:
        """All devices, as places know them."""
        return [Called(*self._called(device)) for device in self.devices.values() if device.record is not None]

    def _called(self, device: DeviceState) -> tuple[list[str], list[str], str]:
        """Itself and what it hangs from, nearest first; by which names and which address rules know it."""
        record = device.record
        assert record is not None
        chain, above = [device.id], record.parent
        while above and above not in chain:
            chain.append(above)
            state = self.devices.get(above)
            above = state.record.parent if state is not None and state.record is not None else ""
        stack = self.devices.get(record.stack) if record.stack else None
        names, address = [record.name], record.address
        if record.stack and record.stack not in chain:
            chain.append(record.stack)
        if stack is not None and stack.record is not None:
            names.append(stack.record.name)
            # its further boxes answer through the first, and have addresses that mean something on their own cable only
            address = stack.record.address or address
        return chain, names, address

    def _below(self, device: DeviceState) -> list[DeviceState]:
        """All that hangs from it, at any depth, and the members of a stack."""
        found, waiting = dict[str, DeviceState](), [device.id]
        while waiting:
            id = waiting.pop()
            for below in (*self.children.get(id, ()), *self.members.get(id, ())):
                if below not in found and below != device.id:
                    found[below] = self.devices[below]
                    waiting.append(below)
        return list(found.values())

    # Restarts that were asked

    def put_restart(self, device_id: str, restart: Restart) -> None:
        """It holds for the whole stack. An older one says nothing any more."""
        device = self.devices.get(device_id)
        if device is None or device.record is None:
            return
        stack = device.record.stack or device_id
        known = self.restarts.get(stack)
        if known is None or restart.command >= known.command:
            self.restarts[stack] = restart
            self._judge_restart(stack)

    def drop_restart(self, stack: str, command: str = "") -> None:
        """It did not come to pass, or is over; with `command` only if it is that one."""
        known = self.restarts.get(stack)
        if known is not None and command in ("", known.command):
            del self.restarts[stack]
            self._judge_restart(stack)

    def _judge_restart(self, stack: str) -> None:
        for id in (stack, *self.members.get(stack, ())):
            device = self.devices.get(id)
            if device is None or device.record is None or device.restarts == self._restarts(device):
                continue
            self._count(device, -1)
            device.restarts = not device.restarts
            self._count(device, 1)
            self.delta.face(id, "status")

    def _restarts(self, device: DeviceState) -> bool:
        if not self.restarts or device.record is None:
            return False
        restart = self.restarts.get(device.record.stack or device.id)
        reason = device.reason.code if device.reason else ""
        return restart is not None and restarts(restart, device.status, device.since_ms, reason)

    def _moved(self, device: DeviceState, *orders: str) -> None:
        for name in orders:
            if (order := self.orders.get(name)) is not None:
                order.moved(device)

    def _reworded(self, device: DeviceState) -> None:
        device.search = device.site.search = None
        self.unsearched.add(device)

    def _index(self, device: DeviceState, sign: int) -> None:
        record = device.record
        assert record is not None
        self._count(device, sign)
        sets: list[set[str]] = []
        if record.parent:
            sets.append(self.children[record.parent])
            self.delta.face(record.parent, "children")
        if record.stack:
            sets.append(self.members[record.stack])
        serial = record.family, record.serial_number
        if record.serial_number:
            sets.append(self.serials[serial])
        for ids in sets:
            if sign > 0:
                ids.add(device.id)
            else:
                ids.discard(device.id)
        if record.serial_number and len(self.serials[serial]) > 1:
            self.doubled.add(serial)
        else:
            self.doubled.discard(serial)
        if sign > 0:
            device.site.devices[device.id] = device

    def _count(self, device: DeviceState, sign: int) -> None:
        assert device.record is not None
        kind, site = device.record.kind, device.site
        status = RESTARTING if device.restarts else device.status
        site.counts[kind][status] += sign
        self.totals[kind][status if site.up else "unknown"] += sign
        self.counts_at[device.place, site.id][kind][status] += sign
        self.counted += 1
        if sign > 0 and status in TROUBLED:
            self.troubled[device.id] = device
        else:
            self.troubled.pop(device.id, None)

    def duplicates(self) -> Iterable[tuple[DeviceState, DeviceState]]:
        """Boxes whose serial another site has too, each with the one that was known first (T3)."""
        for serial in self.doubled:
            known = sorted((self.devices[id] for id in self.serials[serial]), key=self._known_since)
            for other in known[1:]:
                if other.site is not known[0].site:
                    yield other, known[0]

    def _known_since(self, device: DeviceState) -> tuple[int, str, str]:
        """By its stack: of one that two sites claim, all boxes are to be told at the same one of them."""
        assert device.record is not None
        stack = self.devices.get(device.record.stack, device)
        return min(stack.first_seen_ms or device.first_seen_ms, device.first_seen_ms), stack.id, device.id

    # Found, not readable

    def put_found(self, found: Found) -> None:
        self.found[found.shown_id] = found
        self.delta.found.add(found.shown_id)

    def drop_found(self, shown_id: str) -> None:
        if self.found.pop(shown_id, None) is not None:
            self.delta.found_gone.add(shown_id)

    # Values

    def intern(self, id: bytes, descriptors: Sequence[Descriptor]) -> Schema:
        known = self.schemas.get(id)
        if known is None:
            known = self.schemas[id] = Schema(id, tuple(descriptors))
        return known

    def declare(self, id: str, site_id: str, schema: Schema, n: int) -> None:
        """From segment `n` on the device's changes count into this schema."""
        device = self.device(id, site_id)
        if device.schema is schema or device.blob_n >= n:
            return
        device.reshape(schema)
        self._soil(device, n)
        if device.record is not None:
            self.delta.face(id, "locate")
        if device.watchers:
            self.delta.values.setdefault(id, set()).update(range(schema.size))

    def _soil(self, device: DeviceState, n: int) -> None:
        if not device.dirty_n:
            device.dirty_n = n
            self.dirty.append(device)

    def apply_values(
        self, site: SiteState, offset_ms: int, devices: Mapping[int, str], values: Sequence[Change], n: int
    ) -> int:
        """One frame's changes, of segment `n`; returns how many named no device of this site or no point of it.
        The hot path: no call per change that isn't a column's."""
        skipped, ref = 0, -1
        device: DeviceState | None = None
        columns: list[bool | int | float | str | None] = []
        times: array[int] = array("q")
        codes = bytearray()
        texts: dict[int, str] = {}
        origins: dict[int, str] = {}
        size, locate = 0, -1
        watched: set[int] | None = None
        shared = self._shared
        for change in values:
            if change.ref != ref:
                ref = change.ref
                device = self._target(devices.get(ref, ""), site, n)
                size, watched = 0, None
                if device is not None:
                    columns, times, codes = device.values, device.times, device.codes
                    texts, origins = device.texts, device.origins
                    size, locate = device.schema.size, device.schema.locate
                    if device.watchers:
                        watched = self.delta.values.setdefault(device.id, set())
            index, time_ms = change.index, change.time_ms + offset_ms
            if not (0 <= index < size and 0 <= time_ms < LATEST_MS):
                skipped += 1
                continue
            if index == locate and device is not None and columns[index] != change.value:
                self.delta.face(device.id, "locate")
            value = change.value
            columns[index] = value if value is None or value is True or value is False else shared(value)
            times[index] = time_ms
            codes[index] = CODES.get(change.quality, GOOD)
            if change.origin:
                origins[index] = change.origin
            elif origins:
                origins.pop(index, None)
            if change.text:
                texts[index] = change.text
            elif texts:
                texts.pop(index, None)
            if watched is not None:
                watched.add(index)
        return skipped

    def share(self, device: DeviceState) -> None:
        """Its values were put in as they were stored."""
        device.values = list(map(self._shared, device.values))

    def _target(self, id: str, site: SiteState, n: int) -> DeviceState | None:
        device = self.devices.get(id)
        if device is None or device.site is not site or device.blob_n >= n:
            return None
        if not device.dirty_n:
            device.dirty_n = n
            self.dirty.append(device)
        return device

    def apply_reads(self, site: SiteState, offset_ms: int, devices: Mapping[int, str], reads: Sequence[Read]) -> None:
        for read in reads:
            device = self.devices.get(devices.get(read.ref, ""))
            time_ms = read.time_ms + offset_ms
            if (
                device is None
                or device.site is not site
                or not 0 <= read.group < len(GROUPS)
                or not 0 <= time_ms < LATEST_MS
            ):
                continue
            device.reads[read.group] = time_ms
            if device.watchers:
                self.delta.judged.add(device.id)

    # Who is looked at

    def watch(self, id: str, by: int) -> None:
        """Only watched devices' values are told one by one."""
        count = self.watchers.get(id, 0) + by
        if count > 0:
            self.watchers[id] = count
        else:
            self.watchers.pop(id, None)
        if (device := self.devices.get(id)) is not None:
            device.watchers = max(count, 0)
