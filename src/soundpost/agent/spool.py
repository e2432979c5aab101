"""The fact log: written once, read by every reader at its own pace, bounded, and honest about what it dropped (T7).

A fact is on disk before any reader is told of it. Readers are `local` and `hub:<hub id>`; a mark is a position and the uid
of the fact there, moved in a commit of its own after the reader's ack.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from soundpost.agent.age import Age, passed
from soundpost.agent.disk import Disk, Job, failed, is_trouble
from soundpost.agent.pending import SLACK, Noted, Pending, summed
from soundpost.agent.settings import Bounds
from soundpost.kernel import ids, log
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import SoundpostError
from soundpost.link.events import Fact, SpoolDropped, data, pack, unpack

DAY_MS = 86_400_000
LOCAL = "local"
DROPPED = "spool.dropped"
WRITTEN = "written"
UNKNOWN = -1

_log = log.get("agent.spool")


def pack_int(number: int) -> bytes:
    return msgspec.msgpack.encode(number)


class Mark(Struct, frozen=True):
    """How far a reader has confirmed. `oldest`: facts at or below it are not this reader's (written for a hub before it)."""

    position: int = 0
    uid: bytes = b""
    oldest: int = 0


class Stored(Struct, frozen=True):
    position: int
    uid: bytes
    body: bytes


