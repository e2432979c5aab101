"""The treaty between a held line and the driver that knows the device's words."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

from soundpost.device.contract import Outcome, PointReading, Unit
from soundpost.transport.line import Ask
from soundpost.wire.dialogue import Request


class Starting(Exception):
    """The device answers but is still starting: nothing can be read yet."""


class Poll(Struct, frozen=True, gc=False):
    """One question asked every period of its group. An empty key reads something other than a point; `also` are further
    points of the same part that the same answer tells."""

    request: Request
    part: str
    group: str
    key: str = ""
    also: tuple[str, ...] = ()


class Outline(Struct, frozen=True):
    """Which part and group each poll is of. `names`: (place in `parts`, group) by number; `group`: the number each poll has, as the
    bytes of an array of unsigned shorts."""

    parts: tuple[str, ...]
    names: tuple[tuple[int, str], ...]
    group: bytes


class Outlined(Sequence[Poll]):
    """Polls that are made when they are asked, and can tell their outline without that. Of stacks of one shape `names` and `group` are
    the same objects, so that what is made of them is found at once."""

    @abstractmethod
    def outline(self) -> Outline: ...


class Heard(Struct):
    """What a line or an answer told. `anew`: everything must be read again. `garbage`: the words that could not be understood.
    `due`: how the keys of points end of which one has changed, nobody knows which."""

    readings: list[tuple[str, PointReading]] = field(default_factory=list)
    presence: list[tuple[str, bool]] = field(default_factory=list)
    anew: bool = False
    garbage: str = ""
    due: tuple[str, ...] = ()


class Settle(Struct, frozen=True):
    """A verb that ends the line: `prove` is run on the next line that comes up within `seconds`."""

    seconds: float
    prove: Callable[[Ask], Awaitable[Outcome]]
    unproved: Outcome


class Talk(Protocol):
    """What a driver knows of one stack; the session calls it, one question at a time."""

    def is_error(self, text: str) -> bool: ...

    line_end: bytes
    """What ends a line we send."""

    def signs_in(self) -> bool:
        """False: such devices ask for no user name, and are sent none."""

    def prompt_first(self) -> bool:
        """Whether a text before the sign-in prompt means that another product answers."""

    async def identify(self, ask: Ask) -> Unit:
        """Reads everything behind the line. Raises Starting."""

    def forget(self) -> None:
        """Somebody wants everything read: what the device refused before is asked again."""

    def polls(self) -> Sequence[Poll]:
        """For the unit read last."""

    def known(self) -> Heard:
        """What identify learnt besides the unit."""

    def heartbeats(self) -> Sequence[Request]:
        """The first is the usual one. All are asked in turn while the device is silent, so that the late answer to
        one is not taken for the answer to the next."""

    def alive(self, answer: list[str]) -> Heard:
        """Judges the answer to a heartbeat; raises LineLost when another device gave it."""

    def answered(self, poll: Poll, answer: list[str]) -> Heard: ...

    def heard(self, text: str) -> Heard: ...

    async def perform(
        self, ask: Ask, part: str, verb: str, arguments: Mapping[str, object], serials: frozenset[str]
    ) -> Outcome | Settle: ...
