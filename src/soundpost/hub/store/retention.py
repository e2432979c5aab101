"""How long facts are kept: bodies for a little over a year, their uids a year longer, so that an agent restored from an old copy
still doubles nothing (T1). Small commits; a run that was cut off goes on the next day.
"""

import msgspec
from sqlalchemy import Connection, delete, func, select

from soundpost.hub.store import meta
from soundpost.hub.store.engine import Store
from soundpost.hub.store.tables import events, fact_uids, rejected, status_history
from soundpost.hub.store.unit_of_work import Tx
from soundpost.kernel import log

DAY_S, DAY_MS = 86_400.0, 86_400_000
BODIES_MS, UIDS_MS = 400 * DAY_MS, 365 * DAY_MS
AT_ONCE = 5_000
MARKS = "events trimmed"
"""When bodies up to which event were dropped: uids have no time of their own."""

Marks = list[tuple[int, int]]
_marks: msgspec.msgpack.Decoder[Marks] = msgspec.msgpack.Decoder(Marks)


def marks(conn: Connection) -> Marks:
    body = meta.get(conn, MARKS)
    return _marks.decode(body) if body else []


async def trim(store: Store) -> int:
    """Drops what is past its time; the number of events that went."""
    dropped = 0
    while count := await store.unit_of_work(_some_events):
        dropped += count
    while await store.unit_of_work(_some_uids):
        pass
    await store.unit_of_work(_the_rest)
    return dropped


def _some_events(tx: Tx) -> int:
    """The oldest first. By when they were received: an agent's clock must not decide what is kept."""
    first = tx.conn.execute(select(func.min(events.c.id))).scalar()
    if first is None:
        return 0
    query = select(events.c.id).where(events.c.id < first + AT_ONCE, events.c.received_ms < tx.now_ms - BODIES_MS)
    upto = tx.conn.execute(select(func.max(query.subquery().c.id))).scalar()
    if upto is None:
        return 0
    gone = tx.conn.execute(delete(events).where(events.c.id <= upto)).rowcount
    meta.put(tx, MARKS, msgspec.msgpack.encode([*marks(tx.conn), (tx.now_ms, upto)][-1_000:]))
    return gone


def _some_uids(tx: Tx) -> int:
    known = marks(tx.conn)
    due = [upto for when, upto in known if when < tx.now_ms - UIDS_MS]
    if not due:
        return 0
    some = select(fact_uids.c.uid).where(fact_uids.c.event <= max(due)).limit(AT_ONCE)
    gone = tx.conn.execute(delete(fact_uids).where(fact_uids.c.uid.in_(some))).rowcount
    if gone < AT_ONCE:
        kept = [mark for mark in known if mark[1] > max(due)]
        meta.put(tx, MARKS, msgspec.msgpack.encode(kept))
        return 0
    return gone


def _the_rest(tx: Tx) -> None:
    before = tx.now_ms - BODIES_MS
    tx.conn.execute(delete(rejected).where(rejected.c.time_ms < before))
    later = status_history.alias()
    # A status that has not been followed by another is still how the device is, however old.
    followed = select(later.c.event).where(
        later.c.device == status_history.c.device,
        later.c.since_ms > status_history.c.since_ms,
        later.c.since_ms < before,
    )
    tx.conn.execute(delete(status_history).where(status_history.c.since_ms < before, followed.exists()))


async def daily(store: Store) -> None:
    line = log.UpDown(log.get("store"), "trimming old facts")
    while True:
        await store.clock.sleep(DAY_S)
        try:
            await trim(store)
            line.up()
        except Exception as error:
            line.down(str(error))