class Spool:
    def __init__(self, disk: Disk, clock: Clock, bounds: Bounds) -> None:
        self._disk, self._clock, self._bounds = disk, clock, bounds
        self.age = Age(clock)
        self._pending = Pending(bounds.pending_bytes)
        self._listeners: list[Callable[[], None]] = []
        self._last_uid = b""
        self._bytes = UNKNOWN
        self.hub = ""
        """The hub new facts are for; "" until one is joined."""
        self.newest = 0
        self.dropped = 0
        self.trouble: SoundpostError | None = None
        """Why what happens can't be written now."""
        self.failed = asyncio.Event()
        """Set while there is trouble."""
        self.mended: list[Callable[[], None]] = []
        """Called when the disk takes facts again."""
        self.forgot: list[Callable[[], None]] = []
        """Called when it does, and facts or records were dropped meanwhile: what is known now has to be noted again."""

    @property
    def failing(self) -> bool:
        return self.trouble is not None

    @property
    def unwritten(self) -> int:
        """Facts that are not on disk yet, and so in nobody's `waiting`."""
        return self._pending.facts

    async def load(self) -> None:
        await self._disk.run(self.age.load)
        self.newest, self._bytes, self.dropped = await self._disk.run(_load)

    def listen(self, told: Callable[[], None]) -> Callable[[], None]:
        """`told` is called in the event loop after each commit that holds facts. Returns what takes it off again."""
        self._listeners.append(told)
        return lambda: self._listeners.remove(told)

    def note(
        self, kind: str, body: Any, device: str = "", generation: int = 0, also: Job | None = None, uid: bytes = b""
    ) -> Fact:
        """Takes the fact down; it is on disk soon, in order, in one commit with `also`. Never waits."""
        now = self._clock.now_ms()
        fact = Fact(
            uid=uid or self.mint(), type=kind, time_ms=now, device=device, generation=generation,
            hub=self.hub, data=data(body),
        )  # fmt: skip
        self._take_down((fact, also))
        return fact

    def note_record(self, job: Job) -> None:
        """A record that changed without being news: on disk soon, after what was noted before."""
        self._take_down((None, job))

    def _take_down(self, noted: Noted) -> None:
        if self._pending.add(noted):
            self._flush()

    async def settled(self) -> None:
        """Returns when everything noted before is on disk, or is kept to be tried again because the disk takes nothing."""
        await self._disk.run(lambda connection: None)

    def mint(self) -> bytes:
        """A uid above every one minted before, also within a millisecond and when the clock steps back."""
        fresh = ids.uid(self._clock.now_ms())
        if fresh <= self._last_uid:
            bumped = (int.from_bytes(self._last_uid, "big") + (1 << 24)).to_bytes(16, "big")
            fresh = bumped[:13] + fresh[13:]
        self._last_uid = fresh
        return fresh

    async def check(self) -> None:
        """Raises Unavailable `disk_failed` while the disk takes nothing: whoever spoke for this agent then could tell only what
        was, and would be believed."""
        if self.trouble is not None:
            raise self.trouble
        now = self._clock.now_ms()
        await self._disk.run(
            lambda c: c.execute("insert or replace into setting values ('checked', ?)", (pack_int(now),))
        )

    def _flush(self) -> None:
        taken: list[Noted] = []
        lost: list[SpoolDropped] = []

        def undone() -> None:
            """In the disk's thread: the job or its commit failed. What it took waits again."""
            self._pending.put_back(taken, lost[0] if lost else None)
            self._unmeasured()

        future = self._disk.submit(lambda connection: self._write(connection, taken, lost), undone)
        future.add_done_callback(self._flushed)

    def _write(
        self, connection: sqlite3.Connection, taken: list[Noted], lost: list[SpoolDropped]
    ) -> tuple[int, int, int]:
        """In the disk's thread. Bodies are taken from the queue only here, so a burst becomes one statement."""
        noted, dropped = self._pending.take()
        taken += noted
        if dropped is not None:
            lost.append(dropped)
            _count_dropped(connection, dropped.count)
            self._note_drop(connection, dropped)
            self._unmeasured()
        newest, facts, more = self._store(connection, taken)
        return newest, facts + len(lost), more + (dropped.count if dropped else 0)

    def _unmeasured(self) -> None:
        self._bytes = UNKNOWN

    def _store(self, connection: sqlite3.Connection, batch: list[Noted]) -> tuple[int, int, int]:
        rows = [(f.uid, f.time_ms, f.hub, f.device, pack(f)) for f, _ in batch if f is not None]
        connection.executemany("insert or ignore into fact (uid, time_ms, hub, device, body) values (?,?,?,?,?)", rows)
        for _, also in batch:
            if also is not None:
                _beside(connection, also)
        if self._bytes == UNKNOWN:
            self._bytes = _size(connection)
        else:
            self._bytes += sum(len(row[4]) for row in rows)
        dropped = self._bound(connection)
        return _newest(connection), len(rows), dropped

    def _flushed(self, future: Any) -> None:
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            self._failed(error)
            return
        self.newest, facts, dropped = future.result()
        self.dropped += dropped
        self._works()
        if not facts:
            return
        for told in tuple(self._listeners):
            told()

    def _works(self) -> None:
        if self.trouble is None:
            return
        self.trouble, self._pending.bounded = None, False
        self.failed.clear()
        _log.info("facts can be written again")
        for told in tuple(self.mended):
            told()
        if self._pending.forgotten():
            for told in tuple(self.forgot):
                told()

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, SoundpostError) and error.code == "stopping":
            return
        if self.trouble is None:
            _log.error("facts can't be written; they are kept and tried again", reason=str(error))
        self.trouble = error if isinstance(error, SoundpostError) else failed(repr(error))
        self.failed.set()

    def retry(self) -> None:
        """Call every few seconds: what a failed commit left behind is tried again."""
        if self._pending:
            self._flush()

    # --- readers

    async def join(self, name: str) -> Mark:
        """Adds or wakes a reader. A hub that follows another one doesn't get what was written before the other was left."""
        return await self._disk.run(lambda connection: _join(connection, name))

    async def leave(self, name: str) -> None:
        """The reader no longer counts; its mark stays, should it come back."""

        def job(connection: sqlite3.Connection) -> None:
            connection.execute("update reader set active = 0 where name = ?", (name,))
            floor = pack_int(_newest(connection))
            connection.execute("insert or replace into setting values ('hub floor', ?)", (floor,))

        await self._disk.run(job)

    async def rewind(self, name: str) -> None:
        """The reader went back behind its mark: all that is kept is its to get again."""
        await self._disk.run(
            lambda c: c.execute("update reader set position = oldest, uid = x'' where name = ?", (name,))
        )

    async def mark_of(self, name: str) -> Mark:
        return await self._disk.run(lambda connection: _mark(connection, name))

    async def mark(self, name: str, position: int, uid: bytes) -> None:
        """The reader has everything up to `position`. Never moves back."""
        await self._disk.run(
            lambda c: c.execute(
                "update reader set position = ?, uid = ? where name = ? and position < ?",
                (position, uid, name, position),
            )
        )

    async def read(self, hub: str, after: int, limit: int, size: int) -> list[Stored]:
        """The facts after a position that are for `hub` ("local" reads all), at most `limit` and about `size` bytes."""

        def job(connection: sqlite3.Connection) -> list[Stored]:
            rows = connection.execute(
                "select position, uid, body from fact where position > ? and (? = 'local' or hub in ('', ?))"
                " order by position limit ?",
                (after, hub, hub, limit),
            )
            return _within(rows, size)

        return await self._disk.run(job)

    async def waiting(self, hub: str, after: int) -> int:
        return await self._disk.run(
            lambda c: int(
                c.execute(
                    "select count(*) from fact where position > ? and (? = 'local' or hub in ('', ?))",
                    (after, hub, hub),
                ).fetchone()[0]
            )
        )

    async def knows(self, uid: bytes) -> bool:
        """Whether that fact was ever written here, as kept or as remembered (T9)."""
        return await self._disk.run(lambda connection: _knows(connection, uid))

    async def position_of(self, uid: bytes) -> int | None:
        def job(connection: sqlite3.Connection) -> int | None:
            row = connection.execute("select position from fact where uid = ?", (uid,)).fetchone()
            return None if row is None else int(row[0])

        return await self._disk.run(job)

    async def oldest_kept(self) -> int:
        """Position of the oldest fact still here; one above the newest when there is none."""
        return await self._disk.run(
            lambda c: int(c.execute("select coalesce(min(position), ?) from fact", (_newest(c) + 1,)).fetchone()[0])
        )

    async def rename(self, names: dict[str, str], rewrite: Callable[[bytes], bytes], reader: str) -> None:
        """Facts that reader has not confirmed take a hub's device ids in place of ours; their uids stay."""

        def job(connection: sqlite3.Connection) -> None:
            mark = _mark(connection, reader)
            rows = connection.execute(
                "select position, device, body from fact where position > ?"
                " and device in (select value from json_each(?))",
                (mark.position, json.dumps(list(names))),
            ).fetchall()
            connection.executemany(
                "update fact set device = ?, body = ? where position = ?",
                [(names[device], rewrite(body), position) for position, device, body in rows],
            )

        await self._disk.run(job)

    # --- housekeeping

    async def trim(self) -> None:
        """Call each hour or so: forgets what every reader confirmed 3 days ago and what was here before the age bound."""
        self.dropped += await self._disk.submit(self._trim, self._unmeasured)

    def _trim(self, connection: sqlite3.Connection) -> int:
        now, done = self.age.now_ms(), _confirmed(connection)
        self.age.save(connection)
        connection.execute("insert or replace into acked values (?, ?)", (now, done))
        limit = now - int(self._bounds.acked_days * DAY_MS)
        row = connection.execute("select max(position) from acked where time_ms <= ?", (limit,)).fetchone()
        if row[0]:
            self._forget(connection, min(int(row[0]), done))
            connection.execute("delete from acked where time_ms < ?", (limit,))
        connection.execute(
            "delete from remembered where time_ms < ?", (now - int(self._bounds.remembered_days * DAY_MS),)
        )
        oldest = now - int(self._bounds.fact_days * DAY_MS)
        last = passed(connection, WRITTEN, now, _newest(connection), oldest)
        kept = connection.execute("select 1 from fact where position <= ?", (last,)).fetchone()
        dropped = self._drop(connection, last) if kept else 0
        self._bytes = _size(connection)
        return dropped

    def _forget(self, connection: sqlite3.Connection, last: int) -> None:
        """The uids are remembered from now on, for as long as any is (T1)."""
        connection.execute(
            "insert or ignore into remembered select uid, ? from fact where position <= ?", (self.age.now_ms(), last)
        )
        connection.execute("delete from fact where position <= ?", (last,))

    def _bound(self, connection: sqlite3.Connection) -> int:
        """By size: first what every reader has, then, with a drop fact, the oldest."""
        if self._bytes <= self._bounds.fact_bytes:
            return 0
        goal = self._bytes - int(self._bounds.fact_bytes * SLACK)
        last, freed = 0, 0
        for position, size in connection.execute("select position, length(body) from fact order by position"):
            last, freed = position, freed + size
            if freed >= goal:
                break
        dropped = self._drop(connection, last)
        self._bytes = _size(connection)
        return dropped

    def _drop(self, connection: sqlite3.Connection, last: int) -> int:
        """Returns how many facts were lost now. A drop fact among them is no loss of its own: its count goes on in the new one."""
        done = _confirmed(connection)
        earlier = _drops(connection, done, last)
        row = connection.execute(
            "select count(*), min(time_ms), max(time_ms) from fact"
            " where position > ? and position <= ? and position not in (select value from json_each(?))",
            (done, last, json.dumps(list(earlier))),
        ).fetchone()
        self._forget(connection, last)
        count = int(row[0])
        lost = list(earlier.values())
        if count:
            _count_dropped(connection, count)
            lost.append(SpoolDropped("facts", count, int(row[1]), int(row[2])))
        for kind in sorted({drop.kind for drop in lost}):
            self._note_drop(connection, summed([drop for drop in lost if drop.kind == kind]))
        return count

    def _note_drop(self, connection: sqlite3.Connection, what: SpoolDropped) -> None:
        now = self._clock.now_ms()
        fact = Fact(uid=ids.uid(now), type=DROPPED, time_ms=now, hub=self.hub, data=data(what))
        connection.execute(
            "insert into fact (uid, time_ms, hub, device, body) values (?,?,?,'',?)",
            (fact.uid, now, self.hub, pack(fact)),
        )


