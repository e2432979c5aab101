"""One open line: signs in, asks, answers. Whoever holds it sees to it that one command is in flight at a time."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from soundpost.device.contract import Credentials, Trouble
from soundpost.device.model import Endpoint
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import GiveUp, Reauthenticate, Retry
from soundpost.transport.stream import Stream, Tap, connect, no_tap, told
from soundpost.wire.dialogue import Dialogue, Fate, Request, SignIn, SignInState
from soundpost.wire.lines import Garbage, Item, Line, Prompt

LOGIN_S = 5.0
"""The device may stay quiet for 2 s after a user name or a password (devices.md 1.4)."""
DOUBT_S = 2.0
SIGN_IN_S = 15.0
"""One set's whole dialogue, whatever else is said meanwhile: a device that talks on without a prompt is not waited for."""


class LineLost(Retry):
    """The line is down; `trouble` says how. What was in flight may or may not have arrived."""

    def __init__(self, trouble: Trouble, text: str) -> None:
        super().__init__(text, code=trouble.value)
        self.trouble = trouble


class Silence(Retry):
    default_code = Trouble.SILENT.value


class ErrorAnswer(GiveUp):
    """`text` holds the device's own words."""

    default_code = Trouble.ERROR_ANSWER.value


class SignInRefused(Reauthenticate):
    """No credential set fits."""


class Ask(Protocol):
    """Sends one request and returns the lines of its answer; raises LineLost, Silence or ErrorAnswer."""

    async def __call__(self, request: Request) -> list[str]: ...


