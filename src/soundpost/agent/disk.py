"""The agent's own file: one SQLite database, one thread that writes it, one FULL commit for all that waits (T13).

While a commit runs the next jobs gather, so a job is committed at once when idle and shares a commit under load. The
connection holds the file exclusively: SQLite's own lock keeps a second process out and dies with this one.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from soundpost.agent.schema import LEVEL, MIGRATIONS
from soundpost.kernel import log
from soundpost.kernel.errors import Conflict, Corrupt, Unavailable

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], Any]
GROUP = 200
"""Jobs that share one commit at most."""

HEADER = 100
"""Bytes every SQLite file begins with; a piece of them is taken for an empty file by SQLite, and would be made anew."""

TROUBLE = frozenset({
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_PERM,
})  # fmt: skip
"""SQLite's codes that speak of the disk and not of the statement."""

_log = log.get("agent.disk")


class Record:
    """A job that writes one row. `size`: the bytes it holds until it did."""

    __slots__ = ("_row", "_statement", "size")

    def __init__(self, statement: str, row: tuple[Any, ...]) -> None:
        self._statement, self._row = statement, row
        self.size = sum(len(item) for item in row if isinstance(item, str | bytes))

    def __call__(self, connection: sqlite3.Connection) -> None:
        connection.execute(self._statement, self._row)


class _Waiting:
    __slots__ = ("error", "future", "job", "result", "undone")

    def __init__(self, job: Job, future: "asyncio.Future[Any]", undone: Callable[[], None] | None) -> None:
        self.job, self.future, self.undone = job, future, undone
        self.result: Any = None
        self.error: BaseException | None = None


class Disk:
    """Open it with `Disk.open`. Jobs run in the order they were submitted, each in the shared transaction behind a savepoint:
    a job that raises takes back only its own work."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._connection = connection
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._updown = log.UpDown(_log, "writing")

    @classmethod
    def open(cls, path: Path) -> "Disk":
        """Blocking. Raises Conflict `disk_in_use`, Corrupt `disk_damaged` or `disk_newer`; never makes a damaged file anew."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and 0 < path.stat().st_size < HEADER:
            raise _damaged(path, "cut off within its header")
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.0)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
        return cls(connection, path)

    def submit(
        self, job: Callable[[sqlite3.Connection], T], undone: Callable[[], None] | None = None
    ) -> "asyncio.Future[T]":
        """Call from the event loop. The future is done when the commit that holds the job is on disk. When it is not, `undone`
        is called in the disk's thread before any later job runs there, the last job's first: what a job took from memory can
        be put back in its order."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._closed:
            future.set_exception(Unavailable("The agent is stopping.", code="stopping"))
            return future
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, args=(loop,), name="agent-disk", daemon=True)
            self._thread.start()
        self._queue.put(_Waiting(job, future, undone))
        return future

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        return await self.submit(job)

    async def close(self) -> None:
        """Commits what waits, then lets the file go."""
        if self._closed:
            return
        self._closed = True
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        running = True
        while running:
            batch: list[_Waiting] = []
            item = self._queue.get()
            while item is not None:
                batch.append(item)
                if len(batch) >= GROUP or self._queue.empty():
                    break
                item = self._queue.get()
            running = item is not None
            if batch:
                self._commit(batch)
                try:
                    loop.call_soon_threadsafe(_deliver, batch)
                except RuntimeError:  # the loop is closed: nobody waits for the answer any more
                    return

    def _commit(self, batch: list[_Waiting]) -> None:
        connection = self._connection
        try:
            before = connection.total_changes
            connection.execute("begin immediate")
            for waiting in batch:
                _guarded(connection, waiting)
            connection.execute("commit")
            if connection.total_changes != before:
                self._updown.up()
        except Exception as cause:
            self._roll_back(batch, cause)

    def _roll_back(self, batch: list[_Waiting], cause: Exception) -> None:
        """Whatever went wrong, this thread must live: nothing would ever be written again without it."""
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("rollback")
        self._updown.down(str(cause))
        for waiting in reversed(batch):
            if waiting.error is None and waiting.undone is not None:
                waiting.undone()
            waiting.error = failed(str(cause))


def failed(cause: str) -> Unavailable:
    return Unavailable(
        "The agent can't write to its disk; check free space and permissions.", code="disk_failed", cause=cause
    )


def is_trouble(error: BaseException) -> bool:
    """Whether it is the disk's own trouble, which passes once there is room again."""
    return isinstance(error, sqlite3.Error) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in TROUBLE


def _guarded(connection: sqlite3.Connection, waiting: _Waiting) -> None:
    connection.execute("savepoint job")
    try:
        waiting.result = waiting.job(connection)
    except Exception as error:
        waiting.error = failed(str(error)) if is_trouble(error) else error
        if waiting.undone is not None:
            waiting.undone()
        if not connection.in_transaction:  # SQLite itself took all of it back, as it does on a full disk
            raise
        connection.execute("rollback to job")
    connection.execute("release job")


def _deliver(batch: list[_Waiting]) -> None:
    for waiting in batch:
        if waiting.future.done():
            continue
        if waiting.error is not None:
            waiting.future.set_exception(waiting.error)
        else:
            waiting.future.set_result(waiting.result)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    try:
        connection.execute("pragma locking_mode = exclusive")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma fullfsync = 1")
        connection.execute("begin immediate")
        connection.execute("commit")
        checked = connection.execute("pragma quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as cause:
        raise _unopened(path, cause) from None
    except sqlite3.DatabaseError as cause:
        raise _damaged(path, str(cause)) from None
    if checked != "ok":
        raise _damaged(path, str(checked))
    _migrate(connection, path)


def _unopened(path: Path, cause: sqlite3.OperationalError) -> Exception:
    if "locked" in str(cause):
        return Conflict(
            f"Another agent uses {path}; stop it first, or give this one a data folder of its own.",
            code="disk_in_use",
        )
    return Unavailable(
        f"The agent's file {path} can't be opened: {cause}.", code="disk_failed", cause=str(cause)
    )  # fmt: skip


def _damaged(path: Path, cause: str) -> Corrupt:
    return Corrupt(
        f"The agent's file {path} is damaged. Move it away and start again: what a hub has confirmed is safe there, and the "
        "devices are found anew. The device passwords and the account at the hub were in that file too: enter the passwords "
        "again under Settings, and connect to the hub again with the account's name and password.",
        code="disk_damaged",
        cause=cause,
    )


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Copy first; foreign keys off before BEGIN; one transaction; check (T19)."""
    level = connection.execute("pragma user_version").fetchone()[0]
    if level > LEVEL:
        raise Corrupt(
            f"The agent's file {path} was written by a newer version (level {level}, this one reads up to {LEVEL}); "
            "start the newer version, or give this one another data folder.",
            code="disk_newer",
        )
    if level == LEVEL:
        return
    if level:
        _copy(connection, path, level)
    connection.execute("pragma foreign_keys = off")
    connection.execute("begin immediate")
    try:
        for step in range(level, LEVEL):
            for statement in MIGRATIONS[step]:
                connection.execute(statement)
        if connection.execute("pragma foreign_key_check").fetchone():
            raise _damaged(path, "foreign keys")
        connection.execute(f"pragma user_version = {LEVEL}")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _copy(connection: sqlite3.Connection, path: Path, level: int) -> None:
    """Through SQLite itself: opening and closing the file beside it would drop its POSIX locks."""
    copy = sqlite3.connect(path.with_name(f"{path.name}.level{level}"))
    try:
        connection.backup(copy)
    finally:
        copy.close()
