"""What an uplink needs of the agent it speaks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from soundpost.agent.board import Board
from soundpost.agent.commands import Commands
from soundpost.agent.discovery import Discovery
from soundpost.agent.identity import Accounts, Identity
from soundpost.agent.journal import Journal
from soundpost.agent.spool import Spool
from soundpost.kernel.clock import Clock
from soundpost.link.envelope import Known, SitePlan


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
