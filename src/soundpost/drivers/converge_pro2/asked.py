"""What a verb is carried out on, and the proof every write needs first."""

from collections.abc import Mapping

from msgspec import Struct

from soundpost.device.capability import CommandState
from soundpost.device.contract import Outcome, PointReading
from soundpost.drivers.converge_pro2 import replies, words
from soundpost.drivers.converge_pro2.hearing import Hearing
from soundpost.drivers.converge_pro2.reading import BoxRead
from soundpost.kernel.clock import Clock
from soundpost.transport.line import Ask, ErrorAnswer, LineLost, Silence
from soundpost.wire.dialogue import Request, reading


class Asked(Struct, frozen=True):
    """The line, the part named, the arguments and the serials one of which must answer here."""

    ask: Ask
    part: str
    arguments: Mapping[str, object]
    serials: frozenset[str]
    hearing: Hearing
    clock: Clock

    @property
    def box(self) -> BoxRead | None:
        """None: the stack or a peripheral."""
        return self.hearing.boxes.get(self.part)

    async def proved(self) -> Outcome | None:
        """None when one of the serials asked for answers here, right now; a provisional device has none to prove."""
        if not self.serials:
            return None
        box = self.box if self.box and self.box.name else next(iter(self.hearing.by_name.values()), None)
        if box is None:
            return Outcome(CommandState.FAILED, "another_device", "The device here tells no serial number any more.")
        try:
            reply = replies.parse((await self.ask(reading(words.unit(box.name, "SN"))))[-1])
        except ErrorAnswer as error:
            said = f"Another device answers here: it knows no {box.name} ({error.text})."
            return Outcome(CommandState.FAILED, "another_device", said)
        serial = reply.value if isinstance(reply, replies.BoxValue) else ""
        own = not (self.box and self.box.serial) or serial == self.box.serial
        if serial in self.serials and own:
            return None
        said = f"Another device answers here: its serial number is {serial or 'not told'}."
        return Outcome(CommandState.FAILED, "another_device", said)

    async def order(self, request: Request, assumed: bool = False) -> Outcome:
        """Sends an order whose answer is only that it was taken. An error is a refusal in the device's own words; without
        an answer nobody knows."""
        try:
            answer = await self.ask(request)
        except ErrorAnswer as error:
            return Outcome(CommandState.FAILED, "error_answer", error.text, assumed=assumed)
        except (Silence, LineLost) as lost:
            return unconfirmed(lost, assumed)
        readings = self.readings(answer[-1])
        return Outcome(CommandState.DONE, readings=readings, assumed=assumed)

    def readings(self, line: str) -> tuple[PointReading, ...]:
        """What an answer says of this part."""
        heard = self.hearing.understood(replies.parse(line), pushed=False)
        return tuple(reading for part, reading in heard.readings if part == self.part)

    async def now(self, request: Request) -> tuple[PointReading, ...]:
        """What is true after an order, as far as one question tells; nothing when it can't be asked."""
        try:
            return self.readings((await self.ask(request))[-1])
        except (ErrorAnswer, Silence, LineLost):
            return ()


def unconfirmed(lost: Silence | LineLost, assumed: bool = False) -> Outcome:
    said = f"It was sent, but nothing confirms it: {lost.text}."
    return Outcome(CommandState.UNCERTAIN, lost.code, said, assumed=assumed)


def refused(code: str, text: str) -> Outcome:
    return Outcome(CommandState.REFUSED, code, text)


def unsupported(text: str) -> Outcome:
    return Outcome(CommandState.UNSUPPORTED, "unsupported", text)
