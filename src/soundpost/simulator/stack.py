"""One stack's state: boxes, peripherals, values. No sockets; what it says unasked goes through its host."""

from collections.abc import Callable
from typing import Protocol

from soundpost.kernel.clock import Clock
from soundpost.simulator import health
from soundpost.simulator.assumptions import Assumptions
from soundpost.simulator.models import MODELS, TYPES, channel_name
from soundpost.simulator.parameters import PARAMETERS, Parameter
from soundpost.simulator.specs import BoxSpec, PeripheralSpec, StackSpec

Point = tuple[str, int]
EVIDENCED_TYPES = frozenset({"MIC", "UA", "VOIP_RX", "VOIP_TX", "TELCO_RX", "TELCO_TX"})
GAIN, MIN_GAIN, MAX_GAIN = (PARAMETERS["LEVEL", name] for name in ("GAIN", "MIN_GAIN", "MAX_GAIN"))


class OutOfRange(Exception):
    """The value is refused and the old one stays."""


class Host(Protocol):
    """What carries a stack: its lines, its timers."""

    def broadcast(self, line: str, writer: object = None) -> None:
        """To every session that is logged in, except `writer`."""

    def restart(self) -> None: ...

    def timer(self, name: str, seconds: float | None, then: Callable[[], None]) -> None:
        """Replaces the timer of that name; None only stops it."""


class Peripheral:
    __slots__ = ("number", "present", "spec")

    def __init__(self, number: int, spec: PeripheralSpec) -> None:
        self.number, self.spec, self.present = number, spec, True

    def words(self) -> str:
        spec = self.spec
        return f"PLINK {self.number} {spec.type} {spec.name} {spec.serial} {spec.firmware} {int(self.present)}"


class Box:
    __slots__ = ("booted", "counts", "locate", "number", "peripherals", "serial", "spec")

    def __init__(self, number: int, spec: BoxSpec, booted: float, counts: dict[str, int]) -> None:
        self.number, self.spec, self.serial, self.booted = number, spec, spec.serial, booted
        self.locate = False
        self.peripherals = [Peripheral(n, peripheral) for n, peripheral in enumerate(spec.peripherals, 1)]
        self.counts = dict(counts)
        arrays = sum(peripheral.type == "BMA2" for peripheral in spec.peripherals)
        if arrays:
            self.counts["BFM"] = arrays


def _counts(name: str, switches: Assumptions) -> dict[str, int]:
    model = MODELS[name]
    if model.kind == "huddle" and not switches.huddle_points:
        return {}
    if model.kind != "huddle" and not switches.assumed_counts:
        return {ept: count for ept, count in model.counts.items() if ept in EVIDENCED_TYPES}
    return model.counts


