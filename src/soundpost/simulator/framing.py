"""Bytes from a client become command lines: option bytes out, CR ends a line, LF and NUL count for nothing."""

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
GREETING = bytes((IAC, DO, 1, IAC, DO, 33, IAC, WILL, 1, IAC, WILL, 3))
OFFERED = frozenset({(DO, 1), (DO, 3), (WILL, 1), (WILL, 33)})  # a peer's consent to GREETING needs no answer


class Options:
    """Takes telnet option bytes out of a stream, however it is cut. `offered`: GREETING was sent."""

    __slots__ = ("_answers", "_offered", "_state", "replies")

    def __init__(self, answers: bool, offered: bool) -> None:
        self._answers, self._offered = answers, offered
        self._state = 0  # 0 data, IAC, one of the four verbs, SB inside a subnegotiation, SE after IAC inside one
        self.replies = b""

    @property
    def idle(self) -> bool:
        return self._state == 0

    def feed(self, data: bytes) -> bytes:
        """The data bytes; what must be sent back gathers in `replies`."""
        text = bytearray()
        for byte in data:
            self._byte(byte, text)
        return bytes(text)

    def _byte(self, byte: int, text: bytearray) -> None:
        state = self._state
        if state == 0:
            if byte == IAC:
                self._state = IAC
            else:
                text.append(byte)
        elif state == IAC:
            self._state = byte if byte in (DONT, DO, WONT, WILL, SB) else 0
            if byte == IAC:
                text.append(IAC)
        elif state == SB:
            self._state = SE if byte == IAC else SB
        elif state == SE:
            self._state = 0 if byte == SE else SB
        else:
            self._state = 0
            self._asked(state, byte)

    def _asked(self, verb: int, option: int) -> None:
        if not self._answers or verb in (DONT, WONT) or (self._offered and (verb, option) in OFFERED):
            return
        self.replies += bytes((IAC, WONT if verb == DO else DONT, option))


class Lines:
    """Cuts command lines at CR. A line over the limit comes out as None, once, when its CR arrives."""

    __slots__ = ("_limit", "_spilled", "_tail")

    def __init__(self, limit: int) -> None:
        self._limit, self._tail, self._spilled = limit, b"", False

    def feed(self, data: bytes) -> list[str | None]:
        *whole, tail = (self._tail + data).split(b"\r")
        lines: list[str | None] = []
        for raw in whole:
            raw = raw.replace(b"\n", b"").replace(b"\0", b"")
            too_long = self._spilled or len(raw) > self._limit
            lines.append(None if too_long else raw.decode("utf-8", "surrogateescape"))
            self._spilled = False
        if len(tail) > self._limit + 2:
            tail, self._spilled = b"", True
        self._tail = tail
        return lines
