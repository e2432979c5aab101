"""The pure chain: what was done to it by hand shows, and where; what was not, never."""

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.hub.audit.links import KEY, OTHER, Chain, changed, values

from soundpost.hub.audit import chain
from soundpost.hub.audit.chain import Head, Row
from soundpost.hub.audit.checking import MOST


@pytest.mark.parametrize(("older", "count"), [(0, 0), (0, 1), (0, 40), (7, 0), (7, 40)])
def test_what_nobody_touched_is_whole(older: int, count: int) -> None:
    made = Chain(count, older=older)
    if not count:  # nothing was written yet: not even the anchor stands there
        made.anchors, made.head = [], Head(older)
    assert made.told() == []


@pytest.mark.parametrize("column", chain.COLUMNS[1:])
@pytest.mark.parametrize("at", [1, 6, 12])
def test_an_edited_row(column: str, at: int) -> None:
    made = Chain(12)
    other: Any = {"time_ms": 1, "detail": b"\x01other"}.get(column, "other")
    made.rows[at - 1] = changed(made.rows[at - 1], column, other)
    assert made.told() == [("edited", at, at)]


@pytest.mark.parametrize("at", [1, 6, 11])
def test_an_edited_proof(at: int) -> None:
    made = Chain(12)
    made.rows[at - 1] = Row(made.rows[at - 1].values, bytes(32))
    assert made.told() == [("proof_edited", at, at)]


def test_an_edited_last_proof() -> None:
    made = Chain(12)
    made.rows[-1] = Row(made.rows[-1].values, None)
    assert made.told() == [("edited", 12, 12)]


@pytest.mark.parametrize(("first", "upto"), [(1, 1), (1, 3), (6, 6), (5, 9)])
def test_removed_rows(first: int, upto: int) -> None:
    made = Chain(12)
    del made.rows[first - 1 : upto]
    assert made.told() == [("missing", first, upto)]


@pytest.mark.parametrize(("first", "upto"), [(12, 12), (9, 12), (1, 12)])
def test_a_cut_tail(first: int, upto: int) -> None:
    made = Chain(12)
    del made.rows[first - 1 : upto]
    assert made.told() == [("tail_missing", first, upto)]


def test_a_cut_tail_with_the_head_put_back() -> None:
    made = Chain(12)
    made.rows = made.rows[:9]
    made.head = Head(9, made.rows[-1].mac, made.head.seal, made.head.key)
    assert made.told() == [("head_edited", 9, 9)]
    made.head = Head(9, None, None, "")
    assert made.told() == [("head_edited", 9, 9)]


@pytest.mark.parametrize(("one", "two"), [(1, 2), (5, 6), (11, 12), (1, 12), (3, 9), (4, 6)])
@pytest.mark.parametrize("with_proof", [True, False])
def test_exchanged_rows(one: int, two: int, with_proof: bool) -> None:
    made = Chain(13)
    a, b = made.rows[one - 1], made.rows[two - 1]
    made.rows[one - 1] = Row(b.numbered(one), b.mac if with_proof else a.mac)
    made.rows[two - 1] = Row(a.numbered(two), a.mac if with_proof else b.mac)
    assert made.told() == [("moved", one, two)]


@pytest.mark.parametrize(("at", "count"), [(1, 1), (6, 1), (6, 3)])
def test_added_rows_with_all_after_numbered_anew(at: int, count: int) -> None:
    made = Chain(12)
    forged = [chain.row_of({**values(at), "id": f"forged {n}", "mac": bytes([n]) * 32}) for n in range(count)]
    rows = made.rows[: at - 1] + forged + made.rows[at - 1 :]
    made.rows = [Row(row.numbered(n), row.mac) for n, row in enumerate(rows, start=1)]
    assert ("added", at, at + count - 1) in made.told(above=12 + count)


