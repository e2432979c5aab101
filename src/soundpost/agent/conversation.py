"""One connection of an uplink, from the challenge to its end (link.envelope; truth T7-T11, T22, T26-T28).

Facts and values each have their loop, their numbering and their credit; the receiver moves marks after acks. Whatever ends it
is returned as an error with a code and a sentence: the uplink decides what follows.
"""

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from soundpost.agent.beats import Beats
from soundpost.agent.channel import Channel
from soundpost.agent.engine import Engine, Owner, Told
from soundpost.agent.spool import Mark
from soundpost.agent.values_out import ValuesOut
from soundpost.kernel.errors import Corrupt, GiveUp, Retry, SoundpostError
from soundpost.link.commands import Command
from soundpost.link.envelope import (
    BEAT_S,
    CREDIT,
    FACTS,
    FACTS_PER_FRAME,
    VALUES,
    Ack,
    Ask,
    Beat,
    Busy,
    CaughtUp,
    Challenge,
    Facts,
    Fetch,
    Fetched,
    GoAnswer,
    GoAsk,
    Joined,
    Message,
    Pick,
    Plan,
    Refused,
    Scan,
    Seen,
    Welcome,
    decode,
    encode,
)
from soundpost.link.events import WentBack
from soundpost.link.ledger import Lane, compare
from soundpost.link.level import LEVEL, LOWEST, agreed

M = TypeVar("M", bound=Message)
SILENT_BEATS = 3
HELLO_S = 30.0
"""The hub may be busy with argon2, two at a time."""
FACTS_BYTES = 512 << 10
TICK_S = 1.0
DISK_FAILED = "disk_failed"
FAREWELL_S = 2.0
SET_MS = 2_000
"""A wall clock that moved by more than this against the running time was set."""


