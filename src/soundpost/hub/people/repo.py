"""People, their sessions and their API keys. Tokens and keys are stored as SHA-256: they are long and random already."""

import hashlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, exists, func, insert, select, update

from soundpost.hub.store.tables import (
    api_keys,
    browsers,
    invitations,
    people,
    recovery_codes,
    reset_requests,
    second_factors,
    sessions,
    tickets,
    views,
)


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
    """Each person, with until when a link waits and since when a second factor is in use (null where none is)."""
    query = _everybody().order_by(people.c.name, people.c.id)
    return list(conn.execute(query))


def one_of_everybody(conn: Connection, id: str) -> Row[Any] | None:
    return conn.execute(_everybody().where(people.c.id == id)).first()


def _everybody() -> Select[Any]:
    waits = select(people, invitations.c.expires_ms, second_factors.c.enabled_ms.label("factor_ms"))
    waits = waits.outerjoin(invitations, invitations.c.person == people.c.id)
    return waits.outerjoin(second_factors, second_factors.c.person == people.c.id)


def sign_ins(conn: Connection) -> set[str]:
    return set(conn.execute(select(people.c.sign_in)).scalars())


def owners(conn: Connection) -> list[Row[Any]]:
    return list(conn.execute(select(people).where(people.c.role == "owner")))


def over(conn: Connection, since_ms: int, now_ms: int) -> list[str]:
    """People whose time is over and who still have a session, or whose keys may still hold a socket: over since `since_ms`."""
    query = (
        select(people.c.id)
        .where(people.c.ends_ms > 0, people.c.ends_ms <= now_ms)
        .where((people.c.ends_ms > since_ms) | exists().where(sessions.c.person == people.c.id))
    )
    return list(conn.execute(query).scalars())


def keys_over(conn: Connection, since_ms: int, now_ms: int) -> list[str]:
    query = select(api_keys.c.id).where(api_keys.c.expires_ms > since_ms, api_keys.c.expires_ms <= now_ms)
    return list(conn.execute(query.where(api_keys.c.expires_ms > 0)).scalars())


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
        select(invitations, people.c.sign_in, people.c.role, people.c.ends_ms)
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
        select(
            *(sessions, people.c.id, people.c.sign_in, people.c.name, people.c.role, people.c.places),
            *(
                people.c.language,
                people.c.zone,
                people.c.terms_revision,
                second_factors.c.enabled_ms.label("factor_ms"),
            ),
        )
        .join(people, people.c.id == sessions.c.person)
        .outerjoin(second_factors, second_factors.c.person == people.c.id)
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


def _keys() -> Select[Any]:
    """With its person's name, standing, places (`person_places`) and second factor: a key is never more than its person."""
    return (
        select(
            api_keys,
            people.c.places.label("person_places"),
            func.coalesce(func.nullif(people.c.name, ""), people.c.sign_in).label("person_name"),
            *(people.c.role, people.c.state, people.c.ends_ms, second_factors.c.enabled_ms.label("factor_ms")),
        )
        .join(people, people.c.id == api_keys.c.person)
        .outerjoin(second_factors, second_factors.c.person == people.c.id)
    )


def keys_like(conn: Connection, prefix: str) -> list[Row[Any]]:
    """Mostly one: the prefix is random."""
    return list(conn.execute(_keys().where(api_keys.c.prefix == prefix)))


def first_keys(conn: Connection, key_hash: bytes) -> list[Row[Any]]:
    """From before a prefix was kept."""
    return list(conn.execute(_keys().where(api_keys.c.key_hash == key_hash, api_keys.c.prefix == "")))


def key_by_id(conn: Connection, id: str) -> Row[Any] | None:
    return conn.execute(_keys().where(api_keys.c.id == id)).first()


def all_keys(conn: Connection) -> list[Row[Any]]:
    """Newest first."""
    return list(conn.execute(_keys().order_by(api_keys.c.created_ms.desc(), api_keys.c.id.desc())))


def count_keys(conn: Connection, person: str) -> int:
    return conn.execute(select(func.count()).where(api_keys.c.person == person)).scalar_one()


def touch_key(conn: Connection, id: str, used_ms: int, used_from: str) -> None:
    later = update(api_keys).where(api_keys.c.id == id, api_keys.c.used_ms < used_ms)
    conn.execute(later.values(used_ms=used_ms, used_from=used_from))


def drop_key(conn: Connection, id: str) -> None:
    conn.execute(delete(api_keys).where(api_keys.c.id == id))


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


# --- sessions as their person sees them


def sessions_of(conn: Connection, person: str, now_ms: int) -> list[Row[Any]]:
    """The newest first."""
    query = select(sessions).where(sessions.c.person == person, sessions.c.expires_ms > now_ms)
    return list(conn.execute(query.order_by(sessions.c.seen_ms.desc(), sessions.c.token_hash)))


# --- browsers that signed in before


def knows_browser(conn: Connection, token: str, sign_in: str) -> bool:
    query = (
        select(browsers.c.person)
        .join(people, people.c.id == browsers.c.person)
        .where(browsers.c.token_hash == digest(token), people.c.sign_in == sign_in)
    )
    return conn.execute(query).first() is not None


def keep_browser(conn: Connection, before: str, token: str, person: str, now_ms: int) -> None:
    """The browser gets a new token with each sign-in, and keeps the people it is known for."""
    old, new = digest(before), digest(token)
    conn.execute(delete(browsers).where(browsers.c.token_hash == old, browsers.c.person == person))
    conn.execute(update(browsers).where(browsers.c.token_hash == old).values(token_hash=new))
    conn.execute(insert(browsers), {"token_hash": new, "person": person, "seen_ms": now_ms})


