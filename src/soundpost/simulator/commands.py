"""What a stack answers to a command line: one table of verbs, text on the wire out (devices.md 2 to 5, assumed.md)."""

from collections.abc import Callable

from soundpost.kernel.clock import rfc3339
from soundpost.simulator import health
from soundpost.simulator.models import MODELS, TYPE_CODES, TYPES
from soundpost.simulator.parameters import find, number
from soundpost.simulator.stack import Box, OutOfRange, Point, Stack

TYPE_WORDS = frozenset(TYPES)
MACROS = frozenset({"SYSON", "SYSOFF", "DEFAULT"})  # of the sample project
FORBIDDEN = frozenset({"FACTORYDEFAULT"})  # a client that sends one has a defect
PARTY_LINES = 5
Handler = Callable[[Stack, list[str], object], str]


class Refused(Exception):
    """Carries the ERROR line."""


def answer(stack: Stack, line: str, writer: object = None) -> str:
    """The bytes (as text) that answer one line: whole lines with their ends and prompts, or nothing."""
    words = line.split()
    if not words:
        return stack.switches.prompt if stack.switches.empty_line_prompt else ""
    stack.commands_seen += 1
    handler = VERBS.get(words[0].upper(), _unknown)
    try:
        return handler(stack, words, writer)
    except Refused as refused:
        return framed(stack, str(refused))


def framed(stack: Stack, *lines: str) -> str:
    """A prompt stands after every line, not only after the last (devices.md 1.1)."""
    tail = stack.switches.line_end + stack.switches.prompt
    return "".join(line + tail for line in lines)


def _unknown(stack: Stack, words: list[str], _writer: object) -> str:
    if words[0].upper() in FORBIDDEN:
        stack.forbidden_seen += 1
    raise Refused(stack.switches.error_command)


# -- EP


def locate_point(stack: Stack, words: list[str]) -> tuple[Point, str, list[str]]:
    """The point, how the command named it, and the words after. The first word of `words` is not looked at."""
    ept = words[1].upper() if len(words) > 1 else ""
    ept = TYPE_CODES.get(ept, ept)
    if ept in TYPE_WORDS and len(words) > 2 and words[2].isdecimal():
        epn = int(words[2])
        if stack.has(ept, epn):
            return (ept, epn), f"{ept} {epn}", words[3:]
    elif len(words) > 1 and (point := stack.named(words[1])) is not None:
        return point, words[1], words[2:]
    raise Refused(stack.switches.error_parameter)


def _ep(stack: Stack, words: list[str], writer: object) -> str:
    point, address, rest = locate_point(stack, words)
    if len(rest) < 2:
        raise Refused(stack.switches.error_parameter)
    if rest[0].upper() == "INQUIRE":
        return _inquire(stack, point, address, rest)
    parameter = find(rest[0], rest[1])
    if parameter is None or point[0] not in parameter.types:
        raise Refused(stack.switches.error_parameter)
    mirrored = ""
    if len(rest) > 2:
        relative = len(rest) == 4 and rest[3].upper() == "REL" and parameter.relative
        value = number(rest[2])
        if value is None or (len(rest) > 3 and not relative):
            raise Refused(stack.switches.error_argument)
        try:
            changed = stack.write(point, parameter, value, relative=relative)
        except OutOfRange:
            raise Refused(stack.switches.error_argument) from None
        if changed:
            stack.tell(address, parameter, stack.read(point, parameter), writer)
        mirrored = "2" if stack.switches.mirror_toggle and parameter.toggle and value == 2 else ""
    text = mirrored or parameter.text(stack.read(point, parameter), stack.switches.decimals)
    words = rest[:2] if stack.switches.codes_mirrored else [parameter.block, parameter.name]
    return framed(stack, f"EP {address} {words[0]} {words[1]} {text}")


def set_at_device(stack: Stack, address: str, parameter: str, value: float) -> None:
    """A knob turned at the device: every session hears of it. `parameter` is `MUTE` (of LEVEL) or `BF BF_LED`."""
    block = parameter if " " in parameter.strip() else f"LEVEL {parameter}"
    point, _, rest = locate_point(stack, f"EP {address} {block}".split())
    found = find(rest[0], rest[1]) if len(rest) == 2 else None
    if found is None or point[0] not in found.types:
        raise Refused(stack.switches.error_parameter)
    if stack.write(point, found, value):
        stack.tell(f"{point[0]} {point[1]}", found, stack.read(point, found))


def _inquire(stack: Stack, point: Point, address: str, rest: list[str]) -> str:
    word = rest[1].upper()
    if point[0] == "UA" and word == "ACTIVE_PARTIES":
        lines = range(1, PARTY_LINES + 1 if stack.switches.list_all_lines else 2)
        parties = "".join(f"PL {line};IDLE;" for line in lines)
        mirrored = [f"EP {address} INQUIRE ACTIVE_PARTIES"] if stack.switches.inquire_acknowledged else []
        return framed(stack, *mirrored, f"EP {address} INQUIRE_RESULT ACTIVE_PARTIES {parties}")
    idle = {"HOOK": "0", "CALLER_ID": "NO_ACTIVE_CALL", "DIRECTION": "0"}.get(word)
    if point[0] != "TELCO_RX" or idle is None:
        raise Refused(stack.switches.error_parameter)
    return framed(stack, f"EP {address} INQUIRE {word} {idle}")