def _beside(connection: sqlite3.Connection, also: Job) -> None:
    """A record that can't be written is set aside, and said so: the facts must not wait for it. The disk's own trouble is
    another matter: it passes, so it is raised, and all is tried again."""
    connection.execute("savepoint beside")
    try:
        also(connection)
    except Exception as error:
        if is_trouble(error):
            raise
        _log.exception("a record can't be written and is set aside")
        connection.execute("rollback to beside")
    connection.execute("release beside")


def _load(connection: sqlite3.Connection) -> tuple[int, int, int]:
    row = connection.execute("select body from setting where name = 'dropped'").fetchone()
    return _newest(connection), _size(connection), msgspec.msgpack.decode(row[0], type=int) if row else 0


def _count_dropped(connection: sqlite3.Connection, count: int) -> None:
    before = _load(connection)[2]
    connection.execute("insert or replace into setting values ('dropped', ?)", (pack_int(before + count),))


def _drops(connection: sqlite3.Connection, after: int, last: int) -> dict[int, SpoolDropped]:
    """Position → drop fact. The text narrows the search, so that few bodies are decoded; the type decides."""
    rows = connection.execute(
        "select position, body from fact where position > ? and position <= ? and device = '' and instr(body, ?) > 0",
        (after, last, DROPPED.encode()),
    )
    facts = {int(position): unpack(body) for position, body in rows}
    return {
        position: msgspec.msgpack.decode(fact.data, type=SpoolDropped)
        for position, fact in facts.items()
        if fact.type == DROPPED
    }


