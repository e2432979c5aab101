"""A held line over time: a scripted peer on loopback, a clock the test moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.contract.harness import GOOD, Recorder
from tests.contract.peer import Peer
from tests.support.clock import ManualClock, settle

from soundpost.device.contract import Credentials, Outcome, Periods, Trouble
from soundpost.device.model import Endpoint
from soundpost.drivers.converge_pro2.driver import Conversation
from soundpost.transport.session import LineSession
from soundpost.transport.telling import GARBAGE

PERIODS = Periods(gap=0.0)
BOX = "box:1234-2334-40"


class Bench:
    def __init__(self) -> None:
        self.peer, self.sink, self.clock = Peer(), Recorder(), ManualClock()
        self.tasks: list[asyncio.Task[None]] = []

    def session(
        self,
        *credentials: Credentials,
        talk: Conversation | None = None,
        seed: int = 3,
        periods: Periods = PERIODS,
        memory: bytes = b"",
        good: str = "",
    ) -> LineSession:
        talk = talk or Conversation(self.clock, memory)
        endpoint = Endpoint("127.0.0.1", self.peer.port)
        session = LineSession(talk, endpoint, credentials or (GOOD,), self.sink, self.clock, periods, seed, good)
        self.tasks.append(asyncio.ensure_future(session.run()))
        return session

    async def up(self, session: LineSession | None = None) -> LineSession:
        session = session or self.session()
        await self.sink.until(lambda: "inventory" in self.sink.names())
        await settle()
        return session

    async def trouble(self, kind: Trouble) -> None:
        await self.sink.until(lambda: any(t[0] is kind for t in self.sink.troubles()))

    async def trouble_while_advancing(self, kind: Trouble) -> None:
        while kind not in self.kinds:
            await self.clock.advance(0.5)
            await settle(100)

    async def come_back(self) -> None:
        """Moves the clock until the line is up again."""
        self.sink.forget()
        while "connected" not in self.sink.names():
            await self.clock.advance(1.0)
            await settle(300)

    @property
    def kinds(self) -> list[Trouble]:
        return [trouble[0] for trouble in self.sink.troubles()]

    @property
    def garbled(self) -> object:
        """Lines not understood, as told last."""
        return self.sink.values["stack", GARBAGE.key].value

    @property
    def serials(self) -> frozenset[str]:
        return frozenset(self.peer.serials.values())

    async def perform(self, session: LineSession, verb: str, arguments: dict[str, object] | None = None) -> Outcome:
        return await session.perform(BOX, verb, arguments or {}, self.serials)


class Late:
    """The peer answers so many seconds late, by the clock the test moves."""

    def __init__(self, peer: Peer, clock: ManualClock, seconds: float) -> None:
        self._peer, self._clock = peer, clock
        self._owed: list[tuple[float, str]] = []
        peer.silent = True
        peer.on_line = lambda line: self._owed.append((clock.monotonic() + seconds, line))

    async def advance(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.1)):
            await self._clock.advance(0.1)
            while self._owed and self._owed[0][0] <= self._clock.monotonic():
                for reply in self._peer.replies(self._owed.pop(0)[1]):
                    self._peer.push(reply)
            await settle()


@asynccontextmanager
async def benched() -> AsyncIterator[Bench]:
    made = Bench()
    await made.peer.start()
    yield made
    for task in made.tasks:
        task.cancel()
    if made.tasks:
        await asyncio.wait(made.tasks)
    await made.peer.stop()
