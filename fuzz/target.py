"""What is fuzzed: a device's bytes, from the first prompt to the value of a point, without a socket or a clock.

The first byte chooses how the rest is cut into segments; the rest is what the device says. A SUB (0x1a) that ends a segment
lets the time of the request in flight run out. Raises on anything a device must not be able to do to us.
"""

import math
from collections.abc import Iterator

from soundpost.device.contract import PointReading, Unit
from soundpost.device.model import Descriptor
from soundpost.drivers.bma360d import driver as array
from soundpost.drivers.converge_pro2 import replies
from soundpost.drivers.converge_pro2.driver import Conversation
from soundpost.drivers.converge_pro2.reading import BoxRead, StackRead, plinks
from soundpost.drivers.converge_pro2.unit import unit_of
from soundpost.kernel.clock import SystemClock
from soundpost.transport.line import LineLost
from soundpost.transport.talk import Heard, Poll, Talk
from soundpost.wire import tape
from soundpost.wire.dialogue import MOST_OWED, Dialogue, Fate, SignIn, SignInState
from soundpost.wire.lines import MAX_LINE, Item, Line, Lines

SECRET = "s3cr3t-passw0rd"  # noqa: S105
EXPIRES = 0x1A
KINDS = {bool: "bool", int: "number", float: "number", str: "string"}


def stack() -> StackRead:
    """One box with an end point of every type, a ceiling array, and a second box that tells little."""
    rows = ["BOX Name_1 PLINK 1 BMA360 Ceiling 9000-2401-40 2.0 1", "BOX Name_1 PLINK 2 BMA2 Table 9000-2401-41 2.0 1"]
    one = BoxRead(1, "Name_1", "1234-2334-40", {"FW": "7.0.0.1"}, {}, [], list(plinks(rows)))
    kinds = [kind for kind in replies.EndPoint if kind not in ("DANTE", "GPIO", "UNKNOWN")]
    one.end_points = [(kind.value, channel) for kind in kinds for channel in (1, 2)]
    two = BoxRead(2, "", "", {}, {}, [("MIC", 1)], [])
    two.refused = dict.fromkeys(("MODEL", "PART", "FW", "MAC", "IP", "LOCATE", "TEMP", "UPTIME", "CPU"), "no name")
    return StackRead("7.0.0.1", "Stack", True, [one, two])


def of_stack() -> tuple[Talk, Unit]:
    talk = Conversation(SystemClock())
    talk._hearing.take(stack())
    return talk, unit_of(talk._hearing.stack)


def of_array() -> tuple[Talk, Unit]:
    """A BMA 360D, already identified."""
    mac = "00:90:79:00:00:01"
    talk = array.Conversation()
    talk._mac = mac
    return talk, array.unit(mac)


SUBJECTS = {"converge_pro2": of_stack, "bma360d": of_array}


class Fuzzed:
    """A session as transport.session has it, made of its pure parts."""

    def __init__(self, family: str) -> None:
        self.talk, unit = SUBJECTS[family]()
        self.points: dict[tuple[str, str], Descriptor] = {
            (part.part, point.key): point for part in unit.parts for point in part.points
        }
        self.polls = list(self.talk.polls())
        self.beats = self.talk.heartbeats()
        self.dialogue = Dialogue(self.talk.is_error)
        self.sign_in: SignIn | None = SignIn("clearone", SECRET) if self.talk.signs_in() else None
        self.answer: list[str] = []
        self.poll: Poll | None = None
        self.at = 0
        if self.sign_in is None:
            self.ask()

    def take(self, items: list[Item]) -> None:
        if self.sign_in is not None:
            if self.sign_in.take(items) is SignInState.IN:
                self.sign_in = None
                self.ask()
            return
        for item in items:
            if isinstance(item, Line):
                self.line(item)

    def ask(self) -> None:
        """Every poll in turn, each third question a heartbeat."""
        self.at += 1
        self.answer = []
        self.poll = None if self.at % 3 == 0 else self.polls[self.at * 7 % len(self.polls)]
        request = self.poll.request if self.poll else self.beats[self.at // 3 % len(self.beats)]
        self.dialogue.begin(request)

    def line(self, line: Line) -> None:
        match self.dialogue.take(line):
            case Fate.REPLY:
                self.answer.append(line.text)
                self.answered()
                self.ask()
            case Fate.MORE:
                self.answer.append(line.text)
            case Fate.ERROR:
                self.ask()
            case Fate.PUSH | Fate.LATE:
                self.told(self.talk.heard(line.text), pushed=True)

    def answered(self) -> None:
        try:
            heard = self.talk.answered(self.poll, self.answer) if self.poll else self.talk.alive(self.answer)
        except LineLost:
            return  # another serial: the session ends the line
        self.told(heard, pushed=False)

    def expire(self) -> None:
        if self.sign_in is None:
            self.dialogue.expire()
            self.ask()

    def told(self, heard: Heard, pushed: bool) -> None:
        for part, reading in heard.readings:
            self.check(part, reading)
            assert reading.pushed == pushed, reading
        assert heard.garbage.isprintable() or "\t" in heard.garbage, heard.garbage

    def check(self, part: str, reading: PointReading) -> None:
        point = self.points[part, reading.key]
        value = reading.value
        assert KINDS[type(value)] == point.type, (reading, point)
        assert not isinstance(value, float) or math.isfinite(value), reading
        assert not isinstance(value, str) or value.isprintable(), reading


def segments(data: bytes, step: int) -> Iterator[bytes]:
    return (data[at : at + step] for at in range(0, len(data), step))


def once(data: bytes, family: str = "converge_pro2") -> None:
    step, stream = (data[0] or 1, data[1:]) if data else (1, b"")
    session, lines, kept = Fuzzed(family), Lines(), tape.Tape(0.0)
    kept.hide(SECRET)
    items: list[Item] = []
    for segment in segments(stream, step):
        kept.add(0.0, tape.Way.FROM, segment)
        found = lines.feed(segment)
        items += found
        assert len(lines._tail) <= MAX_LINE
        session.take(found)
        if segment[-1] == EXPIRES:
            session.expire()
        assert len(session.dialogue._owed) <= MOST_OWED
    assert items == Lines().feed(stream), "what is read depends on how it was cut"
    written = tape.text(kept.entries())
    assert SECRET.encode() not in written
    assert tape.parse(written) == kept.entries()
