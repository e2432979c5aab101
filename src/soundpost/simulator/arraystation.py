"""A BMA 360D at an address: a line without login, and the beam reports it goes on with."""

from collections import deque

from soundpost.kernel.clock import Clock
from soundpost.simulator.addresses import Endpoint
from soundpost.simulator.assumptions import Assumptions
from soundpost.simulator.bma360d import Array, ArraySpec
from soundpost.simulator.listener import Listener
from soundpost.simulator.session import Gate, Session

DEFAULT_ARRAY_PORT = 3603
HEARD = 200
OFF, AVERAGED, FAST = "0", "1", "2"


class Open:
    """No login."""

    open, closed = True, False

    def line(self, text: str) -> str:
        raise NotImplementedError


class ArrayStation(Listener):
    """`heard`: the last commands, for people and tests to see."""

    kind = "BMA 360D"

    def __init__(self, spec: ArraySpec, endpoint: Endpoint, switches: Assumptions, clock: Clock) -> None:
        super().__init__(spec.name, endpoint, switches, clock)
        self.array = Array(spec, switches)
        self.heard: deque[str] = deque(maxlen=HEARD)
        self.reporting: dict[Session, str] = {}

    # -- what the listener asks

    @property
    def site(self) -> str:
        return self.array.spec.site

    @property
    def greeting(self) -> str:
        return self.switches.bma360d_greeting

    @property
    def error_text(self) -> str:
        return self.switches.bma360d_error_command

    def settled(self) -> None:
        """It has nothing that follows its address."""

    def gate(self) -> Gate:
        return Open()

    def framed(self, *lines: str) -> str:
        return "".join(f"{line}\r\n" for line in lines)

    def aside(self) -> str:
        return f"BFZONE 9 {int(self.array.zones[9])}"

    def answer_line(self, line: str, session: Session) -> str:
        words = line.split()
        if not words:
            return ""
        self.heard.append(" ".join(words))
        if words[0].upper() == "BREPORT":
            return self.framed(*self._breport(words[1:], session))
        return self.framed(*self.array.answer(line))

    def left(self, session: Session) -> None:
        self.reporting.pop(session, None)
        super().left(session)

    # -- beam reports

    def _breport(self, values: list[str], session: Session) -> list[str]:
        """Reading answers one report; 1 and 2 have more follow, to the line that asked, until 0 or until it ends."""
        if not values:
            return [self.array.beam_line()]
        if len(values) > 1 or values[0] not in (OFF, AVERAGED, FAST):
            return [self.switches.bma360d_error_argument]
        self.timer(_timer(session), None, lambda: None)
        self.reporting.pop(session, None)
        if values[0] == OFF:
            return ["BREPORT 0"] if self.switches.bma360d_writes_mirrored else []
        self.reporting[session] = values[0]
        self._again(session)
        return [self.array.beam_line()]

    def _again(self, session: Session) -> None:
        switches = self.switches
        fast = self.reporting[session] == FAST
        pace = switches.bma360d_fast_report_s if fast else switches.bma360d_report_s
        self.timer(_timer(session), pace, lambda: self._report(session))

    def _report(self, session: Session) -> None:
        if session in self.reporting and self.whisper(self.array.beam_line(), session):
            self._again(session)


def _timer(session: Session) -> str:
    return f"beams {id(session)}"
