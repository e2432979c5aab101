from hypothesis import given
from hypothesis import strategies as st

from soundpost.transport.schedule import FIRST_ROUND_S, Schedule


def test_everything_is_due_once_in_the_first_round() -> None:
    schedule = Schedule([30.0] * 10, 0.3, 100.0)
    taken = []
    while schedule.next_due() < 100.0 + FIRST_ROUND_S:
        now = schedule.next_due()
        taken.append(schedule.take(now))
        schedule.done(taken[-1], now, 1e6)
    assert sorted(taken) == list(range(10))


def test_nothing_to_poll_is_never_due() -> None:
    assert Schedule([], 0.5, 0.0).next_due() == float("inf")


@given(phase=st.floats(0, 0.999), period=st.floats(0.1, 4_000), late=st.floats(0, 10_000))
def test_the_next_time_is_after_now_and_within_a_period(phase: float, period: float, late: float) -> None:
    schedule = Schedule([period], phase, 50.0)
    schedule.take(50.0)
    schedule.done(0, 50.0 + late)
    assert 0 < schedule.next_due() - (50.0 + late) <= period * 1.0001


def test_phases_of_two_seeds_differ() -> None:
    first, second = Schedule([30.0], 0.1, 0.0), Schedule([30.0], 0.6, 0.0)
    for schedule in (first, second):
        schedule.take(0.0)
        schedule.done(0, 1.0)
    assert abs(first.next_due() - second.next_due()) == 15.0


def test_chosen_polls_move_to_the_front_and_the_one_in_flight_stays_out() -> None:
    schedule = Schedule([30.0, 30.0, 30.0], 0.0, 0.0)
    assert schedule.take(0.0) == 0
    schedule.due({0, 2}, 0.0)
    assert schedule.take(0.0) == 2
