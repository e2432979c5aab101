import math

from hypothesis import given
from hypothesis import strategies as st

from soundpost.kernel.shared import MOST, Shared

VALUES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=3))


@given(st.lists(VALUES))
def test_a_value_stays_what_it_is(values: list[object]) -> None:
    shared = Shared()
    for value in values:
        told = shared(value)
        assert type(told) is type(value)
        assert repr(told) == repr(value)


def test_equal_ones_are_one() -> None:
    shared = Shared()
    first = shared(float("-20.5"))
    assert shared(float("-20.5")) is first
    assert shared("".join(["rin", "ging"])) is shared("".join(["ring", "ing"]))
    assert math.copysign(1.0, shared(-0.0)) == -1.0
    assert math.copysign(1.0, shared(0.0)) == 1.0


def test_it_does_not_grow_without_end() -> None:
    shared = Shared()
    for number in range(3 * MOST):
        shared(number / 2)
    assert len(shared._floats) <= MOST


def test_lists_and_tables_that_are_equal_are_one():
    shared = Shared()
    first, second = shared.words(["name", "model"]), shared.words(["".join(("na", "me")), "model"])
    assert first is second == ["name", "model"]
    assert shared.words(["model", "name"]) == ["model", "name"]
    table = shared.table({"locate": "assumed", "control": "evidenced"})
    assert shared.table({"locate": "assumed", "control": "evidenced"}) is table
    assert shared.table({"control": "evidenced", "locate": "assumed"}) == table
    assert shared.table({}) == {} != shared.words([])
