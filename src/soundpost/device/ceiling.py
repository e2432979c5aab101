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
_CONTROL = frozenset({"locate", "reboot", "hands_off", "ramp"})
_ENDS_A_CALL = frozenset({"hang_up", "reject", "hold"})


def needs(capability: str, arguments: Mapping[str, Any]) -> str:
    """The level a command needs. What nobody can tell beforehand (a macro, a room's configuration) may open a microphone."""
    if capability in _MONITOR:
        return MONITOR
    if capability in _CONTROL:
        return CONTROL
    if capability == "control":
        return MICROPHONES if _opens(str(arguments.get("key", "")), arguments.get("value")) else CONTROL
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


def _opens(key: str, value: object) -> bool:
    """A mute taken off. Any of them: what stands behind a fader may be a microphone as well as music."""
    return key.rsplit(".", 1)[-1] == "mute" and value is not True
