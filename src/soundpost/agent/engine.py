"""What uplinks, their conversations and the agent need of each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from soundpost.agent.board import Board
from soundpost.agent.commands import Commands
from soundpost.agent.discovery import Discovery
from soundpost.agent.identity import Account, Accounts, Identity
from soundpost.agent.journal import Journal
from soundpost.agent.spool import Spool
from soundpost.agent.values import ValueLane
from soundpost.kernel.clock import Clock
from soundpost.link.envelope import GoAnswer, Known, SitePlan


class House(Protocol):
    """Decisions that concern the whole agent, made where its rooms are joined (run.py)."""

    site: str
    zone: str

    async def adopt(self, known: Sequence[Known], reader: str) -> None:
        """A hub's ids for devices here, before anything is sent to it."""

    async def take_site(self, site: str) -> None: ...

    async def take_plan(self, plan: SitePlan, reader: str) -> None: ...

    def note_everything(self) -> None:
        """Every record and status as facts: a hub that lost them, or never had them, has them again."""

    def disk_free_percent(self) -> float: ...

    def transcript(self, device: str) -> bytes:
        """What went over the line of that device's stack of late, secrets masked; b"" when there is none."""


@dataclass(frozen=True)
class Engine:
    clock: Clock
    spool: Spool
    board: Board
    journal: Journal
    commands: Commands
    discovery: Discovery
    identity: Identity
    accounts: Accounts
    house: House


class Told(Struct, frozen=True):
    welcomed: bool
    confirmed_ms: int
    offset_ms: int
    facts_waiting: int


class Owner(Protocol):
    """The uplink, as its conversation sees it; also the Origin of the commands that come by it."""

    account: Account
    values: ValueLane

    @property
    def name(self) -> str: ...

    def seen(self, key: str) -> None: ...

    async def go(self, key: str) -> GoAnswer: ...

    def told(self, told: Told) -> None: ...
