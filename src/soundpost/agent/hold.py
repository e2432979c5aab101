"""Values kept on disk while no hub listens (T8): a repeated value falls on its key (device, point, observed time).

Rows gather in memory and go to disk in one statement; what a bound drops is counted and told by a drop fact, and then the
next connection begins with a snapshot, because a value that changed once, long ago, may be among the dropped.
"""

import sqlite3

import msgspec
from msgspec import Struct

from soundpost.agent.disk import Disk
from soundpost.agent.spool import Spool
from soundpost.device.model import Value
from soundpost.kernel import log
from soundpost.kernel.errors import SoundpostError
from soundpost.link.events import SpoolDropped

_encode = msgspec.msgpack.Encoder().encode
_log = log.get("agent.hold")


class HeldValue(Struct, frozen=True, array_like=True, gc=False):
    device: str
    point: str
    time_ms: int
    value: Value | None
    quality: str = "good"
    origin: str = ""
    text: str = ""


class Kept(Struct, frozen=True):
    number: int
    held: HeldValue


_decode = msgspec.msgpack.Decoder(HeldValue).decode
_Counts = tuple[int, int, SpoolDropped | None]


class Hold:
    def __init__(self, disk: Disk, spool: Spool, most: int) -> None:
        self._disk, self._spool, self._most = disk, spool, most
        self._pending: list[HeldValue] = []
        self._waiting = 0
        self.gap = True
        """True while something may be missing here that a hub doesn't have: the next connection sends a snapshot."""

    @property
    def waiting(self) -> int:
        return self._waiting + len(self._pending)

    async def load(self) -> None:
        self._waiting, self.gap = await self._disk.run(_load)

    def add(self, value: HeldValue) -> None:
        self._pending.append(value)

    async def flush(self) -> None:
        batch, self._pending = self._pending, []
        if not batch:
            return
        try:
            self._waiting, _, dropped = await self._disk.run(lambda connection: self._store(connection, batch))
        except SoundpostError as error:
            self._pending = batch[-self._most :] + self._pending
            _log.error("values can't be held on disk", reason=error.cause)
            return
        if dropped is not None:
            await self.set_gap(True)
            self._spool.note("spool.dropped", dropped)

    def _store(self, connection: sqlite3.Connection, batch: list[HeldValue]) -> _Counts:
        connection.executemany(
            "insert or replace into held (device, point, time_ms, body) values (?,?,?,?)",
            [(item.device, item.point, item.time_ms, _encode(item)) for item in batch],
        )
        count = _count(connection)
        if count <= self._most:
            return count, 0, None
        dropped = _drop(connection, count - int(self._most * 0.9))
        return _count(connection), dropped.count, dropped

    async def read(self, after: int, limit: int) -> list[Kept]:
        def job(connection: sqlite3.Connection) -> list[Kept]:
            rows = connection.execute(
                "select number, body from held where number > ? order by number limit ?", (after, limit)
            )
            return [Kept(number, _decode(body)) for number, body in rows]

        return await self._disk.run(job)

    async def sent(self, number: int) -> None:
        """The hub has committed everything up to `number`."""

        def job(connection: sqlite3.Connection) -> int:
            connection.execute("delete from held where number <= ?", (number,))
            return _count(connection)

        self._waiting = await self._disk.run(job)

    async def set_gap(self, gap: bool) -> None:
        self.gap = gap
        await self._disk.run(
            lambda c: c.execute("insert or replace into setting values ('hold gap', ?)", (_encode(gap),))
        )

    async def clear(self) -> None:
        self._pending = []
        self._waiting = 0
        await self._disk.run(lambda connection: connection.execute("delete from held"))
        await self.set_gap(True)


def _load(connection: sqlite3.Connection) -> tuple[int, bool]:
    row = connection.execute("select body from setting where name = 'hold gap'").fetchone()
    return _count(connection), msgspec.msgpack.decode(row[0], type=bool) if row else True


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("select count(*) from held").fetchone()[0])


def _drop(connection: sqlite3.Connection, count: int) -> SpoolDropped:
    last, first_ms, last_ms = connection.execute(
        "select max(number), min(time_ms), max(time_ms) from (select number, time_ms from held order by number limit ?)",
        (count,),
    ).fetchone()
    connection.execute("delete from held where number <= ?", (last,))
    return SpoolDropped("values", count, first_ms, last_ms)
