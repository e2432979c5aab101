"""Many stacks in one process: `async with Farm(make_stacks(60)) as farm`. What tests and the control API drive."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from soundpost.kernel.clock import Clock, SystemClock, rfc3339_us
from soundpost.kernel.errors import Conflict, Invalid, NotFound, SoundpostError
from soundpost.simulator import faults, phones, reports
from soundpost.simulator.addresses import DEFAULT_PORT, Endpoint, endpoints, place, raise_file_limit
from soundpost.simulator.arraystation import DEFAULT_ARRAY_PORT, ArrayStation
from soundpost.simulator.assumptions import of_personality
from soundpost.simulator.bma360d import ArraySpec
from soundpost.simulator.endpoints import locate_point, set_at_device
from soundpost.simulator.fileservice import DEFAULT_FTP_PORT
from soundpost.simulator.listener import Listener
from soundpost.simulator.names import Point
from soundpost.simulator.reply import Refused
from soundpost.simulator.specs import StackSpec
from soundpost.simulator.stack import OutOfRange
from soundpost.simulator.station import Station

FILES_PER_DEVICE = 4  # a listener and some sessions


def stamp(clock: Clock) -> str:
    """Now with microseconds; a clock without them (a test's) gives its milliseconds."""
    microseconds = getattr(clock, "now_us", None)
    return rfc3339_us(microseconds() if microseconds is not None else clock.now_ms() * 1_000)


class Farm:
    """`network` is one for all, or one per site of the specs; None takes 127.20.1.1 upward. `switches` are assumptions."""

    def __init__(
        self,
        specs: Sequence[StackSpec],
        *,
        network: str | Mapping[str, str] | None = None,
        port: int = DEFAULT_PORT,
        personality: str = "lab",
        arrays: Sequence[ArraySpec] = (),
        array_port: int = DEFAULT_ARRAY_PORT,
        ftp_port: int = DEFAULT_FTP_PORT,
        clock: Clock | None = None,
        seed: int = 1,
        switches: Mapping[str, Any] | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.seed, self.personality = seed, personality
        try:
            self.assumptions = of_personality(personality, **(switches or {}))
        except (TypeError, ValueError) as error:
            raise Invalid(f"The simulator can't be set up like this: {error}.", code="switches_invalid") from error
        homes = place([spec.site for spec in specs], network, port)
        array_homes = place([spec.site for spec in arrays], network, array_port if port else 0, specs)
        # Stacks that share an address can't share its FTP port: each takes a free one, which GET /stacks shows.
        alone = len({address for address, _ in homes}) == len(homes)
        ftp = ftp_port if port and alone else 0
        self.stations = {
            spec.name: Station(spec, home, self.assumptions, self.clock, ftp)
            for spec, home in zip(specs, homes, strict=True)
        }
        self.arrays = {
            spec.name: ArrayStation(spec, home, self.assumptions, self.clock)
            for spec, home in zip(arrays, array_homes, strict=True)
        }
        self.devices: dict[str, Listener] = {**self.stations, **self.arrays}
        if len(self.devices) != len(specs) + len(arrays):
            raise Invalid("Two devices have the same name.", code="stack_names_repeat")

    @property
    def stacks(self) -> list[Station]:
        return list(self.stations.values())

    def stack(self, name: str) -> Station:
        station = self.stations.get(name)
        if station is None:
            raise NotFound(f"There is no stack {name!r}; GET /stacks lists them.", code="stack_not_found", name=name)
        return station

    def device(self, name: str) -> Listener:
        device = self.devices.get(name)
        if device is None:
            text = f"There is no device {name!r}; GET /stacks and GET /arrays list them."
            raise NotFound(text, code="stack_not_found", name=name)
        return device

    def array(self, name: str) -> ArrayStation:
        array = self.arrays.get(name)
        if array is None:
            raise NotFound(f"There is no array {name!r}; GET /arrays lists them.", code="array_not_found", name=name)
        return array

    async def start(self) -> None:
        """All devices listen, or none: the first that can't takes the others down and its error is raised."""
        raise_file_limit(len(self.devices) * FILES_PER_DEVICE + 256)
        try:
            for station in self.devices.values():
                await station.apply()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        for station in self.devices.values():
            await station.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # -- what happens to stacks; each answers the time it was done

    async def fault(self, name: str, fault: str, on: bool = True, args: Mapping[str, Any] | None = None) -> str:
        station = self.device(name)
        time = stamp(self.clock)
        await faults.apply(self, station, fault, on, dict(args or {}))
        return time

    def push(self, name: str, line: str) -> str:
        station = self.device(name)
        if not line or "\r" in line or "\n" in line:
            raise Invalid("`line` is one line without its end.", code="line_invalid")
        time = stamp(self.clock)
        station.broadcast(line)
        return time

    def set(self, name: str, address: str, parameter: str, value: float) -> str:
        """A change made at the device: `set("London-01", "MIC 101", "MUTE", 1)`.

        Two more things happen there that no parameter tells: `("MIC 101", "GATE", 1)` opens a microphone's gate, and
        `("9000-2401-40", "BEAM 3", 1)` has a beam of the BMA 360 with that serial hear somebody. For an array of its own
        see `bma360d.Array.set`.
        """
        station = self.device(name)
        time = stamp(self.clock)
        if isinstance(station, ArrayStation):
            if not station.array.set(address, parameter.upper(), value):
                raise Invalid(f"This array has no {address!r} with {parameter!r} {value}.", code="point_unknown")
            return time
        assert isinstance(station, Station)
        try:
            if not _heard(station, address, parameter.upper(), value):
                set_at_device(station.stack, address, parameter, value)
        except Refused as error:
            raise Invalid(
                f"This stack has no {address!r} with {parameter!r}.", code="point_unknown", cause=str(error)
            ) from error
        except OutOfRange as error:
            raise Invalid(f"{value} is out of range for {parameter!r}.", code="value_out_of_range") from error
        return time

    def call(self, name: str, do: str, address: str = "", number: str = "1000", caller: str = "") -> str:
        """The far end of a telephone line calls, answers, is busy or hangs up; no address: the stack's first line."""
        station = self.stack(name)
        point = _phone_point(station, address)
        if do not in phones.FAR_END:
            raise Invalid(f"A call can {', '.join(phones.FAR_END)}, not {do!r}.", code="call_invalid")
        if not phones.DIALLABLE.issuperset(number) or not number or '"' in caller or not (caller or " ").isprintable():
            raise Invalid("`number` is what one can dial; `name` is one line without quotes.", code="call_invalid")
        time = stamp(self.clock)
        if not phones.far_end(station.stack, point, do, number, caller):
            raise Conflict("Nothing came of it: nobody rings, or the line does not take the call.", code="call_idle")
        return time

    def press_locate(self, name: str, box: str, on: bool = True) -> str:
        station = self.stack(name)
        found = station.stack.by_name.get(box)
        if found is None:
            raise NotFound("This stack has no box of that name; GET /stacks lists what it has.", code="box_not_found")
        time = stamp(self.clock)
        station.stack.set_locate(found, on)
        return time

    async def move(self, station: Listener, address: str, port: int | None = None, *, swap: bool = False) -> None:
        """The stack listens there from now on. With `swap` one that is there goes quiet until it is moved away; else that is a Conflict
        `address_taken`."""
        target: Endpoint = (address, station.endpoint[1] if port is None else port)
        before = station.endpoint
        if target == before:
            return
        holder = next((s for s in self.devices.values() if s.endpoint == target and s.listening), None)
        if holder is not None and not swap:
            raise Conflict(
                f"{holder.name} answers at {address}:{target[1]}. Move it first, or say swap: it is quiet then until it is moved.",
                code="address_taken",
                name=holder.name,
            )
        if holder is not None:
            holder.displaced = True
            await holder.apply()
        station.endpoint, station.displaced = target, False
        try:
            next(endpoints(address, 0))  # loopback only
            await station.apply()
        except (SoundpostError, StopIteration) as error:
            station.endpoint = before
            if holder is not None:
                holder.displaced = False
                await holder.apply()
            await station.apply()
            raise Conflict(
                f"{station.name} can't move to {target[0]}:{target[1]}.", code="move_impossible", cause=str(error)
            ) from error
        await self._replace_displaced()

    async def _replace_displaced(self) -> None:
        for station in self.devices.values():
            if station.displaced and not any(
                other.endpoint == station.endpoint and other.listening for other in self.devices.values()
            ):
                station.displaced = False
                await station.apply()


def _heard(station: Station, address: str, parameter: str, value: float) -> bool:
    """False when this is no matter of gates and beams."""
    if parameter == "GATE":
        point, _, _ = locate_point(station.stack, ["", *address.split()])
        return reports.set_gate(station.stack, point, value != 0)
    word, _, beam = parameter.partition(" ")
    return word == "BEAM" and beam.isdecimal() and reports.set_beam(station.stack, address, int(beam), value != 0)


def _phone_point(station: Station, address: str) -> Point:
    if address:
        try:
            point = locate_point(station.stack, ["", *address.split()])[0]
        except Refused:
            point = ("", 0)
    else:
        point = next((point for point in station.stack.points() if point[0] in phones.PHONES), ("", 0))
    if point[0] not in phones.PHONES:
        raise NotFound(
            "This stack has no such telephone line; `UA 101`, `TELCO_RX 101` or a channel name.", code="phone_not_found"
        )
    return point
