"""Whether something answers at a TCP port, and nothing more: for devices whose language nobody has written down.

A connection is opened each heartbeat and closed at once; not one byte is sent. That the port answers says that the network and
the device's software are there, not that the device does its work, and its points say just that.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from math import inf
from typing import Protocol

from soundpost.device.capability import CommandState
from soundpost.device.contract import Credentials, Outcome, Periods, PointReading, Sink, Trouble, Unit
from soundpost.device.model import Endpoint, Group
from soundpost.kernel.clock import Clock, rfc3339
from soundpost.transport.stream import connect, told
from soundpost.wire import tape
from soundpost.wire.lines import Item

CONNECT_S = 5.0
ROOMS = (Group.STATUS, Group.LEVELS, Group.FACTS, Group.SETTINGS)


class Reached(Protocol):
    def __call__(self, seconds: float) -> tuple[str, Sequence[PointReading]]:
        """Which part, and what its points are when a connection took that long."""


class Nobody:
    """Implements stream.Receiver for who only knocks."""

    def received(self, items: list[Item]) -> None: ...

    def lost(self, trouble: Trouble, text: str) -> None: ...


async def knock(endpoint: Endpoint, clock: Clock, seconds: float) -> float:
    """Seconds until the connection stood. Raises OSError or TimeoutError."""
    started = clock.monotonic()
    stream = await connect(Nobody(), endpoint, clock, seconds)
    took = clock.monotonic() - started
    stream.hang_up(Trouble.CLOSED, "it answers")
    return took


class ReachSession:
    """Implements device.contract.Session."""

    def __init__(
        self, unit: Unit, reached: Reached, endpoint: Endpoint, sink: Sink, clock: Clock, periods: Periods, seed: int
    ) -> None:
        self._unit, self._reached, self._endpoint = unit, reached, endpoint
        self._sink, self._clock, self._periods = sink, clock, periods
        self._phase = random.Random(seed).random()
        self._tape = tape.Tape(clock.monotonic())
        self._began_ms = clock.now_ms()
        self._failures = 0
        self._up = False
        self._off_until = float("-inf")
        self._changed = asyncio.Event()

    async def run(self) -> None:
        due = self._clock.monotonic()
        while True:
            await self._until(max(due, self._off_until))
            if self._clock.monotonic() < self._off_until:
                continue
            await self._look()
            due = self._clock.monotonic() + self._every()

    def _every(self) -> float:
        """The first time at once, then each at a phase of its own, so that many are not knocked at in one instant."""
        phase, self._phase = self._phase, 0.0
        return self._periods.heartbeat * (1.0 - phase)

    async def _until(self, due: float) -> None:
        """Ends early when something changed."""
        self._changed.clear()
        try:
            async with self._clock.timeout(max(0.0, due - self._clock.monotonic())):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _look(self) -> bool:
        try:
            took = await knock(self._endpoint, self._clock, CONNECT_S)
        except OSError as error:
            self._down(*told(error, self._endpoint))
            return False
        self._note(f"{self._endpoint} answered after {took * 1000:.0f} ms")
        self._failures = 0
        if not self._up:
            self._up = True
            self._sink.connected()
            self._sink.inventory(self._unit)
        part, readings = self._reached(took)
        self._sink.readings(part, readings)
        for group in ROOMS:
            self._sink.covered(part, group)
        return True

    def _down(self, trouble: Trouble, text: str) -> None:
        self._up = False
        self._failures += 1
        self._note(text)
        self._sink.trouble(trouble, text, self._failures)

    def _note(self, text: str) -> None:
        self._tape.note(self._clock.monotonic(), text)

    async def perform(
        self, part: str, verb: str, arguments: Mapping[str, object], serials: frozenset[str], due: float = inf
    ) -> Outcome:
        if verb != "refresh":
            words = f"Only whether this device answers is known; it has no function {verb}."
            return Outcome(CommandState.UNSUPPORTED, "unsupported", words)
        if self._clock.monotonic() < self._off_until:
            return Outcome(
                CommandState.FAILED, "line_down", "Nothing was done: the device is left to others, as asked."
            )
        if await self._look():
            return Outcome(CommandState.DONE, text="It answers.")
        return Outcome(CommandState.FAILED, "line_down", "It does not answer.")

    async def hands_off(self, seconds: float) -> None:
        self._off_until = self._clock.monotonic() + seconds if seconds > 0 else float("-inf")
        if seconds > 0:
            self._down(Trouble.HANDS_OFF, f"nothing is asked for {seconds:g} s, as asked")
        self._changed.set()

    def retarget(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._changed.set()

    def renew(self, credentials: Sequence[Credentials]) -> None:
        """It signs in nowhere."""

    def transcript(self) -> bytes:
        return tape.text(
            self._tape.entries(), (f"began {rfc3339(self._began_ms)}", "connections only: nothing is said")
        )
