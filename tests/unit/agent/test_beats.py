from hypothesis import given
from hypothesis import strategies as st

from soundpost.agent.beats import EARLY_S, Beats
from soundpost.link.envelope import BEAT_S


def told(waiting: list[int]) -> list[int]:
    """At which seconds a beat goes, one look a second."""
    beats = Beats(0.0)
    return [second for second, count in enumerate(waiting) if beats.due(float(second), count)]


def test_a_calm_agent_beats_each_ten_seconds() -> None:
    assert told([0] * 25) == [0, 10, 20]


def test_a_backlog_that_begins_or_is_gone_is_told_soon() -> None:
    assert told([0, 0, 0, 0, 900, 800, 700, 0, 0, 0]) == [0, 5, 7]


def test_what_is_only_on_its_way_is_no_backlog() -> None:
    assert told([0, 3, 0, 2, 0, 1, 0, 4, 0, 5, 0]) == [0, 10]


@given(st.lists(st.integers(0, 2), max_size=200))
def test_it_is_never_wrong_for_long_and_never_chatters(waiting: list[int]) -> None:
    beats, last, said = Beats(0.0), -BEAT_S, 0
    for second, count in enumerate(waiting):
        if beats.due(float(second), count):
            assert second - last >= EARLY_S
            last, said = float(second), count
        assert second - last < BEAT_S
        calm = waiting[max(0, second - 3) : second + 1]
        if len(calm) == 4 and len({bool(one) for one in calm}) == 1:
            assert bool(said) == bool(count)
