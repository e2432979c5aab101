"""All SQL of the inventory. Every function runs on the connection it is given and waits for nothing else."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, select, update

from soundpost.device.model import Descriptor, Device, Reason
from soundpost.hub.inventory.state import AgentInfo, Found
from soundpost.hub.store import Event, Tx, dialect, meta, outbox
from soundpost.hub.store.tables import (
    agents,
    blobs,
    devices,
    events,
    fact_uids,
    found,
    log_head,
    rejected,
    schemas,
    segments,
    sites,
    status_history,
    value_history,
)

LEVEL = b"\x01"
REJECTED_MOST = 4 * 1024 * 1024
SEALED, FLUSHED = "history sealed", "blobs flushed"


class DeviceRow(Struct):
    """A row of `devices`, its record and reason decoded."""

    id: str
    site: str
    record: Device
    generation: int = 1
    status: str = "unknown"
    since_ms: int = 0
    reason: Reason | None = None
    status_time_ms: int = 0
    first_seen_ms: int = 0


class HistoryRow(Struct):
    status: str
    since_ms: int
    reason: Reason | None


def packed(value: object) -> bytes | None:
    return None if value is None else LEVEL + msgspec.msgpack.encode(value)


def reason_of(body: bytes | None) -> Reason | None:
    return None if body is None else msgspec.msgpack.decode(body[1:], type=Reason)


def device_rows(conn: Connection, ids: Iterable[str] | None = None) -> dict[str, DeviceRow]:
    query = select(devices).where(devices.c.retired.is_(False)).order_by(devices.c.id)
    if ids is not None:
        query = query.where(devices.c.id.in_(list(ids)))
    return {row.id: _device_row(row) for row in conn.execute(query)}


def _device_row(row: Any) -> DeviceRow:
    return DeviceRow(
        id=row.id,
        site=row.site,
        record=msgspec.msgpack.decode(row.record[1:], type=Device),
        generation=row.generation,
        status=row.status,
        since_ms=row.since_ms,
        reason=reason_of(row.reason),
        status_time_ms=row.status_time_ms,
        first_seen_ms=row.first_seen_ms,
    )


def put_devices(conn: Connection, rows: Iterable[DeviceRow]) -> None:
    dialect.upsert(conn, devices, [_device_columns(row) for row in rows], ["id"])


def _device_columns(row: DeviceRow) -> dict[str, Any]:
    record = row.record
    return {
        "id": row.id,
        "site": row.site,
        "kind": record.kind,
        "family": record.family,
        "serial": record.serial_number,
        "stack": record.stack,
        "parent": record.parent,
        "revision": record.revision,
        "generation": row.generation,
        "record": packed(record),
        "status": row.status,
        "since_ms": row.since_ms,
        "reason": packed(row.reason),
        "status_time_ms": row.status_time_ms,
        "first_seen_ms": row.first_seen_ms,
    }


def log_position(conn: Connection) -> int:
    """How far the log has come: what this transaction logs is numbered from here."""
    return int(conn.execute(select(log_head.c.n)).scalar_one())


def add_history(conn: Connection, rows: list[dict[str, Any]]) -> None:
    dialect.upsert(conn, status_history, rows, ["device", "since_ms", "event"])


def history(conn: Connection, device: str, limit: int) -> list[HistoryRow]:
    query = select(status_history).where(status_history.c.device == device)
    query = query.order_by(status_history.c.event.desc()).limit(limit)
    return [HistoryRow(row.status, row.since_ms, reason_of(row.reason)) for row in conn.execute(query)]


def put_found(conn: Connection, entry: Found) -> None:
    row = {
        "site": entry.site,
        "id": entry.id,
        "address": entry.address,
        "port": entry.port,
        "family": entry.family,
        "reason": packed(entry.reason),
        "serials": packed(entry.serials),
        "time_ms": entry.time_ms,
    }
    dialect.upsert(conn, found, [row], ["site", "id"])


def drop_found(conn: Connection, site: str, id: str) -> None:
    conn.execute(delete(found).where(found.c.site == site, found.c.id == id))


def found_rows(conn: Connection) -> list[Found]:
    return [
        Found(
            site=row.site,
            id=row.id,
            address=row.address,
            port=row.port,
            family=row.family,
            reason=msgspec.msgpack.decode(row.reason[1:], type=Reason),
            serials=msgspec.msgpack.decode(row.serials[1:], type=list[str]),
            time_ms=row.time_ms,
        )
        for row in conn.execute(select(found))
    ]


def site_rows(conn: Connection) -> list[tuple[str, str, str, AgentInfo | None]]:
    """Id, name, zone and agent of every site; names are labels that the agents' room owns."""
    query = select(sites, agents.c.id.label("agent"), agents.c.name.label("agent_name"), agents.c.state)
    query = query.add_columns(agents.c.since_ms, agents.c.reason).outerjoin(agents, agents.c.site == sites.c.id)
    return [
        (
            row.id,
            row.name,
            row.zone,
            AgentInfo(row.agent, row.agent_name, row.state, row.since_ms) if row.agent else None,
        )
        for row in conn.execute(query)
    ]


def reject(conn: Connection, time_ms: int, site: str, source: str, reason: str, body: bytes) -> None:
    """The whole body while that agent's rejects are few; then its head and hash, so that none can fill the disk."""
    size = func.coalesce(func.sum(func.length(rejected.c.body)), 0)
    if conn.execute(select(size).where(rejected.c.source == source)).scalar_one() + len(body) > REJECTED_MOST:
        body = body[:64] + hashlib.sha256(body).digest()
    conn.execute(insert(rejected).values(time_ms=time_ms, site=site, source=source, reason=reason, body=body))


