"""Reading the audit: acts as one line each, in pages, and all of them as a file. What is appended is read; nothing is ever changed."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row

from soundpost.hub.audit import asked as asking
from soundpost.hub.audit import repo, repo_search
from soundpost.hub.audit.asked import Act, Asked
from soundpost.hub.audit.service import Who
from soundpost.hub.store import Store

WINDOW = 4_000
"""Rows a database looks at for one page."""
BATCH, ROUNDS = 1_000, 2
"""Rows that are looked at one by one, where it takes more than the database to tell."""


class Asker:
    """Who asks. `own`: the ids under which that person acts. `sees`: whether a device lies in the part of the places they are limited to;
    None: they see everything. `device_name`: how a device is called now, "" when it is gone."""

    def __init__(
        self, who: Who, own: frozenset[str], sees: Callable[[str], bool] | None, device_name: Callable[[str], str]
    ) -> None:
        self.who, self.own, self.sees, self.device_name = who, own, sees, device_name

    def may_see(self, row: Row[Any]) -> bool:
        """Who is limited to a part sees what was done to its devices as they hang now (T34), and what they did themselves."""
        return self.sees is None or row.who_id in self.own or (row.device != "" and self.sees(row.device))


class Page(Struct):
    """`next`: n to go on below; there may be more even where few were found, when much had to be looked at. `to_ms`: how far back it was
    looked then."""

    acts: list[Act]
    next: int | None
    to_ms: int | None = None


async def page(store: Store, asker: Asker, asked: Asked, before: int | None, limit: int) -> Page:
    def query(conn: Connection) -> Page:
        found = _page(conn, asker, asked, before, limit)
        if found.next is not None:
            found.to_ms = repo_search.time_of(conn, found.next)
        return found

    return await store.read(query)


def _page(conn: Connection, asker: Asker, asked: Asked, before: int | None, limit: int) -> Page:
    known = asking.matched(asked.acts, repo_search.acts(conn)) if asked.acts else []
    if asker.sees is None and not asked.words:
        found = repo_search.window(conn, asked, known, before, limit, WINDOW)
        return Page(_acts(conn, found.rows, asked), found.next)
    chosen: list[Row[Any]] = []
    for _ in range(ROUNDS):
        found = repo_search.window(conn, asked, known, before, BATCH, WINDOW)
        for row in found.rows:
            if asker.may_see(row) and _speaks(asker, asked, row):
                chosen.append(row)
            if len(chosen) == limit:
                return Page(_acts(conn, chosen, asked), row.n)
        if (before := found.next) is None:
            break
    return Page(_acts(conn, chosen, asked), before)


def _speaks(asker: Asker, asked: Asked, row: Row[Any]) -> bool:
    """Whether each word that is asked for stands somewhere in what is known of the act's beginning. Words lie in the stored body as they
    are, so that it need not be decoded."""
    if not asked.words:
        return True
    device = asker.device_name(row.device) if row.device else ""
    facts = (
        row.who_name,
        row.who_id,
        row.address,
        row.act,
        row.subject,
        row.device,
        device,
        row.detail.decode("utf-8", "ignore"),
    )
    hay = "\n".join(facts).casefold()
    return all(word in hay for word in asked.words)


def _begun(row: Row[Any]) -> Act:
    """Of an end alone, `last_n` is its row."""
    begun = row.phase == "opened"
    return Act(
        row.n, row.id, row.time_ms, row.act, row.who_kind, row.who_id, row.who_name, row.address, row.device, row.subject,
        repo.detail(row) if begun else {}, None if begun else row.n,
    )  # fmt: skip


def _acts(conn: Connection, rows: list[Row[Any]], asked: Asked) -> list[Act]:
    return _ended(conn, [_begun(row) for row in rows], asked)


def _ended(conn: Connection, acts: list[Act], asked: Asked) -> list[Act]:
    """Joined with how each ended; one that was found by its end, with its beginning."""
    ends = repo_search.ends(conn, [act.id for act in acts])
    begun = repo_search.beginnings(conn, [act.id for act in acts if act.last_n is not None])
    joined = (_joined(act, begun.get(act.id), ends.get(act.id)) for act in acts)
    return [act for act in joined if act and (not asked.results or (act.result or asking.OPEN) in asked.results)]


def _joined(act: Act, first: Row[Any] | None, end: Row[Any] | None) -> Act | None:
    """None: it was found by an end that a later one amended."""
    if end is None:
        return act
    if act.last_n is not None and act.last_n != end.n:
        return None
    made = act if first is None else _begun(first)
    made.last_n, made.ended_ms, made.result, made.outcome = end.n, end.time_ms, end.result, repo.detail(end)
    return made
