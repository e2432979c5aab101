"""The command journal: what was asked, what was started, how it ended. On disk before anything follows from it (T20, T21)."""

import sqlite3

import msgspec
from msgspec import Struct

from soundpost.agent.disk import Disk, Record
from soundpost.link.commands import Command
from soundpost.link.events import CommandEnded

_encode = msgspec.msgpack.Encoder().encode
KEPT_MS = 365 * 86_400_000
KEPT_MOST = 100_000
TRIMMED_AT_ONCE = 10_000

OPEN, STARTED, UNCERTAIN, ENDED = "open", "started", "uncertain", "ended"
"""Uncertain: told as such, and still to be settled by reading back. A *safe* verb is not: told as uncertain, it has ended."""


class Entry(Struct, kw_only=True):
    command: Command
    origin: str
    state: str = OPEN
    received_ms: int = 0
    """By the wall clock; `age_ms` is the same by the agent's own (age.Age), and decides when it is forgotten."""
    age_ms: int = 0
    started_ms: int = 0
    ended: CommandEnded | None = None
    ended_uid: bytes = b""


_decode = msgspec.msgpack.Decoder(Entry).decode


def save(entry: Entry) -> Record:
    row = (entry.command.id, entry.state, entry.age_ms or entry.received_ms, _encode(entry))
    return Record("insert or replace into command values (?,?,?,?)", row)


class Journal:
    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    async def find(self, key: str) -> Entry | None:
        def job(connection: sqlite3.Connection) -> Entry | None:
            row = connection.execute("select body from command where id = ?", (key,)).fetchone()
            return _decode(row[0]) if row else None

        return await self._disk.run(job)

    async def put(self, entry: Entry) -> None:
        await self._disk.run(save(entry))

    async def unended(self) -> list[Entry]:
        def job(connection: sqlite3.Connection) -> list[Entry]:
            rows = connection.execute("select body from command where state != ? order by received_ms, id", (ENDED,))
            return [_decode(row[0]) for row in rows]

        return await self._disk.run(job)

    async def trim(self, now_ms: int) -> None:
        """Call each hour or so, with the agent's age: forgets what was told a year ago, and the oldest beyond KEPT_MOST, some at
        a time. What nobody could settle in that time stays uncertain at the hub."""

        def job(connection: sqlite3.Connection) -> None:
            row = connection.execute(
                "select received_ms from command order by received_ms desc limit 1 offset ?", (KEPT_MOST,)
            ).fetchone()
            limit_ms = max(now_ms - KEPT_MS, row[0] + 1 if row else 0)
            connection.execute(
                "delete from command where id in (select id from command where state in (?, ?) and received_ms < ?"
                " order by received_ms, id limit ?)",
                (ENDED, UNCERTAIN, limit_ms, TRIMMED_AT_ONCE),
            )

        await self._disk.run(job)
