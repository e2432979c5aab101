"""The table of points: which question reads a point, how its value is read, and what a person sees of it."""

from collections.abc import Callable

from msgspec import Struct

from soundpost.device.model import Descriptor, Group, PointType, Value
from soundpost.drivers.converge_pro2 import replies, words
from soundpost.drivers.converge_pro2.models import LEVEL_TYPES

GAIN_MIN, GAIN_MAX, GAIN_STEP = -65.0, 20.0, 0.5


class LevelPoint(Struct, frozen=True):
    """A parameter every end point with a LEVEL block has."""

    parameter: str
    type: PointType
    read: Callable[[str], Value | None]
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None


class UnitPoint(Struct, frozen=True):
    """A word of `BOX <name> UNIT`; all of them are assumed (assumed.md, row `switch`)."""

    key: str
    word: str
    label: str
    type: PointType
    group: Group
    read: Callable[[str], Value | None]
    switch: str
    unit: str = ""


LEVEL_POINTS = {
    "GAIN": LevelPoint("GAIN", PointType.NUMBER, replies.decibels, "dB", GAIN_MIN, GAIN_MAX, GAIN_STEP),
    "MUTE": LevelPoint("MUTE", PointType.BOOL, replies.bit),
}

UNIT_POINTS = (
    UnitPoint(
        "unit.temperature", "TEMP", "Temperature", PointType.NUMBER, Group.STATUS, replies.figure, "health", "Cel"
    ),
    UnitPoint("unit.uptime", "UPTIME", "Uptime", PointType.NUMBER, Group.STATUS, replies.figure, "health", "s"),
    UnitPoint("unit.cpu", "CPU", "Processor load", PointType.NUMBER, Group.STATUS, replies.figure, "health", "%"),
    UnitPoint("unit.locate", "LOCATE", "Locate light", PointType.BOOL, Group.STATUS, replies.bit, "locate"),
    UnitPoint("unit.firmware", "FW", "Firmware", PointType.STRING, Group.FACTS, lambda text: text or None, "box_facts"),
)
UNIT_BY_WORD = {point.word: point for point in UNIT_POINTS}

STACK_FIRMWARE = Descriptor("unit.firmware", PointType.STRING, "Firmware", "", Group.FACTS)


class LevelAddress(Struct, frozen=True):
    """`number` is the wire's BNN."""

    type: str
    number: int
    parameter: str

    @property
    def key(self) -> str:
        return f"{self.type}.{self.number}.level.{self.parameter}".lower()

    @property
    def question(self) -> str:
        return words.level(self.type, self.number, self.parameter)

    def order(self, value: Value) -> str:
        """`value` was checked against the descriptor before."""
        if self.parameter == "MUTE":
            return words.write_mute(self.type, self.number, bool(value))
        return words.write_gain(self.type, self.number, float(value))

    def descriptor(self) -> Descriptor:
        point = LEVEL_POINTS[self.parameter]
        label = f"{LEVEL_TYPES[self.type]} {self.number % 100} {self.parameter.lower()}"
        return Descriptor(
            self.key, point.type, label, point.unit, Group.LEVELS, True, False, point.minimum, point.maximum, point.step
        )


def unit_descriptor(point: UnitPoint) -> Descriptor:
    return Descriptor(point.key, point.type, point.label, point.unit, point.group, assumed=True)


def unfit(descriptor: Descriptor, value: object) -> tuple[str, str] | None:
    """Why a value can't be written there: a stable code and a sentence; None when it can."""
    if not descriptor.writable:
        return "not_writable", f"{descriptor.label} can only be read."
    if descriptor.type == PointType.BOOL:
        return None if isinstance(value, bool) else ("wrong_type", f"{descriptor.label} takes true or false.")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "wrong_type", f"{descriptor.label} takes a number."
    low, high, step = descriptor.minimum, descriptor.maximum, descriptor.step
    if low is not None and high is not None and not low <= value <= high:
        return "out_of_range", f"{descriptor.label} takes {low:g} to {high:g} {descriptor.unit}, not {value:g}."
    if step and not (value / step).is_integer():
        return (
            "off_step",
            f"{descriptor.label} moves in steps of {step:g} {descriptor.unit}; {value:g} lies between two.",
        )
    return None


def same(one: Value | None, other: Value) -> bool:
    """Equal as far as the wire's one or two decimals can tell."""
    if isinstance(one, bool) or isinstance(other, bool) or isinstance(one, str | None) or isinstance(other, str):
        return one == other
    return abs(one - other) < GAIN_STEP / 4
