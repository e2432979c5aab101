"""How to read it: one line of the device in, one typed reply out. Never raises."""

import re
from enum import StrEnum

from msgspec import Struct

from soundpost.drivers.bma360d import assumed


class Fact(StrEnum):
    DANTEIP = "DANTEIP"
    MACADDR = "MACADDR"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _missing_(cls, value: object) -> "Fact":
        return cls.UNKNOWN


class Beams(Struct, frozen=True, gc=False):
    """The first is beam 1."""

    active: tuple[bool, ...]


class Zone(Struct, frozen=True, gc=False):
    beam: int
    on: bool


class Gain(Struct, frozen=True, gc=False):
    channel: int
    group: str
    decibels: float


class Told(Struct, frozen=True, gc=False):
    fact: Fact
    value: str


class Unknown(Struct, frozen=True, gc=False):
    text: str


Reply = Beams | Zone | Gain | Told | Unknown

ERROR = re.compile(r"\berror\b", re.IGNORECASE)
BEAMREPORT = re.compile(r"BEAMREPORT ([01]{12})", re.IGNORECASE)
BFZONE = re.compile(r"BFZONE (1[0-2]|[1-9]) ([01])", re.IGNORECASE)
GAIN = re.compile(r"GAIN ([1-4]) ([A-Z]) ([+-]?\d{1,2}(?:\.\d{0,2})?)", re.IGNORECASE)
MAC = re.compile(r"MACADDR ([0-9A-F]{2}(?:[:-][0-9A-F]{2}){5})", re.IGNORECASE)
ADDRESS = re.compile(r"DANTEIP (\d{1,3}(?:\.\d{1,3}){3})", re.IGNORECASE)
COMMANDS = frozenset(
    [
        "BEAMREPORT",
        "BREPORT",
        "BFZONE",
        "DANTEIP",
        "DANTEMAC",
        "GAIN",
        "HELP",
        "LEDBRIGHT",
        "LEDCOLOR",
        "LOCATE",
        "MUTE",
    ]
)
LEAST_KNOWN = 3


def is_error(text: str) -> bool:
    return assumed.on("error_word") and ERROR.search(text) is not None


def parse(text: str) -> Reply:
    text = " ".join(text.split())
    if found := BEAMREPORT.fullmatch(text):
        return Beams(tuple(character == "1" for character in reversed(found[1])))
    if found := BFZONE.fullmatch(text):
        return Zone(int(found[1]), found[2] == "1")
    if found := GAIN.fullmatch(text):
        return Gain(int(found[1]), found[2].upper(), float(found[3]))
    if found := MAC.fullmatch(text):
        return Told(Fact.MACADDR, found[1].upper().replace("-", ":"))
    if found := ADDRESS.fullmatch(text):
        return Told(Fact.DANTEIP, found[1])
    return Unknown(text)


def is_help(lines: list[str]) -> bool:
    """Whether these lines list commands of this family, whatever else they say."""
    words = {word.upper() for line in lines for word in re.findall(r"[A-Za-z]+", line)}
    return len(words & (COMMANDS - {"HELP", "GAIN", "MUTE"})) >= LEAST_KNOWN