@pytest.mark.parametrize(("first", "upto"), [(1, 1), (6, 6), (5, 8)])
def test_removed_rows_with_all_after_numbered_anew(first: int, upto: int) -> None:
    made = Chain(12)
    rows = made.rows[: first - 1] + made.rows[upto:]
    made.rows = [Row(row.numbered(n), row.mac) for n, row in enumerate(rows, start=1)]
    told = made.told()
    assert told[0] == ("missing", first, upto)
    assert [code for code, _, _ in told[1:]] == ["tail_missing"]


def test_rows_added_by_hand_before_the_hub_went_on() -> None:
    made = Chain(8)
    for n in (9, 10):
        made.rows.append(chain.row_of({**values(n), "mac": bytes([n]) * 32}))
    for _ in range(4):
        made.add()
    made.seal()
    assert made.told() == [("added", 9, 10)]


def test_rows_behind_the_end() -> None:
    assert Chain(8).told(above=9) == [("added", 9, 9)]
    assert Chain(8).told(above=12) == [("added", 9, 12)]


def test_another_key() -> None:
    assert Chain(8, older=2).told(key=OTHER) == [("key_other", 3, 10)]


def test_a_key_that_was_replaced() -> None:
    made = Chain(8)
    made.another_key(OTHER)
    made.add()
    made.seal()
    assert made.told() == [("key_replaced", 8, 8)]
    made.rows[-1] = changed(made.rows[-1], "act", "other")
    assert made.told() == [("key_replaced", 8, 8), ("edited", 9, 9)]
    made.rows[-1] = changed(made.rows[-1], "act", "act 9")
    made.cut(8)  # once they are gone, what stays proves itself
    assert made.told() == []


def test_all_rows_of_another_key_gone() -> None:
    """Whoever empties the table and writes another key's name is signed an anchor behind nothing."""
    made = Chain(8)
    made.another_key(OTHER)
    made.rows = []
    made.add(9)
    made.seal()
    assert made.told() == [("key_replaced", 8, 8)]


@pytest.mark.parametrize("left", [0, 2])
def test_the_anchor_counts_the_rows_before_the_chain(left: int) -> None:
    made = Chain(4, older=3)
    assert made.told() == []
    made.rows = [*(chain.row_of(values(n)) for n in range(1, left + 1)), *(row for row in made.rows if row.n > 3)]
    assert [code for code, *_ in made.told()] == ["older_differ"]


def test_retention_takes_rows_from_before_the_chain() -> None:
    made = Chain(4, older=3)
    made.cut(2)
    assert made.told() == []
    made.rows = made.rows[1:]
    assert made.told() == [("older_differ", 1, 3)]
    made = Chain(4, older=3)
    made.cut(2)
    made.cut(5)
    assert made.told() == []


def test_a_chain_begun_behind_a_head_that_was_kept() -> None:
    made, older = Chain(4, older=3), Chain(3)
    assert made.told(kept=(older.head,))[:1] == [("begun_behind", 3, 3)]
    assert made.told(kept=(made.head,)) == []


def test_a_chain_made_anew_with_another_key_under_the_old_name() -> None:
    made = Chain(8, key=OTHER)
    named = chain.key_name(KEY)
    made.head = msgspec.structs.replace(made.head, key=named)
    made.anchors[0] = msgspec.structs.replace(made.anchors[0], key=named)
    codes = {code for code, _, _ in made.told(key=KEY)}
    assert {"anchor_edited", "edited", "head_edited"} <= codes


def test_a_cut_leaves_the_rest_whole() -> None:
    made = Chain(20, older=3)
    made.cut(2)
    assert made.told() == []
    made.cut(9)
    assert made.told() == []
    made.cut(23)
    assert made.told() == []


