"""How to read it: one line of the device in, one typed reply out (devices.md 2 to 6; assumed.md). Never raises."""

import re
from enum import StrEnum

from msgspec import Struct


class EndPoint(StrEnum):
    """End point types by the wire's words (devices.md 3.1)."""

    BFM = "BFM"
    DANTE = "DANTE"
    FADER = "FADER"
    GPIO = "GPIO"
    MIC = "MIC"
    OUTPUT = "OUTPUT"
    PROC = "PROC"
    SGEN = "SGEN"
    SPEAKER = "SPEAKER"
    TELCO_RX = "TELCO_RX"
    TELCO_TX = "TELCO_TX"
    UA = "UA"
    USB_RX = "USB_RX"
    USB_TX = "USB_TX"
    VOIP_RX = "VOIP_RX"
    VOIP_TX = "VOIP_TX"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _missing_(cls, value: object) -> "EndPoint":
        return cls.UNKNOWN


END_POINTS = {kind.value: kind for kind in EndPoint}


class Plink(StrEnum):
    """Peripheral types of the assumed `plink_list`."""

    BMA2 = "BMA2"
    BMACT = "BMACT"
    BMA360 = "BMA360"
    DIALOG20 = "DIALOG20"
    USB_EXP = "USB_EXP"
    GPIO_EXP = "GPIO_EXP"
    BT_EXP = "BT_EXP"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _missing_(cls, value: object) -> "Plink":
        return cls.UNKNOWN


class Notice(StrEnum):
    HW_RESYNC = "HW_RESYNC"
    LOAD = "LOAD"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _missing_(cls, value: object) -> "Notice":
        return cls.UNKNOWN


class EpValue(Struct, frozen=True, gc=False):
    """`channel` is set when the line named a channel instead of a type and number. `value` is as written."""

    type: EndPoint
    number: int
    channel: str
    block: str
    parameter: str
    value: str


class EpNotification(Struct, frozen=True, gc=False):
    """`channel` as in EpValue."""

    type: EndPoint
    number: int
    channel: str
    kind: str
    text: str


class BoxValue(Struct, frozen=True, gc=False):
    box: str
    word: str
    value: str


class BoxPlink(Struct, frozen=True, gc=False):
    box: str
    position: int
    type: Plink
    type_word: str
    name: str
    serial: str
    firmware: str
    present: bool


class PlinkEnd(Struct, frozen=True, gc=False):
    box: str


class Version(Struct, frozen=True, gc=False):
    """An empty value means the stack is still starting."""

    box: str
    value: str


class StackNotification(Struct, frozen=True, gc=False):
    kind: Notice
    text: str


class StackName(Struct, frozen=True, gc=False):
    name: str


class Gates(Struct, frozen=True, gc=False):
    """Which channels of a box are gated open; the first is channel 1."""

    box: str
    open: tuple[bool, ...]


class Beams(Struct, frozen=True, gc=False):
    """Which beams of each ceiling array on a box are active, by the array's three-digit id; the first is beam 1."""

    box: str
    arrays: dict[str, tuple[bool, ...]]


class Unknown(Struct, frozen=True, gc=False):
    text: str


Reply = (
    EpValue
    | EpNotification
    | BoxValue
    | BoxPlink
    | PlinkEnd
    | Version
    | StackNotification
    | StackName
    | Gates
    | Beams
    | Unknown
)

ERROR = re.compile(r"\berror\b", re.IGNORECASE)
NUMBER = re.compile(r"[+-]?\d{1,2}(\.\d{0,2})?")
BIT = re.compile(r"[01](\.0{0,2})?")
WHOLE = re.compile(r"[+-]?\d{1,6}(\.0{0,2})?")
FIGURE = re.compile(r"[+-]?\d{1,12}(\.\d{1,6})?")

GATES = re.compile(r"[01]{4,12}")
BEAMS = re.compile(r"[01]{12}")
ARRAY_ID = re.compile(r"\d{3}")
BMA360_CODE = "48"


def is_error(text: str) -> bool:
    """Only the word is evidenced, not the rest of the line; a telephone's own errors come as notifications."""
    return ERROR.search(text) is not None and " NOTIFICATION " not in text.upper()


