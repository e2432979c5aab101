"""Found, not readable: kept on disk, told once per change, apart from the devices and never counted with them."""

from collections.abc import Container

from soundpost.agent.memory import Memory, delete_finding, save_finding
from soundpost.agent.spool import Spool
from soundpost.device.model import Endpoint, Reason
from soundpost.link.events import FoundGone, Unreadable


class Findings:
    def __init__(self, memory: Memory, spool: Spool) -> None:
        self._memory, self._spool = memory, spool
        self.all: dict[str, Unreadable] = {}

    async def load(self) -> None:
        self.all = {finding.id: finding for finding in await self._memory.findings()}

    def keep(self, family: str, endpoint: Endpoint, reason: Reason, serials: list[str] | None = None) -> None:
        """A fact when it is new, or stands for another reason than before."""
        finding = Unreadable(
            f"{family}@{endpoint}", endpoint.address, endpoint.port, family, reason, list(serials or ())
        )
        before = self.all.get(finding.id)
        if before is not None and (before.reason.code, before.serials) == (reason.code, finding.serials):
            return
        self.all[finding.id] = finding
        self._spool.note("found.unreadable", finding, also=save_finding(finding))

    def clear(self, key: str) -> None:
        if self.all.pop(key, None) is not None:
            self._spool.note("found.gone", FoundGone(key), also=delete_finding(key))

    def at(self, endpoint: Endpoint) -> list[str]:
        return [key for key, f in self.all.items() if (f.address, f.port) == (endpoint.address, endpoint.port)]

    def not_among(self, asked: Container[Endpoint]) -> list[str]:
        return [key for key, f in self.all.items() if Endpoint(f.address, f.port) not in asked]
