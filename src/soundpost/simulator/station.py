"""A stack at an address: login, commands, restarts and its file service."""

from soundpost.kernel.clock import Clock
from soundpost.simulator import commands
from soundpost.simulator.addresses import Endpoint
from soundpost.simulator.assumptions import Assumptions
from soundpost.simulator.fileservice import FileService
from soundpost.simulator.listener import Listener
from soundpost.simulator.login import USERNAME, Login
from soundpost.simulator.parameters import PARAMETERS
from soundpost.simulator.session import Gate, Session
from soundpost.simulator.specs import StackSpec
from soundpost.simulator.stack import Stack

LONGEST_RESTART_S = 165.0
MUTE = PARAMETERS["LEVEL", "MUTE"]


class Station(Listener):
    kind = "stack"
    files: FileService | None = None
    """Made when it is first opened: most never are."""

    def __init__(
        self, spec: StackSpec, endpoint: Endpoint, switches: Assumptions, clock: Clock, ftp_port: int = 0
    ) -> None:
        super().__init__(spec.name, endpoint, switches, clock)
        self.stack = Stack(spec, switches, clock, self)
        self._ftp_port = ftp_port
        self.stack.address = endpoint[0]

    # -- what the listener asks

    @property
    def site(self) -> str:
        return self.stack.spec.site

    @property
    def greeting(self) -> str:
        text = self.switches.banner + USERNAME
        return text if self.disguise is None else self.disguise.worn(text, logged_in=False)

    def gate(self) -> Gate:
        return Login(self.stack)

    def answer_line(self, line: str, session: Session) -> str:
        return commands.answer(self.stack, line, session)

    def framed(self, *lines: str) -> str:
        return commands.framed(self.stack, *lines)

    def aside(self) -> str:
        return f"EP MIC 101 LEVEL MUTE {MUTE.text(self.stack.read(('MIC', 101), MUTE))}"

    def settled(self) -> None:
        self.stack.address = self.endpoint[0]

    # -- file service

    @property
    def ftp_port(self) -> int | None:
        """Where the file service is reached while it is open."""
        return self.files.port if self.files is not None else None

    def serve_files(self) -> None:
        """It follows `Stack.serves_files`, and the plug: a stack that refuses has no file service either."""
        there = self.should_listen and self.stack.serves_files
        if there or self.files is not None:
            self.files = self.files or FileService(self.stack)
            self.files.follow((self.endpoint[0], self._ftp_port) if there else None)

    async def apply(self) -> None:
        await super().apply()
        self.serve_files()

    async def stop(self) -> None:
        await super().stop()
        if self.files is not None:
            await self.files.stop()

    # -- restart

    def restart(self, down_s: float | None = None, empty_s: float | None = None) -> None:
        """Drops all lines, refuses, comes back with an empty VERSION, then says HW_RESYNC."""
        switches = self.switches
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
