"""The organization's settings by key, and every revision of its terms."""

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from soundpost.hub.store import dialect
from soundpost.hub.store.tables import organization, terms


def everything(conn: Connection) -> dict[str, tuple[bytes, bool]]:
    """Each value as it is stored, and whether it is sealed."""
    return {row.key: (bytes(row.value), bool(row.sealed)) for row in conn.execute(select(organization))}


def put(conn: Connection, key: str, value: bytes, now_ms: int, *, sealed: bool = False) -> None:
    row = {"value": value, "sealed": int(sealed), "changed_ms": now_ms}
    statement = dialect.insert(conn, organization).values(key=key, **row)
    conn.execute(statement.on_conflict_do_update(index_elements=["key"], set_=row))


def drop(conn: Connection, key: str) -> None:
    conn.execute(delete(organization).where(organization.c.key == key))


def terms_now(conn: Connection) -> Row[Any] | None:
    return conn.execute(select(terms).order_by(terms.c.revision.desc()).limit(1)).first()


def revision(conn: Connection) -> int:
    return int(conn.execute(select(func.coalesce(func.max(terms.c.revision), 0))).scalar_one())


def add_terms(conn: Connection, row: dict[str, Any]) -> None:
    conn.execute(insert(terms).values(**row))
