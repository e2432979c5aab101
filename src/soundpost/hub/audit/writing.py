"""Puts rows behind the end of the chain, in the transaction of the act (truth T15, T35)."""

from typing import Any, Literal

import msgspec

from soundpost.hub.audit import chain, repo
from soundpost.hub.audit.chain import Anchor, Head
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
    repo.move_head(tx.conn, Head(n, before, chain.head_seal(key, n, before), name))


def _begin(tx: Tx, key: bytes, head: Head, top: int) -> Anchor:
    """The first rows of this database, or the first with this key."""
    if not head.key:
        return anchored(tx, key, "begin", max(head.n, top), repo.count(tx.conn), chain.FIRST)
    log.get("audit").error(
        "the key file audit.key was replaced: older rows of the audit can't be checked any more; put the old one back",
        row=head.n,
    )
    return anchored(tx, key, "key", head.n, 0, head.mac or chain.FIRST)


def anchored(
    tx: Tx, key: bytes, kind: Literal["begin", "key", "cut"], n: int, count: int, mac: bytes, *, instead: int = 0
) -> Anchor:
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
