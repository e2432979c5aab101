"""One device line, held: connect, sign in, read, poll, reconnect. Composed with a Talk, which knows the device's words.

Two rules keep it simple. Whoever speaks on the line holds `_turn`, a first-come lock taken for one poll at a time, so a verb
waits for at most one answer. And every way a line can end, the reader's death too, is a LineLost raised in `_one_line`.
"""

import asyncio
import random
import traceback
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from soundpost.device.capability import CommandState
from soundpost.device.contract import Credentials, Outcome, Periods, PointReading, Sink, Trouble, Unit
from soundpost.device.model import Endpoint
from soundpost.kernel import log
from soundpost.kernel.backoff import delay
from soundpost.kernel.clock import Clock, rfc3339
from soundpost.transport.line import ErrorAnswer, LineLost, OpenLine, SignInRefused, Silence, enter
from soundpost.transport.round import Round
from soundpost.transport.signs import Signs
from soundpost.transport.talk import Heard, Poll, Settle, Starting, Talk
from soundpost.wire import tape
from soundpost.wire.dialogue import Dialogue
from soundpost.wire.tape import Tape, Way

LOG = log.get("transport.session")

CONNECT_S = 5.0
STARTING_S = 165.0
"""How long a stack may take to start (devices.md 6.3)."""
STARTING_LOOK_S = 10.0
RETRY_S = 10.0
"""A point that answered an error is asked again after this, or after its period when that is shorter."""
SILENT_LIMIT = 15
"""Unanswered requests in a row after which the connection itself is doubted (devices.md 1.4)."""
RETRY_FLOOR_S, RETRY_FIRST_S, RETRY_MOST_S = 5.0, 10.0, 60.0
STEADY_S = 10.0
"""A line that held this long may be retried at once when it drops; a flapping one waits."""
POLITE_S = 1.0
DROP_S = 15.0
MUTE_LIMIT = 2
SHOWN_MOST = 120


