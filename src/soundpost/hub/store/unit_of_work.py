"""The only door to writing: one lane per process, ingest first (truth T12, T14, T15).

A unit of work is a plain function of a Tx; it can't wait for anything but the database. Events it logs get their numbers
as the last act before the commit, so ids follow commit order and have no holes. Only after the commit are callbacks run
and events announced, on the event loop, in commit order.
"""

import asyncio
import contextlib
import itertools
import queue
import threading
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from soundpost.hub.store import dialect, outbox
from soundpost.hub.store.tables import fact_uids, log_head
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import Retry
from soundpost.kernel.sealed import Secrets

T = TypeVar("T")
INGEST, RECORDS = 0, 1


class CommitUnknown(Retry):
    """The database did not say whether it committed: close the links, rebuild memory from the store, listen again (T14)."""

    default_code = "commit_unknown"


class Tx:
    """What one unit of work may use: the connection, the log, and what shall happen after the commit."""

    def __init__(self, conn: Connection, now_ms: int, secrets: Secrets) -> None:
        self.conn = conn
        self.now_ms = now_ms
        self.secrets = secrets
        self.events: list[outbox.Event] = []
        self.callbacks: list[Callable[[], None]] = []
        self.hints: list[str] = []
        self.head = 0
        self.log_id = ""
        self._uids: list[tuple[bytes, outbox.Event]] = []

    def log(
        self,
        type: str,
        data: object = None,
        *,
        site: str = "",
        device: str = "",
        time_ms: int | None = None,
        uid: bytes = b"",
    ) -> outbox.Event:
        """Adds an event. Its id is 0 until the commit; `uid` (a fact's) must be new: ask `unseen` first."""
        entry = outbox.Event(
            id=0,
            time_ms=self.now_ms if time_ms is None else time_ms,
            received_ms=self.now_ms,
            type=type,
            site=site,
            device=device,
            data=outbox.plain(data),
        )
        self.events.append(entry)
        if uid:
            self._uids.append((uid, entry))
        return entry

    def unseen(self, uids: list[bytes]) -> set[bytes]:
        """Which of these facts the log does not have yet."""
        if not uids:
            return set()
        known = self.conn.execute(select(fact_uids.c.uid).where(fact_uids.c.uid.in_(uids))).scalars()
        return set(uids) - {bytes(uid) for uid in known}

    def after(self, callback: Callable[[], None]) -> None:
        """Runs on the event loop once this is committed, before anything is announced; never when it is not."""
        self.callbacks.append(callback)

    def hint(self, word: str) -> None:
        """Tells this process's listeners (`Store.hinted`) after the commit to look at rows again; the log keeps nothing of it."""
        if word not in self.hints:
            self.hints.append(word)

    def number(self) -> None:
        """Gives the events their ids. Last act before the commit."""
        if not self.events:
            return
        row = self.conn.execute(
            update(log_head)
            .where(log_head.c.id == 1)
            .values(n=log_head.c.n + len(self.events))
            .returning(log_head.c.n, log_head.c.log)
        ).one()
        self.head, self.log_id = row.n, row.log
        for offset, entry in enumerate(self.events, start=row.n - len(self.events) + 1):
            entry.id = offset
        outbox.insert(self.conn, self.events)
        if self._uids:
            self.conn.execute(
                dialect.insert(self.conn, fact_uids), [{"uid": uid, "event": e.id} for uid, e in self._uids]
            )


class Unit(Generic[T]):
    """One queued unit of work and the future of its result."""

    def __init__(self, work: Callable[[Tx], T], future: "asyncio.Future[T]") -> None:
        self.work, self.future = work, future

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)

    def finish(self, result: T) -> None:
        if not self.future.done():
            self.future.set_result(result)


class Lane(Protocol):
    def submit(self, priority: int, unit: Unit[Any]) -> None: ...

    async def close(self) -> None: ...


Announce = Callable[[Tx], None]


class ThreadLane:
    """SQLite: one thread, one connection, units in order of (ingest first, arrival)."""

    def __init__(self, engine: Engine, clock: Clock, announce: Announce, secrets: Secrets) -> None:
        self._engine, self._clock, self._announce, self._secrets = engine, clock, announce, secrets
        self._loop = asyncio.get_running_loop()
        self._queue: queue.PriorityQueue[tuple[int, int, Unit[Any] | None]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, priority: int, unit: Unit[Any]) -> None:
        self._queue.put((priority, next(self._order), unit))

    async def close(self) -> None:
        self._queue.put((RECORDS + 1, next(self._order), None))
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        with self._engine.connect() as conn:
            while (unit := self._queue.get()[2]) is not None:
                self._carry_out(conn, unit)

    def _carry_out(self, conn: Connection, unit: Unit[Any]) -> None:
        try:
            with dialect.explained(str(self._engine.url.database)):
                tx, result = self._committed(conn, unit)
        except BaseException as error:
            self._loop.call_soon_threadsafe(unit.fail, error)
            if not isinstance(error, Exception):
                raise
        else:
            self._loop.call_soon_threadsafe(self._tell, tx, unit, result)

    def _committed(self, conn: Connection, unit: Unit[T]) -> tuple[Tx, T]:
        transaction = conn.begin()
        tx = Tx(conn, self._clock.now_ms(), self._secrets)
        try:
            result = unit.work(tx)
            tx.number()
        except BaseException:
            transaction.rollback()
            raise
        commit(transaction)
        return tx, result

    def _tell(self, tx: Tx, unit: Unit[Any], result: object) -> None:
        try:
            self._announce(tx)
        finally:
            unit.finish(result)


def commit(transaction: Any) -> None:
    try:
        transaction.commit()
    except Exception as error:
        with contextlib.suppress(Exception):
            transaction.rollback()
        raise CommitUnknown("The database did not confirm a change; it is read again.", cause=str(error)) from error


class TaskLane:
    """PostgreSQL: one task, one connection at a time; the same order and the same promises."""

    def __init__(self, engine: AsyncEngine, clock: Clock, announce: Announce, secrets: Secrets) -> None:
        self._engine, self._clock, self._announce, self._secrets = engine, clock, announce, secrets
        self._queue: asyncio.PriorityQueue[tuple[int, int, Unit[Any] | None]] = asyncio.PriorityQueue()
        self._order = itertools.count()
        self._task = asyncio.create_task(self._serve(), name="store-writer")

    def submit(self, priority: int, unit: Unit[Any]) -> None:
        self._queue.put_nowait((priority, next(self._order), unit))

    async def close(self) -> None:
        self._queue.put_nowait((RECORDS + 1, next(self._order), None))
        await self._task

    async def _serve(self) -> None:
        while (unit := (await self._queue.get())[2]) is not None:
            try:
                tx, result = await self._carry_out(unit)
            except Exception as error:
                unit.fail(error)
            else:
                try:
                    self._announce(tx)
                finally:
                    unit.finish(result)

    async def _carry_out(self, unit: Unit[Any]) -> tuple[Tx, object]:
        async with self._engine.connect() as conn:
            transaction = await conn.begin()

            def work(sync: Connection) -> tuple[Tx, object]:
                tx = Tx(sync, self._clock.now_ms(), self._secrets)
                result = unit.work(tx)
                tx.number()
                return tx, result

            try:
                done = await conn.run_sync(work)
            except BaseException:
                await transaction.rollback()
                raise
            try:
                await transaction.commit()
            except Exception as error:
                raise CommitUnknown(
                    "The database did not confirm a change; it is read again.", cause=str(error)
                ) from error
            return done
