"""How old things are here, by a clock that only goes on: it is kept on disk, and moves by the time the agent ran and by nothing else.

A wall clock may start in the year 2000 after a power cut and be set right later, or be wrong for an hour: what is forgotten after
days or a year must not be forgotten for that (T1, T7, T9, T20). An agent that was off keeps things longer, which harms nobody.
"""

import sqlite3

import msgspec

from soundpost.kernel.clock import Clock

NAME = "age"


class Age:
    """Milliseconds; at an agent's first start they are those of the wall clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun, self._at = clock.now_ms(), clock.monotonic()

    def load(self, connection: sqlite3.Connection) -> None:
        row = connection.execute("select body from setting where name = ?", (NAME,)).fetchone()
        if row:
            self._begun, self._at = msgspec.msgpack.decode(row[0], type=int), self._clock.monotonic()

    def now_ms(self) -> int:
        return self._begun + int((self._clock.monotonic() - self._at) * 1_000)

    def save(self, connection: sqlite3.Connection) -> None:
        body = msgspec.msgpack.encode(self.now_ms())
        connection.execute("insert or replace into setting values (?, ?)", (NAME, body))


def passed(connection: sqlite3.Connection, name: str, now: int, newest: int, limit: int) -> int:
    """Notes that `newest` was the newest position now, and returns the newest that was there at `limit` or before; 0 if none is
    known. So what is older than something is a beginning of the log, whatever times its facts bear."""
    row = connection.execute("select body from setting where name = ?", (name,)).fetchone()
    marks = msgspec.msgpack.decode(row[0], type=list[tuple[int, int]]) if row else []
    old = [position for at, position in marks if at <= limit]
    kept = [(at, position) for at, position in marks if at > limit] + [(now, newest)]
    if old:
        kept.insert(0, (limit, max(old)))
    connection.execute("insert or replace into setting values (?, ?)", (name, msgspec.msgpack.encode(kept)))
    return max(old, default=0)
