"""The one way in: what agents deliver is committed, then known, then acked, then shown (T14).

At once when idle; while more arrives than one commit takes, every 20 ms. A commit that fails is tried again agent by
agent, then entry by entry, so that one bad entry harms nobody else (T16). When nobody knows whether a commit happened, the
links are closed and memory is rebuilt from the store.
"""

import asyncio
import functools
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from soundpost.device.model import Descriptor
from soundpost.hub.agents.receiver import Delivery, Source
from soundpost.hub.inventory import batches, repo, segments
from soundpost.hub.inventory.apply import Effect, FactRun, NoteLastUid, OnCommandEnded, set_aside
from soundpost.hub.inventory.batches import Declaration, Item, Piece
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.inventory.state import Schema
from soundpost.hub.store import CommitUnknown, Store, Tx, dialect
from soundpost.kernel import log
from soundpost.kernel.backoff import delay
from soundpost.kernel.errors import Unavailable
from soundpost.link import events

PACE_S = 0.020
BreakLink = Callable[[Source, Exception], None]


def nobody_to_break(_source: Source, _error: Exception) -> None: ...


class Ingest:
    """`rebuild` reads memory anew from the store; `told` tells what a commit changed, after acks."""

    def __init__(
        self,
        store: Store,
        memory: Memory,
        on_command_ended: OnCommandEnded,
        note_last_uid: NoteLastUid,
        rebuild: Callable[[], Awaitable[None]],
        told: Callable[[], None],
    ) -> None:
        self._store, self._memory = store, memory
        self._on_ended, self._note = on_command_ended, note_last_uid
        self._rebuild, self._told = rebuild, told
        self.break_link: BreakLink = nobody_to_break
        self._waiting: deque[Item] = deque()
        self._woken = asyncio.Event()
        self._calm = asyncio.Event()
        self._calm.set()
        self._new_schemas: dict[bytes, bytes] = {}
        self._owners: dict[str, str] = {}
        self._broken: dict[str, int] = {}
        self._log = log.get("inventory")
        self.skipped = 0
        """Changes that named no device or no point the hub knows."""

    # What sessions call; none of it waits

    def declare(self, source: Source, device: str, generation: int, points: Sequence[Descriptor]) -> str:
        known = self._memory.devices.get(device)
        owner = known.site.id if known else self._owners.setdefault(device, source.site)
        if owner != source.site:
            return "other_site"
        if known and known.record is not None and 0 < generation < known.generation:
            return "old_generation"
        body = batches.body_of(points)
        schema_id = hashlib.blake2b(body, digest_size=16).digest()
        if points and schema_id not in self._memory.schemas:
            self._new_schemas[schema_id] = body
        schema = self._memory.intern(schema_id if points else b"", points)
        self._waiting.append(Declaration(source, device, schema))
        self._wake()
        return ""

    def deliver(self, delivery: Delivery) -> None:
        if self._broken.get(delivery.source.agent) == delivery.source.epoch:
            # Something before it was not committed, and nothing overtakes inside a lane (T8).
            delivery.failed(Unavailable("This session is over; connect again.", code="commit_failed"))
            return
        self._waiting.extend(batches.pieces(delivery))
        self._wake()

    def _wake(self) -> None:
        self._calm.clear()
        self._woken.set()

    async def idle(self) -> None:
        """Until all that was told is committed, or given up. Only while `run` runs."""
        await self._calm.wait()

    # The loop

    async def run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                began = self._store.clock.monotonic()
                items = batches.take(self._waiting)
                try:
                    await self._batch(items)
                except Exception as error:  # a bug of ours must not end the only way in
                    self._log.exception("a batch broke")
                    self._give_up(items, error)
                rest = PACE_S - (self._store.clock.monotonic() - began)
                if self._waiting and rest > 0:
                    await self._store.clock.sleep(rest)
            self._calm.set()

    async def _batch(self, items: list[Item]) -> None:
        try:
            await self._commit(items)
        except CommitUnknown as error:
            await self._start_over(items, error)
        except Exception as error:
            self._log.warning("a shared commit failed; trying agent by agent", error=str(error))
            for group in batches.by_agent(items):
                await self._agent(group)
        self._told()

    async def _agent(self, items: list[Item]) -> None:
        try:
            await self._commit(items)
        except CommitUnknown as error:
            await self._start_over(items, error)
        except Exception:
            await self._one_by_one(items)

    async def _one_by_one(self, items: list[Item]) -> None:
        single = deque(one for item in items for one in batches.one_by_one(item))
        while single:
            item = single.popleft()
            try:
                await self._commit([item])
            except CommitUnknown as error:
                return await self._start_over([item, *single], error)
            except Exception as error:
                if dialect.is_trouble(error):  # the database's fault, no entry's (T16)
                    return self._give_up([item, *single], error)
                try:
                    await self._poison(item, error)
                except Exception as worse:
                    return self._give_up([item, *single], worse)
        return None

    async def _poison(self, item: Item, error: Exception) -> None:
        """This entry alone can't be committed: it is kept apart, so that the rest can be acked."""
        reason = f"{type(error).__name__}: {error}"[:500]
        if isinstance(item, Declaration):
            self._log.error("a declaration was set aside", device=item.device, reason=reason)
            return
        source, part = item.delivery.source, item.part

        def work(tx: Tx) -> None:
            for fact in part.facts:
                set_aside(tx, source, events.pack(fact), reason, uid=fact.uid)
            for body, code in part.rejected:
                set_aside(tx, source, body, code)
            if item.values and item.delivery.values:
                body = segments.pack_segment([self._frame(item)])
                set_aside(tx, source, body, reason)

        await self._store.unit_of_work(work, ingest=True)
        self._ack([item])

    # One commit

    async def _commit(self, items: Sequence[Item]) -> None:
        entries = self._entries(items)
        pieces = [item for item in items if isinstance(item, Piece)]
        parts = [p.part for p in pieces if p.part.facts or p.part.rejected or p.part.last_uid]
        if entries or parts:
            n = self._memory.segment + 1
            schemas = dict(self._new_schemas)

            def work(tx: Tx) -> None:
                effects = FactRun(tx, parts, self._on_ended, self._note).run() if parts else []
                if schemas:
                    repo.put_schemas(tx.conn, schemas)
                if entries:
                    repo.add_segment(tx.conn, n, tx.now_ms, segments.pack_segment(entries))
                tx.after(lambda: self._learn(effects, items, n if entries else 0))

            await self._store.unit_of_work(work, ingest=True)
            for id in schemas:
                self._new_schemas.pop(id, None)
        else:
            self._learn([], items, 0)
        self._ack(pieces)

    def _entries(self, items: Sequence[Item]) -> list[segments.Entry]:
        entries: list[segments.Entry] = []
        now: dict[str, Schema] = {}
        for item in items:
            if isinstance(item, Declaration):
                known = self._memory.devices.get(item.device)
                before = now.get(item.device) or (known.schema if known else None)
                now[item.device] = item.schema
                if before is not item.schema:
                    entries.append(segments.Declared(item.device, item.source.site, item.schema.id))
            elif item.values and item.delivery.values:
                entries.append(self._frame(item))
        return entries

    def _frame(self, item: Piece) -> segments.Frame:
        delivery = item.delivery
        return segments.frame(delivery.source.site, delivery.source.offset_ms, delivery.devices, delivery.values)

    def _learn(self, effects: Sequence[Effect], items: Sequence[Item], n: int) -> None:
        """Committed: memory may know."""
        memory = self._memory
        for effect in effects:
            effect(memory)
        if n:
            memory.segment = n
        for item in items:
            if isinstance(item, Declaration):
                self._owners.pop(item.device, None)
                memory.declare(item.device, item.source.site, item.schema, n)
            elif item.values:
                delivery, site = item.delivery, memory.site(item.delivery.source.site)
                offset = delivery.source.offset_ms
                self.skipped += memory.apply_values(site, offset, delivery.devices, delivery.values, n)
                memory.apply_reads(site, offset, delivery.devices, delivery.reads)

    def _ack(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            if piece.last:
                self._guarded(piece.delivery.done)

    def _guarded(self, tell: Callable[[], None]) -> None:
        """A session that breaks when it is told must not make others' commits look failed."""
        try:
            tell()
        except Exception:
            self._log.exception("a session could not be told")

    # When it goes wrong

    def _give_up(self, items: Sequence[Item], error: Exception) -> None:
        """None of these was committed: their sessions end, and the agents send it all again."""
        failed = {id(item.delivery): item.delivery for item in items if isinstance(item, Piece)}
        # A session that only declared ends as well: what it says next would count into a description nobody has.
        declared = {item.source.agent: item.source for item in items if isinstance(item, Declaration)}
        for source in (*declared.values(), *(delivery.source for delivery in failed.values())):
            self._broken[source.agent] = source.epoch
        agents = {*declared, *(delivery.source.agent for delivery in failed.values())}
        kept: deque[Item] = deque()
        for item in self._waiting:
            if source_of(item).agent not in agents:
                kept.append(item)
            elif isinstance(item, Piece):
                failed[id(item.delivery)] = item.delivery
            else:
                self._owners.pop(item.device, None)
        self._waiting = kept
        self._log.error("deliveries could not be committed", agents=len(agents), error=str(error))
        for delivery in failed.values():
            self._guarded(functools.partial(delivery.failed, error))
        for source in declared.values():
            self._guarded(functools.partial(self.break_link, source, error))

    async def _start_over(self, items: Sequence[Item], error: CommitUnknown) -> None:
        """Nothing is taken in until memory is what the store says, however long the store is away."""
        self._give_up([*items, *self._waiting], error)
        self._waiting.clear()
        failures = 0
        while True:
            try:
                return await self._rebuild()
            except Exception as cause:
                self._log.error("memory could not be read from the store; trying again", error=str(cause))
                failures += 1
                await self._store.clock.sleep(delay(failures, 0.5, first=0.2, most=10.0))

    def attached(self, source: Source) -> None:
        if self._broken.get(source.agent, source.epoch) != source.epoch:
            del self._broken[source.agent]


def source_of(item: Item) -> Source:
    return item.source if isinstance(item, Declaration) else item.delivery.source
