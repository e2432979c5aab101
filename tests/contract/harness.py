"""What the contract suite needs of a device, whichever plays it. A new family adds its harnesses to HARNESSES."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from tests.contract.peer import Peer

from soundpost.device.contract import Credentials, Periods, PointReading, Trouble, Unit
from soundpost.device.model import Endpoint, Value
from soundpost.drivers.collaborate_live import FAMILY as CODECS
from soundpost.drivers.collaborate_live import CollaborateLive
from soundpost.kernel.clock import SystemClock
from soundpost.simulator.bma360d import ArraySpec
from soundpost.simulator.farm import Farm
from soundpost.simulator.specs import BoxSpec, PeripheralSpec, StackSpec

QUICK = Periods(status=0.3, levels=0.6, facts=30.0, heartbeat=0.4, answer=1.0, gap=0.0, settings=1.5)
GOOD = Credentials("good", "clearone", "converge")
WRONG = Credentials("wrong", "admin", "guess")
WAIT_S = 30.0


class Harness(Protocol):
    """`control`: a point and a value it does not have; None for a device that can't be written. `speaks` is false for one
    that is only knocked at."""

    assumed: bool  # answers what is only assumed
    control: tuple[str, Value] | None
    impossible: Sequence[tuple[dict[str, object], str]]
    signs_in: bool
    locates: bool
    speaks: bool

    @property
    def endpoint(self) -> Endpoint: ...

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def silence(self, on: bool) -> None: ...
    async def error(self, text: str) -> None: ...
    async def drop(self) -> None: ...
    async def chatter(self, on: bool) -> None: ...
    def connections(self) -> int: ...
    def forbidden(self) -> int: ...


GAIN, MUTE = "mic.101.level.gain", "mic.101.level.mute"
IMPOSSIBLE: Sequence[tuple[dict[str, object], str]] = (
    ({"key": GAIN, "value": 21}, "out_of_range"),
    ({"key": GAIN, "value": float("nan")}, "out_of_range"),
    ({"key": GAIN, "value": 1.3}, "off_step"),
    ({"key": GAIN, "value": True}, "wrong_type"),
    ({"key": MUTE, "value": 2}, "wrong_type"),
    ({"key": "unit.temperature", "value": 2}, "not_writable"),
    ({"key": "mic.999.level.mute", "value": True}, "unknown_point"),
    ({}, "unknown_point"),
)


class Scripted:
    assumed = signs_in = locates = speaks = True
    control: tuple[str, Value] | None = ("mic.101.level.gain", -10.5)
    impossible = IMPOSSIBLE

    def __init__(self) -> None:
        self.peer = Peer()

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("127.0.0.1", self.peer.port)

    async def start(self) -> None:
        await self.peer.start()

    async def stop(self) -> None:
        await self.peer.stop()

    async def silence(self, on: bool) -> None:
        self.peer.silent = on

    async def error(self, text: str) -> None:
        self.peer.error = text

    async def drop(self) -> None:
        self.peer.drop()

    async def chatter(self, on: bool) -> None:
        self.peer.before_reply = ["EP MIC 102 LEVEL MUTE 1", "EP UA 101 NOTIFICATION ERROR x", "what"] if on else []

    def connections(self) -> int:
        return len(self.peer.writers)

    def forbidden(self) -> int:
        words = [line.upper().split() for line in self.peer.lines]
        return sum(w[0] == "FACTORYDEFAULT" or w[-2:] == ["MUTE", "2"] for w in words)


class ScriptedStrict(Scripted):
    assumed = locates = False

    def __init__(self) -> None:
        super().__init__()
        self.peer.lab = False


SPEC = StackSpec(
    "Board-01",
    (
        BoxSpec(
            "Name_1",
            "48V",
            "1234-2334-40",
            "00:90:79:00:00:01",
            (PeripheralSpec("BMA360", "Ceiling", "9000-2401-40", "2.0.1.8"),),
        ),
    ),
)


class Simulated:
    assumed = signs_in = locates = speaks = True
    personality = "lab"
    control: tuple[str, Value] | None = ("mic.101.level.gain", -10.5)
    impossible = IMPOSSIBLE

    def __init__(self) -> None:
        self.farm = Farm([SPEC], network="127.20.90.0/24", port=0, personality=self.personality)
        self.station = self.farm.stacks[0]

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(*self.station.endpoint)

    async def start(self) -> None:
        await self.farm.start()

    async def stop(self) -> None:
        await self.farm.stop()

    async def silence(self, on: bool) -> None:
        await self.farm.fault(SPEC.name, "silence", on)

    async def error(self, text: str) -> None:
        await self.farm.fault(SPEC.name, "error", bool(text), {"text": text} if text else {})

    async def drop(self) -> None:
        await self.farm.fault(SPEC.name, "reset")

    async def chatter(self, on: bool) -> None:
        await self.farm.fault(SPEC.name, "chatter", on)

    def connections(self) -> int:
        return len(self.station.sessions)

    def forbidden(self) -> int:
        return self.station.stack.forbidden_seen


class SimulatedStrict(Simulated):
    assumed = locates = False
    personality = "strict"


ARRAY = ArraySpec("Board-BMA-01", "00:1D:C1:00:00:01", "10.0.0.7")


class Array:
    assumed = speaks = True
    signs_in = locates = False
    control: tuple[str, Value] | None = ("bfzone.4", False)
    impossible: Sequence[tuple[dict[str, object], str]] = (
        ({"key": "bfzone.4", "value": 1}, "wrong_type"),
        ({"key": "gain.v.1", "value": -6.0}, "not_writable"),
        ({"key": "beamreport.beam_1", "value": True}, "not_writable"),
        ({"key": "bfzone.13", "value": True}, "unknown_point"),
        ({}, "unknown_point"),
    )

    def __init__(self) -> None:
        self.farm = Farm([], arrays=[ARRAY], network="127.20.90.0/24", port=0)
        self.station = self.farm.array(ARRAY.name)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(*self.station.endpoint)

    async def start(self) -> None:
        await self.farm.start()

    async def stop(self) -> None:
        await self.farm.stop()

    async def silence(self, on: bool) -> None:
        await self.farm.fault(ARRAY.name, "silence", on)

    async def error(self, text: str) -> None:
        await self.farm.fault(ARRAY.name, "error", bool(text), {"text": text} if text else {})

    async def drop(self) -> None:
        await self.farm.fault(ARRAY.name, "reset")

    async def chatter(self, on: bool) -> None:
        await self.farm.fault(
            ARRAY.name, "chatter", on, {"lines": ["BEAMREPORT 000000000001", "BFZONE 9 0", "what"]} if on else {}
        )

    def connections(self) -> int:
        return len(self.station.sessions)

    def forbidden(self) -> int:
        known = ("HELP", "BEAMREPORT", "BFZONE", "GAIN", "DANTEIP", "DANTEMAC")
        return sum(line.split()[0] not in known for line in self.station.heard)


class Port:
    """Accepts, listens and says nothing."""

    def __init__(self) -> None:
        self.heard = b""
        self.port = 0
        self.writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in self.writers:
                writer.close()
            self.writers.clear()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while data := await reader.read(1024):
                self.heard += data
        except ConnectionError:
            pass
        finally:
            writer.close()
            if writer in self.writers:
                self.writers.remove(writer)


class Codec:
    """A port that answers and says nothing: all that is known of a codec."""

    assumed = True
    signs_in = locates = speaks = False
    control: tuple[str, Value] | None = None
    impossible: Sequence[tuple[dict[str, object], str]] = ()

    def __init__(self) -> None:
        self.peer = Port()

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("127.0.0.1", self.peer.port)

    async def start(self) -> None:
        await self.peer.start()
        give([self.endpoint])

    async def stop(self) -> None:
        await self.peer.stop()

    async def silence(self, on: bool) -> None: ...

    async def error(self, text: str) -> None: ...

    async def drop(self) -> None:
        """Away, and back at the same place."""
        await self.peer.stop()

    async def chatter(self, on: bool) -> None: ...

    def connections(self) -> int:
        return len(self.peer.writers)

    def forbidden(self) -> int:
        return len(self.peer.heard)


def give(endpoints: Sequence[Endpoint]) -> None:
    assert isinstance(CODECS, CollaborateLive)
    CODECS.give(endpoints)


HARNESSES: dict[str, dict[str, Callable[[], Harness]]] = {
    "converge_pro2": {
        "scripted": Scripted,
        "scripted strict": ScriptedStrict,
        "simulator lab": Simulated,
        "simulator strict": SimulatedStrict,
    },
    "bma360d": {"simulator": Array},
    "collaborate_live": {"port": Codec},
}


class Recorder:
    """A Sink that keeps everything and lets a test wait for it."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.values: dict[tuple[str, str], PointReading] = {}
        self.unit: Unit | None = None
        self._news = asyncio.Event()

    def _add(self, *what: Any) -> None:
        self.told.append(what)
        self._news.set()

    def connected(self) -> None:
        self._add("connected")

    def inventory(self, unit: Unit) -> None:
        self.unit = unit
        self._add("inventory", unit)

    def readings(self, part: str, readings: Sequence[PointReading]) -> None:
        self.values |= {(part, reading.key): reading for reading in readings}
        self._add("readings", part, *readings)

    def covered(self, part: str, group: str) -> None:
        self._add("covered", part, group)

    def presence(self, part: str, present: bool) -> None:
        self._add("presence", part, present)

    def trouble(self, trouble: Trouble, text: str, failures: int, part: str = "") -> None:
        self._add("trouble", trouble, text, failures)

    def recovered(self, part: str = "") -> None:
        self._add("recovered", part)

    def names(self) -> list[str]:
        return [what[0] for what in self.told]

    def troubles(self) -> list[tuple[Trouble, str, int]]:
        return [(what[1], what[2], what[3]) for what in self.told if what[0] == "trouble"]

    def forget(self) -> None:
        self.told.clear()

    async def until(self, true: Callable[[], bool]) -> None:
        async with SystemClock().timeout(WAIT_S):
            while not true():
                self._news.clear()
                await self._news.wait()
