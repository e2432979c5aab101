"""`GET /api/v1/audit`."""

from typing import Any, Literal

from litestar import Controller, get
from msgspec import Struct
from sqlalchemy import Row

from soundpost.hub.audit import repo
from soundpost.hub.store import Store, pages
from soundpost.kernel.clock import rfc3339


class WhoView(Struct):
    kind: str
    id: str
    name: str


class Entry(Struct, rename={"from_": "from"}):
    """`arguments` stand on the opened row, `result` and `reason` on the completed one."""

    id: str
    time: str
    act: str
    phase: Literal["opened", "completed"]
    who: WhoView
    from_: str
    device: str | None
    subject: str | None
    arguments: dict[str, Any] | None
    result: str | None
    reason: dict[str, Any] | None


class Page(Struct):
    items: list[Entry]
    next: str | None


def entry(row: Row[Any]) -> Entry:
    opening = row.phase == "opened"
    body = repo.detail(row)
    return Entry(
        id=row.id,
        time=rfc3339(row.time_ms),
        act=row.act,
        phase=row.phase,
        who=WhoView(row.who_kind, row.who_id, row.who_name),
        from_=row.address,
        device=row.device or None,
        subject=row.subject or None,
        arguments=body if opening else None,
        result=None if opening else row.result,
        reason=None if opening else body or None,
    )


class AuditController(Controller):
    path = "/api/v1/audit"
    tags = ("Audit",)

    @get(
        "", opt={"right": "administer", "whole": True, "faults": "invalid_cursor"}, summary="Who did what, newest first"
    )
    async def entries(
        self,
        store: Store,
        device: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page:
        wanted = pages.limited(limit)
        before = int(pages.place(cursor, int)[0]) if cursor is not None else None
        rows = await store.read(lambda conn: repo.page(conn, device=device, before=before, limit=wanted + 1))
        more = len(rows) > wanted
        return Page([entry(row) for row in rows[:wanted]], pages.cursor(rows[wanted - 1].n) if more else None)
