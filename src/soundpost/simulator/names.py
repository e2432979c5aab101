"""Channel names to end points and back. The tables are shared by all boxes of one name and model: 5,000 stacks, few tables."""

from collections.abc import Mapping
from functools import lru_cache

from soundpost.simulator.models import NAMED, channel_name

Point = tuple[str, int]


@lru_cache(maxsize=4_096)
def _default_names(box: str, counts: tuple[tuple[str, int], ...]) -> dict[str, Point]:
    """`{"Mic_Name_1_01": ("MIC", 1)}`: the channel on its box, not the end point number."""
    return {channel_name(ept, box, channel): (ept, channel) for ept, count in counts for channel in range(1, count + 1)}


def shape(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """The key of a box's table: which kinds it has, and how many."""
    return tuple((ept, counts[ept]) for ept in NAMED if counts.get(ept))


def default_point(name: str, box: str, number: int, counts: tuple[tuple[str, int], ...]) -> Point | None:
    """The end point a box gives that name to when nobody renamed it."""
    found = _default_names(box, counts).get(name)
    return None if found is None else (found[0], number * 100 + found[1])


def given_points(channel_names: Mapping[str, str]) -> dict[str, Point]:
    """`{"Mic1": ("MIC", 101)}` of `{"MIC 101": "Mic1"}`."""
    points: dict[str, Point] = {}
    for end_point, name in channel_names.items():
        ept, _, epn = end_point.partition(" ")
        points[name] = (ept, int(epn))
    return points
