"""When a group counts as covered."""

from hypothesis import given
from hypothesis import strategies as st

from soundpost.device.contract import Periods
from soundpost.device.model import Group
from soundpost.transport.round import Round
from soundpost.transport.talk import Poll
from soundpost.wire.dialogue import reading

NAMES = [("a", Group.LEVELS), ("a", Group.LEVELS), ("a", Group.STATUS), ("b", Group.LEVELS), ("b", Group.LEVELS)]


def made() -> Round:
    polls = [Poll(reading(f"EP {n}"), part, group, f"key.{n}") for n, (part, group) in enumerate(NAMES)]
    return Round(polls, Periods(), 0.0, 0.0)


def test_a_group_is_covered_once_each_of_its_points_was_read_again() -> None:
    these = made()
    assert [these.covered(index) for index in (0, 0, 3, 2)] == [None, None, None, ("a", "status")]
    assert these.covered(1) == ("a", "levels")
    assert [these.covered(index) for index in (1, 0)] == [None, ("a", "levels")]


def test_what_the_device_does_not_have_is_not_waited_for_until_it_answers() -> None:
    these = made()
    these.take(0.0)
    these.done(0, 1.0, 3_600.0)
    assert these.covered(0) is None
    assert these.covered(1) == ("a", "levels")
    assert these.covered(1) == ("a", "levels")
    these.done(0, 2.0, None)
    assert these.covered(1) is None
    assert these.covered(0) == ("a", "levels")


def test_a_line_that_came_back_begins_anew() -> None:
    these = made()
    these.read(0)
    these.covered(0)
    these.again(10.0)
    assert these.was_read(0)
    assert not these.was_read(1)
    assert [these.covered(index) for index in (1, 0)] == [None, ("a", "levels")]


@given(st.lists(st.tuples(st.sampled_from(["covered", "absent", "there"]), st.integers(0, 4)), max_size=60))
def test_it_is_what_the_sets_of_old_said(steps: list[tuple[str, int]]) -> None:
    """The plain words of the rule, as sets, against the bytes that keep it."""
    these, absent, seen = made(), set[int](), set[int]()
    for step, index in steps:
        if step != "covered":
            these.done(index, 0.0, 60.0 if step == "absent" else None)
            (absent.add if step == "absent" else absent.discard)(index)
            continue
        group = {n for n, name in enumerate(NAMES) if name == NAMES[index]}
        seen.add(index)
        full = group <= seen | absent
        assert these.covered(index) == ((NAMES[index][0], NAMES[index][1]) if full else None)
        if full:
            seen -= group