class Stack:
    def __init__(self, spec: StackSpec, switches: Assumptions, clock: Clock, host: Host) -> None:
        self.spec, self.switches, self.clock, self._host = spec, switches, clock, host
        now = clock.monotonic()
        self.boxes = [
            Box(n, box, now - health.earlier_uptime(box.serial), _counts(box.model, switches))
            for n, box in enumerate(spec.boxes, 1)
        ]
        self.by_name = {box.spec.name: box for box in self.boxes}
        self.user, self.password = spec.user, spec.password
        self.address = ""
        self.starting = False
        self.commands_seen = 0
        self.forbidden_seen = 0
        # Only what differs from the defaults: an idle stack costs next to nothing.
        self._values: dict[tuple[str, int, Parameter], float] = {}
        self._names: dict[str, Point] | None = None

    # -- end points

    def has(self, ept: str, epn: int) -> bool:
        box, channel = divmod(epn, 100)
        return 1 <= box <= len(self.boxes) and 1 <= channel <= self.boxes[box - 1].counts.get(ept, 0)

    def points(self) -> list[Point]:
        return [
            (ept, box.number * 100 + channel)
            for box in self.boxes
            for ept in TYPES
            for channel in range(1, box.counts.get(ept, 0) + 1)
        ]

    def named(self, name: str) -> Point | None:
        if self._names is None:
            names = ((self.name_of(point), point) for point in self.points())
            self._names = {name: point for name, point in names if name}
        return self._names.get(name)

    def name_of(self, point: Point) -> str:
        """Empty when nobody named it."""
        ept, epn = point
        given = self.spec.channel_names.get(f"{ept} {epn}")
        if given or not self.switches.default_names:
            return given or ""
        return channel_name(ept, self.boxes[epn // 100 - 1].spec.name, epn % 100)

    def read(self, point: Point, parameter: Parameter) -> float:
        return self._values.get((*point, parameter), parameter.default)

    def write(self, point: Point, parameter: Parameter, value: float, *, relative: bool = False) -> bool:
        """True when the value is another one now."""
        before = self.read(point, parameter)
        value = self._accepted(point, parameter, before, value, relative)
        self._values[(*point, parameter)] = value
        return value != before

    def _accepted(self, point: Point, parameter: Parameter, before: float, value: float, relative: bool) -> float:
        if parameter.toggle and value == 2:
            return 1 - before
        low, high = self._limits(point, parameter)
        if relative:
            sum_ = before + value
            if not self.switches.rel_clamps and not low <= sum_ <= high:
                raise OutOfRange
            return parameter.on_step(min(max(sum_, low), high))
        if not low <= value <= high:
            raise OutOfRange
        stepped = parameter.on_step(value)
        if self.switches.off_step == "error" and stepped != value:
            raise OutOfRange
        if not parameter.fits(value):
            raise OutOfRange
        return stepped

    def _limits(self, point: Point, parameter: Parameter) -> tuple[float, float]:
        if parameter is GAIN:
            return self.read(point, MIN_GAIN), self.read(point, MAX_GAIN)
        if parameter is MIN_GAIN:
            return parameter.low, self.read(point, MAX_GAIN)
        if parameter is MAX_GAIN:
            return self.read(point, MIN_GAIN), parameter.high
        return parameter.low, parameter.high

    def changed_values(self) -> dict[str, str]:
        """`{"MIC 101 LEVEL MUTE": "1"}` for every value that was ever written."""
        return {
            f"{ept} {epn} {parameter.block} {parameter.name}": parameter.text(value)
            for (ept, epn, parameter), value in self._values.items()
        }

    def tell(self, address: str, parameter: Parameter, value: float, writer: object = None) -> None:
        if self.switches.push_changes:
            text = parameter.text(value, self.switches.decimals)
            line = f"EP {address} {parameter.block} {parameter.name} {text}"
            self._host.broadcast(line, writer)

    # -- boxes

    def uptime(self, box: Box) -> int:
        return int(self.clock.monotonic() - box.booted)

    def set_locate(self, box: Box, on: bool, writer: object = None) -> None:
        changed, box.locate = box.locate != on, on
        if changed and self.switches.locate:
            self._host.broadcast(f"BOX {box.spec.name} UNIT LOCATE {int(on)}", writer)
        seconds = self.switches.locate_s if on else None
        self._host.timer(f"locate {box.spec.name}", seconds, lambda: self.set_locate(box, False))

    def set_present(self, box: Box, peripheral: Peripheral, present: bool) -> None:
        changed, peripheral.present = peripheral.present != present, present
        if changed and self.switches.plink_change:
            self._host.broadcast(f"BOX {box.spec.name} {peripheral.words()}")

    def restart(self) -> None:
        self._host.restart()

    def power_on(self) -> None:
        """The state right after a restart; credentials and names outlive it."""
        now = self.clock.monotonic()
        for box in self.boxes:
            box.booted, box.locate = now, False
            self._host.timer(f"locate {box.spec.name}", None, lambda: None)
        if not self.switches.restart_keeps_values:
            self._values.clear()

    def hw_resync(self) -> None:
        self._host.broadcast("STACK NOTIFICATION HW_RESYNC")
