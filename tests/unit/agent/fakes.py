"""A family whose devices are entries in a dictionary, and a hub that speaks the link over an in-memory pair."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import msgspec
from tests.support.clock import ManualClock, settle
from tests.unit.agent.memory import MemoryChannel, pair

from soundpost.agent.ranges import Network
from soundpost.agent.run import Agent
from soundpost.agent.settings import AgentSettings
from soundpost.device.capability import CommandState
from soundpost.device.contract import Credentials, Look, Outcome, Part, Periods, PointReading, Sink, Trouble, Unit
from soundpost.device.model import Descriptor, Endpoint
from soundpost.kernel.clock import Clock, SystemClock
from soundpost.link import envelope
from soundpost.link.events import BODIES, Fact, unpack

MUTE = Descriptor("mic.101.level.mute", "bool", "Mic 1", writable=True)
UPTIME = Descriptor("unit.uptime", "number", "Uptime", "s", group="status")
GOOD = Credentials("cred_good", "admin", "right")


def unit(*serials: str, peripherals: Sequence[str] = (), name: str = "Room") -> Unit:
    parts = [Part(part="stack", kind="stack", name=name)]
    for number, serial in enumerate(serials, 1):
        parts.append(
            Part(
                part=f"box:{serial}", kind="mixer", parent="stack", name=f"{name}_{number}", serial_number=serial,
                box_number=number, points=[MUTE, UPTIME],
            )
        )  # fmt: skip
    parts += [
        Part(part=f"plink:{serial}", kind="microphone", parent=f"box:{serials[0]}", name="mic", serial_number=serial)
        for serial in peripherals
    ]
    return Unit(parts)


@dataclass
class FakeStack:
    unit: Unit
    password: str = "right"
    outcome: Outcome = field(default_factory=lambda: Outcome(CommandState.DONE))
    performed: list[tuple[str, str, dict[str, object], frozenset[str]]] = field(default_factory=list)
    gate: asyncio.Event | None = None
    first: list[Look] = field(default_factory=list)
    """What the first looks at it give, in turn."""
    sessions: list["FakeSession"] = field(default_factory=list)


class FakeNet:
    def __init__(self) -> None:
        self.at: dict[Endpoint, FakeStack] = {}
        self.looks: list[tuple[Endpoint, tuple[str, ...]]] = []
        self.sessions: list[FakeSession] = []

    def put(self, address: str, stack: FakeStack, port: int = 23) -> FakeStack:
        self.at[Endpoint(address, port)] = stack
        self.poke()
        return stack

    def take(self, address: str, port: int = 23) -> FakeStack:
        stack = self.at.pop(Endpoint(address, port))
        self.poke()
        return stack

    def swap(self, one: str, other: str) -> None:
        first, second = Endpoint(one, 23), Endpoint(other, 23)
        self.at[first], self.at[second] = self.at[second], self.at[first]
        self.poke()

    def poke(self) -> None:
        for session in self.sessions:
            session.poke.set()


class FakeSession:
    def __init__(self, net: FakeNet, endpoint: Endpoint, credentials: Sequence[Credentials], sink: Sink) -> None:
        self.net, self.endpoint, self.credentials, self.sink = net, endpoint, list(credentials), sink
        self.poke = asyncio.Event()
        self.stack: FakeStack | None = None
        self.off = 0.0
        self.said = b""
        self.failures = 0

    async def run(self) -> None:
        self.net.sessions.append(self)
        try:
            while True:
                self.step()
                await self.poke.wait()
                self.poke.clear()
        finally:
            self.net.sessions.remove(self)

    def step(self) -> None:
        stack = self.net.at.get(self.endpoint)
        if stack is self.stack and stack is not None:
            return
        if self.stack is not None:
            self.stack = None
            self.sink.trouble(Trouble.CLOSED, "closed", 1)
        self.failures += 1
        if stack is None:
            self.sink.trouble(Trouble.REFUSED, "connection refused", self.failures)
        elif not any(item.password == stack.password for item in self.credentials):
            self.sink.trouble(Trouble.SIGN_IN_REFUSED, "wrong", self.failures)
        else:
            self.stack, self.failures = stack, 0
            stack.sessions.append(self)
            self.sink.connected()
            self.sink.inventory(stack.unit)

    async def perform(
        self, part: str, verb: str, arguments: Mapping[str, object], serials: frozenset[str], due: float = inf
    ) -> Outcome:
        if self.stack is None:
            return Outcome(CommandState.FAILED, "line_down", "Nothing was sent.")
        self.stack.performed.append((part, verb, dict(arguments), serials))
        if self.stack.gate is not None:
            await self.stack.gate.wait()
        return self.stack.outcome

    async def hands_off(self, seconds: float) -> None:
        self.off = seconds
        self.sink.trouble(Trouble.HANDS_OFF, "as asked", 1)

    def transcript(self) -> bytes:
        return self.said

    def retarget(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.poke.set()

    def renew(self, credentials: Sequence[Credentials]) -> None:
        self.credentials = list(credentials)
        self.poke.set()


class FakeFamily:
    name = "fake"
    default_port = 23

    def __init__(self, net: FakeNet) -> None:
        self.net = net

    async def look(
        self, endpoint: Endpoint, credentials: Sequence[Credentials], clock: Clock, connect_s: float
    ) -> Look:
        self.net.looks.append((endpoint, tuple(item.id for item in credentials)))
        stack = self.net.at.get(endpoint)
        if stack is None:
            raise ConnectionRefusedError
        if stack.first:
            return stack.first.pop(0)
        tried = []
        for item in credentials:
            tried.append(item.id)
            if item.password == stack.password:
                return Look(ours=True, unit=stack.unit, credentials=item.id, tried=tuple(tried))
        return Look(ours=True, refused=True, tried=tuple(tried))

    def session(
        self,
        endpoint: Endpoint,
        credentials: Sequence[Credentials],
        sink: Sink,
        clock: Clock,
        periods: Periods,
        seed: int,
        memory: bytes = b"",
        good: str = "",
    ) -> FakeSession:
        return FakeSession(self.net, endpoint, credentials, sink)


def settings(folder: Path, *subnets: str, **changes: Any) -> AgentSettings:
    plain = AgentSettings(
        data=folder / "data", keys=folder / "keys", subnets=subnets or ("10.0.0.1-20",), sweep_gap_s=0.0,
        credentials=(GOOD,), zone="Europe/Berlin",
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def networks() -> list[Network]:
    return [Network("eth0", "10.0.0.9", 24, default=True)]


@asynccontextmanager
async def agent(
    folder: Path, net: FakeNet, *subnets: str, clock: ManualClock | None = None, begun: bool = True, **changes: Any
):
    family = FakeFamily(net)
    chosen = settings(folder, *subnets, **changes)
    async with Agent(chosen, clock or ManualClock(), families={"fake": family}, networks=networks) as engine:
        if begun:
            await engine.begin()
        yield engine


async def calm(engine: Agent, rounds: int = 8) -> None:
    """Everything that is ready has run, the disk's thread included."""
    for _ in range(rounds):
        await settle(30)
        await engine.spool.settled()


