"""Whose word counts: ids and plans of hubs, against what the agent has and was told here (T4-T6)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from soundpost.agent import machine
from soundpost.agent.board import Board
from soundpost.agent.discovery import Discovery, DiscoverySettings
from soundpost.agent.disk import Job
from soundpost.agent.hold import Hold
from soundpost.agent.lines import Lines
from soundpost.agent.memory import KnownDevice, Memory, delete_device, save_device
from soundpost.agent.registry import Registry, renamed
from soundpost.agent.settings import AgentSettings
from soundpost.agent.spool import LOCAL, Spool
from soundpost.device.ceiling import LEVELS
from soundpost.device.model import Kind
from soundpost.kernel import log
from soundpost.kernel.errors import Conflict, Corrupt, Invalid, TellUser
from soundpost.link.envelope import Known, SitePlan
from soundpost.link.events import DeviceFound, DeviceRenamed, data, pack, unpack

AGAIN_AT_ONCE = 100

_log = log.get("agent")


class House:
    """Implements engine.House."""

    def __init__(
        self,
        settings: AgentSettings,
        memory: Memory,
        registry: Registry,
        board: Board,
        spool: Spool,
        lines: Lines,
        discovery: Discovery,
        hold: Hold,
    ) -> None:
        self._settings, self._memory, self._registry = settings, memory, registry
        self._board, self._spool, self._lines = board, spool, lines
        self._discovery, self._hold = discovery, hold
        self.site = ""
        self.zone = settings.zone or machine.zone()
        self.hub_plan = SitePlan()
        self.ceiling = settings.ceiling
        self.local = DiscoverySettings(list(settings.subnets), settings.policy, settings.interval_s)
        """What was chosen here; a joined hub's plan wins over it, the environment's ranges over both."""

    async def load(self) -> None:
        self.local = await self._memory.setting("discovery", DiscoverySettings) or self.local
        self.hub_plan = await self._memory.setting("plan", SitePlan) or SitePlan()
        self._apply()
        if not self._settings.ceiling_fixed:
            self._hold_ceiling(await self._memory.setting("ceiling", str) or self.ceiling)

    async def set_ceiling(self, ceiling: str) -> None:
        """On disk before it holds, so that a power cut does not lift it again. Raises Invalid for a word nobody knows, Conflict where this
        machine's settings say it."""
        if ceiling not in LEVELS:
            raise Invalid(f"The ceiling is one of {', '.join(LEVELS)}.", code="invalid_argument", field="ceiling")
        if self._settings.ceiling_fixed and ceiling != self.ceiling:
            words = "The ceiling is set by SOUNDPOST_AGENT_CEILING on this machine; change it there."
            raise Conflict(words, code="ceiling_fixed")
        await self._memory.set_setting("ceiling", ceiling)
        self._hold_ceiling(ceiling)

    def _hold_ceiling(self, ceiling: str) -> None:
        self.ceiling = self._discovery.ceiling = ceiling
        self._discovery.tell()

    async def take_site(self, site: str) -> None:
        """The id the hub has for this site is kept, also when the hub is left later."""
        if site != self.site:
            self.site = site
            await self._memory.set_setting("site", site)

    # --- plans

    async def set_local(self, chosen: DiscoverySettings) -> None:
        """Raises Invalid for a range that can't be read; then nothing has changed."""
        before = self.local
        self.local = chosen
        try:
            self._apply()
        except TellUser:
            self.local = before
            raise
        await self._memory.set_setting("discovery", chosen)

    async def take_plan(self, plan: SitePlan, reader: str) -> None:
        """A hub's plan replaces the one before whole, if its revision is higher. The local rooms have none of their own."""
        if reader == LOCAL or plan.revision <= self.hub_plan.revision:
            return
        before, self.hub_plan = self.hub_plan, plan
        try:
            self._apply()
        except TellUser as error:
            self.hub_plan = before
            _log.warning("the hub's plan can't be used", reason=error.text)
            return
        await self._memory.set_setting("plan", plan)

    async def drop_plan(self) -> None:
        self.hub_plan = SitePlan()
        await self._memory.forget_setting("plan")
        self._apply()

    def _apply(self) -> None:
        plan, local = self.hub_plan, self.local
        subnets = local.subnets if plan.subnets is None else plan.subnets
        if self._settings.subnets_fixed:
            subnets = list(self._settings.subnets)
        self._discovery.configure(
            DiscoverySettings(
                list(subnets),
                local.policy if plan.policy is None else plan.policy,
                local.interval_s if plan.interval_s is None else plan.interval_s,
            )
        )

    # --- ids

    async def adopt(self, known: Sequence[Known], reader: str) -> None:
        """The hub's ids take the place of ours, in what is known and in facts it has not confirmed; local rooms are told."""
        names = self._registry.adopt(known)
        if names:
            await self._rename(names, reader)
        for item in known:
            self._agree(item)

    async def _rename(self, names: dict[str, str], reader: str) -> None:
        changed = self._registry.rename(names)
        for old, new in names.items():
            self._board.rename(old, new)
        self._lines.rename(names)
        for old in names:
            self._spool.note_record(delete_device(old))
        await self._spool.settled()
        await self._spool.rename(names, lambda body: _rewritten(body, names), reader)
        await self._hold.set_gap(True)
        ours = {new: old for old, new in names.items()}
        for item in changed:
            device = item.device
            self._spool.note_record(save_device(item))
            if device.id in ours:
                self._spool.note("device.renamed", DeviceRenamed(ours[device.id]), device.id, device.generation)

    def _agree(self, item: Known) -> None:
        """The hold generation is the hub's to give; a record the hub has newer than ours is ours to tell again, above it."""
        known = self._registry.known.get(item.id)
        if known is None:
            return
        device = known.device
        behind = device.revision < item.revision
        if device.generation == item.generation and not behind:
            return
        revision = item.revision + 1 if behind else device.revision
        device = msgspec.structs.replace(device, generation=item.generation, revision=revision)
        known = msgspec.structs.replace(known, device=device)
        self._registry.keep(known)
        watch = self._lines.of_device(item.id)
        if watch is not None:
            watch.renamed()
        if behind:
            self._spool.note("device.changed", DeviceFound(device), device.id, device.generation, save_device(known))
        else:
            self._spool.note_record(save_device(known))

    def note_everything(self) -> None:
        for item in sorted(self._registry.known.values(), key=_stacks_first):
            self._note(item)

    async def note_again(self) -> None:
        """Facts and records were dropped before they were on disk: all is noted as it is now, some at a time."""
        for count, item in enumerate(sorted(self._registry.known.values(), key=_stacks_first), 1):
            self._note(item, save_device(item))
            if count % AGAIN_AT_ONCE == 0:
                await self._spool.settled()

    def _note(self, item: KnownDevice, also: Job | None = None) -> None:
        device = item.device
        self._spool.note("device.changed", DeviceFound(device), device.id, device.generation, also)
        if item.status is not None:
            self._spool.note("device.status", item.status, device.id, device.generation)

    def disk_free_percent(self) -> float:
        return machine.disk_free_percent(Path(self._settings.data))

    def transcript(self, device: str) -> bytes:
        watch = self._lines.of_device(device)
        session = self._lines.sessions.get(watch.id) if watch else None
        return session.transcript() if session else b""


def _stacks_first(known: KnownDevice) -> tuple[bool, bool, str]:
    device = known.device
    return device.kind != Kind.STACK, bool(device.parent and device.parent != device.stack), device.id


def _rewritten(body: bytes, names: dict[str, str]) -> bytes:
    try:
        fact = unpack(body)
        fact.device = names.get(fact.device, fact.device)
        if fact.type in ("device.found", "device.changed"):
            found: Any = msgspec.msgpack.decode(fact.data, type=DeviceFound)
            found.device = renamed(found.device, names)
            fact.data = data(found)
    except (Corrupt, msgspec.DecodeError):
        return body
    return pack(fact)
