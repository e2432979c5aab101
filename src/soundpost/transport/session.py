"""One device line, held: connect, sign in, read, poll, reconnect. Composed with a Talk, which knows the device's words.

Two rules keep it simple. Whoever speaks on the line holds `_turn`, a first-come lock taken for one poll at a time, or for a sign-in and
the reading of everything behind it; a verb waits for it no longer than its deadline. And every way a line can end, the reader's death
too, is a LineLost raised in `_one_line`.

What is asked is in polling.py, what is told in telling.py, when it is tried again in patience.py.
"""

import asyncio
import traceback
from collections.abc import Mapping, Sequence

from soundpost.device.capability import CommandState
from soundpost.device.contract import Credentials, Outcome, Periods, Sink, Trouble, Unit
from soundpost.device.model import Endpoint
from soundpost.kernel import log
from soundpost.kernel.backoff import Chance
from soundpost.kernel.clock import Clock
from soundpost.transport import verbs
from soundpost.transport.line import ErrorAnswer, LineLost, OpenLine, SignInRefused, Silence, enter
from soundpost.transport.news import News
from soundpost.transport.patience import Patience
from soundpost.transport.polling import Poller
from soundpost.transport.recorder import Recorder
from soundpost.transport.signs import Signs
from soundpost.transport.talk import Settle, Starting, Talk
from soundpost.transport.telling import SILENT_LIMIT, Teller, counted
from soundpost.wire.dialogue import Dialogue

__all__ = ["SILENT_LIMIT", "STARTING_S", "LineSession"]
LOG = log.get("transport.session")

CONNECT_S = 5.0
STARTING_S = 165.0
"""How long a stack may take to start (devices.md 6.3)."""
STARTING_LOOK_S = 10.0
ANEW_GAP_S = 2.0
POLITE_S = 1.0
"""Lets what is being said on the line end, within the 2 s a hands-off may take."""
WHOLE_S = 5.0
"""How soon, alone, a stack that was recalled is read whole; a crowd takes turns (Periods.crowd). One whose reading left a doubt is read
again after the same time, then after twice that, and so on up to the period of its facts."""
DOUBLED_MOST = 10
NEVER = float("inf")


