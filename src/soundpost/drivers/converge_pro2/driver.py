"""One CONVERGE Pro 2 stack as a conversation: what is asked of it, and what its answers and pushes mean."""

from collections.abc import Mapping, Sequence

from soundpost.device.contract import Outcome, PointReading, Trouble, Unit
from soundpost.drivers.converge_pro2 import assumed, replies
from soundpost.drivers.converge_pro2.agenda import Agenda, unit_question
from soundpost.drivers.converge_pro2.asked import Asked
from soundpost.drivers.converge_pro2.hearing import Hearing
from soundpost.drivers.converge_pro2.points import UNIT_POINTS
from soundpost.drivers.converge_pro2.reading import VERSION, Reader, plinks
from soundpost.drivers.converge_pro2.unit import peripheral_part, unit_of
from soundpost.drivers.converge_pro2.verbs import perform
from soundpost.kernel.clock import Clock
from soundpost.transport.line import Ask, LineLost
from soundpost.transport.talk import Heard, Poll, Settle
from soundpost.wire.dialogue import Request


class Conversation:
    """Implements transport.talk.Talk."""

    __slots__ = ("_clock", "_hearing", "_line", "_reader")

    def __init__(self, clock: Clock, memory: bytes = b"") -> None:
        self._clock = clock
        self._reader = Reader(memory)
        self._hearing = Hearing()
        self._line: Ask | None = None

    is_error = staticmethod(replies.is_error)
    line_end = b"\r"

    def signs_in(self) -> bool:
        return True

    def prompt_first(self) -> bool:
        return assumed.on("no_banner")

    # Asking

    async def identify(self, ask: Ask) -> Unit:
        if ask != self._line:
            self._line = ask
            self._hearing.new_line()
        self._hearing.take(await self._reader.read(ask))
        unit = unit_of(self._hearing.stack)
        unit.memory, unit.recalled = self._reader.memory(self._hearing.stack), self._reader.recalled
        unit.doubtful = self._reader.doubtful
        return unit

    def forget(self) -> None:
        self._reader.forget()

    def polls(self) -> Sequence[Poll]:
        return Agenda(self._hearing.stack.boxes)

    def known(self) -> Heard:
        """Points the device refused while it was read, which peripherals are away, and what can't be asked."""
        heard = Heard(list(self._hearing.registrations()))
        for box in self._hearing.stack.boxes:
            for point in UNIT_POINTS:
                if point.word in box.refused:
                    said = box.refused[point.word]
                    heard.readings.append((box.part, PointReading(point.key, None, said, unsupported=True)))
            heard.presence += [(peripheral_part(row), row.present) for row in box.peripherals]
        return heard

    def heartbeats(self) -> Sequence[Request]:
        """The serial number, as other clients do, where a box tells its name; the version; any end point."""
        boxes = self._hearing.stack.boxes
        named = [box.name for box in boxes if box.name and box.serial][:1]
        point = [address.question for points in self._hearing.points for address, _ in points.polled[:1]][:1]
        return [*(unit_question(name, "SN") for name in named), VERSION, *point]

    # Hearing

    def alive(self, answer: list[str]) -> Heard:
        reply = replies.parse(answer[-1])
        if isinstance(reply, replies.Version):
            return Heard(anew=reply.value != self._hearing.stack.version)
        if isinstance(reply, replies.EpValue):
            return self._hearing.understood(reply, pushed=False)
        if not isinstance(reply, replies.BoxValue):
            return Heard(garbage=answer[-1])
        box = self._hearing.by_name.get(reply.box)
        if box is not None and reply.value == box.serial:
            return Heard()
        if reply.value in {box.serial for box in self._hearing.stack.boxes}:
            return Heard(anew=True)
        raise LineLost(Trouble.NOT_THE_DEVICE, f"another device answers here: its serial number is {reply.value}")

    def answered(self, poll: Poll, answer: list[str]) -> Heard:
        if not poll.key:
            return self._hearing.presence(plinks(answer))
        reply = replies.parse(answer[-1])
        heard = self._hearing.understood(reply, pushed=False)
        understood = heard.readings or heard.anew or isinstance(reply, replies.Gates | replies.Beams)
        heard.garbage = "" if understood else answer[-1]
        return heard

    def heard(self, text: str) -> Heard:
        reply = replies.parse(text)
        self._reader.heard(reply)
        if isinstance(reply, replies.Unknown):
            return Heard(garbage=text)
        return self._hearing.understood(reply, pushed=True)

    # Doing

    async def perform(
        self, ask: Ask, part: str, verb: str, arguments: Mapping[str, object], serials: frozenset[str]
    ) -> Outcome | Settle:
        return await perform(Asked(ask, part, arguments, serials, self._hearing, self._clock), verb)
