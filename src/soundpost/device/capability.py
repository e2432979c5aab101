"""What a device can be asked to do, what such an order must say, and how often it may be asked (truth T20)."""

import math
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct, field

Repeat = Literal["safe", "never"]
WORD = r"[^\s\x00-\x1f\x7f-\x9f\ufffd]{1,64}"
"""One word of a device's own naming: a channel, a macro, a room."""
END_POINT = r"[a-z_]{2,12}\.[1-9][0-9]{2}"
"""The first two segments of a point's key: `fader.302`."""


class Argument(Struct, frozen=True):
    """One thing an order says. `choices` maps each allowed word to the further arguments that word needs; an argument that
    only some choice needs is refused beside any other."""

    name: str
    type: Literal["bool", "number", "whole", "text", "choice"]
    says: str
    needed: bool = True
    least: float = -math.inf
    most: float = math.inf
    pattern: str = WORD
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def fits(self, value: object) -> bool:
        match self.type:
            case "bool":
                return isinstance(value, bool)
            case "number" | "whole":
                number = isinstance(value, int | float) and not isinstance(value, bool)
                return number and self._in_range(value)  # type: ignore[arg-type]
            case "text":
                return isinstance(value, str) and re.fullmatch(self.pattern, value) is not None
        return isinstance(value, str) and value in self.choices

    def _in_range(self, value: float) -> bool:
        whole = self.type != "whole" or value == int(value) if math.isfinite(value) else False
        return whole and self.least <= value <= self.most


class Verb(Struct, frozen=True):
    """`repeat`: a *never* verb that was started is not run again by anyone until reading back settles it (T21).
    `writes`: needs proof of the serial at the address first. `deadline_s`: how long the asker waits by default. `point`: what
    it writes when its arguments name no key, `{name}` standing for the argument of that name; "" = no point, such a verb
    changes none itself. `takes`: its arguments, where `misfit` is to judge them."""

    name: str
    repeat: Repeat
    writes: bool = True
    deadline_s: float = 30.0
    point: str = ""
    takes: tuple[Argument, ...] = ()

    def written(self, arguments: Mapping[str, Any]) -> str:
        """The key of the point it writes; "" for none."""
        if self is CONTROL:
            return str(arguments.get("key", ""))
        named = re.findall(r"{(\w+)}", self.point)
        if any(name not in arguments for name in named):
            return ""
        return re.sub(r"{(\w+)}", lambda found: str(arguments[found[1]]), self.point)

    def misfit(self, arguments: Mapping[str, Any]) -> tuple[str, str] | None:
        """The first argument that is wrong, missing or too many, and a sentence for a person; None when all fit."""
        wanted = self._wanted(arguments)
        for name in arguments:
            if name not in wanted:
                return name, f"The argument {name} is not taken here."
        for argument in wanted.values():
            given = argument.name in arguments
            if (argument.needed and not given) or (given and not argument.fits(arguments[argument.name])):
                return argument.name, f"The argument {argument.name} is {argument.says}."
        return None

    def _wanted(self, arguments: Mapping[str, Any]) -> dict[str, Argument]:
        """Those without a condition, and those the words chosen bring with them."""
        brought = {name for argument in self.takes for names in argument.choices.values() for name in names}
        chosen = {
            name
            for argument in self.takes
            if argument.type == "choice" and argument.fits(arguments.get(argument.name))
            for name in argument.choices[arguments[argument.name]]
        }
        return {a.name: a for a in self.takes if a.name not in brought or a.name in chosen}


HANDS_OFF_MOST_MIN = 480
"""Whole minutes, 0 to this: a working day. 0 takes the line back."""

ACTS: dict[str, tuple[str, ...]] = {
    "call": ("number",),
    "answer": (),
    "hang_up": (),
    "redial": (),
    "flash": (),
    "dtmf": ("digits",),
    "reject": ("line",),
    "party": ("line",),
    "hold": (),
    "resume": (),
    "transfer": (),
    "blind_transfer": (),
    "conference": (),
    "conference_add": ("line",),
}
CROSSPOINTS: dict[str, tuple[str, ...]] = {"normal": (), "gated": (), "non_gated": (), "pre_aec": ()}
MOST_DIGITS = 32

LOCATE = Verb("locate", "safe", point="unit.locate")
CONTROL = Verb("control", "safe")
REBOOT = Verb("reboot", "never", deadline_s=240.0)
HANDS_OFF = Verb("hands_off", "safe", writes=False)
REFRESH = Verb("refresh", "safe", writes=False)
RAMP = Verb(
    "ramp",
    "safe",
    point="{end_point}.level.gain",
    takes=(
        Argument("end_point", "text", "an end point such as fader.302", pattern=END_POINT),
        Argument("target", "number", "the gain to end at, -65 to 20 dB", least=-65.0, most=20.0),
        Argument("step", "number", "how fast: dB per second, 0.1 to 100", least=0.1, most=100.0),
    ),
)
MACRO = Verb("macro", "never", takes=(Argument("name", "text", "a macro's name, one word, written exactly"),))
ROOM = Verb(
    "room",
    "never",
    takes=(
        Argument("room", "whole", "the room's number, 1 to 99999", least=1, most=99_999),
        Argument("sub_room", "text", "the sub-room's name, one word"),
        Argument("configuration", "text", "the configuration's name, one word"),
    ),
)
CROSSPOINT = Verb(
    "crosspoint",
    "safe",
    takes=(
        Argument("input", "text", "the input channel's name, one word"),
        Argument("output", "text", "the output channel's name, one word"),
        Argument("on", "bool", "true (connect) or false (disconnect)"),
        Argument("type", "choice", f"one of {', '.join(CROSSPOINTS)}", choices=CROSSPOINTS),
    ),
)
TELEPHONE = Verb(
    "telephone",
    "never",
    takes=(
        Argument("end_point", "text", "a telephone such as ua.101 or telco_rx.101", pattern=END_POINT),
        Argument("act", "choice", f"one of {', '.join(ACTS)}", choices=ACTS),
        Argument("number", "text", "a number or SIP address without spaces", pattern=r"[0-9A-Za-z*#+@.:_-]{1,64}"),
        Argument("digits", "text", f"1 to {MOST_DIGITS} of 0-9 * #", pattern=rf"[0-9*#]{{1,{MOST_DIGITS}}}"),
        Argument("line", "whole", "a party line, 1 to 5", least=1, most=5),
    ),
)
"""Never repeated: a second dial, hook or tone is another call, not the same one."""

VERBS = {
    verb.name: verb for verb in (LOCATE, CONTROL, REBOOT, HANDS_OFF, REFRESH, RAMP, MACRO, ROOM, CROSSPOINT, TELEPHONE)
}


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
