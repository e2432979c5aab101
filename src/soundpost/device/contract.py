"""What a driver promises the agent, and what it may answer.

A Family recognises its devices, looks at one (`look`, used by discovery) and opens a Session that holds one line to one
stack. A Session tells what it observes to a Sink and carries out verbs; it never decides a status and never writes to disk.
Parts are named in the driver's words: `stack`, `box:<serial>` (or `box:<name>` while it gives no serial), `plink:<serial>`;
the agent maps them to device ids.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import inf
from typing import Protocol

from msgspec import Struct, field

from soundpost.device.capability import CommandState
from soundpost.device.model import Descriptor, Endpoint, Value
from soundpost.kernel.clock import Clock


class Credentials(Struct, frozen=True):
    """`id` names the set without telling it; nothing ever prints the password."""

    id: str
    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(id={self.id!r}, user=***, password=***)"

    __str__ = __repr__


class Part(Struct, kw_only=True):
    """One stack, box or peripheral as its driver read it. `parent` is another part's name ("" for the stack). `points` are
    best the same tuple for all parts that have the same."""

    part: str
    kind: str
    parent: str = ""
    name: str = ""
    model: str = ""
    serial_number: str = ""
    part_number: str = ""
    firmware_version: str = ""
    mac: str = ""
    address: str = ""
    box_number: int = 0
    position: int = 0
    present: bool = True
    capabilities: dict[str, str] = field(default_factory=dict)
    assumed: list[str] = field(default_factory=list)
    points: Sequence[Descriptor] = ()


class Unit(Struct):
    """All parts behind one line, the stack first, each parent before its children. `memory`: what the driver wants handed back
    when it holds this stack again, in a form of its own. `recalled`: only what proves the device was asked, the rest is from such a
    memory; the session has it read whole later. `doubtful`: something went unanswered that the device may have after all; the
    session has it read again, later and later."""

    parts: list[Part]
    memory: bytes = b""
    recalled: bool = False
    doubtful: bool = False

    @property
    def serials(self) -> frozenset[str]:
        """Serials of the boxes (not of peripherals): what proves which device answers here."""
        return frozenset(p.serial_number for p in self.parts if p.part.startswith("box:") and p.serial_number)


class PointReading(Struct, frozen=True, array_like=True, gc=False):
    """One observed value. `error` is the device's own words when it answered an error for this point (value then None).
    `unsupported` is true when that answer means the device does not have the point. `pushed`: it came unasked."""

    key: str
    value: Value | None
    error: str = ""
    unsupported: bool = False
    pushed: bool = False


class Trouble(StrEnum):
    REFUSED = "connection_refused"
    UNREACHABLE = "unreachable"
    CLOSED = "connection_closed"
    SILENT = "silent"
    ERROR_ANSWER = "error_answer"
    SIGN_IN_REFUSED = "sign_in_refused"
    STARTING = "starting"
    NOT_THE_DEVICE = "another_device"
    GARBAGE = "garbage"
    HANDS_OFF = "hands_off"

    @property
    def line_down(self) -> bool:
        return self not in (Trouble.SILENT, Trouble.ERROR_ANSWER, Trouble.STARTING, Trouble.GARBAGE)


class Sink(Protocol):
    """Where a Session tells what it observes. Called from the event loop; must return at once."""

    def connected(self) -> None:
        """The line is up, signed in and answering."""

    def inventory(self, unit: Unit) -> None:
        """Everything behind the line was read anew; replaces what was known."""

    def readings(self, part: str, readings: Sequence[PointReading]) -> None:
        """Values as observed, changed or not: the watch decides what counts as a change."""

    def covered(self, part: str, group: str) -> None:
        """Every point of that group of that part has been read (or answered) since the last call."""

    def presence(self, part: str, present: bool) -> None:
        """A peripheral left its parent or came back."""

    def trouble(self, trouble: Trouble, text: str, failures: int, part: str = "") -> None:
        """Something went wrong on the line; `failures` in a row of this kind. `text` holds the device's or system's own words."""

    def recovered(self, part: str = "") -> None:
        """An answer arrived after SILENT or ERROR_ANSWER trouble, or one that can be read after GARBAGE."""


class Outcome(Struct, frozen=True):
    """How a verb ended: done, failed, unsupported, refused, expired or uncertain. `text` is a sentence for a person,
    with the device's own words; `code` is stable. `readings` are what the device said in its reply, to be taken as fresh."""

    state: CommandState
    code: str = ""
    text: str = ""
    readings: tuple[PointReading, ...] = ()
    assumed: bool = False


