"""What an agent's session hands up, and to whom. `app.py` hands the receiver in, since `agents` lies below `inventory`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

from soundpost.device.model import Descriptor, Identity
from soundpost.link.commands import Command
from soundpost.link.envelope import Change, Known, Read
from soundpost.link.events import Fact


class Source(Struct, frozen=True):
    """One living session: the site it may speak for, its agent, its epoch in this process, and the clock offset (hub − agent)
    measured on the link, to be added to every time the agent names (T25)."""

    site: str
    agent: str
    epoch: int
    offset_ms: int = 0


class Delivery(Struct):
    """One frame, decoded and checked. `late`: before *caught up* (T10).

    Exactly one of `done` and `failed` is called, on the event loop: after the commit, or when it can't be committed. After
    `failed` the link is closed and nothing of this frame is acked; the agent sends it again.

    `values` and `reads` are the link's own structs (no object of ours per change): `devices` maps their `ref` to the device's
    id, holds every ref that occurs, and is never changed after delivery. Times are the agent's clock; `index` counts into the
    points of the device's latest `declare` before this delivery and is not checked here.

    `rejected`: entries that can't be read, with the reason's code. A fact's `device` is what the agent wrote: whether it is
    of this site is for the receiver to check (T2). In the commit that holds the facts call `agents.service.note_last_uid` with the
    uid of the last entry (a rejected one's is `link.events.uid_of`, and belongs into fact_uids too: hello compares it, T9).
    """

    source: Source
    done: Callable[[], None]
    failed: Callable[[Exception], None]
    facts: list[Fact] = field(default_factory=list)
    rejected: list[tuple[bytes, str]] = field(default_factory=list)
    late: bool = False
    devices: Mapping[int, str] = field(default_factory=dict)
    values: list[Change] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    snapshot: bool = False
    last_uid: bytes = b""
    """Uid of the frame's last entry, read or rejected; b"" for values and when it can't be read."""


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
