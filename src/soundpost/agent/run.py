"""Builds the agent's rooms and joins them: `async with Agent(settings, clock) as agent`.

Used by `soundpost agent`, and in the same process by the Local Agent edition, whose pages call the methods below.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from msgspec import Struct, field

from soundpost.agent import catalogue, networks
from soundpost.agent.board import Board
from soundpost.agent.channel import Channel, Receiving, RoomsChannel
from soundpost.agent.commands import Commands
from soundpost.agent.discovery import Discovery, DiscoverySettings
from soundpost.agent.disk import Disk
from soundpost.agent.engine import Engine
from soundpost.agent.hold import Hold
from soundpost.agent.house import House
from soundpost.agent.hub_address import HubAddress, normalise
from soundpost.agent.identity import LOCAL as TRUST_LOCAL
from soundpost.agent.identity import Account, Accounts, Identity
from soundpost.agent.journal import Journal
from soundpost.agent.lines import Lines
from soundpost.agent.memory import CredentialSet, Memory
from soundpost.agent.ranges import parse
from soundpost.agent.registry import Registry
from soundpost.agent.settings import AgentSettings
from soundpost.agent.spool import LOCAL, Spool
from soundpost.agent.uplink import REVOKED, LinkState, Uplink
from soundpost.agent.websocket import Fingerprint, dial, fetch_fingerprint, trust_of
from soundpost.device.contract import Family
from soundpost.kernel import ids, log
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import Conflict, Invalid, Unavailable
from soundpost.link.commands import Command
from soundpost.link.events import CommandEnded

HUB = "hub"
"""The account of the central hub, by its reader's name here."""
HOUSEKEEPING_S = 5.0
"""How long facts wait in memory once a full disk has room again."""
TRIM_EVERY = 720
AGAIN_S = 5.0

_log = log.get("agent")


class CredentialInput(Struct, frozen=True):
    """What a page puts: an empty `id` is a new set; `password` None keeps the one that is stored."""

    user: str
    password: str | None = None
    id: str = ""
    subnets: list[str] = field(default_factory=list)


class HubConnection(Struct):
    """*Connect to a central hub* as a page shows it."""

    url: str
    name: str
    trust: str
    joined: bool
    pem: str
    state: LinkState


