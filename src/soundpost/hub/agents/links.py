"""The living links: one session per agent, the newest wins; who is lost and since when; commands down."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct, structs

import soundpost
from soundpost.device.model import Reason
from soundpost.hub.agents import rules
from soundpost.hub.agents.admission import Admission, IsPerson, nobody
from soundpost.hub.agents.receiver import CommandDesk, Receiver, Source
from soundpost.hub.agents.rules import CONNECTED, LOST, Limits
from soundpost.hub.agents.service import Agents, Ending
from soundpost.hub.agents.session import Session
from soundpost.hub.store import Tx
from soundpost.kernel import log
from soundpost.kernel.errors import NotFound, Unavailable
from soundpost.kernel.signal import Signal
from soundpost.link import level
from soundpost.link.commands import Command
from soundpost.link.envelope import Challenge, Hello, Join, Joined, Message, Pick, Plan, Refused, Scan, SitePlan
from soundpost.link.envelope import Welcome as WelcomeMessage

TICK_S = 1.0
SAVED_AT_ONCE = 200
"""Rows in one commit (T12)."""
LOSE_AGAIN_S = 10.0


class Missing(Struct, frozen=True):
    """An agent whose line ended; lost when nobody is back by `deadline` (monotonic)."""

    deadline: float
    since_ms: int
    reason: Reason
    source: Source


class AgentLinks:
    """`hub` is `hub_` + the instance id, `name` what the hub calls itself. `receiver` and `desk` are handed in by app, since
    inventory and commands lie above. `run` must be running; `stop` ends all links."""

    def __init__(
        self,
        agents: Agents,
        hub: str,
        receiver: Receiver,
        desk: CommandDesk,
        *,
        name: str = "",
        limits: Limits | None = None,
        is_person: IsPerson = nobody,
    ) -> None:
        self.agents, self.hub, self.name = agents, hub, name
        self.receiver, self.desk = receiver, desk
        self.limits = limits or Limits()
        self.clock = agents.store.clock
        self.admission = Admission(agents, hub, self.limits, is_person)
        self.sessions: dict[str, Session] = {}
        """By agent id."""
        self.agent_changed: Signal[str] = Signal("agent item changed")
        """For the live room: emits an agent's id when its item may read differently; beats at most once a second."""
        self.site_plan: Callable[[str], SitePlan] = lambda site: SitePlan()
        """What the hub wants of a site, sent in Welcome; handed in by whoever keeps subnets and plans."""
        self._all: set[Session] = set()
        self._admitting: dict[str, int] = {}
        self._missing: dict[str, Missing] = {}
        self._losing: set[str] = set()
        self._unwritten: dict[str, Missing] = {}
        """Lost, and the row does not say so yet because the store takes nothing."""
        self._changed: set[str] = set()
        self._unsaved_scans: dict[str, float] = {}
        self._unsaved: dict[str, dict[str, Any]] = {}
        self._saving = False
        self._epochs = itertools.count(1)
        self._bucket = rules.Bucket(self.limits.admit_rate, self.limits.admit_burst)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._log = log.get("agents")
        agents.changed.subscribe(self.agent_changed.emit)
        agents.ended.subscribe(self._ended)

    # -- running

    async def start(self) -> None:
        """Tells the receiver which sites nobody speaks for. An agent that was connected when the last process ended gets its
        grace before it counts as lost (T6)."""
        now = self.clock.monotonic()
        held = {account.site: account for account in self.agents.accounts.values()}
        for site in self.agents.sites:
            account = held.get(site)
            if account is not None and account.state == CONNECTED:
                since = account.confirmed_ms or account.since_ms
                source = Source(site, account.id, 0, account.offset_ms)
                self._missing[account.id] = Missing(now + self.limits.start_grace_s, since, rules.NOT_BACK, source)
            else:
                reason = (account.reason if account else None) or rules.NEVER_CONNECTED
                self.receiver.detached(Source(site, account.id if account else "", 0), reason.code, reason.text)

    async def run(self) -> None:
        """Beats, silence, grace: once a second until cancelled."""
        while True:
            await self.clock.sleep(TICK_S)
            try:
                self.tick()
            except Exception:
                self._log.exception("the links' tick failed")

    def tick(self) -> None:
        now = self.clock.monotonic()
        for session in tuple(self._all):
            session.tick(now)
        for agent, missing in tuple(self._missing.items()):
            if now >= missing.deadline and not self._admitting.get(agent) and agent not in self._losing:
                self._losing.add(agent)
                self.spawn(self._lose(agent, missing))
        for agent in tuple(self._unsaved_scans):
            if now >= self._unsaved_scans[agent]:
                del self._unsaved_scans[agent]
                self._save(agent)
        changed, self._changed = self._changed, set()
        for agent in changed:
            self.agent_changed.emit(agent)

    async def stop(self) -> None:
        """Ends all links; rows still say connected, so the next process gives everybody their grace."""
        self._stopping = True
        for agent, session in tuple(self.sessions.items()):
            self._save(agent, session)
        for session in tuple(self._all):
            session.end(rules.refusal("stopping", retry_after_s=1.0))
        await self.idle()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._guarded(work), name="agents")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            self._log.exception("a link's work failed")

    async def idle(self) -> None:
        """Until nothing is under way here: for tests and for stopping in order."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- coming in

    def open(
        self, address: str, send: Callable[[bytes], bool], close: Callable[[], None], *, local: bool = False
    ) -> Session:
        """For a door: a session that was challenged, or sent away when too many come at once (T33)."""
        session = Session(self, address, send, close, local=local)
        self._all.add(session)
        strangers = len(self._all) - len(self.sessions)
        wait = self._bucket.take(self.clock.monotonic()) or (1.0 if strangers > self.limits.strangers else 0.0)
        if self._stopping:
            session.end(rules.refusal("stopping", retry_after_s=1.0))
        elif wait:
            session.end(rules.refusal("busy", retry_after_s=wait))
        else:
            session.open()
        return session

    def challenge(self, nonce: bytes) -> Challenge:
        return Challenge(
            hub=self.hub,
            nonce=nonce,
            level=level.LEVEL,
            lowest=level.LOWEST,
            version=soundpost.__version__,
            name=self.name,
        )

    async def join(self, join: Join, address: str) -> Joined | Refused:
        return await self.admission.join(join, address)

    async def hello(self, session: Session, hello: Hello) -> WelcomeMessage | Refused:
        """The commit decides; whoever commits last is the newest and takes the place of what was there."""
        self._admitting[hello.agent] = self._admitting.get(hello.agent, 0) + 1
        try:
            return await self._hello(session, hello)
        finally:
            self._admitting[hello.agent] -= 1
            if not self._admitting[hello.agent]:
                del self._admitting[hello.agent]

    async def _hello(self, session: Session, hello: Hello) -> WelcomeMessage | Refused:
        admitted = await self.admission.hello(hello, session.nonce, session.address)
        if isinstance(admitted, Refused):
            return admitted
        account = admitted.account
        now = self.agents.accounts.get(account.id)
        if now is None or now.public_key != account.public_key or now.state == rules.HELD_TWICE:
            return rules.refusal("key_revoked")  # deleted or handed over right behind the commit of this hello
        session.admitted(admitted, next(self._epochs))
        older = self.sessions.get(account.id)
        self.sessions[account.id] = session
        self._missing.pop(account.id, None)
        self._unwritten.pop(account.id, None)
        if older is not None:
            older.end(rules.refusal("replaced", retry_after_s=5.0))
        if session.over:  # the line died while the disk was asked
            self._left(session, clean=False)
            return rules.refusal("replaced")
        self.receiver.attached(session.source)
        known = await self.receiver.known(account.site)
        site = self.agents.sites[account.site]
        return WelcomeMessage(
            level=admitted.level,
            hub=self.hub,
            site=site.id,
            site_name=site.name,
            account=account.name,
            now_ms=self.clock.now_ms(),
            log=self.agents.store.log_id,
            knows_acked=admitted.knows_acked,
            last_uid=account.last_uid,
            known=known,
            plan=self.site_plan(site.id),
            next_key=account.next_key or b"",
        )

    async def welcomed(self, session: Session) -> None:
        """Open commands are sent again at each hello; the agent answers known ones from its journal (T20)."""
        for command in await self.desk.open_for(session.source.site):
            session.ask(command)

    # -- going

    def over(self, session: Session, *, clean: bool) -> None:
        self._all.discard(session)
        if session.agent and self.sessions.get(session.agent) is session:
            self._left(session, clean=clean)

    def _left(self, session: Session, *, clean: bool) -> None:
        agent = session.agent
        self.sessions.pop(agent, None)
        if self._stopping or agent not in self.agents.accounts:
            return
        now = self.clock.monotonic()
        silence = now - session.last_heard
        silent = silence >= self.limits.beat_s * self.limits.silent_beats
        reason = session.left or (rules.AGENT_STOPPED if clean else rules.lost_reason(silent, session.address))
        grace = 0.0 if clean or silent else self.limits.closed_grace_s
        since = self.clock.now_ms() - int(silence * 1000)
        self._missing[agent] = Missing(now + grace, since, reason, session.source)
        self._unsaved_scans.pop(agent, None)
        self._save(agent, session)

    async def _lose(self, agent: str, missing: Missing) -> None:
        def work(tx: Tx) -> bool:
            row = self.agents.row(tx, agent)
            if row is None or row.state != CONNECTED:
                return False
            self.agents.change(tx, agent, state=LOST, since_ms=missing.since_ms, reason=missing.reason)
            detail = {"agent": agent, "name": row.name, "since_ms": missing.since_ms, "reason": missing.reason}
            tx.log("agent.lost", detail, site=row.site)
            return True

        told = agent in self._unwritten
        try:
            await self.agents.store.unit_of_work(work)
        except Exception as error:
            self._log.warning(
                "that a server is lost can't be written; it is tried again", agent=agent, error=repr(error)
            )
            if self._missing.get(agent) is missing:
                again = structs.replace(missing, deadline=self.clock.monotonic() + LOSE_AGAIN_S)
                self._missing[agent] = self._unwritten[agent] = again
        else:
            if self._missing.get(agent) is missing:
                del self._missing[agent]
            self._unwritten.pop(agent, None)
        finally:
            self._losing.discard(agent)
        # Unknown follows from the link and is never written (T6): it must not wait for a store that takes nothing.
        if agent not in self.sessions and not told:
            self.receiver.detached(missing.source, missing.reason.code, missing.reason.text)
            self._changed.add(agent)

    def lost(self, agent: str) -> Missing | None:
        """Lost, though its row says otherwise because the store takes nothing."""
        return self._unwritten.get(agent)

    def awaited(self, agent: str) -> bool:
        """Connected when the last process ended, not heard of by this one, and still within its grace."""
        missing = self._missing.get(agent)
        return missing is not None and missing.reason is rules.NOT_BACK and agent not in self._unwritten

    def _ended(self, ending: Ending) -> None:
        """Handed over, deleted or held twice: committed, so there is no grace."""
        session = self.sessions.pop(ending.agent, None)
        self._missing.pop(ending.agent, None)
        self._unwritten.pop(ending.agent, None)
        self.admission.tries.pop(ending.agent, None)
        if session is not None:
            session.end(ending.refused)
            self.receiver.detached(session.source, ending.refused.code, ending.refused.text)

    def _save(self, agent: str, session: Session | None = None) -> None:
        """What is known of a link and worth keeping over a hub's restart; not a fact. Thousands may end at once, so what comes
        while one commit is under way shares the next."""
        session = session or self.sessions.get(agent)
        if session is None:
            return
        values: dict[str, Any] = {"dropped": session.dropped, "offset_ms": session.source.offset_ms}
        if session.scans is not None:
            values["scans"] = session.scans
        if session.confirmed_ms:
            values["confirmed_ms"] = session.confirmed_ms
        self._unsaved[agent] = self._unsaved.get(agent, {}) | values
        if not self._saving:
            self._saving = True
            self.spawn(self._save_all())

    async def _save_all(self) -> None:
        try:
            while self._unsaved:
                some = {agent: self._unsaved.pop(agent) for agent in tuple(self._unsaved)[:SAVED_AT_ONCE]}
                try:
                    await self._save_some(some)
                except Exception:
                    for agent, values in some.items():  # one that can't be saved must not cost the others theirs (T16)
                        await self._save_alone(agent, values)
        finally:
            self._saving = False

    async def _save_some(self, some: dict[str, dict[str, Any]]) -> None:
        def work(tx: Tx) -> None:
            for agent, values in some.items():
                if self.agents.row(tx, agent):
                    self.agents.change(tx, agent, **values)

        await self.agents.store.unit_of_work(work)

    async def _save_alone(self, agent: str, values: dict[str, Any]) -> None:
        try:
            await self._save_some({agent: values})
        except Exception as error:
            self._log.warning("how a server stands could not be kept", agent=agent, error=repr(error))

    # -- what sessions tell

    def heard(self, session: Session, *, scans: bool) -> None:
        self._changed.add(session.agent)
        if scans and session.agent not in self._unsaved_scans:
            self._unsaved_scans[session.agent] = self.clock.monotonic() + self.limits.save_scans_s

    # -- down

    def of_site(self, site: str) -> Session | None:
        account = self.agents.of_site(site)
        session = self.sessions.get(account.id) if account else None
        return session if session and session.welcome else None

    def send_command(self, site: str, command: Command) -> bool:
        """True when it was handed to a living link; else it goes with the next hello, while its deadline lasts."""
        session = self.of_site(site)
        return session is not None and session.ask(command)

    def plan(self, site: str, plan: SitePlan) -> bool:
        return self._tell(site, Plan(plan=plan))

    def scan(self, site: str) -> bool:
        return self._tell(site, Scan())

    def pick(self, site: str, id: str) -> bool:
        return self._tell(site, Pick(id=id))

    async def transcript(self, site: str, device: str) -> bytes:
        """What went over the device's line of late, secrets masked by its agent. Raises Unavailable and NotFound."""
        session = self.of_site(site)
        away = Unavailable("The server of this site is out of contact, so its lines can't be read.", code="agent_lost")
        if session is None:
            raise away
        asking = asyncio.ensure_future(session.fetch(device))
        try:
            async with self.clock.timeout(self.limits.fetch_s):
                await asyncio.wait({asking})
        except TimeoutError:
            raise Unavailable("The server did not send it in time. Try again.", code="timed_out") from None
        finally:
            asking.cancel()
        if asking.cancelled():
            raise away
        fetched = asking.result()
        if fetched.code:
            raise NotFound("Nothing was recorded on this device's line yet.", code="no_transcript")
        return fetched.data

    def break_link(self, source: Source, error: Exception) -> None:
        """What this session said can't be committed: it ends, and the agent says it again."""
        session = self.sessions.get(source.agent)
        if session is not None and session.source.epoch == source.epoch:
            session.not_committed(error)

    def _tell(self, site: str, message: Message) -> bool:
        session = self.of_site(site)
        return session is not None and session.send(message)


@contextlib.asynccontextmanager
async def running(links: AgentLinks) -> Any:
    """Started, ticking, and stopped in the end."""
    await links.start()
    ticking = asyncio.create_task(links.run(), name="agents-tick")
    try:
        yield links
    finally:
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticking
        await links.stop()