class LineSession:
    """Implements device.contract.Session."""

    def __init__(
        self,
        talk: Talk,
        endpoint: Endpoint,
        credentials: Sequence[Credentials],
        sink: Sink,
        clock: Clock,
        periods: Periods,
        seed: int,
    ) -> None:
        self._talk, self._sink, self._clock, self._periods = talk, sink, clock, periods
        self._endpoint = endpoint
        self._random = random.Random(seed)
        self._phase = self._random.random()
        self._turn = asyncio.Lock()
        self._signs = Signs(credentials)
        self._began_ms = clock.now_ms()
        self._tape = Tape(clock.monotonic())
        self._hide(credentials)
        self._line: OpenLine | None = None
        self._up = False
        self._ups = 0
        self._changed = _future()
        self._interrupt = _future()
        self._fresh = False
        self._unit: Unit | None = None
        self._round = Round([], periods, 0.0, 0.0)
        self._troubles: dict[tuple[Trouble, str], int] = {}
        self._failing: dict[str, set[str]] = {}
        self._mutes: dict[int, int] = {}
        self._hurry = False
        self._starting = False
        self._silent = 0
        self._beats = 0
        self._failures = 0
        self._up_since = float("-inf")
        self._at_once_at = float("-inf")
        self._last = LineLost(Trouble.UNREACHABLE, f"{endpoint} was not tried yet")
        self._off_until: float | None = None
        self._watch = log.UpDown(LOG, "line", endpoint=str(endpoint))

    # The Session's promises

    async def run(self) -> None:
        while True:
            await self._until_due()
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
                self._down(LineLost(Trouble.CLOSED, f"the driver failed on an answer ({type(error).__name__})"))

    async def perform(self, part: str, verb: str, arguments: Mapping[str, object], serials: frozenset[str]) -> Outcome:
        if self._starting:
            return Outcome(CommandState.FAILED, Trouble.STARTING.value, "Nothing was sent: the device is starting.")
        async with self._turn:
            line, ups = self._line, self._ups
            if line is None or not self._up:
                return Outcome(CommandState.FAILED, "line_down", f"Nothing was sent: {self._last.text}.")
            if verb == "refresh":
                return await self._refresh(line)
            ended = await self._carry_out(self._talk.perform(line.ask, part, verb, arguments, serials))
        return await self._settle(ended, line, ups) if isinstance(ended, Settle) else ended

    async def hands_off(self, seconds: float) -> None:
        if seconds <= 0:
            self._off_until = None
            self._change()
            return
        self._off_until = self._clock.monotonic() + seconds
        polite = await self._polite_turn()
        try:
            text = f"the line is closed for {seconds:g} s, as asked"
            if self._line is not None:
                self._line.hang_up(Trouble.HANDS_OFF, text)
            self._change()
        finally:
            if polite:
                self._turn.release()

    def retarget(self, endpoint: Endpoint) -> None:
        if endpoint == self._endpoint:
            return
        self._endpoint = endpoint
        self._signs.renew(self._signs.known)
        self._failures = 0
        if self._line is not None:
            self._line.hang_up(Trouble.CLOSED, f"the device moved to {endpoint}")
        self._change()

    def renew(self, credentials: Sequence[Credentials]) -> None:
        self._signs.renew(credentials)
        self._hide(credentials)
        self._failures = 0
        self._change()

    def transcript(self) -> bytes:
        return tape.text(
            self._tape.entries(),
            (f"began {rfc3339(self._began_ms)}", "the beginning was thrown away" if self._tape.cut else "complete"),
        )

    def _record(self, way: Way, data: bytes) -> None:
        self._tape.add(self._clock.monotonic(), way, data)

    def _hide(self, credentials: Sequence[Credentials]) -> None:
        for known in credentials:
            self._tape.hide(known.password)

    # One line from connect to loss

    async def _one_line(self) -> None:
        self._interrupt = _future()
        line: OpenLine | None = None
        try:
            async with self._turn:
                line = await self._enter()
                await self._read_unit(line)
                self._came_up()
            await self._serve(line)
        finally:
            self._up, self._line, self._silent, self._starting = False, None, 0, False
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
                self._signs.refused,
                prompt_first=self._talk.prompt_first(),
            )
        except SignInRefused as refused:
            raise LineLost(Trouble.SIGN_IN_REFUSED, refused.text) from None
        if good is not None:
            self._signs.good(good)
        self._line = line
        return line

    def _new_line(self) -> OpenLine:
        line = OpenLine(
            Dialogue(self._talk.is_error),
            self._clock,
            self._periods.answer,
            self._periods.gap,
            lambda text: self._tell(self._talk.heard(text)),
            lambda words: self._trouble(Trouble.GARBAGE, words),
            self._late,
            self._record,
            self._talk.line_end,
        )
        self._line = line
        return line

    async def _read_unit(self, line: OpenLine) -> None:
        """Holds polling while the device starts."""
        until = self._clock.monotonic() + STARTING_S
        while True:
            self._interrupt = _future()
            try:
                unit = await self._talk.identify(line.ask)
                break
            except Starting as starting:
                self._starting = True
                self._trouble(Trouble.STARTING, str(starting))
                if self._clock.monotonic() >= until:
                    raise LineLost(Trouble.STARTING, f"still starting after {STARTING_S:g} s") from None
            await self._first_of(line, min(STARTING_LOOK_S, max(0.1, self._periods.status)))
        self._accept(unit)
        if self._starting and self._up:
            self._troubles.pop((Trouble.STARTING, ""), None)
            self._sink.recovered()
        self._starting = False

    async def _first_of(self, line: OpenLine, seconds: float) -> None:
        """Waits for news (HW_RESYNC), the line's end or the time, whichever is first."""
        try:
            async with self._clock.timeout(seconds):
                await asyncio.wait({self._interrupt, line.gone}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            return

    def _accept(self, unit: Unit) -> None:
        """A box that left or joined is news; a line without one serial we knew is another device."""
        before = self._unit.serials if self._unit else frozenset()
        if before and not before & unit.serials:
            raise LineLost(Trouble.NOT_THE_DEVICE, f"another device answers at {self._endpoint}")
        polls = [*self._talk.polls()]
        if self._unit is None or polls != self._round.polls:
            self._round = Round(polls, self._periods, self._phase, self._clock.monotonic())
        self._unit = unit
        self._fresh = True
        if self._up:
            self._announce()

    def _announce(self) -> None:
        if self._fresh and self._unit is not None:
            self._fresh = False
            self._sink.inventory(self._unit)
            self._tell(self._talk.known())

    def _came_up(self) -> None:
        self._up = True
        self._ups += 1
        self._failures = 0
        self._up_since = self._clock.monotonic()
        self._troubles.clear()
        self._failing, self._mutes = {}, {}
        self._watch.up()
        self._round.again(self._up_since)
        self._sink.connected()
        self._announce()
        self._change()

    async def _serve(self, line: OpenLine) -> None:
        """Polls until the line is lost; a pushed resync or a refresh starts the poller anew."""
        while True:
            poller = asyncio.ensure_future(self._poll(line))
            try:
                await asyncio.wait({poller, line.gone, self._interrupt}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                poller.cancel()
                await asyncio.wait({poller})
            error = None if poller.cancelled() else poller.exception()
            if line.lost_as is not None:
                raise line.lost_as
            if error is not None:
                raise error
            async with self._turn:
                if self._interrupt.result():
                    await self._read_unit(line)
                    self._round.again(self._clock.monotonic())
                self._interrupt = _future()

    async def _poll(self, line: OpenLine) -> None:
        beat = self._clock.monotonic() + self._phase * self._periods.heartbeat
        while True:
            now = self._clock.monotonic()
            due = min(beat, self._round.next_due())
            if due > now and not self._silent:
                await self._clock.sleep(due - now)
                continue
            async with self._turn:
                if self._silent or beat <= now:
                    beat = now + self._periods.heartbeat
                    await self._beat(line)
                else:
                    await self._poll_once(line)

    async def _beat(self, line: OpenLine) -> bool:
        """One heartbeat; while the device is silent nothing else is asked."""
        try:
            requests = self._talk.heartbeats()
            self._beats = self._beats + 1 if self._silent else 0
            answer = await line.ask(requests[self._beats % len(requests)])
        except Silence as silence:
            self._unheard(silence.text)
            return False
        except ErrorAnswer as error:
            self._broke_silence()
            self._fails("", "heartbeat", error.text)
            return False
        self._broke_silence()
        self._works("", "heartbeat")
        self._tell(self._talk.alive(answer))
        return True

    async def _poll_once(self, line: OpenLine) -> None:
        index = self._round.take(self._clock.monotonic())
        poll = self._round.polls[index]
        period: float | None = None
        try:
            answer = await line.ask(poll.request)
        except Silence as silence:
            period = self._mute(index, silence.text)
            self._unheard(silence.text)
        except ErrorAnswer as error:
            self._broke_silence()
            period = await self._refused(line, index, error.text)
        else:
            self._broke_silence()
            self._round.read(index)
            self._works(poll.part, poll.key)
            self._tell(self._talk.answered(poll, answer))
        finally:
            now = self._clock.monotonic()
            self._round.done(index, now, period)
            if poll.key in self._failing.get(poll.part, ()):
                # Else a fact that once answered an error would stay an error for an hour.
                self._round.soon({poll.part: {poll.key}}, now + min(RETRY_S, self._periods.of(poll.group)))
        if not self._silent and (covered := self._round.covered(index)):
            self._sink.covered(*covered)

    def _mute(self, index: int, words: str) -> float | None:
        """A point never read that is passed over in silence again and again, by a device that answers other things in
        between, is one it does not have: asking on would only cost everybody else time."""
        poll = self._round.polls[index]
        if self._round.was_read(index):
            return None
        times = self._mutes[index] = self._mutes.get(index, 0) + 1
        if times < MUTE_LIMIT or self._silent:
            return None
        self._report(poll, words, unsupported=True)
        return self._periods.facts

    async def _refused(self, line: OpenLine, index: int, words: str) -> float | None:
        """An error for a point never read means the device does not have it, provided it still answers other things."""
        poll = self._round.polls[index]
        if self._round.was_read(index) or not await self._beat(line):
            self._fails(poll.part, poll.key, words)
            self._report(poll, words)
            return None
        # Asked once more: a fault that ended between the two answers must not cost the point an hour.
        try:
            answer = await line.ask(poll.request)
        except ErrorAnswer as error:
            self._works(poll.part, poll.key)
            self._report(poll, error.text, unsupported=True)
            return self._periods.facts
        except Silence as silence:
            self._unheard(silence.text)
        else:
            self._round.read(index)
            self._works(poll.part, poll.key)
            self._tell(self._talk.answered(poll, answer))
        return None

    def _report(self, poll: Poll, words: str, unsupported: bool = False) -> None:
        if poll.key:
            told = [PointReading(key, None, words, unsupported) for key in (poll.key, *poll.also)]
            self._sink.readings(poll.part, told)

    # What is told

    def _tell(self, heard: Heard) -> None:
        for part, reading in heard.readings:
            self._sink.readings(part, (reading,))
        for part, present in heard.presence:
            self._sink.presence(part, present)
        if heard.garbage:
            self._trouble(Trouble.GARBAGE, f"an answer could not be read: {shown(heard.garbage)}")
        if heard.anew and not self._interrupt.done():
            self._interrupt.set_result(True)

    def _trouble(self, trouble: Trouble, text: str, part: str = "") -> None:
        failures = self._troubles.get((trouble, part), 0) + 1
        self._troubles[trouble, part] = failures
        self._sink.trouble(trouble, text, failures, part)

    def _unheard(self, text: str) -> None:
        self._silent += 1
        self._trouble(Trouble.SILENT, text)
        if self._silent >= SILENT_LIMIT:
            raise LineLost(Trouble.SILENT, f"{self._silent} requests in a row were not answered")

    def _late(self) -> None:
        """It lives but is too slow: no longer counted towards lost, not recovered either."""
        if self._silent:
            self._silent = 1
            self._troubles[Trouble.SILENT, ""] = 1

    def _broke_silence(self) -> None:
        if self._silent:
            self._silent = 0
            self._troubles.pop((Trouble.SILENT, ""), None)
            self._sink.recovered()

    def _fails(self, part: str, key: str, words: str) -> None:
        self._failing.setdefault(part, set()).add(key)
        self._hurry = True
        self._trouble(Trouble.ERROR_ANSWER, words, part)

    def _works(self, part: str, key: str) -> None:
        failing = self._failing.get(part)
        if not failing or key not in failing:
            return
        failing.discard(key)
        if not failing:
            self._troubles.pop((Trouble.ERROR_ANSWER, part), None)
            self._sink.recovered(part)
        elif self._hurry:
            # One works again: so may the others, and waiting a whole period to find out helps nobody.
            self._hurry = False
            self._round.soon(self._failing, self._clock.monotonic())

    def _down(self, lost: LineLost) -> None:
        now = self._clock.monotonic()
        self._last = lost
        self._watch.down(lost.text)
        flapping = now - self._at_once_at < STEADY_S
        self._failures = 0 if self._was_up() and not flapping else self._failures + 1
        if self._failures == 0:
            self._at_once_at = now
        self._up_since = float("-inf")
        self._trouble(lost.trouble, lost.text)
        self._change()

    def _was_up(self) -> bool:
        return self._up_since > float("-inf")

    # When to try next

    async def _until_due(self) -> None:
        """Hands off, no sign-in left to try, or the back-off after failures; each ends early when something changes."""
        pause = delay(
            self._failures, self._random.random(), first=RETRY_FIRST_S, most=RETRY_MOST_S, floor=RETRY_FLOOR_S
        )
        due = self._clock.monotonic() + pause
        while True:
            now = self._clock.monotonic()
            if self._off_until is not None and now >= self._off_until:
                self._off_until = None
                self._failures = 0
                return
            if self._off_until is not None:
                self._tell_off()
                await self._until_changed(self._off_until - now)
            elif self._talk.signs_in() and not self._signs.to_try():
                self._tell_unsigned()
                await self._until_changed(None)
            elif now < due and self._failures:
                await self._until_changed(due - now)
            else:
                return

    def _tell_off(self) -> None:
        """Also when there was no line to close."""
        if self._last.trouble is not Trouble.HANDS_OFF:
            self._last = LineLost(Trouble.HANDS_OFF, "the line is left to others, as asked")
            self._trouble(self._last.trouble, self._last.text)

    def _tell_unsigned(self) -> None:
        """Once: a device for which no sign-in was ever given is not even connected to."""
        if self._last.trouble is not Trouble.SIGN_IN_REFUSED:
            self._last = LineLost(
                Trouble.SIGN_IN_REFUSED, "no sign-in is known; add the device's user name and password"
            )
            self._trouble(self._last.trouble, self._last.text)

    async def _until_changed(self, seconds: float | None) -> None:
        changed = self._changed
        try:
            async with self._clock.timeout(seconds):
                await asyncio.wait({changed})
        except TimeoutError:
            return

    def _change(self) -> None:
        self._changed.set_result(None)
        self._changed = _future()

    # Verbs

    async def _carry_out(self, verb: Coroutine[Any, Any, Outcome | Settle]) -> Outcome | Settle:
        """What a driver does not judge itself: nothing but questions had been sent when these come."""
        try:
            return await verb
        except LineLost as lost:
            return Outcome(
                CommandState.FAILED, "line_down", f"The line broke before anything was written: {lost.text}."
            )
        except Silence as silence:
            return Outcome(CommandState.FAILED, "no_answer", f"The device did not answer: {silence.text}.")
        except ErrorAnswer as error:
            return Outcome(CommandState.FAILED, "error_answer", error.text)

    async def _refresh(self, line: OpenLine) -> Outcome:
        try:
            await self._read_unit(line)
        except (LineLost, Silence, ErrorAnswer) as error:
            return Outcome(CommandState.FAILED, error.code, f"Reading anew failed: {error.text}.")
        self._round.again(self._clock.monotonic())
        if not self._interrupt.done():
            self._interrupt.set_result(False)
        return Outcome(CommandState.DONE, text="Read anew.")

    async def _settle(self, verb: Settle, line: OpenLine, ups: int) -> Outcome:
        """Waits for the line to drop and come back, then lets the driver prove what became of its order."""
        until = self._clock.monotonic() + verb.seconds
        await self._gone(line)
        while self._ups == ups and line.lost_as is not None:
            left = until - self._clock.monotonic()
            if left <= 0:
                return verb.unproved
            await self._until_changed(left)
        async with self._turn:
            now = self._line
            if now is None or not self._up:
                return verb.unproved
            try:
                return await verb.prove(now.ask)
            except (LineLost, Silence, ErrorAnswer):
                return verb.unproved

    async def _gone(self, line: OpenLine) -> None:
        try:
            async with self._clock.timeout(DROP_S):
                await asyncio.wait({line.gone})
        except TimeoutError:
            return

    async def _polite_turn(self) -> bool:
        """Lets what is being said on the line end, within the 2 s a hands-off may take."""
        try:
            async with self._clock.timeout(POLITE_S):
                return await self._turn.acquire()
        except TimeoutError:
            return False


def shown(text: str) -> str:
    """A device's own words, as much of them as a sentence can hold."""
    return repr(text if len(text) <= SHOWN_MOST else f"{text[:SHOWN_MOST]}…")


def _where(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno} in {frame.name}"


def _future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()
