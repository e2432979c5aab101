"""Asks what is due on an open line, one question at a time, and judges what the answers, errors and silences mean."""

from collections.abc import Iterable, Sequence

from soundpost.device.contract import Periods, Sink
from soundpost.kernel.clock import Clock
from soundpost.transport.hurry import Hurry
from soundpost.transport.line import ErrorAnswer, OpenLine, Silence
from soundpost.transport.round import Round
from soundpost.transport.talk import Poll, Talk
from soundpost.transport.telling import Teller, failing, shown

RETRY_S = 10.0
"""A point that answered an error is asked again after this, or after its period when that is shorter."""
MUTE_LIMIT = 2
APART_S = 0.1
"""What is asked out of turn leaves every second turn of a line to the others."""


class Poller:
    """`take` first; then `begin` on each line that came up, `due` and `ask` while it lasts, whoever holds the line's turn."""

    __slots__ = (
        "_beat_at", "_beats", "_clock", "_hurry", "_mutes", "_periods", "_phase", "_round", "_sink", "_talk", "_teller",
    )  # fmt: skip

    def __init__(self, talk: Talk, teller: Teller, sink: Sink, clock: Clock, periods: Periods, phase: float) -> None:
        self._talk, self._teller, self._sink = talk, teller, sink
        self._clock, self._periods, self._phase = clock, periods, phase
        self._round = Round([], periods, 0.0, 0.0)
        self._mutes: dict[int, int] = {}
        self._beats = 0
        self._beat_at = float("inf")
        self._hurry = Hurry()

    def take(self, polls: Sequence[Poll]) -> None:
        """What is asked from now on; the same as before goes on where it was."""
        if polls != self._round.polls:
            self._round = Round(polls, self._periods, self._phase, self._clock.monotonic())
            self._mutes = {}  # by place among the polls, which are others now

    def begin(self) -> None:
        self._mutes = {}
        self.again()

    def again(self) -> None:
        """Everything is due once more."""
        self._round.again(self._clock.monotonic())

    def hurry(self, ends: Iterable[str]) -> None:
        """A point whose key ends so has changed: all of them are asked soon, though not as often as that is said."""
        now = self._clock.monotonic()
        for end in ends:
            self._hurry.want(end, now)
        while end := self._hurry.take(now):
            those = [index for index, poll in enumerate(self._round.polls) if poll.key.endswith(end)]
            self._round.hasten(those, now, APART_S)
            self._hurry.asked(end, len(those), now)

    def heartbeat_anew(self) -> None:
        self._beat_at = self._clock.monotonic() + self._phase * self._periods.heartbeat

    def wait_s(self, line: OpenLine) -> float:
        """Seconds until something is due and may be sent; while the device is silent something always is."""
        if self._teller.silent:
            return 0.0
        due = min(self._beat_at, self._round.next_due(), self._hurry.next_at())
        return max(line.free_at, due) - self._clock.monotonic()

    async def ask(self, line: OpenLine) -> None:
        self.hurry(())
        now = self._clock.monotonic()
        if self._teller.silent or self._beat_at <= now:
            self._beat_at = now + self._periods.heartbeat
            await self.beat(line)
        else:
            await self._poll(line)

    async def beat(self, line: OpenLine) -> bool:
        """One heartbeat; while the device is silent nothing else is asked."""
        teller = self._teller
        try:
            requests = self._talk.heartbeats()
            self._beats = self._beats + 1 if teller.silent else 0
            answer = await line.ask(requests[self._beats % len(requests)])
        except Silence as silence:
            teller.unheard(silence.text)
            return False
        except ErrorAnswer as error:
            teller.broke_silence()
            teller.fails("", "heartbeat", error.text)
            return False
        teller.broke_silence()
        self._works("", "heartbeat")
        teller.beat(self._talk.alive(answer))
        return True

    async def _poll(self, line: OpenLine) -> None:
        index = self._round.take(self._clock.monotonic())
        poll = self._round.polls[index]
        teller, period = self._teller, None
        try:
            answer = await line.ask(poll.request)
        except Silence as silence:
            period = self._mute(index, poll, silence.text)
            teller.unheard(silence.text)
        except ErrorAnswer as error:
            teller.broke_silence()
            period = await self._refused(line, index, poll, error.text)
        else:
            teller.broke_silence()
            self._answered(index, poll, answer)
        finally:
            now = self._clock.monotonic()
            self._round.done(index, now, period)
            if poll.key in teller.failing.get(poll.part, ()):
                # Else a fact that once answered an error would stay an error for an hour.
                self._round.soon((index,), now + min(RETRY_S, self._periods.of(poll.group)))
        if not teller.silent and (covered := self._round.covered(index)):
            self._sink.covered(*covered)

    def _answered(self, index: int, poll: Poll, answer: list[str]) -> None:
        self._round.read(index)
        self._works(poll.part, poll.key)
        heard = self._talk.answered(poll, answer)
        self._teller.tell(heard)
        if heard.garbage:
            # What stood there before was not read now, and must not go on looking as if it was.
            self._teller.error(poll, shown(heard.garbage))

    def _mute(self, index: int, poll: Poll, words: str) -> float | None:
        """A point never read that is passed over in silence again and again, by a device that answers other things in
        between, is one it does not have: asking on would only cost everybody else time."""
        if self._round.was_read(index):
            return None
        times = self._mutes[index] = self._mutes.get(index, 0) + 1
        if times < MUTE_LIMIT or self._teller.silent:
            return None
        self._teller.error(poll, words, unsupported=True)
        return self._periods.facts

    async def _refused(self, line: OpenLine, index: int, poll: Poll, words: str) -> float | None:
        """An error for a point never read means the device does not have it, provided it still answers other things."""
        if self._round.was_read(index) or not await self.beat(line):
            self._teller.fails(poll.part, poll.key, words)
            self._teller.error(poll, words)
            return None
        # Asked once more: a fault that ended between the two answers must not cost the point an hour.
        try:
            answer = await line.ask(poll.request)
        except ErrorAnswer as error:
            self._works(poll.part, poll.key)
            self._teller.error(poll, error.text, unsupported=True)
            return self._periods.facts
        except Silence as silence:
            self._teller.unheard(silence.text)
        else:
            self._answered(index, poll, answer)
        return None

    def _works(self, part: str, key: str) -> None:
        if self._teller.works(part, key):
            self._round.soon(failing(self._round.polls, self._teller.failing), self._clock.monotonic())
