"""Which end points each model has (devices.md 9). Input counts are evidenced; outputs and the rest are assumptions."""

from collections.abc import Iterator
from functools import cache, lru_cache

LEVEL_TYPES = {
    "MIC": "Mic/line input",
    "BFM": "Beamforming microphone",
    "USB_RX": "USB receive",
    "USB_TX": "USB send",
    "TELCO_RX": "Phone line receive",
    "TELCO_TX": "Phone line send",
    "VOIP_RX": "VoIP receive",
    "VOIP_TX": "VoIP send",
    "OUTPUT": "Output",
    "SPEAKER": "Speaker",
    "PROC": "Processing block",
    "FADER": "Fader",
}
"""Every end point type with a LEVEL block, and what people call it (devices.md 3.1)."""
TYPES = LEVEL_TYPES | {"UA": "VoIP dialer", "SGEN": "Signal generator"}

SIGN = {"UA": ("KEY", "KEY_DO_NOT_DISTURB"), "SGEN": ("SIG_GEN", "ENABLE")}
"""Which parameter proves that an end point exists, where LEVEL MUTE can't."""

MOST_PROBED = {"MIC": 12, "OUTPUT": 12, "UA": 1, "SGEN": 1}
MOST_PROBED_ELSE = 8
BOX_SIGNS = ("MIC", "OUTPUT", "PROC")
"""A box number none of whose first end points of these types answers does not exist."""
MOST_BOXES = 9

_COMMON = {"PROC": 8, "FADER": 8, "USB_RX": 2, "USB_TX": 2, "SGEN": 1}
_VOIP = {"VOIP_RX": 1, "VOIP_TX": 1, "UA": 1}
_TELCO = {"TELCO_RX": 1, "TELCO_TX": 1}
_BIG = {"MIC": 12, "OUTPUT": 8} | _COMMON
_SMALL = {"MIC": 4, "OUTPUT": 8} | _COMMON

MODELS: dict[str, dict[str, int]] = {
    "128V": _BIG | _VOIP,
    "128VD": _BIG | _VOIP,
    "128VT": _BIG | _VOIP | _TELCO,
    "128TD": _BIG | _TELCO,
    "128D": _BIG,
    "128SR": _BIG,
    "128SRD": _BIG,
    "120": {"MIC": 12} | _COMMON,
    "48V": _SMALL | _VOIP,
    "48VT": _SMALL | _VOIP | _TELCO,
    "48T": _SMALL | _TELCO,
    "HUDDLE": {"MIC": 3, "OUTPUT": 2, "SPEAKER": 2, "PROC": 2, "FADER": 2, "USB_RX": 2, "USB_TX": 2},
}


EndPoints = tuple[tuple[str, int], ...]
"""(type, channel) of a box; the same tuple for all boxes that have the same."""


def end_points(model: str) -> EndPoints | None:
    """None when this table doesn't know the model and the box must be asked."""
    return _end_points(model.upper()) if model.upper() in MODELS else None


@cache
def _end_points(model: str) -> EndPoints:
    return tuple((ept, channel) for ept, n in MODELS[model].items() for channel in range(1, n + 1))


@lru_cache(512)
def with_arrays(listed: EndPoints, arrays: int) -> EndPoints:
    """And the end points so many beamforming arrays bring."""
    return (*listed, *(("BFM", n) for n in range(1, arrays + 1) if ("BFM", n) not in listed))


def candidates() -> Iterator[tuple[str, range]]:
    """What is worth asking a box of an unknown model: per type, channels until one is refused."""
    for ept in TYPES:
        yield ept, range(1, MOST_PROBED.get(ept, MOST_PROBED_ELSE) + 1)
