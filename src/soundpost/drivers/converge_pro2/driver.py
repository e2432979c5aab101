"""One CONVERGE Pro 2 stack as a conversation: its parts, its polls, its pushes and its few verbs."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from soundpost.device.capability import CommandState
from soundpost.device.contract import Outcome, Part, PointReading, Trouble, Unit
from soundpost.device.model import Group, Kind, Support, Value
from soundpost.drivers.converge_pro2 import assumed, replies, words
from soundpost.drivers.converge_pro2.points import (
    LEVEL_POINTS,
    STACK_FIRMWARE,
    UNIT_BY_WORD,
    UNIT_POINTS,
    LevelAddress,
    same,
    unfit,
    unit_descriptor,
)
from soundpost.drivers.converge_pro2.reading import VERSION, BoxRead, Reader, StackRead, plinks
from soundpost.kernel.clock import Clock
from soundpost.transport.line import Ask, ErrorAnswer, LineLost, Silence
from soundpost.transport.talk import Heard, Poll, Settle
from soundpost.wire.dialogue import Request, reading, writing

STACK = "stack"
REBOOT_WITHIN_S = 225.0
UPTIME_SLACK_S = 2.0
"""The device counts whole seconds."""

KINDS = {
    replies.Plink.BMA2: Kind.MICROPHONE,
    replies.Plink.BMACT: Kind.MICROPHONE,
    replies.Plink.BMA360: Kind.MICROPHONE,
    replies.Plink.DIALOG20: Kind.MICROPHONE,
    replies.Plink.USB_EXP: Kind.EXPANDER,
    replies.Plink.GPIO_EXP: Kind.EXPANDER,
    replies.Plink.BT_EXP: Kind.EXPANDER,
}


class Asked(Struct, frozen=True):
    """What a verb is carried out on: the line, the part named, its box (None: the stack or a peripheral), the proof."""

    ask: Ask
    part: str
    box: BoxRead | None
    arguments: Mapping[str, object]
    serials: frozenset[str]


class Conversation:
    """Implements transport.talk.Talk."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reader = Reader()
        self._stack = StackRead("")
        self._boxes: dict[str, BoxRead] = {}
        self._by_name: dict[str, BoxRead] = {}
        self._levels: dict[tuple[str, int, str], tuple[str, str]] = {}
        self._addresses: dict[tuple[str, str], LevelAddress] = {}
        self._peripherals: dict[tuple[str, int], tuple[str, str]] = {}

    is_error = staticmethod(replies.is_error)

    def prompt_first(self) -> bool:
        return assumed.on("no_banner")

    # Reading

    async def identify(self, ask: Ask) -> Unit:
        stack = await self._reader.read(ask)
        self._stack = stack
        self._boxes = {box.part: box for box in stack.boxes}
        self._by_name = {box.name: box for box in stack.boxes if box.name}
        self._addresses = {(box.part, address.key): address for box in stack.boxes for address in level_addresses(box)}
        self._levels = {(a.type, a.number, a.parameter): (part, a.key) for (part, _), a in self._addresses.items()}
        self._peripherals = {
            (box.name, row.position): (peripheral_part(row), row.serial)
            for box in stack.boxes
            for row in box.peripherals
        }
        return unit_of(stack)

    def polls(self) -> Sequence[Poll]:
        polls = [Poll(VERSION, STACK, Group.FACTS, STACK_FIRMWARE.key)]
        for box in self._stack.boxes:
            polls += [
                Poll(reading(words.unit(box.name, point.word)), box.part, point.group, point.key)
                for point in UNIT_POINTS
                if point.word not in box.refused
            ]
            if box.name and "PLINK" not in box.refused:
                request = reading(words.plink_list(box.name), end=words.plink_end(box.name))
                polls.append(Poll(request, box.part, Group.STATUS))
        polls += [
            Poll(reading(address.question), part, Group.LEVELS, key) for (part, key), address in self._addresses.items()
        ]
        return polls

    def known(self) -> Heard:
        """Points the device refused while it was read, and which peripherals are away."""
        heard = Heard()
        for box in self._stack.boxes:
            for point in UNIT_POINTS:
                if point.word in box.refused:
                    said = box.refused[point.word]
                    heard.readings.append((box.part, PointReading(point.key, None, said, unsupported=True)))
            heard.presence += [(peripheral_part(row), row.present) for row in box.peripherals]
        return heard

    def heartbeats(self) -> Sequence[Request]:
        """The serial number, as other clients do, where a box tells its name; the version; any end point."""
        named = [box.name for box in self._stack.boxes if box.name and box.serial][:1]
        point = [address.question for address in self._addresses.values()][:1]
        return [*(reading(words.unit(name, "SN")) for name in named), VERSION, *map(reading, point)]

    def alive(self, answer: list[str]) -> Heard:
        reply = replies.parse(answer[-1])
        if isinstance(reply, replies.Version):
            return Heard(anew=reply.value != self._stack.version)
        if isinstance(reply, replies.EpValue):
            return self._understood(reply, pushed=False)
        if not isinstance(reply, replies.BoxValue):
            return Heard(garbage=True)
        box = self._by_name.get(reply.box)
        if box is not None and reply.value == box.serial:
            return Heard()
        if reply.value in {box.serial for box in self._stack.boxes}:
            return Heard(anew=True)
        raise LineLost(Trouble.NOT_THE_DEVICE, f"another device answers here: its serial number is {reply.value}")

    def answered(self, poll: Poll, answer: list[str]) -> Heard:
        if not poll.key:
            return self._presence(plinks(answer))
        heard = self._understood(replies.parse(answer[-1]), pushed=False)
        heard.garbage = not heard.readings and not heard.anew
        return heard

    def heard(self, text: str) -> Heard:
        reply = replies.parse(text)
        self._reader.heard(reply)
        return self._understood(reply, pushed=True)

    def _understood(self, reply: replies.Reply, pushed: bool) -> Heard:
        match reply:
            case replies.EpValue(type=kind, number=number, block="LEVEL", parameter=parameter, value=value):
                return self._level(kind.value, number, parameter, value, pushed)
            case replies.BoxValue(box=name, word=word, value=value):
                return self._box_value(name, word, value, pushed)
            case replies.BoxPlink():
                return self._presence((reply,))
            case replies.StackNotification(kind=replies.Notice.HW_RESYNC):
                return Heard(anew=True)
            case replies.Version(value=value):
                read = PointReading(STACK_FIRMWARE.key, value, pushed=pushed)
                return Heard([(STACK, read)] if value else [], anew=value != self._stack.version)
        return Heard()

    def _level(self, kind: str, number: int, parameter: str, value: str, pushed: bool) -> Heard:
        where = self._levels.get((kind, number, parameter))
        read = LEVEL_POINTS[parameter].read(value) if where else None
        if where is None or read is None:
            return Heard()
        return Heard([(where[0], PointReading(where[1], read, pushed=pushed))])

    def _box_value(self, name: str, word: str, value: str, pushed: bool) -> Heard:
        box, point = self._by_name.get(name), UNIT_BY_WORD.get(word)
        read = point.read(value) if point else None
        if box is None or point is None or read is None:
            return Heard()
        changed = word == "FW" and value != box.facts.get("FW")
        return Heard([(box.part, PointReading(point.key, read, pushed=pushed))], anew=changed)

    def _presence(self, rows: Iterable[replies.BoxPlink]) -> Heard:
        """A peripheral never seen before, or another one in its place, means the unit is to be read anew."""
        heard = Heard()
        for row in rows:
            part, serial = self._peripherals.get((row.box, row.position), ("", ""))
            if serial != row.serial:
                heard.anew = True
            else:
                heard.presence.append((part, row.present))
        return heard

    # Verbs

    async def perform(
        self, ask: Ask, part: str, verb: str, arguments: Mapping[str, object], serials: frozenset[str]
    ) -> Outcome | Settle:
        run = self._verbs().get(verb)
        if run is None:
            return _unsupported(f"This device has no function {verb}.")
        return await run(Asked(ask, part, self._boxes.get(part), arguments, serials))

    def _verbs(self) -> dict[str, Callable[[Asked], Awaitable[Outcome | Settle]]]:
        return {"control": self._control, "locate": self._locate, "reboot": self._reboot}

    async def _control(self, asked: Asked) -> Outcome:
        key = asked.arguments.get("key")
        value = asked.arguments.get("value")
        address = self._addresses.get((asked.part, str(key)))
        if address is None:
            return self._no_such_point(asked, key)
        if problem := unfit(address.descriptor(), value):
            return _refused(*problem)
        assert isinstance(value, bool | int | float)
        if wrong := await self._proved(asked):
            return wrong
        return await self._write(asked.ask, address, value)

    def _no_such_point(self, asked: Asked, key: object) -> Outcome:
        if asked.box is not None and any(point.key == key for point in UNIT_POINTS):
            return _refused("not_writable", f"{key} can only be read.")
        return _refused("unknown_point", f"This device has no point {key}.")

    async def _write(self, ask: Ask, address: LevelAddress, value: Value) -> Outcome:
        """Done when the device repeats the value; a reply that says otherwise is settled by asking once."""
        try:
            answer = await ask(writing(address.order(value)))
        except ErrorAnswer as error:
            return Outcome(CommandState.FAILED, "error_answer", error.text)
        except (Silence, LineLost) as lost:
            return await self._written_in_silence(ask, address, value, lost)
        read = value_of(answer, address)
        if not same(read, value):
            read = value_of(await ask(reading(address.question)), address)
        return _written(address, value, read)

    async def _written_in_silence(
        self, ask: Ask, address: LevelAddress, value: Value, lost: Silence | LineLost
    ) -> Outcome:
        """The order may have arrived: reading back tells, as long as the line still does."""
        unknown = Outcome(CommandState.UNCERTAIN, lost.code, f"It was sent, but nothing confirms it: {lost.text}.")
        if isinstance(lost, LineLost):
            return unknown
        try:
            return _written(address, value, value_of(await ask(reading(address.question)), address))
        except (Silence, LineLost, ErrorAnswer):
            return unknown

    async def _locate(self, asked: Asked) -> Outcome:
        on = asked.arguments.get("on", asked.arguments.get("value", True))
        if not isinstance(on, bool):
            return _refused("wrong_type", "Locate takes on: true or false.")
        if asked.box is None or "LOCATE" in asked.box.refused:
            said = asked.box.refused["LOCATE"] if asked.box else "only boxes have a locate light"
            return _unsupported(f"This device can't switch a locate light: {said}.")
        if wrong := await self._proved(asked):
            return wrong
        try:
            answer = await asked.ask(writing(words.unit(asked.box.name, "LOCATE", str(int(on)))))
        except ErrorAnswer as error:
            return Outcome(CommandState.UNSUPPORTED, "unsupported", error.text, assumed=True)
        except (Silence, LineLost) as lost:
            said = f"It was sent, but nothing confirms it: {lost.text}."
            return Outcome(CommandState.UNCERTAIN, lost.code, said, assumed=True)
        readings = tuple(reading for _, reading in self._understood(replies.parse(answer[-1]), pushed=False).readings)
        return Outcome(CommandState.DONE, readings=readings, assumed=True)

    async def _reboot(self, asked: Asked) -> Outcome | Settle:
        if asked.box is None or not asked.box.name:
            return _unsupported("Only a box that tells its name can be restarted.")
        if asked.arguments.get("confirm_assumed") is not True:
            return _refused(
                "assumed_not_confirmed",
                "How this device is restarted is assumed and not proven on hardware; confirm that to go on.",
            )
        if wrong := await self._proved(asked):
            return wrong
        box, before = asked.box, await self._uptime(asked.ask, asked.box)
        sent_at = self._clock.monotonic()
        try:
            await asked.ask(Request(words.reset(box.name), ("RESET",)))
        except ErrorAnswer as error:
            return Outcome(CommandState.UNSUPPORTED, "unsupported", error.text, assumed=True)
        except (Silence, LineLost):
            pass  # what a restart looks like
        return Settle(REBOOT_WITHIN_S, lambda ask: self._restarted(ask, box, before, sent_at), UNPROVED)

    async def _restarted(self, ask: Ask, box: BoxRead, before: float | None, sent_at: float) -> Outcome:
        """A restart is proved by an uptime that began anew, and by nothing else."""
        now = await self._uptime(ask, box)
        elapsed = self._clock.monotonic() - sent_at
        if now is None or before is None:
            return UNPROVED
        if now < before or now < before + elapsed - UPTIME_SLACK_S:
            read = PointReading("unit.uptime", now)
            return Outcome(CommandState.DONE, text="The device restarted.", readings=(read,), assumed=True)
        return UNPROVED

    async def _uptime(self, ask: Ask, box: BoxRead) -> float | None:
        if "UPTIME" in box.refused:
            return None
        reply = replies.parse((await ask(reading(words.unit(box.name, "UPTIME"))))[-1])
        return replies.figure(reply.value) if isinstance(reply, replies.BoxValue) else None

    async def _proved(self, asked: Asked) -> Outcome | None:
        """None when one of the serials asked for answers here, right now; a provisional device has none to prove."""
        if not asked.serials:
            return None
        box = asked.box if asked.box and asked.box.name else next(iter(self._by_name.values()), None)
        if box is None:
            return Outcome(CommandState.FAILED, "another_device", "The device here tells no serial number any more.")
        try:
            reply = replies.parse((await asked.ask(reading(words.unit(box.name, "SN"))))[-1])
        except ErrorAnswer as error:
            said = f"Another device answers here: it knows no {box.name} ({error.text})."
            return Outcome(CommandState.FAILED, "another_device", said)
        serial = reply.value if isinstance(reply, replies.BoxValue) else ""
        own = not (asked.box and asked.box.serial) or serial == asked.box.serial
        if serial in asked.serials and own:
            return None
        said = f"Another device answers here: its serial number is {serial or 'not told'}."
        return Outcome(CommandState.FAILED, "another_device", said)


