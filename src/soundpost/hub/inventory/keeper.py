"""Keeping values for a restart: devices' blobs are brought up to date every few seconds, and the redo log before them goes (T17)."""

from array import array
from collections import deque
from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from soundpost.device.model import GROUPS
from soundpost.hub.inventory import repo, segments
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.inventory.state import DeviceState
from soundpost.hub.store import Store, Tx
from soundpost.kernel import log
from soundpost.kernel.errors import Corrupt

T = TypeVar("T")
BLOBS = 200
"""In one commit: more would hold everybody else up (T12)."""
SLICE = 50
"""Packed at one go: the loop has others to serve."""
FLUSH_S = 5.0


class Packed(Struct):
    """A device's blob: `began` is the first segment the one on disk lacks, `upto` the last that this one includes."""

    device: DeviceState
    began: int
    upto: int
    body: bytes


class Keeper:
    def __init__(self, store: Store, memory: Memory) -> None:
        self._store, self._memory = store, memory
        self._log = log.get("inventory")

    async def run(self) -> None:
        while True:
            await self._store.clock.sleep(FLUSH_S)
            try:
                await self.flush()
            except Exception as error:  # the redo log has it all: nothing is lost, only the next start is longer
                self._log.warning("values could not be saved; trying again", error=str(error))

    async def flush(self) -> None:
        """Until nothing that was dirty at the beginning is."""
        for _ in range(len(self._memory.dirty) // BLOBS + 1):
            if not self._memory.dirty:
                return
            await self._some()

    async def _some(self) -> None:
        memory, packed = self._memory, list[Packed]()
        try:
            while len(packed) < BLOBS and memory.dirty:
                self._pack(min(SLICE, BLOBS - len(packed)), packed)
                await self._store.clock.sleep(0)
            if packed:
                await self._save(packed)
        except BaseException:
            self._soiled_again(packed)
            raise

    def _pack(self, n: int, packed: list[Packed]) -> None:
        """The next few as they are now: each blob says which segment it includes, for more may arrive before the others' turn. One
        that can't be packed stays first in the line."""
        memory = self._memory
        for _ in range(min(n, len(memory.dirty))):
            device = memory.dirty[0]
            packed.append(Packed(device, device.dirty_n, memory.segment, segments.pack_blob(device)))
            memory.dirty.popleft()
            device.dirty_n = 0

    async def _save(self, packed: list[Packed]) -> None:
        memory = self._memory
        # A segment may go when every blob is past it: those before the first that one of these lacks, or that the dirty devices need.
        upto = packed[0].upto
        if memory.dirty:
            upto = min(upto, memory.dirty[0].dirty_n - 1)
        rows = sorted((one.device.id, one.upto, one.body) for one in packed)

        def work(tx: Tx) -> None:
            repo.put_blobs(tx.conn, rows)
            # What every blob is past is not read again at a start; it goes once history has it as well.
            repo.put_flushed(tx, upto)
            repo.drop_segments(tx.conn, min(upto, memory.sealed))
            tx.after(lambda: self._saved(packed))

        await self._store.unit_of_work(work)

    def _saved(self, packed: list[Packed]) -> None:
        for one in packed:
            one.device.blob_n = one.upto

    def _soiled_again(self, packed: list[Packed]) -> None:
        """Their blobs are not on disk: the segments since they were first dirty are needed still."""
        memory, known = self._memory, set(map(id, self._memory.dirty))
        for one in packed:
            device = one.device
            if memory.devices.get(device.id) is device:  # else memory was rebuilt meanwhile
                device.dirty_n = one.began
                if id(device) not in known:
                    memory.dirty.append(device)
        memory.dirty = deque(sorted(memory.dirty, key=lambda device: device.dirty_n))


def readable(body: bytes, unpack: Callable[[bytes], T], which: object) -> T | None:
    """One damaged row is left out and told; it must not keep a hub from starting (T16)."""
    try:
        return unpack(body)
    except (Corrupt, msgspec.MsgspecError) as error:
        log.get("inventory").error("stored values can't be read; they are left out", which=which, error=str(error))
        return None


class Stored:
    """Everything the store can tell, read in one snapshot, before memory is touched."""

    def __init__(self, conn: Connection) -> None:
        self.sites = repo.site_rows(conn)
        self.devices = repo.device_rows(conn)
        self.found = repo.found_rows(conn)
        self.schemas = repo.schema_rows(conn)
        self.blobs = [
            (id, n, blob) for id, n, body in repo.blob_rows(conn) if (blob := readable(body, segments.unpack_blob, id))
        ]
        self.segments = [
            (n, entries)
            for n, body in repo.segments_after(conn, repo.flushed(conn))
            if (entries := readable(body, segments.unpack_segment, n)) is not None
        ]
        self.last_segment = max(repo.last_segment(conn), repo.flushed(conn), repo.sealed(conn))


def load(memory: Memory, stored: Stored) -> None:
    """Rows, blobs, redo (T17). Afterwards memory is what it was when the last commit was."""
    memory.forget()
    for site in stored.sites:
        memory.put_site(*site)
    for schema, descriptors in stored.schemas.items():
        memory.intern(schema, descriptors)
    for id, row in stored.devices.items():
        memory.put_record(id, row.site, row.record, row.generation, row.first_seen_ms)
        memory.set_status(id, row.status, row.since_ms, row.reason, row.status_time_ms)
    for entry in stored.found:
        memory.put_found(entry)
    for id, n, blob in stored.blobs:
        _fill(memory, id, n, blob)
    for n, entries in stored.segments:
        for part in entries:
            _replay(memory, n, part)
        memory.segment = n
    memory.segment = max(memory.segment, stored.last_segment)


def _fill(memory: Memory, id: str, n: int, blob: segments.Blob) -> None:
    device = memory.device(id, blob.site)
    try:
        segments.fill(device, blob, memory.schemas[blob.schema])
    except (Corrupt, KeyError) as error:
        log.get("inventory").error("stored values were left out", device=id, error=str(error))
        device.reads = array("q", bytes(8 * len(GROUPS)))
        return
    memory.share(device)
    device.blob_n = n
    memory.segment = max(memory.segment, n)


def _replay(memory: Memory, n: int, entry: segments.Entry) -> None:
    if isinstance(entry, segments.Declared):
        memory.declare(entry.device, entry.site, memory.schemas[entry.schema], n)
    else:
        memory.apply_values(memory.site(entry.site), entry.offset_ms, entry.devices, entry.values, n)
