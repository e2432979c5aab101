"""Puts rows behind the end of the chain, in the transaction of the act (truth T15, T35)."""

from typing import Any

import msgspec

from soundpost.hub.audit import chain, noted, repo
from soundpost.hub.audit.chain import Anchor, AnchorKind, Head
from soundpost.hub.store import Tx
from soundpost.kernel import log

Rows = list[dict[str, Any]]


def append(tx: Tx, rows: Rows) -> None:
    """Gathered by a Tx: called once for all rows of a unit of work, when it is done."""
    key = tx.secrets.audit_key
    name = chain.key_name(key)
    head, top = repo.locked_head(tx.conn)
    before = head.mac or chain.FIRST
    if head.key != name:
        before = _begin(tx, key, head, top).seal
    # A row that somebody put behind the head by hand must not stop the hub from writing; `verify` shows it.
    for n, row in enumerate(rows, start=max(head.n, top) + 1):
        row["n"] = n
        before = row["mac"] = chain.proof(key, before, chain.row_of(row).values)
    repo.add(tx.conn, rows)
    n = rows[-1]["n"]
    end = Head(n, before, chain.head_seal(key, n, before), name)
    repo.move_head(tx.conn, end)
    if not head.key and not noted.holds_any(tx.secrets.folder):  # at once: none begins beside this key a second time
        tx.after(lambda: noted.put(tx.secrets.folder, end))


def _begin(tx: Tx, key: bytes, head: Head, top: int) -> Anchor:
    """The first rows of this database, or the first with this key."""
    if not head.key:
        kind: AnchorKind = "again" if _had_one(tx, head) else "begin"
        if kind == "again":
            log.get("audit").error(
                "the chain of the audit was taken away by hand and begins anew", row=max(head.n, top)
            )
        return anchored(tx, key, kind, max(head.n, top), repo.count(tx.conn), chain.FIRST)
    log.get("audit").error(
        "the key file audit.key was replaced: older rows of the audit can't be checked any more; put the old one back",
        row=head.n,
    )
    return anchored(tx, key, "key", head.n, 0, head.mac or chain.FIRST)


def _had_one(tx: Tx, head: Head) -> bool:
    """Whether this hub proved rows before. Who can write the database can empty it of all that tells, but not the keys folder."""
    traces = head.mac is not None or repo.anchors(tx.conn) or repo.any_proof(tx.conn)
    return bool(traces) or noted.holds_any(tx.secrets.folder)


def anchored(tx: Tx, key: bytes, kind: AnchorKind, n: int, count: int, mac: bytes, *, instead: int = 0) -> Anchor:
    """Adds an anchor behind the others. `instead`: the id of the last one, which this replaces."""
    if instead:
        repo.remove_anchor(tx.conn, instead)
    known = repo.anchors(tx.conn)
    id = known[-1].id + 1 if known else 1
    plain = Anchor(id, kind, n, count, tx.now_ms, chain.key_name(key), mac)
    seal = chain.anchor_seal(key, known[-1].seal if known else chain.FIRST, plain)
    made = msgspec.structs.replace(plain, seal=seal)
    repo.add_anchor(tx.conn, made)
    return made
