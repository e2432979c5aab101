"""Which line answers which request. One command is in flight at a time, because errors carry no id (devices.md 5)."""

import sys
from collections.abc import Callable, Iterable
from enum import StrEnum

from msgspec import Struct

from soundpost.wire.lines import Item, Line, Prompt

MOST_OWED = 3
"""Timed-out requests whose answer we still expect. More means the device lost them rather than being late."""


class Request(Struct, frozen=True):
    """One command and how its answer is known.

    prefix: the answer starts with these words, `*` stands for any one word. end: the answer is a list of such lines, up to
    the line that starts so. bare: an answer without a value after the prefix means something (a starting stack).
    """

    line: str
    prefix: tuple[str, ...]
    end: tuple[str, ...] = ()
    bare: bool = False


def reading(line: str, *, end: str = "", bare: bool = False) -> Request:
    """A question: the answer repeats it and adds a value."""
    return Request(line, _shared(line), _shared(end), bare)


def writing(line: str) -> Request:
    """An order whose last word is the value: the answer repeats all but that and adds the value as it is now."""
    return Request(line, _shared(line)[:-1])


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.upper().split())


def _shared(text: str) -> tuple[str, ...]:
    """The words of something that is kept: most of them stand in hundreds of other requests too."""
    return tuple(map(sys.intern, _words(text)))


def fits(prefix: tuple[str, ...], words: tuple[str, ...]) -> bool:
    head = words[: len(prefix)]
    if head == prefix:
        return True
    return len(head) == len(prefix) and "*" in prefix and all(p in ("*", w) for p, w in zip(prefix, head, strict=True))


class Fate(StrEnum):
    """What one line is. LATE answers a request that timed out; NOISE is an error that belongs to none in flight."""

    REPLY = "reply"
    MORE = "more"
    ERROR = "error"
    PUSH = "push"
    LATE = "late"
    ECHO = "echo"
    NOISE = "noise"


class Dialogue:
    __slots__ = ("_echoed", "_is_error", "_owed", "_request", "echoes")

    def __init__(self, is_error: Callable[[str], bool]) -> None:
        self._is_error = is_error
        self._request: Request | None = None
        self._echoed = False
        self._owed: list[Request] = []
        self.echoes = False

    def begin(self, request: Request) -> None:
        if self._request is not None:
            raise RuntimeError(f"{self._request.line!r} is still in flight")
        self._request = request
        self._echoed = False

    def expire(self) -> bool:
        """The request in flight waited long enough. True: an answer without a value had come, and stands as the answer."""
        request, self._request = self._request, None
        if request is None:
            return False
        if request.bare and self._echoed and not self.echoes:
            self._owed = []
            return True
        self._owed = [*self._owed, request][-MOST_OWED:]
        return False

    def take(self, line: Line) -> Fate:
        request = self._request
        if self._is_error(line.text):
            return self._error()
        words = _words(line.text)
        if request is None:
            return self._unasked(words)
        if line.text == request.line and not self._answers(request, line):
            return Fate.ECHO
        if request.end and fits(request.end, words):
            return self._answered(Fate.REPLY)
        if not fits(request.prefix if not request.end else request.end[:-1], words):
            return self._unasked(words)
        return Fate.MORE if request.end else self._answered(Fate.REPLY)

    def _error(self) -> Fate:
        """Devices answer in order, so the first error after a time-out belongs to what timed out."""
        if self._owed:
            del self._owed[0]
            return Fate.NOISE
        if self._request is None:
            return Fate.NOISE
        self._request = None
        return Fate.ERROR

    def _unasked(self, words: tuple[str, ...]) -> Fate:
        """Devices answer in order: what was asked before a late answer's question will not be answered any more."""
        for index, request in enumerate(self._owed):
            if fits(request.prefix, words):
                del self._owed[: index + 1]
                return Fate.LATE
        return Fate.PUSH

    def _answers(self, request: Request, line: Line) -> bool:
        """Whether a line equal to what was sent is the answer and not its echo.

        The answer to a question has more words than the question, so there it is an echo, and teaches that this line
        echoes; only then is the mirrored order taken for an echo once before it counts as the answer.
        """
        if not fits(request.prefix, _words(request.line)):
            # The answer begins otherwise, so this is an echo or an acknowledgement, and teaches nothing.
            return False
        if self._echoed:
            return not request.bare
        asked = len(line.text.split()) == len(request.prefix)
        if asked and request.bare and line.empty_value:
            return True
        self._echoed = asked or self.echoes
        if asked and not request.bare:
            self.echoes = True
        return not self._echoed

    def _answered(self, fate: Fate) -> Fate:
        if self._request is not None and self._request.bare and self._echoed:
            self.echoes = True
        self._request, self._owed = None, []
        return fate


class SignInState(StrEnum):
    """ASK: send `SignIn.send`. DOUBTFUL: a second `Password:` came, which means refused unless `=>` follows soon."""

    WAIT = "wait"
    ASK = "ask"
    IN = "in"
    REFUSED = "refused"
    DOUBTFUL = "doubtful"


class SignIn:
    """One credential set against one login dialog; nothing is ever sent twice."""

    def __init__(self, user: str, password: str) -> None:
        self._secrets = {Prompt.USERNAME: user, Prompt.PASSWORD: password}
        self._expected = Prompt.USERNAME
        self._all_sent = False
        self.send = ""
        self.state = SignInState.WAIT
        self.hung_up = False
        """The line ended behind the password, and no prompt had told a refusal."""

    @property
    def all_sent(self) -> bool:
        """The password is out: what happens to the line now may be a refusal."""
        return self._all_sent

    def take(self, items: Iterable[Item]) -> SignInState:
        """Prompts of one segment came before our next word, so only the last of them is news."""
        prompts = [item for item in items if isinstance(item, Prompt)]
        if not prompts:
            return SignInState.WAIT
        self.state = self._prompted(prompts[-1])
        return self.state

    def _prompted(self, prompt: Prompt) -> SignInState:
        if prompt is Prompt.READY:
            return SignInState.IN
        if self._all_sent:
            return SignInState.REFUSED if prompt is Prompt.USERNAME else SignInState.DOUBTFUL
        if prompt is not self._expected:
            return SignInState.WAIT
        self.send = self._secrets[prompt]
        self._all_sent = prompt is Prompt.PASSWORD
        self._expected = Prompt.PASSWORD
        return SignInState.ASK
