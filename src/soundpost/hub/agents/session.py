"""One agent's connection, without a transport: frames in by `feed`, frames out by `send`.

    challenged ── Join ──▶ joining ── Joined ──▶ challenged ── Hello ──▶ greeting ── Welcome ──▶ lanes ──▶ over
                               └──────── Refused ────────▶ over ◀──────── Refused ────┘

Joining and greeting wait for argon2 and the disk; an agent that speaks meanwhile is out of turn. In the lanes nothing waits:
a frame is decoded, checked and handed up, and its ack follows the commit.
"""

import asyncio
import functools
import itertools
import os
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

import msgspec

from soundpost.device.model import Descriptor, Reason
from soundpost.hub.agents import rules
from soundpost.hub.agents.admission import Admitted
from soundpost.hub.agents.receiver import CommandDesk, Delivery, Receiver, Source
from soundpost.hub.agents.rules import ClockOffset, Limits
from soundpost.kernel import log
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import Corrupt, SoundpostError
from soundpost.link import envelope, events
from soundpost.link.commands import Command
from soundpost.link.envelope import (
    Ack,
    Ask,
    Beat,
    CaughtUp,
    Challenge,
    Declare,
    Facts,
    Fetch,
    Fetched,
    GoAnswer,
    GoAsk,
    Hello,
    Join,
    Joined,
    Message,
    Refused,
    ScanState,
    Schema,
    Seen,
    Values,
    Welcome,
)
from soundpost.link.events import Fact
from soundpost.link.ledger import Inbox

STRANGER_FRAME, STRANGER_BODY = 16 << 10, 32 << 10
OFFSET_STEP_MS = 20


UNSEEN = 16
"""Commands under way to an agent that it has not yet written to its disk."""


class Gate(Protocol):
    """What a session needs of the door it came through (links.AgentLinks)."""

    clock: Clock
    hub: str
    limits: Limits
    receiver: Receiver
    desk: CommandDesk

    def spawn(self, work: Coroutine[Any, Any, None]) -> None: ...

    def challenge(self, nonce: bytes) -> Challenge: ...

    async def join(self, join: Join, address: str) -> Joined | Refused: ...

    async def hello(self, session: "Session", hello: Hello) -> Welcome | Refused: ...

    async def welcomed(self, session: "Session") -> None: ...

    def heard(self, session: "Session", *, scans: bool) -> None: ...

    def over(self, session: "Session", *, clean: bool) -> None: ...


