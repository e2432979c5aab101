"""The audit's rows: an act opened and an act completed are two rows that share an id (truth T35)."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select

from soundpost.hub.store.tables import audit

LEVEL = b"\x01"


def add(conn: Connection, row: dict[str, Any], detail: object) -> None:
    conn.execute(insert(audit).values(**row, detail=LEVEL + msgspec.msgpack.encode(detail)))


def opening(conn: Connection, id: str) -> Row[Any] | None:
    return conn.execute(select(audit).where(audit.c.id == id, audit.c.phase == "opened")).first()


def page(conn: Connection, *, device: str | None, before: int | None, limit: int) -> list[Row[Any]]:
    query = select(audit).order_by(audit.c.n.desc()).limit(limit)
    if device is not None:
        query = query.where(audit.c.device == device)
    if before is not None:
        query = query.where(audit.c.n < before)
    return list(conn.execute(query))


def detail(row: Row[Any]) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.msgpack.decode(row.detail[1:])
    return body
