"""Who is out there: sweeps the ranges politely, puts what it reads in its place, and lists what it can't read.

It never touches an address whose line is held. Credential sets are tried in order, each once per endpoint and change, and
that is remembered on disk. One sweep at a time, at start, each interval, and when asked.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from soundpost.agent import looking
from soundpost.agent.board import Board
from soundpost.agent.findings import Findings
from soundpost.agent.lines import Lines, Placed
from soundpost.agent.memory import CredentialSet, Memory
from soundpost.agent.networks import Networks
from soundpost.agent.ranges import Planned, Range, plan
from soundpost.agent.registry import Registry
from soundpost.agent.settings import ASK, AgentSettings
from soundpost.agent.spool import Spool
from soundpost.device.contract import Family, Look
from soundpost.device.model import Endpoint, Reason
from soundpost.kernel import log
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import NotFound, TellUser
from soundpost.link.envelope import RangeState, ScanState, SetState
from soundpost.link.events import ScanDone

TELL_EVERY = 32
"""Addresses asked between two words about progress."""
BEHIND_S, PAUSE_MOST_S = 0.25, 1.0
"""A timer this late means that this program is behind: answers that came in time would be missed, so the sweep waits."""
LATE_ROUNDS, LATE_PAUSE_S = 5, 2.0
"""How often places are asked again for whose answers this program came too late, and how long it rests between."""
LATE = "late"
DUPLICATE = "duplicate_serial"
NUDGE_S = 30.0
"""A stack that goes offline brings the next sweep forward, but not closer to the last one than this."""

_log = log.get("agent.discovery")


class DiscoverySettings(Struct, frozen=True):
    subnets: list[str]
    policy: str
    interval_s: float


class Tally(Struct):
    state: RangeState
    new: int = 0
    gone: int = 0
    doubts: dict[Endpoint, list[Family]] | None = None
    """Where something is, but did not say enough in time: asked once more at the end. None: this time what it says stands."""
    late_only: bool = False
    """Only where this program itself was too late is asked yet again."""


class Discovery:
    def __init__(
        self,
        families: Mapping[str, Family],
        settings: AgentSettings,
        clock: Clock,
        board: Board,
        spool: Spool,
        memory: Memory,
        registry: Registry,
        lines: Lines,
        networks: Networks,
    ) -> None:
        self._families, self._settings, self._clock = families, settings, clock
        self._board, self._spool, self._memory = board, spool, memory
        self._registry, self._lines, self._networks = registry, lines, networks
        self.findings = Findings(memory, spool)
        self.chosen = DiscoverySettings(list(settings.subnets), settings.policy, settings.interval_s)
        self.sets: list[CredentialSet] = []
        self.ceiling = settings.ceiling
        """Told with how discovery stands; the house keeps it."""
        self.problem = ""
        """Why the last plan could not be swept ("" when it could)."""
        self._tries: dict[Endpoint, set[str]] = {}
        self._hung_up: dict[Endpoint, set[str]] = {}
        """Sets behind whose password the line broke when last tried there."""
        self._wanted = False
        self._replanned = False
        self._woken = asyncio.Event()
        self._states: list[RangeState] = []
        self._ended = float("-inf")
        self._nudged = False
        self._errands: set[asyncio.Task[None]] = set()
        lines.on_offline = self._nudge
        lines.on_left = self._ask_doubles

    async def load(self) -> None:
        self._tries = await self._memory.tries()
        await self.findings.load()

    def configure(self, chosen: DiscoverySettings) -> None:
        """Raises Invalid for a range that can't be read; sweeps anew when the ranges changed."""
        plan(chosen.subnets, [])
        changed = chosen.subnets != self.chosen.subnets
        self.chosen = chosen
        self.tell()
        if changed:
            self._replanned = True
            self.scan_now()

    def set_credentials(self, sets: Sequence[CredentialSet]) -> None:
        self.sets = list(sets)
        self.tell()
        self.scan_now()

    def scan_now(self) -> None:
        self._wanted = True
        self._woken.set()

    def _nudge(self) -> None:
        self._nudged = True
        self._woken.set()

    async def run(self) -> None:
        """Sweeps until cancelled."""
        while True:
            self._wanted = self._nudged = self._replanned = False
            await self.sweep()
            self._ended = self._clock.monotonic()
            await self._pause()

    async def _pause(self) -> None:
        """Until asked, or the interval is over; a nudge, whenever it comes, makes the interval a shorter one."""
        while not self._wanted:
            interval = min(NUDGE_S, self.chosen.interval_s) if self._nudged else self.chosen.interval_s
            left = self._ended + interval - self._clock.monotonic()
            if left <= 0:
                return
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with self._clock.timeout(left):
                    await self._woken.wait()

    # --- one sweep

    async def sweep(self) -> None:
        planned = self._plan()
        next_ms = self._clock.now_ms() + int(self.chosen.interval_s * 1000)
        self._states = [_state(item, next_ms, len(self._families)) for item in planned]
        self.tell()
        asked: set[Endpoint] = set()
        for item, state in zip(planned, list(self._states), strict=True):
            if item.range is not None:
                await self._sweep_range(item.range, state, asked)
            if self._replanned:
                return  # the ranges changed: what was not asked says nothing, and the next sweep begins at once
        await self._again(self._lines.parked(), asked)
        for finding in self.findings.not_among(asked):
            self.findings.clear(finding)
        self.tell()

    def _plan(self) -> list[Planned]:
        self.problem = ""
        try:
            return plan(self.chosen.subnets, self._networks())
        except TellUser as error:
            self.problem = error.text
            _log.warning("nothing to sweep", reason=error.text)
            return []

    async def _sweep_range(self, where: Range, state: RangeState, asked: set[Endpoint]) -> None:
        tally = Tally(state, doubts={})
        state.running, state.started_ms = True, self._clock.now_ms()
        self.tell()
        gate = asyncio.Semaphore(self._settings.sweep_parallel)
        async with asyncio.TaskGroup() as group:
            for endpoint, families in self._places(where):
                if endpoint in asked:
                    self._progress(tally)
                    continue
                asked.add(endpoint)
                await gate.acquire()
                if self._replanned:
                    break
                group.create_task(self._asked(endpoint, families, tally, gate))
                await self._pace()
        await self._once_more(tally, gate)
        state.running, state.ended_ms = False, self._clock.now_ms()
        state.next_ms = state.ended_ms + int(self.chosen.interval_s * 1000)
        if not self._replanned:
            self._spool.note("scan.done", _done(tally))
        self.tell()

    async def _once_more(self, tally: Tally, gate: asyncio.Semaphore) -> None:
        """And again, where this program itself came too late for the answer: of that a place that is asked may not disappear."""
        for left in reversed(range(LATE_ROUNDS)):
            doubts, tally.doubts = tally.doubts or {}, {} if left else None
            tally.late_only = True
            async with asyncio.TaskGroup() as group:
                for endpoint, families in doubts.items():
                    await gate.acquire()
                    if self._replanned:
                        break
                    group.create_task(self._asked(endpoint, families, tally, gate, anew=False))
                    await self._pace()
            if not tally.doubts:
                return
            _log.info("asked again: this program was too late for an answer", addresses=len(tally.doubts))
            await self._clock.sleep(LATE_PAUSE_S)

    async def _pace(self) -> None:
        gap = self._settings.sweep_gap_s
        if not gap:
            return
        before = self._clock.monotonic()
        await self._clock.sleep(gap)
        late = self._clock.monotonic() - before - gap
        if late >= BEHIND_S:
            await self._clock.sleep(min(late, PAUSE_MOST_S))

    async def _again(self, endpoints: Iterable[Endpoint], asked: set[Endpoint]) -> None:
        """Where a lost stack was last, also outside the ranges."""
        for endpoint in endpoints:
            if endpoint not in asked:
                asked.add(endpoint)
                await self._ask(endpoint, list(self._families.values()), Tally(RangeState("", "")))

    def _places(self, where: Range) -> Iterator[tuple[Endpoint, list[Family]]]:
        """Each endpoint once, with the families that may answer there."""
        if where.low:
            every = list(self._families.values())
            yield from ((endpoint, every) for endpoint in where.endpoints(0))
            return
        by_port: dict[int, list[Family]] = {}
        for family in self._families.values():
            by_port.setdefault(family.default_port, []).append(family)
        for port, families in by_port.items():
            yield from ((endpoint, families) for endpoint in where.endpoints(port))

    async def _asked(
        self, endpoint: Endpoint, families: list[Family], tally: Tally, gate: asyncio.Semaphore, *, anew: bool = True
    ) -> None:
        try:
            await self._ask(endpoint, families, tally)
        except Exception:
            # One endpoint's surprise must not end the sweep of the others.
            _log.exception("asking an address failed", endpoint=str(endpoint))
        finally:
            gate.release()
            if anew:
                self._progress(tally)

    def _progress(self, tally: Tally) -> None:
        tally.state.asked += 1
        if tally.state.asked % TELL_EVERY == 0:
            self.tell()

    # --- one endpoint

    async def _ask(self, endpoint: Endpoint, families: list[Family], tally: Tally) -> None:
        if self._lines.held(endpoint):
            tally.state.found += 1
            self._clear(endpoint, tally)
            return
        for family in families:
            look = await self._look(family, endpoint, only_untried=True)
            if look is None:
                await self._nothing(endpoint, tally)
                return
            if tally.doubts is not None and (_late(look) if tally.late_only else _doubtful(look)):
                tally.doubts[endpoint] = families
                return
            if look.ours:
                await self._found(family, endpoint, look, tally)
                return
        await self._nothing(endpoint, tally)

    async def _look(self, family: Family, endpoint: Endpoint, *, only_untried: bool) -> Look | None:
        """None when nothing answers there. Sets that were refused are remembered before anything else happens."""
        tried = self._tries.get(endpoint, set()) if only_untried else set()
        sets = [item for item in self._lines.sets_for(endpoint) if item.trial not in tried]
        began = self._clock.monotonic()
        try:
            look = await looking.look(family, endpoint, sets, self._clock, self._settings.connect_s)
        except TimeoutError:
            # Waited longer than was meant: who was late is not known.
            late = self._clock.monotonic() - began - self._settings.connect_s >= BEHIND_S
            return Look(ours=False, problem=LATE, mute=True) if late else None
        except OSError:
            return None
        refused = [item.trial for item in sets if item.id in look.tried and item.id != look.credentials]
        if refused:
            self._tries.setdefault(endpoint, set()).update(refused)
            await self._memory.note_tries(endpoint, refused)
        self._broke(endpoint, look, sets)
        return look

    def _broke(self, endpoint: Endpoint, look: Look, sets: Sequence[CredentialSet]) -> None:
        """A line that breaks behind a password may be a refusal or a reset. The second one in a row counts as a refusal, so that
        no password is sent for ever, but only in this process: what nobody said is not remembered on disk."""
        before = self._hung_up.pop(endpoint, set())
        broke = {item.trial for item in sets if item.id in look.hung_up}
        if twice := broke & before:
            self._tries.setdefault(endpoint, set()).update(twice)
        if once := broke - before:
            self._hung_up[endpoint] = once

    async def _nothing(self, endpoint: Endpoint, tally: Tally) -> None:
        """Whatever answers here next may be another device: its sets are tried anew."""
        self._clear(endpoint, tally)
        self._hung_up.pop(endpoint, None)
        if self._tries.pop(endpoint, None):
            await self._memory.forget_tries(endpoint)

    async def _found(self, family: Family, endpoint: Endpoint, look: Look, tally: Tally) -> None:
        if look.unit is not None:
            await self._read(family, endpoint, look, tally)
        elif look.refused:
            tally.state.refused += 1
            words = "No credential set fits; give its user name and password."
            self.findings.keep(family.name, endpoint, Reason("sign_in_refused", words))
        else:
            words = f"It looks like a device of ours, but can't be read: {look.problem}"
            self.findings.keep(family.name, endpoint, Reason("not_known", words, {"words": look.problem}))

    async def _read(self, family: Family, endpoint: Endpoint, look: Look, tally: Tally) -> None:
        unit = look.unit
        assert unit is not None
        tally.state.found += 1
        serials = sorted(unit.serials)
        if self.chosen.policy == ASK and not self._is_known(family.name, serials, endpoint):
            words = "Found, and waiting for somebody to list it."
            self.findings.keep(family.name, endpoint, Reason("asks", words), serials)
            return
        placed, stack = await self._lines.place(family.name, unit, endpoint, look.credentials)
        if placed is Placed.DUPLICATE:
            self._duplicate(family.name, endpoint, serials, stack)
            return
        tally.new += placed is Placed.NEW
        self._clear(endpoint, tally)

    def _is_known(self, family: str, serials: list[str], endpoint: Endpoint) -> bool:
        known = self._registry.stack_of(family, serials, endpoint) is not None
        return known or self._registry.offered_stack(family, serials)

    def _duplicate(self, family: str, endpoint: Endpoint, serials: list[str], stack: str) -> None:
        held = self._lines.watches[stack].endpoint
        words = f"Serial {', '.join(serials)} also answers at {held}, which stays listed. Check which is genuine."
        reason = Reason(DUPLICATE, words, {"held": str(held), "device": stack})
        self.findings.keep(family, endpoint, reason, serials)

    async def _ask_doubles(self, serials: frozenset[str]) -> None:
        """The stack is not where it was held: where its serial answered as well is its next address, so that is asked without
        waiting for a sweep."""
        for found in list(self.findings.all.values()):
            if found.reason.code == DUPLICATE and serials & set(found.serials):
                where = Endpoint(found.address, found.port)
                await self._ask(where, list(self._families.values()), Tally(RangeState("", "")))

    def _clear(self, endpoint: Endpoint, tally: Tally) -> None:
        for finding in self.findings.at(endpoint):
            self.findings.clear(finding)
            tally.gone += 1

    async def pick(self, finding: str) -> None:
        """A person chose to list this finding: it is read once more and put in its place. Raises NotFound."""
        found = self.findings.all.get(finding)
        family = self._families.get(found.family) if found else None
        if found is None or family is None:
            raise NotFound("That finding no longer stands; scan again.", code="finding_gone")
        endpoint = Endpoint(found.address, found.port)
        look = await self._look(family, endpoint, only_untried=False)
        if look is None or look.unit is None:
            self.scan_now()
            return
        placed, stack = await self._lines.place(family.name, look.unit, endpoint, look.credentials)
        if placed is Placed.DUPLICATE:
            self._duplicate(family.name, endpoint, sorted(look.unit.serials), stack)
        else:
            self.findings.clear(finding)

    def picked(self, finding: str) -> None:
        """The same without waiting, for a link: a finding that is gone is told by the next scan."""
        task = asyncio.create_task(self._pick_quietly(finding))
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _pick_quietly(self, finding: str) -> None:
        try:
            await self.pick(finding)
        except NotFound:
            self.scan_now()

    async def close(self) -> None:
        errands = list(self._errands)
        for task in errands:
            task.cancel()
        await asyncio.gather(*errands, return_exceptions=True)

    # --- what is told

    def tell(self) -> None:
        sets = [SetState(item.id, item.user, list(item.subnets)) for item in self.sets]
        self._board.tell_scan(ScanState(list(self._states), self.chosen.policy, sets, self.ceiling))


def _late(look: Look) -> bool:
    return look.problem == LATE


def _doubtful(look: Look) -> bool:
    """Something is there and broke off or said nothing; a busy device or a busy agent looks like that."""
    return look.unit is None and not look.refused and not look.endless and (look.ours or look.mute)


def _state(item: Planned, next_ms: int, families: int) -> RangeState:
    swept = item.range is not None
    total = item.range.total * (families if item.range.low == 0 and families > 1 else 1) if item.range else 0
    return RangeState(
        item.interface, item.text, total=total, swept=swept, next_ms=next_ms if swept else 0, note=item.note,
        note_code=item.note_code,
    )  # fmt: skip


def _done(tally: Tally) -> ScanDone:
    state = tally.state
    return ScanDone(
        state.interface, state.range, state.asked, state.total, state.found, state.refused, tally.new, tally.gone,
        state.started_ms, state.ended_ms,
    )  # fmt: skip
