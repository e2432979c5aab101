"""The line to one hub (or to the local rooms): dials, keeps its state for people, tries again with jitter.

Everything said on one connection is in conversation.py; this file decides whether, when and how there is one.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from msgspec import Struct

from soundpost.agent.channel import Channel
from soundpost.agent.conversation import Conversation
from soundpost.agent.engine import Engine, Told
from soundpost.agent.hold import Hold
from soundpost.agent.identity import LOCAL, Account
from soundpost.agent.values import ValueLane
from soundpost.kernel import log
from soundpost.kernel.backoff import delay
from soundpost.kernel.errors import GiveUp, SoundpostError
from soundpost.link.envelope import GoAnswer

FLOOR_S, FIRST_S, MOST_S = 1.0, 2.0, 30.0
REFUSED_S = 60.0
"""While the hub's port refuses, it is tried each second or two for so long: that costs next to nothing, and a hub that was
started again is found at once. Its admission rate sees to those that come together (T33)."""
FINAL_S = 60.0
"""A refusal that a person has to end is still tried again now and then: the person may do it at the other end."""
FLUSH_S = 1.0
MOVES = frozenset({"replaced", "stopping"})
"""How the local rooms end a link on purpose, when the site moves to the hub's id or all stops: nothing to warn of."""
REVOKED = frozenset({"key_revoked", "bad_signature", "account_deleted", "handed_over"})

REFUSED_CODE = "refused"
OFF, CONNECTING, CONNECTED, FAILING, REFUSED = "off", "connecting", "connected", "failing", "refused"
Dial = Callable[[], Awaitable[Channel]]


class LinkState(Struct, kw_only=True):
    """The line as a person sees it. `code` and `text` say why it is not connected; `next_ms` is the next try (wall clock, 0 =
    none planned); `offset_ms` = the hub's clock minus ours."""

    phase: str = OFF
    code: str = ""
    text: str = ""
    since_ms: int = 0
    next_ms: int = 0
    tries: int = 0
    confirmed_ms: int = 0
    facts_waiting: int = 0
    values_waiting: int = 0
    offset_ms: int = 0
    hub: str = ""
    hub_name: str = ""
    site: str = ""
    site_name: str = ""
    account: str = ""


