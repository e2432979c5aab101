"""Retention: the oldest rows go, in small commits, and a signed anchor says up to where, so that the rest still proves itself.

What does not prove itself is not cut: it would take the evidence with it.
"""

from msgspec import Struct
from sqlalchemy import Connection

from soundpost.hub.audit import repo, service, writing
from soundpost.hub.audit.chain import Anchor, Row
from soundpost.hub.audit.checking import Checker
from soundpost.hub.store import Store, Tx
from soundpost.kernel import log

AT_ONCE = 200
CUT = "audit.cut"


class Run(Struct):
    """One cut under way: `anchor` is the id of its own, which each commit replaces."""

    before_ms: int
    audit_id: str = ""
    checker: Checker | None = None
    anchor: int = 0
    count: int = 0
    upto: int = 0
    broken: bool = False


async def cut(store: Store, before_ms: int) -> Run:
    """Takes away what was written before. A run that is killed leaves the anchor of its last commit; the next begins there."""
    run = Run(before_ms)
    if not await store.read(lambda conn: _oldest(conn, run)):
        return run
    await store.unit_of_work(lambda tx: _open(tx, run))
    while await store.unit_of_work(lambda tx: _some(tx, run)):
        pass
    await store.unit_of_work(lambda tx: _end(tx, run))
    if run.broken:
        log.get("audit").error("the audit does not prove itself, so its old rows are kept; see soundpost audit verify")
    return run


def _oldest(conn: Connection, run: Run) -> list[Row]:
    return due(run, repo.oldest(conn, AT_ONCE), repo.anchors(conn))


def due(run: Run, rows: list[Row], anchors: list[Anchor]) -> list[Row]:
    """From the oldest up to the first that is to stay: what lies behind it stays too, whatever its clock said. What a row of another key
    says of its time can't be checked, so it stays as long as the anchor that says so."""
    base = next((anchor for anchor in reversed(anchors) if anchor.kind != "cut"), None)
    kept = base.n if base is not None and base.kind == "key" and base.time_ms >= run.before_ms else 0
    old: list[Row] = []
    for row in rows:
        if row.time_ms >= run.before_ms or row.n <= kept:
            break
        old.append(row)
    return old


def _open(tx: Tx, run: Run) -> None:
    """Also makes sure that the chain's last anchor is of today's key."""
    run.audit_id = service.opened(tx, service.SYSTEM, CUT, detail={"before_ms": run.before_ms})


def _some(tx: Tx, run: Run) -> bool:
    if run.checker is None:
        run.checker = Checker(tx.secrets.audit_key, repo.anchors(tx.conn), repo.head(tx.conn))
    rows = _oldest(tx.conn, run)
    for row in rows:
        run.checker.row(row)
    if run.checker.doubtful:
        run.broken = True
        return False
    if not rows:
        return False
    count = run.count + repo.remove(tx.conn, rows[-1].n)
    made = writing.anchored(tx, tx.secrets.audit_key, "cut", rows[-1].n, count, rows[-1].mac or b"", instead=run.anchor)
    run.anchor, run.count, run.upto = made.id, count, made.n
    return True


def _end(tx: Tx, run: Run) -> None:
    told = {"count": run.count, "upto": run.upto}
    if run.broken:
        service.completed(tx, run.audit_id, "failed", {"code": "audit_broken", **told})
    else:
        service.completed(tx, run.audit_id, "done", told)
