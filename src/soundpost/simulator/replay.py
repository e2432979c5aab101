"""One recorded connection as a machine: bytes of the client in, the recorded bytes of the device out. Pure.

The client has to say the same bytes in the same order; how they are cut into segments does not matter. Where the recorder put
stars in place of a secret, any bytes but CR and LF are right.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from soundpost.simulator.transcript import CLOSED, FROM, NOTE, TO, Segment, shown

_SECRET = re.compile(rb"\*{3,}")  # the shortest secret the recorder masks has three characters
END = b"\r\n"
SHOWN = 60


class Strayed(Exception):
    """Says where: the line of the transcript, what stands there and what came."""

    def __init__(self, line: int, expected: bytes, came: bytes) -> None:
        self.line = line
        stands = f"expected {shown(expected[:SHOWN])!r}" if expected else "the recording ends here"
        super().__init__(f"line {line}: {stands}, but {shown(came[:SHOWN])!r} came")


@dataclass(frozen=True, slots=True)
class Said:
    """`wait_s` after what came before it. `ends`: the device closed the connection then."""

    data: bytes
    wait_s: float
    ends: bool = False


class Replay:
    """`opening()` once, then `feed` for what comes."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        # Of the notes only the last one plays a part, when it says that the device closed the connection.
        self._segments = [segment for segment in segments if segment.way != NOTE]
        if segments and segments[-1].way == NOTE and segments[-1].data.endswith(CLOSED):
            self._segments.append(segments[-1])
        self._place = 0
        self._last_at = self._segments[0].at if self._segments else 0.0
        self._came = b""  # of the client, not yet accounted for

    @property
    def over(self) -> bool:
        return self._place >= len(self._segments)

    @property
    def line(self) -> int:
        """Of the transcript: where it stands."""
        return self._segments[min(self._place, len(self._segments) - 1)].line

    def opening(self) -> list[Said]:
        return list(self._told())

    def feed(self, data: bytes) -> Iterator[Said]:
        """Raises Strayed as soon as one byte is another one, after what was answered to the bytes before it."""
        self._came += data
        while self._came:
            if self.over:
                raise Strayed(self.line, b"", self._came)
            if not self._matched():
                break
            yield from self._told()

    def _told(self) -> Iterator[Said]:
        """What the device says until it is the client's turn."""
        while not self.over and (segment := self._segments[self._place]).way != TO:
            self._place += 1
            wait, self._last_at = max(0.0, segment.at - self._last_at), segment.at
            yield Said(segment.data if segment.way == FROM else b"", wait, segment.way == NOTE)

    def _matched(self) -> bool:
        """True when the client's next segment is complete; False while more of it has to come."""
        segment = self._segments[self._place]
        length = _prefix(segment.data, self._came)
        if length is None:
            raise Strayed(segment.line, segment.data, self._came)
        if length < 0:
            return False
        self._came = self._came[length:]
        self._place += 1
        self._last_at = segment.at
        return True


def _prefix(expected: bytes, came: bytes) -> int | None:
    """How many bytes of `came` are `expected`; -1 while it may still become so, None when it can't."""
    first, *others = _SECRET.split(expected)
    if not came.startswith(first):
        return -1 if first.startswith(came) else None
    at = len(first)
    for literal in others:
        stop = next((n for n in range(at, len(came)) if came[n] in END), len(came))  # a secret holds no line end
        if not literal:
            return stop if at < len(came) else -1
        found = came.find(literal, at)
        if 0 <= found <= stop:
            at = found + len(literal)
        elif stop == len(came) or literal.startswith(came[stop:]):
            return -1
        else:
            return None
    return at