class LineSession:
    """Implements device.contract.Session."""

    __slots__ = (
        "_clock", "_doubts", "_endpoint", "_line", "_news", "_patience", "_periods", "_phase", "_poller", "_recorder", "_serials", "_signs",
        "_sink", "_starting", "_talk", "_teller", "_turn", "_unit", "_up", "_ups", "_watch", "_whole_at",
    )  # fmt: skip

    def __init__(
        self,
        talk: Talk,
        endpoint: Endpoint,
        credentials: Sequence[Credentials],
        sink: Sink,
        clock: Clock,
        periods: Periods,
        seed: int,
        good: str = "",
    ) -> None:
        self._talk, self._sink, self._clock, self._periods = talk, sink, clock, periods
        self._endpoint = endpoint
        chance = Chance(seed)
        phase = chance()
        self._turn = asyncio.Lock()
        self._signs = Signs(credentials, good)
        signs = self._signs if talk.signs_in() else None
        self._patience = Patience(clock, signs, chance, self._tell_lost, f"{endpoint} was not tried yet")
        self._news = News(clock)
        self._teller = Teller(sink, self._news.want_anew)
        self._poller = Poller(talk, self._teller, sink, clock, periods, phase)
        self._recorder = Recorder(clock, credentials)
        self._line: OpenLine | None = None
        self._up = False
        self._ups = 0
        self._unit: Unit | None = None
        """What was read and not told yet."""
        self._serials: frozenset[str] = frozenset()
        self._starting = False
        self._phase, self._whole_at = phase, NEVER
        """When what was recalled is read from the device itself, or what was left in doubt is asked again."""
        self._doubts = 0
        """Readings in a row that left one."""
        self._watch: log.UpDown | None = None

    # The Session's promises

    async def run(self) -> None:
        while True:
            await self._patience.until_due()
            try:
                await self._one_line()
            except LineLost as lost:
                self._down(lost)
            except (Silence, ErrorAnswer) as error:
                self._down(LineLost(Trouble(error.code), error.text))
            except Exception as error:
                # A fault of ours must not leave a dead reader behind a line that counts as up.
                # Its traceback would show locals, and a password is one of them.
                LOG.error("driver fault", endpoint=str(self._endpoint), error=repr(error), where=_where(error))
                text = f"the driver failed on an answer ({type(error).__name__})"
                self._down(LineLost(Trouble.CLOSED, text))

    async def perform(
        self, part: str, verb: str, arguments: Mapping[str, object], serials: frozenset[str], due: float = NEVER
    ) -> Outcome:
        if self._starting:
            return Outcome(CommandState.FAILED, Trouble.STARTING.value, "Nothing was sent: the device is starting.")
        if not await verbs.turn_by(self._turn, self._clock, due):
            return verbs.NOT_SENT
        try:
            line, ups = self._line, self._ups
            if line is None or not self._up:
                return Outcome(CommandState.FAILED, "line_down", f"Nothing was sent: {self._patience.last.text}.")
            if verb == "refresh":
                self._talk.forget()
                return await verbs.refresh(self._read_unit(line), self._all_due, line.hang_up)
            ended = await verbs.carry_out(self._talk.perform(line.ask, part, verb, arguments, serials))
        finally:
            self._turn.release()
        return await self._settle(ended, line, ups) if isinstance(ended, Settle) else ended

    async def hands_off(self, seconds: float) -> None:
        self._patience.hands_off(seconds)
        if seconds <= 0:
            self._patience.change()
            return
        polite = await verbs.turn_by(self._turn, self._clock, self._clock.monotonic() + POLITE_S)
        try:
            if self._line is not None:
                self._line.hang_up(Trouble.HANDS_OFF, f"the line is closed for {seconds:g} s, as asked")
            self._patience.change()
        finally:
            if polite:
                self._turn.release()

    def retarget(self, endpoint: Endpoint) -> None:
        if endpoint == self._endpoint:
            return
        self._endpoint = endpoint
        self._signs.renew(self._signs.known)
        if self._line is not None:
            self._line.hang_up(Trouble.CLOSED, f"the device moved to {endpoint}")
        self._patience.try_again()

    def renew(self, credentials: Sequence[Credentials]) -> None:
        self._signs.renew(credentials)
        self._recorder.hide(credentials)
        self._patience.try_again()

    def transcript(self) -> bytes:
        return self._recorder.text()

    # One line from connect to loss

    async def _one_line(self) -> None:
        self._news.anew = False
        line: OpenLine | None = None
        try:
            async with self._turn:
                line = await self._enter()
                await self._read_unit(line)
                self._came_up()
            await self._serve(line)
        finally:
            self._up, self._line, self._teller.silent, self._starting = False, None, 0, False
            if line is not None:
                line.hang_up(Trouble.CLOSED, "the line was given up")

    async def _enter(self) -> OpenLine:
        if not self._talk.signs_in():
            line = self._new_line()
            await line.try_open(self._endpoint, CONNECT_S)
            line.entered()
            return line
        try:
            line, good = await enter(
                self._new_line,
                self._endpoint,
                self._signs.to_try(),
                CONNECT_S,
                self._refused,
                prompt_first=self._talk.prompt_first(),
            )
        except SignInRefused as refused:
            raise LineLost(Trouble.SIGN_IN_REFUSED, refused.text) from None
        if good is not None:
            self._signs.good(good)
        self._line = line
        return line

    def _refused(self, credentials: Credentials, hung_up: bool) -> None:
        if not self._signs.refused(credentials, hung_up):
            raise LineLost(Trouble.CLOSED, f"{self._endpoint} closed the line during the sign-in")

    def _new_line(self) -> OpenLine:
        line = OpenLine(
            Dialogue(self._talk.is_error),
            self._clock,
            self._periods.answer,
            self._periods.gap,
            self._heard,
            self._teller.garbage,
            self._teller.late,
            self._recorder,
            self._talk.line_end,
        )
        line.gone.add_done_callback(self._news.wake)
        self._line = line
        return line

    def _heard(self, text: str) -> None:
        heard = self._talk.heard(text)
        self._teller.tell(heard)
        if heard.due:
            self._poller.hurry(heard.due)
            self._news.wake()

    async def _read_unit(self, line: OpenLine) -> None:
        """Holds polling while the device starts."""
        try:
            self._accept(await self._identified(line))
            if self._starting and self._up:
                self._teller.started()
        except BaseException:
            # Whether it still starts is not known: a line that stays up is read anew, whoever asked for this reading.
            self._news.anew = self._news.anew or self._starting
            raise
        finally:
            self._starting = False

    async def _identified(self, line: OpenLine) -> Unit:
        until = self._clock.monotonic() + STARTING_S
        while True:
            self._news.anew = False
            try:
                return await self._talk.identify(line.ask)
            except Starting as starting:
                self._starting = True
                self._teller.trouble(Trouble.STARTING, str(starting))
                if self._clock.monotonic() >= until:
                    raise LineLost(Trouble.STARTING, f"still starting after {STARTING_S:g} s") from None
            if not self._news.anew and line.lost_as is None:
                await self._news.rest(min(STARTING_LOOK_S, max(0.1, self._periods.status)))

    def _accept(self, unit: Unit) -> None:
        """A box that left or joined is news; a line without one serial we knew is another device."""
        serials = unit.serials
        if self._serials and not self._serials & serials:
            raise LineLost(Trouble.NOT_THE_DEVICE, f"another device answers at {self._endpoint}")
        for stack in unit.parts[:1]:
            stack.points = counted(tuple(stack.points))
        self._poller.take(self._talk.polls())
        self._unit, self._serials = unit, serials
        self._doubts = min(self._doubts + 1, DOUBLED_MOST) if unit.doubtful else 0
        spread = WHOLE_S * self._periods.crowd * (1 + self._phase)
        spread = max(spread, min(spread * 2 ** (self._doubts - 1), self._periods.facts))
        self._whole_at = self._clock.monotonic() + spread if unit.recalled or unit.doubtful else NEVER
        if self._up:
            self._announce()

    def _announce(self) -> None:
        unit, self._unit = self._unit, None
        if unit is not None:
            self._sink.inventory(unit)
            self._teller.tell(self._talk.known())
            self._teller.count()

    def _came_up(self) -> None:
        self._up = True
        self._ups += 1
        self._teller.begin()
        self._poller.begin()
        if self._watch is not None:
            self._watch.up()
        self._sink.connected()
        self._announce()
        self._patience.came_up()

    async def _serve(self, line: OpenLine) -> None:
        """Polls until the line is lost; a pushed resync has everything read anew. One that comes while that is done counts as well,
        a little later: a device that never ends saying it is still polled."""
        self._poller.heartbeat_anew()
        again_at = self._clock.monotonic()
        while line.lost_as is None:
            now = self._clock.monotonic()
            wait = min(self._poller.wait_s(line), self._whole_at - now)
            if self._news.anew:
                wait = min(wait, again_at - now)
            if wait > 0:
                await self._news.rest(wait)
                continue
            async with self._turn:
                if self._news.anew and self._clock.monotonic() >= again_at:
                    await self._read_unit(line)
                    again_at = self._clock.monotonic() + (ANEW_GAP_S if self._news.wanted() else 0.0)
                    self._all_due()
                elif self._whole_at <= self._clock.monotonic() and not self._teller.silent:
                    await self._read_whole(line)
                elif self._poller.wait_s(line) <= 0:
                    await self._poller.ask(line)
        raise line.lost_as

    async def _read_whole(self, line: OpenLine) -> None:
        """What was recalled or left in doubt. Nobody waits for it: a device that is silent just then is judged as by a poll, and
        read later."""
        try:
            await self._read_unit(line)
        except (Silence, ErrorAnswer) as error:
            self._whole_at = self._clock.monotonic() + WHOLE_S * self._periods.crowd
            if isinstance(error, Silence):
                self._teller.unheard(error.text)

    def _all_due(self) -> None:
        self._poller.again()
        self._poller.heartbeat_anew()
        self._news.wake()

    # When it is lost

    def _down(self, lost: LineLost) -> None:
        if self._watch is None:
            self._watch = log.UpDown(LOG, "line", endpoint=str(self._endpoint))
        self._watch.down(lost.text)
        self._patience.lost(lost)

    def _tell_lost(self, lost: LineLost) -> None:
        self._teller.trouble(lost.trouble, lost.text)

    # Verbs

    async def _settle(self, verb: Settle, line: OpenLine, ups: int) -> Outcome:
        """Waits for the line to drop and come back, then lets the driver prove what became of its order."""
        until = self._clock.monotonic() + verb.seconds
        await verbs.dropped(line, self._clock)
        while self._ups == ups and line.lost_as is not None:
            left = until - self._clock.monotonic()
            if left <= 0:
                return verb.unproved
            await self._patience.until_changed(left)
        async with self._turn:
            now = self._line
            return await verbs.prove(verb, now) if now is not None and self._up else verb.unproved


def _where(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno} in {frame.name}"
