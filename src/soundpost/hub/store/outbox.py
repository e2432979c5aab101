"""The hub's committed events, and who reads them.

An event is a fact that happened; it is never changed. `Consumer` follows the log with a cursor row that moves in the same
transaction as its effects, by compare-and-set, so an effect happens once whatever is killed (T15). An event that fails
five times is set aside with its reason, and said so (T16).
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy import insert as plain_insert

from soundpost.hub.store import dialect
from soundpost.hub.store.tables import consumers, events, poisoned
from soundpost.kernel import log

if TYPE_CHECKING:
    from soundpost.hub.store.engine import Store
    from soundpost.hub.store.unit_of_work import Tx

LEVEL = b"\x01"
"""Stored bodies begin with it (T19). Those of the very first databases do not: a map never begins with this byte."""
BATCH = 200
TRIES = 5
PAUSE_S = 1.0


class Moved(Exception):
    """Another process holds this consumer's name and was first; nothing of ours was committed."""


class Event(Struct):
    """`id` counts committed events without holes. `time_ms` is when it happened, `received_ms` when the hub had it (T25)."""

    id: int
    time_ms: int
    received_ms: int
    type: str
    site: str
    device: str
    data: dict[str, Any]


def plain(data: object) -> dict[str, Any]:
    """Builtins only, so that what is stored and what is announced are the same thing."""
    if data is None:
        return {}
    body = msgspec.to_builtins(data, enc_hook=_raw)
    if not isinstance(body, dict):
        raise TypeError("an event's data is an object")
    return body


def _raw(value: object) -> object:
    if isinstance(value, msgspec.Raw):
        return msgspec.msgpack.decode(value)
    raise TypeError(f"{type(value)} can't stand in an event")


def insert(conn: Connection, entries: Iterable[Event]) -> None:
    conn.execute(
        plain_insert(events),
        [
            {
                "id": e.id,
                "time_ms": e.time_ms,
                "received_ms": e.received_ms,
                "type": e.type,
                "site": e.site,
                "device": e.device,
                "data": LEVEL + msgspec.msgpack.encode(e.data),
            }
            for e in entries
        ],
    )


def body(stored: bytes) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.msgpack.decode(stored[1:] if stored[:1] == LEVEL else stored)
    return found


def read(
    conn: Connection,
    *,
    after: int | None = None,
    before: int | None = None,
    limit: int = BATCH,
    where: Sequence[ColumnElement[bool]] = (),
) -> list[Event]:
    """Upward from `after` (default: the beginning), or downward from `before`."""
    query = select(events).where(*where).limit(limit)
    if before is not None:
        query = query.where(events.c.id < before).order_by(events.c.id.desc())
    else:
        query = query.where(events.c.id > (after or 0)).order_by(events.c.id)
    return [Event(r.id, r.time_ms, r.received_ms, r.type, r.site, r.device, body(r.data)) for r in conn.execute(query)]


class Consumer:
    """Follows the log from its cursor row. `handle(tx, event)` runs in the transaction that moves the cursor."""

    def __init__(self, store: "Store", name: str, handle: "Callable[[Tx, Event], None]") -> None:
        self._store, self._name, self._handle = store, name, handle
        self._woken = asyncio.Event()
        self._log = log.get("store").bind(consumer=name)
        self._line = log.UpDown(self._log, "following the log")

    async def run(self) -> None:
        self._store.subscribe(self._hint)
        try:
            await self._store.unit_of_work(self._ensure)
            while True:
                self._woken.clear()
                while await self._step():
                    pass
                with contextlib.suppress(TimeoutError):
                    async with self._store.clock.timeout(2.0):  # rows are truth, hints may be missed (T32)
                        await self._woken.wait()
        finally:
            self._store.unsubscribe(self._hint)

    def _hint(self, _events: list[Event]) -> None:
        self._woken.set()

    def _ensure(self, tx: "Tx") -> None:
        statement = dialect.insert(tx.conn, consumers).on_conflict_do_nothing(index_elements=["name"])
        tx.conn.execute(statement, {"name": self._name, "n": 0, "failures": 0})

    async def _step(self) -> bool:
        """One batch; true while there is more."""
        cursor, failures, batch = await self._store.read(self._next)
        if not batch:
            return False
        if failures:  # something in this batch failed: go one by one, so that only the culprit waits
            batch = batch[:1]
        try:
            await self._store.unit_of_work(lambda tx: self._apply(tx, cursor, batch))
        except Moved:
            return True
        except Exception as error:
            if dialect.is_trouble(error):  # the database's fault, not the event's
                self._line.down(str(error))
                await self._store.clock.sleep(PAUSE_S)
                return True
            reason = str(error)
            with contextlib.suppress(Moved):
                await self._store.unit_of_work(lambda tx: self._failed(tx, cursor, failures + 1, batch[0], reason))
        self._line.up()
        return True

    def _next(self, conn: Connection) -> tuple[int, int, list[Event]]:
        row = conn.execute(select(consumers.c.n, consumers.c.failures).where(consumers.c.name == self._name)).one()
        return row.n, row.failures, read(conn, after=row.n)

    def _apply(self, tx: "Tx", cursor: int, batch: list[Event]) -> None:
        for entry in batch:
            self._handle(tx, entry)
        self._move(tx, cursor, batch[-1].id)

    def _move(self, tx: "Tx", cursor: int, to: int) -> None:
        moved = tx.conn.execute(
            update(consumers).where(consumers.c.name == self._name, consumers.c.n == cursor).values(n=to, failures=0)
        )
        if moved.rowcount != 1:
            raise Moved(self._name)

    def _failed(self, tx: "Tx", cursor: int, failures: int, entry: Event, reason: str) -> None:
        if failures < TRIES:
            here = (consumers.c.name == self._name, consumers.c.n == cursor)
            tx.conn.execute(update(consumers).where(*here).values(failures=failures))
            return
        row = {"consumer": self._name, "event": entry.id, "reason": reason, "time_ms": tx.now_ms}
        tx.conn.execute(plain_insert(poisoned), row)
        tx.log(
            "entry.rejected",
            {"consumer": self._name, "event": entry.id, "reason": reason},
            site=entry.site,
            device=entry.device,
        )
        self._move(tx, cursor, entry.id)
        self._log.error("event set aside", id=entry.id, reason=reason)
