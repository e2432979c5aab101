"""Messages on their way out."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from soundpost.hub.mail import states
from soundpost.hub.store.tables import outgoing

_cells = (
    "id", "channel", "recipient", "kind", "person", "state", "said", "tries", "created_ms", "next_ms", "ended_ms", "began_ms", "repeats",
)  # fmt: skip
FACE = [outgoing.c[name] for name in _cells]


def add(conn: Connection, row: dict[str, Any]) -> None:
    conn.execute(insert(outgoing), row)


def due(conn: Connection, channel: str, now_ms: int, without: Collection[str], limit: int) -> list[Row[Any]]:
    """The next to be tried, those that wait longest first; kinds in `without` are passed over."""
    query = (
        select(outgoing)
        .where(outgoing.c.state == states.WAITING, outgoing.c.next_ms <= now_ms)
        .where(outgoing.c.channel == channel, outgoing.c.kind.notin_(without))
        .order_by(outgoing.c.next_ms, outgoing.c.id)
        .limit(limit)
    )
    return list(conn.execute(query))


def next_due(conn: Connection, channel: str, without: Collection[str]) -> int | None:
    query = select(func.min(outgoing.c.next_ms)).where(
        outgoing.c.state == states.WAITING, outgoing.c.channel == channel, outgoing.c.kind.notin_(without)
    )
    return conn.execute(query).scalar()


def begin(conn: Connection, id: str, now_ms: int, message_id: str) -> Row[Any] | None:
    """An attempt is open from here on. None when the message is not waiting any more."""
    statement = (
        update(outgoing)
        .where(outgoing.c.id == id, outgoing.c.state == states.WAITING)
        .values(
            began_ms=now_ms,
            tries=outgoing.c.tries + 1,
            first_ms=func.coalesce(func.nullif(outgoing.c.first_ms, 0), now_ms),
            message_id=func.coalesce(func.nullif(outgoing.c.message_id, ""), message_id),
        )
        .returning(*outgoing.c)
    )
    return conn.execute(statement).first()


def end(conn: Connection, id: str, began_ms: int, **values: Any) -> bool:
    """Closes the attempt that began then; False when the message was taken away meanwhile."""
    statement = update(outgoing).where(outgoing.c.id == id, outgoing.c.began_ms == began_ms)
    return conn.execute(statement.values(began_ms=0, **values)).rowcount > 0


def interrupted(conn: Connection) -> int:
    """Attempts nobody knows the end of: they may have gone out."""
    statement = update(outgoing).where(outgoing.c.state == states.WAITING, outgoing.c.began_ms > 0)
    return conn.execute(statement.values(began_ms=0, repeats=1)).rowcount


def hold(conn: Connection, before: str) -> int:
    """All that waits with an id below this one; they may be out already. One that is being sent this moment is let go."""
    statement = update(outgoing).where(outgoing.c.state == states.WAITING, outgoing.c.began_ms == 0)
    return conn.execute(statement.where(outgoing.c.id < before).values(state=states.HELD, repeats=1)).rowcount


def release(conn: Connection, now_ms: int) -> int:
    values = {"state": states.WAITING, "next_ms": now_ms, "first_ms": 0, "tries": 0}
    return conn.execute(update(outgoing).where(outgoing.c.state == states.HELD).values(**values)).rowcount


def drop_held(conn: Connection) -> int:
    return conn.execute(delete(outgoing).where(outgoing.c.state == states.HELD)).rowcount


def expire(conn: Connection, now_ms: int, said: str) -> list[Row[Any]]:
    """What would say nothing of worth any more; an open attempt may still end."""
    statement = (
        update(outgoing)
        .where(outgoing.c.state.in_((states.WAITING, states.HELD)), outgoing.c.began_ms == 0)
        .where(outgoing.c.expires_ms > 0, outgoing.c.expires_ms <= now_ms)
        .values(state=states.FAILED, said=said, body=None, ended_ms=now_ms)
        .returning(outgoing.c.id, outgoing.c.channel, outgoing.c.kind)
    )
    return list(conn.execute(statement))


def counts(conn: Connection) -> dict[tuple[str, str], int]:
    """By (channel, state)."""
    query = select(outgoing.c.channel, outgoing.c.state, func.count()).group_by(outgoing.c.channel, outgoing.c.state)
    return {(channel, state): n for channel, state, n in conn.execute(query)}


def page(conn: Connection, wanted: Collection[str], before: str | None, limit: int) -> list[Row[Any]]:
    """Newest first; ids follow time."""
    query = select(*FACE, (outgoing.c.body.is_not(None)).label("whole")).where(outgoing.c.state.in_(wanted))
    if before is not None:
        query = query.where(outgoing.c.id < before)
    return list(conn.execute(query.order_by(outgoing.c.id.desc()).limit(limit)))


def one(conn: Connection, id: str) -> Row[Any] | None:
    return conn.execute(select(outgoing).where(outgoing.c.id == id)).first()


def of_person(conn: Connection, person: str) -> Row[Any] | None:
    """The newest message to somebody."""
    query = select(*FACE).where(outgoing.c.person == person).order_by(outgoing.c.id.desc()).limit(1)
    return conn.execute(query).first()


def again(conn: Connection, now_ms: int, id: str | None = None) -> int:
    """Failed or waiting messages are tried at once, and for the whole time again; those whose words are gone can't be. What is held goes
    only when it is named."""
    statement = update(outgoing).where(outgoing.c.state != states.SENT, outgoing.c.body.is_not(None))
    statement = statement.where(outgoing.c.began_ms == 0)
    statement = statement.where(outgoing.c.state != states.HELD if id is None else outgoing.c.id == id)
    values = {"state": states.WAITING, "next_ms": now_ms, "first_ms": 0, "ended_ms": 0, "tries": 0}
    return conn.execute(statement.values(**values)).rowcount


def hasten(conn: Connection, channel: str, now_ms: int) -> None:
    """The way out was changed: what waits is tried now."""
    statement = update(outgoing).where(outgoing.c.state == states.WAITING, outgoing.c.channel == channel)
    conn.execute(statement.where(outgoing.c.next_ms > now_ms).values(next_ms=now_ms))


def remove(conn: Connection, id: str) -> Row[Any] | None:
    return conn.execute(delete(outgoing).where(outgoing.c.id == id).returning(*FACE)).first()


def cancel(conn: Connection, person: str, kinds: Collection[str]) -> int:
    statement = delete(outgoing).where(outgoing.c.person == person, outgoing.c.state != states.SENT)
    if kinds:
        statement = statement.where(outgoing.c.kind.in_(kinds))
    return conn.execute(statement).rowcount


def trim(conn: Connection, before_ms: int) -> int:
    """What ended long ago."""
    statement = delete(outgoing).where(outgoing.c.ended_ms > 0, outgoing.c.ended_ms < before_ms)
    return conn.execute(statement).rowcount
