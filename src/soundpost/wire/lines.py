"""Bytes in, lines and prompts out. The same bytes give the same items however they were cut into segments.

A line ends at any run of CR and LF. NULs and telnet options are dropped, leading `=>` prompts and the spaces around a line
too; empty lines are nothing. What can't be shown in a line becomes U+FFFD. `Username:`, `Password:` and `=>` stand at a
line's start and count without a line end.
"""

import re
from enum import StrEnum

from msgspec import Struct

MAX_LINE = 4096
MAX_SUBNEGOTIATION = 1024

LINE_END = re.compile(rb"[\r\n]+")
HEAD = re.compile(rb"[ \t]*(=>|Username:|Password:)")

SE, SB, WILL, DONT, IAC = 240, 250, 251, 254, 255


class Prompt(StrEnum):
    USERNAME = "Username:"
    PASSWORD = "Password:"  # the device's word, not a secret  # noqa: S105
    READY = "=>"


class Line(Struct, frozen=True, gc=False):
    """`empty_value`: a NUL stood in it, which is how a starting stack sends a value it does not know yet."""

    text: str
    empty_value: bool = False


class Garbage(Struct, frozen=True, gc=False):
    """Bytes were thrown away; `words` say which."""

    words: str


TOO_LONG = Garbage("a line longer than any device sends was thrown away")
NO_OPTION = Garbage("telnet option bytes that mean nothing were thrown away")


Item = Line | Prompt | Garbage


class _Mode(StrEnum):
    DATA = "data"
    COMMAND = "command"
    OPTION = "option"
    SUB = "subnegotiation"
    SUB_COMMAND = "command in a subnegotiation"


class TelnetOptions:
    """Takes option bytes out of a stream and answers none: a client that negotiates nothing works (devices.md 1.1)."""

    __slots__ = ("_broken", "_mode", "_sub")

    def __init__(self) -> None:
        self._mode = _Mode.DATA
        self._sub = 0
        self._broken = False

    def strip(self, data: bytes) -> list[bytes | Garbage]:
        """What is left, in order, with a note where bytes meant nothing."""
        if self._mode is _Mode.DATA and IAC not in data:
            return [data]
        pieces: list[bytes | Garbage] = []
        kept = bytearray()
        for byte in data:
            self._mode = self._step(byte, kept)
            if self._broken:
                self._broken = False
                pieces += [bytes(kept), NO_OPTION]
                kept.clear()
        return [*pieces, bytes(kept)]

    def _step(self, byte: int, kept: bytearray) -> _Mode:
        match self._mode:
            case _Mode.DATA:
                if byte == IAC:
                    return _Mode.COMMAND
                kept.append(byte)
                return _Mode.DATA
            case _Mode.COMMAND:
                return self._command(byte, kept)
            case _Mode.OPTION:
                return _Mode.DATA
            case _Mode.SUB:
                return _Mode.SUB_COMMAND if byte == IAC else self._in_sub()
            case _Mode.SUB_COMMAND:
                return _Mode.DATA if byte == SE else self._in_sub()

    def _command(self, byte: int, kept: bytearray) -> _Mode:
        if byte == IAC:
            kept.append(byte)
            return _Mode.DATA
        if byte == SB:
            self._sub = 0
            return _Mode.SUB
        if WILL <= byte <= DONT:
            return _Mode.OPTION
        if byte < SE:
            self._broken = True
        return _Mode.DATA

    def _in_sub(self) -> _Mode:
        """A subnegotiation that never ends must not swallow the session."""
        self._sub += 1
        if self._sub <= MAX_SUBNEGOTIATION:
            return _Mode.SUB
        self._broken = True
        return _Mode.DATA


class Lines:
    __slots__ = ("_nul", "_options", "_skipping", "_tail", "garbage")

    def __init__(self) -> None:
        self._options = TelnetOptions()
        self._tail = b""
        self._nul = False
        self._skipping = False
        self.garbage = 0
        """Over-long lines and broken options so far."""

    def feed(self, data: bytes) -> list[Item]:
        items: list[Item] = []
        for piece in self._options.strip(data):
            if isinstance(piece, Garbage):
                self.garbage += 1
                items.append(piece)
            else:
                self._frame(piece, items)
        return items

    def _frame(self, data: bytes, items: list[Item]) -> None:
        *complete, tail = LINE_END.split(self._tail + data)
        for raw in complete:
            self._close(raw, items)
        self._tail = self._open(tail, items)

    def _close(self, raw: bytes, items: list[Item]) -> None:
        if self._skipping:
            self._skipping = self._nul = False
            return
        body = self._open(raw, items)
        if body:
            text = body.decode("utf-8", "replace").strip(" \t")
            items.append(Line(text if text.isprintable() else shown(text), self._nul))
        self._skipping = self._nul = False

    def _open(self, raw: bytes, items: list[Item]) -> bytes:
        """What is left of a line, whole or not, after its prompts were reported; empty once it is too long."""
        if self._skipping:
            return b""
        if 0 in raw:
            self._nul = True
            raw = raw.replace(b"\0", b"")
        at = 0
        while head := HEAD.match(raw, at):
            items.append(Prompt(head[1].decode()))
            at = head.end()
        body = raw[at:].lstrip(b" \t")
        if len(body) <= MAX_LINE:
            return body
        self.garbage += 1
        self._skipping = True
        items.append(TOO_LONG)
        return b""


def shown(text: str) -> str:
    """Control characters mean nothing on the wire, but much to a terminal or a page that shows a device's words."""
    return "".join(character if character.isprintable() or character == "\t" else "\ufffd" for character in text)