class LaneIn:
    """One lane at the receiving end: order, credit, and acks that follow the commits without a gap."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.inbox = Inbox()
        self.acked = 0
        self._done: set[int] = set()

    def accept(self, n: int) -> None:
        self.inbox.accept(n)
        if n - self.acked > envelope.CREDIT[self.name]:
            raise Corrupt("The server sends more than it may before an answer.", code="credit_exceeded", lane=self.name)

    def committed(self, n: int) -> bool:
        """True when an ack is due, up to `acked`."""
        self._done.add(n)
        before = self.acked
        while self.acked + 1 in self._done:
            self.acked += 1
            self._done.discard(self.acked)
        return self.acked > before


class Session:
    """`send` returns False when the transport can't take more; `close` ends it after what was sent. Neither waits."""

    def __init__(
        self, gate: Gate, address: str, send: Callable[[bytes], bool], close: Callable[[], None], *, local: bool = False
    ) -> None:
        """`local`: the other end is this process's own engine."""
        self._gate, self.address, self._local = gate, address, local
        self._send_frame, self._close = send, close
        self._log = log.get("agents").bind(address=address)
        self.nonce = os.urandom(32)
        self.agent = self.name = ""
        self.source = Source("", "", 0)
        self.over = False
        self.welcome = False
        self._busy = False
        self._late = True
        self.last_heard = self.last_sent = gate.clock.monotonic()
        self._facts, self._values = LaneIn(envelope.FACTS), LaneIn(envelope.VALUES)
        self._schemas: dict[int, list[Descriptor]] = {}
        self._devices: dict[int, str] = {}
        self._refused: set[int] = set()
        self.offset = ClockOffset()
        self._echo_ms = 0
        self._fetch_ids = itertools.count(1)
        self._questions = 0
        self._asking: deque[Command] = deque()
        self._unseen: set[str] = set()
        self._fetches: dict[int, asyncio.Future[Fetched]] = {}
        self.dropped_entries = 0
        """Values of devices this hub refused (T2)."""
        self.confirmed_ms = 0
        self.waiting = self.dropped = 0
        self.disk_free_percent = -1.0
        self.scans: ScanState | None = None
        self.left: Reason | None = None
        """Why it ended, where one of the ends said so."""
        self._handlers: dict[type[Message], Callable[[Any], None]] = {
            Values: self._on_values,
            Facts: self._on_facts,
            Beat: self._on_beat,
            Declare: self._on_declare,
            Schema: self._on_schema,
            CaughtUp: self._on_caught_up,
            GoAsk: self._on_go,
            Seen: self._on_seen,
            ScanState: self._on_scans,
            Fetched: self._on_fetched,
            Refused: self._on_refused,
        }

    # -- the transport's side

    def open(self) -> None:
        self.send(self._gate.challenge(self.nonce))

    def feed(self, frame: bytes) -> None:
        """One whole frame. Never raises: what can't be understood ends this connection, and the agent resumes."""
        if self.over:
            return
        self.last_heard = self._gate.clock.monotonic()
        try:
            if self.welcome:
                message = envelope.decode(frame)
                handler = self._handlers.get(type(message))
                if handler is None:
                    raise _out_of_turn(message)
                handler(message)
            else:
                self._greet(envelope.decode(frame, frame_cap=STRANGER_FRAME, body_cap=STRANGER_BODY))
        except SoundpostError as error:
            self._log.warning("a link was ended", agent=self.agent, code=error.code, cause=error.cause)
            self.end(Refused(code=error.code, text=error.text, retry_after_s=1.0))
        except Exception:
            self._log.exception("a link was ended by a fault of the hub", agent=self.agent)
            self.end(Refused(code="hub_fault", text="The hub failed; connecting again.", retry_after_s=5.0))

    def gone(self, *, clean: bool = False) -> None:
        """The transport ended. `clean`: the agent said goodbye and does not mean to come back at once."""
        if not self.over:
            self.over = True
            for waiting in self._fetches.values():
                waiting.cancel()
            self._gate.over(self, clean=clean)

    def end(self, refused: Refused | None = None) -> None:
        """This hub ends it. What is under way is not acked."""
        if self.over:
            return
        if refused is not None:
            self._send_frame(envelope.encode(refused))
        self.gone()
        self._close()

    def send(self, message: Message) -> bool:
        if self.over:
            return False
        if not self._send_frame(envelope.encode(message)):
            self._log.warning("an agent does not take what it is sent", agent=self.agent)
            self.end()
            return False
        self.last_sent = self._gate.clock.monotonic()
        return True

    def tick(self, now: float) -> None:
        """Once a second."""
        limits = self._gate.limits
        silent = now - self.last_heard
        if silent >= limits.beat_s * limits.silent_beats or (not self.welcome and silent >= limits.handshake_s):
            self.end(rules.refusal("too_slow"))
        elif self.welcome and now - self.last_sent >= limits.beat_s:
            self.beat()

    def beat(self) -> None:
        self.send(Beat(now_ms=self._gate.clock.now_ms(), echo_ms=self._echo_ms))

    # -- coming in

    def _greet(self, message: Message) -> None:
        if self._busy or not isinstance(message, Join | Hello):
            raise _out_of_turn(message)
        self._busy = True
        self._gate.spawn(self._joining(message) if isinstance(message, Join) else self._greeting(message))

    async def _joining(self, join: Join) -> None:
        self._answered(await self._gate.join(join, self.address))

    async def _greeting(self, hello: Hello) -> None:
        if hello.now_ms:
            self.offset.heard(hello.now_ms, self._gate.clock.now_ms())
        self.waiting, self.dropped = hello.facts_waiting, hello.dropped
        answer = await self._gate.hello(self, hello)
        self.welcome = isinstance(answer, Welcome)
        self._answered(answer)
        if self.welcome and not self.over:
            self.beat()
            await self._gate.welcomed(self)

    def _answered(self, answer: Joined | Welcome | Refused) -> None:
        self._busy = False
        if isinstance(answer, Refused):
            self.end(answer)
        else:
            self.send(answer)

    def admitted(self, admitted: Admitted, epoch: int) -> None:
        """From here on this session speaks for the site."""
        account = admitted.account
        self.agent, self.name = account.id, account.name
        self._log = self._log.bind(agent=account.id, name=account.name)
        self.source = Source(account.site, account.id, epoch, self.offset.ms)

    # -- lanes

    def _on_facts(self, frame: Facts) -> None:
        self._facts.accept(frame.n)
        if len(frame.facts) > envelope.FACTS_PER_FRAME:
            raise Corrupt("A frame carries more facts than allowed.", code="frame_too_large")
        delivery = self._delivery(self._facts, frame.n)
        delivery.late = self._late
        for body in frame.facts:
            self._read(body, delivery)
        self._gate.receiver.deliver(delivery)

    def _read(self, body: bytes, delivery: Delivery) -> None:
        """One bad entry is set aside and never takes its neighbours with it (T16)."""
        try:
            fact = events.unpack(body)
        except Corrupt as error:
            delivery.rejected.append((body, error.code))
            delivery.last_uid = events.uid_of(body) or delivery.last_uid
            return
        if len(fact.uid) != 16:
            delivery.rejected.append((body, "fact_uid"))
            return
        delivery.last_uid = fact.uid
        if self._for_us(fact):
            delivery.facts.append(self._known_as(fact))
        else:
            delivery.rejected.append((body, "other_hub"))

    def _known_as(self, fact: Fact) -> Fact:
        """The agent's word that it went back behind what this hub has is the hub's `agent.restored` (T9). Its word that the hub
        did stays as it is: the hub found that out itself."""
        if fact.type == "link.went_back" and _who_went_back(fact) == "agent":
            fact.type, fact.data = "agent.restored", events.data({"agent": self.agent, "name": self.name})
        return fact

    def _for_us(self, fact: Fact) -> bool:
        """Facts name the hub they are for and go to no other (T5); the local rooms hear all their own engine says."""
        return self._local or fact.hub in ("", self._gate.hub)

    def _on_values(self, frame: Values) -> None:
        self._values.accept(frame.n)
        if len(frame.changes) > envelope.CHANGES_PER_FRAME:
            raise Corrupt("A frame carries more values than allowed.", code="frame_too_large")
        delivery = self._delivery(self._values, frame.n)
        delivery.devices = self._devices
        delivery.values = self._declared(frame.changes)
        delivery.reads = self._declared(frame.reads)
        delivery.snapshot = frame.snapshot
        self._gate.receiver.deliver(delivery)

    def _declared(self, entries: list[Any]) -> list[Any]:
        """Without those of devices this hub refused; the usual frame has none and is passed on as it is."""
        devices = self._devices
        refs = {entry.ref for entry in entries}
        if refs <= devices.keys():
            return entries
        if undeclared := refs - devices.keys() - self._refused:
            raise Corrupt("A value names a device that was never declared.", code="ref_unknown", ref=min(undeclared))
        kept = [entry for entry in entries if entry.ref in devices]
        self.dropped_entries += len(entries) - len(kept)
        return kept

    def _delivery(self, lane: LaneIn, n: int) -> Delivery:
        return Delivery(
            source=self.source,
            done=functools.partial(self._committed, lane, n),
            failed=self.not_committed,
        )

    def _committed(self, lane: LaneIn, n: int) -> None:
        if lane.committed(n) and not self.over:
            self.confirmed_ms = self._gate.clock.now_ms()
            self.send(Ack(lane=lane.name, n=lane.acked))

    def not_committed(self, error: Exception) -> None:
        if not self.over:
            self.left = rules.NOT_COMMITTED
            self._log.error("what was said was not committed; the link is closed", cause=str(error))
            self.end(rules.refusal("not_committed", retry_after_s=1.0))

    def _on_schema(self, schema: Schema) -> None:
        if len(self._schemas) >= self._gate.limits.schemas and schema.number not in self._schemas:
            raise Corrupt("The server describes more kinds of devices than allowed.", code="too_many_schemas")
        self._schemas[schema.number] = schema.descriptors

    def _on_declare(self, declare: Declare) -> None:
        points: Sequence[Descriptor] | None = self._schemas.get(declare.schema)
        if points is None:
            raise Corrupt("A device names a description that was never sent.", code="schema_unknown")
        if len(self._devices) + len(self._refused) >= self._gate.limits.devices:
            raise Corrupt("The server declares more devices than allowed.", code="too_many_devices")
        if self._devices.get(declare.ref, declare.device) != declare.device:
            raise Corrupt("Two devices got one number on the link.", code="ref_taken", ref=declare.ref)
        refusal = self._gate.receiver.declare(self.source, declare.device, declare.identity, declare.generation, points)
        # A delivery under way holds the table as it was, so it is replaced when something leaves it.
        if refusal:
            self._devices = {ref: id for ref, id in self._devices.items() if ref != declare.ref}
            self._refused.add(declare.ref)
            self._log.warning("a device was refused", device=declare.device, code=refusal)
        else:
            self._devices[declare.ref] = declare.device
            self._refused.discard(declare.ref)

    def _on_caught_up(self, _message: CaughtUp) -> None:
        self._late = False

    # -- how the agent is

    def _on_beat(self, beat: Beat) -> None:
        now_ms = self._gate.clock.now_ms()
        self._echo_ms = beat.now_ms
        self.offset.heard(beat.now_ms, now_ms, beat.echo_ms, beat.held_ms)
        if abs(self.offset.ms - self.source.offset_ms) >= OFFSET_STEP_MS:
            old = self.source
            self.source = Source(old.site, old.agent, old.epoch, self.offset.ms)
        self.waiting = beat.facts_waiting + beat.values_waiting
        self.dropped = beat.dropped
        self.disk_free_percent = beat.disk_free_percent
        if not self.waiting:
            self.confirmed_ms = now_ms
        self._gate.heard(self, scans=False)

    def _on_refused(self, refused: Refused) -> None:
        """The agent ends it: what it would go on to say is no longer what is so."""
        self._log.warning("a server took its leave", agent=self.agent, code=refused.code[:40])
        self.left = rules.FAREWELLS.get(refused.code)
        self.end()

    def _on_scans(self, scans: ScanState) -> None:
        self.scans = scans
        self._gate.heard(self, scans=True)

    # -- commands

    def ask(self, command: Command) -> bool:
        """In order, a few unseen at a time: the agent writes each to its disk before it says *seen*."""
        if not self.welcome or self.over:
            return False
        self._asking.append(command)
        self._ask_next()
        return not self.over

    def _ask_next(self) -> None:
        while self._asking and len(self._unseen) < UNSEEN and not self.over:
            command = self._asking.popleft()
            self._unseen.add(command.id)
            self.send(Ask(command=command))

    async def fetch(self, device: str) -> Fetched:
        """Cancelled when the line ends."""
        id = next(self._fetch_ids)
        waiting: asyncio.Future[Fetched] = asyncio.get_running_loop().create_future()
        self._fetches[id] = waiting
        try:
            self.send(Fetch(id=id, device=device))
            return await waiting
        finally:
            del self._fetches[id]

    def _on_fetched(self, fetched: Fetched) -> None:
        waiting = self._fetches.get(fetched.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(fetched)

    def _on_go(self, question: GoAsk) -> None:
        if not self._wait_for(self._go(question.id)):
            self.send(GoAnswer(id=question.id, go=False, code="busy"))  # it asks again

    async def _go(self, id: str) -> None:
        go, code = await self._gate.desk.go(self.source.site, id)
        self.send(GoAnswer(id=id, go=go, code=code))

    def _on_seen(self, seen: Seen) -> None:
        self._unseen.discard(seen.id)
        self._ask_next()
        self._wait_for(self._gate.desk.seen(self.source.site, seen.id))

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> bool:
        """False when too much waits already; a *seen* left out costs a word on a screen, not the command."""
        if self._questions >= self._gate.limits.questions:
            work.close()
            return False
        self._questions += 1
        self._gate.spawn(self._answer(work))
        return True

    async def _answer(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self._questions -= 1


def _who_went_back(fact: Fact) -> str:
    try:
        return msgspec.msgpack.decode(fact.data, type=events.WentBack).who
    except (msgspec.DecodeError, ValueError):
        return ""


def _out_of_turn(message: Message) -> Corrupt:
    name = type(message).__name__
    return Corrupt("A message came out of turn; connecting again.", code="out_of_turn", cause=name)
