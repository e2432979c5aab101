"""One played agent: joins, says hello, declares its devices, tells what it found, and sends values within its credit."""

import asyncio
import hashlib
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from bench.load import fleet
from bench.load.wire import Wire, opened
from soundpost.kernel import ids
from soundpost.kernel.clock import SystemClock
from soundpost.link.envelope import (
    CREDIT,
    FACTS,
    FACTS_PER_FRAME,
    VALUES,
    Ack,
    Beat,
    CaughtUp,
    Challenge,
    Change,
    Declare,
    Facts,
    Hello,
    Join,
    Joined,
    Message,
    Read,
    Refused,
    Schema,
    Values,
    Welcome,
    decode,
    encode,
    signed_bytes,
)  # fmt: skip
from soundpost.link.ledger import Lane
from soundpost.link.level import LEVEL, LOWEST

CLOCK = SystemClock()
PATH = "/agent/link"
WAIT_S = 120.0


class Account(Struct):
    name: str
    password: str


class Sent(Struct):
    """A values frame under way: when it left, and what it changes once it is acked."""

    n: int
    at: float
    changes: list[Change]


class Player:
    """`latencies` gathers seconds from sending a values frame to its ack. `confirmed` holds only what was acked."""

    def __init__(self, account: Account, number: int, size: int) -> None:
        self.account = account
        self.site = fleet.site(number, size, CLOCK.now_ms())
        self.confirmed: list[dict[int, float]] = [{} for _ in self.site.devices]
        self.latencies: list[float] = []
        self.acked_changes = 0
        self.lost = ""
        self.on_ack: Callable[[], None] | None = None
        self._key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(account.name.encode()).digest())
        self._agent = ""
        self._wire: Wire | None = None
        self._heard: asyncio.Queue[Message] = asyncio.Queue()
        self._facts, self._values = Lane(CREDIT[FACTS]), Lane(CREDIT[VALUES])
        self._under_way: deque[Sent] = deque()
        self._room = asyncio.Event()
        self._boot = ids.mint("boot", CLOCK.now_ms())
        self._last_uid = b""

    # -- in

    def _message(self, frame: bytes) -> None:
        message = decode(frame)
        if isinstance(message, Ack):
            self._acked(message)
        elif isinstance(message, Beat):
            self.say(Beat(now_ms=CLOCK.now_ms(), echo_ms=message.now_ms, held_ms=0))
        else:
            self._heard.put_nowait(message)

    def _acked(self, ack: Ack) -> None:
        if ack.lane == FACTS:
            self._facts.acked(ack.n)
        else:
            self._values.acked(ack.n)
            now = CLOCK.monotonic()
            while self._under_way and self._under_way[0].n <= ack.n:
                self._confirm(self._under_way.popleft(), now)
        self._room.set()
        if self.on_ack is not None:
            self.on_ack()

    def _confirm(self, sent: Sent, now: float) -> None:
        self.latencies.append(now - sent.at)
        self.acked_changes += len(sent.changes)
        for change in sent.changes:
            self.confirmed[change.ref][change.index] = change.value  # type: ignore[assignment]

    def _ended(self) -> None:
        self.lost = self.lost or "closed"
        self._room.set()
        self._heard.put_nowait(Refused(code="closed", text="the line was closed"))

    async def _expect(self, kind: type[Any]) -> Any:
        async with asyncio.timeout(WAIT_S):
            message = await self._heard.get()
        if isinstance(message, Refused):
            self.lost = message.code
            raise ConnectionError(message.code)
        if not isinstance(message, kind):
            raise TypeError(f"{type(message).__name__} came instead of {kind.__name__}")
        return message

    # -- out

    def say(self, message: Message) -> None:
        if self._wire is not None:
            self._wire.send(encode(message))

    async def connect(self, host: str, port: int, context: ssl.SSLContext) -> Welcome:
        """To the end of the greeting; raises ConnectionError with the hub's code when it is refused."""
        self._heard, self.lost = asyncio.Queue(), ""
        self._facts, self._values = Lane(CREDIT[FACTS]), Lane(CREDIT[VALUES])
        self._under_way.clear()
        self._wire = await opened(host, port, PATH, context, self._message, self._ended)
        challenge: Challenge = await self._expect(Challenge)
        if not self._agent:
            await self._join()
        named = f"{host}:{port}"
        nonce = hashlib.sha256(challenge.nonce).digest()
        signed = signed_bytes(challenge.hub, named, challenge.nonce, nonce, self._agent, self._boot)
        self.say(
            Hello(
                agent=self._agent, boot=self._boot, nonce=nonce, host=named, signature=self._key.sign(signed),
                level=LEVEL, lowest=LOWEST, now_ms=CLOCK.now_ms(), zone="Europe/Amsterdam", version="bench",
                last_acked=self._last_uid,
            )
        )  # fmt: skip
        welcome: Welcome = await self._expect(Welcome)
        return welcome

    async def _join(self) -> None:
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.say(
            Join(
                name=self.account.name, password=self.account.password, public_key=public, level=LEVEL, lowest=LOWEST,
                boot=self._boot, machine="bench",
            )
        )  # fmt: skip
        joined: Joined = await self._expect(Joined)
        self._agent = joined.agent

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()

    def declare(self) -> None:
        self.say(Schema(number=1, descriptors=list(fleet.POINTS)))
        for ref, device in enumerate(self.site.devices):
            self.say(Declare(ref=ref, device=device.id, identity=device.identity, generation=1, schema=1))

    async def tell(self) -> None:
        """All facts of its site, then a first value of every point; returns when everything is acked."""
        bodies = fleet.facts(self.site, CLOCK.now_ms())
        for start in range(0, len(bodies), FACTS_PER_FRAME):
            await self._until(lambda: self._facts.open)
            self.say(Facts(n=self._facts.send(0), facts=bodies[start : start + FACTS_PER_FRAME]))
        self.say(CaughtUp())
        now_ms = CLOCK.now_ms()
        changes = [
            Change(ref, index, self._first(ref, index), now_ms)
            for ref in range(len(self.site.devices))
            for index in range(len(fleet.POINTS))
        ]
        self.send(changes, self.reads(range(len(self.site.devices)), now_ms), snapshot=True)
        await self._until(lambda: not self._under_way and not self._facts.under_way)

    def _first(self, ref: int, index: int) -> float | bool:
        return float(ref % 40 - 20) if index in fleet.NUMBERS else False

    def reads(self, refs: range, now_ms: int) -> list[Read]:
        return [Read(ref, group, now_ms) for ref in refs for group in (0, 1)]

    async def _until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not true():
                if self.lost:
                    raise ConnectionError(self.lost)
                self._room.clear()
                await self._room.wait()

    @property
    def open(self) -> bool:
        """Credit for another values frame."""
        return self._values.open and not self.lost

    @property
    def quiet(self) -> bool:
        return not self._under_way

    def send(self, changes: list[Change], reads: list[Read], *, snapshot: bool = False) -> None:
        n = self._values.send(0)
        self._under_way.append(Sent(n, CLOCK.monotonic(), changes))
        self.say(Values(n=n, changes=changes, reads=reads, snapshot=snapshot))
