"""What a line tells its sink: readings, and troubles counted in a row until they are over."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from soundpost.device.contract import PointReading, Sink, Trouble
from soundpost.device.model import Descriptor, Group, PointType
from soundpost.transport.line import LineLost
from soundpost.transport.talk import Heard, Poll

SILENT_LIMIT = 15
"""Unanswered requests in a row after which the connection itself is doubted (devices.md 1.4)."""
SHOWN_MOST = 120
STACK = "stack"
GARBAGE = Descriptor(
    "line.garbage", PointType.NUMBER, "Lines not understood since the agent started", "", Group.SETTINGS
)
"""A figure and no status: unknown words, unreadable answers, errors that answer nothing, over-long lines and broken options. A session
that gets them is alive, and what it reads besides is true."""
Failing = dict[str, set[str]]
"""By part, the keys of the points that answer an error; of the line itself "heartbeat"."""


class Teller:
    """`anew` is called when everything must be read again. `silent`: requests in a row that were not answered. `garbled`: lines so far
    that could not be understood, over all connections."""

    __slots__ = ("_anew", "_hurry", "_sink", "_troubles", "failing", "garbled", "silent")

    def __init__(self, sink: Sink, anew: Callable[[], None]) -> None:
        self._sink, self._anew = sink, anew
        self._troubles: dict[tuple[Trouble, str], int] = {}
        self.failing: Failing = {}
        self._hurry = False
        self.silent = self.garbled = 0

    def begin(self) -> None:
        """A line is up, and nothing that was wrong with the one before counts any more."""
        self._troubles.clear()
        self.failing = {}

    def tell(self, heard: Heard) -> None:
        for part, reading in heard.readings:
            self._sink.readings(part, (reading,))
        for part, present in heard.presence:
            self._sink.presence(part, present)
        if heard.garbage:
            self.garbage(heard.garbage)
        if heard.anew:
            self._anew()

    def error(self, poll: Poll, words: str, unsupported: bool = False) -> None:
        """In place of what that poll would have told."""
        if poll.key:
            told = [PointReading(key, None, words, unsupported) for key in (poll.key, *poll.also)]
            self._sink.readings(poll.part, told)

    def trouble(self, trouble: Trouble, text: str, part: str = "") -> None:
        failures = self._troubles.get((trouble, part), 0) + 1
        self._troubles[trouble, part] = failures
        self._sink.trouble(trouble, text, failures, part)

    # Garbage

    def garbage(self, _words: str) -> None:
        """Counted now and told with the next heartbeat, since a broken line can bring thousands a second; which they were is on the
        line's transcript."""
        self.garbled += 1

    def count(self) -> None:
        self._sink.readings(STACK, (PointReading(GARBAGE.key, self.garbled),))
        self._sink.covered(STACK, GARBAGE.group)

    def beat(self, heard: Heard) -> None:
        """A heartbeat's answer. One that can't be read is the line's trouble until the next that can: then nothing is sure to be."""
        self.tell(heard)
        if heard.garbage:
            self.trouble(Trouble.GARBAGE, f"an answer could not be read: {shown(heard.garbage)}")
        elif self._troubles.pop((Trouble.GARBAGE, ""), None):
            self._sink.recovered()
        self.count()

    def started(self) -> None:
        """It was starting, and is not any more."""
        self._troubles.pop((Trouble.STARTING, ""), None)
        self._sink.recovered()

    # Silence

    def unheard(self, text: str) -> None:
        self.silent += 1
        self.trouble(Trouble.SILENT, text)
        if self.silent >= SILENT_LIMIT:
            raise LineLost(Trouble.SILENT, f"{self.silent} requests in a row were not answered")

    def late(self) -> None:
        """It lives but is too slow: no longer counted towards lost, not recovered either."""
        if self.silent:
            self.silent = 1
            self._troubles[Trouble.SILENT, ""] = 1

    def broke_silence(self) -> None:
        if self.silent:
            self.silent = 0
            self._troubles.pop((Trouble.SILENT, ""), None)
            self._sink.recovered()

    # Error answers

    def fails(self, part: str, key: str, words: str) -> None:
        self.failing.setdefault(part, set()).add(key)
        self._hurry = True
        self.trouble(Trouble.ERROR_ANSWER, words, part)

    def works(self, part: str, key: str) -> bool:
        """True: others of the line still fail, and had better be asked at once. One works again, so may they, and waiting a whole
        period to find out helps nobody."""
        failing = self.failing.get(part)
        if not failing or key not in failing:
            return False
        failing.discard(key)
        if not failing:
            self._troubles.pop((Trouble.ERROR_ANSWER, part), None)
            self._sink.recovered(part)
            return False
        hurry, self._hurry = self._hurry, False
        return hurry


@lru_cache(64)
def counted(points: tuple[Descriptor, ...]) -> tuple[Descriptor, ...]:
    """A stack's points, and the line's own figure. The same tuple for all stacks of one kind."""
    return (*points, GARBAGE)


def failing(polls: Sequence[Poll], keys: Failing) -> set[int]:
    """Which polls ask for these."""
    return {index for index, poll in enumerate(polls) if poll.key in keys.get(poll.part, ())}


def shown(text: str) -> str:
    """A device's own words, as much of them as a sentence can hold."""
    return repr(text if len(text) <= SHOWN_MOST else f"{text[:SHOWN_MOST]}…")
