"""What this database is: a handful of named values, and the random id of the instance that owns it."""

import os

from sqlalchemy import Connection, delete, select

from soundpost.hub.store import dialect
from soundpost.hub.store.tables import log_head, meta
from soundpost.hub.store.unit_of_work import Tx
from soundpost.kernel import ids


def get(conn: Connection, key: str) -> bytes | None:
    return conn.execute(select(meta.c.value).where(meta.c.key == key)).scalar()


def put(tx: Tx, key: str, value: bytes) -> None:
    dialect.upsert(tx.conn, meta, [{"key": key, "value": value}], ["key"])


def drop(tx: Tx, key: str) -> None:
    tx.conn.execute(delete(meta).where(meta.c.key == key))


def log_id(conn: Connection) -> str:
    """Which log this is, as it stands in this transaction: another after a restore (T36)."""
    return str(conn.execute(select(log_head.c.log)).scalar_one())


def instance(tx: Tx) -> str:
    """26 random characters, made once; `hub_` + these is the hub's id on the link.

    Not a UUIDv7: cookies are named after the first eight, and instances started in the same quarter of a second must differ.
    """
    known = get(tx.conn, "instance")
    if known is None:
        known = ids.text(os.urandom(16)).encode()
        put(tx, "instance", known)
    return known.decode()
