"""A line's tape: what went over it, when, without its secrets."""

from collections.abc import Iterable

from soundpost.device.contract import Credentials
from soundpost.kernel.clock import Clock, rfc3339
from soundpost.wire import tape
from soundpost.wire.tape import Tape, Way


class Recorder:
    __slots__ = ("_began_ms", "_clock", "_tape")

    def __init__(self, clock: Clock, credentials: Iterable[Credentials]) -> None:
        self._clock = clock
        self._began_ms = clock.now_ms()
        self._tape = Tape(clock.monotonic())
        self.hide(credentials)

    def hide(self, credentials: Iterable[Credentials]) -> None:
        for known in credentials:
            self._tape.hide(known.password)

    def __call__(self, way: Way, data: bytes) -> None:
        self._tape.add(self._clock.monotonic(), way, data)

    def text(self) -> bytes:
        began = f"began {rfc3339(self._began_ms)}"
        return tape.text(
            self._tape.entries(), (began, "the beginning was thrown away" if self._tape.cut else "complete")
        )