class Periods(Struct, frozen=True):
    """Seconds between polls of a group, between heartbeats, and how long one request may stay unanswered."""

    status: float = 10.0
    levels: float = 30.0
    facts: float = 3600.0
    heartbeat: float = 30.0
    answer: float = 2.0
    gap: float = 0.05
    settings: float = 300.0
    crowd: float = 1.0
    """How many times longer than alone a line takes for its first reading: as many others read at the same time."""

    def of(self, group: str) -> float:
        known = {"status": self.status, "facts": self.facts, "settings": self.settings}
        return known.get(group, self.levels)


class Session(Protocol):
    """One held line. `run` connects, signs in, reads, polls and reconnects with jitter until it is cancelled."""

    async def run(self) -> None: ...

    async def perform(
        self, part: str, verb: str, arguments: Mapping[str, object], serials: frozenset[str], due: float = inf
    ) -> Outcome:
        """Runs one verb on this line, between polls. Its turn must come before `due` (the clock's monotonic seconds), else it is
        `expired` and nothing was sent. Before any write it proves that one of `serials` answers here
        (an empty set = provisional, nothing to prove). Never re-sends bytes; a line lost after the first byte of a
        `never` verb ends uncertain."""

    async def hands_off(self, seconds: float) -> None:
        """Closes the line within 2 s; opens it again by itself after `seconds` (0 = take it back now)."""

    def retarget(self, endpoint: Endpoint) -> None:
        """The device answers at another address now: reconnect there."""

    def transcript(self) -> bytes:
        """The last bytes of this line, both ways, with times, in the text of wire.tape; passwords masked, and user names where
        we send them. Readable, and playable as a device in a test."""

    def renew(self, credentials: Sequence[Credentials]) -> None:
        """Credential sets changed: each is tried once more."""


class Look(Struct):
    """What discovery learnt at one endpoint. Exactly one of `unit`, `refused`, `problem` is meaningful.

    unit: signed in and read, with the id of the credential set that worked. refused: it is ours, no set fits. problem: it is
    not ours, or broke off; `ours` says whether its banner fitted, `mute` that it was connected and said nothing in time,
    `endless` that it was broken off, and asking again would take as long.
    `tried` names the sets that were refused, `hung_up` those behind whose password the line broke: a refusal or a reset.
    """

    ours: bool
    unit: Unit | None = None
    credentials: str = ""
    refused: bool = False
    tried: tuple[str, ...] = ()
    hung_up: tuple[str, ...] = ()
    problem: str = ""
    mute: bool = False
    endless: bool = False


class Family(Protocol):
    """A family may say `opt_in = True`: what it takes for granted is too little proved to go looking for such devices by
    itself, so it is left out until somebody names it (agent.catalogue)."""

    name: str
    default_port: int
    default_credentials: Sequence[Credentials]
    """Published factory sign-ins, with which a new agent starts."""

    async def look(
        self, endpoint: Endpoint, credentials: Sequence[Credentials], clock: Clock, connect_s: float
    ) -> Look:
        """Connects, waits for the banner, tries each credential set once in order, reads the unit, closes.
        Raises ConnectionRefusedError / TimeoutError / OSError when nothing answers there."""

    def session(
        self,
        endpoint: Endpoint,
        credentials: Sequence[Credentials],
        sink: Sink,
        clock: Clock,
        periods: Periods,
        seed: int,
        memory: bytes = b"",
        good: str = "",
    ) -> Session:
        """`seed` spreads the phases of polls and the jitter of reconnects. `memory`: the one its last Unit had; a driver that
        can't read it any more reads the device instead. `good`: id of the set that worked last."""
