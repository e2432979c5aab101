"""Reads everything behind one line, politely: what is evidenced always, what is assumed once per firmware version."""

import sys
from collections.abc import Iterable

import msgspec
from msgspec import Struct, field

from soundpost.drivers.converge_pro2 import assumed, models, replies, words
from soundpost.drivers.converge_pro2.models import EndPoints
from soundpost.transport.line import Ask, ErrorAnswer, Silence
from soundpost.transport.talk import Starting
from soundpost.wire.dialogue import Request, reading

VERSION = reading(words.version(), bare=True)
FACTS = ("MODEL", "PART", "FW", "MAC", "IP")
PROBED_VALUES = ("LOCATE", "TEMP", "UPTIME", "CPU")


class BoxRead(Struct):
    """`name` and `serial` are empty while the box tells none. `refused` maps a word to the device's own words."""

    number: int
    name: str = ""
    serial: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    end_points: EndPoints = ()
    peripherals: list[replies.BoxPlink] = field(default_factory=list)

    @property
    def part(self) -> str:
        return f"box:{self.serial or self.name or self.number}"

    def channels(self, ept: str) -> int:
        return sum(kind == ept for kind, _ in self.end_points)

    def arrays(self) -> Iterable[tuple[str, replies.BoxPlink]]:
        """Ceiling arrays in order of their places, each with its number in beam reports (assumed, `beam_numbers`)."""
        rows = sorted((r for r in self.peripherals if r.type is replies.Plink.BMA360), key=lambda row: row.position)
        return [(str(self.number * 100 + n), row) for n, row in enumerate(rows, 1)]


class StackRead(Struct):
    version: str
    name: str = ""
    listed: bool = False
    boxes: list[BoxRead] = field(default_factory=list)


MEMORY_LEVEL = 1
"""0 took one lost reply for a refusal: of such a memory only who the boxes are is believed."""


class Remembered(Struct):
    """A stack as it was read, without what changes by itself."""

    stack: StackRead
    refused: dict[str, str]
    found: dict[int, EndPoints]
    level: int = 0

    def still(self, version: str, boxes: list[BoxRead]) -> bool:
        """The same boxes, each proved by its serial, under the same firmware."""
        told = [(box.number, box.name, box.serial) for box in boxes]
        known = [(box.number, box.name, box.serial) for box in self.stack.boxes]
        same = self.stack.version == version and told == known and all(box.serial for box in boxes)
        return same and self.level == MEMORY_LEVEL


