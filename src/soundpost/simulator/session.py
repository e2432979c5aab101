"""One telnet line of one client: login, then commands. A bare asyncio.Protocol, so that thousands cost little."""

import asyncio
import socket
import struct
from collections import deque
from typing import Protocol, cast

from soundpost.kernel.clock import Clock
from soundpost.simulator import commands
from soundpost.simulator.framing import GREETING, Lines, Options
from soundpost.simulator.login import USERNAME, Login
from soundpost.simulator.stack import Stack

LINGER_0 = struct.pack("ii", 1, 0)
UNREAD_LIMIT = 1 << 20  # bytes a client may leave unread before it is dropped
IAC = b"\xff"


class Carrier(Protocol):
    """What a session needs of its station."""

    stack: Stack
    clock: Clock
    sessions: set["Session"]
    connects_seen: int
    silent: bool
    split: bool
    slow_s: float

    @property
    def should_listen(self) -> bool: ...

    def left(self, session: "Session") -> None: ...

    def answer(self, line: str, session: "Session") -> str: ...


class Session(asyncio.Protocol):
    __slots__ = ("_greeted", "_late", "_lines", "_login", "_options", "_sender", "_station", "_transport")

    def __init__(self, station: Carrier) -> None:
        self._station = station
        switches = station.stack.switches
        self._lines = Lines(switches.line_limit)
        self._options = Options(switches.answer_options, switches.option_bytes)
        self._login = Login(station.stack)
        self._transport: asyncio.Transport | None = None
        self._greeted = False
        self._late: deque[tuple[float, bytes]] | None = None  # only while `slow`: an empty deque is not small
        self._sender: asyncio.Task[None] | None = None

    @property
    def logged_in(self) -> bool:
        return self._login.open

    # -- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class
        self._transport = transport
        station = self._station
        station.sessions.add(self)
        station.connects_seen += 1
        if not station.should_listen:  # was already in the kernel's queue when the listener closed
            self.reset()
        elif len(station.sessions) > station.stack.switches.max_sessions:
            transport.close()
        else:
            self.greet()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._late = None
        if self._sender is not None:
            self._sender.cancel()
        self._station.left(self)

    def data_received(self, data: bytes) -> None:
        if self._station.silent:
            return
        options = self._options
        if IAC in data or not options.idle:
            data = options.feed(data)
            if options.replies:
                self._write(options.replies)
                options.replies = b""
        out = []
        for line in self._lines.feed(data):
            out.append(self._line(line))
            if self._transport is None or self._transport.is_closing():
                return
        self.send("".join(out))
        if self._login.closed and self._transport is not None:
            self._transport.close()

    # -- the dialogue

    def greet(self) -> None:
        """Once; a line accepted in silence is greeted when the silence ends."""
        if self._greeted or self._station.silent or self._transport is None:
            return
        self._greeted = True
        switches = self._station.stack.switches
        if switches.option_bytes:
            self._write(GREETING)
        self.send(switches.banner + USERNAME)

    def _line(self, line: str | None) -> str:
        if self._login.closed:
            return ""
        if not self._login.open:
            return self._login.line(line or "")
        stack = self._station.stack
        if line is None:
            return commands.framed(stack, stack.switches.error_command)
        echo = f"{line}\r\n" if stack.switches.echo else ""
        return echo + self._station.answer(line, self)

    # -- output

    def push(self, text: str) -> None:
        if self._transport is not None and self._transport.get_write_buffer_size() > UNREAD_LIMIT:
            self.reset()
        else:
            self.send(text)

    def send(self, text: str) -> None:
        station = self._station
        if not text or station.silent:
            return
        data = text.encode("utf-8", "surrogateescape")
        if not station.slow_s and not self._late:
            self._write(data)
            return
        if self._late is None:
            self._late = deque()
        self._late.append((station.clock.monotonic() + station.slow_s, data))
        if self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._send_late())

    async def _send_late(self) -> None:
        clock = self._station.clock
        try:
            while self._late:
                due, data = self._late[0]
                if (wait := due - clock.monotonic()) > 0:
                    await clock.sleep(wait)
                if self._late:  # still here: a lost line has none
                    self._write(data)
                    self._late.popleft()
        finally:
            self._sender = None

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing() or self._station.silent:
            return
        if self._station.split:
            for position in range(len(data)):
                transport.write(data[position : position + 1])
        else:
            transport.write(data)

    def reset(self) -> None:
        """The peer sees a reset, not an orderly end."""
        transport = self._transport
        if transport is None:
            return
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        transport.abort()