UNPROVED = Outcome(
    CommandState.UNCERTAIN,
    "not_proved",
    "The restart was ordered, but nothing read back proves that it happened.",
    assumed=True,
)


def _refused(code: str, text: str) -> Outcome:
    return Outcome(CommandState.REFUSED, code, text)


def _unsupported(text: str) -> Outcome:
    return Outcome(CommandState.UNSUPPORTED, "unsupported", text)


def _written(address: LevelAddress, wanted: Value, read: Value | None) -> Outcome:
    readings = () if read is None else (PointReading(address.key, read),)
    if same(read, wanted):
        return Outcome(CommandState.DONE, readings=readings)
    said = "something that can't be read" if read is None else f"{read:g}" if isinstance(read, float) else str(read)
    return Outcome(CommandState.FAILED, "not_taken", f"The device kept another value: it says {said}.", readings)


def value_of(answer: list[str], address: LevelAddress) -> Value | None:
    reply = replies.parse(answer[-1])
    return LEVEL_POINTS[address.parameter].read(reply.value) if isinstance(reply, replies.EpValue) else None


def level_addresses(box: BoxRead) -> list[LevelAddress]:
    return [
        LevelAddress(ept, box.number * 100 + channel, parameter)
        for ept, channel in box.end_points
        for parameter in LEVEL_POINTS
    ]


