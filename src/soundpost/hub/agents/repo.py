"""The agents' rows: sites, accounts and what is known of their links."""

from typing import Any

import msgspec
from msgspec import Struct, field
from sqlalchemy import Connection, delete, insert, select, update

from soundpost.device.model import Reason
from soundpost.hub.agents.states import NEVER, Past
from soundpost.hub.store.tables import agents, sites
from soundpost.kernel.errors import Corrupt
from soundpost.link.envelope import ScanState

LEVEL = b"\x01"


class Site(Struct, frozen=True):
    id: str
    name: str
    zone: str = ""
    created_ms: int = 0


class Account(Struct, frozen=True):
    """One row of `agents`. `password_hash` "" means that nobody can join with a password (a Local Agent's own engine)."""

    id: str
    name: str
    site: str
    password_hash: str = ""
    public_key: bytes | None = None
    next_key: bytes | None = None
    boot: str = ""
    past: Past = field(default_factory=Past)
    state: str = NEVER
    since_ms: int = 0
    reason: Reason | None = None
    joined_ms: int = 0
    confirmed_ms: int = 0
    last_uid: bytes = b""
    version: str = ""
    level: int = 0
    address: str = ""
    offset_ms: int = 0
    dropped: int = 0
    scans: ScanState | None = None
    added_ms: int = 0
    added_by: str = ""

    def __repr__(self) -> str:
        return f"Account(id={self.id!r}, name={self.name!r}, state={self.state!r})"


def _body(value: Any) -> bytes | None:
    return None if value is None else LEVEL + msgspec.msgpack.encode(value)


def _read(body: bytes | None, type: Any) -> Any:
    if body is None:
        return None
    if body[:1] != LEVEL:
        raise Corrupt("A server's row was written by a newer version; upgrade this hub.", code="row_level")
    return msgspec.msgpack.decode(body[1:], type=type)


def _account(row: Any) -> Account:
    values = dict(row._mapping)
    values["past"] = _read(values.pop("boots"), Past) or Past()
    values["reason"] = _read(values["reason"], Reason)
    values["scans"] = _read(values["scans"], ScanState)
    values["last_uid"] = bytes(values["last_uid"] or b"")
    for name in ("public_key", "next_key"):
        values[name] = bytes(values[name]) if values[name] else None
    return Account(**values)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    columns = dict(values)
    if "past" in columns:
        columns["boots"] = _body(columns.pop("past"))
    for name in ("reason", "scans"):
        if name in columns:
            columns[name] = _body(columns[name])
    return columns


def accounts(conn: Connection) -> list[Account]:
    return [_account(row) for row in conn.execute(select(agents).order_by(agents.c.name))]


def account(conn: Connection, id: str) -> Account | None:
    row = conn.execute(select(agents).where(agents.c.id == id)).first()
    return _account(row) if row else None


def names(conn: Connection) -> dict[str, str]:
    """Every account's id by its name without case; compared here because SQLite folds ASCII only."""
    return {row.name.casefold(): row.id for row in conn.execute(select(agents.c.id, agents.c.name))}


def holder(conn: Connection, site: str) -> str | None:
    return conn.execute(select(agents.c.id).where(agents.c.site == site)).scalar()


def add(conn: Connection, account: Account) -> None:
    conn.execute(insert(agents), _columns({name: getattr(account, name) for name in account.__struct_fields__}))


def change(conn: Connection, id: str, **values: Any) -> None:
    conn.execute(update(agents).where(agents.c.id == id).values(**_columns(values)))


def remove(conn: Connection, id: str) -> None:
    conn.execute(delete(agents).where(agents.c.id == id))


def all_sites(conn: Connection) -> list[Site]:
    return [
        Site(row.id, row.name, row.zone, row.created_ms)
        for row in conn.execute(select(sites).order_by(sites.c.name, sites.c.id))
    ]


def site(conn: Connection, id: str) -> Site | None:
    row = conn.execute(select(sites).where(sites.c.id == id)).first()
    return Site(row.id, row.name, row.zone, row.created_ms) if row else None


def add_site(conn: Connection, site: Site) -> None:
    conn.execute(insert(sites), {name: getattr(site, name) for name in site.__struct_fields__})


def move_site(conn: Connection, old: str, new: str) -> None:
    """The site has another id from now on. Rows of the rooms above must have moved before `remove_site`."""
    row = conn.execute(select(sites).where(sites.c.id == old)).one()
    conn.execute(insert(sites).values(**{**row._mapping, "id": new}))
    conn.execute(update(agents).where(agents.c.site == old).values(site=new))


def remove_site(conn: Connection, id: str) -> None:
    conn.execute(delete(sites).where(sites.c.id == id))


def change_site(conn: Connection, id: str, **values: str) -> None:
    conn.execute(update(sites).where(sites.c.id == id).values(**values))
