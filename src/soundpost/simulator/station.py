"""A stack at an address: its listener, its sessions, its timers, and the troubles it is in."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from soundpost.kernel import log
from soundpost.kernel.clock import Clock
from soundpost.simulator import commands
from soundpost.simulator.addresses import Endpoint, listening_socket
from soundpost.simulator.assumptions import Assumptions
from soundpost.simulator.parameters import PARAMETERS
from soundpost.simulator.session import Session
from soundpost.simulator.specs import StackSpec
from soundpost.simulator.stack import Stack

BACKLOG = 64
MUTE = PARAMETERS["LEVEL", "MUTE"]
LONGEST_RESTART_S = 165.0
LOG = log.get("simulator")


class Station:
    def __init__(self, spec: StackSpec, endpoint: Endpoint, switches: Assumptions, clock: Clock) -> None:
        self.clock = clock
        self.stack = Stack(spec, switches, clock, self)
        self.home = self.endpoint = endpoint
        self.stack.address = endpoint[0]
        self.sessions: set[Session] = set()
        self.connects_seen = 0
        # Troubles. The names of faults that are on gather in `faults`, for people to see.
        self.faults: dict[str, dict[str, Any]] = {}
        self.silent = self.split = self.chatter = False
        self.slow_s = 0.0
        self.error: tuple[str, str] | None = None
        self.stopped = self.refused = self.restarting = self.displaced = False
        self._server: asyncio.Server | None = None
        self._server_endpoint = endpoint
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._lock = asyncio.Lock()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def name(self) -> str:
        return self.stack.spec.name

    @property
    def should_listen(self) -> bool:
        return not (self.stopped or self.refused or self.restarting or self.displaced)

    @property
    def listening(self) -> bool:
        return self._server is not None

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
        self.stack.address = self.endpoint[0]

    def _session(self) -> Session:
        self._empty.clear()
        return Session(self)

    def left(self, session: Session) -> None:
        self.sessions.discard(session)
        if not self.sessions:
            self._empty.set()

    def reset_lines(self) -> None:
        for session in list(self.sessions):
            session.reset()

    async def stop(self) -> None:
        self.stopped = True
        for task in list(self._timers.values()):
            task.cancel()
        await asyncio.gather(*self._timers.values(), return_exceptions=True)
        await self.apply()
        self.reset_lines()
        await self._empty.wait()

    # -- what the stack says

    def answer(self, line: str, session: Session) -> str:
        if self.error is not None and line.strip() and self.error[0] in line.lower():
            self.stack.commands_seen += 1
            return commands.framed(self.stack, self.error[1])
        reply = commands.answer(self.stack, line, session)
        if self.chatter and reply:
            # A true line between a command and its reply: what a client must not take for the answer.
            mute = MUTE.text(self.stack.read(("MIC", 101), MUTE))
            return commands.framed(self.stack, f"EP MIC 101 LEVEL MUTE {mute}") + reply
        return reply

    def broadcast(self, line: str, writer: object = None) -> None:
        if not self.sessions:
            return
        text = commands.framed(self.stack, line)
        for session in list(self.sessions):
            if session is not writer and session.logged_in:
                session.push(text)

    def whisper(self, line: str, session: object) -> bool:
        if not isinstance(session, Session) or session not in self.sessions:
            return False
        session.push(commands.framed(self.stack, line))
        return True

    def serve_files(self) -> None:
        """The file service follows `Stack.serves_files`."""

    # -- timers and restart

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

    def end_task(self, name: str) -> None:
        before = self._timers.pop(name, None)
        if before is not None:
            before.cancel()

    def end_timers(self) -> None:
        for name in [name for name in self._timers if name != "restart"]:
            self.end_task(name)

    def start_task(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """One task per name; a new one ends the old one."""
        self.end_task(name)

        async def guarded() -> None:
            try:
                await work()
            except Exception as error:
                LOG.warning("simulated stack failed", stack=self.name, task=name, reason=str(error))
            finally:
                if self._timers.get(name) is asyncio.current_task():
                    del self._timers[name]

        self._timers[name] = asyncio.get_running_loop().create_task(guarded())

    def restart(self, down_s: float | None = None, empty_s: float | None = None) -> None:
        """Drops all lines, refuses, comes back with an empty VERSION, then says HW_RESYNC."""
        switches = self.stack.switches
        down = min(switches.restart_down_s if down_s is None else down_s, LONGEST_RESTART_S)
        empty = switches.restart_empty_s if empty_s is None else empty_s
        self.restarting = True
        self.stack.starting = False
        self.stack.power_on()
        self.reset_lines()
        self.start_task("restart", lambda: self._restart(down, empty))

    async def _restart(self, down: float, empty: float) -> None:
        await self.apply()
        await self.clock.sleep(down)
        self.restarting = False
        self.stack.starting = True
        self.stack.power_on()
        await self.apply()
        await self.clock.sleep(empty)
        self.stack.starting = False
        self.stack.hw_resync()

    async def end_restart(self) -> None:
        self.end_task("restart")
        if self.restarting or self.stack.starting:
            self.restarting = self.stack.starting = False
            await self.apply()
            self.stack.hw_resync()
