"""All SQL of commands."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, insert, or_, select, update
from sqlalchemy import func as sql

from soundpost.device.capability import CommandState
from soundpost.device.model import Reason
from soundpost.hub.store.tables import commands, devices

LEVEL = b"\x01"
OPEN = tuple(state.value for state in CommandState if not state.ended)


class CommandRow(Struct, kw_only=True):
    """One row; `person` is the id of who asked, `person_name` what people read. `go_ms`: when it was told to start, 0 = not yet."""

    id: str
    device: str
    site: str
    capability: str
    arguments: dict[str, Any]
    state: CommandState
    reason: Reason | None = None
    result: dict[str, Any] | None = None
    person: str = ""
    person_name: str = ""
    idempotency_key: str = ""
    audit: str = ""
    undo: dict[str, Any] | None = None
    assumed: bool = False
    asked_ms: int = 0
    deadline_ms: int = 0
    ended_ms: int = 0
    go_ms: int = 0


def _packed(value: object) -> bytes | None:
    return None if value is None else LEVEL + msgspec.msgpack.encode(value)


def _row(row: Row[Any]) -> CommandRow:
    fields = dict(row._mapping)
    fields["state"] = CommandState(row.state)
    fields["reason"] = None if row.reason is None else msgspec.msgpack.decode(row.reason[1:], type=Reason)
    for name in ("arguments", "result", "undo"):
        body = fields[name]
        fields[name] = None if body is None else msgspec.msgpack.decode(body[1:])
    return CommandRow(**fields)


def _columns(row: CommandRow) -> dict[str, Any]:
    fields = msgspec.structs.asdict(row)
    fields["state"] = row.state.value
    for name in ("arguments", "reason", "result", "undo"):
        fields[name] = _packed(fields[name])
    return fields


def add(conn: Connection, row: CommandRow) -> None:
    conn.execute(insert(commands).values(**_columns(row)))


def change(conn: Connection, id: str, **fields: Any) -> None:
    packed = {name: _packed(value) if name in ("reason", "result") else value for name, value in fields.items()}
    conn.execute(update(commands).where(commands.c.id == id).values(**packed))


def one(conn: Connection, id: str) -> CommandRow | None:
    row = conn.execute(select(commands).where(commands.c.id == id)).first()
    return None if row is None else _row(row)


def by_key(conn: Connection, person: str, key: str) -> CommandRow | None:
    query = select(commands).where(commands.c.person == person, commands.c.idempotency_key == key)
    row = conn.execute(query).first()
    return None if row is None else _row(row)


def open_of_site(conn: Connection, site: str) -> list[CommandRow]:
    query = select(commands).where(commands.c.site == site, commands.c.state.in_(OPEN))
    return [_row(row) for row in conn.execute(query.order_by(commands.c.asked_ms, commands.c.id))]


def open_ahead(conn: Connection, stack: str, asked_ms: int, id: str) -> list[str]:
    """Open commands of this stack's devices that were asked before this one."""
    members = select(devices.c.id).where(or_(devices.c.id == stack, devices.c.stack == stack))
    before = or_(commands.c.asked_ms < asked_ms, (commands.c.asked_ms == asked_ms) & (commands.c.id < id))
    query = select(commands.c.id).where(commands.c.state.in_(OPEN), before, commands.c.device.in_(members))
    return list(conn.execute(query).scalars())


def holder(conn: Connection, device: str) -> tuple[str, str, int]:
    """Site, stack (itself when it has none) and generation of a device; "" when it is not known."""
    row = conn.execute(
        select(devices.c.site, devices.c.stack, devices.c.generation).where(devices.c.id == device)
    ).first()
    return ("", device, 0) if row is None else (row.site, row.stack or device, row.generation)


def asked_since(conn: Connection, capability: str, since_ms: int) -> list[CommandRow]:
    """Those asked since then or still open, oldest first."""
    recent = or_(commands.c.asked_ms >= since_ms, commands.c.state.in_(OPEN))
    query = select(commands).where(commands.c.capability == capability, recent)
    return [_row(row) for row in conn.execute(query.order_by(commands.c.asked_ms, commands.c.id))]


def due(conn: Connection, now_ms: int, limit: int) -> list[CommandRow]:
    query = select(commands).where(commands.c.state.in_(OPEN), commands.c.deadline_ms <= now_ms)
    return [_row(row) for row in conn.execute(query.order_by(commands.c.deadline_ms).limit(limit))]


def next_deadline(conn: Connection) -> int | None:
    return conn.execute(select(sql.min(commands.c.deadline_ms)).where(commands.c.state.in_(OPEN))).scalar()


def page(
    conn: Connection, *, device: str | None, before: tuple[int, str] | None, limit: int, open_only: bool = False
) -> list[CommandRow]:
    """Newest first."""
    query = select(commands).order_by(commands.c.asked_ms.desc(), commands.c.id.desc()).limit(limit)
    if device is not None:
        query = query.where(commands.c.device == device)
    if open_only:
        query = query.where(commands.c.state.in_(OPEN))
    if before is not None:
        at, id = before
        query = query.where(or_(commands.c.asked_ms < at, (commands.c.asked_ms == at) & (commands.c.id < id)))
    return [_row(row) for row in conn.execute(query)]


def names(conn: Connection, limit: int) -> Sequence[tuple[str, str]]:
    """Who asked the latest commands."""
    query = select(commands.c.id, commands.c.person_name).order_by(commands.c.asked_ms.desc()).limit(limit)
    return [(row.id, row.person_name) for row in conn.execute(query)]


def move_site(conn: Connection, old: str, new: str) -> None:
    conn.execute(update(commands).where(commands.c.site == old).values(site=new))
