"""The write lanes: units one after the other on one connection, several of them in one commit.

A commit costs a sync of the disk. Records that wait while one is under way therefore share the next: each runs behind a savepoint
of its own, so that one which fails takes no other with it, and nobody is answered before the commit. Nothing waits for company, a
commit holds at most 20 ms of them, and one that comes in with ingest is the last of its commit (truth T12, T14).
"""

import asyncio
import contextlib
import itertools
import queue
import threading
from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from soundpost.hub.store import dialect
from soundpost.hub.store.unit_of_work import INGEST, RECORDS, CommitUnknown, Tx, Unit
from soundpost.kernel.clock import Clock
from soundpost.kernel.sealed import Secrets

SHARED_S = 0.020
SHARED_MOST = 200

EMPTY = (queue.Empty, asyncio.QueueEmpty)

Announce = Callable[[Tx], None]
Explained = Callable[[], contextlib.AbstractContextManager[None]]
Waiting = tuple[int, int, Unit[Any] | None]
"""(priority, arrival, unit); no unit: the lane is to end."""


class Lane(Protocol):
    def submit(self, priority: int, unit: Unit[Any]) -> None: ...

    async def close(self) -> None: ...


class Ended(Struct):
    """How one unit of a shared commit ended; `error` is set where it failed by itself."""

    unit: Unit[Any]
    tx: Tx
    result: Any = None
    error: Exception | None = None


class Shared:
    """What one commit holds: `first`, and what waits behind it. `take` gives the next or raises one of EMPTY; `explained` turns a
    database's words into ours."""

    def __init__(
        self,
        first: Waiting,
        take: Callable[[], Waiting],
        clock: Clock,
        secrets: Secrets,
        explained: Explained = contextlib.nullcontext,
    ) -> None:
        self.left: Waiting | None = None
        """Taken from the queue, but not of this commit."""
        self.ended: list[Ended] = []
        self._running = first[2]
        self._take, self._clock, self._secrets, self._explained = take, clock, secrets, explained
        self._alone = first[0] == INGEST
        self._until = clock.monotonic() + SHARED_S

    def run(self, conn: Connection) -> None:
        """Inside the transaction. Raises only where the transaction itself is lost."""
        while (unit := self._running) is not None:
            self.ended.append(self._whole(conn, unit) if self._alone else self._apart(conn, unit))
            self._running = self._next()

    @property
    def units(self) -> list[Unit[Any]]:
        return [done.unit for done in self.ended] + ([self._running] if self._running else [])

    def _next(self) -> Unit[Any] | None:
        """Ingest stands alone: its batch is full already, and is not to wait for records."""
        if self._alone or len(self.ended) >= SHARED_MOST or self._clock.monotonic() >= self._until:
            return None
        try:
            waiting = self._take()
        except EMPTY:
            return None
        if waiting[0] != RECORDS:
            self.left = waiting
            return None
        return waiting[2]

    def _whole(self, conn: Connection, unit: Unit[Any]) -> Ended:
        tx = Tx(conn, self._clock.now_ms(), self._secrets)
        result = unit.work(tx)
        tx.number()
        return Ended(unit, tx, result)

    def _apart(self, conn: Connection, unit: Unit[Any]) -> Ended:
        savepoint = conn.begin_nested()
        tx = Tx(conn, self._clock.now_ms(), self._secrets)
        try:
            with self._explained():
                result = unit.work(tx)
                tx.number()
                savepoint.commit()
        except Exception as error:
            try:
                savepoint.rollback()
            except Exception:  # the database gave up the whole transaction: full disk, lost line
                raise error from None
            return Ended(unit, tx, error=error)
        return Ended(unit, tx, result)

    def tell(self, announce: Announce) -> None:
        """On the event loop, after the commit."""
        for done in self.ended:
            if done.error is not None:
                done.unit.fail(done.error)
                continue
            try:
                announce(done.tx)
            finally:
                done.unit.finish(done.result)

    def lost(self, error: BaseException) -> None:
        """On the event loop: nothing was committed, or nobody knows. Who failed by itself is told its own reason."""
        own = {id(done.unit): done.error for done in self.ended}
        for unit in self.units:
            unit.fail(own.get(id(unit)) or error)