async def until(engine: Agent, true: Callable[[], Any], patience_s: float = 30.0) -> None:
    """The clock of the engine stands still meanwhile, but disks and their threads take real time."""
    real = SystemClock()
    end = real.monotonic() + patience_s
    while not true():
        if real.monotonic() > end:
            raise AssertionError("it did not happen")
        await settle(10)
        await engine.spool.settled()


async def facts(engine: Agent, *types: str, after: int = 0) -> list[Fact]:
    await engine.spool.settled()
    stored = await engine.spool.read("local", after, 10_000, 1 << 30)
    found = [unpack(item.body) for item in stored]
    return [fact for fact in found if not types or fact.type in types]


def body(fact: Fact) -> Any:
    return msgspec.msgpack.decode(fact.data, type=BODIES[fact.type])


def reading(value: bool, key: str = MUTE.key, **more: Any) -> PointReading:
    return PointReading(key, value, **more)


class HubStub:
    """One connection's hub end. `say` sends, `hear` waits for the next message of a kind and keeps the others aside."""

    def __init__(self, channel: MemoryChannel, hub: str = "hub_one", nonce: bytes = b"n" * 32) -> None:
        self.channel, self.hub, self.nonce = channel, hub, nonce
        self.heard: list[envelope.Message] = []

    async def say(self, message: envelope.Message) -> None:
        await self.channel.send(envelope.encode(message))

    async def hear(self, kind: type[Any]) -> Any:
        for message in self.heard:
            if isinstance(message, kind):
                self.heard.remove(message)
                return message
        while True:
            message = envelope.decode(await self.channel.recv())
            if isinstance(message, kind):
                return message
            self.heard.append(message)

    async def challenge(self, level: int = 1) -> None:
        await self.say(envelope.Challenge(hub=self.hub, nonce=self.nonce, level=level, lowest=1, name="Test hub"))

    async def welcome(self, **more: Any) -> envelope.Hello:
        await self.challenge()
        hello: envelope.Hello = await self.hear(envelope.Hello)
        base = {
            "level": 1, "hub": self.hub, "site": "sit_hub", "site_name": "London", "account": "London-HQ", "now_ms": 5,
        }  # fmt: skip
        await self.say(envelope.Welcome(**(base | more)))
        return hello

    async def ack(self, frame: envelope.Facts | envelope.Values) -> None:
        lane = envelope.FACTS if isinstance(frame, envelope.Facts) else envelope.VALUES
        await self.say(envelope.Ack(lane=lane, n=frame.n))


class Switchboard:
    """Dials for an uplink: each dial makes a pair and hands the hub's end to whoever waits for a call."""

    def __init__(self, hub: str = "hub_one") -> None:
        self.hub = hub
        self.calls: asyncio.Queue[HubStub] = asyncio.Queue()
        self.refuse: Exception | None = None

    async def dial(self) -> MemoryChannel:
        if self.refuse is not None:
            raise self.refuse
        ours, theirs = pair()
        await self.calls.put(HubStub(theirs, self.hub))
        return ours

    @property
    def answer(self) -> Callable[[], Awaitable[HubStub]]:
        return self.calls.get
