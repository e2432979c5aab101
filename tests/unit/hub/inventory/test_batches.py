"""How deliveries become commits, whatever their sizes."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.hub.inventory.fabric import LONDON, change, fact

from soundpost.hub.agents.receiver import Delivery
from soundpost.hub.inventory import batches
from soundpost.hub.inventory.batches import Item, Piece

FACT = fact("scan.done", {})


def delivery(facts: int, rejected: int, values: int) -> Delivery:
    def nothing(*_: object) -> None:
        """Nobody listens."""

    return Delivery(
        LONDON,
        nothing,
        nothing,
        facts=[FACT] * facts,
        rejected=[(b"", "x")] * rejected,
        values=[change(0, 1)] * values,
        last_uid=FACT.uid,
    )


SIZES = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 300), st.sampled_from([0, 5, 5000])), max_size=6)


@given(SIZES)
def test_nothing_is_lost_doubled_or_overtaken(sizes: list[tuple[int, int, int]]):
    sent = [delivery(*size) for size in sizes]
    waiting: deque[Item] = deque(piece for one in sent for piece in batches.pieces(one))
    seen: list[Piece] = []
    while waiting:
        batch = [item for item in batches.take(waiting) if isinstance(item, Piece)]
        weights = [batches.weight(item) for item in batch]
        assert len(batch) == 1 or sum(rows for rows, _ in weights) <= batches.FACT_ROWS
        assert len(batch) == 1 or sum(changes for _, changes in weights) <= batches.CHANGES
        seen += batch
    for one in sent:
        mine = [piece for piece in seen if piece.delivery is one]
        assert [piece.last for piece in mine] == [False] * (len(mine) - 1) + [True]
        assert sum(len(piece.part.facts) for piece in mine) == len(one.facts)
        assert sum(len(piece.part.rejected) for piece in mine) == len(one.rejected)
        assert [piece.part.last_uid for piece in mine if piece.part.last_uid] == [FACT.uid]
    assert [piece.delivery for piece in seen if piece.last] == sent


@given(st.integers(0, 20), st.integers(0, 5))
def test_one_by_one_ends_with_the_values_and_the_end(facts: int, rejected: int):
    [piece] = batches.pieces(delivery(facts, rejected, 3))
    single = [item for item in batches.one_by_one(piece) if isinstance(item, Piece)]
    assert len(single) == facts + rejected + 1
    assert [item.last for item in single] == [False] * (facts + rejected) + [True]
    assert [item.values for item in single] == [False] * (facts + rejected) + [True]