# -- BOX


def _box(stack: Stack, words: list[str], writer: object) -> str:
    if len(words) < 4:
        raise Refused(stack.switches.error_parameter)
    word = words[3].upper()
    chapter = words[2].upper()
    if words[1] == "*" and (chapter, word) == ("UNIT", "SN") and stack.switches.box_list and len(words) == 4:
        return framed(stack, *(f"BOX {box.spec.name} UNIT SN {box.serial}" for box in stack.boxes))
    box = stack.by_name.get(words[1])
    if box is None:
        raise Refused(stack.switches.error_parameter)
    if (chapter, word) == ("PLINK", "LIST") and stack.switches.plink_list:
        rows = (f"BOX {box.spec.name} {peripheral.words()}" for peripheral in box.peripherals)
        return framed(stack, *rows, f"BOX {box.spec.name} PLINK END")
    if (chapter, word) == ("UNIT", "LOCATE") and stack.switches.locate:
        return _locate(stack, box, words[4:], writer)
    if chapter != "UNIT" or len(words) != 4:
        raise Refused(stack.switches.error_parameter)
    return framed(stack, f"BOX {box.spec.name} UNIT {word} {_fact(stack, box, word)}")


def _locate(stack: Stack, box: Box, values: list[str], writer: object) -> str:
    if values not in ([], ["0"], ["1"]):
        raise Refused(stack.switches.error_argument)
    if values:
        stack.set_locate(box, values == ["1"], writer)
    return framed(stack, f"BOX {box.spec.name} UNIT LOCATE {int(box.locate)}")


def _fact(stack: Stack, box: Box, word: str) -> str:
    fact = FACTS.get(word)
    if fact is None or (fact[0] and not getattr(stack.switches, fact[0])):
        raise Refused(stack.switches.error_parameter)
    return fact[1](stack, box)


def box_ip(stack: Stack, box: Box) -> str:
    """The first box carries the stack's address; the others are reached through it and keep a link-local one."""
    return stack.address if box.number == 1 else f"169.254.{box.number}.{int(box.spec.mac[-2:], 16)}"


# word -> the assumed.md row it belongs to ("" = evidenced), and its text.
FACTS: dict[str, tuple[str, Callable[[Stack, Box], str]]] = {
    "SN": ("", lambda stack, box: box.serial),
    "MODEL": ("box_facts", lambda stack, box: box.spec.model),
    "PART": ("box_facts", lambda stack, box: MODELS[box.spec.model].part),
    "FW": ("box_facts", lambda stack, box: stack.spec.firmware),
    "MAC": ("box_facts", lambda stack, box: box.spec.mac),
    "IP": ("box_facts", box_ip),
    "TEMP": ("health", lambda stack, box: f"{health.temperature(box.spec.serial, stack.clock.monotonic()):.1f}"),
    "CPU": ("health", lambda stack, box: str(health.load(box.spec.serial, stack.clock.monotonic()))),
    "UPTIME": ("health", lambda stack, box: str(stack.uptime(box))),
}


# -- the stack as a whole


def _version(stack: Stack, words: list[str], _writer: object) -> str:
    if len(words) != 4 or words[2].upper() != "FW" or words[3] != "1":
        raise Refused(stack.switches.error_parameter)
    if words[1] != "*" and words[1] not in stack.by_name:
        raise Refused(stack.switches.error_parameter)
    if stack.starting:
        end = stack.switches.line_end.lstrip(" ")
        return f"VERSION {words[1]} FW 1\0{end}{stack.switches.prompt}"
    name = stack.boxes[0].spec.name if words[1] == "*" and stack.switches.version_names_box else words[1]
    return framed(stack, f"VERSION {name} FW 1 {stack.spec.firmware}")


def _stack(stack: Stack, words: list[str], _writer: object) -> str:
    word = words[1].upper() if len(words) > 1 else ""
    if word == "NAME" and len(words) == 2 and stack.switches.stack_name:
        return framed(stack, f"STACK NAME {stack.spec.name}")
    if word == "TIME" and len(words) == 2 and stack.switches.clock:
        return framed(stack, f"STACK TIME {rfc3339(stack.clock.now_ms())}")
    if word == "USER" and len(words) == 4 and stack.switches.credentials:
        stack.user, stack.password = words[2], words[3]
        return framed(stack, f"STACK USER {stack.user}")
    raise Refused(stack.switches.error_parameter)


def _reset(stack: Stack, words: list[str], writer: object) -> str:
    if not stack.switches.reset:
        return _unknown(stack, words, writer)
    if len(words) != 2 or words[1] not in stack.by_name:
        raise Refused(stack.switches.error_parameter)
    stack.restart()
    return ""


def _macro(stack: Stack, words: list[str], _writer: object) -> str:
    if len(words) != 2 or words[1] not in MACROS:
        raise Refused(stack.switches.error_parameter)
    return framed(stack, f"MCCF {words[1]}") if stack.switches.macro_mirrored else ""


VERBS: dict[str, Handler] = {
    "EP": _ep,
    "BOX": _box,
    "VERSION": _version,
    "STACK": _stack,
    "RESET": _reset,
    "MCCF": _macro,
}
