"""The arithmetic behind the published figures."""

import math

import pytest
from bench import figures
from bench.figures import Figure, Options
from hypothesis import given
from hypothesis import strategies as st


def test_a_percentile_is_the_nearest_rank() -> None:
    values = [float(n) for n in range(1, 41)]
    assert figures.percentile(values, 0.95) == 38
    assert figures.percentile(values, 1.0) == 40
    assert figures.percentile(values, 0.5) == 20
    assert figures.percentile([7.0], 0.99) == 7


def test_nothing_has_no_percentile_and_meets_no_aim() -> None:
    assert math.isnan(figures.percentile([], 0.5))
    assert math.isnan(figures.median([]))
    assert figures.below("x", math.nan, "ms", 50).met is False
    assert figures.at_most("x", math.nan, "ms", 50).met is False
    assert figures.at_least("x", math.nan, "ms", 50).met is False


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values(values: list[float], share: float) -> None:
    assert figures.percentile(values, share) in values


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_percentiles_never_fall(values: list[float]) -> None:
    told = [figures.percentile(values, share / 20) for share in range(21)]
    assert told == sorted(told)


def test_a_line_is_found_again() -> None:
    points = [(x, 3.0 * x + 5) for x in (100.0, 1000.0, 5000.0)]
    assert figures.slope(points) == pytest.approx(3)
    assert figures.intercept(points) == pytest.approx(5)


def test_one_point_has_no_slope() -> None:
    assert figures.slope([(1.0, 2.0)]) == 0
    assert figures.slope([(1.0, 2.0), (1.0, 4.0)]) == 0
    assert figures.intercept([(1.0, 2.0)]) == 2
    assert math.isnan(figures.intercept([]))


def test_a_stall_is_felt_by_everybody_who_came_during_it() -> None:
    assert figures.felt([0.5, 22.0, -1.0], 5.0) == [0.5, 22.0, 17.0, 12.0, 7.0, 2.0, 0.0]


def test_a_scale_is_a_share_and_never_less_than_the_least() -> None:
    assert Options(scale=0.1).of(2_000) == 200
    assert Options(scale=0.001).of(2_000, 10) == 10
    assert Options().of(2_000, 10) == 2_000


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (figures.below("x", 50.0, "ms", 50), False),
        (figures.below("x", 49.9, "ms", 50), True),
        (figures.at_most("x", 50.0, "ms", 50), True),
        (figures.at_least("x", 4_999.0, "a second", 5_000), False),
        (figures.exactly("x", 0, "lost", 0), True),
        (figures.told("x", 1.0, "s"), None),
    ],
)
def test_a_verdict(figure: Figure, met: bool | None) -> None:
    assert figure.met is met


def test_a_missed_aim_is_shown_and_counted() -> None:
    rows = [figures.below("lag", 61.25, "ms", 50), figures.told("waited", 0.01234, "s")]
    lines = figures.lines(rows)
    assert lines[0].startswith("  ▲ lag")
    assert lines[0].endswith("61.25 ms   aim under 50")
    assert lines[1].endswith("0.0123 s")
    assert figures.missed({"a": rows})
    assert not figures.missed({"a": [rows[1]]})


@pytest.mark.parametrize(
    ("value", "text"),
    [(5_000.0, "5000"), (1_234.56, "1234.6"), (12.345, "12.35"), (0.12345, "0.1235"), (math.nan, "none")],
)
def test_numbers_carry_enough_digits(value: float, text: str) -> None:
    assert figures.number(value) == text