@pytest.mark.parametrize("field", ["kind", "n", "count", "time_ms", "key", "mac"])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_an_edited_anchor(field: str, which: int) -> None:
    made = Chain(20)
    made.cut(4)
    made.cut(9)
    before = getattr(made.anchors[which], field)
    other: Any = "cut" if before == "begin" else "key" if before == "cut" else "x" if field == "key" else None
    other = other or (before + 1 if isinstance(before, int) else bytes(32))
    made.anchors[which] = msgspec.structs.replace(made.anchors[which], **{field: other})
    assert made.told() != []


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_removed_anchor(which: int) -> None:
    made = Chain(20)
    made.cut(4)
    made.cut(9)
    del made.anchors[which]
    wanted = {0: "beginning_missing", 1: "anchor_missing", 2: "missing"}[which]
    assert wanted in {code for code, _, _ in made.told()}


def test_heads_kept_elsewhere() -> None:
    made = Chain(20)
    then, now = Head(7, made.rows[6].mac), made.head
    assert made.told(kept=(then, now, Head(1, made.rows[0].mac))) == []
    assert made.told(kept=(Head(7, bytes(32)),)) == [("head_differs", 7, 7)]
    assert made.told(kept=(Head(25, bytes(32)),)) == [("head_beyond", 21, 25)]
    older = Chain(5)  # the same key: a hub that was put back to an older copy and went on
    for n in range(6, 21):
        older.add(n, act="another")
    older.seal()
    assert older.told() == []
    assert older.told(kept=(now,)) == [("head_differs", 20, 20)]
    made.cut(7)
    assert made.told(kept=(then,)) == []
    assert made.told(kept=(Head(7, bytes(32)),)) == [("head_differs", 7, 7)]


def test_a_table_that_was_written_over_is_told_in_bounds() -> None:
    made = Chain(400)
    made.rows = [changed(row, "who_name", "nobody") for row in made.rows]
    checked = made.check()
    assert len(checked) == MOST


def test_no_two_rows_are_signed_alike() -> None:
    one, two = values(1, act="ab", who_kind="c"), values(1, act="a", who_kind="bc")
    assert chain.proof(KEY, b"", chain.row_of(one).values) != chain.proof(KEY, b"", chain.row_of(two).values)


def tampered(made: Chain, chance: random.Random) -> int:
    """Does one thing by hand to the rows; the first number it touched."""
    at = chance.randrange(len(made.rows))
    number, kind = made.rows[at].n, chance.choice(["edit", "proof", "remove", "swap", "forge"])
    if kind == "edit":
        column = chance.choice(chain.COLUMNS[1:])
        made.rows[at] = changed(
            made.rows[at], column, 7 if column == "time_ms" else b"x" if column == "detail" else "x"
        )
    elif kind == "proof":
        made.rows[at] = Row(made.rows[at].values, chance.randbytes(32))
    elif kind == "remove":
        del made.rows[at : at + chance.randint(1, 3)]
    elif kind == "swap" and len(made.rows) > 1:
        other = chance.choice([n for n in range(len(made.rows)) if n != at])
        a, b = sorted((at, other))
        one, two = made.rows[a], made.rows[b]
        made.rows[a], made.rows[b] = Row(two.numbered(one.n), two.mac), Row(one.numbered(two.n), one.mac)
        number = one.n
    else:
        forged = chain.row_of({**values(number), "id": "forged", "mac": chance.randbytes(32)})
        rows = [*made.rows[:at], forged, *made.rows[at:]]
        made.rows = [Row(row.numbered(n), row.mac) for n, row in enumerate(rows, start=rows[0].n)]
    return number


@given(st.integers(1, 30), st.integers(0, 5), st.integers(0, 12), st.integers(0, 2**32))
def test_whatever_was_done_shows_at_the_place_or_right_behind_it(count: int, older: int, cut: int, seed: int) -> None:
    chance = random.Random(seed)
    made = Chain(count, older=older)
    if older < cut < older + count:
        made.cut(cut)
    assert made.told() == []
    before, made.rows = [row for row in made.rows if row.n <= older], [row for row in made.rows if row.n > older]
    number = tampered(made, chance)
    made.rows = [*before, *made.rows]
    told = made.check(above=made.n if made.n > made.head.n else 0)
    assert told, "it does not show"
    assert told[0].n == number, told
