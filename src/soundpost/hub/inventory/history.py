"""Values over time (T17): every few minutes what the redo log tells is sealed into one chunk per device, off the hot path.

A chunk is written by the same commit that moves the mark, so a kill leaves neither a gap nor a double; a segment goes only
when the mark is past it. Key: device, point, observed time.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice

import msgspec
import zstandard
from msgspec import Struct
from sqlalchemy import Connection

from soundpost.device.model import Value
from soundpost.hub.inventory import repo, segments
from soundpost.hub.inventory.keeper import readable
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.store import CommitUnknown, Store, Tx
from soundpost.kernel import log
from soundpost.kernel.errors import Corrupt
from soundpost.link.envelope import Change

SEAL_S = 300.0
READ, CHUNKS = 50, 200
"""Segments read at a time; chunks written in one commit (T12)."""
SAMPLES = 500_000
"""Held in memory before they are written: the more, the fewer chunks a device has."""
STEP, PACKED = 2_000, 50
"""Changes and chunks the loop works off at one go."""
KEPT_MS = 400 * 86_400_000
TRIM_S = 3_600.0
LEVEL = b"\x01"


class Sample(Struct, array_like=True, frozen=True, gc=False):
    """`point` is a place in the chunk's schema; `time_ms` the hub's clock; `quality` as the agent told it."""

    point: int
    time_ms: int
    value: Value | None
    quality: str = "good"


class Chunk(Struct):
    device: str
    schema: bytes
    samples: list[Sample]

    @property
    def from_ms(self) -> int:
        return min(sample.time_ms for sample in self.samples)

    @property
    def to_ms(self) -> int:
        return max(sample.time_ms for sample in self.samples)


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[list[Sample]] = msgspec.msgpack.Decoder(list[Sample])


def pack(samples: list[Sample]) -> bytes:
    """For the event loop's thread alone."""
    return LEVEL + segments.compressed(_encoder.encode(samples))


def unpack(body: bytes) -> list[Sample]:
    if body[:1] != LEVEL:
        raise Corrupt("Stored history was written by a newer version.", code="history_level")
    try:
        return _decoder.decode(zstandard.decompress(body[1:]))
    except (zstandard.ZstdError, msgspec.DecodeError) as cause:
        raise Corrupt("Stored history can't be read.", code="history_unreadable", cause=str(cause)) from None


class Gathering:
    """What segments say, by device and schema; pure. `schemas`: what each device was described as before them. Values of a device
    whose schema nobody declared yet are left out: history under a wrong name is worse than none."""

    def __init__(self, schemas: Mapping[str, bytes]) -> None:
        self._before = schemas
        self.described: dict[str, bytes] = {}
        """By the declarations among them."""
        self.size = 0
        self._samples: dict[tuple[str, bytes], list[Sample]] = defaultdict(list)

    def take(self, entries: Iterable[segments.Entry]) -> Iterator[None]:
        """Yields now and then, so that whoever has others to serve can do so."""
        for entry in entries:
            if isinstance(entry, segments.Declared):
                self.described[entry.device] = entry.schema
                continue
            for start in range(0, len(entry.values), STEP):
                self._frame(entry, entry.values[start : start + STEP])
                yield

    def _frame(self, frame: segments.Frame, changes: list[Change]) -> None:
        ref, samples = -1, list[Sample]()
        for change in changes:
            if change.ref != ref:
                ref, device = change.ref, frame.devices.get(change.ref, "")
                schema = self.schema_of(device)
                samples = self._samples[device, schema] if schema else []
            samples.append(Sample(change.index, change.time_ms + frame.offset_ms, change.value, change.quality))
        self.size += len(changes)

    def schema_of(self, device: str) -> bytes:
        known = self.described.get(device)
        return self._before.get(device, b"") if known is None else known

    def chunks(self) -> Iterator[Chunk]:
        """Once; what was told goes as it is asked for, since freeing half a million samples at one go takes its time too."""
        for device, schema in tuple(self._samples):
            yield Chunk(device, schema, self._samples.pop((device, schema)))


