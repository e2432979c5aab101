"""Status from observations (contracts.md); pure. Every decision returns its reason.

online · degraded (silent after one time-out; error answers; a peripheral gone) · offline (line down and one reconnect
failed, or three time-outs). A status that can't be told yet stays what it was: unknown is never written (T6).
"""

from dataclasses import dataclass, field

from soundpost.device.contract import Trouble
from soundpost.device.model import Reason, Status

DOWNS_OFFLINE = 2
"""The line went down, and one attempt to bring it back failed."""
SILENCES_OFFLINE = 3

_FINAL = frozenset({Trouble.SIGN_IN_REFUSED, Trouble.NOT_THE_DEVICE})
"""The device was reached and its answer is clear: no second attempt is waited for."""

_SENTENCES = {
    Trouble.REFUSED: "Connection refused",
    Trouble.UNREACHABLE: "Not reachable",
    Trouble.CLOSED: "The connection was closed and did not come back",
    Trouble.SILENT: "No answer",
    Trouble.ERROR_ANSWER: "The device answers with an error",
    Trouble.SIGN_IN_REFUSED: "The device refuses the sign-in; give its user name and password",
    Trouble.STARTING: "The device is starting",
    Trouble.NOT_THE_DEVICE: "Another device answers at its address",
    Trouble.GARBAGE: "The device's answers can't be read",
    Trouble.HANDS_OFF: "Hands off: the line was given up on request",
}


@dataclass(slots=True)
class Line:
    """What was observed of one stack's line. `downs`: line-down troubles since it was last up."""

    up: bool = False
    ever_up: bool = False
    downs: int = 0
    silences: int = 0
    down_as: Trouble | None = None
    down_text: str = ""
    trouble: Trouble | None = None
    text: str = ""
    hands_off: bool = False

    def connected(self) -> None:
        self.up = self.ever_up = True
        self.downs = self.silences = 0
        self.down_as = self.trouble = None
        self.down_text = self.text = ""
        self.hands_off = False

    def note(self, trouble: Trouble, text: str, failures: int) -> None:
        if trouble is Trouble.HANDS_OFF:
            self.up, self.hands_off, self.text = False, True, text
        elif trouble.line_down:
            self.up = False
            self.downs += DOWNS_OFFLINE if trouble in _FINAL else 1
            self.down_as, self.down_text = trouble, text
        elif trouble is Trouble.SILENT:
            self._silent(text, failures)
        else:
            # It answers, though not well: whatever was thought of its line before, it is there.
            self.downs = 0
            self.trouble, self.text = trouble, text

    def _silent(self, text: str, failures: int) -> None:
        if self.up:
            self.silences = max(self.silences, failures)
            self.trouble, self.text = Trouble.SILENT, text
        else:
            self.downs += 1
            self.down_as, self.down_text = Trouble.SILENT, text

    def recovered(self) -> None:
        self.silences = 0
        self.trouble, self.text = None, ""


@dataclass(slots=True)
class PartState:
    """What was observed of one part apart from its line."""

    present: bool = True
    silences: int = 0
    trouble: Trouble | None = None
    text: str = ""

    def note(self, trouble: Trouble, text: str, failures: int) -> None:
        self.trouble, self.text = trouble, text
        self.silences = failures if trouble is Trouble.SILENT else 0

    def recovered(self) -> None:
        self.silences, self.trouble, self.text = 0, None, ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`status` None: nothing can be said yet, what was told last stands; `reason` may still be news (hands off)."""

    status: Status | None
    reason: Reason | None = None


ONLINE = Verdict(Status.ONLINE)
UNDECIDED = Verdict(None)


def reason(trouble: Trouble, text: str, *, part: str = "") -> Reason:
    """The sentence for a person, with the device's or system's own words at its end."""
    sentence = _SENTENCES[trouble]
    words = text.strip()
    params: dict[str, str | int | float] = {"words": words} if words else {}
    if part:
        params["part"] = part
    return Reason(str(trouble), f"{sentence}: {words}" if words else f"{sentence}.", params)


def judge_line(line: Line) -> Verdict:
    """The stack's line as such: what each of its parts can't be better than."""
    if line.hands_off:
        return Verdict(None, reason(Trouble.HANDS_OFF, line.text))
    if not line.up:
        return _judge_down(line)
    if line.silences >= SILENCES_OFFLINE:
        return Verdict(Status.OFFLINE, reason(Trouble.SILENT, line.text))
    if line.trouble is not None:
        return Verdict(Status.DEGRADED, reason(line.trouble, line.text))
    return ONLINE


def _judge_down(line: Line) -> Verdict:
    if line.downs >= DOWNS_OFFLINE and line.down_as is not None:
        return Verdict(Status.OFFLINE, reason(line.down_as, line.down_text))
    if line.silences >= SILENCES_OFFLINE:
        return Verdict(Status.OFFLINE, reason(Trouble.SILENT, line.text))
    if line.trouble is not None:
        return Verdict(Status.DEGRADED, reason(line.trouble, line.text))
    return UNDECIDED


@dataclass(frozen=True, slots=True)
class Below:
    """One part that hangs below another: its name for people and what was judged of it."""

    name: str
    verdict: Verdict
    peripheral: bool = field(default=True)


def judge_part(line: Line, part: PartState, below: tuple[Below, ...] = ()) -> Verdict:
    """A box, or the stack (its part state is then never absent). `below` are the parts that hang from it."""
    over = judge_line(line)
    if over.status is not Status.ONLINE:
        return over
    if not part.present:
        return Verdict(Status.OFFLINE, Reason("box_gone", "The stack no longer lists this box."))
    if part.silences >= SILENCES_OFFLINE and part.trouble is not None:
        return Verdict(Status.OFFLINE, reason(part.trouble, part.text))
    if part.trouble is not None:
        return Verdict(Status.DEGRADED, reason(part.trouble, part.text))
    return _judge_below(below)


def _judge_below(below: tuple[Below, ...]) -> Verdict:
    unwell = [item for item in below if item.verdict.status not in (None, Status.ONLINE)]
    if not unwell:
        return ONLINE
    gone = [item for item in unwell if item.peripheral and item.verdict.status is Status.OFFLINE]
    if gone:
        names = ", ".join(item.name for item in gone)
        return Verdict(Status.DEGRADED, Reason("peripheral_gone", f"Peripheral gone: {names}.", {"names": names}))
    first = unwell[0]
    inner = first.verdict.reason or Reason("part_unwell", "A part of it is not well.")
    return Verdict(Status.DEGRADED, Reason(inner.code, f"{first.name}: {inner.text}", dict(inner.params)))


def judge_peripheral(line: Line, part: PartState) -> Verdict:
    over = judge_line(line)
    if over.status is Status.OFFLINE:
        words = over.reason.text if over.reason else ""
        return Verdict(Status.OFFLINE, Reason("parent_offline", f"Its mixer is offline. {words}".strip()))
    if over.status is not Status.ONLINE:
        return over
    if not part.present:
        return Verdict(
            Status.OFFLINE, Reason("peripheral_gone", "Its mixer no longer sees it; check the P-Link cable.")
        )
    if part.trouble is not None:
        return Verdict(Status.DEGRADED, reason(part.trouble, part.text))
    return ONLINE
