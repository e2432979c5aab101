"""The only door to writing: one lane per process, ingest first (truth T12, T14, T15).

A unit of work is a plain function of a Tx; it can't wait for anything but the database. Events it logs get their numbers
as its last act, and units run one after the other, so ids follow commit order and have no holes. Only after the commit are
callbacks run and events announced, on the event loop, in commit order. The lanes that do so are in store.lanes.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, select, update

from soundpost.hub.store import dialect, outbox
from soundpost.hub.store.tables import fact_uids, log_head
from soundpost.kernel.errors import Retry
from soundpost.kernel.sealed import Secrets

T = TypeVar("T")
INGEST, RECORDS = 0, 1


class CommitUnknown(Retry):
    """The database did not say whether it committed: close the links, rebuild memory from the store, listen again (T14)."""

    default_code = "commit_unknown"


class Tx:
    """What one unit of work may use: the connection, the log, and what shall happen after the commit."""

    def __init__(self, conn: Connection, now_ms: int, secrets: Secrets) -> None:
        self.conn = conn
        self.now_ms = now_ms
        self.secrets = secrets
        self.events: list[outbox.Event] = []
        self.callbacks: list[Callable[[], None]] = []
        self.hints: list[str] = []
        self.head = 0
        self.log_id = ""
        self._uids: list[tuple[bytes, outbox.Event]] = []
        self._gathered: dict[Callable[[Tx, list[Any]], None], list[Any]] = {}

    def log(
        self,
        type: str,
        data: object = None,
        *,
        site: str = "",
        device: str = "",
        time_ms: int | None = None,
        uid: bytes = b"",
    ) -> outbox.Event:
        """Adds an event. Its id is 0 until the commit; `uid` (a fact's) must be new: ask `unseen` first."""
        entry = outbox.Event(
            id=0,
            time_ms=self.now_ms if time_ms is None else time_ms,
            received_ms=self.now_ms,
            type=type,
            site=site,
            device=device,
            data=outbox.plain(data),
        )
        self.events.append(entry)
        if uid:
            self._uids.append((uid, entry))
        return entry

    def unseen(self, uids: list[bytes]) -> set[bytes]:
        """Which of these facts the log does not have yet."""
        if not uids:
            return set()
        known = self.conn.execute(select(fact_uids.c.uid).where(fact_uids.c.uid.in_(uids))).scalars()
        return set(uids) - {bytes(uid) for uid in known}

    def after(self, callback: Callable[[], None]) -> None:
        """Runs on the event loop once this is committed, before anything is announced; never when it is not."""
        self.callbacks.append(callback)

    def hint(self, word: str) -> None:
        """Tells this process's listeners (`Store.hinted`) after the commit to look at rows again; the log keeps nothing of it."""
        if word not in self.hints:
            self.hints.append(word)

    def gather(self, write: "Callable[[Tx, list[Any]], None]", *rows: Any) -> None:
        """`write(tx, rows)` gets all rows that were gathered for it, once, when the work is done: for what is numbered or written
        in one go."""
        self._gathered.setdefault(write, []).extend(rows)

    def gathered(self, write: "Callable[[Tx, list[Any]], None]") -> list[Any]:
        return self._gathered.get(write, [])

    def number(self) -> None:
        """Writes what was gathered and gives the events their ids. Last act of the work."""
        for write, rows in self._gathered.items():
            write(self, rows)
        if self.events:
            self._number_events()

    def _number_events(self) -> None:
        row = self.conn.execute(
            update(log_head)
            .where(log_head.c.id == 1)
            .values(n=log_head.c.n + len(self.events))
            .returning(log_head.c.n, log_head.c.log)
        ).one()
        self.head, self.log_id = row.n, row.log
        for offset, entry in enumerate(self.events, start=row.n - len(self.events) + 1):
            entry.id = offset
        outbox.insert(self.conn, self.events)
        if self._uids:
            self.conn.execute(
                dialect.insert(self.conn, fact_uids), [{"uid": uid, "event": e.id} for uid, e in self._uids]
            )


class Unit(Generic[T]):
    """One queued unit of work and the future of its result."""

    def __init__(self, work: Callable[[Tx], T], future: "asyncio.Future[T]") -> None:
        self.work, self.future = work, future

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)

    def finish(self, result: T) -> None:
        if not self.future.done():
            self.future.set_result(result)
