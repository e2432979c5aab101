"""The points a stack has: the table's rows at each end point, and what a box and an array tell besides."""

import sys
from collections.abc import Callable, Mapping
from functools import cache

from msgspec import Struct

from soundpost.device.model import Descriptor, Group, PointType, Value
from soundpost.drivers.converge_pro2 import replies, words
from soundpost.drivers.converge_pro2.models import TYPES
from soundpost.drivers.converge_pro2.table import Row, rows
from soundpost.wire.dialogue import Request, reading, writing


class Address(Struct, frozen=True):
    """One parameter of one end point. `number` is the wire's BNN. Shared by all stacks: there are only so many."""

    type: str
    number: int
    row: Row
    key: str
    descriptor: Descriptor
    question: Request

    @property
    def index(self) -> tuple[str, int, str, str]:
        return self.type, self.number, self.row.answer or self.row.block, self.row.parameter

    def order(self, value: Value) -> Request:
        """`value` was checked against the descriptor before."""
        assert self.row.write is not None and not isinstance(value, str)
        said = self.row.write(value)
        return writing(words.end_point(self.type, self.number, self.row.block, self.row.parameter, said))

    def same(self, one: Value | None, other: Value) -> bool:
        """Equal as far as the wire's decimals can tell."""
        if isinstance(one, bool | str | None) or isinstance(other, bool | str):
            return one == other
        return abs(one - other) < (self.row.step or 0.1) / 4


def _address(ept: str, number: int, row: Row) -> Address:
    key = f"{ept}.{number}.{row.block}.{row.parameter}".lower()
    # Channel 3 is called so on every box.
    label = sys.intern(f"{TYPES[ept]} {number % 100} {row.says}")
    descriptor = Descriptor(
        key,
        row.type,
        label,
        row.unit,
        row.group,
        row.write is not None,
        bool(row.switch),
        row.minimum,
        row.maximum,
        row.step,
    )
    line = words.end_point(ept, number, row.block, row.parameter)
    answer = words.end_point(ept, number, row.answer or row.block, row.parameter)
    return Address(ept, number, row, key, descriptor, Request(line, reading(answer).prefix))


@cache
def _addresses(ept: str, number: int) -> tuple[Address, ...]:
    """Of one end point; boxes of different models share it."""
    return tuple(_address(ept, number, row) for row in rows(ept))


class Points(Struct, frozen=True, eq=False):
    """The points of the end points of one box. `polled`: what is asked for, with the keys the same answer tells besides. Made once
    for each shape (`points`), so that it is the same only as itself."""

    descriptors: tuple[Descriptor, ...]
    by_key: Mapping[str, Address]
    by_words: Mapping[tuple[str, int, str, str], Address]
    polled: tuple[tuple[Address, tuple[str, ...]], ...]


@cache
def points(box: int, end_points: tuple[tuple[str, int], ...]) -> Points:
    """By (type, channel). Boxes of one model and number share it."""
    made = [address for ept, channel in end_points for address in _addresses(ept, box * 100 + channel)]
    also: dict[tuple[str, int, str], list[str]] = {}
    for one in made:
        also.setdefault((one.type, one.number, one.row.of), []).append(one.key)
    return Points(
        tuple(one.descriptor for one in made),
        {one.key: one for one in made},
        {one.index: one for one in made},
        tuple((one, tuple(also.get((one.type, one.number, one.row.parameter), ()))) for one in made if not one.row.of),
    )


# What a box tells of itself


class UnitPoint(Struct, frozen=True):
    """A word of `BOX <name> UNIT`; all of them are assumed (assumed.md, row `switch`): grade A."""

    key: str
    word: str
    label: str
    type: PointType
    group: Group
    read: Callable[[str], Value | None]
    switch: str
    unit: str = ""

    @property
    def descriptor(self) -> Descriptor:
        return Descriptor(self.key, self.type, self.label, self.unit, self.group, assumed=True)


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

# What reports tell

BEAMS_OF_ARRAY = 12


@cache
def gates(box: int, channels: int) -> tuple[Descriptor, ...]:
    """One per microphone channel; evidenced, but only for a box that tells its name."""
    return tuple(
        Descriptor(
            f"mic.{box * 100 + n}.gatereport.open", PointType.BOOL, f"{TYPES['MIC']} {n} gate open", "", Group.LEVELS
        )
        for n in range(1, channels + 1)
    )


@cache
def beams(array: str) -> tuple[Descriptor, ...]:
    """One per beam. Which array has which number is assumed."""
    return tuple(
        Descriptor(
            f"bma360.{array}.beamreport.beam_{n}", PointType.BOOL, f"Beam {n} active", "", Group.LEVELS, assumed=True
        )
        for n in range(1, BEAMS_OF_ARRAY + 1)
    )


# What can't be written


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
        text = f"{descriptor.label} takes {low:g} to {high:g} {descriptor.unit}".rstrip()
        return "out_of_range", f"{text}, not {value:g}."
    if step and abs(value / step - round(value / step)) > 1e-6:
        text = f"{descriptor.label} moves in steps of {step:g} {descriptor.unit}".rstrip()
        return "off_step", f"{text}; {value:g} lies between two."
    return None