def decibels(value: str) -> float | None:
    """Signed, up to two digits before the point and two behind it (devices.md 2)."""
    return float(value) if NUMBER.fullmatch(value) else None


def bit(value: str) -> bool | None:
    """0 or 1, a decimal tail tolerated; 2 is a mirrored toggle, which tells no state."""
    return value[0] == "1" if BIT.fullmatch(value) else None


def figure(value: str) -> float | None:
    return float(value) if FIGURE.fullmatch(value) else None


def whole(value: str) -> int | None:
    """A count; a decimal tail of zeros is tolerated, as with bits."""
    return int(value.partition(".")[0]) if WHOLE.fullmatch(value) else None


def parse(text: str) -> Reply:
    words = text.split()
    reader = READERS.get(words[0].upper()) if words else None
    return (reader(words) if reader else None) or Unknown(text)


def _ep(words: list[str]) -> Reply | None:
    if len(words) < 4:
        return None
    kind = END_POINTS.get(words[1].upper(), EndPoint.UNKNOWN)
    if kind is not EndPoint.UNKNOWN and words[2].isdecimal() and words[2].isascii() and len(words[2]) <= 4:
        return _ep_rest(words, 3, kind, int(words[2]), "")
    return _ep_rest(words, 2, EndPoint.UNKNOWN, 0, words[1])


def _ep_rest(words: list[str], at: int, kind: EndPoint, number: int, channel: str) -> Reply | None:
    if len(words) < at + 2:
        return None
    block = words[at].upper()
    if block == "NOTIFICATION":
        return EpNotification(kind, number, channel, words[at + 1].upper(), " ".join(words[at + 2 :]))
    return EpValue(kind, number, channel, block, words[at + 1].upper(), " ".join(words[at + 2 :]))


def _box(words: list[str]) -> Reply | None:
    if len(words) < 4:
        return None
    match words[2].upper(), words[3].upper():
        case "UNIT", word:
            return BoxValue(words[1], word, " ".join(words[4:]))
        case "PLINK", "END":
            return PlinkEnd(words[1])
        case "PLINK", position:
            return _plink(words, position)
    return None


def _plink(words: list[str], position: str) -> Reply | None:
    """Box and peripheral names hold no spaces (contracts.md), so a line has exactly nine words."""
    if len(words) != 9 or not FIGURE.fullmatch(position) or "." in position or words[8] not in ("0", "1"):
        return None
    return BoxPlink(
        words[1], int(position), Plink(words[4].upper()), words[4], words[5], words[6], words[7], words[8] == "1"
    )


def _version(words: list[str]) -> Reply | None:
    if len(words) < 4 or [word.upper() for word in words[2:4]] != ["FW", "1"]:
        return None
    return Version(words[1], words[4] if len(words) > 4 else "")


def _stack(words: list[str]) -> Reply | None:
    if len(words) < 3:
        return None
    if words[1].upper() == "NOTIFICATION":
        return StackNotification(Notice(words[2].upper()), " ".join(words[3:]))
    return StackName(" ".join(words[2:])) if words[1].upper() == "NAME" else None


def _gates(words: list[str]) -> Reply | None:
    """`GATEREPORT <box> 0 1 <digit> <bits>`."""
    if len(words) != 6 or not GATES.fullmatch(words[5]):
        return None
    return Gates(words[1], bits(words[5]))


def _beams(words: list[str]) -> Reply | None:
    """`BEAMREPORT <box> <n> 1 ... 48 <id> <bits> ...`: what stands before the first group is not known."""
    found = {
        words[at + 1]: bits(words[at + 2])
        for at in range(2, len(words) - 2)
        if words[at] == BMA360_CODE and ARRAY_ID.fullmatch(words[at + 1]) and BEAMS.fullmatch(words[at + 2])
    }
    return Beams(words[1], found) if found else None


def bits(text: str) -> tuple[bool, ...]:
    """The rightmost character is number 1 (devices.md 4.9)."""
    return tuple(character == "1" for character in reversed(text))


READERS = {
    "EP": _ep,
    "BOX": _box,
    "VERSION": _version,
    "STACK": _stack,
    "GATEREPORT": _gates,
    "BEAMREPORT": _beams,
}
