"""The held lines: one session and one watch per stack, and which stack belongs to which address.

A stack that is well at one address and is seen at another is a duplicate: shown, never merged, the one already held stays. A
stack whose line is down has moved once its former address was looked at and does not have it any more.
"""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum

import msgspec

from soundpost.agent import looking
from soundpost.agent.board import Board
from soundpost.agent.memory import CredentialSet, KnownDevice
from soundpost.agent.ranges import Range, parse
from soundpost.agent.registry import Registry
from soundpost.agent.settings import AgentSettings
from soundpost.agent.spool import Spool
from soundpost.agent.watch import Rooms, Watch
from soundpost.device.contract import Credentials, Family, Look, Periods, Session, Unit
from soundpost.device.model import Device, Endpoint, Kind
from soundpost.kernel import log
from soundpost.kernel.clock import Clock

CROWD = 64
"""So many lines read everything at once without the agent falling behind."""

_log = log.get("agent.lines")


class Placed(StrEnum):
    NEW = "new"
    KNOWN = "known"
    MOVED = "moved"
    DUPLICATE = "duplicate"


class Lines:
    def __init__(
        self,
        families: Mapping[str, Family],
        settings: AgentSettings,
        clock: Clock,
        board: Board,
        spool: Spool,
        registry: Registry,
    ) -> None:
        self._families, self._settings, self._clock = families, settings, clock
        self._registry = registry
        self.watches: dict[str, Watch] = {}
        self.sessions: dict[str, Session] = {}
        self._expected = 0
        """Lines that a start opens at once."""
        self.on_offline: Callable[[], None] = lambda: None
        self.on_left: Callable[[frozenset[str]], Awaitable[None]] = _nobody
        """Another device answers where the stack of these serials was held; it may answer where a double of it was seen."""
        self._rooms = Rooms(
            clock, board, spool, registry, self._misplaced, lambda watch: self.on_offline(), self._taken
        )
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._placing = asyncio.Lock()
        self._sets: list[CredentialSet] = []

    # --- credentials

    def set_credentials(self, sets: Sequence[CredentialSet]) -> None:
        """Each changed set is tried once more on every held line."""
        self._sets = list(sets)
        for key, session in self.sessions.items():
            session.renew(self._for_stack(self.watches[key]))

    def sets_for(self, endpoint: Endpoint) -> list[CredentialSet]:
        return [item for item in self._sets if not item.subnets or _within(item.subnets, endpoint)]

    def _for_stack(self, watch: Watch) -> list[Credentials]:
        """The set that worked last first."""
        good = watch.parts["stack"].known.device.credential_set
        sets = sorted(self.sets_for(watch.endpoint), key=lambda item: item.id != good)
        return [item.credentials() for item in sets]

    # --- lines

    def take_known(self) -> None:
        """What is known has its place, so that it can be asked for; nothing is connected before `begin`."""
        stacks = list(self._registry.stacks())
        self._expected = len(stacks)
        for known in stacks:
            self._hold(Watch(self._rooms, known))

    def begin(self) -> None:
        for watch in list(self.watches.values()):
            self._run(watch)

    def held(self, endpoint: Endpoint) -> bool:
        """Whether a running session looks after that address: nobody else goes there."""
        return any(key in self.sessions for key in self._registry.at(endpoint))

    def parked(self) -> list[Endpoint]:
        """Last addresses of stacks without a session: another device answered there."""
        return [watch.endpoint for key, watch in self.watches.items() if key not in self.sessions]

    def of_device(self, device: str) -> Watch | None:
        known = self._registry.known.get(device)
        return self.watches.get(known.device.stack or device) if known else None

    def _open(self, watch: Watch) -> None:
        self._hold(watch)
        self._run(watch)

    def _hold(self, watch: Watch) -> None:
        family = self._families.get(watch.family)
        self.watches[watch.id] = watch
        if family is None:
            _log.warning("no driver for a known device", family=watch.family, device=watch.id)
            return
        self.sessions[watch.id] = family.session(
            watch.endpoint,
            self._for_stack(watch),
            watch,
            self._clock,
            self._periods(),
            zlib.crc32(watch.id.encode()),
            watch.parts["stack"].known.memory,
            watch.parts["stack"].known.device.credential_set,
        )

    def _run(self, watch: Watch) -> None:
        session = self.sessions.get(watch.id)
        if session is None:
            return
        task = asyncio.create_task(session.run(), name=f"line {watch.endpoint}")
        task.add_done_callback(lambda done: self._ended(watch, done))
        self._tasks[watch.id] = task

    def _periods(self) -> Periods:
        """A site's first reading is some hundred questions a device: where many lines come up at once they take turns, so that what
        is read all the time, and a sweep, keep their place. In powers of two, since schedules of one shape are shared."""
        lines = max(len(self.sessions), self._expected)
        return msgspec.structs.replace(self._settings.periods, crowd=float(1 << (lines // CROWD).bit_length()))

    def _ended(self, watch: Watch, task: "asyncio.Task[None]") -> None:
        """A session that dies is a fault of ours; the stack must not look well behind a dead line."""
        if task.cancelled() or self._tasks.get(watch.id) is not task:
            return
        _log.error("session died", device=watch.id, exc_info=task.exception())
        self._close(watch)
        self._open(watch)

    def _close(self, watch: Watch) -> None:
        self.sessions.pop(watch.id, None)
        task = self._tasks.pop(watch.id, None)
        if task is not None:
            task.cancel()
            self._keep(task)

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def close(self) -> None:
        for watch in list(self.watches.values()):
            self._close(watch)
        errands = list(self._errands)
        for task in errands:
            task.cancel()
        await asyncio.gather(*errands, return_exceptions=True)

    def rename(self, names: Mapping[str, str]) -> None:
        """A hub's ids took the place of ours; the lines stay up."""
        for old, new in names.items():
            watch = self.watches.pop(old, None)
            if watch is not None:
                watch.id = new
                self.watches[new] = watch
                if old in self.sessions:
                    self.sessions[new] = self.sessions.pop(old)
                if old in self._tasks:
                    self._tasks[new] = self._tasks.pop(old)
        for watch in self.watches.values():
            watch.renamed()

    # --- who answers where

    async def place(self, family: str, unit: Unit, endpoint: Endpoint, credentials: str) -> tuple[Placed, str]:
        """Gives a unit that was read at an endpoint its stack. The second is the stack's id (of a duplicate: the held one)."""
        async with self._placing:
            return await self._place(family, unit, endpoint, credentials)

    async def _place(self, family: str, unit: Unit, endpoint: Endpoint, credentials: str) -> tuple[Placed, str]:
        known = self._registry.stack_of(family, sorted(unit.serials), endpoint)
        watch = self.watches.get(known.device.id) if known else None
        if watch is None:
            return Placed.NEW, self._begin(family, unit, endpoint, credentials)
        if watch.endpoint == endpoint:
            if watch.id not in self.sessions:
                self._open(watch)
            return Placed.KNOWN, watch.id
        if watch.well or await self._still_there(watch, unit):
            return Placed.DUPLICATE, watch.id
        self._move(watch, unit, endpoint, credentials)
        return Placed.MOVED, watch.id

    def _begin(self, family: str, unit: Unit, endpoint: Endpoint, credentials: str) -> str:
        key = self._registry.stack_id(family, unit, endpoint)
        device = Device(id=key, kind=str(Kind.STACK), family=family, address=endpoint.address, port=endpoint.port)
        watch = Watch(self._rooms, KnownDevice(device=device, part="stack"))
        watch.take(unit, endpoint, credentials)
        self._open(watch)
        return key

    def _move(self, watch: Watch, unit: Unit, endpoint: Endpoint, credentials: str) -> None:
        watch.moved(endpoint)
        session = self.sessions.get(watch.id)
        if session is not None:
            session.retarget(endpoint)
        else:
            watch.take(unit, endpoint, credentials)
            self._open(watch)

    async def _still_there(self, watch: Watch, unit: Unit) -> bool:
        """Looks once at the address the stack is known by. Another known stack seen there is put in its place."""
        former = watch.endpoint
        if any(other is not watch and other.endpoint == former and other.well for other in self.watches.values()):
            return False
        look = await self._look(watch.family, former)
        if look is None or look.unit is None:
            return False
        if look.unit.serials & unit.serials:
            return True
        other = self._registry.stack_of(watch.family, sorted(look.unit.serials), former)
        swapped = self.watches.get(other.device.id) if other else None
        if swapped is not None and swapped is not watch and not swapped.well and swapped.endpoint != former:
            self._move(swapped, look.unit, former, look.credentials)
        return False

    async def _look(self, family: str, endpoint: Endpoint) -> Look | None:
        sets = self.sets_for(endpoint)
        try:
            return await looking.look(self._families[family], endpoint, sets, self._clock, self._settings.connect_s)
        except (OSError, TimeoutError):
            return None

    def _misplaced(self, watch: Watch, unit: Unit | None) -> None:
        """Its session leaves the address to whoever answers there; who that is, is found out at once."""
        if watch.id not in self.sessions:
            return
        self._close(watch)
        self._keep(asyncio.create_task(self._resolve(watch, unit), name=f"who answers at {watch.endpoint}"))

    def _taken(self, stack: str, device: str) -> None:
        watch = self.watches.get(stack)
        if watch is not None:
            watch.gave_up(device)

    async def _resolve(self, watch: Watch, unit: Unit | None) -> None:
        try:
            await self._who_answers(watch, unit)
            await self.on_left(watch.serials)
        except Exception:
            # The next sweep asks again.
            _log.exception("who answers there could not be found out", endpoint=str(watch.endpoint))

    async def _who_answers(self, watch: Watch, unit: Unit | None) -> None:
        endpoint = watch.endpoint
        credentials = watch.parts["stack"].known.device.credential_set
        if unit is None:
            look = await self._look(watch.family, endpoint)
            if look is None or look.unit is None:
                return
            unit, credentials = look.unit, look.credentials
        if not self.held(endpoint):
            await self.place(watch.family, unit, endpoint, credentials)


async def _nobody(serials: frozenset[str]) -> None:
    """Until discovery listens."""


def _within(subnets: Sequence[str], endpoint: Endpoint) -> bool:
    return any(_range(text).holds(endpoint) for text in subnets)


_ranges: dict[str, Range] = {}


def _range(text: str) -> Range:
    """Subnets of a credential set were checked when it was put."""
    found = _ranges.get(text)
    if found is None:
        found = _ranges[text] = parse(text)
    return found
