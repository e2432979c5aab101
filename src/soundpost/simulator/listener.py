"""Something that answers at an address: its listener, its sessions, its timers, and the troubles any device can be in."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from soundpost.kernel import log
from soundpost.kernel.clock import Clock
from soundpost.simulator.addresses import Endpoint, listening_socket
from soundpost.simulator.assumptions import Assumptions
from soundpost.simulator.disguise import Cut, Disguise
from soundpost.simulator.session import Gate, Session

BACKLOG = 64
LOG = log.get("simulator")


class Listener(ABC):
    """`answer_line` and `framed` are the device's own. The names of faults that are on gather in `faults`, for people."""

    kind = "device"
    """What people call it: `stack`, `BMA 360D`."""

    # Of thousands most are never in trouble: what a trouble changes costs them nothing here.
    connects_seen = commands_seen = 0
    silent = echo = option_bytes = False
    stopped = refused = restarting = displaced = False
    cut: Cut | None = None
    disguise: Disguise | None = None
    slow_s = 0.0
    error: tuple[str, str] | None = None
    chatter: list[str] | None = None
    lost: "Share | None" = None
    late: "tuple[Share, float] | None" = None

    def __init__(self, name: str, endpoint: Endpoint, switches: Assumptions, clock: Clock) -> None:
        self.name, self.switches, self.clock = name, switches, clock
        self.home = self.endpoint = endpoint
        self.sessions: set[Session] = set()
        self.faults: dict[str, dict[str, Any]] = {}
        if switches.echo or switches.option_bytes:
            self.echo, self.option_bytes = switches.echo, switches.option_bytes
        self._server: asyncio.Server | None = None
        self._server_endpoint = endpoint
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._lock = asyncio.Lock()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def should_listen(self) -> bool:
        return not (self.stopped or self.refused or self.restarting or self.displaced)

    @property
    def listening(self) -> bool:
        return self._server is not None

    # -- what a device fills in

    @property
    @abstractmethod
    def greeting(self) -> str: ...

    @property
    @abstractmethod
    def site(self) -> str: ...

    @abstractmethod
    def gate(self) -> Gate: ...

    @abstractmethod
    def answer_line(self, line: str, session: Session) -> str: ...

    @abstractmethod
    def framed(self, *lines: str) -> str: ...

    @property
    def error_text(self) -> str:
        """What it answers to a line it can't take."""
        return self.switches.error_command

    @abstractmethod
    def aside(self) -> str:
        """A true line that nobody asked for: what a client must not take for an answer."""

    @abstractmethod
    def settled(self) -> None:
        """Told when the listener is where it shall be."""

    # -- listener

    async def apply(self) -> None:
        """Makes listener and lines follow `should_listen` and `endpoint`."""
        async with self._lock:
            if self._server is not None and (not self.should_listen or self._server_endpoint != self.endpoint):
                self._server.close()
                self._server = None
                self.reset_lines()
            if self._server is None and self.should_listen:
                await self._open()

    async def _open(self) -> None:
        sock = listening_socket(self.endpoint)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, sock=sock, backlog=BACKLOG)
        if self.endpoint == self.home:
            self.home = (self.home[0], sock.getsockname()[1])
        self.endpoint = self._server_endpoint = (self.endpoint[0], sock.getsockname()[1])
        self.settled()

    def _session(self) -> Session:
        self._empty.clear()
        return Session(self)

    def wear(self, **odd: bool) -> None:
        """The named fields of Disguise; each belongs to one fault."""
        worn = replace(self.disguise or Disguise(), **odd)
        self.disguise = worn if worn != Disguise() else None

    def left(self, session: Session) -> None:
        self.sessions.discard(session)
        if not self.sessions:
            self._empty.set()

    def reset_lines(self) -> None:
        for session in list(self.sessions):
            session.reset()

    async def stop(self) -> None:
        self.stopped = True
        tasks = list(self._timers.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.apply()
        self.reset_lines()
        await self._empty.wait()

    # -- what the device says

    def answer(self, line: str | None, session: Session) -> str:
        if line is None:
            return self.framed(self.error_text)
        if not line.strip():
            return self.answer_line(line, session)
        self.commands_seen += 1
        if self.error is not None and self.error[0] in line.lower():
            return self.framed(self.error[1])
        reply = self.answer_line(line, session)
        if not reply:
            return reply
        if self.lost is not None and self.lost.takes(line):
            return ""
        if self.late is not None and self.late[0].takes(line):
            # Later than what is asked after it: unlike a slow device's, such a reply is overtaken.
            self.timer(f"late {self.commands_seen}", self.late[1], lambda: session.push(reply))
            return ""
        if self.chatter is not None:
            reply = self.framed(*(self.chatter or [self.aside()])) + reply
        return reply

    def broadcast(self, line: str, writer: object = None) -> None:
        if not self.sessions:
            return
        text = self.framed(line)
        for session in list(self.sessions):
            if session is not writer and session.logged_in:
                session.push(text)

    def say_raw(self, text: str) -> None:
        for session in list(self.sessions):
            if session.logged_in:
                session.push(text)

    def whisper(self, line: str, session: object) -> bool:
        if not isinstance(session, Session) or session not in self.sessions:
            return False
        session.push(self.framed(line))
        return True

    # -- timers

    def timer(self, name: str, seconds: float | None, then: Callable[[], None]) -> None:
        if seconds is None:
            self.end_task(name)
            return
        delay = seconds

        async def wait() -> None:
            await self.clock.sleep(delay)
            self._timers.pop(name, None)
            then()

        self.start_task(name, wait)

    def end_timers(self) -> None:
        for name in [name for name in self._timers if name != "restart"]:
            self.end_task(name)

    def end_task(self, name: str) -> None:
        before = self._timers.pop(name, None)
        if before is not None:
            before.cancel()

    def start_task(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """One task per name; a new one ends the old one."""
        self.end_task(name)

        async def guarded() -> None:
            try:
                await work()
            except Exception as error:
                LOG.warning("simulated device failed", stack=self.name, task=name, reason=str(error))
            finally:
                if self._timers.get(name) is asyncio.current_task():
                    del self._timers[name]

        self._timers[name] = asyncio.get_running_loop().create_task(guarded())


class Share:
    """Which commands meet a trouble: those with `match` in them, every so manieth."""

    __slots__ = ("_count", "_every", "_match")

    def __init__(self, match: str, every: int) -> None:
        self._match, self._every, self._count = match.lower(), every, 0

    def takes(self, line: str) -> bool:
        if self._match not in line.lower():
            return False
        self._count += 1
        return self._count % self._every == 0
