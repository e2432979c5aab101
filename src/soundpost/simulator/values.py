"""The numbers of a stack's end points: only what was ever written is kept, so an idle stack costs next to nothing."""

from dataclasses import dataclass

from soundpost.simulator.assumptions import Assumptions
from soundpost.simulator.names import Point
from soundpost.simulator.parameters import PARAMETERS, Parameter

GAIN, MIN_GAIN, MAX_GAIN = (PARAMETERS["LEVEL", name] for name in ("GAIN", "MIN_GAIN", "MAX_GAIN"))


class OutOfRange(Exception):
    """The value is refused and the old one stays."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """`address`: how the command named the end point; its last line names it alike."""

    address: str
    start: float
    target: float
    began: float
    per_s: float

    @property
    def seconds(self) -> float:
        return abs(self.target - self.start) / self.per_s

    def at(self, now: float) -> float:
        way = min(self.per_s * max(now - self.began, 0.0), abs(self.target - self.start))
        return GAIN.on_step(self.start + way if self.target > self.start else self.start - way)


class Values:
    __slots__ = ("_changed", "_switches", "ramps")

    def __init__(self, switches: Assumptions) -> None:
        self._switches = switches
        self._changed: dict[tuple[str, int, Parameter], float] = {}
        self.ramps: dict[Point, Ramp] | None = None

    def clear(self) -> None:
        self._changed.clear()

    def read(self, point: Point, parameter: Parameter, now: float) -> float:
        if self.ramps and parameter is GAIN and point in self.ramps:
            return self.ramps[point].at(now)
        return self._changed.get((*point, parameter), parameter.default)

    def write(self, point: Point, parameter: Parameter, value: float, now: float, relative: bool = False) -> bool:
        """True when the value is another one now. A write to a gain ends its ramp, wherever it had come."""
        before = self.read(point, parameter, now)
        value = self._accepted(point, parameter, before, value, relative)
        if parameter is GAIN:
            self.stop_ramp(point, now)
        self._changed[*point, parameter] = value
        return value != before

    def pulled(self, point: Point, now: float) -> bool:
        """Takes a gain along that its limits left behind; True when it moved."""
        gain, (low, high) = self.read(point, GAIN, now), self.limits(point, GAIN)
        return not low <= gain <= high and self.write(point, GAIN, min(max(gain, low), high), now)

    def start_ramp(self, point: Point, ramp: Ramp) -> None:
        self.ramps = self.ramps or {}
        self.ramps[point] = ramp

    def stop_ramp(self, point: Point, now: float) -> None:
        ramp = self.ramps.pop(point, None) if self.ramps else None
        if ramp is not None:
            self._changed[*point, GAIN] = ramp.at(now)

    def stop_ramps(self, now: float) -> None:
        for point in list(self.ramps or ()):
            self.stop_ramp(point, now)

    def limits(self, point: Point, parameter: Parameter) -> tuple[float, float]:
        if parameter is GAIN:
            return self._kept(point, MIN_GAIN), self._kept(point, MAX_GAIN)
        if parameter is MIN_GAIN:
            return parameter.low, self._kept(point, MAX_GAIN)
        if parameter is MAX_GAIN:
            return self._kept(point, MIN_GAIN), parameter.high
        return parameter.low, parameter.high

    def shown(self) -> dict[str, str]:
        """`{"MIC 101 LEVEL MUTE": "1"}` for every value that was ever written."""
        return {
            f"{ept} {epn} {parameter.block} {parameter.name}": parameter.text(value)
            for (ept, epn, parameter), value in self._changed.items()
        }

    def load(self, point: Point, parameter: Parameter, value: float) -> None:
        """As a project file has it: what does not fit the parameter is left out."""
        if parameter.low <= value <= parameter.high and value != parameter.default:
            self._changed[*point, parameter] = parameter.on_step(value)

    def _kept(self, point: Point, parameter: Parameter) -> float:
        return self._changed.get((*point, parameter), parameter.default)

    def _accepted(self, point: Point, parameter: Parameter, before: float, value: float, relative: bool) -> float:
        if parameter.toggle and value == 2:
            return 1 - before
        low, high = self.limits(point, parameter)
        if relative:
            sum_ = before + value
            if not self._switches.rel_clamps and not low <= sum_ <= high:
                raise OutOfRange
            return parameter.on_step(min(max(sum_, low), high))
        if not low <= value <= high or not parameter.fits(value):
            raise OutOfRange
        stepped = parameter.on_step(value)
        if self._switches.off_step == "error" and stepped != value:
            raise OutOfRange
        return stepped