class Reader:
    """`heard` must be given every line that answers nothing while `read` runs: a box list has no end mark.

    With a `memory` the first reading asks only for version, serials and peripherals; where the boxes are as they were the rest is
    taken from there, and `recalled` says so. After the start of an agent with thousands of stacks their values wait for nothing else.

    What is assumed may go unanswered because one reply was lost. So a silence is never remembered, an error only once a later reading
    met it again, and what was answered before under this firmware stays as it was told. While anything is open `doubtful` asks for
    another reading."""

    def __init__(self, memory: bytes = b"") -> None:
        self._firmware = ""
        self._refused: dict[str, str] = {}
        self._erred: set[str] = set()
        """What an earlier reading met an error for."""
        self._doubted: dict[str, str] = {}
        """What the last reading got no answer to, and may yet get."""
        self._found: dict[int, EndPoints] = {}
        self._listing: list[replies.BoxValue] | None = None
        self._remembered = remembered(memory)
        self._last = self._remembered.stack if self._remembered else StackRead("")
        self.recalled = False

    @property
    def doubtful(self) -> bool:
        return bool(self._doubted)

    def forget(self) -> None:
        """What was refused is asked again."""
        self._refused, self._erred, self._found = {}, set(), {}

    def memory(self, stack: StackRead) -> bytes:
        """Empty while there is no serial to know the stack by."""
        if not stack.listed:
            return b""
        boxes = [msgspec.structs.replace(box, facts=_lasting(box.facts), peripherals=[]) for box in stack.boxes]
        kept = msgspec.structs.replace(stack, boxes=boxes)
        return msgspec.msgpack.encode(Remembered(kept, self._refused, self._found, MEMORY_LEVEL))

    def heard(self, reply: replies.Reply) -> None:
        if self._listing is not None and isinstance(reply, replies.BoxValue) and reply.word == "SN":
            self._listing.append(reply)

    async def read(self, ask: Ask) -> StackRead:
        version = await self.version(ask)
        if version.value != self._firmware:
            self._firmware = version.value
            self.forget()
        self._doubted = {}
        known, self._remembered = self._remembered, None
        stack = StackRead(version.value)
        stack.boxes = await self._boxes(ask)
        stack.listed = bool(stack.boxes)
        self.recalled = known is not None and known.still(version.value, stack.boxes)
        if known is not None and self.recalled:
            self._last = await self._recall(ask, known)
            return self._last
        if not stack.boxes:
            stack.boxes = await self._unlisted(ask, version)
        before = self._last if self._last.version == version.value else StackRead("")
        known_boxes = {box.serial: box for box in before.boxes if box.serial}
        stack.name = await self._stack_name(ask, before.name)
        for box in stack.boxes:
            await self._fill(ask, box, known_boxes.get(box.serial))
        self._last = stack
        return stack

    async def _recall(self, ask: Ask, known: Remembered) -> StackRead:
        """Who hangs from the boxes is asked, for that may have changed meanwhile."""
        self._refused, self._found = known.refused, known.found
        for box in known.stack.boxes:
            box.facts = {word: sys.intern(value) for word, value in box.facts.items()}
            await self._peripherals(ask, box, box)
            box.end_points = await self._end_points(ask, box)
        return known.stack

    async def version(self, ask: Ask) -> replies.Version:
        """Raises Starting while the answer is empty."""
        reply = replies.parse((await _insisted(ask, VERSION))[-1])
        if not isinstance(reply, replies.Version) or not reply.value:
            raise Starting("the stack is starting and gives no version yet")
        return reply

    async def _assumed(
        self, ask: Ask, switch: str, request: Request, memory: str = "", *, before: bool = False, again: bool = False
    ) -> list[str] | None:
        """None when the device does not answer it, now or (under this firmware) before. Silence says so only while the device still
        answers what is evidenced. `before`: it has answered it once. `again`: lists, on which hangs who is there, are asked for
        once more when nothing came."""
        memory = memory or switch
        if not assumed.on(switch) or memory in self._refused:
            return None
        error = False
        try:
            return await _insisted(ask, request) if again else await ask(request)
        except ErrorAnswer as refusal:
            error, said = True, refusal.text
        except Silence as silence:
            said = silence.text
        await _insisted(ask, VERSION)
        firm = error and memory in self._erred and not before
        if error:
            self._erred.add(memory)
        (self._refused if firm else self._doubted)[memory] = said
        return None

    def _words(self, memory: str) -> str:
        """Why it is not known."""
        said = self._refused.get(memory) or self._doubted.get(memory)
        return said or "switched off in this driver, or its answer could not be read"

    async def _boxes(self, ask: Ask) -> list[BoxRead]:
        """The list ends where the answer to a further question begins: devices answer in order."""
        known = self._last.boxes if self._last.listed else []
        self._listing = []
        try:
            request = reading(words.unit("*", "SN"))
            first = await self._assumed(ask, "box_list", request, before=bool(known), again=True)
            if first is None:
                return await self._known_boxes(ask, known) if assumed.on("box_list") else []
            await _insisted(ask, VERSION)
            rows = [reply for reply in map(replies.parse, first) if isinstance(reply, replies.BoxValue)]
            rows += self._listing
        finally:
            self._listing = None
        told = dict.fromkeys((row.box, row.value) for row in rows if _one_word(row.box, row.value))
        return [BoxRead(number, name, serial) for number, (name, serial) in enumerate(told, 1)]

    async def _known_boxes(self, ask: Ask, known: Iterable[BoxRead]) -> list[BoxRead]:
        """A list told these once, so each is asked by its name, which is evidenced. Raises Silence: a box whose answer was lost has
        not left its stack."""
        told = [BoxRead(box.number, box.name, await self._serial(ask, box.name)) for box in known]
        return [box for box in told if box.serial]

    async def _unlisted(self, ask: Ask, version: replies.Version) -> list[BoxRead]:
        """Boxes as far as evidence goes: those whose first end points answer. The first may have told its name."""
        first = BoxRead(1)
        if assumed.on("version_box") and version.box != "*" and words.WORD.fullmatch(version.box):
            first.name = version.box
            first.serial = await self._serial(ask, version.box)
        boxes = [first]
        while len(boxes) < models.MOST_BOXES and await self._is_box(ask, len(boxes) + 1):
            boxes.append(BoxRead(len(boxes) + 1))
        return boxes

    async def _serial(self, ask: Ask, name: str) -> str:
        """The evidenced form, asked for a name the device gave."""
        try:
            reply = replies.parse((await _insisted(ask, reading(words.unit(name, "SN"))))[0])
        except ErrorAnswer:
            return ""
        return reply.value if isinstance(reply, replies.BoxValue) and words.WORD.fullmatch(reply.value) else ""

    async def _is_box(self, ask: Ask, number: int) -> bool:
        if self._found:
            return number in self._found
        for ept in models.BOX_SIGNS:
            if await self._has(ask, ept, number * 100 + 1):
                return True
        return False

    async def _has(self, ask: Ask, ept: str, number: int) -> bool:
        try:
            await _insisted(ask, reading(words.end_point(ept, number, *models.SIGN.get(ept, ("LEVEL", "MUTE")))))
        except ErrorAnswer:
            return False
        return True

    async def _stack_name(self, ask: Ask, before: str) -> str:
        answer = await self._assumed(ask, "stack_name", reading(words.stack_name()), before=bool(before))
        reply = replies.parse(answer[0]) if answer else None
        return reply.name if isinstance(reply, replies.StackName) else before

    async def _fill(self, ask: Ask, box: BoxRead, before: BoxRead | None) -> None:
        """`before`: the same box as it was read last under this firmware."""
        if box.name:
            for word in FACTS:
                await self._fact(ask, box, "box_facts", word, before)
            for word in PROBED_VALUES:
                await self._fact(ask, box, "locate" if word == "LOCATE" else "health", word, before)
            await self._peripherals(ask, box, before)
        else:
            box.refused = dict.fromkeys((*FACTS, *PROBED_VALUES), "the box tells no name to ask by")
        box.end_points = await self._end_points(ask, box)

    async def _fact(self, ask: Ask, box: BoxRead, switch: str, word: str, before: BoxRead | None) -> None:
        memory = f"{switch}.{word}.{box.name}"
        told = before is not None and word not in before.refused
        answer = await self._assumed(ask, switch, reading(words.unit(box.name, word)), memory, before=told)
        reply = replies.parse(answer[0]) if answer else None
        if isinstance(reply, replies.BoxValue):
            # A site's boxes are of a few models and firmware versions.
            box.facts[word] = sys.intern(reply.value)
        elif before is None or not told or not assumed.on(switch):
            box.refused[word] = self._words(memory)
        elif word in before.facts:
            box.facts[word] = before.facts[word]

    async def _peripherals(self, ask: Ask, box: BoxRead, before: BoxRead | None) -> None:
        request = reading(words.plink_list(box.name), end=words.plink_end(box.name))
        memory = f"plink_list.{box.name}"
        told = before is not None and "PLINK" not in before.refused
        answer = await self._assumed(ask, "plink_list", request, memory, before=told, again=True)
        if answer is not None:
            box.peripherals = list(plinks(answer))
        elif before is None or not told or not assumed.on("plink_list"):
            box.refused["PLINK"] = self._words(memory)
        else:
            box.peripherals = before.peripherals

    async def _end_points(self, ask: Ask, box: BoxRead) -> EndPoints:
        listed = models.end_points(box.facts.get("MODEL", "")) if assumed.on("model_table") else None
        if listed is None:
            listed = self._found.get(box.number)
        if listed is None:
            listed = self._found[box.number] = await self._probe(ask, box.number)
            return listed
        arrays = sum(row.type is replies.Plink.BMA2 for row in box.peripherals) if assumed.on("bfm_numbers") else 0
        return models.with_arrays(listed, arrays) if arrays else listed

    async def _probe(self, ask: Ask, number: int) -> EndPoints:
        found = []
        for ept, channels in models.candidates():
            for channel in channels:
                if not await self._has(ask, ept, number * 100 + channel):
                    break
                found.append((ept, channel))
        return tuple(found)


async def _insisted(ask: Ask, request: Request) -> list[str]:
    """For what every device answers, and for who is there: a reply may be lost, and the line is not given up for one."""
    try:
        return await ask(request)
    except Silence:
        return await ask(request)


def remembered(memory: bytes) -> Remembered | None:
    """None where there is none, or an older driver wrote it in another form."""
    try:
        return msgspec.msgpack.decode(memory, type=Remembered) if memory else None
    except msgspec.MsgspecError:
        return None


def _lasting(facts: dict[str, str]) -> dict[str, str]:
    return {word: facts[word] for word in FACTS if word in facts}


def _one_word(*texts: str) -> bool:
    return all(words.WORD.fullmatch(text) for text in texts)


def plinks(lines: Iterable[str]) -> Iterable[replies.BoxPlink]:
    return (row for row in map(replies.parse, lines) if isinstance(row, replies.BoxPlink))
