"""Looking for acts among a million rows. Each question is led by the one index that narrows it most; the rest is looked at within a
window of rows, so that no question takes long and one that finds little says where it stopped.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from soundpost.hub.audit.asked import OPEN, Asked
from soundpost.hub.store.tables import audit

ACTS = """
WITH RECURSIVE found(act) AS (
    SELECT min(act) FROM audit WHERE phase = 'opened'
    UNION ALL
    SELECT (SELECT min(act) FROM audit WHERE phase = 'opened' AND act > found.act) FROM found WHERE found.act IS NOT NULL
) SELECT act FROM found WHERE act IS NOT NULL
"""
"""From one to the next along the index: there are dozens of words and millions of rows."""
COLUMNS = [
    audit.c[name]
    for name in (
        "n", "id", "phase", "time_ms", "act", "who_kind", "who_id", "who_name", "address", "device", "subject", "detail", "result",
    )
]  # fmt: skip
IN_ONE_QUESTION = 500
SLACK_MS = 3_600_000
"""Rows lie in the order of commits, and nearly in that of time: a clock that was set back by less than this hides nothing."""
# Written out, not bound: else neither database knows that a partial index holds all that is asked for.
OPENED, COMPLETED = (audit.c.phase == literal_column(f"'{phase}'") for phase in ("opened", "completed"))
NOTHING: ColumnElement[str] = literal_column("''")


def acts(conn: Connection) -> list[str]:
    return [row[0] for row in conn.exec_driver_sql(ACTS)]


def last(conn: Connection) -> int:
    return int(conn.execute(select(func.coalesce(func.max(audit.c.n), 0))).scalar_one())


def time_of(conn: Connection, n: int) -> int | None:
    return conn.execute(select(audit.c.time_ms).where(audit.c.n == n)).scalar()


class Window(NamedTuple):
    """Rows found, newest first, and where to go on: below `next`; None when there is nothing more."""

    rows: list[Row[Any]]
    next: int | None


def window(conn: Connection, asked: Asked, known: Sequence[str], before: int | None, wanted: int, size: int) -> Window:
    """The first `wanted` rows that fit, among about `size` that are looked at. `known`: the acts that are asked for, written out."""
    floor, ceiling = _bounds(conn, asked)
    before = min(ceiling if before is None else before, ceiling)
    led = [_led(asked, act) for act in _leads(asked, known)]
    on = _rest(asked, known)
    lowest = max(floor, _lowest(conn, led, before, size)) if on else floor
    query = _slices(led, on, before, lowest, wanted + 1)
    rows = list(conn.execute(query)) if query is not None else []
    if len(rows) > wanted:
        return Window(rows[:wanted], rows[wanted - 1].n)
    return Window(rows, lowest if on and lowest > floor else None)


def _leader(asked: Asked) -> str | None:
    """The column whose index narrows most; None: rows are read one after another."""
    for column, given in (
        ("device", asked.device), ("subject", asked.subject), ("address", asked.address), ("act", asked.acts), ("who_id", asked.who),
    ):  # fmt: skip
        if given:
            return column
    # words stand with the beginning, so that nothing is found by its end where they are asked for
    return "result" if asked.results and not asked.words and not asked.results & {"done", OPEN} else None


def _leads(asked: Asked, known: Sequence[str]) -> Sequence[str]:
    """What the leader may be: each has a stretch of the index to itself."""
    column = _leader(asked)
    if column == "act":
        return known
    if column == "result":
        return sorted(asked.results)
    return [_value(asked, column) if column else ""]


def _value(asked: Asked, column: str) -> str:
    return asked.who if column == "who_id" else str(getattr(asked, column))


def _led(asked: Asked, value: str) -> list[ColumnElement[bool]]:
    column = _leader(asked)
    if column is None:
        orphans = audit.alias()
        first = select(orphans.c.n).where(orphans.c.id == audit.c.id, orphans.c.phase == literal_column("'opened'"))
        return [or_(OPENED, and_(COMPLETED, ~first.exists()))]
    if column == "result":
        return [COMPLETED, audit.c.result != literal_column("'done'"), audit.c.result == value]
    some = [] if column == "act" else [audit.c[column] != NOTHING]
    return [OPENED, *some, audit.c[column] == value]


def _lowest(conn: Connection, led: list[list[ColumnElement[bool]]], before: int, size: int) -> int:
    """How far down is looked for one page: 0 = to the end. The highest of the stretches' ends, so that none is passed over."""
    if len(led) == 1 and len(led[0]) == 1:  # nothing leads: numbers have no holes worth speaking of
        return max(0, before - 2 * size)
    share = max(size // max(len(led), 1), 200)
    found = [0]
    for where in led:
        query = (
            select(audit.c.n).where(*where, audit.c.n < before).order_by(audit.c.n.desc()).offset(share - 1).limit(1)
        )
        found.append(conn.execute(query).scalar() or 0)
    return max(found)


def _slices(
    led: list[list[ColumnElement[bool]]], on: list[ColumnElement[bool]], before: int, lowest: int, limit: int
) -> Select[Any] | None:
    parts = [
        select(*COLUMNS)
        .where(*where, *on, audit.c.n < before, audit.c.n >= lowest)
        .order_by(audit.c.n.desc())
        .limit(limit)
        for where in led
    ]
    if len(parts) < 2:
        return parts[0] if parts else None
    merged = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return select(merged).order_by(merged.c.n.desc()).limit(limit)


def _rest(asked: Asked, known: Sequence[str]) -> list[ColumnElement[bool]]:
    """What is asked for beyond what leads."""
    leader = _leader(asked)
    found: list[ColumnElement[bool]] = []
    for column in ("device", "subject", "address", "who_id"):
        if column != leader and (value := _value(asked, column)):
            found.append(audit.c[column] == value)
    if asked.acts and leader != "act":
        found.append(audit.c.act.in_(known))
    if asked.kinds:
        found.append(audit.c.who_kind.in_(sorted(asked.kinds)))
    if asked.since_ms:
        found.append(audit.c.time_ms >= asked.since_ms)
    if asked.until_ms:
        found.append(audit.c.time_ms <= asked.until_ms)
    if asked.results and leader != "result":
        found.append(_ended(asked.results))
    return found


def _ended(results: Iterable[str]) -> ColumnElement[bool]:
    """How it ended at last: a late result amends the one before."""
    ends = audit.alias()
    how = (
        select(ends.c.result)
        .where(ends.c.id == audit.c.id, ends.c.phase == literal_column("'completed'"))
        .order_by(ends.c.n.desc())
        .limit(1)
        .scalar_subquery()
    )
    wanted = how.in_(sorted(set(results) - {OPEN}))
    return or_(wanted, how.is_(None)) if OPEN in results else wanted


def _bounds(conn: Connection, asked: Asked) -> tuple[int, int]:
    """The first n that may be meant, and one past the last."""
    end = last(conn) + 1
    floor = _first_at(conn, asked.since_ms - SLACK_MS, 0, end) if asked.since_ms else 0
    ceiling = _first_at(conn, asked.until_ms + SLACK_MS, floor, end) if asked.until_ms else end
    return floor, ceiling


def _first_at(conn: Connection, time_ms: int, low: int, high: int) -> int:
    """The lowest n from which on rows are as young as that. Guessed from the times at both ends, every other time halved, so that it
    takes few looks where acts come evenly and not many where they don't."""
    first, last = _at(conn, low, high), _below(conn, high)
    if first is None or last is None or last.time_ms < time_ms:
        return high
    if first.time_ms >= time_ms:
        return low
    (low, low_ms), (high, high_ms), guess = (first.n + 1, first.time_ms), (last.n, last.time_ms), True
    while low < high:
        part = (time_ms - low_ms) / (high_ms - low_ms) if guess and high_ms > low_ms else 0.5
        middle = low + min(int((high - low) * max(part, 0.0)), high - low - 1)
        row = _at(conn, middle, high)
        if row is None or row.time_ms >= time_ms:
            high, high_ms = middle, high_ms if row is None else row.time_ms
        else:
            low, low_ms = row.n + 1, row.time_ms
        guess = not guess
    return low


def _at(conn: Connection, n: int, end: int) -> Row[int, int] | None:
    query = select(audit.c.n, audit.c.time_ms).where(audit.c.n >= n, audit.c.n < end).order_by(audit.c.n).limit(1)
    return conn.execute(query).first()


def _below(conn: Connection, n: int) -> Row[int, int] | None:
    query = select(audit.c.n, audit.c.time_ms).where(audit.c.n < n).order_by(audit.c.n.desc()).limit(1)
    return conn.execute(query).first()


def ends(conn: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """How each ended, by the last word on it."""
    return _by_id(conn, ids, COMPLETED)


def beginnings(conn: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    return _by_id(conn, ids, OPENED)


def _by_id(conn: Connection, ids: Sequence[str], phase: ColumnElement[bool]) -> dict[str, Row[Any]]:
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(ids), IN_ONE_QUESTION):
        some = ids[start : start + IN_ONE_QUESTION]
        for row in conn.execute(select(*COLUMNS).where(audit.c.id.in_(some), phase).order_by(audit.c.n)):
            found[row.id] = row
    return found
