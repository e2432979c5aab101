"""`/api/v1/audit`: who did what, and how it ended. Who asks, and what they may see, is handed in by the application."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, ClassVar, cast

from litestar import Controller, Request, Response, get
from litestar.di import Provide
from litestar.params import QueryParameter
from litestar.response import Stream
from msgspec import Struct

from soundpost.hub.audit import asked as asking
from soundpost.hub.audit import export, search
from soundpost.hub.audit.asked import Act, Asked
from soundpost.hub.audit.proof import AuditProof, proof
from soundpost.hub.audit.proving import Prover
from soundpost.hub.audit.search import Asker
from soundpost.hub.store import Store, pages
from soundpost.kernel import csvfile
from soundpost.kernel.clock import parse_rfc3339, rfc3339
from soundpost.kernel.shape import one_of

AnyRequest = Request[Any, Any, Any]
From = Annotated[str | None, QueryParameter(name="from")]
READ = {"right": "administer"}


class WhoView(Struct):
    kind: Annotated[str, one_of(asking.KINDS)]
    id: str
    name: str


class ActView(Struct, rename={"from_": "from"}):
    """One act. `subject`: what it was done to, where that is no device: a person, place, server, command. `before`, `after`: of a change;
    `arguments`: what else was said. `result` null: it was begun and nobody wrote how it ended. `took_s`: seconds from one to the other."""

    id: str
    time: str
    act: str
    who: WhoView
    from_: str | None
    device: str | None
    device_name: str | None
    subject: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    arguments: dict[str, Any] | None
    result: str | None
    ended: str | None
    took_s: float | None
    reason: dict[str, Any] | None


class ActList(Struct):
    """Newest first. With `next` there may be more, also after a page that holds few or none: a question that finds little is answered in
    parts, and `searched_to` says how far back this one went."""

    items: list[ActView]
    next: str | None
    searched_to: str | None


def view(act: Act, asker: Asker) -> ActView:
    found = export.facts(act, asker)
    from_, who = found.pop("from"), WhoView(found.pop("who_kind"), found.pop("who_id") or "", found.pop("who"))
    return ActView(**found, from_=from_, who=who)


def question(
    kind: str | None = None,
    who: str | None = None,
    act: str | None = None,
    device: str | None = None,
    subject: str | None = None,
    address: str | None = None,
    result: str | None = None,
    from_: From = None,
    until: str | None = None,
    q: str | None = None,
) -> Asked:
    """Of the address's parameters, the same for the list and the file."""
    return asking.asked(
        kind=kind, who=who, act=act, device=device, subject=subject, address=address, result=result,
        since_ms=moment(from_, "from"), until_ms=moment(until, "until"), text=q,
    )  # fmt: skip


def moment(text: str | None, field: str) -> int | None:
    if not text:
        return None
    try:
        when = parse_rfc3339(text)
    except (ValueError, OverflowError):
        raise asking.wrong(field, "Write a time like 2026-11-24T09:00:00Z.") from None
    return max(1, min(when, 2**53))


class AuditController(Controller):
    """Who is limited to a part of the places is told of acts on the devices there, and of their own."""

    path = "/api/v1/audit"
    tags = ("Audit",)
    dependencies: ClassVar[dict[str, Provide]] = {"asked": Provide(question, sync_to_thread=False)}  # type: ignore[misc]

    @get("", opt=READ | {"faults": "invalid_cursor"}, summary="Who did what, newest first")
    async def acts(
        self, store: Store, asker: Asker, asked: Asked, limit: int | None = None, cursor: str | None = None
    ) -> ActList:
        before = int(pages.place(cursor, int)[0]) if cursor is not None else None
        page = await search.page(store, asker, asked, before, pages.limited(limit))
        return ActList(
            [view(found, asker) for found in page.acts],
            None if page.next is None else pages.cursor(page.next),
            None if page.to_ms is None else rfc3339(page.to_ms),
        )

    @get("/export.csv", opt=READ, summary="The same acts as a table (RFC 4180)", media_type=csvfile.FORMATS["csv"])
    async def table(self, request: AnyRequest, store: Store, asker: Asker, asked: Asked) -> Response[bytes]:
        return await taken(request, store, asker, asked, "csv")

    @get("/export.jsonl", opt=READ, summary="The same acts, one a line", media_type=csvfile.FORMATS["jsonl"])
    async def lines(self, request: AnyRequest, store: Store, asker: Asker, asked: Asked) -> Response[bytes]:
        return await taken(request, store, asker, asked, "jsonl")

    @get("/verify", opt={"right": "own", "whole": True}, summary="Does the audit prove itself?")
    async def verify(self, prover: Prover, now: bool = False) -> AuditProof:
        """What the last pass over the whole chain said, made hourly; `now` makes one for this answer."""
        return proof(await (prover.now() if now else prover.report()))


async def taken(request: AnyRequest, store: Store, asker: Asker, asked: Asked, format: str) -> Response[bytes]:
    given = {name: text for name, text in request.query_params.items() if text}
    parts = await export.Export(store, asker, asked, given | {"format": format}).begin()
    return download(parts, format, "audit", store.clock.now_ms())


def download(parts: AsyncIterator[bytes], format: str, name: str, now_ms: int) -> Response[bytes]:
    """A file that is never opened in the page itself, and kept by nobody on the way."""
    day = rfc3339(now_ms)[:10]
    headers = {
        "Content-Disposition": f'attachment; filename="soundpost-{name}-{day}.{format}"',
        "Cache-Control": "no-store",
    }
    return cast("Response[bytes]", Stream(parts, media_type=csvfile.FORMATS[format], headers=headers))
