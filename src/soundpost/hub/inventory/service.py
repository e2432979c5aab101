"""The inventory: what agents' sessions hand up (`hub.agents.receiver.Receiver`), and what people ask of it."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from soundpost.device.contract import Periods
from soundpost.device.model import COUNTED, GROUPS, Descriptor, Identity, Reason, Status
from soundpost.hub.agents.receiver import Delivery, Source
from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.inventory import history, ingest, keeper, places, query, repo, rules, views
from soundpost.hub.inventory.apply import Ended, NoteLastUid, OnCommandEnded
from soundpost.hub.inventory.ingest import Ingest
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.inventory.scope import EVERYTHING, Scope, scope
from soundpost.hub.inventory.state import LOST, UP, WAITING, Delta, DeviceState, Found, Restart
from soundpost.hub.inventory.summary import Summary, summary
from soundpost.hub.locations.service import Change as Placed
from soundpost.hub.locations.service import Locations
from soundpost.hub.locations.tree import gone
from soundpost.hub.locations.tree import text as path_text
from soundpost.hub.people.rules import ABOUT_PEOPLE, Principal
from soundpost.hub.store import Event, Store, Tx
from soundpost.kernel import log
from soundpost.kernel.errors import Conflict, Forbidden, NotFound, Unavailable
from soundpost.kernel.signal import Signal
from soundpost.link.envelope import Known

TICK_S = 1.0
SLICE = 1_000
STOP_S = 4.0
WORDED = 2_000
"""Devices that get their search text at one tick: the first search after a hundred thousand were found would take a second."""
Pick = Callable[[str, str], bool]
Transcript = Callable[[str, str], Awaitable[bytes]]


def nobody_listens(_tx: Tx, ended: Ended) -> dict[str, Any]:
    return {"id": ended.body.id, "capability": ended.body.capability, "state": ended.body.state}


class SiteReader:
    """Implements agents.items.Reader: servers and sites as one scope sees them."""

    def __init__(self, inventory: "Inventory", allowed: Scope) -> None:
        self._inventory, self._allowed = inventory, allowed
        self.whole = allowed.everything

    def site(self, site_id: str) -> bool:
        return self._allowed.everything or self._allowed.site(site_id)

    def counts(self, site_id: str) -> dict[str, int]:
        return self._inventory.counts_of(site_id, self._allowed)


def sliced(ids: list[str]) -> Iterator[list[str]]:
    return (ids[at : at + SLICE] for at in range(0, len(ids), SLICE))


class Inventory:
    """`start` before anything is asked of it, `stop` last. `changes` tells what each commit, link change and tick changed.

    Handed in by app.py: `note_last_uid(tx, agent, uid)` (agents), `on_command_ended` (commands), `pick(site, finding)` (agents:
    sends Pick to the site; false when nobody is connected), `transcript_of(site, device)` (agents), `person_of(command)` (commands:
    who asked, "" when unknown).
    """

    def __init__(
        self, store: Store, note_last_uid: NoteLastUid = lambda _tx, _agent, _uid: None, periods: Periods | None = None
    ) -> None:
        self.store, self.clock = store, store.clock
        self.periods = periods or Periods()
        self.memory = Memory(store.clock.now_ms())
        self.locations = Locations(store)
        self.memory.places = self.locations
        self.locations.known = self.memory.called
        self.changes: Signal[Delta] = Signal("inventory")
        self._drawn = places.Drawn()
        self.on_command_ended: OnCommandEnded = nobody_listens
        self.pick: Pick | None = None
        self.transcript_of: Transcript | None = None
        self.person_of: Callable[[str], str] = lambda _command: ""
        self._ingest = Ingest(
            store,
            self.memory,
            self._command_ended,
            note_last_uid,
            self.rebuild,
            self._tell,
        )
        self._keeper = keeper.Keeper(store, self.memory)
        self._historian = history.Historian(store, self.memory)
        self._tasks: list[asyncio.Task[None]] = []
        self._sites_changed = asyncio.Event()
        self._places_changed = asyncio.Event()
        self._unsettled: list[Placed] = []
        self._log = log.get("inventory")

    def break_links_with(self, break_link: ingest.BreakLink) -> None:
        """`break_link(source, error)` (agents) ends the session whose declarations can't be committed."""
        self._ingest.break_link = break_link

    async def start(self) -> None:
        self.locations.changed.subscribe(self._placed)
        await self.rebuild()
        query.ready(self.memory)
        await self._historian.start()
        self.store.subscribe(self._hear)
        loops = (
            self._ingest.run(),
            self._keeper.run(),
            self._historian.run(),
            self._tick(),
            self._follow_sites(),
            self._follow_places(),
        )
        names = ("ingest", "keeper", "history", "tick", "sites", "places")
        self._tasks = [
            asyncio.create_task(loop, name=f"inventory-{name}") for loop, name in zip(loops, names, strict=True)
        ]

    async def stop(self) -> None:
        self.store.unsubscribe(self._hear)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        # What there is time for: the redo log has it all, and who stops a hub won't wait for it.
        with contextlib.suppress(Exception):
            async with self.clock.timeout(STOP_S):
                await self.flush()

    async def rebuild(self) -> None:
        """Memory as the store tells it; also after a commit whose outcome nobody knows (T14). Places first: devices are put there."""
        await self.locations.start()
        stored = await self.store.read(keeper.Stored)
        keeper.load(self.memory, stored)
        self.memory.take_delta()
        self.memory.delta.reset = True
        self._tell()

    async def idle(self) -> None:
        """Until what sessions told so far is committed."""
        await self._ingest.idle()

    async def flush(self) -> None:
        """Everything the redo log tells is in blobs and in history."""
        await self._keeper.flush()
        await self._historian.seal()

    async def values_of(self, device: DeviceState, key: str, from_ms: int, to_ms: int) -> list[history.Sample]:
        """What a point was between two times, as observed; up to now."""
        if key not in device.schema.index:
            raise NotFound("This device has no such point.", code="not_found", key=key)
        places = {schema.id: schema.index[key] for schema in self.memory.schemas.values() if key in schema.index}
        return await self._historian.samples(device.id, places, from_ms, to_ms)

    async def transcript(self, who: Who, device: DeviceState) -> bytes:
        """What went over its line of late: it shows what other people's programs said there, so that it was read is a fact."""
        if self.transcript_of is None:
            raise Unavailable("Nobody can be asked for it here.", code="agent_lost")
        text = await self.transcript_of(device.site.id, device.id)
        await self.store.unit_of_work(lambda tx: audit.recorded(tx, who, "transcript.read", device=device.id))
        return text

    # Receiver

    def deliver(self, delivery: Delivery) -> None:
        self._ingest.deliver(delivery)

    def declare(
        self, source: Source, device: str, identity: Identity, generation: int, points: Sequence[Descriptor]
    ) -> str:
        return self._ingest.declare(source, device, generation, points)

    def attached(self, source: Source) -> None:
        self._ingest.attached(source)
        link = self.memory.site(source.site).link
        link.agent, link.epoch = source.agent, source.epoch
        self.memory.set_link(source.site, UP, self.clock.now_ms())
        self._tell()

    def detached(self, source: Source, reason_code: str, text: str) -> None:
        link = self.memory.site(source.site).link
        if link.agent == source.agent and link.epoch > source.epoch:
            return  # a newer session has it
        reason = Reason("agent_lost", text or "The server of this site is out of contact.", {"cause": reason_code})
        self.memory.set_link(source.site, LOST, self.clock.now_ms(), reason)
        self._tell()

    async def known(self, site: str) -> list[Known]:
        state = self.memory.sites.get(site)
        devices = [(d, d.record) for d in state.devices.values()] if state else []
        return [
            Known(d.id, record.kind, record.identity, d.generation, record.boxes, record.revision)
            for d, record in devices
            if record is not None
        ]

    def _command_ended(self, tx: Tx, ended: Ended) -> dict[str, Any]:
        return self.on_command_ended(tx, ended)  # handed in after this is made: looked up when it is needed

    # Questions

    def scope(self, person: Principal | None) -> Scope:
        return scope(self.memory, person)

    def places_within(self, person: Principal, places: Collection[str]) -> None:
        """Raises NotFound or Forbidden where one of the places is not there, or not in this person's part of the tree."""
        allowed = self.scope(person)
        for place in places:
            self.locations.tree.get(place)
            self.may_change(place, allowed)

    def part_of(self, person: Principal) -> Callable[[str], bool] | None:
        """Which devices lie in the part of the tree a person is limited to now; None: they see all. For rooms below, who may ask it in
        any thread."""
        allowed = self.scope(person)
        places = frozenset(id for id in self.locations.tree.places if allowed.place(id))

        def sees(id: str) -> bool:
            device = self.memory.devices.get(id)
            return device is not None and device.place in places

        return None if allowed.everything else sees

    def find(self, id: str, allowed: Scope) -> DeviceState:
        """Raises NotFound, also for what this reader may not see."""
        device = self.memory.devices.get(id)
        if device is None or device.record is None or not (allowed.everything or allowed.device(device)):
            raise NotFound("There is no such device.", id=id)
        return device

    def at_address(self, address: str, allowed: Scope) -> list[DeviceState]:
        """All that answer at exactly this address now, which is written as `ipaddress` writes it."""
        return query.at_address(self.memory, address, allowed)

    def since_ms(self, id: str) -> int:
        """Since when its status is what it is shown as; 0 where nobody knows."""
        return views.shown(self.memory.devices[id]).since_ms

    def name_of(self, id: str) -> str:
        device = self.memory.devices.get(id)
        record = device.record if device else None
        return (record.name or record.serial_number) if record else ""

    def path_of(self, id: str) -> str:
        """Where a device hangs, with all above it; "" where that is nowhere."""
        device = self.memory.devices.get(id)
        return path_text(self.locations.tree.path(device.place)) if device else ""

    def finder(self) -> Callable[[str, str], Sequence[str]]:
        """For a table of rooms: the box with that serial, with or without separators; or what answers at that address, of a stack
        the stack."""
        serials, addresses = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
        for device in self.memory.devices.values():
            if (record := device.record) is None:
                continue
            if record.serial_number:
                serials[rules.plain(record.serial_number.lower())].append(device.id)
            if record.address and not record.stack:
                addresses[record.address].append(device.id)
        return lambda serial, address: (
            serials.get(rules.plain(serial.lower()), ()) if serial else addresses.get(address, ())
        )

    def places_changed(self) -> None:
        """Who may change them is another now."""
        self.memory.delta.places = True
        self._tell()

    def unplaced(self, allowed: Scope) -> int:
        """Devices, stacks left out, that are nowhere: in nobody's part of the places."""
        if not allowed.everything:
            return 0
        nowhere = (kinds for (place, _), kinds in self.memory.counts_at.items() if not place)
        return sum(n for kinds in nowhere for kind in COUNTED for n in kinds.get(kind, {}).values())

    # Places

    def tree(self, allowed: Scope) -> list[places.LocationItem]:
        """Parents before children."""
        return list(self.drawn(allowed).values())

    def drawn(self, allowed: Scope) -> dict[str, places.LocationItem]:
        """The same by id, as it is kept: not to be changed."""
        return self._drawn.items(self.memory, allowed)

    def may_see_place(self, id: str, allowed: Scope) -> None:
        """Raises NotFound for a place that is not there, or not for this reader: neither itself nor anything below it is."""
        place = self.locations.tree.get(id)
        if not allowed.everything and not any(allowed.place(below.id) for below in self.locations.tree.under(id)):
            raise gone(place.id)

    def see_place(self, id: str, allowed: Scope) -> None:
        """Raises NotFound unless the place itself is seen, and not only as the way to one below it."""
        place = self.locations.tree.get(id)
        if not allowed.place(id):
            raise gone(place.id)

    def may_change(self, id: str | None, allowed: Scope) -> None:
        """Raises NotFound for a place that is not wholly in the reader's part of the tree; the top is nobody's part."""
        if allowed.everything:
            return
        if not id:
            raise Forbidden("Only who sees all places may change the uppermost ones.", code="not_allowed")
        self.may_see_place(id, allowed)
        if not allowed.place(id):
            raise Forbidden("This place is not in your part of the tree.", code="not_allowed")

    def item(self, device: DeviceState) -> views.DeviceItem:
        return views.device_item(self.memory, device, self.clock.now_ms())

    def points(self, device: DeviceState, places: Sequence[int] | None = None) -> list[views.PointItem]:
        now_ms = self.clock.now_ms()
        wanted = range(device.schema.size) if places is None else places
        return [views.point_item(device, i, now_ms, self.periods, self.person_of) for i in wanted]

    def select(self, asked: Mapping[str, str | None], allowed: Scope) -> query.Page:
        return query.select(self.memory, query.parse(asked), allowed)

    def found(self, allowed: Scope, site: str | None = None) -> list[Found]:
        """What agents found and can't read, and serials that two sites claim."""
        entries = [*self.memory.found.values()]
        entries += [views.duplicate(self.memory, other, known) for other, known in self.memory.duplicates()]
        return [
            entry
            for entry in sorted(entries, key=lambda e: (-e.time_ms, e.shown_id))
            if (site is None or entry.site == site) and self._finds(entry, allowed)
        ]

    def _finds(self, entry: Found, allowed: Scope) -> bool:
        """What can't be read was put nowhere by hand; only a rule for its address says where it would be."""
        if allowed.everything:
            return True
        rule = self.locations.rule_for((), entry.address) if allowed.site(entry.site) else None
        return rule is not None and allowed.place(rule.location)

    def found_view(self, entry: Found) -> views.FoundItem:
        return views.found_item(self.memory, entry)

    def summary(self, allowed: Scope) -> Summary:
        return summary(self.memory, self.found(allowed), allowed, self.clock.now_ms())

    def reader_of(self, person: Principal | None) -> "SiteReader":
        return SiteReader(self, self.scope(person))

    def counts_of(self, site: str, allowed: Scope = EVERYTHING) -> dict[str, int]:
        """A site's devices by status as shown, stacks left out."""
        counts = allowed.counts_of_site(self.memory, site)
        return {status: counts.get(status, 0) for status in (*map(str, Status), rules.RESTARTING)}

    async def history(self, device: DeviceState, limit: int) -> list[repo.HistoryRow]:
        return await self.store.read(lambda conn: repo.history(conn, device.id, limit))

    async def list_found(self, who: Who, shown_id: str, allowed: Scope) -> None:
        """Asks the site to list what it found (policy *ask*)."""
        entry = self.memory.found.get(shown_id)
        if entry is None or not self._finds(entry, allowed):
            raise NotFound("Nothing was found under this id; it may have gone, or be listed by now.", id=shown_id)
        if entry.reason.code != "asks":
            raise Conflict(
                "This can't be listed as it is; see what it needs.", code="not_listable", reason=entry.reason.code
            )
        detail = {"site": entry.site, "address": entry.address}
        async with audit.around(self.store, who, "found.listed", subject=shown_id, detail=detail):
            up = self.memory.site(entry.site).link.state == UP
            if not up or self.pick is None or not self.pick(entry.site, entry.id):
                raise Unavailable(
                    "The server of this site is out of contact; try again when it is back.", code="agent_lost"
                )

    async def events(
        self,
        allowed: Scope,
        *,
        after: int | None,
        before: int | None,
        limit: int,
        device: str | None = None,
        site: str | None = None,
        location: str | None = None,
        types: Sequence[str] | None = None,
    ) -> list[Event]:
        """Up to `limit` events this reader may see, upward or downward; what is hidden leaves gaps, never short pages. `location`:
        those of the devices that are there or below it now."""
        kept: list[Event] = []
        there = self._below(location, allowed) if location else None
        # of many devices the newest page mostly has some; of few it would be a long way down
        few = there if there is not None and len(there) <= SLICE else None
        while len(kept) < limit:
            at = (after, before)
            page = await self.store.read(
                lambda conn, at=at: repo.events_page(  # type: ignore[misc]
                    conn, after=at[0], before=at[1], limit=limit, device=device, site=site, types=types, among=few
                )
            )
            kept += [event for event in page if self.sees(event, allowed) and (there is None or event.device in there)]
            if len(page) < limit:
                break
            after, before = (None, page[-1].id) if before is not None else (page[-1].id, None)
        return kept[:limit]

    def _below(self, location: str, allowed: Scope) -> frozenset[str]:
        self.may_see_place(location, allowed)
        below = self.locations.tree.under(location)
        return frozenset(device.id for place in below for device in self.memory.at.get(place.id, ()))

    def sees(self, event: Event, allowed: Scope) -> bool:
        """The one place where events are narrowed, for pages and for live topics (T34)."""
        if event.type.startswith(ABOUT_PEOPLE) and not allowed.people:
            return False
        if allowed.everything:
            return True
        if event.device:
            device = self.memory.devices.get(event.device)
            return device is not None and allowed.device(device)
        # Of a site only how its server stands: what a sweep found or could not read may be anywhere.
        return event.type.startswith("agent.") and bool(event.site) and allowed.site(event.site)

    def restart_told(self, device: str, restart: Restart | None, command: str) -> None:
        """A restart was asked, or ended; None when it did not come to pass. Devices that are away meanwhile are counted apart."""
        state = self.memory.devices.get(device)
        if restart is not None:
            self.memory.put_restart(device, restart)
        elif state is not None and state.record is not None:
            self.memory.drop_restart(state.record.stack or device, command)
        self._tell()

    # What time and lower rooms change

    def _tell(self) -> None:
        if self.memory.delta:
            self.changes.emit(self.memory.take_delta())

    def _hear(self, events: list[Event]) -> None:
        """The agents' room says that names, zones or states of sites may have changed."""
        if any(event.type.startswith("agent.") for event in events):
            self._sites_changed.set()

    def _placed(self, change: Placed) -> None:
        """Places, or what was put there, changed: a few devices follow at once, many in slices, so that nobody waits for it."""
        if not change.rules and len(change.devices) + len(self._renamed(change)) <= SLICE:
            self._settle(list(change.devices), list(self._renamed(change)))
            return
        self._unsettled.append(change)
        self._places_changed.set()

    def _renamed(self, change: Placed) -> set[str]:
        """Places that are shown otherwise now: what lies below one that was renamed or moved, too."""
        tree = self.locations.tree
        below = {below.id for place in change.places for below in tree.under(place)}
        return below | (change.places - tree.places.keys())

    def _settle(self, devices: Iterable[str], renamed: Iterable[str]) -> None:
        self.memory.settle(devices)
        self.memory.renamed_places(renamed)
        self.memory.delta.places = True
        self._tell()

    async def _follow_places(self) -> None:
        while True:
            await self._places_changed.wait()
            self._places_changed.clear()
            changes, self._unsettled = self._unsettled, []
            devices = set[str]().union(*(change.devices for change in changes))
            if any(change.rules for change in changes):
                devices |= self.memory.devices.keys()
            renamed = set[str]().union(*(self._renamed(change) for change in changes))
            for some in sliced(list(devices)):
                self._settle(some, ())
                await self.clock.sleep(0)
            for some in sliced(list(renamed)):
                self._settle((), some)
                await self.clock.sleep(0)

    async def _follow_sites(self) -> None:
        while True:
            await self._sites_changed.wait()
            self._sites_changed.clear()
            try:
                for row in await self.store.read(repo.site_rows):
                    self.memory.put_site(*row)
            except Exception as error:
                self._log.warning("sites could not be read; trying again", error=str(error))
                self._sites_changed.set()
                await self.clock.sleep(TICK_S)
            self._tell()

    async def _tick(self) -> None:
        while True:
            await self.clock.sleep(TICK_S)
            try:
                self.tick()
            except Exception:
                self._log.exception("the inventory's tick failed")

    def tick(self) -> None:
        """Finds what changed only because time passed: agents that never came back, values that grew old."""
        query.worded(self.memory, WORDED)
        now_ms = self.clock.now_ms()
        if now_ms - self.memory.started_ms >= rules.START_GRACE_MS:
            for site in self.memory.sites.values():
                if site.link.state == WAITING:
                    self.memory.set_link(site.id, LOST, now_ms)
        for stack, restart in tuple(self.memory.restarts.items()):
            if rules.is_over(restart, now_ms):
                self.memory.drop_restart(stack)
        for id in self.memory.watchers:
            if (device := self.memory.devices.get(id)) is not None:
                self._judge(device, now_ms)
        self._tell()

    def _judge(self, device: DeviceState, now_ms: int) -> None:
        old = 0
        for group in range(len(GROUPS)):
            if rules.is_old(device.reads[group], now_ms, rules.old_after_ms(group, self.periods)):
                old |= 1 << group
        if old != device.old:
            device.old = old
            self.memory.delta.judged.add(device.id)
