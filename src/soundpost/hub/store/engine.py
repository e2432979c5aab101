"""Opening the store: lock, migrations, the write lane and the readers."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from soundpost.hub.store import dialect, migrate
from soundpost.hub.store.blobs import Blobs
from soundpost.hub.store.lanes import Lane, TaskLane, ThreadLane
from soundpost.hub.store.mark import Mark
from soundpost.hub.store.outbox import Event
from soundpost.hub.store.tables import log_head
from soundpost.hub.store.unit_of_work import INGEST, RECORDS, Tx, Unit
from soundpost.kernel import ids, log
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import Unavailable
from soundpost.kernel.sealed import Secrets
from soundpost.kernel.signal import Signal

T = TypeVar("T")
CHECKPOINT_S, MARK_S = 1.0, 5.0
RENEWED = "log.renewed"
"""Hint: the log has a new id."""


class Store:
    """`target` is a SQLite file's path or a `postgresql://` address; `keys`: the folder of `secrets` (kernel.sealed); `files`: of
    `blobs`, which lie beside a SQLite file unless it says otherwise. Open with `async with Store(...)`."""

    def __init__(
        self, target: Path | str, clock: Clock, *, keys: Path | None = None, files: Path | None = None
    ) -> None:
        self.target, self.clock = target, clock
        self._files = files or (target.parent / "blobs" if isinstance(target, Path) else None)
        self._blobs: dict[str, Blobs] = {}
        self.secrets = Secrets(keys)
        self.log_id = ""
        self.head = 0
        self.renewed = False
        """This process gave the log a new id: once in its life, a restore always means another process."""
        self.put_back = False
        """The opening found the log behind its mark: it is an older copy."""
        self._mark = Mark(keys)
        self.hinted: Signal[str] = Signal("rows changed")
        self._subscribers: list[Callable[[list[Event]], None]] = []
        self._log = log.get("store")
        self._lock: dialect.FolderLock | None = None
        self._lane: Lane
        self._async: AsyncEngine | None = None
        self._engines: list[Engine] = []
        self._threads: ThreadPoolExecutor | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._marker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Store":
        try:
            await (
                self._open_postgresql(self.target) if isinstance(self.target, str) else self._open_sqlite(self.target)
            )
            self.log_id, self.head = await self.unit_of_work(self._begin_log)
            if self._mark.behind(self.head):
                await self.unit_of_work(self._note_put_back)
                self.put_back = True
            self._marker = asyncio.create_task(self._keep_mark(), name="store-mark")
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _open_sqlite(self, path: Path) -> None:
        self._lock = dialect.FolderLock(path.with_suffix(".lock"))
        with dialect.explained(str(path)):
            writer = dialect.sqlite_engine(path, write=True)
            self._engines.append(writer)
            await asyncio.to_thread(migrate.sqlite, writer, path)
            reader = dialect.sqlite_engine(path, write=False)
            self._engines.append(reader)
        self._threads = ThreadPoolExecutor(4, "store-reader")
        self._lane = ThreadLane(writer, self.clock, self._announce, self.secrets)
        self._keeper = asyncio.create_task(self._checkpoint(reader), name="store-checkpoint")

    async def _open_postgresql(self, address: str) -> None:
        dialect.check_address(address)
        url = address.replace("postgresql://", "postgresql+asyncpg://", 1)
        engine = create_async_engine(
            url,
            pool_size=5,
            max_overflow=0,
            hide_parameters=True,
            connect_args={"server_settings": {"synchronous_commit": "on"}},
        )
        self._async = engine
        with dialect.reached(address):
            async with engine.begin() as conn:
                await conn.execute(text("select pg_advisory_xact_lock(7067021)"))  # one process migrates, others wait
                await conn.run_sync(migrate.upgrade)
        self._lane = TaskLane(engine, self.clock, self._announce, self.secrets)

    def _begin_log(self, tx: Tx) -> tuple[str, int]:
        statement = dialect.insert(tx.conn, log_head).on_conflict_do_nothing(index_elements=["id"])
        tx.conn.execute(statement, {"id": 1, "n": 0, "log": ids.mint("log", tx.now_ms)})
        row = tx.conn.execute(select(log_head)).one()
        return row.log, row.n

    def _note_put_back(self, tx: Tx) -> None:
        """The database is an older copy of itself. Agents and the audit's note find the same later (`renewed`); what must not wait for
        them is told here."""
        self.new_log(tx)
        tx.log("hub.restored", {"head": self.head, "was": self._mark.n})
        self._log.error("this hub was put back from an older copy; its log has a new id", head=self.head)

    async def _keep_mark(self) -> None:
        while True:
            await asyncio.to_thread(self._mark.put, self.head)
            await self.clock.sleep(MARK_S)

    async def close(self) -> None:
        for task in (self._keeper, self._marker):
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self._marker:
            self._mark.put(self.head)
        if hasattr(self, "_lane"):
            await self._lane.close()
        if self._threads:
            self._threads.shutdown()
        if self._async:
            await self._async.dispose()
        for engine in self._engines:
            engine.dispose()
        if self._lock:
            self._lock.release()
            self._lock = None

    async def unit_of_work(self, work: Callable[[Tx], T], *, ingest: bool = False) -> T:
        """Runs `work` in one transaction on the write lane; returns after the commit, and after callbacks and subscribers ran."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._lane.submit(INGEST if ingest else RECORDS, Unit(work, future))
        # Shielded: a caller that goes away must not make a committed change look undone to the lane.
        return await asyncio.shield(future)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Runs `query` on a read-only connection, in a snapshot of its own."""
        if self._async is not None:
            async with self._async.connect() as conn:
                return await conn.run_sync(query)
        assert self._threads is not None
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, query)

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self._engines[1].connect() as conn:
            return query(conn)

    def blobs(self, room: str) -> Blobs:
        """That room's own files."""
        if self._files is None:
            raise Unavailable("This hub was started without a folder for files.", code="no_files")
        return self._blobs.setdefault(room, Blobs(self._files / room))

    def subscribe(self, hear: Callable[[list[Event]], None]) -> None:
        """`hear` gets the events of each commit, on the loop, in commit order. For hints and screens; effects use a Consumer."""
        self._subscribers.append(hear)

    def unsubscribe(self, hear: Callable[[list[Event]], None]) -> None:
        with contextlib.suppress(ValueError):
            self._subscribers.remove(hear)

    def new_log(self, tx: Tx) -> None:
        """This hub was found to have gone back: readers' cursors mean nothing any more, and what waits to be sent is held (T36)."""
        fresh = ids.mint("log", tx.now_ms)
        tx.conn.execute(update(log_head).values(log=fresh))
        tx.hint(RENEWED)
        tx.after(lambda: self._renewed(fresh))

    def _renewed(self, fresh: str) -> None:
        self.log_id, self.renewed = fresh, True

    def _announce(self, tx: Tx) -> None:
        for callback in tx.callbacks:
            self._guarded(callback)
        if tx.events:
            self.head = tx.head
            for hear in tuple(self._subscribers):
                self._guarded(lambda hear=hear: hear(tx.events))  # type: ignore[misc]
        for word in tx.hints:
            self.hinted.emit(word)

    def _guarded(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            self._log.exception("a listener failed after a commit")

    async def _checkpoint(self, reader: Engine) -> None:
        def once() -> None:
            with reader.connect() as conn:
                conn.exec_driver_sql("COMMIT")  # a checkpoint can't run inside the read transaction SQLAlchemy began
                dialect.checkpoint(conn)
                conn.exec_driver_sql("BEGIN")

        while True:
            await self.clock.sleep(CHECKPOINT_S)
            with contextlib.suppress(Exception):
                await asyncio.to_thread(once)