class OpenLine:
    """`heard` gets every line that answers nothing; `garbage` is told which bytes were thrown away and which errors answer
    nothing, `late` for an
    answer that came after its time.

    A line is used once: `open`, `greeting`, `sign_in`, then `ask` until `lost` is done.
    """

    __slots__ = (
        "_answer",
        "_answer_s",
        "_arrived",
        "_behind",
        "_clock",
        "_dialogue",
        "_end",
        "_ended",
        "_gap_s",
        "_garbage",
        "_heard",
        "_late",
        "_login",
        "_sent_at",
        "_stream",
        "_tap",
        "_waiter",
        "_words",
        "fresh",
        "gone",
        "lost_as",
    )  # fmt: skip

    def __init__(
        self,
        dialogue: Dialogue,
        clock: Clock,
        answer_s: float,
        gap_s: float,
        heard: Callable[[str], None],
        garbage: Callable[[str], None] = lambda words: None,
        late: Callable[[], None] = lambda: None,
        tap: Tap = no_tap,
        end: bytes = b"\r",
    ) -> None:
        self._dialogue = dialogue
        self._clock = clock
        self._answer_s, self._gap_s = answer_s, gap_s
        self._heard, self._garbage, self._late = heard, garbage, late
        self._tap, self._end = tap, end
        self._stream: Stream | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._arrived = False
        self._answer: list[str] = []
        self._words = ""
        self._login: list[Item] | None = []
        self._ended = False
        self._behind: list[str] = []
        self._sent_at = float("-inf")
        self.fresh = True
        self.lost_as: LineLost | None = None
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self, endpoint: Endpoint, seconds: float) -> None:
        """Raises OSError as the system gave it."""
        self._stream = await connect(self, endpoint, self._clock, seconds, self._tap)

    async def try_open(self, endpoint: Endpoint, seconds: float) -> None:
        try:
            await self.open(endpoint, seconds)
        except OSError as error:
            raise LineLost(*told(error, endpoint)) from error

    def hang_up(self, trouble: Trouble, text: str) -> None:
        if self._stream is not None:
            self._stream.hang_up(trouble, text)
        self.lost(trouble, text)

    # Receiver

    def received(self, items: list[Item]) -> None:
        for item in items:
            if isinstance(item, Garbage):
                self._garbage(item.words)
            elif self._login is None and isinstance(item, Line):
                self._take(item)
        if self._login is not None:
            self._login.extend(items)
            self._wake()

    def lost(self, trouble: Trouble, text: str) -> None:
        if self.lost_as is None:
            self.lost_as = LineLost(trouble, text)
            self.gone.set_result(None)
            self._wake()

    def _take(self, line: Line) -> None:
        match self._dialogue.take(line):
            case Fate.REPLY:
                self._answer.append(line.text)
                self._end_answer()
            case Fate.MORE:
                self._answer.append(line.text)
            case Fate.ERROR:
                self._words = line.text
                self._end_answer()
            case Fate.PUSH:
                self._unasked(line.text)
            case Fate.NOISE:
                self._garbage(line.text)
            case Fate.LATE:
                self._late()
                self._unasked(line.text)

    # Whoever asked runs later than the lines behind its answer are read. What they tell is newer and must be told after it, or
    # an old value would stand as the last word until the next poll: they wait until the asker had its turn.

    def _end_answer(self) -> None:
        self._ended = True
        self._wake()

    def _unasked(self, text: str) -> None:
        if self._ended:
            self._behind.append(text)
        else:
            self._heard(text)

    def _asker_was_told(self) -> None:
        behind, self._behind, self._ended = self._behind, [], False
        for text in behind:
            self._heard(text)

    def _wake(self) -> None:
        self._arrived = True
        self._end_wait()

    def _end_wait(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # Login

    async def greeting(self, seconds: float, first: bool = False) -> Prompt | None:
        """The first prompt, or None when none came in time or, with `first`, when a text stood before it."""
        until = self._clock.monotonic() + seconds
        while True:
            seen = self._login or []
            prompts = [item for item in seen if isinstance(item, Prompt)]
            if prompts:
                return prompts[0] if seen[0] is prompts[0] or not first else None
            if (first and seen) or not await self._wait_until(until):
                return None

    @property
    def told_anything(self) -> bool:
        """Something was said that no sign-in has taken yet."""
        return bool(self._login)

    async def sign_in(self, credentials: Credentials) -> SignIn:
        """Tries one set. Its state is IN, REFUSED (the next set can follow on this line) or DOUBTFUL (it can't).
        `hung_up` tells of a line that broke behind the password. Raises LineLost when it breaks before, Silence when the device asks
        for nothing or does not come to an end within SIGN_IN_S."""
        self.fresh = False
        until = self._clock.monotonic() + SIGN_IN_S
        attempt = SignIn(credentials.user, credentials.password)
        while True:
            state = attempt.take(self._login_items())
            if state is SignInState.ASK:
                self._send(attempt.send, b"\r\n", secret=True)
            elif state is SignInState.IN:
                self._login = None
                return attempt
            elif state is SignInState.REFUSED:
                # The prompt that told us is the one the next set answers.
                self._login = [Prompt.USERNAME]
                return attempt
            if not await self._login_word(attempt, until):
                return attempt

    async def _login_word(self, attempt: SignIn, until: float) -> bool:
        """False: nothing more will come, and the password was out: that is a refusal."""
        doubtful = attempt.state is SignInState.DOUBTFUL
        try:
            now = self._clock.monotonic()
            if await self._wait_until(min(until, now + (DOUBT_S if doubtful else LOGIN_S))):
                return True
        except LineLost:
            if not attempt.all_sent:
                raise
            attempt.hung_up = not doubtful
            attempt.state = SignInState.DOUBTFUL
            return False
        if not doubtful and self._clock.monotonic() >= until:
            raise Silence(f"the sign-in came to no end within {SIGN_IN_S:g} s")
        if not doubtful:
            raise Silence(f"no answer to the sign-in within {LOGIN_S:g} s")
        return False

    def entered(self) -> None:
        """The device asked for no sign-in: what it showed was its command prompt."""
        self._login = None

    def _login_items(self) -> list[Item]:
        items, self._login = self._login or [], []
        return items

    # Commands

    @property
    def free_at(self) -> float:
        """From then on the next request goes out at once: devices want a gap between two."""
        return self._sent_at + self._gap_s

    async def ask(self, request: Request) -> list[str]:
        """The lines of the answer. The request is sent once and never again, whatever happens."""
        pause = self.free_at - self._clock.monotonic()
        if pause > 0:
            await self._clock.sleep(pause)
        if self.lost_as is not None:
            raise self.lost_as
        self._answer, self._words = [], ""
        self._dialogue.begin(request)
        self._send(request.line, self._end)
        try:
            if not await self._wait(self._answer_s):
                return self._unanswered(request)
        except BaseException:
            self._dialogue.expire()
            raise
        finally:
            # The asker goes on in this very step of the loop, up to its next wait: before this call.
            asyncio.get_running_loop().call_soon(self._asker_was_told)
        if self._words:
            raise ErrorAnswer(self._words)
        return self._answer

    def _unanswered(self, request: Request) -> list[str]:
        if self._dialogue.expire():
            return [request.line]
        raise Silence(f"no answer within {self._answer_s:g} s to {request.line}")

    async def _wait_until(self, due: float) -> bool:
        """The same up to a moment; a device that never pauses does not put it off."""
        left = due - self._clock.monotonic()
        return left > 0 and await self._wait(left)

    async def _wait(self, seconds: float) -> bool:
        """True once something arrived; raises LineLost."""
        if self.lost_as is not None:
            raise self.lost_as
        self._waiter, self._arrived = asyncio.get_running_loop().create_future(), False
        timer = self._clock.call_later(seconds, self._end_wait)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None
        if self.lost_as is not None:
            raise self.lost_as
        # What came in the same step of the loop in which the time was over came in time.
        return self._arrived

    def _send(self, text: str, end: bytes, secret: bool = False) -> None:
        self._sent_at = self._clock.monotonic()
        assert self._stream is not None
        self._stream.send(text, end, secret)


async def enter(
    make: Callable[[], OpenLine],
    endpoint: Endpoint,
    sets: Sequence[Credentials],
    connect_s: float,
    refused: Callable[[Credentials, bool], None],
    line: OpenLine | None = None,
    prompt_first: bool = False,
) -> tuple[OpenLine, Credentials | None]:
    """A line that is signed in, and with which set (None: it asked for none).

    Each set is tried once, on the same line while the device asks again, else on a new one. `refused` hears of each that
    does not fit; its second argument is true when the line broke behind the password and nothing was said: a refusal or a
    reset, nobody knows. What it raises ends the trying. `line` is one that is open
    already. `prompt_first`: no set is sent to what shows a text before its prompt, that is another product (LineLost).
    Raises LineLost, Silence, and SignInRefused in the end.
    """
    try:
        for credentials in sets:
            if line is None:
                line = make()
                await line.try_open(endpoint, connect_s)
            if line.fresh and await _greeted(line, prompt_first):
                return line, None
            attempt = await line.sign_in(credentials)
            if attempt.state is SignInState.IN:
                return line, credentials
            refused(credentials, attempt.hung_up)
            if attempt.state is not SignInState.REFUSED or line.lost_as is not None:
                line.hang_up(Trouble.SIGN_IN_REFUSED, "sign-in refused")
                line = None
        raise SignInRefused("none of the known sign-ins is accepted; add the device's user name and password")
    except BaseException:
        if line is not None:
            line.hang_up(Trouble.CLOSED, "given up")
        raise


async def _greeted(line: OpenLine, prompt_first: bool) -> bool:
    """True when the device asks for no sign-in."""
    prompt = await line.greeting(LOGIN_S, first=prompt_first)
    if prompt is None and line.told_anything:
        raise LineLost(Trouble.NOT_THE_DEVICE, "what answers here greets like another product; no password was sent")
    if prompt is None:
        raise Silence(f"connected, but no sign-in prompt within {LOGIN_S:g} s")
    if prompt is Prompt.READY:
        line.entered()
    return prompt is Prompt.READY
