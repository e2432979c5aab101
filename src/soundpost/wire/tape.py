"""The flight recorder: the last bytes of a line, both ways, with times; bounded, secrets masked, readable, replayable.

As text, one segment per line: seconds since the tape began, `<` (from the device), `>` (to it) or `=` (a note), and the bytes,
of which all that can't be shown is written as `\\r`, `\\n`, `\\\\` or `\\xNN`. Lines that begin with `#` are remarks.

    #soundpost-tape 1
    # began 2026-11-24T08:00:00.000Z
    0.012 < Username:\\x20
    0.013 > ********\\r\\n
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

LIMIT = 72 * 1024
BLOCKS = 3
"""Polling repeats itself, and how well that packs depends on how much of it lies together: an eighth in 24 KiB, a third in 2."""
OPEN = 3 * 1024
"""So much of a line lies about unpacked. Packing less at a time costs more: a block is packed anew whenever it grows."""
MOST_ENTRY = 4 * 1024
"""More of one segment than this is counted, not kept: a flood must not push out what led to it."""
LEAST_SECRET = 3
"""Shorter words stand in too many other places to be masked wherever they come from; what we send is masked whatever
its length."""
HEAD = b"#soundpost-tape 1\n"


class Way(StrEnum):
    FROM = "<"
    TO = ">"
    NOTE = "="


WAYS = tuple(Way)
_PLACE = {way: place for place, way in enumerate(WAYS)}


class Entry(Struct, frozen=True):
    """`at`: seconds since the tape began."""

    at: float
    way: Way
    data: bytes


class NotATape(ValueError):
    """The text is no tape; says which line."""


class Tape:
    """Keeps the last bytes, between half of `limit` and all of it, packed. `began` is on the clock whose times `add` is given,
    of which milliseconds are kept.

    Within, an entry is two numbers and its data: the milliseconds since the one before (in a block's first: since the tape
    began) with its way, and its length.
    """

    __slots__ = ("_began", "_blocks", "_last_ms", "_limit", "_open", "_secrets", "cut")

    def __init__(self, began: float, limit: int = LIMIT) -> None:
        self._began, self._limit = began, limit
        self._open = bytearray()
        self._blocks: tuple[bytes, ...] = ()
        self._last_ms = 0
        self._secrets: tuple[bytes, ...] = ()
        self.cut = False
        """Something older was thrown away."""

    def add(self, at: float, way: Way, data: bytes) -> None:
        kept = data[:MOST_ENTRY]
        ms = round((at - self._began) * 1000)
        _write(self._open, _folded(ms - self._last_ms) << 2 | _PLACE[way])
        _write(self._open, len(kept))
        self._open += kept
        self._last_ms = ms
        if len(data) > MOST_ENTRY:
            self.note(at, f"{len(data) - MOST_ENTRY} bytes more were not kept")
        if len(self._open) >= OPEN:
            self._pack()

    def _pack(self) -> None:
        *older, last = self._blocks or (b"",)
        grown = (zlib.decompress(last) if last else b"") + self._open
        self._blocks = (*older, zlib.compress(grown))
        self._open = bytearray()
        if len(grown) >= self._limit // BLOCKS - OPEN:
            self._last_ms = 0
            self.cut = self.cut or len(self._blocks) == BLOCKS
            self._blocks = (*self._blocks[1 - BLOCKS :], b"")

    def note(self, at: float, words: str) -> None:
        self.add(at, Way.NOTE, words.encode())

    def hide(self, secret: str) -> None:
        """From now on this is shown nowhere, also where the device repeats it."""
        if len(secret) >= LEAST_SECRET and secret.encode() not in self._secrets:
            self._secrets += (secret.encode(),)

    def entries(self) -> list[Entry]:
        """The oldest first, secrets masked."""
        *older, last = self._blocks or (b"",)
        chunks = [zlib.decompress(block) for block in older]
        chunks.append((zlib.decompress(last) if last else b"") + self._open)
        found = [entry for chunk in chunks for entry in _unpacked(chunk)]
        for way in WAYS:
            found = _masked(found, way, self._secrets, self.cut)
        return found

    @property
    def held(self) -> int:
        """Bytes it takes."""
        return sum(map(len, self._blocks)) + len(self._open)


def _folded(number: int) -> int:
    """Small numbers of either sign as small ones without; a clock can be asked in any order."""
    return number << 1 if number >= 0 else ~(number << 1)


def _unfolded(number: int) -> int:
    return ~(number >> 1) if number & 1 else number >> 1


def _write(out: bytearray, number: int) -> None:
    """Seven bits a byte, the lowest first."""
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def _read(chunk: bytes, at: int) -> tuple[int, int]:
    """The number that stands there, and where the next thing does."""
    number = shift = 0
    while chunk[at] > 127:
        number |= (chunk[at] & 127) << shift
        shift += 7
        at += 1
    return number | chunk[at] << shift, at + 1


def _unpacked(chunk: bytes) -> Iterator[Entry]:
    at = ms = 0
    while at < len(chunk):
        head, at = _read(chunk, at)
        size, at = _read(chunk, at)
        ms += _unfolded(head >> 2)
        yield Entry(ms / 1000, WAYS[head & 3], chunk[at : at + size])
        at += size


def _masked(entries: Sequence[Entry], way: Way, secrets: Iterable[bytes], cut: bool) -> list[Entry]:
    """A secret may have come in pieces, so it is looked for in all that went one way."""
    stream = masked(b"".join(entry.data for entry in entries if entry.way is way), secrets, cut)
    told, at = [], 0
    for entry in entries:
        if entry.way is way:
            told.append(Entry(entry.at, way, stream[at : at + len(entry.data)]))
            at += len(entry.data)
        else:
            told.append(entry)
    return told


def masked(stream: bytes, secrets: Iterable[bytes], cut: bool) -> bytes:
    """Stars in place of every secret, and of what may be the rest of one whose beginning was thrown away (`cut`), or the
    beginning of one whose rest has not come yet."""
    shown = bytearray(stream)
    for secret in secrets:
        at = stream.find(secret)
        while at >= 0:
            shown[at : at + len(secret)] = b"*" * len(secret)
            at = stream.find(secret, at + 1)
        for size in range(len(secret) - 1, LEAST_SECRET - 1, -1):
            if stream.endswith(secret[:size]):
                shown[-size:] = b"*" * size
            if cut and stream.startswith(secret[-size:]):
                shown[:size] = b"*" * size
    return bytes(shown)


# As text

_SHOWN = {ord("\r"): "\\r", ord("\n"): "\\n", ord("\\"): "\\\\"} | {
    byte: f"\\x{byte:02x}" for byte in range(256) if byte not in (10, 13, 92) and not 32 <= byte < 127
}
_LINE = re.compile(r"(\d{1,9}\.\d{3}) ([<>=]) (.*)")
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|([rn\\]))")


def text(entries: Iterable[Entry], remarks: Iterable[str] = ()) -> bytes:
    """`remarks` stand on top, one line each."""
    told = [f"# {_one_line(remark)}" for remark in remarks]
    told += [f"{max(0.0, entry.at):.3f} {entry.way} {escaped(entry.data)}" for entry in entries]
    return HEAD + "".join(f"{line}\n" for line in told).encode()


def parse(tape: bytes) -> list[Entry]:
    """Raises NotATape."""
    if not tape.startswith(HEAD):
        raise NotATape("the first line is not that of a tape")
    found = []
    for number, line in enumerate(tape.decode(errors="replace").split("\n")[1:], 2):
        if not line or line.startswith("#"):
            continue
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise NotATape(f"line {number} is no segment")
        found.append(Entry(float(parts[1]), Way(parts[2]), _unescaped(parts[3], number)))
    return found


def remarks(tape: bytes) -> list[str]:
    return [line[1:].strip() for line in tape.decode(errors="replace").split("\n")[1:] if line.startswith("#")]


def escaped(data: bytes) -> str:
    """A space at the end is written so that nothing strips it."""
    said = "".join(_SHOWN.get(byte) or chr(byte) for byte in data)
    return f"{said[:-1]}\\x20" if said.endswith(" ") else said


def _unescaped(said: str, number: int) -> bytes:
    if "\\" in _ESCAPE.sub("", said) or not said.isascii():
        raise NotATape(f"line {number} holds bytes that are not written as this format has them")
    plain = {"r": "\r", "n": "\n", "\\": "\\"}
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else plain[found[2]], said).encode("latin-1")


def _one_line(remark: str) -> str:
    return " ".join(remark.split())
