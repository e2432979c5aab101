"""How to say it: every command line this driver can send is built here (devices.md 2, 4; assumed.md).

What must never be sent can't be built: FACTORYDEFAULT, and MUTE 2, whose answer no two sources agree on.
"""

import re

WORD = re.compile("[^\\s\\x00-\\x1f\\x7f-\\x9f\\ufffd]{1,128}")
NEVER_FIRST = frozenset({"FACTORYDEFAULT", "CLRMATRIX"})
MUTE_WORDS = ("MUTE", "2")
"""The word and its numeric code."""


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
    if upper[0] == "EP" and upper[-2] in MUTE_WORDS and upper[-1] not in ("0", "1"):
        raise NeverSent("a mute is written as 0 or 1, never toggled")
    return " ".join(words)


def version() -> str:
    return line("VERSION", "*", "FW", "1")


def level(ept: str, epn: int, parameter: str) -> str:
    return line("EP", ept, str(epn), "LEVEL", parameter)


def write_mute(ept: str, epn: int, muted: bool) -> str:
    return line("EP", ept, str(epn), "LEVEL", "MUTE", "1" if muted else "0")


def write_gain(ept: str, epn: int, decibels: float) -> str:
    """One decimal, which every reading of the manual allows."""
    return line("EP", ept, str(epn), "LEVEL", "GAIN", f"{decibels:.1f}")


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
