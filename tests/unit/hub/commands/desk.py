"""What a person and an agent do at the commands' desk."""

from typing import Any

from sqlalchemy import select
from tests.unit.hub.inventory.fabric import Session, fact

from soundpost.device.model import Reason
from soundpost.hub.audit.service import Who
from soundpost.hub.commands.repo import CommandRow
from soundpost.hub.commands.service import Commands
from soundpost.hub.inventory.scope import EVERYTHING
from soundpost.hub.store.tables import audit
from soundpost.link.commands import Command
from soundpost.link.events import CommandEnded

SAM = Who("person", "usr_sam", "Sam", "127.0.0.1")


class Desk:
    def __init__(self, commands: Commands, session: Session) -> None:
        self.commands, self.session = commands, session
        self.sent: list[tuple[str, Command]] = []

    def send(self, site: str, command: Command) -> bool:
        self.sent.append((site, command))
        return True

    async def ask(self, capability: str = "locate", device: str = "dev_a", **more: Any) -> CommandRow:
        arguments = more.pop("arguments", {"on": True} if capability == "locate" else {})
        return await self.commands.ask(SAM, device, capability, arguments, allowed=EVERYTHING, **more)

    async def row(self, id: str) -> CommandRow:
        return await self.commands.find(id, EVERYTHING)

    async def state(self, id: str) -> str:
        return (await self.row(id)).state

    async def end(self, id: str, state: str = "done", device: str = "dev_a", **more: Any) -> None:
        more.setdefault("capability", "locate")
        self.session.send(fact("command.ended", CommandEnded(id, state=state, **more), device))
        await self.session.settled()

    async def events(self) -> list[tuple[str, str]]:
        found = await self.commands.inventory.events(EVERYTHING, after=0, before=None, limit=1000)
        return [(e.type, e.data["status"]) for e in found if e.type.startswith("command.")]

    async def rows(self) -> list[Any]:
        return await self.commands.store.read(lambda conn: list(conn.execute(select(audit).order_by(audit.c.n))))

    async def audit(self) -> list[tuple[str, str, str, str]]:
        def query(conn: Any) -> list[tuple[str, str, str, str]]:
            return [(r.phase, r.act, r.who_name, r.result) for r in conn.execute(select(audit).order_by(audit.c.n))]

        return await self.commands.store.read(query)


REFUSED = Reason("ceiling", "The site does not allow it.")
