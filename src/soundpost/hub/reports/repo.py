"""Who may come in and with which keys, as their rows stand."""

from typing import Any

from sqlalchemy import Connection, Row, func, select

from soundpost.hub.store.tables import api_keys, people, second_factors, sessions


def everybody(conn: Connection, now_ms: int) -> list[Row[Any]]:
    """With `factor` (one is set up), `sessions` (open ones) and `keys` (how many)."""
    factor = select(second_factors.c.person).where(
        second_factors.c.person == people.c.id, second_factors.c.enabled_ms > 0
    )
    open_sessions = select(func.count()).where(sessions.c.person == people.c.id, sessions.c.expires_ms > now_ms)
    own_keys = select(func.count()).where(api_keys.c.person == people.c.id)
    query = select(
        people,
        factor.exists().label("factor"),
        open_sessions.scalar_subquery().label("sessions"),
        own_keys.scalar_subquery().label("keys"),
    )
    return list(conn.execute(query.order_by(people.c.name, people.c.id)))


def keys(conn: Connection) -> list[Row[Any]]:
    return list(conn.execute(select(api_keys).order_by(api_keys.c.name, api_keys.c.id)))
