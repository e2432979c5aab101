"""EP and RAMP: an end point by type and number or by its name, and what it is asked (devices.md 2, 4.1, 4.2, 4.6)."""

from soundpost.simulator import phones
from soundpost.simulator.models import TYPE_CODES, TYPES
from soundpost.simulator.names import Point
from soundpost.simulator.parameters import TEXTS, Parameter, block_of, find, number
from soundpost.simulator.reply import bad_argument, bad_parameter, framed
from soundpost.simulator.stack import Stack
from soundpost.simulator.values import GAIN, MAX_GAIN, MIN_GAIN, OutOfRange, Ramp

TYPE_WORDS = frozenset(TYPES)


def locate_point(stack: Stack, words: list[str]) -> tuple[Point, str, list[str]]:
    """The point, how the command named it, and the words after. The first word of `words` is not looked at."""
    ept = words[1].upper() if len(words) > 1 else ""
    ept = TYPE_CODES.get(ept, ept)
    if ept in TYPE_WORDS and len(words) > 2 and words[2].isdecimal():
        epn = int(words[2])
        if stack.has(ept, epn):
            return (ept, epn), f"{words[1] if stack.switches.codes_mirrored else ept} {epn}", words[3:]
    elif len(words) > 1 and (point := stack.named(words[1])) is not None:
        return point, words[1], words[2:]
    raise bad_parameter(stack)


def ep(stack: Stack, words: list[str], writer: object) -> str:
    point, address, rest = locate_point(stack, words)
    if len(rest) < 2:
        raise bad_parameter(stack)
    block = block_of(rest[0])
    if block == "INQUIRE" and point[0] in phones.PHONES:
        return phones.inquire(stack, point, address, rest)
    if block == "NOTIFICATION" and point[0] in phones.PHONES:
        return phones.subscribe(stack, point, address, rest)
    parameter = find(block, rest[1])
    if parameter is not None and point[0] in parameter.types:
        return _parameter(stack, point, address, parameter, rest, writer)
    if block == "KEY" and point[0] in phones.PHONES:
        return phones.key(stack, point, address, rest, writer)
    if stack.switches.label and point[0] in TEXTS.get((block, rest[1].upper()), ()):
        return _text(stack, point, address, rest, writer)
    raise bad_parameter(stack)


def _parameter(stack: Stack, point: Point, address: str, parameter: Parameter, rest: list[str], writer: object) -> str:
    mirrored, lines = _write(stack, point, address, parameter, rest, writer) if len(rest) > 2 else ("", [])
    text = mirrored or stack.text(parameter, stack.read(point, parameter))
    words = rest[:2] if stack.switches.codes_mirrored else (parameter.block, parameter.name)
    return framed(stack, f"EP {address} {words[0]} {words[1]} {text}", *lines)


def _write(
    stack: Stack, point: Point, address: str, parameter: Parameter, rest: list[str], writer: object
) -> tuple[str, list[str]]:
    """What the reply shows instead of the value, if anything, and what the writer hears behind it."""
    relative = len(rest) == 4 and rest[3].upper() == "REL" and parameter.relative
    value = number(rest[2])
    if value is None or (len(rest) > 3 and not relative):
        raise bad_argument(stack)
    try:
        changed = stack.write(point, parameter, value, relative=relative)
    except OutOfRange:
        raise bad_argument(stack) from None
    lines = announce(stack, point, address, parameter, writer) if changed else []
    return "2" if stack.switches.mirror_toggle and parameter.toggle and value == 2 else "", lines


def announce(stack: Stack, point: Point, address: str, parameter: Parameter, writer: object = None) -> list[str]:
    """Tells the others of a change. What comes back is for the writer too: the gain a narrower limit took along."""
    stack.tell(address, parameter, stack.read(point, parameter), writer)
    if parameter not in (MIN_GAIN, MAX_GAIN) or not stack.switches.limits_pull_gain:
        return []
    if not stack.values.pulled(point, stack.clock.monotonic()):
        return []
    gain = stack.read(point, GAIN)
    stack.tell(address, GAIN, gain, writer)
    return [f"EP {address} LEVEL GAIN {stack.text(GAIN, gain)}"]


def _text(stack: Stack, point: Point, address: str, rest: list[str], writer: object) -> str:
    block, name = block_of(rest[0]), rest[1].upper()
    if len(rest) > 3:
        raise bad_argument(stack)
    before = stack.texts.get((point, name), stack.name_of(point) if name == "LABEL" else "")
    text = rest[2] if len(rest) == 3 else before
    line = f"EP {address} {block} {name} {text}"
    if text == before:
        return framed(stack, line)
    stack.texts[point, name] = text
    stack.host.broadcast(line, writer)
    return framed(stack, line)


def ramp(stack: Stack, words: list[str], _writer: object) -> str:
    """`RAMP <a> <target> <step> [REL]`: within MIN_GAIN and MAX_GAIN, until a new RAMP or a LEVEL GAIN write."""
    point, address, rest = locate_point(stack, words)
    relative = len(rest) == 3 and rest[2].upper() == "REL"
    if point[0] not in GAIN.types or not (len(rest) == 2 or relative):
        raise bad_parameter(stack)
    target, step = number(rest[0]), number(rest[1])
    if target is None or step is None or step <= 0:
        raise bad_argument(stack)
    start = stack.read(point, GAIN)
    low, high = stack.values.limits(point, GAIN)
    target = GAIN.on_step(min(max(start + target if relative else target, low), high))
    per_s = step if stack.switches.ramp_db_per_s else step * 10
    stack.ramp(point, Ramp(address, start, target, stack.clock.monotonic(), per_s))
    return framed(stack, " ".join(["RAMP", address, *rest])) if stack.switches.ramp_mirrored else ""


def set_at_device(stack: Stack, address: str, parameter: str, value: float) -> None:
    """A knob turned at the device: every session hears of it. `parameter` is `MUTE` (of LEVEL) or `BF BF_LED`."""
    block = parameter if " " in parameter.strip() else f"LEVEL {parameter}"
    point, _, rest = locate_point(stack, f"EP {address} {block}".split())
    found = find(rest[0], rest[1]) if len(rest) == 2 else None
    if found is None or point[0] not in found.types:
        raise bad_parameter(stack)
    if stack.write(point, found, value):
        announce(stack, point, f"{point[0]} {point[1]}", found)