class ThreadLane:
    """SQLite: one thread, one connection, units in order of (ingest first, arrival)."""

    def __init__(self, engine: Engine, clock: Clock, announce: Announce, secrets: Secrets) -> None:
        self._engine, self._clock, self._announce, self._secrets = engine, clock, announce, secrets
        self._loop = asyncio.get_running_loop()
        self._queue: queue.PriorityQueue[Waiting] = queue.PriorityQueue()
        self._order = itertools.count()
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, priority: int, unit: Unit[Any]) -> None:
        self._queue.put((priority, next(self._order), unit))

    async def close(self) -> None:
        self._queue.put((RECORDS + 1, next(self._order), None))
        await asyncio.to_thread(self._thread.join)

    def _explained(self) -> contextlib.AbstractContextManager[None]:
        return dialect.explained(str(self._engine.url.database))

    def _serve(self) -> None:
        with self._engine.connect() as conn:
            waiting = self._queue.get()
            while waiting[2] is not None:
                shared = Shared(waiting, self._queue.get_nowait, self._clock, self._secrets, self._explained)
                self._carry_out(conn, shared)
                waiting = shared.left or self._queue.get()

    def _carry_out(self, conn: Connection, shared: Shared) -> None:
        try:
            with self._explained():
                transaction = conn.begin()
                try:
                    shared.run(conn)
                except BaseException:
                    transaction.rollback()
                    raise
                commit(conn, transaction)
        except BaseException as error:
            self._loop.call_soon_threadsafe(shared.lost, error)
            if not isinstance(error, Exception):
                raise
        else:
            self._loop.call_soon_threadsafe(shared.tell, self._announce)


def commit(conn: Connection, transaction: Any) -> None:
    try:
        transaction.commit()
    except Exception as error:
        for roll_back in (
            transaction.rollback,
            conn.connection.rollback,
        ):  # the one may take it for ended, the other hold it
            with contextlib.suppress(Exception):
                roll_back()
        raise CommitUnknown("The database did not confirm a change; it is read again.", cause=str(error)) from error


class TaskLane:
    """PostgreSQL: one task, one connection at a time; the same order and the same promises."""

    def __init__(self, engine: AsyncEngine, clock: Clock, announce: Announce, secrets: Secrets) -> None:
        self._engine, self._clock, self._announce, self._secrets = engine, clock, announce, secrets
        self._queue: asyncio.PriorityQueue[Waiting] = asyncio.PriorityQueue()
        self._order = itertools.count()
        self._task = asyncio.create_task(self._serve(), name="store-writer")

    def submit(self, priority: int, unit: Unit[Any]) -> None:
        self._queue.put_nowait((priority, next(self._order), unit))

    async def close(self) -> None:
        self._queue.put_nowait((RECORDS + 1, next(self._order), None))
        await self._task

    async def _serve(self) -> None:
        waiting = await self._queue.get()
        while waiting[2] is not None:
            shared = Shared(waiting, self._queue.get_nowait, self._clock, self._secrets)
            try:
                await self._carry_out(shared)
            except Exception as error:
                shared.lost(error)
            else:
                shared.tell(self._announce)
            waiting = shared.left or await self._queue.get()

    async def _carry_out(self, shared: Shared) -> None:
        async with self._engine.connect() as conn:
            transaction = await conn.begin()
            try:
                await conn.run_sync(shared.run)
            except BaseException:
                await transaction.rollback()
                raise
            try:
                await transaction.commit()
            except Exception as error:
                raise CommitUnknown(
                    "The database did not confirm a change; it is read again.", cause=str(error)
                ) from error
