"""How to say it: every command line this driver can send is built here (devices.md 2, 4; assumed.md).

What must never be sent can't be built: FACTORYDEFAULT, CLRMATRIX, and toggles of a mute or a hook, whose answers no two
sources agree on.
"""

import re

WORD = re.compile("[^\\s\\x00-\\x1f\\x7f-\\x9f\\ufffd]{1,128}")
NEVER_FIRST = frozenset({"FACTORYDEFAULT", "CLRMATRIX"})
ONLY_BITS = ("MUTE", "2", "KEY_HOOK")
"""Words after which only 0 or 1 may stand; 2 is the numeric code of MUTE."""


class NeverSent(ValueError):
    """A line this driver refuses to build."""


def line(*words: str) -> str:
    """Words joined by one space. Raises NeverSent for a word the wire can't carry and for commands we never give."""
    for word in words:
        if not WORD.fullmatch(word):
            raise NeverSent(f"{word!r} can't be one word of a command")
    upper = [word.upper() for word in words]
    if upper[0] in NEVER_FIRST:
        raise NeverSent(f"{upper[0]} is never sent")
    if upper[0] == "EP" and upper[-2] in ONLY_BITS and upper[-1] not in ("0", "1"):
        raise NeverSent(f"{upper[-2]} is written as 0 or 1, never toggled")
    return " ".join(words)


def version() -> str:
    return line("VERSION", "*", "FW", "1")


def end_point(ept: str, epn: int, block: str, parameter: str, *value: str) -> str:
    """Reads a parameter, or with a value writes it."""
    return line("EP", ept, str(epn), block, parameter, *value)


def unit(box: str, word: str, *value: str) -> str:
    return line("BOX", box, "UNIT", word, *value)


def plink_list(box: str) -> str:
    return line("BOX", box, "PLINK", "LIST")


def plink_end(box: str) -> str:
    return line("BOX", box, "PLINK", "END")


def stack_name() -> str:
    return line("STACK", "NAME")


def reset(box: str) -> str:
    return line("RESET", box)


def gates(box: str) -> str:
    return line("GATE", box, "1", "1")


def beams() -> str:
    return line("BEAM", "*", "5", "1")


def ramp(ept: str, epn: int, target: float, step: float) -> str:
    return line("RAMP", ept, str(epn), f"{target:.1f}", f"{step:.1f}")


def macro(name: str) -> str:
    return line("MCCF", name)


def room(number: int, sub_room: str, configuration: str) -> str:
    return line("ROOM", str(number), "7", sub_room, configuration)


CROSSPOINT_TYPES = {"normal": "1", "gated": "3", "non_gated": "4", "pre_aec": "5"}


def crosspoint(source: str, target: str, on: bool, kind: str) -> str:
    return line("MT", source, target, "1" if on else "0", "0", CROSSPOINT_TYPES[kind])


def key(ept: str, epn: int, word: str, *value: str) -> str:
    """Presses a key of a telephone."""
    return end_point(ept, epn, "KEY", word, *value)


# Values as the wire writes them


def decibels(value: float) -> str:
    """One decimal, which every reading of the manual allows."""
    return f"{value:.1f}"


def bit(value: object) -> str:
    return "1" if value else "0"


def whole(value: float) -> str:
    return str(int(value))
