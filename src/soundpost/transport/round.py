"""What is polled of one unit, when, and how far it got."""

from array import array
from collections.abc import Mapping

from soundpost.device.contract import Periods
from soundpost.device.model import Group
from soundpost.transport.schedule import FIRST_ROUND_S, Schedule
from soundpost.transport.talk import Poll

SLOW_SHARE = 0.2
SLOW_EACH_S = 0.2
"""Settings are read for the first time within a fifth of their period, at most five a second: a screen can wait for an
equalizer longer than for a level, and a device that has just started has better things to do."""

READ, SEEN, ABSENT = 1, 2, 4
"""Ever read; read since its group was last covered; the device does not have it. A thousand lines have a thousand polls
each, so what is known of one is a byte."""
OPEN = SEEN | ABSENT


class Round:
    """The polls of one unit: their schedule, which were ever read, and which groups were covered."""

    def __init__(self, polls: list[Poll], periods: Periods, phase: float, now: float) -> None:
        self.polls = polls
        every = [periods.of(poll.group) for poll in polls]
        slow = slow_round(sum(poll.group == Group.SETTINGS for poll in polls), periods.settings)
        firsts = [
            slow if poll.group == Group.SETTINGS else min(periods.of(poll.group), FIRST_ROUND_S) for poll in polls
        ]
        self._schedule = Schedule(every, phase, now, firsts)
        names = dict.fromkeys((poll.part, poll.group) for poll in polls)
        self._names = list(names)
        places = {name: place for place, name in enumerate(self._names)}
        self._group = array("H", (places[poll.part, poll.group] for poll in polls))
        self._state = bytearray(len(polls))
        self._missing = [0] * len(self._names)
        for place in self._group:
            self._missing[place] += 1

    def again(self, now: float) -> None:
        self._schedule.all_due(now)
        for index in range(len(self.polls)):
            self._mark(index, OPEN, False)

    def next_due(self) -> float:
        return self._schedule.next_due()

    def take(self, now: float) -> int:
        return self._schedule.take(now)

    def soon(self, failing: Mapping[str, set[str]], now: float) -> None:
        """Reads the named points of the named parts again at once."""
        self._schedule.due({i for i, poll in enumerate(self.polls) if poll.key in failing.get(poll.part, ())}, now)

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
        place = self._group[index]
        if self._missing[place]:
            return None
        for other, group in enumerate(self._group):
            if group == place:
                self._mark(other, SEEN, False)
        return self._names[place]

    def _mark(self, index: int, bits: int, on: bool) -> None:
        before = self._state[index]
        after = self._state[index] = before | bits if on else before & ~bits
        self._missing[self._group[index]] += (not after & OPEN) - (not before & OPEN)


def slow_round(count: int, period: float) -> float:
    return min(period, max(period * SLOW_SHARE, count * SLOW_EACH_S))