class Conversation:
    def __init__(self, engine: Engine, owner: Owner, channel: Channel) -> None:
        self._engine, self._owner, self._channel = engine, owner, channel
        self._clock = engine.clock
        self.welcomed = False
        self._facts = Lane(CREDIT[FACTS])
        self._values = ValuesOut(engine.clock, owner.values, self)
        self._uids: deque[tuple[int, bytes]] = deque()
        self._sent = 0
        self._wake_facts = asyncio.Event()
        self._caught_up = asyncio.Event()
        self._questions: dict[str, asyncio.Future[GoAnswer]] = {}
        self._seen: deque[str] = deque()
        self._seen_due = asyncio.Event()
        self._heard_ms = self._heard_at = self._confirmed_ms = self._offset_ms = 0
        self._reader = ""
        self._hub = ""
        self._skew_ms = 0

    # --- turns.Origin, through the owner

    def seen(self, key: str) -> None:
        self._seen.append(key)
        self._seen_due.set()

    async def go(self, key: str) -> GoAnswer:
        answer: asyncio.Future[GoAnswer] = asyncio.get_running_loop().create_future()
        self._questions[key] = answer
        try:
            await self._send(GoAsk(id=key))
            return await answer
        finally:
            self._questions.pop(key, None)

    # --- from challenge to welcome

    async def run(self) -> SoundpostError:
        """Returns why it ended; other errors of the SoundpostError tree are raised as they come."""
        challenge = await self._expect(Challenge)
        self._check(challenge)
        if not self._owner.account.agent:
            await self._join(challenge)
        mark, welcome = await self._hello(challenge)
        try:
            await self._settle(mark, welcome)
            ended = await self._talk(welcome)
        except SoundpostError as error:
            ended = error
        finally:
            for answer in self._questions.values():
                if not answer.done():
                    answer.set_exception(ConnectionError("the link is gone"))
        if ended.code == DISK_FAILED:
            await self._farewell(ended)
        return ended

    async def _farewell(self, why: SoundpostError) -> None:
        """The hub is told why, as long as it listens: else it could only say that the line closed."""
        with contextlib.suppress(SoundpostError, TimeoutError):
            async with self._clock.timeout(FAREWELL_S):
                await self._send(Refused(code=why.code, text=why.text))

    def _check(self, challenge: Challenge) -> None:
        account = self._owner.account
        if agreed(LEVEL, LOWEST, challenge.level, challenge.lowest) is None:
            older = challenge.level < LOWEST
            what = "Upgrade the hub." if older else "Upgrade Soundpost on this machine."
            raise _final("level_unsupported", f"This agent and the hub speak no common version of the link. {what}")
        if account.hub and account.agent and challenge.hub != account.hub:
            raise _final(
                "another_hub",
                "Another hub answers at this address. Check the address, or forget the old hub and join this one.",
            )
        if account.reader != "local" and not challenge.hub.startswith("hub_"):
            # By its id a command is known to come from here or from afar, and what is done here no ceiling binds.
            raise _final("another_hub", "What answers at this address has no hub's id. Check the address.")
        account.hub, account.hub_name = challenge.hub, challenge.name
        self._hub = challenge.hub
        self._reader = "local" if account.reader == "local" else f"hub:{challenge.hub}"

    async def _join(self, challenge: Challenge) -> None:
        """Name and password, only to a hub that is trusted, and only until the key is taken (T26)."""
        account, engine = self._owner.account, self._engine
        if not account.trusted:
            raise _final("not_confirmed", "The hub's certificate was not confirmed yet; compare its fingerprint first.")
        if not account.sealed_password:
            raise _final(
                "password_needed", "The hub does not know this agent's key; give the account's name and password."
            )
        await self._send(engine.identity.join(account, engine.house.site))
        joined = await self._expect(Joined)
        account.agent, account.site, account.site_name = joined.agent, joined.site, joined.site_name
        account.sealed_password = b""
        await engine.accounts.save(account)

    async def _hello(self, challenge: Challenge) -> tuple[Mark, Welcome]:
        engine, account = self._engine, self._owner.account
        mark = await engine.spool.mark_of(self._reader)
        hello = engine.identity.hello(account, challenge.nonce, os.urandom(32))
        hello.last_acked = mark.uid
        hello.now_ms, hello.zone = self._clock.now_ms(), engine.house.zone
        hello.facts_waiting = await self._waiting()
        hello.dropped = engine.spool.dropped
        await self._send(hello)
        return mark, await self._expect(Welcome)

    @property
    def _hub_filter(self) -> str:
        return "local" if self._reader == "local" else self._hub

    async def _expect(self, kind: type[M]) -> M:
        """The next message, which must be of that kind. A Refused becomes an error with the hub's own code and sentence."""
        try:
            async with self._clock.timeout(HELLO_S):
                message = decode(await self._channel.recv())
        except TimeoutError:
            raise Retry("The hub does not answer in time.", code="timed_out") from None
        except Corrupt as error:
            if kind is Challenge:
                raise _final(
                    "not_a_hub", "What answers there is not a Soundpost hub. Check address and port."
                ) from error
            raise
        if isinstance(message, Refused):
            raise _refused(message)
        if not isinstance(message, kind):
            code = "not_a_hub" if kind is Challenge else "out_of_turn"
            raise Retry("The hub answered something else than it should; connecting again.", code=code)
        return message

    async def _settle(self, mark: Mark, welcome: Welcome) -> None:
        """Who lost what (T9), the hub's ids and plan, and from where facts go on."""
        engine, spool = self._engine, self._engine.spool
        account = self._owner.account
        engine.identity.welcomed(account.reader, welcome)
        account.site, account.site_name = welcome.site, welcome.site_name
        known = not welcome.last_uid or await spool.knows(welcome.last_uid)
        verdict = compare(
            knows_acked=welcome.knows_acked or not mark.uid,
            hub_has_facts=bool(welcome.last_uid),
            last_uid_known_here=known,
        )
        if verdict.from_oldest:
            await spool.rewind(self._reader)
        mark = await spool.join(self._reader)
        await engine.accounts.save(account)
        if self._reader != "local":
            spool.hub = welcome.hub
            await engine.house.take_site(welcome.site)
        await engine.house.adopt(welcome.known, self._reader)
        await engine.house.take_plan(welcome.plan, self._reader)
        for back, who in ((verdict.hub_went_back, "hub"), (verdict.agent_went_back, "agent")):
            if back:
                spool.note("link.went_back", WentBack(who))
        self._sent = mark.position
        # What a bound dropped unconfirmed may have been the last word of a device: it is said again as it is now.
        missed = self._sent < await spool.oldest_kept() - 1
        if verdict.snapshot or missed:
            engine.house.note_everything()
        await spool.settled()
        hold = self._owner.values.hold
        await self._owner.values.begin(verdict.snapshot or hold is None or hold.gap)

    # --- the lanes

    async def _talk(self, welcome: Welcome) -> SoundpostError:
        self.welcomed = True
        self._skew_ms = self._skew()
        self._offset_ms = welcome.now_ms - self._clock.now_ms()
        await self._tell()
        off = self._engine.spool.listen(self._wake_facts.set)
        self._wake_facts.set()
        backlog = self._engine.spool.newest
        loops: list[Coroutine[Any, Any, None]] = [
            self._receiving(), self._facts_loop(backlog), self._values_loop(), self._beating(), self._ticking(), self._telling(),
            self._minding(),
        ]  # fmt: skip
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            error = next((task.exception() for task in done if task.exception() is not None), None)
        finally:
            off()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if isinstance(error, SoundpostError):
            return error
        raise error or Retry("The link ended.", code="link_closed")

    async def _send(self, message: Message) -> None:
        await self.send(encode(message))

    async def send(self, frame: bytes) -> None:
        """Where this machine's clock was set, the hub hears of it before the next time it is told (T25): it adds to each the offset
        of the last beat."""
        if self.welcomed and abs(self._skew() - self._skew_ms) > SET_MS:
            self._skew_ms = self._skew()
            await self._channel.send(encode(self._beat_now(self._to_send())))
        await self._channel.send(frame)

    def _skew(self) -> int:
        """Moves only when the wall clock is set."""
        return self._clock.now_ms() - int(self._clock.monotonic() * 1_000)

    async def _facts_loop(self, backlog: int) -> None:
        """`backlog`: facts up to there are late (T10); CaughtUp goes when they are sent."""
        while True:
            await self._wake_facts.wait()
            self._wake_facts.clear()
            while self._facts.open and await self._send_facts():
                pass
            if not self._caught_up.is_set() and self._sent >= backlog:
                await self._send(CaughtUp())
                self._caught_up.set()

    async def _send_facts(self) -> bool:
        """One frame, or False when there is nothing to send: then all up to the newest is sent or not for this hub."""
        spool = self._engine.spool
        newest = spool.newest
        if self._sent >= newest:
            return False
        stored = await spool.read(self._hub_filter, self._sent, FACTS_PER_FRAME, FACTS_BYTES)
        if not stored:
            self._sent = newest
            return False
        last = stored[-1]
        self._sent = last.position
        self._uids.append((last.position, last.uid))
        n = self._facts.send(last.position)
        await self._send(Facts(n=n, facts=[item.body for item in stored]))
        return True

    async def _values_loop(self) -> None:
        """Never before the backlog of facts."""
        await self._caught_up.wait()
        await self._values.run()

    # --- small things, at their own pace

    async def _beating(self) -> None:
        beats = Beats(self._clock.monotonic())
        while True:
            if beats.due(self._clock.monotonic(), self._to_send() + self._owner.values.waiting):
                await self._beat()
            await self._clock.sleep(TICK_S)

    async def _beat(self) -> None:
        await self._send(self._beat_now(await self._waiting()))

    def _beat_now(self, waiting: int) -> Beat:
        now = self._clock.now_ms()
        return Beat(
            now_ms=now,
            echo_ms=self._heard_ms,
            held_ms=now - self._heard_at if self._heard_ms else -1,
            facts_waiting=waiting,
            values_waiting=self._owner.values.waiting,
            dropped=self._engine.spool.dropped,
            disk_free_percent=self._engine.house.disk_free_percent(),
        )

    async def _waiting(self) -> int:
        spool = self._engine.spool
        mark = await spool.mark_of(self._reader)
        return await spool.waiting(self._hub_filter, mark.position) + spool.unwritten

    async def _minding(self) -> None:
        """While the disk takes no facts, what happens here can't be told: nobody shall go on believing what was told before."""
        while True:
            await self._engine.spool.failed.wait()
            await self._engine.spool.check()

    async def _ticking(self) -> None:
        """Once a second: how far was read, how discovery stands."""
        values = self._owner.values
        while True:
            if values.scan_changed:
                values.scan_changed = False
                await self._send(self._engine.board.scan_state)
            if values.reads_due:
                self._values.reads_due = True
                values.wake.set()
            await self._clock.sleep(TICK_S)

    async def _telling(self) -> None:
        while True:
            await self._seen_due.wait()
            self._seen_due.clear()
            while self._seen:
                await self._send(Seen(id=self._seen.popleft()))

    # --- what the hub says

    async def _receiving(self) -> None:
        handlers: dict[type[Message], Callable[[Any], Coroutine[Any, Any, None]]] = {
            Ack: self._on_ack,
            Ask: self._on_ask,
            GoAnswer: self._on_go,
            Beat: self._on_beat,
            Plan: self._on_plan,
            Scan: self._on_scan,
            Pick: self._on_pick,
            Busy: self._on_busy,
            Fetch: self._on_fetch,
            Refused: self._on_refused,
        }
        while True:
            try:
                async with self._clock.timeout(SILENT_BEATS * BEAT_S):
                    message = decode(await self._channel.recv())
            except TimeoutError:
                raise Retry("The hub has fallen silent; connecting again.", code="hub_silent") from None
            handler = handlers.get(type(message))
            if handler is None:
                raise Retry("The hub said something out of turn; connecting again.", code="out_of_turn")
            await handler(message)

    async def _on_ack(self, ack: Ack) -> None:
        self._confirmed_ms = self._clock.now_ms()
        if ack.lane == FACTS:
            await self._facts_acked(ack.n)
        elif ack.lane == VALUES:
            await self._values.acked(ack.n)
        await self._tell()

    async def _facts_acked(self, n: int) -> None:
        position = self._facts.acked(n)
        if position is None:
            return
        uid = b""
        while self._uids and self._uids[0][0] <= position:
            uid = self._uids.popleft()[1]
        await self._engine.spool.mark(self._reader, position, uid)
        self._wake_facts.set()

    async def _on_ask(self, ask: Ask) -> None:
        command: Command = ask.command
        await self._engine.commands.ask(command, self._owner)

    async def _on_go(self, answer: GoAnswer) -> None:
        waiting = self._questions.get(answer.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def _on_beat(self, beat: Beat) -> None:
        self._heard_ms, self._heard_at = beat.now_ms, self._clock.now_ms()
        self._offset_ms = beat.now_ms - self._heard_at
        await self._tell()

    async def _on_plan(self, plan: Plan) -> None:
        await self._engine.house.take_plan(plan.plan, self._reader)

    async def _on_scan(self, _: Scan) -> None:
        self._engine.discovery.scan_now()

    async def _on_pick(self, pick: Pick) -> None:
        self._engine.discovery.picked(pick.id)

    async def _on_fetch(self, fetch: Fetch) -> None:
        data = self._engine.house.transcript(fetch.device)
        await self._send(Fetched(id=fetch.id, data=data, code="" if data else "no_transcript"))

    async def _on_busy(self, busy: Busy) -> None:
        self._values.quiet(min(busy.retry_after_s, 60.0))

    async def _on_refused(self, refused: Refused) -> None:
        raise _refused(refused)

    async def _tell(self) -> None:
        self._owner.told(Told(self.welcomed, self._confirmed_ms, self._offset_ms, self._to_send()))

    def _to_send(self) -> int:
        """Facts not confirmed yet, without asking the disk; those for another hub count until they are passed over."""
        spool = self._engine.spool
        return max(0, spool.newest - self._sent) + len(self._uids) + spool.unwritten


def _refused(refused: Refused) -> SoundpostError:
    params: dict[str, Any] = {"refused_by_hub": True, "final": refused.final, "retry_after_s": refused.retry_after_s}
    kind = GiveUp if refused.final else Retry
    return kind(refused.text, code=refused.code, **params)


def _final(code: str, text: str) -> GiveUp:
    return GiveUp(text, code=code, final=True, refused_by_hub=True)