class Uplink:
    """`run` until cancelled. `account` is kept on disk as it changes. `state` is current at any time."""

    def __init__(self, engine: Engine, account: Account, dial: Dial, hold: Hold | None) -> None:
        self._engine, self._dial = engine, dial
        self.account = account
        self.values = ValueLane(engine.board, hold)
        self.hold = hold
        self.state = LinkState(account=account.name, hub=account.hub, hub_name=account.hub_name)
        self.changed: list[Callable[[], None]] = []
        self._now = asyncio.Event()
        self._chance = random.Random(account.reader + engine.identity.boot).random
        self._conversation: Conversation | None = None
        self._updown = log.UpDown(log.get("agent.uplink"), "link", reader=account.reader, host=account.host)
        engine.board.listen(self.values)
        engine.spool.mended.append(self.try_now)

    @property
    def name(self) -> str:
        """As commands and facts name this link."""
        return "local" if self.account.reader == "local" else self.account.hub

    def try_now(self) -> None:
        self._now.set()

    # --- turns.Origin, also while there is no connection

    def seen(self, key: str) -> None:
        if self._conversation is not None:
            self._conversation.seen(key)

    async def go(self, key: str) -> GoAnswer:
        if self._conversation is None:
            raise ConnectionError("no connection to ask")
        return await self._conversation.go(key)

    # --- running

    async def run(self) -> None:
        flushing = asyncio.create_task(self._flush())
        try:
            failures, lost = 0, self._engine.clock.monotonic()
            while True:
                self._now.clear()
                error, welcomed = await self._once()
                now = self._engine.clock.monotonic()
                lost = now if welcomed else lost
                refused = error.code == REFUSED_CODE and now - lost < REFUSED_S
                failures = 1 if welcomed or refused else failures + 1
                await self._pause(error, failures)
        finally:
            flushing.cancel()
            await asyncio.gather(flushing, return_exceptions=True)

    async def close(self) -> None:
        """After `run` has ended: what was not confirmed is on disk."""
        self._engine.board.unlisten(self.values)
        self._engine.spool.mended.remove(self.try_now)
        self.values.end()
        if self.hold is not None:
            await self.hold.flush()

    async def _flush(self) -> None:
        while True:
            await self._engine.clock.sleep(FLUSH_S)
            if self.hold is not None:
                await self.hold.flush()

    async def _once(self) -> tuple[SoundpostError, bool]:
        """One connection from dialling to its end: why it ended, and whether the hub had welcomed us."""
        self._show(CONNECTING, tries=self.state.tries + 1)
        conversation: Conversation | None = None
        channel: Channel | None = None
        goodbye = True
        try:
            await self._engine.spool.check()
            channel = await self._dial()
            conversation = self._conversation = Conversation(self._engine, self, channel)
            ended = await conversation.run()
            goodbye = False
        except SoundpostError as error:
            ended, goodbye = error, False
        except Exception as error:
            log.get("agent.uplink").exception("the link failed by a fault of ours")
            ended, goodbye = GiveUp("The link failed here; see the log.", code="agent_fault", cause=repr(error)), False
        finally:
            self._conversation = None
            self.values.end()
            if channel is not None:
                await channel.close(goodbye=goodbye)
        return ended, conversation is not None and conversation.welcomed

    async def _pause(self, error: SoundpostError, failures: int) -> None:
        seconds = await self._wait_s(error, failures)
        final = bool(error.params.get("final"))
        now = self._engine.clock.now_ms()
        refused = "refused_by_hub" in error.params
        if self.account.reader != LOCAL or error.code not in MOVES:
            self._updown.down(f"{error.code}: {error.cause or error.text}")
        self._show(
            REFUSED if refused and final else FAILING, code=error.code, text=error.text,
            next_ms=now + int(seconds * 1000),
        )  # fmt: skip
        try:
            async with self._engine.clock.timeout(seconds):
                await self._now.wait()
        except TimeoutError:
            return

    async def _wait_s(self, error: SoundpostError, failures: int) -> float:
        if error.code in REVOKED and self._engine.identity.fall_back(self.account.reader):
            return FLOOR_S
        if error.code in REVOKED and self.account.agent and self.account.sealed_password:
            await self.rejoin()
            return FLOOR_S
        if error.params.get("final"):
            return FINAL_S * (0.5 + self._chance())
        told = error.params.get("retry_after_s")
        floor = max(FLOOR_S, float(told)) if isinstance(told, int | float) else FLOOR_S
        return delay(failures, self._chance(), first=max(FIRST_S, floor), most=max(MOST_S, floor), floor=floor)

    async def rejoin(self) -> None:
        """The key is good no more: a new one, and name and password again."""
        self._engine.identity.renew(self.account.reader)
        self.account.agent = ""
        await self._engine.accounts.save(self.account)

    # --- what the conversation tells

    def told(self, told: Told) -> None:
        """Called by the conversation, often; makes no noise of its own."""
        state = self.state
        if told.welcomed and state.phase != CONNECTED:
            self._updown.up()
            self.state.tries = 0
            self._show(CONNECTED)
        state.confirmed_ms = told.confirmed_ms or state.confirmed_ms
        state.offset_ms = told.offset_ms
        state.facts_waiting = told.facts_waiting
        state.values_waiting = self.values.waiting
        state.site_name, state.site = self.account.site_name, self.account.site
        state.hub, state.hub_name = self.account.hub, self.account.hub_name

    def _show(self, phase: str, *, code: str = "", text: str = "", next_ms: int = 0, tries: int | None = None) -> None:
        state = self.state
        if phase == CONNECTING and state.phase in (FAILING, REFUSED):
            # While it tries again the page keeps saying what was wrong.
            code, text = state.code, state.text
        if state.phase != phase:
            state.since_ms = self._engine.clock.now_ms()
        state.phase, state.code, state.text, state.next_ms = phase, code, text, next_ms
        state.tries = state.tries if tries is None else tries
        for changed in tuple(self.changed):
            changed()
