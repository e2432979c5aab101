"""People, their sessions and their API keys. Tokens and keys are stored as SHA-256: they are long and random already."""

import hashlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, exists, func, insert, select, update

from soundpost.hub.store.tables import api_keys, invitations, people, sessions, views


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def anyone(conn: Connection) -> bool:
    return bool(conn.execute(select(exists().where(people.c.id != ""))).scalar())


def by_sign_in(conn: Connection, sign_in: str) -> Row[Any] | None:
    return conn.execute(select(people).where(people.c.sign_in == sign_in)).first()


def by_id(conn: Connection, id: str) -> Row[Any] | None:
    return conn.execute(select(people).where(people.c.id == id)).first()


def joined(places: Iterable[str]) -> str:
    return ",".join(sorted(places))


def split(places: str) -> frozenset[str]:
    return frozenset(places.split(",")) if places else frozenset()


def everybody(conn: Connection) -> list[Row[Any]]:
    """Each person, with until when a link waits (null where none does)."""
    query = _everybody().order_by(people.c.name, people.c.id)
    return list(conn.execute(query))


def one_of_everybody(conn: Connection, id: str) -> Row[Any] | None:
    return conn.execute(_everybody().where(people.c.id == id)).first()


def _everybody() -> Select[Any]:
    return select(people, invitations.c.expires_ms).outerjoin(invitations, invitations.c.person == people.c.id)


def sign_ins(conn: Connection) -> set[str]:
    return set(conn.execute(select(people.c.sign_in)).scalars())


def owners(conn: Connection) -> list[Row[Any]]:
    return list(conn.execute(select(people).where(people.c.role == "owner")))


def over(conn: Connection, now_ms: int) -> list[str]:
    """People whose time is over and who still have a session."""
    query = (
        select(people.c.id)
        .where(people.c.ends_ms > 0, people.c.ends_ms <= now_ms)
        .where(exists().where(sessions.c.person == people.c.id))
    )
    return list(conn.execute(query).scalars())


def change_person(conn: Connection, id: str, **values: Any) -> None:
    conn.execute(update(people).where(people.c.id == id).values(**values))


def remove_person(conn: Connection, id: str) -> None:
    """Sessions, keys and links go with it."""
    conn.execute(delete(people).where(people.c.id == id))


def add_invitation(conn: Connection, token: str, person: str, now_ms: int, expires_ms: int, by: str) -> None:
    row = {"token_hash": digest(token), "person": person, "created_ms": now_ms, "expires_ms": expires_ms, "by": by}
    conn.execute(insert(invitations), row)


def drop_invitations(conn: Connection, person: str) -> None:
    conn.execute(delete(invitations).where(invitations.c.person == person))


def invitation(conn: Connection, token: str, now_ms: int) -> Row[Any] | None:
    """The link that fits this token and still counts, with its person."""
    query = (
        select(invitations, people.c.sign_in, people.c.role)
        .join(people, people.c.id == invitations.c.person)
        .where(invitations.c.token_hash == digest(token), invitations.c.expires_ms > now_ms)
        .where((people.c.ends_ms == 0) | (people.c.ends_ms > now_ms))
    )
    return conn.execute(query).first()


def first_owner(conn: Connection) -> Row[Any] | None:
    return conn.execute(select(people).where(people.c.role == "owner").order_by(people.c.id).limit(1)).first()


def add_person(conn: Connection, row: dict[str, Any]) -> None:
    conn.execute(insert(people).values(**row))


def set_password(conn: Connection, person: str, hashed: str) -> None:
    conn.execute(update(people).where(people.c.id == person).values(password_hash=hashed))


def add_session(conn: Connection, row: dict[str, Any]) -> None:
    conn.execute(insert(sessions).values(**row))


def session(conn: Connection, token_hash: bytes, now_ms: int) -> Row[Any] | None:
    """The living session behind a token, with its person's columns."""
    query = (
        select(sessions, people.c.id, people.c.sign_in, people.c.name, people.c.role, people.c.places)
        .join(people, people.c.id == sessions.c.person)
        .where(sessions.c.token_hash == token_hash, sessions.c.expires_ms > now_ms)
        .where(people.c.state == "active", (people.c.ends_ms == 0) | (people.c.ends_ms > now_ms))
    )
    return conn.execute(query).first()


def touch_session(conn: Connection, token_hash: bytes, seen_ms: int, expires_ms: int) -> None:
    conn.execute(
        update(sessions).where(sessions.c.token_hash == token_hash).values(seen_ms=seen_ms, expires_ms=expires_ms)
    )


def end_session(conn: Connection, token_hash: bytes) -> bool:
    return conn.execute(delete(sessions).where(sessions.c.token_hash == token_hash)).rowcount > 0


def end_other_sessions(conn: Connection, person: str, kept: bytes) -> list[bytes]:
    query = (
        delete(sessions)
        .where(sessions.c.person == person, sessions.c.token_hash != kept)
        .returning(sessions.c.token_hash)
    )
    return [bytes(row) for row in conn.execute(query).scalars()]


def sweep_sessions(conn: Connection, now_ms: int) -> None:
    conn.execute(delete(sessions).where(sessions.c.expires_ms <= now_ms))


def add_key(conn: Connection, row: dict[str, Any]) -> None:
    conn.execute(insert(api_keys).values(**row))


def key(conn: Connection, key_hash: bytes) -> Row[Any] | None:
    """With the places its person is limited to (`person_places`); a key ends with its person."""
    query = (
        select(api_keys, people.c.places.label("person_places"), people.c.state, people.c.ends_ms)
        .join(people, people.c.id == api_keys.c.person)
        .where(api_keys.c.key_hash == key_hash)
    )
    return conn.execute(query).first()


def touch_key(conn: Connection, id: str, used_ms: int) -> None:
    conn.execute(update(api_keys).where(api_keys.c.id == id).values(used_ms=used_ms))


def views_of(conn: Connection, person: str) -> list[Row[Any]]:
    """Their own, and those that somebody shared; `maker` is null where the person is gone."""
    return list(
        conn.execute(_views().where((views.c.person == person) | views.c.shared).order_by(views.c.folded, views.c.id))
    )


def view(conn: Connection, id: str) -> Row[Any] | None:
    return conn.execute(_views().where(views.c.id == id)).first()


def _views() -> Select[Any]:
    maker = func.coalesce(func.nullif(people.c.name, ""), people.c.sign_in).label("maker")
    return select(views, maker).outerjoin(people, people.c.id == views.c.person)


def view_named(conn: Connection, person: str, path: str, folded: str) -> str | None:
    query = select(views.c.id).where(views.c.person == person, views.c.path == path, views.c.folded == folded)
    return conn.execute(query).scalar()


def count_views(conn: Connection, person: str) -> int:
    return conn.execute(select(func.count()).where(views.c.person == person)).scalar() or 0


def add_view(conn: Connection, row: dict[str, Any]) -> None:
    conn.execute(insert(views).values(**row))


def change_view(conn: Connection, id: str, **values: Any) -> None:
    conn.execute(update(views).where(views.c.id == id).values(**values))


def drop_view(conn: Connection, id: str) -> None:
    conn.execute(delete(views).where(views.c.id == id))


def drop_own_views(conn: Connection, person: str) -> None:
    """Those nobody else sees; what was shared stays for the others, with nobody as its maker."""
    conn.execute(delete(views).where(views.c.person == person, ~views.c.shared))