def _newest(connection: sqlite3.Connection) -> int:
    return int(
        connection.execute("select coalesce(max(seq), 0) from sqlite_sequence where name = 'fact'").fetchone()[0]
    )


def _size(connection: sqlite3.Connection) -> int:
    return int(connection.execute("select coalesce(sum(length(body)), 0) from fact").fetchone()[0])


def _join(connection: sqlite3.Connection, name: str) -> Mark:
    row = connection.execute("select body from setting where name = 'hub floor'").fetchone()
    floor = msgspec.msgpack.decode(row[0], type=int) if row and name != LOCAL else 0
    connection.execute(
        "insert into reader values (?,?,x'',?,1) on conflict (name) do update set active = 1", (name, floor, floor)
    )
    return _mark(connection, name)


def _mark(connection: sqlite3.Connection, name: str) -> Mark:
    row = connection.execute("select position, uid, oldest from reader where name = ?", (name,)).fetchone()
    return Mark(*row) if row else Mark()


def _confirmed(connection: sqlite3.Connection) -> int:
    """Position up to which every active reader has confirmed; 0 while there is none."""
    row = connection.execute("select min(position) from reader where active = 1").fetchone()
    return int(row[0] or 0)


def _knows(connection: sqlite3.Connection, uid: bytes) -> bool:
    kept = connection.execute("select 1 from fact where uid = ?", (uid,)).fetchone()
    return bool(kept or connection.execute("select 1 from remembered where uid = ?", (uid,)).fetchone())


def _within(rows: Any, size: int) -> list[Stored]:
    """At least one, so that a single large fact can't stop the lane."""
    taken: list[Stored] = []
    total = 0
    for position, uid, body in rows:
        total += len(body)
        if taken and total > size:
            break
        taken.append(Stored(position, uid, body))
    return taken
