"""Deliveries as an agent's session would hand them up, and a real store to receive them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from tests.support.clock import ManualClock, settle

from soundpost.device.model import Descriptor, Device, Identity, Reason
from soundpost.hub.agents.receiver import Delivery, Source
from soundpost.hub.inventory.ingest import PACE_S
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.store import Store, Tx
from soundpost.hub.store.tables import agents, sites
from soundpost.kernel import ids
from soundpost.kernel.clock import Clock
from soundpost.link import events
from soundpost.link.envelope import Change, Read
from soundpost.link.events import Fact

NOW_MS = 1_795_000_000_000
LONDON = Source("sit_london", "agt_london", 1)
PARIS = Source("sit_paris", "agt_paris", 2)
POINTS = (
    Descriptor("unit.temperature", "number", "Temperature", "Cel", "status"),
    Descriptor("unit.locate", "bool", "Locate light", "", "status", assumed=True),
    Descriptor("mic.101.level.gain", "number", "Mic 1 gain", "dB", "levels", True, False, -65.0, 20.0, 0.5),
    Descriptor("mic.101.level.mute", "bool", "Mic 1 mute", "", "levels", True),
)
TEMPERATURE, LOCATE, GAIN, MUTE = range(4)


def uid() -> bytes:
    return ids.uid(NOW_MS)


def fact(type: str, body: Any, device: str = "", at: int = NOW_MS, generation: int = 0, id: bytes = b"") -> Fact:
    return Fact(uid=id or uid(), type=type, time_ms=at, device=device, generation=generation, data=events.data(body))


def found(id: str, *, revision: int = 1, kind: str = "mixer", generation: int = 0, **fields: Any) -> Fact:
    fields.setdefault("serial_number", f"S-{id}")
    record = Device(id=id, kind=kind, family="converge_pro2", revision=revision, **fields)
    type = "device.found" if revision == 1 else "device.changed"
    return fact(type, events.DeviceFound(record), id, generation=generation)


def status(id: str, word: str, *, since: int = NOW_MS, code: str = "", generation: int = 0) -> Fact:
    reason = Reason(code, f"It is {word}: {code}.") if code else None
    return fact("device.status", events.DeviceStatus(word, since, reason), id, since, generation)


def unreadable(id: str, code: str) -> Fact:
    reason = Reason(code, "It can't be read.")
    return fact("found.unreadable", events.Unreadable(id, "10.0.0.9", 23, "converge_pro2", reason))


def change(index: int, value: Any, at: int = NOW_MS, ref: int = 1, **more: Any) -> Change:
    return Change(ref, index, value, at, **more)


class Session:
    """One agent's session: what it delivered, and how each delivery ended."""

    def __init__(self, inventory: Inventory, source: Source) -> None:
        self.inventory, self.source = inventory, source
        self.done = 0
        self.failed: list[Exception] = []
        self._settled = asyncio.Event()
        self._sent = 0

    def send(self, *facts: Fact, **fields: Any) -> None:
        self._sent += 1
        self.inventory.deliver(Delivery(self.source, self._done, self._failed, facts=list(facts), **fields))

    def values(self, *changes: Change, devices: dict[int, str] | None = None, reads: list[Read] | None = None) -> None:
        self.send(values=list(changes), devices=devices or {1: "dev_a"}, reads=reads or [])

    def declare(self, device: str, points: Any = POINTS, generation: int = 1) -> str:
        return self.inventory.declare(self.source, device, Identity("converge_pro2", "S"), generation, points)

    def _done(self) -> None:
        self.done += 1
        self._check()

    def _failed(self, error: Exception) -> None:
        self.failed.append(error)
        self._check()

    def _check(self) -> None:
        if self.done + len(self.failed) == self._sent:
            self._settled.set()

    async def settled(self) -> None:
        """Everything sent so far was acked or failed, and what followed from it has run. Moves a manual clock only over the
        pause between two commits."""
        clock = self.inventory.clock
        while self.done + len(self.failed) < self._sent:
            if isinstance(clock, ManualClock):
                if any(0 < due - clock.monotonic() <= PACE_S and not timer.done() for due, _, timer in clock._timers):
                    await clock.advance(PACE_S)
                await settle(3)
            else:
                self._settled.clear()
                await self._settled.wait()
        await settle(3)


def add_sites(tx: Tx) -> None:
    for source, name in ((LONDON, "London"), (PARIS, "Paris")):
        tx.conn.execute(insert(sites).values(id=source.site, name=name, zone="Europe/London", created_ms=1))
        tx.conn.execute(
            insert(agents).values(
                id=source.agent, name=name, site=source.site, password_hash="", state="connected", added_ms=1
            )
        )


@asynccontextmanager
async def opened(path: Path, clock: Clock, **options: Any) -> AsyncIterator[Inventory]:
    """An inventory on a real SQLite file, its two sites in place and attached to nobody yet."""
    async with Store(path, clock) as store:

        async def once() -> None:
            try:
                await store.unit_of_work(add_sites)
            except Exception:  # there from the last time
                return

        await once()
        inventory = Inventory(store, **options)
        await inventory.start()
        try:
            yield inventory
        finally:
            await inventory.stop()
