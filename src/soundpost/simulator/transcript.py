"""A transcript as the flight recorder writes it (`GET /devices/{id}/transcript`), read to play the device's side of it.

One segment a line: seconds, `<` from the device, `>` to it or `=` a note, and bytes with escapes: a backslash before r, n, x and two
digits, or another one. Read here anew and not by the recorder's own code: what one of the two gets wrong, the other shows.
"""

import re
from dataclasses import dataclass

from soundpost.kernel.errors import Invalid

HEAD = b"#soundpost-tape 1"
CONNECTED = b"connected to"
CLOSED = b" closed the line"  # by the device; when the client hung up, the note says so
FROM, TO, NOTE = "<", ">", "="
_LINE = re.compile(rb"(\d+\.\d+) ([<>=]) (.*)")
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.|$)")
_PLAIN = {b"r": b"\r", b"n": b"\n", b"\\": b"\\"}


@dataclass(frozen=True, slots=True)
class Segment:
    """`line`: of the file. `at`: seconds since the transcript began."""

    line: int
    at: float
    way: str
    data: bytes


def parse(text: bytes, name: str) -> list[Segment]:
    """Raises Invalid `transcript_invalid`, which names the line."""
    first, *rest = text.split(b"\n")
    if first.strip() != HEAD:
        raise _wrong(name, 1, "the first line is not that of a transcript")
    if rest and rest[-1]:
        raise _wrong(
            name,
            len(rest) + 1,
            "it does not end; the file was cut off there. Delete this line to play what is before it",
        )
    found = []
    for number, line in enumerate(rest, 2):
        line = line.removesuffix(b"\r")
        if not line or line.startswith(b"#"):
            continue
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise _wrong(name, number, "it is no segment: seconds, one of < > =, and bytes")
        found.append(Segment(number, float(parts[1]), parts[2].decode(), _unescaped(parts[3], name, number)))
    return found


def connections(segments: list[Segment]) -> list[list[Segment]]:
    """One list per connection, without empty ones; what stands before the first note of one is a connection too."""
    found: list[list[Segment]] = [[]]
    for segment in segments:
        if segment.way == NOTE and segment.data.startswith(CONNECTED):
            found.append([])
        else:
            found[-1].append(segment)
    return [connection for connection in found if any(segment.way != NOTE for segment in connection)]


def _unescaped(said: bytes, name: str, number: int) -> bytes:
    def plain(found: re.Match[bytes]) -> bytes:
        if len(found[1]) == 3:
            return bytes([int(found[1][1:], 16)])
        if found[1] not in _PLAIN:
            raise _wrong(name, number, "a backslash stands before r, n, x and two digits, or another one")
        return _PLAIN[found[1]]

    return _ESCAPE.sub(plain, said)


def _wrong(name: str, line: int, text: str) -> Invalid:
    return Invalid(f"{name}, line {line}: {text}.", code="transcript_invalid", file=name, line=line)


def shown(data: bytes) -> str:
    """Bytes for people, as the transcript writes them."""
    return "".join(
        {13: "\\r", 10: "\\n", 92: "\\\\"}.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}")
        for byte in data
    )
