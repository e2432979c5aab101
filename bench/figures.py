"""What a bench says, and the arithmetic behind it: figures, verdicts, percentiles, slopes, the table. Pure."""

import math
import statistics
from collections.abc import Sequence

from msgspec import Struct


class Figure(Struct, frozen=True):
    """One line of the table. `unit` says what one of it is; `met` is None where there is no aim."""

    name: str
    value: float
    unit: str
    aim: str = ""
    met: bool | None = None


class Options(Struct, frozen=True):
    """`scale` is a fraction of the published work; `hours` lengthens the soak. The figures always state the scale."""

    scale: float = 1.0
    hours: float = 0.0

    def of(self, full: float, least: int = 1) -> int:
        """That share of a full number, and never less than a bench can do with."""
        return max(least, round(full * self.scale))


def told(name: str, value: float, unit: str) -> Figure:
    return Figure(name, value, unit)


def below(name: str, value: float, unit: str, most: float) -> Figure:
    return Figure(name, value, unit, f"under {most:g}", value < most)


def at_most(name: str, value: float, unit: str, most: float) -> Figure:
    return Figure(name, value, unit, f"at most {most:g}", value <= most)


def at_least(name: str, value: float, unit: str, least: float) -> Figure:
    return Figure(name, value, unit, f"at least {least:g}", value >= least)


def exactly(name: str, value: float, unit: str, wanted: float) -> Figure:
    return Figure(name, value, unit, f"{wanted:g}", value == wanted)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank: with 40 values, 0.95 is the 38th. NaN of nothing, which no aim is met by."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered), math.ceil(share * len(ordered))) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else math.nan


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Least squares: what y gains for one of x. 0 for fewer than two different x."""
    if len(points) < 2:
        return 0.0
    x_mean = statistics.fmean(x for x, _ in points)
    y_mean = statistics.fmean(y for _, y in points)
    spread = sum((x - x_mean) ** 2 for x, _ in points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / spread if spread else 0.0


def intercept(points: Sequence[tuple[float, float]]) -> float:
    """Where the same line meets x = 0."""
    if not points:
        return math.nan
    return statistics.fmean(y for _, y in points) - slope(points) * statistics.fmean(x for x, _ in points)


def felt(stalls_ms: Sequence[float], tick_ms: float) -> list[float]:
    """Loop lags as work arriving at any moment feels them. A ticker that sleeps through a stall sees it once; whoever came
    during it waited for what was left, so each stall also counts once for each tick it swallowed."""
    lags: list[float] = []
    for stall in stalls_ms:
        left = max(stall, 0.0)
        lags.append(left)
        while (left := left - tick_ms) > 0:
            lags.append(left)
    return lags


def lines(figures: Sequence[Figure]) -> list[str]:
    """The table as people read it."""
    mark = {True: "●", False: "▲", None: " "}
    return [
        f"  {mark[f.met]} {f.name:44} {number(f.value):>11} {f.unit}{f'   aim {f.aim}' if f.aim else ''}"
        for f in figures
    ]


def number(value: float) -> str:
    """Enough digits to compare by, and no more."""
    if math.isnan(value):
        return "none"
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value)}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.4f}"


def missed(results: dict[str, list[Figure]]) -> bool:
    return any(figure.met is False for figures in results.values() for figure in figures)
