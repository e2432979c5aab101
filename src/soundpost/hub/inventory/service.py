"""The inventory: what agents' sessions hand up (`hub.agents.receiver.Receiver`), and what people ask of it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from soundpost.device.contract import Periods
from soundpost.device.model import GROUPS, Descriptor, Identity, Kind, Reason, Status
from soundpost.hub.agents.receiver import Delivery, Source
from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.inventory import history, ingest, keeper, query, repo, rules, views
from soundpost.hub.inventory.apply import Ended, NoteLastUid, OnCommandEnded
from soundpost.hub.inventory.ingest import Ingest
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.inventory.scope import Scope, scope
from soundpost.hub.inventory.state import LOST, UP, WAITING, Delta, DeviceState, Found, Restart
from soundpost.hub.inventory.summary import Summary, summary
from soundpost.hub.store import Event, Store, Tx
from soundpost.kernel import log
from soundpost.kernel.errors import Conflict, NotFound, Unavailable
from soundpost.kernel.signal import Signal
from soundpost.link.envelope import Known

TICK_S = 1.0
STOP_S = 4.0
WORDED = 2_000
"""Devices that get their search text at one tick: the first search after a hundred thousand were found would take a second."""
Pick = Callable[[str, str], bool]
Transcript = Callable[[str, str], Awaitable[bytes]]


def nobody_listens(_tx: Tx, ended: Ended) -> dict[str, Any]:
    return {"id": ended.body.id, "capability": ended.body.capability, "state": ended.body.state}


class Inventory:
    """`start` before anything is asked of it, `stop` last. `changes` tells what each commit, link change and tick changed.

    Handed in by app.py: `note_last_uid(tx, agent, uid)` (agents), `on_command_ended` (commands), `pick(site, finding)` (agents:
    sends Pick to the site; false when nobody is connected), `transcript_of(site, device)` (agents), `person_of(command)` (commands:
    who asked, "" when unknown).
    """

    scope = staticmethod(scope)

    def __init__(
        self, store: Store, note_last_uid: NoteLastUid = lambda _tx, _agent, _uid: None, periods: Periods | None = None
    ) -> None:
        self.store, self.clock = store, store.clock
        self.periods = periods or Periods()
        self.memory = Memory(store.clock.now_ms())
        self.changes: Signal[Delta] = Signal("inventory")
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
        self._log = log.get("inventory")

    def break_links_with(self, break_link: ingest.BreakLink) -> None:
        """`break_link(source, error)` (agents) ends the session whose declarations can't be committed."""
        self._ingest.break_link = break_link

    async def start(self) -> None:
        await self.rebuild()
        query.ready(self.memory)
        await self._historian.start()
        self.store.subscribe(self._hear)
        loops = (self._ingest.run(), self._keeper.run(), self._historian.run(), self._tick(), self._follow_sites())
        names = ("ingest", "keeper", "history", "tick", "sites")
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
        """Memory as the store tells it; also after a commit whose outcome nobody knows (T14)."""
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

    def find(self, id: str, allowed: Scope) -> DeviceState:
        """Raises NotFound, also for what this reader may not see."""
        device = self.memory.devices.get(id)
        if device is None or device.record is None or not (allowed.everything or allowed.device(device)):
            raise NotFound("There is no such device.", id=id)
        return device

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
            if (site is None or entry.site == site) and (allowed.everything or allowed.site(entry.site))
        ]

    def found_view(self, entry: Found) -> views.FoundItem:
        return views.found_item(self.memory, entry)

    def summary(self, allowed: Scope) -> Summary:
        return summary(self.memory, self.found(allowed), allowed, self.clock.now_ms())

    def counts_of(self, site: str) -> dict[str, int]:
        """A site's devices by status as shown, stacks left out."""
        counts = dict.fromkeys((*map(str, Status), rules.RESTARTING), 0)
        if (state := self.memory.sites.get(site)) is not None:
            for kind, statuses in state.counts.items():
                for status, n in statuses.items():
                    if kind != Kind.STACK:
                        counts[str(status) if state.up else "unknown"] += n
        return counts

    async def history(self, device: DeviceState, limit: int) -> list[repo.HistoryRow]:
        return await self.store.read(lambda conn: repo.history(conn, device.id, limit))

    async def list_found(self, shown_id: str, allowed: Scope) -> None:
        """Asks the site to list what it found (policy *ask*)."""
        entry = self.memory.found.get(shown_id)
        if entry is None or not (allowed.everything or allowed.site(entry.site)):
            raise NotFound("Nothing was found under this id; it may have gone, or be listed by now.", id=shown_id)
        if entry.reason.code != "asks":
            raise Conflict("This can't be listed as it is; see what it needs.", code=entry.reason.code)
        if self.memory.site(entry.site).link.state != UP or self.pick is None or not self.pick(entry.site, entry.id):
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
        types: Sequence[str] | None = None,
    ) -> list[Event]:
        """Up to `limit` events this reader may see, upward or downward; what is hidden leaves gaps, never short pages."""
        kept: list[Event] = []
        while len(kept) < limit:
            at = (after, before)
            page = await self.store.read(
                lambda conn, at=at: repo.events_page(  # type: ignore[misc]
                    conn, after=at[0], before=at[1], limit=limit, device=device, site=site, types=types
                )
            )
            kept += [event for event in page if self.sees(event, allowed)]
            if len(page) < limit:
                break
            after, before = (None, page[-1].id) if before is not None else (page[-1].id, None)
        return kept[:limit]

    def sees(self, event: Event, allowed: Scope) -> bool:
        if allowed.everything:
            return True
        if event.device:
            device = self.memory.devices.get(event.device)
            return device is not None and allowed.device(device)
        return bool(event.site) and allowed.site(event.site)

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
