"""Bringing a database to this program's level (truth T19): copy first, foreign keys off before BEGIN, one transaction, check, on."""

import contextlib
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from soundpost.hub.store import dialect
from soundpost.kernel.errors import Conflict, Corrupt

HEAD = "0011"
"""The newest revision in migrations/versions; a test compares it with what Alembic finds."""
SCRIPTS = Path(__file__).parent / "migrations"


def level(conn: Connection) -> str | None:
    """The revision a database stands at; None when it is empty."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("select version_num from alembic_version")).scalar()


def known_revisions() -> set[str]:
    return {path.name.split("_", 1)[0] for path in (SCRIPTS / "versions").glob("*.py")}


def upgrade(conn: Connection) -> None:
    """Runs what is missing, inside the caller's transaction."""
    at = level(conn)
    if at == HEAD:
        return
    if at is not None and at not in known_revisions():
        raise newer(at)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def look(path: Path) -> None:
    """Whether a SQLite file of Soundpost could be used, without changing it. Raises Corrupt or Conflict with a sentence."""
    with (
        dialect.explained(str(path)),
        contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0)) as line,
    ):
        if (check := line.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise damaged(path, str(check))
        tables = {name for (name,) in line.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'")}
        at = line.execute("SELECT version_num FROM alembic_version").fetchone() if tables else None
    if at is not None and at[0] not in known_revisions():
        raise newer(at[0])


def damaged(path: Path, cause: str) -> Corrupt:
    return Corrupt(
        f"The database {path} is damaged. Nothing was changed. Restore it from a backup, or move it away to start anew.",
        code="database_damaged",
        cause=cause,
    )


def newer(at: str) -> Conflict:
    return Conflict(
        "This database was written by a newer version of Soundpost. Install that version, or restore an older backup.",
        code="database_newer",
        at=at,
    )


def sqlite(engine: Engine, path: Path) -> None:
    with dialect.explained(str(path)):
        with engine.connect() as conn:
            at = level(conn)
            check = conn.execute(text("PRAGMA quick_check(1)")).scalar() if at else "ok"
        if check != "ok":
            raise damaged(path, str(check))
        if at == HEAD:
            return
        if at is not None:
            copy = path.with_name(f"{path.name}.before-{HEAD}")
            copy.unlink(missing_ok=True)
            with engine.connect() as conn:
                conn.exec_driver_sql("COMMIT")
                conn.execute(text("VACUUM INTO :copy"), {"copy": str(copy)})
        with engine.connect() as conn:
            conn.exec_driver_sql("COMMIT")  # the foreign keys' switch is ignored inside a transaction
            dialect.set_sqlite_foreign_keys(conn, False)
            conn.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                upgrade(conn)
                if broken := dialect.broken_foreign_keys(conn):
                    raise Corrupt(
                        "A migration left rows without their parents; nothing was changed.",
                        code="migration",
                        cause=str(broken),
                    )
                conn.commit()
            finally:
                if conn.in_transaction():
                    conn.rollback()
                dialect.set_sqlite_foreign_keys(conn, True)