def events_page(
    conn: Connection,
    *,
    after: int | None,
    before: int | None,
    limit: int,
    device: str | None,
    site: str | None,
    types: Sequence[str] | None,
    among: Collection[str] | None = None,
) -> list[Event]:
    where: list[ColumnElement[bool]] = []
    if among is not None:
        where.append(events.c.device.in_(among))
    if device is not None:
        where.append(events.c.device == device)
    if site is not None:
        where.append(events.c.site == site)
    if types is not None:
        where.append(events.c.type.in_(types))
    return outbox.read(conn, after=after, before=before, limit=limit, where=where)


# Values


def put_schemas(conn: Connection, bodies: dict[bytes, bytes]) -> None:
    dialect.upsert(conn, schemas, [{"id": id, "body": body} for id, body in bodies.items()], ["id"])


def schema_rows(conn: Connection) -> dict[bytes, list[Descriptor]]:
    return {
        bytes(row.id): msgspec.msgpack.decode(row.body[1:], type=list[Descriptor])
        for row in conn.execute(select(schemas))
    }


def add_segment(conn: Connection, n: int, time_ms: int, body: bytes) -> None:
    conn.execute(insert(segments).values(n=n, time_ms=time_ms, body=body))


def last_segment(conn: Connection) -> int:
    return conn.execute(select(func.max(segments.c.n))).scalar() or 0


def drop_segments(conn: Connection, upto: int) -> None:
    conn.execute(delete(segments).where(segments.c.n <= upto))


def segments_after(conn: Connection, n: int, limit: int | None = None) -> list[tuple[int, bytes]]:
    query = select(segments.c.n, segments.c.body).where(segments.c.n > n).order_by(segments.c.n).limit(limit)
    return [(row.n, row.body) for row in conn.execute(query)]


def segments_since(conn: Connection, n: int, at_once: int) -> Iterable[tuple[int, bytes]]:
    """All after `n`, read a few at a time: together they may be larger than memory."""
    while rows := segments_after(conn, n, at_once):
        yield from rows
        n = rows[-1][0]


# Values over time


def sealed(conn: Connection) -> int:
    body = meta.get(conn, SEALED)
    return int(body) if body else 0


def flushed(conn: Connection) -> int:
    """Every device's blob includes all segments up to this one."""
    body = meta.get(conn, FLUSHED)
    return int(body) if body else 0


def put_flushed(tx: Tx, n: int) -> None:
    meta.put(tx, FLUSHED, str(n).encode())


def put_sealed(tx: Tx, n: int) -> None:
    meta.put(tx, SEALED, str(n).encode())


def sealed_schemas(conn: Connection, mark: int) -> dict[str, bytes]:
    """What each device was last sealed as: the schema of its newest chunk up to the mark. What lies beyond was written by a run that
    was killed before its mark. Left out where two end with the same segment."""
    newest = (
        select(value_history.c.device, func.max(value_history.c.upto).label("upto"))
        .where(value_history.c.upto <= mark)
        .group_by(value_history.c.device)
        .subquery()
    )
    query = select(value_history.c.device, value_history.c.schema).join(
        newest, (value_history.c.device == newest.c.device) & (value_history.c.upto == newest.c.upto)
    )
    found: dict[str, bytes] = {}
    twice: set[str] = set()
    for row in conn.execute(query):
        if row.device in found:
            twice.add(row.device)
        found[row.device] = bytes(row.schema)
    return {device: schema for device, schema in found.items() if device not in twice}


def put_history(conn: Connection, upto: int, rows: list[tuple[str, bytes, int, int, bytes]]) -> None:
    entries = [
        {"device": device, "upto": upto, "schema": schema, "from_ms": from_ms, "to_ms": to_ms, "body": body}
        for device, schema, from_ms, to_ms, body in rows
    ]
    dialect.upsert(conn, value_history, entries, ["device", "upto", "schema"])


def history_between(conn: Connection, device: str, from_ms: int, to_ms: int) -> Iterable[tuple[bytes, bytes]]:
    query = (
        select(value_history.c.schema, value_history.c.body)
        .where(value_history.c.device == device, value_history.c.to_ms >= from_ms, value_history.c.from_ms <= to_ms)
        .order_by(value_history.c.upto)
    )
    return ((bytes(row.schema), row.body) for row in conn.execute(query))


def trim_history(conn: Connection, before_ms: int) -> None:
    conn.execute(delete(value_history).where(value_history.c.to_ms < before_ms))


def put_blobs(conn: Connection, rows: list[tuple[str, int, bytes]]) -> None:
    dialect.upsert(conn, blobs, [{"device": id, "n": n, "body": body} for id, n, body in rows], ["device"])


def blob_rows(conn: Connection) -> Iterable[tuple[str, int, bytes]]:
    return ((row.device, row.n, row.body) for row in conn.execute(select(blobs)))


def uid_known(conn: Connection, uid: bytes) -> bool:
    return conn.execute(select(fact_uids.c.uid).where(fact_uids.c.uid == uid)).first() is not None


def move_site(conn: Connection, old: str, new: str) -> None:
    """All that hangs at a site hangs at the new id. The redo log names the old one: its values must have been flushed before."""
    for table in (devices, found, events):
        conn.execute(update(table).where(table.c.site == old).values(site=new))
    conn.execute(delete(segments))
    # A blob carries the old id as well. Where no record says whose the device is, that would count: its values come again.
    conn.execute(delete(blobs).where(~exists().where(devices.c.id == blobs.c.device)))
