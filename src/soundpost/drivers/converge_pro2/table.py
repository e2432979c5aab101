"""The vocabulary as rows: each parameter of an end point that is a point, how it is read and written, and who says so.

`grade` names the sources of devices.md (M manual, P field-tested client, F project file, E tested third-party driver; I is
an inference). A row with a `switch` is assumed: the point says so wherever it is shown, and the switch turns it off.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from soundpost.device.model import Group, PointType, Value
from soundpost.drivers.converge_pro2 import assumed, replies, telephone, words

GAIN_MIN, GAIN_MAX, GAIN_STEP = -65.0, 20.0, 0.5
NUMBER, BOOL, STRING = PointType.NUMBER, PointType.BOOL, PointType.STRING

EVIDENCED_LEVELS = (
    "MIC",
    "BFM",
    "TELCO_RX",
    "TELCO_TX",
    "VOIP_RX",
    "VOIP_TX",
    "OUTPUT",
    "SPEAKER",
    "PROC",
    "FADER",
)
USB = ("USB_RX", "USB_TX")


class Row(Struct, frozen=True):
    """`write` is None for what can only be read. `answer` is the block its answer names, when not its own. `of`: not asked
    for, the parameter of that name tells it too, or (where no question is known) a notification."""

    types: tuple[str, ...]
    block: str
    parameter: str
    says: str
    type: PointType
    read: Callable[[str], Value | None]
    grade: str
    group: Group = Group.SETTINGS
    write: Callable[[float], str] | None = None
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    switch: str = ""
    answer: str = ""
    of: str = ""


def _gain(types: Iterable[str], parameter: str, says: str, grade: str, group: Group, switch: str = "") -> Row:
    return Row(
        tuple(types),
        "LEVEL",
        parameter,
        says,
        NUMBER,
        replies.decibels,
        grade,
        group,
        words.decibels,
        "dB",
        GAIN_MIN,
        GAIN_MAX,
        GAIN_STEP,
        switch,
    )


def _bit(
    types: tuple[str, ...],
    block: str,
    parameter: str,
    says: str,
    grade: str,
    group: Group = Group.SETTINGS,
    switch: str = "",
) -> Row:
    return Row(types, block, parameter, says, BOOL, replies.bit, grade, group, words.bit, switch=switch)


def _whole(
    types: tuple[str, ...],
    block: str,
    parameter: str,
    says: str,
    grade: str,
    most: tuple[float, float],
    group: Group = Group.SETTINGS,
    switch: str = "",
    unit: str = "",
) -> Row:
    least, top = most
    return Row(
        types,
        block,
        parameter,
        says,
        NUMBER,
        replies.whole,
        grade,
        group,
        words.whole,
        unit,
        least,
        top,
        1.0,
        switch,
    )


def _decibels(
    types: tuple[str, ...], block: str, parameter: str, says: str, span: tuple[float, float], switch: str
) -> Row:
    low, high = span
    read, write, grade = replies.decibels, words.decibels, "EI" if switch else "E"
    return Row(types, block, parameter, says, NUMBER, read, grade, Group.SETTINGS, write, "dB", low, high, 0.1, switch)


def _told(
    types: tuple[str, ...],
    parameter: str,
    says: str,
    type: PointType,
    read: Callable[[str], Value | None],
    grade: str,
) -> Row:
    return Row(types, "INQUIRE", parameter, says, type, read, grade, Group.STATUS)


_LEVELS = (
    _gain(EVIDENCED_LEVELS, "GAIN", "gain", "PEF", Group.LEVELS),
    _bit(EVIDENCED_LEVELS, "LEVEL", "MUTE", "mute", "PEM", Group.LEVELS),
    _gain(USB, "GAIN", "gain", "I", Group.LEVELS, "usb_level"),
    _bit(USB, "LEVEL", "MUTE", "mute", "I", Group.LEVELS, "usb_level"),
    _gain(EVIDENCED_LEVELS, "MAX_GAIN", "highest gain", "PF", Group.SETTINGS),
    _gain(EVIDENCED_LEVELS, "MIN_GAIN", "lowest gain", "PF", Group.SETTINGS),
    _gain(USB, "MAX_GAIN", "highest gain", "I", Group.SETTINGS, "usb_level"),
    _gain(USB, "MIN_GAIN", "lowest gain", "I", Group.SETTINGS, "usb_level"),
    _whole(("MIC",), "LEVEL", "GAIN_COARSE", "coarse gain", "EI", (0, 56), switch="mic_preamp", unit="dB"),
    _gain(("MIC",), "GAIN_FINE", "fine gain", "EMI", Group.SETTINGS, "mic_preamp"),
    _bit(("MIC",), "LEVEL", "PHAN_PWR", "phantom power", "EI", switch="mic_preamp"),
    _bit(("OUTPUT",), "LEVEL", "MICLINE", "at microphone level", "EI", switch="output_settings"),
    _bit(("OUTPUT",), "LEVEL", "POLARITY", "polarity reversed", "EI", switch="output_settings"),
)

BANDS = range(1, 11)
ZONES = range(1, 13)
_BLOCKS = (
    _bit(("OUTPUT",), "GRAPHICEQ", "ENABLE", "equalizer", "EI", switch="output_settings"),
    *(
        _decibels(("OUTPUT",), "GRAPHICEQ", f"GAIN_{band}", f"equalizer band {band}", (-12, 12), "output_settings")
        for band in BANDS
    ),
    _decibels(("PROC",), "COMPRESSOR", "POST_GAIN", "compressor gain", (0, 20), ""),
    _bit(("SGEN",), "SIG_GEN", "ENABLE", "on", "PE"),
    _whole(("BFM",), "BF", "BF_MODE", "mode (1 auto, 2 ceiling, 3 wall, 4 table)", "E", (1, 4)),
    _bit(("BFM",), "BF", "BF_LED", "mute light", "E"),
    *(_bit(("BFM",), "BF", f"ZONE_{zone}", f"zone {zone}", "E") for zone in ZONES),
)

LINE, DIALER = ("TELCO_RX",), ("UA",)
_TELEPHONES = (
    _told(LINE, "HOOK", "off hook", BOOL, replies.bit, "EP"),
    _told(LINE, "CALLER_ID", "caller", STRING, telephone.caller_id, "E"),
    _told(LINE, "DIRECTION", "call direction", STRING, telephone.direction, "E"),
    _whole(
        LINE, "SETTINGS", "AUTO_ANSWER_RINGS", "auto answer after rings (0 off)", "PI", (0, 20), switch="phone_settings"
    ),
    _bit(LINE, "SETTINGS", "RING_ENABLE", "ringing", "PI", switch="phone_settings"),
    Row(
        DIALER,
        "INQUIRE",
        "ACTIVE_PARTIES",
        "call state",
        STRING,
        telephone.readable,
        "PE",
        Group.STATUS,
        answer="INQUIRE_RESULT",
    ),
    Row(DIALER, "INQUIRE", "HOOK", "off hook", BOOL, replies.bit, "PE", Group.STATUS, of="ACTIVE_PARTIES"),
    Row(
        DIALER,
        "INQUIRE",
        "CALLER_ID",
        "other party",
        STRING,
        telephone.caller_id,
        "PE",
        Group.STATUS,
        of="ACTIVE_PARTIES",
    ),
    Row(
        DIALER,
        "INQUIRE",
        "DIRECTION",
        "call direction",
        STRING,
        telephone.direction,
        "I",
        Group.STATUS,
        switch="call_direction",
        of="ACTIVE_PARTIES",
    ),
    Row(
        DIALER,
        "NOTIFICATION",
        "REGISTERED",
        "registered",
        BOOL,
        telephone.registered,
        "PI",
        Group.STATUS,
        switch="registration",
        of="REG_SUCCEED",
    ),
    _bit(DIALER, "KEY", "KEY_DO_NOT_DISTURB", "do not disturb", "PE", Group.LEVELS),
    _whole(
        DIALER,
        "KEY",
        "KEY_FORWARD",
        "forwarding (0 off, 1 all, 2 busy, 3 no answer)",
        "E",
        (0, 3),
        Group.LEVELS,
    ),
    _bit(DIALER, "SETTINGS", "AUTO_ANSWER", "auto answer", "PI", switch="phone_settings"),
)

ROWS: tuple[Row, ...] = _LEVELS + _BLOCKS + _TELEPHONES


ENDS = {(row.answer or row.block, row.parameter): f".{row.block}.{row.parameter}".lower() for row in ROWS if not row.of}
"""How the keys of the points end that a block and a parameter are about, of whatever end point."""


def rows(ept: str) -> list[Row]:
    """Those of one end point type, without what is switched off."""
    return [row for row in ROWS if ept in row.types and (not row.switch or assumed.on(row.switch))]