class Historian:
    """`memory.sealed` is the last segment whose values are in chunks; the keeper drops none after it."""

    def __init__(self, store: Store, memory: Memory) -> None:
        self._store, self._memory = store, memory
        self._schemas: dict[str, bytes] = {}
        """What each device was described as at the mark."""
        self._sure = False
        self._one, self._mark = asyncio.Lock(), asyncio.Lock()
        self._log = log.get("inventory")

    async def start(self) -> None:
        # Memory first: it is never ahead of the disk, so whatever described a device after the mark is in what is read next.
        described = {id: device.schema.id for id, device in self._memory.devices.items() if device.schema.size}
        self._memory.sealed, anew, newest = await self._store.read(self._stored)
        # Nothing after the mark describes the others, so they are at the mark what they are now. Of those that were described since,
        # a chunk may tell what they were; else nobody knows any more, and what they told before that is left out.
        self._schemas = {id: schema for id, schema in described.items() if id not in anew}
        self._schemas.update({id: schema for id, schema in newest.items() if id in anew})
        self._sure = True

    def _stored(self, conn: Connection) -> tuple[int, set[str], dict[str, bytes]]:
        """The mark, the devices that were described after it, and the newest chunks' schemas."""
        mark, anew = repo.sealed(conn), set[str]()
        for n, body in repo.segments_since(conn, mark, READ):
            anew |= readable(body, segments.described_in, n) or set()
        return mark, anew, repo.sealed_schemas(conn, mark) if anew else {}

    async def run(self) -> None:
        trimmed = self._store.clock.monotonic()
        while True:
            await self._store.clock.sleep(SEAL_S)
            try:
                await self.seal()
                if self._store.clock.monotonic() - trimmed >= TRIM_S:
                    trimmed = self._store.clock.monotonic()
                    await self._store.unit_of_work(lambda tx: repo.trim_history(tx.conn, tx.now_ms - KEPT_MS))
            except Exception as error:  # the segments stay until it works: nothing is lost
                self._log.warning("history could not be sealed; trying again", error=str(error))

    async def seal(self) -> None:
        """Everything committed until now is in chunks when this returns."""
        async with self._one:
            await self._made_sure()
            while await self._some():
                pass

    async def _made_sure(self) -> None:
        if not self._sure:
            await self.start()

    async def _some(self) -> bool:
        """One round: what it may hold in memory, or all there is. False when nothing is left.

        It is worked off on the event loop in small steps. A thread would hold the interpreter for 5 ms each time the loop wants it
        back, thousands of times over; steps cost the loop only themselves."""
        gathering, upto = Gathering(self._schemas), self._memory.sealed
        more = True
        while more and gathering.size < SAMPLES:
            rows = await self._store.read(lambda conn, n=upto: repo.segments_after(conn, n, READ))  # type: ignore[misc]
            more = len(rows) == READ
            for n, body in rows:
                upto = n
                for _ in gathering.take(readable(body, segments.unpack_segment, n) or []):
                    await self._store.clock.sleep(0)
        if upto == self._memory.sealed:
            return False
        await self._write(gathering.chunks(), upto, gathering.described)
        return more

    async def _write(self, chunks: Iterator[Chunk], upto: int, described: dict[str, bytes]) -> None:
        """The mark moves with the last commit. What a run that was killed between two commits wrote stays beside what the next one
        writes of the same segments; whoever reads takes each sample once."""
        rows = await self._packed(chunks)
        while following := await self._packed(chunks):
            await self._store.unit_of_work(lambda tx, rows=rows: repo.put_history(tx.conn, upto, rows))  # type: ignore[misc]
            rows = following
        await self._finish(rows, upto, described)

    async def _packed(self, chunks: Iterator[Chunk]) -> list[tuple[str, bytes, int, int, bytes]]:
        """What the next commit takes of them."""
        rows: list[tuple[str, bytes, int, int, bytes]] = []
        for number, chunk in enumerate(islice(chunks, CHUNKS)):
            rows.append((chunk.device, chunk.schema, chunk.from_ms, chunk.to_ms, pack(chunk.samples)))
            if number % PACKED == PACKED - 1:
                await self._store.clock.sleep(0)
        return rows

    async def _finish(
        self, rows: list[tuple[str, bytes, int, int, bytes]], upto: int, described: dict[str, bytes]
    ) -> None:
        def work(tx: Tx) -> None:
            repo.put_history(tx.conn, upto, rows)
            repo.put_sealed(tx, upto)
            repo.drop_segments(tx.conn, min(upto, repo.flushed(tx.conn)))
            tx.after(moved)

        def moved() -> None:
            self._memory.sealed, self._sure = upto, True
            self._schemas.update(described)

        async with self._mark:
            self._sure = False  # until it is known whether this was committed
            try:
                await self._store.unit_of_work(work)
            except CommitUnknown:
                raise
            except Exception:
                self._sure = True
                raise

    async def samples(self, device: str, places: Mapping[bytes, int], from_ms: int, to_ms: int) -> list[Sample]:
        """One point's samples between two times, as they were observed, up to the last commit: from chunks, and from the segments
        that are not sealed yet. `places`: the point's place in each schema."""
        async with self._mark:  # between the two the mark must not move
            await self._made_sure()
            schemas, sealed = {device: self._schemas.get(device, b"")}, self._memory.sealed

            def query(conn: Connection) -> list[Sample]:
                found: dict[int, Sample] = {}
                for schema, body in repo.history_between(conn, device, from_ms, to_ms):
                    keep(found, unpack(body), places.get(schema), from_ms, to_ms)
                gathering = Gathering(schemas)
                for n, body in repo.segments_since(conn, sealed, READ):
                    entries = readable(body, partial(segments.entries_naming, device=device), n) or []
                    for _ in gathering.take(entries):
                        pass
                for chunk in gathering.chunks():
                    if chunk.device == device:
                        keep(found, chunk.samples, places.get(chunk.schema), from_ms, to_ms)
                return [found[time] for time in sorted(found)]

            return await self._store.read(query)


def keep(found: dict[int, Sample], samples: list[Sample], place: int | None, from_ms: int, to_ms: int) -> None:
    """Adds those of the point at this place; what is told of a moment later on wins."""
    for sample in samples:
        if sample.point == place and from_ms <= sample.time_ms <= to_ms:
            found[sample.time_ms] = sample
