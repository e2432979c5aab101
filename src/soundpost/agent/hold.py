"""Values kept on disk while no hub listens (T8): a repeated value falls on its key (device, point, observed time).

Rows gather in memory and go to disk in one statement; what a bound drops is counted and told by a drop fact, and then the
next connection begins with a snapshot, because a value that changed once, long ago, may be among the dropped.
"""

import sqlite3

import msgspec
from msgspec import Struct

from soundpost.agent.disk import Disk
from soundpost.agent.pending import summed
from soundpost.agent.spool import DROPPED, Spool
from soundpost.device.model import Value
from soundpost.kernel import log
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
_Counts = tuple[int, SpoolDropped | None]


class Hold:
    def __init__(self, disk: Disk, spool: Spool, most: int) -> None:
        self._disk, self._spool, self._most = disk, spool, most
        self._pending: list[HeldValue] = []
        self._waiting = 0
        self._lost: SpoolDropped | None = None
        """What did not fit in memory while the disk took nothing: told once it does again."""
        self._failing = False
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
        """Never raises for what the disk does: what it did not take is kept, bounded, for the next time."""
        batch, self._pending = self._pending, []
        if not batch:
            return
        lost = self._lost
        try:
            self._waiting, dropped = await self._disk.run(lambda connection: self._store(connection, batch, lost))
        except BaseException as error:
            # Also when cancelled: then it may be on disk too, and there a value falls on its key.
            self._put_back(batch)
            if not isinstance(error, Exception):
                raise
            if not self._failing:
                _log.error("values can't be held on disk; they are kept and tried again", reason=str(error))
            self._failing = True
            return
        self._failing, self._lost = False, None
        if dropped is not None:
            self.gap = True
            self._spool.note(DROPPED, dropped)

    def _put_back(self, batch: list[HeldValue]) -> None:
        kept = batch + self._pending
        over, self._pending = kept[: -self._most], kept[-self._most :]
        if over:
            times = [item.time_ms for item in over]
            self._lost = _more(self._lost, SpoolDropped("values", len(over), min(times), max(times)))
            self.gap = True

    def _store(self, connection: sqlite3.Connection, batch: list[HeldValue], lost: SpoolDropped | None) -> _Counts:
        connection.executemany(
            "insert or replace into held (device, point, time_ms, body) values (?,?,?,?)",
            [(item.device, item.point, item.time_ms, _encode(item)) for item in batch],
        )
        count = _count(connection)
        if count > self._most:
            lost = _more(lost, _drop(connection, count - int(self._most * 0.9)))
        if lost is not None:
            _save_gap(connection, True)
        return _count(connection), lost

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
        await self._disk.run(lambda connection: _save_gap(connection, gap))

    async def clear(self) -> None:
        self._pending, self._waiting, self._lost = [], 0, None
        await self._disk.run(lambda connection: connection.execute("delete from held"))
        await self.set_gap(True)


def _load(connection: sqlite3.Connection) -> tuple[int, bool]:
    row = connection.execute("select body from setting where name = 'hold gap'").fetchone()
    return _count(connection), msgspec.msgpack.decode(row[0], type=bool) if row else True


def _save_gap(connection: sqlite3.Connection, gap: bool) -> None:
    connection.execute("insert or replace into setting values ('hold gap', ?)", (_encode(gap),))


def _more(before: SpoolDropped | None, drop: SpoolDropped) -> SpoolDropped:
    return summed([before, drop] if before else [drop])


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("select count(*) from held").fetchone()[0])


def _drop(connection: sqlite3.Connection, count: int) -> SpoolDropped:
    last, first_ms, last_ms = connection.execute(
        "select max(number), min(time_ms), max(time_ms) from (select number, time_ms from held order by number limit ?)",
        (count,),
    ).fetchone()
    connection.execute("delete from held where number <= ?", (last,))
    return SpoolDropped("values", count, first_ms, last_ms)
