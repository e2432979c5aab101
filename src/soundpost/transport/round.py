"""What is polled of one unit, when, and how far it got."""

from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache

from msgspec import Struct

from soundpost.device.contract import Periods
from soundpost.device.model import Group
from soundpost.transport.schedule import FIRST_ROUND_S, Order, Pace, Schedule, order
from soundpost.transport.talk import Outline, Outlined, Poll

SLOW_SHARE = 0.2
SLOW_EACH_S = 0.2
"""Settings are read for the first time within a fifth of their period, at most five a second: a screen can wait for an
equalizer longer than for a level, and a device that has just started has better things to do."""

READ, SEEN, ABSENT = 1, 2, 4
"""Ever read; read since its group was last covered; the device does not have it. A thousand lines have a thousand polls
each, so what is known of one is a byte."""
OPEN = SEEN | ABSENT
ANEW = bytes(state & ~OPEN for state in range(256))

SHAPES = 1024
"""Of some thousand stacks of up to three boxes of nine models."""


class Plan(Struct, frozen=True):
    """What is the same for all units of one shape: which group of which part each poll is of, and their order in time.
    `names`: (which part, group) by number; `group[i]`: the number poll i has; `members`: the polls of each."""

    names: tuple[tuple[int, str], ...]
    group: "array[int]"
    members: "tuple[array[int], ...]"
    counts: "array[int]"
    order: Order


@lru_cache(SHAPES)
def plan(names: tuple[tuple[int, str], ...], group: bytes, periods: Periods) -> Plan:
    """`group` as in an Outline: such can be looked up."""
    places = array("H", group)
    members = tuple(array("H") for _ in names)
    for index, place in enumerate(places):
        members[place].append(index)
    kinds = list(dict.fromkeys(name for _, name in names))
    counts = dict.fromkeys(kinds, 0)
    for (_, kind), those in zip(names, members, strict=True):
        counts[kind] += len(those)
    paces = tuple(pace_of(kind, counts[kind], periods) for kind in kinds)
    kind_of = [kinds.index(kind) for _, kind in names]
    made = order(bytes(map(kind_of.__getitem__, places)), paces)
    return Plan(names, places, members, array("H", map(len, members)), made)


def outline(polls: Sequence[Poll]) -> Outline:
    parts: dict[str, int] = {}
    names: dict[tuple[int, str], int] = {}
    group = array(
        "H", (names.setdefault((parts.setdefault(poll.part, len(parts)), poll.group), len(names)) for poll in polls)
    )
    return Outline(tuple(parts), tuple(names), group.tobytes())


def pace_of(group: str, count: int, periods: Periods) -> Pace:
    """Of `count` polls of a group. Status is not spread wider for a crowd: its period is short already."""
    period = periods.of(group)
    alone = slow_round(count, period) if group == Group.SETTINGS else FIRST_ROUND_S
    return Pace(period, min(period, alone * periods.crowd))


class Round:
    """The polls of one unit: their schedule, which were ever read, and which groups were covered."""

    __slots__ = ("_missing", "_parts", "_plan", "_schedule", "_state", "polls")

    def __init__(self, polls: Sequence[Poll], periods: Periods, phase: float, now: float) -> None:
        self.polls = polls
        drawn = polls.outline() if isinstance(polls, Outlined) else outline(polls)
        self._parts = drawn.parts
        self._plan = plan(drawn.names, drawn.group, periods)
        self._schedule = Schedule.shaped(self._plan.order, phase, now)
        self._state = bytearray(len(polls))
        self._missing = self._plan.counts[:]

    def again(self, now: float) -> None:
        self._schedule.all_due(now)
        self._state = self._state.translate(ANEW)
        self._missing = self._plan.counts[:]

    def next_due(self) -> float:
        return self._schedule.next_due()

    def take(self, now: float) -> int:
        return self._schedule.take(now)

    def soon(self, indexes: Iterable[int], now: float) -> None:
        """Reads these again at that time."""
        self._schedule.due(indexes, now)

    def hasten(self, indexes: Iterable[int], now: float, apart: float) -> None:
        self._schedule.hasten(indexes, now, apart)

    def done(self, index: int, now: float, period: float | None) -> None:
        """A period of its own means the device does not have it: its group is covered without it."""
        self._schedule.done(index, now, period)
        self._mark(index, ABSENT, period is not None)

    def read(self, index: int) -> None:
        self._mark(index, READ, True)

    def was_read(self, index: int) -> bool:
        return bool(self._state[index] & READ)

    def covered(self, index: int) -> tuple[str, str] | None:
        """The part and group this answer completed."""
        self._mark(index, SEEN, True)
        place = self._plan.group[index]
        if self._missing[place]:
            return None
        for other in self._plan.members[place]:
            self._mark(other, SEEN, False)
        part, group = self._plan.names[place]
        return self._parts[part], group

    def _mark(self, index: int, bits: int, on: bool) -> None:
        before = self._state[index]
        after = self._state[index] = before | bits if on else before & ~bits
        self._missing[self._plan.group[index]] += (not after & OPEN) - (not before & OPEN)


def slow_round(count: int, period: float) -> float:
    return min(period, max(period * SLOW_SHARE, count * SLOW_EACH_S))
