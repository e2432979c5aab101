"""The most a site lets a hub do, whatever its people may do there; pure.

The site's own people choose it at the Local Agent, and the agent keeps it: a hub that is taken over can't lift it.
"""

from collections.abc import Mapping
from typing import Any

MONITOR, CONTROL, CONFIGURATION, MICROPHONES = "monitor", "control", "configuration", "microphones"
LEVELS = (MONITOR, CONTROL, CONFIGURATION, MICROPHONES)
"""Each holds those before it. `configuration`: firmware and configurations as well; `microphones`: everything, also what may let somebody
listen to a room."""

_MONITOR = frozenset({"refresh"})
_CONTROL = frozenset({"locate", "reboot", "hands_off"})
_ENDS_A_CALL = frozenset({"hang_up", "reject", "hold"})
_PLAYS = frozenset({"output", "speaker", "telco_rx", "voip_rx", "usb_rx"})
"""End points that sound in the room itself: a gain there lets nobody listen to it."""
_SHAPES = frozenset({"graphiceq", "sig_gen"})
_HARMLESS = frozenset({"polarity", "ring_enable"})
QUIET_DB = -30.0
"""A gain below it is as good as a mute: whoever lifts it over this opens what stands behind."""


def needs(capability: str, arguments: Mapping[str, Any], now: object = None) -> str:
    """The level a command needs. `now`: what the point it writes was read as last, None = nobody knows. What nobody can tell beforehand (a
    macro, a room's configuration), and a point of which nobody said that it is harmless, may open a microphone."""
    if capability in _MONITOR:
        return MONITOR
    if capability in _CONTROL:
        return CONTROL
    if capability == "control":
        return CONTROL if _closed(str(arguments.get("key", "")), arguments.get("value"), now) else MICROPHONES
    if capability == "ramp":
        return (
            CONTROL
            if _closed(f"{arguments.get('end_point')}.level.gain", arguments.get("target"), now)
            else MICROPHONES
        )
    if capability == "crosspoint":
        return MICROPHONES if arguments.get("on") else CONTROL
    if capability == "telephone":
        return CONTROL if arguments.get("act") in _ENDS_A_CALL else MICROPHONES
    return MICROPHONES if capability in ("macro", "room") else CONFIGURATION


def allows(ceiling: str, needed: str) -> bool:
    """A ceiling nobody told, or one of a newer version, allows nothing more than it says: an unknown word allows monitoring alone."""
    if not ceiling:
        return True
    return _rank(ceiling) >= LEVELS.index(needed)


def _rank(ceiling: str) -> int:
    return LEVELS.index(ceiling) if ceiling in LEVELS else 0


def _closed(key: str, value: object, now: object) -> bool:
    """Whether what was closed stays closed. Any mute and any gain towards others: what stands behind a fader may be a microphone as well
    as music."""
    kind, block, word = key.split(".", 1)[0], key.rsplit(".", 2)[-2:-1], key.rsplit(".", 1)[-1]
    if word == "mute" or word == "key_do_not_disturb":
        return value is True
    if word.startswith("zone_") or kind == "bfzone":
        return value is False
    if word == "gain":
        return kind in _PLAYS or _stays_quiet(value, now)
    return word in _HARMLESS or bool(_SHAPES & {*block})


def _stays_quiet(value: object, now: object) -> bool:
    if not isinstance(value, int | float):
        return False
    return value <= QUIET_DB or (isinstance(now, int | float) and (now > QUIET_DB or value <= now))