class Agent:
    def __init__(
        self,
        settings: AgentSettings,
        clock: Clock,
        *,
        families: Mapping[str, Family] | None = None,
        networks: networks.Networks = networks.own,
    ) -> None:
        self.settings, self.clock = settings, clock
        self.families = dict(families) if families is not None else catalogue.families(settings.families)
        self._networks = networks
        self.local: Uplink | None = None
        self.hub: Uplink | None = None
        self._hub_task: asyncio.Task[None] | None = None
        self._begun = False
        self._tasks: set[asyncio.Task[None]] = set()

    # --- life

    async def __aenter__(self) -> Self:
        """Raises the disk's errors (`disk_in_use`, `disk_damaged`, `disk_newer`)."""
        self.disk = await asyncio.to_thread(Disk.open, self.settings.data / "agent.db")
        try:
            await self._build()
        except BaseException:
            await self.disk.close()
            raise
        return self

    async def _build(self) -> None:
        settings, clock = self.settings, self.clock
        self.identity = await asyncio.to_thread(Identity, settings.keys, clock, settings.version)
        self.memory = Memory(self.disk, self.identity.sealer)
        self.accounts = Accounts(self.memory)
        self.board = Board()
        self.spool = Spool(self.disk, clock, settings.bounds)
        self.hold = Hold(self.disk, self.spool, settings.bounds.values)
        self.registry = Registry(lambda: ids.mint("dev", clock.now_ms()))
        self.lines = Lines(self.families, settings, clock, self.board, self.spool, self.registry)
        self.discovery = Discovery(
            self.families,
            settings,
            clock,
            self.board,
            self.spool,
            self.memory,
            self.registry,
            self.lines,
            self._networks,
        )
        self.journal = Journal(self.disk)
        self.commands = Commands(
            clock,
            self.journal,
            self.spool,
            self.registry,
            self.lines,
            settings.go_s,
            lambda: self.house.ceiling,
            self.board.value,
        )
        self.house = House(
            settings, self.memory, self.registry, self.board, self.spool, self.lines, self.discovery, self.hold
        )
        self.engine = Engine(
            clock, self.spool, self.board, self.journal, self.commands, self.discovery, self.identity, self.accounts, self.house
        )  # fmt: skip
        self.spool.forgot.append(self._note_again)
        await self._load()

    def _note_again(self) -> None:
        async def work() -> None:
            with contextlib.suppress(Unavailable):  # full again: what is dropped then is noted again later
                await self.house.note_again()

        self._start(work())

    async def _load(self) -> None:
        await self.spool.load()
        await self.hold.load()
        await self.discovery.load()
        await self.house.load()
        self.registry.load(await self.memory.devices())
        await self._load_credentials()
        account = await self.accounts.load(HUB)
        self.house.site = (account.site if account else "") or await self._own_site()
        self.spool.hub = account.hub if account and account.agent else ""
        self.lines.take_known()
        await self.commands.load()
        if account is not None:
            self._open_hub(account)

    async def begin(self) -> None:
        """Opens the lines of known devices and the hub's, and sweeps. Apart from the opening, so that whoever has pages to show has
        them up before thousands of lines want their turn, and a mere visit opens none. What is commanded meanwhile finds its device
        and its journal."""
        self._begun = True
        self.lines.begin()
        self._dial_hub()
        self._start(self._again("discovery", self.discovery.run))
        self._start(self._again("housekeeping", self._housekeeping))

    async def _own_site(self) -> str:
        site = await self.memory.setting("site", str)
        if site is None:
            site = ids.mint("sit", self.clock.now_ms())
            await self.memory.set_setting("site", site)
        return site

    async def _load_credentials(self) -> None:
        sets = await self.memory.credential_sets()
        if not sets and await self.memory.setting("credentials put", bool) is None:
            first = self.settings.credentials or tuple(catalogue.default_credentials(self.families.values()))
            sets = [CredentialSet(item.id, item.user, item.password) for item in first]
            await self._keep_credentials(sets)
        self.lines.set_credentials(sets)
        self.discovery.set_credentials(sets)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for uplink, task in ((self.hub, self._hub_task), (self.local, None)):
            if uplink is not None and task is not None:
                await _cancelled(task)
        for task in list(self._tasks):
            await _cancelled(task)
        for uplink in (self.hub, self.local):
            if uplink is not None:
                await uplink.close()
        await self.discovery.close()
        await self.commands.close()
        await self.lines.close()
        with contextlib.suppress(Unavailable):
            await self.disk.run(self.spool.age.save)
        await self.disk.close()

    async def run(self, stop: asyncio.Event) -> None:
        """The agent works as long as its context is open; this waits for the end of it."""
        await stop.wait()

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _again(self, room: str, work: Callable[[], Awaitable[None]]) -> None:
        """A room that fails is logged and goes on: one fault must not silence the others."""
        while True:
            try:
                await work()
            except Exception:
                _log.exception("a room failed", which=room)
            await self.clock.sleep(AGAIN_S)

    async def _housekeeping(self) -> None:
        trimmed, rounds = False, 0
        while True:
            if rounds % TRIM_EVERY == 0 or not trimmed:
                trimmed = await self._trim()
            rounds += 1
            await self.clock.sleep(HOUSEKEEPING_S)
            self.spool.retry()

    async def _trim(self) -> bool:
        """False when the disk takes nothing now: that is told by those who have something to write, and tried again soon."""
        try:
            await self.spool.trim()
            await self.journal.trim(self.spool.age.now_ms())
        except Unavailable:
            return False
        return True

    # --- the local rooms

    @property
    def site(self) -> str:
        return self.house.site

    @property
    def zone(self) -> str:
        return self.house.zone

    def public_key(self, reader: str = LOCAL) -> bytes:
        return self.identity.public_key(reader)

    async def attach_local(self, connect: Callable[[], Receiving], agent: str, hub: str = "") -> Uplink:
        """The local rooms as the log's first reader. `connect` opens one link (hub.agents.door.LocalDoor); `agent` is the id
        its account has there (`Agents.adopt_local` with this agent's site and `public_key()`)."""
        account = Account(
            reader=LOCAL, host="local", name=LOCAL, trust=TRUST_LOCAL, agent=agent, site=self.site, hub=hub
        )

        async def opened() -> Channel:
            return RoomsChannel(connect())

        await self.spool.join(LOCAL)
        self.local = Uplink(self.engine, account, opened, None)
        self._start(self._again("local link", self.local.run))
        return self.local

    # --- credential sets

    def credentials(self) -> list[CredentialSet]:
        """In the order they are tried. A page shows everything but `password`."""
        return list(self.discovery.sets)

    async def put_credentials(self, sets: Sequence[CredentialInput]) -> list[CredentialSet]:
        """Replaces all sets. A set whose user or password changed is tried anew everywhere. Raises Invalid."""
        before = {item.id: item for item in self.discovery.sets}
        kept = [self._credential(item, before.get(item.id)) for item in sets]
        await self._keep_credentials(kept)
        self.lines.set_credentials(kept)
        self.discovery.set_credentials(kept)
        return kept

    def _credential(self, item: CredentialInput, before: CredentialSet | None) -> CredentialSet:
        for subnet in item.subnets:
            parse(subnet)
        if not item.user:
            raise Invalid("A credential set needs a user name.", code="credential_invalid")
        if before is None and item.password is None:
            raise Invalid("A new credential set needs a password.", code="credential_invalid")
        password = before.password if before and item.password is None else item.password or ""
        same = before is not None and (before.user, before.password) == (item.user, password)
        revision = before.revision + (not same) if before else 1
        key = item.id if before else ids.mint("cred", self.clock.now_ms())
        return CredentialSet(key, item.user, password, list(item.subnets), revision)

    async def _keep_credentials(self, sets: Sequence[CredentialSet]) -> None:
        await self.memory.put_credential_sets(sets)
        await self.memory.set_setting("credentials put", True)

    # --- discovery

    def discovery_settings(self) -> DiscoverySettings:
        """What is swept now: the hub's plan where it has one, else what was chosen here."""
        return self.discovery.chosen

    async def set_discovery(self, chosen: DiscoverySettings) -> None:
        """Raises Invalid for a range, and Conflict where the environment or a joined hub decides."""
        if self.settings.subnets_fixed and chosen.subnets != self.discovery.chosen.subnets:
            raise Conflict(
                "The ranges are set by SOUNDPOST_AGENT_SUBNETS on this machine; change them there.",
                code="subnets_fixed",
            )
        if self.house.hub_plan.subnets is not None and chosen.subnets != self.discovery.chosen.subnets:
            raise Conflict("The ranges are managed by the hub; change them there.", code="managed_by_hub")
        await self.house.set_local(chosen)

    async def set_ceiling(self, ceiling: str) -> None:
        """The most a hub may do here. Raises Invalid, and Conflict where the environment says it."""
        await self.house.set_ceiling(ceiling)

    def scan_now(self) -> None:
        self.discovery.scan_now()

    async def pick(self, finding: str) -> None:
        await self.discovery.pick(finding)

    # --- commands

    async def perform(self, command: Command) -> CommandEnded:
        """Asks here, in the same queue as every link, and waits for the end."""
        return await self.commands.perform(command)

    # --- the central hub

    def hub_connection(self) -> HubConnection | None:
        if self.hub is None:
            return None
        account = self.hub.account
        return HubConnection(account.url, account.name, account.trust, bool(account.agent), account.pem, self.hub.state)

    async def check_hub(self, url: str) -> Fingerprint:
        """What a person compares before a password is sent. Raises Invalid, Retry or GiveUp with a sentence."""
        return await fetch_fingerprint(self._address(url), self.clock)

    async def configure_hub(self, url: str, name: str, password: str | None, pem: str = "") -> None:
        """Joins, or joins anew. `pem` is the CA a person confirmed ("" = public CAs must vouch for it). The password is kept
        sealed until the hub has taken this agent's key, and not needed while the key is good."""
        address = self._address(url)
        before = self.hub.account if self.hub else None
        account = Account(
            reader=HUB, url=address.url, host=address.named, name=name.strip(), trust=trust_of(address, pem), pem=pem,
            sealed_password=self.identity.seal_password(password) if password else b"",
        )  # fmt: skip
        if not account.name:
            raise Invalid("Give the name of the account the hub has for this agent.", code="name_needed")
        if before is not None and self._keeps_key(before, account):
            account.agent, account.hub, account.hub_name = before.agent, before.hub, before.hub_name
            account.site, account.site_name = before.site, before.site_name
        elif not password:
            raise Invalid("Give the password of the account.", code="password_needed")
        await self._close_hub()
        await self.accounts.save(account)
        self._open_hub(account)

    def _keeps_key(self, before: Account, account: Account) -> bool:
        """The same account, reached by another address perhaps; not when the hub has taken the key back."""
        assert self.hub is not None
        if self.hub.state.code in REVOKED or self.hub.state.code == "held_twice":
            self.identity.renew(HUB)
            return False
        return bool(before.agent) and before.name == account.name

    def _address(self, url: str) -> HubAddress:
        return normalise(url, insecure=self.settings.insecure)

    def _open_hub(self, account: Account) -> None:
        address = self._address(account.url)

        async def dialled() -> Channel:
            return await dial(address, uplink.account, self.clock)

        uplink = self.hub = Uplink(self.engine, account, dialled, self.hold)
        if self._begun:
            self._dial_hub()

    def _dial_hub(self) -> None:
        if self.hub is not None:
            self._hub_task = self._start(self._again("hub link", self.hub.run))

    async def _close_hub(self) -> None:
        uplink, task = self.hub, self._hub_task
        self.hub, self._hub_task = None, None
        if task is not None:
            await _cancelled(task)
        if uplink is not None:
            await uplink.close()

    def try_hub_now(self) -> None:
        if self.hub is not None:
            self.hub.try_now()

    async def forget_hub(self) -> None:
        """Leaves the hub: the site goes on by itself, and a hub joined later gets what is written from now on."""
        account = self.hub.account if self.hub else None
        await self._close_hub()
        if account is None:
            return
        if account.hub:
            await self.spool.leave(f"hub:{account.hub}")
        self.spool.hub = ""
        await self.accounts.forget(HUB)
        await self.hold.clear()
        await self.house.drop_plan()


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
