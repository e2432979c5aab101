"""End point parameters as rows: block, word, who has it, range, step, how it is written (devices.md 2, 4.1, 4.2)."""

import math
from dataclasses import dataclass

LEVEL_TYPES = frozenset(
    {
        "MIC",
        "BFM",
        "USB_RX",
        "USB_TX",
        "TELCO_RX",
        "TELCO_TX",
        "VOIP_RX",
        "VOIP_TX",
        "OUTPUT",
        "SPEAKER",
        "PROC",
        "FADER",
    }
)
MICS, OUTPUTS, PROCS = frozenset({"MIC"}), frozenset({"OUTPUT"}), frozenset({"PROC"})
BEAMS, GENERATORS = frozenset({"BFM"}), frozenset({"SGEN"})
ANALOG, AGENTS = frozenset({"TELCO_RX"}), frozenset({"UA"})
BLOCK_CODES = {"1": "LEVEL", "2": "SETTINGS", "4": "NOTIFICATION", "12": "SIG_GEN"}
PARAMETER_CODES = {
    ("LEVEL", "1"): "GAIN",
    ("LEVEL", "2"): "MUTE",
    ("LEVEL", "7"): "MAX_GAIN",
    ("LEVEL", "8"): "MIN_GAIN",
}


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """`step` 0 means whole numbers written without a decimal; `relative` allows REL, `toggle` allows 2.

    Compared by identity, so that it is a cheap part of a key.
    """

    block: str
    name: str
    types: frozenset[str]
    low: float
    high: float
    step: float = 0.0
    default: float = 0.0
    relative: bool = False
    toggle: bool = False

    def text(self, value: float, decimals: int = 1) -> str:
        return f"{value:.{decimals}f}" if self.step else str(int(value))

    def fits(self, value: float) -> bool:
        return self.low <= value <= self.high and (self.step != 0 or value == int(value))

    def on_step(self, value: float) -> float:
        """The nearest value a write can lead to; -0.0 becomes 0.0, which a device would never print."""
        return round(value / self.step) * self.step + 0.0 if self.step else value


def _decibels(
    block: str, name: str, types: frozenset[str], low: float = -65.0, high: float = 20.0, **more: float
) -> Parameter:
    return Parameter(block, name, types, low, high, 0.5, more.get("default", 0.0), bool(more.get("relative", 0)))


def _whole(
    block: str, name: str, types: frozenset[str], high: float = 1, low: float = 0, default: float = 0
) -> Parameter:
    return Parameter(block, name, types, low, high, default=default)


_ROWS = (
    _decibels("LEVEL", "GAIN", LEVEL_TYPES, relative=1),
    Parameter("LEVEL", "MUTE", LEVEL_TYPES, 0, 1, toggle=True),
    _decibels("LEVEL", "MIN_GAIN", LEVEL_TYPES, default=-65.0),
    _decibels("LEVEL", "MAX_GAIN", LEVEL_TYPES, default=20.0),
    _decibels("LEVEL", "GAIN_FINE", MICS, relative=1),
    _whole("LEVEL", "GAIN_COARSE", MICS, 56),
    _whole("LEVEL", "PHAN_PWR", MICS),
    _whole("LEVEL", "MICLINE", OUTPUTS),
    _whole("LEVEL", "POLARITY", OUTPUTS),
    _decibels("COMPRESSOR", "POST_GAIN", PROCS, 0.0, 20.0),
    _whole("GRAPHICEQ", "ENABLE", OUTPUTS),
    *(_decibels("GRAPHICEQ", f"GAIN_{band}", OUTPUTS, -12.0, 12.0) for band in range(1, 11)),
    _whole("SIG_GEN", "ENABLE", GENERATORS),
    _whole("BF", "BF_MODE", BEAMS, 4, 1, 1),
    _whole("BF", "BF_LED", BEAMS),
    *(_whole("BF", f"ZONE_{zone}", BEAMS, default=1) for zone in range(1, 13)),
    _whole("SETTINGS", "AUTO_ANSWER_RINGS", ANALOG, 99),
    _whole("SETTINGS", "RING_ENABLE", ANALOG, default=1),
    _whole("SETTINGS", "AUTO_DISCONNECT_MODE", ANALOG, 9, default=3),
    _whole("SETTINGS", "AUTO_ANSWER", AGENTS),
    _whole("KEY", "KEY_DO_NOT_DISTURB", AGENTS),
    _whole("KEY", "KEY_FORWARD", AGENTS, 3),
)
PARAMETERS = {(row.block, row.name): row for row in _ROWS}


# Words, not numbers: parameter names that clients expect and whose forms nobody published (4.1, 4.3).
TEXTS = {("LEVEL", "LABEL"): LEVEL_TYPES, ("SETTINGS", "LOCAL_NUMBER"): ANALOG}


def block_of(word: str) -> str:
    return BLOCK_CODES.get(word, word.upper())


def find(block: str, name: str) -> Parameter | None:
    """By words or by codes, in any case; numeric codes are known for LEVEL only."""
    block = block_of(block)
    return PARAMETERS.get((block, PARAMETER_CODES.get((block, name), name.upper())))


def number(text: str) -> float | None:
    """A plain decimal number, or None; Python's own extras (`nan`, `1_0`, `1e3`) are no numbers on this wire."""
    if text.strip("+-.0123456789"):
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