def peripheral_part(row: replies.BoxPlink) -> str:
    return f"plink:{row.serial}"


# The unit as the agent sees it


def unit_of(stack: StackRead) -> Unit:
    parts = [stack_part(stack)]
    for box in stack.boxes:
        parts.append(box_part(stack, box))
        parts += [peripheral(box, row) for row in box.peripherals]
    return Unit(parts)


def stack_part(stack: StackRead) -> Part:
    return Part(
        part=STACK,
        kind=Kind.STACK,
        name=stack.name,
        firmware_version=stack.version,
        capabilities={"refresh": Support.EVIDENCED, "hands_off": Support.EVIDENCED},
        assumed=["name"] if stack.name else [],
        points=[STACK_FIRMWARE],
    )


FACT_FIELDS = {
    "MODEL": "model",
    "PART": "part_number",
    "FW": "firmware_version",
    "MAC": "mac",
    "IP": "address",
}


def box_part(stack: StackRead, box: BoxRead) -> Part:
    """Without box facts the firmware is what the stack tells, which is evidenced; all else stays empty."""
    facts = {name: box.facts[word] for word, name in FACT_FIELDS.items() if word in box.facts}
    assumed_facts = [*facts] + (["name", "box_number"] if stack.listed else [])
    facts.setdefault("firmware_version", stack.version)
    return Part(
        part=box.part,
        kind=Kind.MIXER,
        parent=STACK,
        name=box.name,
        serial_number=box.serial,
        box_number=box.number,
        position=box.number,
        capabilities=box_capabilities(box),
        assumed=assumed_facts,
        points=[
            *(address.descriptor() for address in level_addresses(box)),
            *(unit_descriptor(point) for point in UNIT_POINTS),
        ],
        **facts,  # type: ignore[arg-type]
    )


def box_capabilities(box: BoxRead) -> dict[str, str]:
    return {
        "control": Support.EVIDENCED,
        "refresh": Support.EVIDENCED,
        "hands_off": Support.EVIDENCED,
        "locate": Support.UNSUPPORTED if "LOCATE" in box.refused else Support.ASSUMED,
        "health": Support.UNSUPPORTED if "TEMP" in box.refused else Support.ASSUMED,
        "reboot": Support.UNTRIED if box.name else Support.UNSUPPORTED,
    }


def peripheral(box: BoxRead, row: replies.BoxPlink) -> Part:
    """Everything about a peripheral comes from the assumed list."""
    return Part(
        part=peripheral_part(row),
        kind=KINDS.get(row.type, Kind.OTHER),
        parent=box.part,
        name=row.name,
        model=row.type_word,
        serial_number=row.serial,
        firmware_version=row.firmware,
        position=row.position,
        present=row.present,
        assumed=["name", "model", "serial_number", "firmware_version", "present"],
    )
