"""What is polled of one unit, when, and how far it got."""

from collections.abc import Mapping

from soundpost.device.contract import Periods
from soundpost.device.model import Group
from soundpost.transport.schedule import FIRST_ROUND_S, Schedule
from soundpost.transport.talk import Poll

SLOW_SHARE = 0.2
SLOW_EACH_S = 0.2
"""Settings are read for the first time within a fifth of their period, at most five a second: a screen can wait for an
equalizer longer than for a level, and a device that has just started has better things to do."""


class Round:
    """The polls of one unit: their schedule, which were ever read, and which groups were covered."""

    def __init__(self, polls: list[Poll], periods: Periods, phase: float, now: float) -> None:
        self.polls = polls
        self.read: set[int] = set()
        slow = slow_round(sum(poll.group == Group.SETTINGS for poll in polls), periods.settings)
        every = [periods.of(poll.group) for poll in polls]
        firsts = [
            slow if poll.group == Group.SETTINGS else min(periods.of(poll.group), FIRST_ROUND_S) for poll in polls
        ]
        self._schedule = Schedule(every, phase, now, firsts)
        self._groups: dict[tuple[str, str], set[int]] = {}
        self._missing: dict[tuple[str, str], set[int]] = {}
        self._absent: set[int] = set()
        for index, poll in enumerate(polls):
            self._groups.setdefault((poll.part, poll.group), set()).add(index)

    def again(self, now: float) -> None:
        self._schedule.all_due(now)
        self._absent.clear()
        self._missing.clear()

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
        (self._absent.discard if period is None else self._absent.add)(index)

    def covered(self, index: int) -> tuple[str, str] | None:
        """The part and group this answer completed."""
        name = (self.polls[index].part, self.polls[index].group)
        missing = self._missing.get(name)
        if missing is None:
            missing = self._missing[name] = set(self._groups[name])
        missing.discard(index)
        if missing - self._absent:
            return None
        self._missing[name] = self._groups[name] - self._absent
        return name


def slow_round(count: int, period: float) -> float:
    return min(period, max(period * SLOW_SHARE, count * SLOW_EACH_S))
