"""One line of one client: login where there is one, then commands. A bare asyncio.Protocol: thousands cost little."""

import asyncio
import socket
import struct
from typing import Protocol, cast

from soundpost.simulator.assumptions import Assumptions
from soundpost.simulator.deaf import deafen
from soundpost.simulator.disguise import Disguise
from soundpost.simulator.framing import GREETING, Lines, Options
from soundpost.simulator.outlet import Carrier as OutletCarrier
from soundpost.simulator.outlet import Outlet

LINGER_0 = struct.pack("ii", 1, 0)
UNREAD_LIMIT = 1 << 20  # bytes a client may leave unread before it is dropped
IAC = b"\xff"


class Gate(Protocol):
    """The login dialogue, or none."""

    open: bool
    closed: bool

    def line(self, text: str) -> str: ...


class Carrier(OutletCarrier, Protocol):
    """What a session needs of its station."""

    switches: Assumptions
    sessions: set["Session"]
    connects_seen: int
    disguise: Disguise | None
    echo: bool
    option_bytes: bool

    @property
    def should_listen(self) -> bool: ...

    @property
    def greeting(self) -> str: ...

    def gate(self) -> Gate: ...

    def left(self, session: "Session") -> None: ...

    def answer(self, line: str | None, session: "Session") -> str:
        """None is a line that was too long."""


class Session(asyncio.Protocol):
    __slots__ = ("_gate", "_greeted", "_lines", "_options", "_outlet", "_station", "frozen")

    def __init__(self, station: Carrier) -> None:
        self._station = station
        switches = station.switches
        self._lines = Lines(switches.line_limit)
        self._options = Options(switches.answer_options, station.option_bytes)
        self._gate = station.gate()
        self._outlet = Outlet(station)
        self._greeted = self.frozen = False

    @property
    def logged_in(self) -> bool:
        return self._gate.open

    # -- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class
        self._outlet.transport = transport
        station = self._station
        station.sessions.add(self)
        station.connects_seen += 1
        if not station.should_listen:  # was already in the kernel's queue when the listener closed
            self.reset()
        elif sum(not session.frozen for session in station.sessions) > station.switches.max_sessions:
            transport.close()
        else:
            self.greet()

    def connection_lost(self, exc: Exception | None) -> None:
        self._outlet.lost()
        self._station.left(self)

    def data_received(self, data: bytes) -> None:
        if self._station.silent or self.frozen:
            return
        options = self._options
        if IAC in data or not options.idle:
            data = options.feed(data)
            if options.replies:
                self._outlet.write(options.replies)
                options.replies = b""
        out = []
        for line in self._lines.feed(data):
            out.append(self._line(line))
            transport = self._outlet.transport
            if transport is None or transport.is_closing():
                return
        self.send("".join(out))
        if self._gate.closed and self._outlet.transport is not None:
            self._outlet.transport.close()

    # -- the dialogue

    def greet(self) -> None:
        """Once; a line accepted in silence is greeted when the silence ends."""
        if self._greeted or self._station.silent or self._outlet.transport is None:
            return
        self._greeted = True
        if self._station.option_bytes:
            self._outlet.write(GREETING)
        self.send(self._station.greeting)

    def _line(self, line: str | None) -> str:
        gate = self._gate
        if gate.closed:
            return ""
        if not gate.open:
            text = gate.line(line or "")
            worn = self._station.disguise
            return text if worn is None else worn.worn(text, logged_in=False)
        answer = self._station.answer(line, self)
        if self._station.disguise is not None:
            answer = self._station.disguise.worn(answer, logged_in=True)
        return f"{line}\r\n{answer}" if self._station.echo and line is not None else answer

    # -- output

    def push(self, text: str) -> None:
        """What the device says unasked."""
        transport = self._outlet.transport
        if transport is not None and transport.get_write_buffer_size() > UNREAD_LIMIT:
            self.reset()
        elif not self.frozen:
            worn = self._station.disguise
            self.send(text if worn is None else worn.worn(text, logged_in=True))

    def send(self, text: str) -> None:
        if text and not self._station.silent and not self.frozen:
            self._outlet.send(text.encode("utf-8", "surrogateescape"))

    def freeze(self) -> None:
        """The device has forgotten this line and does not say so: nothing is read, acknowledged or written, nothing ends."""
        self.frozen = True
        self._outlet.empty()
        if self._outlet.transport is not None:
            self._outlet.transport.pause_reading()
            deafen(self._outlet.transport.get_extra_info("socket"))

    def reset(self) -> None:
        """The peer sees a reset, not an orderly end."""
        transport = self._outlet.transport
        if transport is None:
            return
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        transport.abort()
