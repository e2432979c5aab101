"""Walks the audit's chain from its anchor to its head and says what does not fit. Pure; rows come in one at a time, in order.

A row whose proof does not fit is doubted until a later row tells why: it was changed, its proof was, or it never was one of ours.
"""

from collections.abc import Sequence

from msgspec import Struct

from soundpost.hub.audit import chain
from soundpost.hub.audit.chain import Anchor, Head, Row

MOST = 50
"""So many findings are told; the others are counted."""
RENUMBERED_MOST = 8


class Finding(Struct, frozen=True):
    """One thing that is wrong, from row `n` up to row `upto`. `code` is stable; `text` is a sentence for a person."""

    code: str
    n: int
    upto: int
    text: str


class Doubt(Struct):
    """A row that does not fit: `n` is the number it would have been proved as, on the proof `before`."""

    row: Row
    n: int
    before: bytes

    @property
    def mac(self) -> bytes:
        return self.row.mac or b""


class Checker:
    """Feed `row` with every row above the last cut, then ask `finish`. `head` was read before the first row; `kept` are heads that
    were kept elsewhere."""

    def __init__(self, key: bytes, anchors: Sequence[Anchor], head: Head, kept: Sequence[Head] = ()) -> None:
        self._key, self._head, self._kept = key, head, tuple(kept)
        self.findings: list[Finding] = []
        self.untold = 0
        self.count = self.checked = self.older = self.other_key = 0
        self.last = 0
        self._before = chain.FIRST
        self._doubts: list[Doubt] = []
        self._changed: list[Doubt] = []
        self._shift = 0
        self._cut_meanwhile = self._proved_outside = False
        bases = [index for index, anchor in enumerate(anchors) if anchor.kind != "cut"]
        self._base = anchors[bases[-1]] if bases else None
        named = head.key or (self._base.key if self._base else "")
        self.key_fits = named in ("", chain.key_name(key))
        self._begin(anchors, bases[-1] if bases else 0)
        self._cuts = [anchor for anchor in anchors[bases[-1] if bases else 0 :] if anchor.kind == "cut"]
        for anchor in anchors:
            if anchor.kind == "cut":
                self._skip(anchor)

    # -- where it begins

    def _begin(self, anchors: Sequence[Anchor], base: int) -> None:
        if not self.key_fits:
            self._find(
                "key_other", self._base.n + 1 if self._base else 1, self._head.n,
                "The key file audit.key is not the one this chain was made with, or the chain was made anew with another. "
                "Put back the key that belongs to this data folder.",
            )  # fmt: skip
        elif self._base is not None:
            self._check_anchors(anchors, base)
            self._check_begun(self._base, base)
        elif anchors or self._head.mac is not None or any(kept.n for kept in self._kept):
            self._no_beginning()

    def _no_beginning(self) -> None:
        self._find("beginning_missing", 0, 0, "The anchor that says where the chain begins was removed.")

    def _check_begun(self, base: Anchor, index: int) -> None:
        """A chain begins once. Its key signs another beginning for whoever takes the first away, so heads from before tell, too."""
        if base.kind == "again" or (base.kind == "begin" and index > 0):
            self._begun_again(base)
        for kept in self._kept:
            if base.kind != "key" and 0 < kept.n <= base.n:
                text = (
                    f"The chain begins behind row {base.n}, but a head kept elsewhere is of row {kept.n}: it was begun anew after "
                    "that head was kept, and the rows up to there can't be checked."
                )
                self._find("begun_behind", kept.n, base.n, text)

    def _begun_again(self, base: Anchor) -> None:
        text = (
            f"The chain was taken away by hand and begun anew behind row {base.n}: this hub had proved rows before. "
            "What stands up to there can't be checked, and rows may be missing."
        )
        self._find("begun_again", base.n, base.n, text)

    def _check_anchors(self, anchors: Sequence[Anchor], base: int) -> None:
        before = anchors[base - 1].seal if base else chain.FIRST
        wanted = anchors[base].id if base else 1
        for anchor in anchors[base:]:
            if anchor.id != wanted:
                text = f"An anchor before row {anchor.n} was removed."
                self._find("anchor_missing", anchor.n, anchor.n, text)
            elif not chain.same(chain.anchor_seal(self._key, before, anchor), anchor.seal):
                text = f"The anchor at row {anchor.n} was changed after it was written."
                self._find("anchor_edited", anchor.n, anchor.n, text)
            before, wanted = anchor.seal, anchor.id + 1

    def skip(self, cut: Anchor) -> None:
        """Retention took rows away just now: the chain goes on behind them."""
        self._cut_meanwhile = True
        self._skip(cut)

    def _skip(self, cut: Anchor) -> None:
        if cut.n > self.last:
            self._all_changed()
            self.last, self._before = cut.n, cut.mac
            self._compare(cut.n, cut.mac)

    # -- row by row

    @property
    def doubtful(self) -> bool:
        """Whether anything was found, or may yet be."""
        return bool(self.findings or self._doubts or self._changed)

    def row(self, row: Row) -> None:
        self.count += 1
        if self._base is None or row.n <= self._base.n:
            self._outside(row)
            return
        if self.last <= self._base.n:
            self.last, self._before = self._base.n, self._base.seal
        if not self.key_fits:
            self.other_key += 1
        elif row.n == self.last + 1:
            self._next(row)
        else:
            self._gap(row)
        self.last = row.n
        self._compare(row.n, row.mac)

    def _outside(self, row: Row) -> None:
        """From before the chain, or proved with a key that was replaced: it can't be checked."""
        self.last = max(self.last, row.n)
        if self._base is not None and self._base.kind == "key":
            self.other_key += 1
        else:
            self.older += 1
            self._check_outside(row)
        self._compare(row.n, row.mac)

    def _check_outside(self, row: Row) -> None:
        """Rows from before the chain have no proof; one that has was in a chain that somebody took away."""
        if row.mac is None or self._proved_outside or self.findings:
            return
        self._proved_outside = True
        if self._base is None:
            self._no_beginning()
        else:
            self._begun_again(self._base)

    def _gap(self, row: Row) -> None:
        self._all_changed()
        self._find("missing", self.last + 1, row.n - 1, f"{_rows(self.last + 1, row.n - 1)} missing: removed by hand.")
        # What it was proved on went with the missing rows: the row itself can't be checked, only what follows it.
        self._before = row.mac or b""

    def _next(self, row: Row) -> None:
        n = row.n - self._shift
        before, self._before = self._before, row.mac or b""
        if self._fits(row, n, before):
            self._all_changed()
        elif not (self._doubts and self._explained(row, n)):
            self._doubt(Doubt(row, n, before))
            return
        self._doubts = []
        self.checked += 1

    def _doubt(self, doubt: Doubt) -> None:
        if len(self._doubts) >= MOST:
            self._change(self._doubts.pop(1))
        self._doubts.append(doubt)

    def _explained(self, row: Row, n: int) -> bool:
        """Whether this row tells what happened to those doubted before it."""
        first, last = self._doubts[0], self._doubts[-1]
        if self._fits(row, n, chain.proof(self._key, last.before, last.row.numbered(last.n))):
            for doubt in self._doubts[:-1]:
                self._change(doubt)
            text = f"The proof of row {last.row.n} was changed; the row itself is as it was written."
            self._find("proof_edited", last.row.n, last.row.n, text)
        elif self._exchanged_with(row, n):
            pass
        elif self._fits(row, n, first.before):
            words = _rows(first.row.n, last.row.n, past=True)
            self._find("added", first.row.n, last.row.n, f"{words} added by hand: no act of this hub wrote that.")
        elif self._fits(row, first.n, first.before):
            words = _rows(first.row.n, last.row.n, past=True)
            self._find("added", first.row.n, last.row.n, f"{words} added by hand, and all after numbered anew.")
            self._shift += len(self._doubts)
        else:
            return self._closed_up(row, n, first)
        return True

    def _exchanged_with(self, row: Row, n: int) -> bool:
        """This row and one of those doubted stand in one another's place, proofs and all."""
        own = row.mac or b""
        for one in self._doubts:
            place = own if one is self._doubts[-1] else self._doubts[-1].mac
            if self._fits(row, one.n, one.before) and self._fits(one.row, n, place):
                for doubt in self._doubts:
                    if doubt is not one and not (doubt.n == one.n + 1 and self._fits(doubt.row, doubt.n, own)):
                        self._change(doubt)
                self._find("moved", one.row.n, row.n, f"Rows {one.row.n} and {row.n} were exchanged.")
                self._before = one.mac
                return True
        return False

    def _closed_up(self, row: Row, n: int, first: Doubt) -> bool:
        """Rows were removed and all after them numbered anew to close the gap."""
        for gone in range(1, RENUMBERED_MOST + 1):
            if self._fits(row, n + gone, self._doubts[-1].mac):
                text = f"{_rows(first.row.n, first.row.n + gone - 1, past=True)} removed by hand, and all after numbered anew."
                self._find("missing", first.row.n, first.row.n + gone - 1, text)
                self._shift -= gone
                return True
        return False

    def _fits(self, row: Row, n: int, before: bytes) -> bool:
        return chain.same(chain.proof(self._key, before, row.numbered(n)), row.mac)

    def _all_changed(self) -> None:
        """Nothing else explains the doubted rows: what stands in them was changed."""
        for doubt in self._doubts:
            self._change(doubt)
        self._doubts = []

    def _change(self, doubt: Doubt) -> None:
        if len(self._changed) < MOST:
            self._changed.append(doubt)
        else:
            self.untold += 1

    def _compare(self, n: int, mac: bytes | None) -> None:
        for kept in self._kept:
            if kept.n == n and not chain.same(kept.mac, mac):
                text = (
                    f"Row {n} has another proof than the head that was kept elsewhere: this hub went back to an older copy "
                    "and went on from there, or its audit was written anew."
                )
                self._find("head_differs", n, n, text)

    # -- where it ends

    def finish(self, *, above: int = 0) -> list[Finding]:
        """All findings, those of the ends included. `above`: the highest row beyond the head, 0 when there is none."""
        self._all_changed()
        self._exchanged()
        if self.key_fits:
            self._check_head()
            self._check_older()
            if self.other_key or self._keyless():
                self._key_replaced()
        if above > self._head.n:
            words = _rows(self._head.n + 1, above, past=True)
            self._find("added", self._head.n + 1, above, f"{words} added by hand behind the end of the chain.")
        for kept in self._kept:
            if kept.n > self._head.n:
                text = (
                    f"The audit ends at row {self._head.n}, but a head kept elsewhere is of row {kept.n}: the end was cut off, "
                    "or this hub went back to an older copy."
                )
                self._find("head_beyond", self._head.n + 1, kept.n, text)
        self.findings.sort(key=lambda finding: finding.n)
        return self.findings

    def _check_head(self) -> None:
        head = self._head
        if head.mac is None or not chain.same(chain.head_seal(self._key, head.n, head.mac), head.seal):
            if self._base is not None or head.mac is not None:
                text = "The note of where the chain ends was changed by hand, so rows may be missing at the end."
                self._find("head_edited", head.n, head.n, text)
        elif (first := max(self.last, self._base.n if self._base else 0) + 1) <= head.n:
            self._find("tail_missing", first, head.n, f"{_rows(first, head.n)} missing: the end was cut off by hand.")

    def _check_older(self) -> None:
        """The anchor signs how many rows stood before the chain; of those, retention said how many it took."""
        base = self._base
        if base is None or base.kind not in ("begin", "again") or self._cut_meanwhile:
            return
        crossed = any(cut.n > base.n for cut in self._cuts)
        wanted = 0 if crossed else base.count - sum(cut.count for cut in self._cuts)
        if self.older != wanted:
            text = f"{wanted} rows stood before the chain and {self.older} do now: some were removed or added by hand."
            self._find("older_differ", 1, base.n, text)

    def _keyless(self) -> bool:
        """The rows of another key are gone, and retention did not take them."""
        base = self._base
        return base is not None and base.kind == "key" and all(cut.n < base.n for cut in self._cuts)

    def _key_replaced(self) -> None:
        upto = self._base.n if self._base else self._head.n
        text = (
            f"The rows up to {upto} were proved with another key and can't be checked: the key file was replaced. "
            "If nobody of yours did that, keep this database and find out who could reach the machine."
        )
        self._find("key_replaced", upto, upto, text)

    def _exchanged(self) -> None:
        """Of the rows that seem changed, some may only stand in one another's place."""
        left, self._changed = self._changed, []
        while left:
            one = left.pop(0)
            other = next((two for two in left if self._swapped(one, two)), None)
            if other is None:
                text = f"Row {one.row.n} was changed after it was written."
                self._find("edited", one.row.n, one.row.n, text)
                continue
            # Those behind them were proved on proofs that moved away, and are as they were written.
            left = [two for two in left if two is not other and not self._behind(two, one, other)]
            self._find("moved", one.row.n, other.row.n, f"Rows {one.row.n} and {other.row.n} were exchanged.")

    def _swapped(self, one: Doubt, two: Doubt) -> bool:
        return chain.proof(self._key, one.before, two.row.numbered(one.n)) in (one.mac, two.mac)

    def _behind(self, doubt: Doubt, one: Doubt, two: Doubt) -> bool:
        came_from = {one.n: two.mac, two.n: one.mac}
        return doubt.n - 1 in came_from and self._fits(doubt.row, doubt.n, came_from[doubt.n - 1])

    def _find(self, code: str, n: int, upto: int, text: str) -> None:
        if len(self.findings) < MOST:
            self.findings.append(Finding(code, n, upto, text))
        else:
            self.untold += 1


def _rows(first: int, upto: int, *, past: bool = False) -> str:
    if first == upto:
        return f"Row {first} {'was' if past else 'is'}"
    return f"Rows {first} to {upto} {'were' if past else 'are'}"
