"""The only place where SQLite and PostgreSQL differ."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import NullPool, QueuePool

from soundpost.kernel.errors import Conflict, Corrupt, Invalid, Retry, SoundpostError, Unavailable

BUSY_MS = 5_000


def insert(conn: Connection, table: Table) -> "sqlite.Insert":
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`; both databases spell them alike."""
    if conn.dialect.name == "postgresql":
        return cast("sqlite.Insert", postgresql.insert(table))
    return sqlite.insert(table)


def upsert(conn: Connection, table: Table, rows: list[dict[str, Any]], key: list[str]) -> None:
    """Insert rows or replace the named columns where `key` exists. Every row has the same columns."""
    if not rows:
        return
    statement = insert(conn, table)
    columns = [name for name in rows[0] if name not in key]
    # Sorted keys: two writers that upsert unsorted rows deadlock on PostgreSQL.
    rows = sorted(rows, key=lambda row: tuple(str(row[name]) for name in key))
    if columns:
        statement = statement.on_conflict_do_update(
            index_elements=key, set_={name: statement.excluded[name] for name in columns}
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    conn.execute(statement, rows)


def sqlite_engine(path: Path, *, write: bool) -> Engine:
    """The writer has one connection and takes the lock when it begins; readers can't write at all."""
    engine = create_engine(
        "sqlite+pysqlite:///" + str(path),
        poolclass=QueuePool,
        hide_parameters=True,  # an error's text may reach the log, and parameters may be secrets
        pool_size=1 if write else 4,
        max_overflow=0,
        connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000, "cached_statements": 256},
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours, below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "fullfsync=ON", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA journal_size_limit=67108864")
        if not write:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def sqlite_beside(path: Path) -> Engine:
    """For reading beside whoever writes; the file is opened so that it can't be changed."""
    engine = create_engine(
        f"sqlite+pysqlite:///{path.absolute().as_uri()}?mode=ro&uri=true",
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": BUSY_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def checkpoint(conn: Connection) -> None:
    """Moves finished WAL pages home without waiting for readers; nothing to do on PostgreSQL."""
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


@contextlib.contextmanager
def explained(path: str) -> Iterator[None]:
    """Turns what a database says when it can't be used into a sentence a person can act on. Nothing is ever re-created."""
    try:
        yield
    except SoundpostError:
        raise
    except (DBAPIError, sqlite3.Error) as error:
        words = str(getattr(error, "orig", None) or error).lower()
        if "not a database" in words or "malformed" in words or "disk image" in words:
            raise Corrupt(
                f"The database {path} is damaged. Nothing was changed. Restore it from a backup, or move it away to start anew.",
                code="database_damaged",
                cause=words,
            ) from error
        if "locked" in words or "busy" in words:
            raise Conflict(
                f"The database {path} is in use by another program. Stop that program, then start again.",
                code="database_locked",
                cause=words,
            ) from error
        if "full" in words or "no space" in words:
            raise Unavailable(
                f"The disk that holds {path} is full. Free some space.", code="disk_full", cause=words
            ) from error
        if "readonly" in words or "unable to open" in words or "permission" in words:
            raise Conflict(
                f"The database {path} can't be opened for writing. Check the folder's owner and rights.",
                code="database_unwritable",
                cause=words,
            ) from error
        raise


def check_address(address: str) -> None:
    """Raises Invalid for what is no PostgreSQL address. It may hold a password, so no text repeats it."""
    try:
        url = make_url(address)
        fits = url.drivername == "postgresql" and bool(url.database)
    except (ArgumentError, ValueError):
        fits = False
    if not fits:
        raise Invalid(
            "The database's address can't be read. Write postgresql://user:password@host:5432/name, or leave it out for SQLite.",
            code="database_address",
        )


@contextlib.contextmanager
def reached(address: str) -> Iterator[None]:
    """Turns a PostgreSQL server that can't be used into a sentence. `address` may hold a password: only its host is told."""
    url = make_url(address)
    where = f"{url.host or 'localhost'}:{url.port or 5432}"
    try:
        yield
    except SoundpostError:
        raise
    except OSError as error:
        raise Unavailable(
            f"No PostgreSQL server answers at {where}. Is it running, and may this machine reach it?",
            code="database_unreachable",
            cause=str(error),
        ) from error
    except Exception as error:  # asyncpg raises its own, SQLAlchemy wraps some: the SQLSTATE is what counts
        state = getattr(error, "sqlstate", None) or getattr(getattr(error, "orig", None), "sqlstate", "") or ""
        if state.startswith("28"):
            text_ = f"The PostgreSQL server at {where} does not take this user and password. Check both, and its pg_hba.conf."
            raise Conflict(text_, code="database_refused", cause=type(error).__name__) from error
        if state == "3D000":
            text_ = f"The PostgreSQL server at {where} has no database {url.database!r}. Make it, or name another."
            raise Conflict(text_, code="database_missing", cause=type(error).__name__) from error
        raise


TROUBLE = frozenset({"database_damaged", "database_locked", "database_unwritable", "disk_full"})


def is_trouble(error: Exception) -> bool:
    """The database itself can't be used now: the same work may succeed later."""
    return isinstance(error, Retry | OperationalError | InterfaceError) or getattr(error, "code", "") in TROUBLE


class FolderLock:
    """One hub process per data folder (T12). The lock dies with the process, so a kill leaves nothing to clean."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take()
        except OSError:
            os.close(self._file)
            raise Conflict(
                f"The data folder {path.parent} is in use by another Soundpost process. Stop it, or name another folder with --data.",
                code="data_folder_in_use",
            ) from None

    def _take(self) -> None:
        try:
            import fcntl
        except ImportError:
            import msvcrt

            msvcrt.locking(self._file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        os.close(self._file)


def set_sqlite_foreign_keys(conn: Connection, on: bool) -> None:
    """Must run outside a transaction: inside one SQLite ignores it without an error."""
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


def broken_foreign_keys(conn: Connection) -> list[str]:
    if conn.dialect.name != "sqlite":
        return []
    return [str(row) for row in conn.execute(text("PRAGMA foreign_key_check")).all()]
