"""The audit's rows: an act opened and an act completed are two rows that share an id (truth T35). And the ends of their chain."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from soundpost.hub.audit import chain
from soundpost.hub.audit.chain import Anchor, Head
from soundpost.hub.store.tables import audit, audit_anchors, log_head

LEVEL = b"\x01"


def packed(detail: object) -> bytes:
    return LEVEL + msgspec.msgpack.encode(detail)


def opening(conn: Connection, id: str) -> dict[str, Any] | None:
    row = conn.execute(select(audit).where(audit.c.id == id, audit.c.phase == "opened")).first()
    return None if row is None else dict(row._mapping)


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


# -- the chain


def add(conn: Connection, rows: list[dict[str, Any]]) -> None:
    conn.execute(insert(audit), rows)


_head = select(log_head.c.audit_n, log_head.c.audit_mac, log_head.c.audit_seal, log_head.c.audit_key)
_locked = _head.add_columns(select(func.max(audit.c.n)).scalar_subquery().label("top")).with_for_update(of=log_head)


def head(conn: Connection) -> Head:
    return Head(*conn.execute(_head).one())


def locked_head(conn: Connection) -> tuple[Head, int]:
    """And the highest row there is. Other processes that write wait until this transaction ends."""
    n, mac, seal, key, top = conn.execute(_locked).one()
    return Head(n, mac, seal, key), top or 0


def move_head(conn: Connection, head: Head) -> None:
    conn.execute(
        update(log_head)
        .where(log_head.c.id == 1)
        .values(audit_n=head.n, audit_mac=head.mac, audit_seal=head.seal, audit_key=head.key)
    )


def anchors(conn: Connection) -> list[Anchor]:
    return [Anchor(**row) for row in conn.execute(select(audit_anchors).order_by(audit_anchors.c.id)).mappings()]


def add_anchor(conn: Connection, anchor: Anchor) -> None:
    conn.execute(insert(audit_anchors).values(**msgspec.structs.asdict(anchor)))


def remove_anchor(conn: Connection, id: int) -> None:
    conn.execute(delete(audit_anchors).where(audit_anchors.c.id == id))


def stretch(conn: Connection, after: int, upto: int, limit: int) -> list[chain.Row]:
    """Rows above `after` up to `upto`, in order."""
    query = select(audit).where(audit.c.n > after, audit.c.n <= upto).order_by(audit.c.n).limit(limit)
    return [chain.row_of(row._asdict()) for row in conn.execute(query)]


def count(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(audit)).scalar_one()


def beyond(conn: Connection) -> int:
    """The highest row above the head; 0 when there is none. In this order a row that is committed meanwhile is not taken for one."""
    top = conn.execute(select(func.max(audit.c.n))).scalar() or 0
    return top if top > head(conn).n else 0


def remove(conn: Connection, upto: int) -> int:
    return conn.execute(delete(audit).where(audit.c.n <= upto)).rowcount


def oldest(conn: Connection, limit: int) -> list[chain.Row]:
    return [chain.row_of(row._asdict()) for row in conn.execute(select(audit).order_by(audit.c.n).limit(limit))]


def any_proof(conn: Connection) -> bool:
    return conn.execute(select(audit.c.n).where(audit.c.mac.is_not(None)).limit(1)).first() is not None


def proof_of(conn: Connection, n: int) -> bytes | None:
    return conn.execute(select(audit.c.mac).where(audit.c.n == n)).scalar()


def still_has(conn: Connection, kept: Head) -> bool:
    """Whether the chain still goes through a head of its own past. What was cut since can't be asked."""
    known = anchors(conn)
    if any(anchor.kind in ("begin", "again") and anchor.n >= kept.n for anchor in known):
        return False  # the chain of today begins behind it
    cuts = {anchor.n: anchor.mac for anchor in known if anchor.kind == "cut"}
    if any(n >= kept.n for n in cuts):
        return cuts.get(kept.n, kept.mac) == kept.mac
    return proof_of(conn, kept.n) == kept.mac
