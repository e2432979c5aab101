"""What a device can be asked to do, and how often it may be asked (truth T20)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct

Repeat = Literal["safe", "never"]


class Verb(Struct, frozen=True):
    """`repeat`: a *never* verb that was started is not run again by anyone until reading back settles it (T21).
    `writes`: needs proof of the serial at the address first. `deadline_s`: how long the asker waits by default. `point`: what
    it writes when its arguments name no key; "" = no point, such a verb changes none itself."""

    name: str
    repeat: Repeat
    writes: bool = True
    deadline_s: float = 30.0
    point: str = ""

    def written(self, arguments: Mapping[str, Any]) -> str:
        """The key of the point it writes; "" for none."""
        return str(arguments.get("key", "")) if self is CONTROL else self.point


HANDS_OFF_MOST_MIN = 480
"""Whole minutes, 0 to this: a working day. 0 takes the line back."""

LOCATE = Verb("locate", "safe", point="unit.locate")
CONTROL = Verb("control", "safe")
REBOOT = Verb("reboot", "never", deadline_s=240.0)
HANDS_OFF = Verb("hands_off", "safe", writes=False)
REFRESH = Verb("refresh", "safe", writes=False)

VERBS = {verb.name: verb for verb in (LOCATE, CONTROL, REBOOT, HANDS_OFF, REFRESH)}


class CommandState(StrEnum):
    """accepted: the hub's row is committed. sent: the agent has it. The rest are ends; *uncertain* means it was started
    and nobody can tell how it ended. `done` means the device replied; what is true now is what the reading says."""

    ACCEPTED = "accepted"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    UNSUPPORTED = "unsupported"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"

    @property
    def ended(self) -> bool:
        return self not in (CommandState.ACCEPTED, CommandState.SENT)
