"""What became of a restart nobody saw the end of: settled by reading back (T21).

Done: the device has been up for less time than has passed since it was started. Failed: it has been up since before. Until
one of these is read, it stays uncertain: a line that drops and comes back says nothing, a cable does that too.
"""

from collections.abc import Callable

from soundpost.agent.board import Shelf
from soundpost.agent.journal import Entry
from soundpost.agent.lines import Lines
from soundpost.agent.watch import Watch
from soundpost.device.capability import CommandState
from soundpost.device.model import Kind
from soundpost.kernel.clock import Clock

SLACK_S = 5.0
Settled = Callable[[Entry, CommandState, str, str], None]


class Settling:
    def __init__(self, clock: Clock, lines: Lines, settled: Settled) -> None:
        self._clock, self._lines, self._settled = clock, lines, settled
        self._off: list[Callable[[], None]] = []

    def add(self, entry: Entry) -> None:
        if entry.command.capability != "reboot":
            return
        watch = self._lines.of_device(entry.command.device)
        if watch is None:
            return

        def observe() -> None:
            up_s = uptime(watch, entry.command.device, entry.started_ms)
            verdict = judge_uptime(up_s, entry.started_ms, self._clock.now_ms())
            if verdict is True:
                finish(CommandState.DONE, "read_back", "The device has started anew since.")
            elif verdict is False:
                finish(CommandState.FAILED, "read_back", "The device has been up since before it was asked.")

        def finish(state: CommandState, code: str, words: str) -> None:
            if observe in watch.observers:
                watch.observers.remove(observe)
                self._settled(entry, state, code, words)

        watch.observers.append(observe)
        self._off.append(lambda: watch.observers.remove(observe) if observe in watch.observers else None)

    def close(self) -> None:
        for off in self._off:
            off()
        self._off = []


def judge_uptime(seconds: float, started_ms: int, now_ms: int) -> bool | None:
    """Whether the device started anew after `started_ms`; None when it did not say, or the clock stepped back."""
    since_s = (now_ms - started_ms) / 1000
    if seconds < 0 or since_s < 0:
        return None
    return seconds < since_s + SLACK_S if since_s > SLACK_S else None


def uptime(watch: Watch, device: str, after_ms: int) -> float:
    """What that device has said since of how long it is up, or for a stack any of its boxes; -1 while none did."""
    own = [member for member in watch.parts.values() if member.known.device.id == device]
    stack = bool(own) and own[0].known.device.kind == Kind.STACK
    for member in watch.parts.values() if stack else own:
        found = _uptime(member.shelf, after_ms)
        if found >= 0:
            return found
    return -1.0


def _uptime(shelf: Shelf, after_ms: int) -> float:
    for key, place in shelf.schema.index.items():
        if key.rpartition(".")[2] == "uptime" and shelf.times[place] > after_ms:
            value = shelf.values[place]
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
    return -1.0
