"""What is asked of a stack again and again. Of a thousand boxes of one model most of it is the same, so nothing is kept of a
poll here: it is made when it is asked."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import overload

from msgspec import Struct

from soundpost.device.model import Group
from soundpost.drivers.converge_pro2 import assumed, words
from soundpost.drivers.converge_pro2.points import STACK_FIRMWARE, UNIT_POINTS, Points, UnitPoint, beams
from soundpost.drivers.converge_pro2.reading import VERSION, BoxRead
from soundpost.drivers.converge_pro2.unit import STACK, gate_points, peripheral_part, points_of
from soundpost.transport.talk import Outline, Outlined, Poll
from soundpost.wire.dialogue import Request, reading

Shape = tuple[tuple[UnitPoint, ...], bool, bool, int, Points]
"""Of a box's section, whatever its box and its arrays are called."""


class Section(Struct, frozen=True):
    """The polls of one box, in this order: what it tells of itself (`unit`), its peripherals, its gates, its arrays' beams (`part`
    and number of each; each asks for itself, so that each is covered, though one report tells of all on its box), its end points."""

    part: str
    name: str
    unit: tuple[UnitPoint, ...]
    plinks: bool
    gates: tuple[str, ...]
    arrays: tuple[tuple[str, str], ...]
    points: Points

    heads: int
    """Those before its end points."""

    @property
    def size(self) -> int:
        return self.heads + len(self.points.polled)

    @property
    def shape(self) -> "Shape":
        return self.unit, self.plinks, bool(self.gates), len(self.arrays), self.points

    def same(self, other: "Section") -> bool:
        """Points are shared, and comparing what is in them would take a while."""
        return self.points is other.points and _but_points(self) == _but_points(other)

    def poll(self, index: int) -> Poll:
        if index >= self.heads:
            address, also = self.points.polled[index - self.heads]
            return Poll(address.question, self.part, address.row.group, address.key, also)
        if index < len(self.unit):
            point = self.unit[index]
            return Poll(unit_question(self.name, point.word), self.part, point.group, point.key)
        index -= len(self.unit)
        if self.plinks and index == 0:
            return Poll(plink_question(self.name), self.part, Group.STATUS)
        index -= self.plinks
        if self.gates and index == 0:
            request = Request(words.gates(self.name), ("GATEREPORT", "*"))
            return Poll(request, self.part, Group.LEVELS, self.gates[0], self.gates[1:])
        part, array = self.arrays[index - bool(self.gates)]
        first, *rest = (point.key for point in beams(array))
        return Poll(Request(words.beams(), ("BEAMREPORT", "*")), part, Group.LEVELS, first, tuple(rest))


def _but_points(section: Section) -> tuple[object, ...]:
    return section.part, section.name, section.unit, section.plinks, section.gates, section.arrays


@lru_cache(1024)
def unit_question(name: str, word: str) -> Request:
    return reading(words.unit(name, word))


@lru_cache(1024)
def plink_question(name: str) -> Request:
    return reading(words.plink_list(name), end=words.plink_end(name))


def section(box: BoxRead) -> Section:
    """A box without a name can't be asked for what it tells of itself."""
    listed = box.arrays() if assumed.on("beam_numbers") else ()
    arrays = tuple((peripheral_part(row), array) for array, row in listed)
    unit, gates = _told(frozenset(box.refused)), _keys(gate_points(box))
    plinks = bool(box.name) and "PLINK" not in box.refused
    heads = len(unit) + plinks + bool(gates) + len(arrays)
    return Section(box.part, box.name, unit, plinks, gates, arrays, points_of(box), heads)


@lru_cache(64)
def _told(refused: frozenset[str]) -> tuple[UnitPoint, ...]:
    return tuple(point for point in UNIT_POINTS if point.word not in refused)


@lru_cache(256)
def _keys(points: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(point.key for point in points)  # type: ignore[attr-defined]


@lru_cache(4096)
def _outline(shapes: tuple[Shape, ...]) -> tuple[tuple[tuple[int, str], ...], bytes]:
    """`names` and `group` of an Outline whose parts are the stack, then each box and its arrays."""
    names: dict[tuple[int, str], int] = {}

    def number(part: int, group: str) -> int:
        return names.setdefault((part, group), len(names))

    numbers, box = array("H", (number(0, Group.FACTS),)), 1
    for unit, plinks, gates, arrays, points in shapes:
        groups = [point.group for point in unit] + plinks * [Group.STATUS] + gates * [Group.LEVELS]
        numbers.extend(number(box, group) for group in groups)
        numbers.extend(number(box + 1 + at, Group.LEVELS) for at in range(arrays))
        numbers.extend(number(box, address.row.group) for address, _ in points.polled)
        box += 1 + arrays
    return tuple(names), numbers.tobytes()


class Agenda(Outlined):
    """The polls of a stack; equal to another when it asks the same of the same parts."""

    __slots__ = ("_sections", "_starts")

    def __init__(self, boxes: Iterable[BoxRead]) -> None:
        self._sections = tuple(map(section, boxes))
        self._starts = [1]
        for one in self._sections:
            self._starts.append(self._starts[-1] + one.size)

    def __len__(self) -> int:
        return self._starts[-1]

    @overload
    def __getitem__(self, index: int) -> Poll: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Poll]: ...
    def __getitem__(self, index: int | slice) -> Poll | Sequence[Poll]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} polls")
        if index == 0:
            return Poll(VERSION, STACK, Group.FACTS, STACK_FIRMWARE.key)
        at = bisect_right(self._starts, index) - 1
        return self._sections[at].poll(index - self._starts[at])

    def __iter__(self) -> Iterator[Poll]:
        return (self[index] for index in range(len(self)))

    def outline(self) -> Outline:
        parts = [STACK]
        for one in self._sections:
            parts += (one.part, *(part for part, _ in one.arrays))
        return Outline(tuple(parts), *_outline(tuple(one.shape for one in self._sections)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Agenda) or len(self._sections) != len(other._sections):
            return False
        return all(map(Section.same, self._sections, other._sections))

    __hash__ = None  # type: ignore[assignment]
