"""Values over time (T17): every few minutes what the redo log tells is sealed into one chunk per device, off the hot path.

A chunk is written by the same commit that moves the mark, so a kill leaves neither a gap nor a double; a segment goes only
when the mark is past it. Key: device, point, observed time.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec
import zstandard
from msgspec import Struct
from sqlalchemy import Connection

from soundpost.device.model import Value
from soundpost.hub.inventory import repo, segments
from soundpost.hub.inventory.keeper import readable
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.store import Store, Tx
from soundpost.kernel import log
from soundpost.kernel.errors import Corrupt

SEAL_S = 300.0
SEGMENTS, CHUNKS = 1_000, 200
"""Read at a time, written in one commit (T12)."""
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
    return LEVEL + zstandard.ZstdCompressor(level=3).compress(_encoder.encode(samples))


def unpack(body: bytes) -> list[Sample]:
    if body[:1] != LEVEL:
        raise Corrupt("Stored history was written by a newer version.", code="history_level")
    try:
        return _decoder.decode(zstandard.decompress(body[1:]))
    except (zstandard.ZstdError, msgspec.DecodeError) as cause:
        raise Corrupt("Stored history can't be read.", code="history_unreadable", cause=str(cause)) from None


def chunks_of(told: Iterable[list[segments.Entry]], schemas: dict[str, bytes]) -> list[Chunk]:
    """What segments say, by device and schema; pure but for `schemas`, which follows their declarations. Values of a device whose
    schema nobody declared yet are left out: history under a wrong name is worse than none."""
    gathered: dict[tuple[str, bytes], list[Sample]] = defaultdict(list)
    for entries in told:
        for entry in entries:
            if isinstance(entry, segments.Declared):
                schemas[entry.device] = entry.schema
                continue
            for change in entry.values:
                device = entry.devices.get(change.ref, "")
                if schema := schemas.get(device):
                    sample = Sample(change.index, change.time_ms + entry.offset_ms, change.value, change.quality)
                    gathered[device, schema].append(sample)
    return [Chunk(device, schema, samples) for (device, schema), samples in sorted(gathered.items())]


class Historian:
    """`sealed` is the last segment whose values are in chunks; the keeper drops none after it."""

    def __init__(self, store: Store, memory: Memory) -> None:
        self._store, self._memory = store, memory
        self._schemas: dict[str, bytes] = {}
        self._one = asyncio.Lock()
        self._log = log.get("inventory")

    async def start(self) -> None:
        self._memory.sealed = await self._store.read(repo.sealed)
        # As of the mark where a chunk says it; a device that was described but never told a value is as memory has it.
        described = {id: device.schema.id for id, device in self._memory.devices.items() if device.schema.size}
        self._schemas = {**described, **await self._store.read(repo.sealed_schemas)}

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
            while await self._some():
                pass

    async def _some(self) -> bool:
        rows = await self._store.read(lambda conn: repo.segments_after(conn, self._memory.sealed, SEGMENTS))
        if not rows:
            return False
        schemas = dict(self._schemas)
        packed = await asyncio.to_thread(self._packed, [body for _, body in rows], schemas)
        await self._write(packed, rows[-1][0])
        self._schemas = schemas
        return len(rows) == SEGMENTS

    def _packed(self, bodies: list[bytes], schemas: dict[str, bytes]) -> list[tuple[Chunk, bytes]]:
        told = (readable(body, segments.unpack_segment, "segment") for body in bodies)
        return [(chunk, pack(chunk.samples)) for chunk in chunks_of((entries for entries in told if entries), schemas)]

    async def _write(self, packed: list[tuple[Chunk, bytes]], upto: int) -> None:
        """The mark moves with the last commit. A chunk's key is its device and the segment it ends with, so a run that was killed
        between two commits writes the same rows again."""
        for start in range(0, max(len(packed), 1), CHUNKS):
            part = packed[start : start + CHUNKS]
            last = start + CHUNKS >= len(packed)

            def work(tx: Tx, part: list[tuple[Chunk, bytes]] = part, last: bool = last) -> None:
                repo.put_history(tx.conn, upto, [(c.device, c.schema, c.from_ms, c.to_ms, body) for c, body in part])
                if last:
                    repo.put_sealed(tx, upto)
                    repo.drop_segments(tx.conn, min(upto, repo.flushed(tx.conn)))
                    tx.after(lambda: setattr(self._memory, "sealed", upto))

            await self._store.unit_of_work(work)


def samples(conn: Connection, device: str, places: Mapping[bytes, int], from_ms: int, to_ms: int) -> list[Sample]:
    """One point's samples between two times, in the order they were observed; `places`: the point's place in each schema."""
    found: dict[int, Sample] = {}
    for schema, body in repo.history_between(conn, device, from_ms, to_ms):
        place = places.get(schema)
        if place is None:
            continue
        for sample in unpack(body):
            if sample.point == place and from_ms <= sample.time_ms <= to_ms:
                found[sample.time_ms] = sample
    return [found[time] for time in sorted(found)]
