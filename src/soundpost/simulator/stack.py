"""One stack's state: boxes, peripherals, values, calls. No sockets; what it says unasked goes through its host."""

from collections.abc import Callable
from typing import Protocol

from soundpost.kernel.clock import Clock
from soundpost.simulator import health
from soundpost.simulator.assumptions import Assumptions
from soundpost.simulator.hindrance import Hindrance
from soundpost.simulator.models import TYPES, channel_name
from soundpost.simulator.names import Point, default_point, given_points
from soundpost.simulator.parameters import Parameter
from soundpost.simulator.parts import Box, Peripheral, counts_of
from soundpost.simulator.specs import StackSpec
from soundpost.simulator.values import GAIN, OutOfRange, Ramp, Values

__all__ = ["Box", "Host", "OutOfRange", "Peripheral", "Point", "Stack"]


class Host(Protocol):
    """What carries a stack: its lines, its timers, its file service."""

    def broadcast(self, line: str, writer: object = None) -> None:
        """To every session that is logged in, except `writer`."""

    def whisper(self, line: str, session: object) -> bool:
        """To that session alone; False when it is gone."""

    def restart(self) -> None: ...

    def timer(self, name: str, seconds: float | None, then: Callable[[], None]) -> None:
        """Replaces the timer of that name; None only stops it."""

    def end_timers(self) -> None:
        """All but a restart's."""

    def serve_files(self) -> None:
        """Opens or closes the file service, as `Stack.serves_files` says."""


class Stack:
    __slots__ = (
        "_given",
        "address",
        "boxes",
        "by_name",
        "clock",
        "clock_off_s",
        "failing",
        "files",
        "forbidden_seen",
        "hindrance",
        "host",
        "hot",
        "keeps_firmware",
        "locked",
        "matrix",
        "metered",
        "password",
        "pending",
        "phones",
        "project",
        "reporting",
        "rooms",
        "seen",
        "spec",
        "starting",
        "subscribed",
        "switches",
        "texts",
        "user",
        "values",
    )  # fmt: skip

    def __init__(self, spec: StackSpec, switches: Assumptions, clock: Clock, host: Host) -> None:
        self.spec, self.switches, self.clock, self.host = spec, switches, clock, host
        now = clock.monotonic()
        self.boxes = [
            Box(n, box, now - health.earlier_uptime(box.serial), spec.firmware, counts_of(box.model, switches))
            for n, box in enumerate(spec.boxes, 1)
        ]
        self.by_name = {box.spec.name: box for box in self.boxes}
        self.user, self.password = spec.user, spec.password
        self.address = ""
        self.starting = self.locked = False
        self.forbidden_seen = 0
        self.seen: dict[str, int] = {}
        self.values = Values(switches)
        self._given = given_points(spec.channel_names) if spec.channel_names else {}
        self.phones: dict[Point, object] = {}
        self.subscribed: set[tuple[Point, str]] = set()
        self.texts: dict[tuple[Point, str], str] = {}
        self.matrix: dict[tuple[str, str], str] = {}
        self.rooms: dict[str, tuple[str, str]] = {}  # room -> sub-room, configuration
        self.reporting: set[str] = set()  # `GATE <box>` and `BEAM <box>`
        self.pending: set[str] = set()
        self.metered: dict[object, set[Point]] = {}
        self.files: dict[str, bytes] = {}  # uploaded, by their whole path
        self.failing: dict[str, str] = {}  # `load` or `update` -> the reason it will end with
        self.hindrance = Hindrance()
        self.keeps_firmware = False  # an update says DONE and changes nothing
        self.project: bytes | None = None
        self.clock_off_s = 0.0
        self.hot: dict[str, tuple[float, float, float]] = {}  # box -> since when, degrees a second, up to

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
        point = self._given.get(name)
        if point is not None or not self.switches.default_names:
            return point if point is not None and self.has(*point) else None
        for box in self.boxes:
            point = default_point(name, box.spec.name, box.number, box.shape)
            if point is not None:
                return None if self._given and f"{point[0]} {point[1]}" in self.spec.channel_names else point
        return None

    def name_of(self, point: Point) -> str:
        """Empty when nobody named it."""
        ept, epn = point
        given = self.spec.channel_names.get(f"{ept} {epn}")
        if given or not self.switches.default_names:
            return given or ""
        return channel_name(ept, self.boxes[epn // 100 - 1].spec.name, epn % 100)

    def read(self, point: Point, parameter: Parameter) -> float:
        return self.values.read(point, parameter, self.clock.monotonic() if self.values.ramps else 0.0)

    def write(self, point: Point, parameter: Parameter, value: float, *, relative: bool = False) -> bool:
        """True when the value is another one now."""
        return self.values.write(point, parameter, value, self.clock.monotonic(), relative)

    def changed_values(self) -> dict[str, str]:
        return self.values.shown()

    def text(self, parameter: Parameter, value: float) -> str:
        return parameter.text(value, self.switches.decimals)

    def tell(self, address: str, parameter: Parameter, value: float, writer: object = None) -> None:
        if self.switches.push_changes:
            self.host.broadcast(
                f"EP {address} {parameter.block} {parameter.name} {self.text(parameter, value)}", writer
            )

    def ramp(self, point: Point, ramp: Ramp) -> None:
        """Moves a gain; one LEVEL GAIN line tells everybody at its end."""
        self.values.stop_ramp(point, ramp.began)
        self.values.start_ramp(point, ramp)
        self.host.timer(f"ramp {point[0]} {point[1]}", ramp.seconds, lambda: self._ramped(point, ramp))

    def _ramped(self, point: Point, ramp: Ramp) -> None:
        if self.values.ramps and self.values.ramps.get(point) is ramp:
            self.values.stop_ramp(point, ramp.began + ramp.seconds)
            self.tell(ramp.address, GAIN, ramp.target)

    # -- boxes

    def uptime(self, box: Box) -> int:
        return int(self.clock.monotonic() - box.booted)

    def set_locate(self, box: Box, on: bool, writer: object = None) -> None:
        changed, box.locate = box.locate != on, on
        if changed and self.switches.locate:
            self.host.broadcast(f"BOX {box.spec.name} UNIT LOCATE {int(on)}", writer)
        seconds = self.switches.locate_s if on else None
        self.host.timer(f"locate {box.spec.name}", seconds, lambda: self.set_locate(box, False))

    def set_present(self, box: Box, peripheral: Peripheral, present: bool) -> None:
        changed, peripheral.present = peripheral.present != present, present
        if changed and self.switches.plink_change:
            self.host.broadcast(f"BOX {box.spec.name} {peripheral.words()}")

    @property
    def serves_files(self) -> bool:
        return any(box.ftp for box in self.boxes)

    def restart(self) -> None:
        self.host.restart()

    def power_on(self) -> None:
        """The state right after a restart; credentials, names and files outlive it, calls and reports do not."""
        now = self.clock.monotonic()
        self.host.end_timers()
        self.values.stop_ramps(now)
        for box in self.boxes:
            box.booted, box.locate, box.ftp = now, False, False
        self.host.serve_files()
        for forgotten in (self.phones, self.subscribed, self.reporting, self.pending, self.metered):
            forgotten.clear()
        if not self.switches.restart_keeps_values:
            self.values.clear()

    def hw_resync(self) -> None:
        self.host.broadcast("STACK NOTIFICATION HW_RESYNC")
