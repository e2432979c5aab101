"""Receivers of the audit, how far each has come, and the rows that are next."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from soundpost.hub.audit import repo
from soundpost.hub.store.tables import audit, audit_streams


def everything(conn: Connection) -> list[Row[Any]]:
    return list(conn.execute(select(audit_streams).order_by(audit_streams.c.created_ms, audit_streams.c.id)))


def one(conn: Connection, id: str) -> Row[Any] | None:
    return conn.execute(select(audit_streams).where(audit_streams.c.id == id)).first()


def add(conn: Connection, row: Mapping[str, Any]) -> None:
    conn.execute(insert(audit_streams).values(**row))


def change(conn: Connection, id: str, **values: Any) -> None:
    conn.execute(update(audit_streams).where(audit_streams.c.id == id).values(**values))


def remove(conn: Connection, id: str) -> bool:
    return conn.execute(delete(audit_streams).where(audit_streams.c.id == id)).rowcount == 1


def move(conn: Connection, id: str, at: int, **values: Any) -> bool:
    """False: it stands elsewhere now, moved by another process, or is gone."""
    here = (audit_streams.c.id == id, audit_streams.c.n == at)
    return conn.execute(update(audit_streams).where(*here).values(**values)).rowcount == 1


def following(conn: Connection, after: int, limit: int) -> list[Row[Any]]:
    return list(conn.execute(select(audit).where(audit.c.n > after).order_by(audit.c.n).limit(limit)))


def head(conn: Connection) -> int:
    return repo.head(conn).n