def forget_browsers(conn: Connection, person: str) -> None:
    conn.execute(delete(browsers).where(browsers.c.person == person))


def sweep_browsers(conn: Connection, before_ms: int) -> None:
    conn.execute(delete(browsers).where(browsers.c.seen_ms < before_ms))


# --- tickets


def add_ticket(
    conn: Connection, kind: str, token: str, person: str, now_ms: int, lasts_ms: int, body: bytes | None = None
) -> None:
    conn.execute(delete(tickets).where(tickets.c.expires_ms <= now_ms))
    row = {
        "token_hash": digest(token), "kind": kind, "person": person, "created_ms": now_ms, "expires_ms": now_ms + lasts_ms,
        "body": body,
    }  # fmt: skip
    conn.execute(insert(tickets), row)


def ticket(conn: Connection, kind: str, token: str, now_ms: int) -> Row[Any] | None:
    """One that still counts, with its person's columns; the person must be able to come in."""
    query = (
        select(tickets, *(column for column in people.c if column.name != "created_ms"))
        .join(people, people.c.id == tickets.c.person)
        .where(tickets.c.token_hash == digest(token), tickets.c.kind == kind, tickets.c.expires_ms > now_ms)
        .where(people.c.state == "active", (people.c.ends_ms == 0) | (people.c.ends_ms > now_ms))
    )
    return conn.execute(query).first()


def ticket_of(conn: Connection, kind: str, person: str, now_ms: int) -> Row[Any] | None:
    query = select(tickets).where(tickets.c.person == person, tickets.c.kind == kind, tickets.c.expires_ms > now_ms)
    return conn.execute(query.order_by(tickets.c.created_ms.desc()).limit(1)).first()


def count_tickets(conn: Connection, kind: str, person: str, now_ms: int) -> int:
    query = select(func.count()).select_from(tickets)
    query = query.where(tickets.c.person == person, tickets.c.kind == kind, tickets.c.expires_ms > now_ms)
    return conn.execute(query).scalar_one()


def add_reset_request(conn: Connection, id: str, sign_in: str, address: str, now_ms: int) -> None:
    row = {"id": id, "sign_in": sign_in, "address": address, "created_ms": now_ms}
    conn.execute(insert(reset_requests), row)


def count_reset_requests(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(reset_requests)).scalar_one()


def take_reset_request(conn: Connection) -> Row[Any] | None:
    """The oldest; it is gone with this transaction."""
    oldest = select(func.min(reset_requests.c.id)).scalar_subquery()
    taken = delete(reset_requests).where(reset_requests.c.id == oldest).returning(*reset_requests.c)
    return conn.execute(taken).first()


def try_ticket(conn: Connection, token_hash: bytes, most: int) -> bool:
    """Counts a try; False when there were too many."""
    change = update(tickets).where(tickets.c.token_hash == token_hash, tickets.c.tries < most)
    return conn.execute(change.values(tries=tickets.c.tries + 1)).rowcount > 0


def drop_tickets(conn: Connection, kind: str, person: str) -> bool:
    gone = delete(tickets).where(tickets.c.person == person, tickets.c.kind == kind)
    return conn.execute(gone).rowcount > 0


# --- the second factor


def factor(conn: Connection, person: str) -> Row[Any] | None:
    return conn.execute(select(second_factors).where(second_factors.c.person == person)).first()


def put_factor(conn: Connection, person: str, secret: bytes, now_ms: int) -> None:
    drop_factor(conn, person)
    conn.execute(insert(second_factors), {"person": person, "secret": secret, "created_ms": now_ms})


def enable_factor(conn: Connection, person: str, now_ms: int) -> bool:
    change = update(second_factors).where(second_factors.c.person == person, second_factors.c.enabled_ms == 0)
    return conn.execute(change.values(enabled_ms=now_ms)).rowcount > 0


def use_step(conn: Connection, person: str, step: int) -> bool:
    """False when this step's code, or a later one, was used."""
    change = update(second_factors).where(second_factors.c.person == person, second_factors.c.last_step < step)
    return conn.execute(change.values(last_step=step)).rowcount > 0


def drop_factor(conn: Connection, person: str) -> bool:
    conn.execute(delete(recovery_codes).where(recovery_codes.c.person == person))
    return conn.execute(delete(second_factors).where(second_factors.c.person == person)).rowcount > 0


def put_recovery_codes(conn: Connection, person: str, hashes: Iterable[bytes]) -> None:
    conn.execute(delete(recovery_codes).where(recovery_codes.c.person == person))
    conn.execute(insert(recovery_codes), [{"code_hash": each, "person": person} for each in hashes])


def use_recovery_code(conn: Connection, person: str, hashed: bytes) -> bool:
    used = delete(recovery_codes).where(recovery_codes.c.person == person, recovery_codes.c.code_hash == hashed)
    return conn.execute(used).rowcount > 0


def recovery_codes_left(conn: Connection, person: str) -> int:
    query = select(func.count()).select_from(recovery_codes).where(recovery_codes.c.person == person)
    return conn.execute(query).scalar_one()


def without_factor(conn: Connection) -> list[Row[Any]]:
    """Each person who has no second factor."""
    has = exists().where(second_factors.c.person == people.c.id, second_factors.c.enabled_ms > 0)
    return list(conn.execute(select(people.c.id, people.c.role).where(~has)))
