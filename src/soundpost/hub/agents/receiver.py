"""What an agent's session hands up, and to whom. `app.py` hands the receiver in, since `agents` lies below `inventory`."""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct, field

from soundpost.device.model import Descriptor, Identity
from soundpost.link.commands import Command
from soundpost.link.envelope import Known
from soundpost.link.events import Fact


class Source(Struct, frozen=True):
    """One living session: the site it may speak for, its agent, its epoch in this process, and the clock offset (hub − agent)
    measured on the link, to be added to every time the agent names (T25)."""

    site: str
    agent: str
    epoch: int
    offset_ms: int = 0


class Value(Struct, frozen=True, array_like=True, gc=False):
    """A point of a declared device took a value; times are still the agent's clock."""

    device: str
    index: int
    value: bool | int | float | str | None
    time_ms: int
    quality: str
    origin: str
    text: str


class ReadUntil(Struct, frozen=True, array_like=True, gc=False):
    device: str
    group: int
    time_ms: int


class Delivery(Struct):
    """One frame, decoded and checked. `late`: before *caught up* (T10). `rejected`: entries that can't be read, with the reason.
    Exactly one of `done` and `failed` is called, on the event loop: after the commit, or when it can't be committed."""

    source: Source
    done: Callable[[], None]
    failed: Callable[[Exception], None]
    facts: list[Fact] = field(default_factory=list)
    rejected: list[tuple[bytes, str]] = field(default_factory=list)
    late: bool = False
    values: list[Value] = field(default_factory=list)
    reads: list[ReadUntil] = field(default_factory=list)
    snapshot: bool = False


class Receiver(Protocol):
    """The inventory, as agents' sessions see it. None of these waits."""

    def deliver(self, delivery: Delivery) -> None: ...

    def declare(
        self, source: Source, device: str, identity: Identity, generation: int, points: Sequence[Descriptor]
    ) -> str:
        """ "" when the device is new or of that site; else the code of the refusal (`other_site`, `old_generation`)."""

    def attached(self, source: Source) -> None:
        """A session said hello: its devices are read through it from now on."""

    def detached(self, source: Source, reason_code: str, text: str) -> None:
        """The session ended and no newer one replaced it: its devices are unknown from now on."""

    async def known(self, site: str) -> list[Known]:
        """What an agent with an empty disk must keep the ids of."""


class CommandDesk(Protocol):
    """The commands room, as agents' sessions see it."""

    async def open_for(self, site: str) -> list[Command]:
        """Open commands to (re-)send at hello, `left_ms` as of now."""

    async def seen(self, site: str, command: str) -> None: ...

    async def go(self, site: str, command: str) -> tuple[bool, str]:
        """May it start? Answered from the committed row (T22)."""
