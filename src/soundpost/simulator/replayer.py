"""A transcript at an address: each connection plays the next one recorded, and whoever strays is told where (`--replay`)."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from soundpost.kernel import log
from soundpost.kernel.clock import Clock, SystemClock
from soundpost.kernel.errors import Conflict, Invalid
from soundpost.simulator.addresses import SINGLE, listening_socket
from soundpost.simulator.replay import Replay, Said, Strayed
from soundpost.simulator.transcript import Segment, connections, parse

LARGEST = 64 << 20
LOG = log.get("simulator")


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """`pace`: 1 keeps the recorded times between the device's segments, 0.5 halves them, 0 leaves them out."""

    file: Path
    host: str = SINGLE
    port: int = 0
    pace: float = 0.0


class Replayer:
    """`strays`: what strayed, in order. `played`: connections that came to the end of their recording."""

    def __init__(self, name: str, recorded: list[list[Segment]], pace: float, clock: Clock) -> None:
        self.name, self.pace, self.clock = name, pace, clock
        self._recorded = recorded
        self._next = 0
        self.strays: list[str] = []
        self.played = 0
        self.lines: set[Line] = set()

    def line(self) -> "Line":
        """The recorded connections in their order, then from the first again."""
        recorded = self._recorded[self._next % len(self._recorded)]
        self._next += 1
        return Line(self, Replay(recorded))

    def strayed(self, error: Strayed) -> None:
        self.strays.append(f"{self.name}, {error}")
        LOG.warning("client strayed from the recording", file=self.name, where=str(error))


class Line(asyncio.Protocol):
    def __init__(self, replayer: Replayer, replay: Replay) -> None:
        self._replayer, self._replay = replayer, replay
        self._transport: asyncio.Transport | None = None
        self._counted = False
        self._waiting: list[Said] = []
        self._sender: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._replayer.lines.add(self)
        self._say(self._replay.opening())
        self._count()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._replayer.lines.discard(self)
        if self._sender is not None:
            self._sender.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            for said in self._replay.feed(data):
                self._say([said])
        except Strayed as error:
            self._replayer.strayed(error)
            self.close()
        self._count()

    def _count(self) -> None:
        if self._replay.over and not self._counted:
            self._counted = True
            self._replayer.played += 1

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _say(self, said: list[Said]) -> None:
        if self._replayer.pace or self._waiting:
            self._waiting += said
            if self._sender is None:
                self._sender = asyncio.get_running_loop().create_task(self._send_waiting())
        else:
            for one in said:
                self._send(one)

    async def _send_waiting(self) -> None:
        replayer = self._replayer
        try:
            while self._waiting:
                await replayer.clock.sleep(self._waiting[0].wait_s * replayer.pace)
                self._send(self._waiting.pop(0))
        finally:
            self._sender = None

    def _send(self, said: Said) -> None:
        if self._transport is None:
            return
        if said.data:
            self._transport.write(said.data)
        if said.ends:
            self._transport.close()


def load(path: Path) -> list[list[Segment]]:
    """Raises Invalid `transcript_unreadable` or `transcript_invalid`."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except OSError as error:
        raise Invalid(
            f"The transcript {path} can't be read: {error.strerror}.", code="transcript_unreadable"
        ) from error
    if len(text) > LARGEST:
        raise Invalid(f"The transcript {path} is larger than 64 megabytes.", code="transcript_unreadable")
    recorded = connections(parse(text, path.name))
    if not recorded:
        raise Invalid(f"The transcript {path} holds no connection: nobody said anything.", code="transcript_invalid")
    return recorded


def refuse_beside_replay(options: Sequence[str]) -> None:
    """A recording is one device that says what it said: options of stacks and scenes mean nothing to it."""
    if options:
        raise Invalid(
            f"--{options[0]} does nothing with --replay, which plays a recording and no stacks. Leave one of the two out.",
            code="replay_alone",
            options=list(options),
        )


def refuse_pace(pace: float) -> None:
    if pace:
        raise Invalid("--pace goes with --replay: it is how fast a recording is played.", code="pace_alone")


async def run_replay(
    settings: ReplaySettings,
    ready: Callable[[dict[str, Any]], None],
    stop: asyncio.Event,
    *,
    clock: Clock | None = None,
) -> None:
    """Plays until `stop`. `ready` gets {"replay": "127.0.0.1:10023", "connections": n}. Raises Conflict `replay_strayed` at the
    end when a client strayed, so that a script can tell by the exit code."""
    if not 0 <= settings.pace <= 100:
        raise Invalid("The pace is a number from 0 to 100; 1 is as recorded.", code="pace_invalid")
    recorded = load(settings.file)
    replayer = Replayer(settings.file.name, recorded, settings.pace, clock or SystemClock())
    sock = listening_socket((settings.host, settings.port))
    server = await asyncio.get_running_loop().create_server(replayer.line, sock=sock)
    try:
        address, port = sock.getsockname()
        ready({"replay": f"{address}:{port}", "connections": len(recorded)})
        await stop.wait()
    finally:
        server.close()
        for line in list(replayer.lines):
            line.close()
        await server.wait_closed()
    if replayer.strays:
        raise Conflict(
            f"A client strayed from the recording {len(replayer.strays)} times, first at {replayer.strays[0]}.",
            code="replay_strayed", strays=replayer.strays,
        )  # fmt: skip
