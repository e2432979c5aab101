"""`GET /api/v1/audit`."""

from typing import Any, Literal

from litestar import Controller, get
from msgspec import Struct
from sqlalchemy import Row

from soundpost.hub.audit import repo
from soundpost.hub.audit.checking import Finding
from soundpost.hub.audit.proving import Prover, Report
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


class AuditCut(Struct):
    """What retention took away last: `count` rows up to row `n`."""

    n: int
    count: int
    time: str


class AuditRestored(Struct):
    """At row `n` this hub found that it had gone back to an older copy."""

    n: int
    time: str


class AuditFinding(Struct):
    """What is wrong with the rows `n` to `upto`; `text` is a sentence in English."""

    code: str
    n: int
    upto: int
    text: str


class AuditProof(Struct):
    """`checked` rows, `first` to `upto`, prove themselves where the state is whole. `older` ones stand from before the chain, `other_key`
    were proved with a key that is gone: they can't be checked. `head` is to be kept elsewhere. `untold`: findings left out here."""

    state: Literal["whole", "broken"]
    as_of: str
    checked: int
    older: int
    other_key: int
    first: int
    upto: int
    head: str
    findings: list[AuditFinding]
    untold: int
    cut: AuditCut | None
    restored: list[AuditRestored]


def proof(report: Report) -> AuditProof:
    return AuditProof(
        state=report.state,
        as_of=rfc3339(report.time_ms),
        checked=report.checked,
        older=report.older,
        other_key=report.other_key,
        first=report.first,
        upto=report.upto,
        head=report.head,
        findings=[found(finding) for finding in report.findings],
        untold=report.untold,
        cut=AuditCut(report.cut.n, report.cut.count, rfc3339(report.cut.time_ms)) if report.cut else None,
        restored=[AuditRestored(one.n, rfc3339(one.time_ms)) for one in report.restored],
    )


def found(finding: Finding) -> AuditFinding:
    return AuditFinding(finding.code, finding.n, finding.upto, finding.text)


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

    @get("/verify", opt={"right": "own", "whole": True}, summary="Does the audit prove itself?")
    async def verify(self, prover: Prover, now: bool = False) -> AuditProof:
        """What the last pass over the whole chain said, made hourly; `now` makes one for this answer."""
        return proof(await (prover.now() if now else prover.report()))
