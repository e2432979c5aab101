import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundpost.device.contract import Periods
from soundpost.device.model import Group
from soundpost.transport.round import pace_of, slow_round
from soundpost.transport.schedule import FIRST_ROUND_S, Pace, Schedule


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


def served(schedule: Schedule, periods: list[float], each_s: float, until: float) -> dict[int, list[float]]:
    """When each poll was asked by a line that needs `each_s` for one and never sleeps while one is due."""
    asked: dict[int, list[float]] = {index: [] for index in range(len(periods))}
    now = 0.0
    while now < until:
        now = max(now, schedule.next_due())
        index = schedule.take(now)
        asked[index].append(now)
        now += each_s
        schedule.done(index, now)
    return asked


def worst(times: list[float]) -> float:
    return max(b - a for a, b in itertools.pairwise(times))


def test_a_line_that_cant_keep_up_reads_what_changes_fast_first_and_starves_nothing() -> None:
    """A slow device: 60 polls due each 30 s would take 60 s."""
    periods = [10.0] * 4 + [30.0] * 60 + [300.0] * 40
    asked = served(Schedule(periods, 0.2, 0.0), periods, 1.0, 3_000.0)
    assert all(len(times) >= 5 for times in asked.values())
    assert max(worst(asked[index]) for index in range(4)) < max(worst(asked[index]) for index in range(4, 64))
    levels = [len(asked[index]) for index in range(4, 64)]
    assert max(levels) <= 1.25 * min(levels), "levels are served alike"
    assert max(len(asked[index]) for index in range(64, 104)) <= min(levels)


def test_a_line_that_keeps_up_reads_everything_in_its_period() -> None:
    periods = [10.0] * 4 + [30.0] * 80 + [300.0] * 200
    asked = served(Schedule(periods, 0.7, 0.0, [5.0] * 84 + [60.0] * 200), periods, 0.06, 1_500.0)
    for index, times in asked.items():
        assert worst(times) <= periods[index] * 1.2


def test_settings_come_later_in_the_first_round_and_at_most_five_a_second() -> None:
    assert slow_round(100, 300.0) == 60.0
    assert slow_round(1_000, 300.0) == 200.0
    assert slow_round(5_000, 300.0) == 300.0
    assert slow_round(1_000, 1.5) == 1.5


@pytest.mark.parametrize(
    ("group", "crowd", "period", "first"),
    [
        (Group.STATUS, 1, 10.0, 5.0),
        (Group.STATUS, 128, 10.0, 10.0),
        (Group.LEVELS, 1, 30.0, 5.0),
        (Group.LEVELS, 4, 30.0, 20.0),
        (Group.LEVELS, 128, 30.0, 30.0),
        (Group.SETTINGS, 1, 300.0, 60.0),
        (Group.SETTINGS, 4, 300.0, 240.0),
        (Group.FACTS, 128, 3600.0, 640.0),
    ],
)
def test_a_crowd_of_lines_takes_longer_for_its_first_reading(group, crowd, period, first) -> None:
    assert pace_of(group, 100, Periods(crowd=crowd)) == Pace(period, first)


@given(st.lists(st.sampled_from(["take", "due", "hasten", "again"]), max_size=40), st.integers(1, 8))
def test_no_poll_is_ever_lost_or_doubled(steps: list[str], count: int) -> None:
    schedule = Schedule([10.0, 30.0, 300.0, 3600.0] * 2, 0.4, 0.0)
    for at, step in enumerate(steps):
        if step == "take":
            schedule.done(schedule.take(float(at)), float(at))
        elif step == "due":
            schedule.due(set(range(count)), float(at))
        elif step == "hasten":
            schedule.hasten(range(count), float(at), 0.1)
        else:
            schedule.all_due(float(at))
    assert sorted(schedule.take(1e9) for _ in range(8)) == list(range(8))
    assert schedule.next_due() == float("inf")


@given(
    st.lists(st.tuples(st.sampled_from(["take", "take", "due"]), st.integers(0, 199), st.floats(0, 90)), max_size=60)
)
def test_blocks_find_the_one_a_plain_look_would(steps: list[tuple[str, int, float]]) -> None:
    """Two hundred polls, so that periods have several blocks, after their first round."""
    periods = [10.0, 30.0, 300.0, 30.0] * 50
    schedule, now = Schedule(periods, 0.4, 0.0), 0.0
    due: dict[int, float] = {}
    urgent: dict[int, float] = {}

    def done(index: int) -> None:
        schedule.done(index, now)
        base = (0.4 + index / 200) % 1.0 * periods[index]
        due[index] = base + ((now - base) // periods[index] + 1) * periods[index]
        urgent[index] = due[index] + periods[index]

    for index in [schedule.take(100.0) for _ in periods]:
        done(index)
    for step, index, seconds in steps:
        if step == "due":
            schedule.due({index}, now + seconds)
            due[index] = urgent[index] = now + seconds
            continue
        now += seconds / 10
        assert schedule.next_due() == min(due.values())
        ready = {index: urgent[index] for index in due if due[index] <= now}
        wanted = min(ready.values()) if ready else min(due.values())
        taken = schedule.take(now)
        assert (urgent if ready else due)[taken] == wanted
        done(taken)
