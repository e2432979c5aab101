"""The unit as the agent sees it: parts, their facts, their points and what they can do."""

from functools import cache, lru_cache

from soundpost.device.contract import Part, Unit
from soundpost.device.model import Descriptor, Kind, Support
from soundpost.drivers.converge_pro2 import assumed, replies
from soundpost.drivers.converge_pro2.points import STACK_FIRMWARE, UNIT_POINTS, Points, beams, gates, points
from soundpost.drivers.converge_pro2.reading import BoxRead, StackRead

STACK = "stack"
KINDS = {
    replies.Plink.BMA2: Kind.MICROPHONE,
    replies.Plink.BMACT: Kind.MICROPHONE,
    replies.Plink.BMA360: Kind.MICROPHONE,
    replies.Plink.DIALOG20: Kind.MICROPHONE,
    replies.Plink.USB_EXP: Kind.EXPANDER,
    replies.Plink.GPIO_EXP: Kind.EXPANDER,
    replies.Plink.BT_EXP: Kind.EXPANDER,
}
TELEPHONES = ("UA", "TELCO_RX")
FACT_FIELDS = {
    "MODEL": "model",
    "PART": "part_number",
    "FW": "firmware_version",
    "MAC": "mac",
    "IP": "address",
}
EVERYWHERE = {"refresh": Support.EVIDENCED, "hands_off": Support.EVIDENCED}
NAMED = ("macro", "room", "crosspoint")
"""What is ordered of the stack by names of its project."""
PERIPHERAL_ASSUMED = ["name", "model", "serial_number", "firmware_version", "present"]
STACK_POINTS = (STACK_FIRMWARE,)
UNIT_DESCRIPTORS = tuple(point.descriptor for point in UNIT_POINTS)


def points_of(box: BoxRead) -> Points:
    return points(box.number, tuple(box.end_points))


def unit_of(stack: StackRead) -> Unit:
    parts = [stack_part(stack)]
    for box in stack.boxes:
        parts.append(box_part(stack, box))
        arrays = {row.serial: array for array, row in box.arrays()}
        parts += [peripheral(box, row, arrays.get(row.serial, "")) for row in box.peripherals]
    return Unit(parts)


def stack_part(stack: StackRead) -> Part:
    return Part(
        part=STACK,
        kind=Kind.STACK,
        name=stack.name,
        firmware_version=stack.version,
        capabilities=_stack_capabilities(tuple(map(support, NAMED))),
        assumed=["name"] if stack.name else [],
        points=STACK_POINTS,
    )


def box_part(stack: StackRead, box: BoxRead) -> Part:
    """Without box facts the firmware is what the stack tells, which is evidenced; all else stays empty."""
    facts = {name: box.facts[word] for word, name in FACT_FIELDS.items() if word in box.facts}
    assumed_facts = _listed((*facts, *(("name", "box_number") if stack.listed else ())))
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
        points=box_points(box.number, tuple(box.end_points), bool(box.name)),
        **facts,  # type: ignore[arg-type]
    )


@lru_cache(512)
def box_points(number: int, end_points: tuple[tuple[str, int], ...], named: bool) -> tuple[Descriptor, ...]:
    """The same tuple for all boxes of one shape."""
    channels = sum(ept == "MIC" for ept, _ in end_points) if named else 0
    return (*points(number, end_points).descriptors, *gates(number, channels), *UNIT_DESCRIPTORS)


def gate_points(box: BoxRead) -> tuple[Descriptor, ...]:
    """A gate report is asked for by the box's name."""
    return gates(box.number, box.channels("MIC")) if box.name else ()


def box_capabilities(box: BoxRead) -> dict[str, str]:
    phones = any(ept in TELEPHONES for ept, _ in box.end_points)
    locate = support("locate", "LOCATE" not in box.refused)
    health = Support.ASSUMED if "TEMP" not in box.refused else Support.UNSUPPORTED
    reboot = support("reboot", bool(box.name), Support.UNTRIED)
    return _capabilities(support("ramp"), support("telephone", phones), locate, health, reboot)


def support(function: str, has: bool = True, assumed_is: Support = Support.ASSUMED) -> Support:
    """How a function stands on a device that `has` what it is carried out on."""
    if not has or not assumed.offered(function):
        return Support.UNSUPPORTED
    return assumed_is if assumed.rests(function) else Support.EVIDENCED


@cache
def _listed(words: tuple[str, ...]) -> list[str]:
    """Shared, so nobody changes it."""
    return list(words)


@cache
def _stack_capabilities(named: tuple[Support, ...]) -> dict[str, str]:
    """Shared, so nobody changes it."""
    return {**EVERYWHERE, **dict(zip(NAMED, named, strict=True))}


@cache
def _capabilities(
    ramp: Support, telephone: Support, locate: Support, health: Support, reboot: Support
) -> dict[str, str]:
    """Shared, so nobody changes it."""
    return {
        **EVERYWHERE,
        "control": Support.EVIDENCED,
        "ramp": ramp,
        "telephone": telephone,
        "locate": locate,
        "health": health,
        "reboot": reboot,
    }


def peripheral_part(row: replies.BoxPlink) -> str:
    return f"plink:{row.serial}"


def peripheral(box: BoxRead, row: replies.BoxPlink, array: str) -> Part:
    """Everything about a peripheral comes from the assumed list. `array`: its number in beam reports, "" for none."""
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
        assumed=PERIPHERAL_ASSUMED,
        points=beams(array) if array and assumed.on("beam_numbers") else (),
    )
