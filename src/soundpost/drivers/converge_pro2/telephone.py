"""What a dialer says of its calls, line by line; pure (devices.md 4.4, 6.2).

Two clients disagree on the layout of a list of parties, so nothing here goes by position: a party begins where `PL <n>`
stands, its state is the next word this table knows, and what follows the word is the other side. Separators are `;`, `:` and
`|`, but not inside quotes or `<...>`. A state nobody knows leaves the line as it was.
"""

import itertools
import re
from collections.abc import Iterable

from msgspec import Struct

IDLE = "IDLE"
_ONCE = (
    "IDLE DIAL_TONE DIALING INPROCESS RINGING BUSY ACTIVE HOLD INCOMING CONFERENCE_ACTIVE CONFERENCE_HOLD "
    "TRANSFER_HOLD TRANSFER_ACTIVE BLIND_TRANSFER_HOLD"
)
_PASSED_ON = "DIAL_TONE DIALING INPROCESS RINGING BUSY"
_WORDS = (
    *_ONCE.split(),
    *(f"TRANSFERRING_{word}" for word in (*_PASSED_ON.split(), "ACTIVE", "HOLD")),
    *(f"BLIND_TRANSFERRING_{word}" for word in _PASSED_ON.split()),
)
STATES = {word.replace("_", ""): word for word in _WORDS}
"""Compared without underscores: both spellings of a dial tone were seen."""
ON_HOOK = {"IDLE", "UNKNOWN", "OFF"}
"""Words that mean an idle line to the field-tested client."""
LAMPS = ("PARTY_LINE", "WARNING_ERR")
"""Lights of a line: off means on hook to the same client, on means no state."""
OURS = ("DIALTONE", "DIALING", "INPROCESS", "RINGING")
"""A line that goes through one of these was taken off the hook here."""
PARTY = re.compile(r"PL\s+(\d{1,2}|NA)", re.IGNORECASE)
SIP = re.compile(r"<\s*(?:sips?:)?([^>@]*)", re.IGNORECASE)
NO_CALL = "NO_ACTIVE_CALL"
DIRECTIONS = {"0": "outgoing", "1": "incoming", "0.0": "outgoing", "1.0": "incoming", NO_CALL: "", "": ""}
MOST_TEXT = 128
REGISTERED = {"REG_SUCCEED": True, "REG_FAILED": False, "UNREG_SUCCEED": False}
"""What a dialer tells of its registration. No question for it is known."""
COMPLAINTS = ("ERROR", "MAX_CALLS_PER_UA")
"""Notifications that say a key came to nothing."""


class Party(Struct, frozen=True):
    """`line` is the party line's own number. `state` is "" for a word this table does not know, told in `word`."""

    line: int
    state: str
    word: str
    remote: str = ""


def split(text: str) -> list[str]:
    """At `;`, `:` and `|`, not inside quotes or angle brackets; an unclosed one ends with the text."""
    pieces, piece, closer = [], "", ""
    for character in text:
        if closer:
            closer = "" if character == closer else closer
        elif character in '"<':
            closer = '"' if character == '"' else ">"
        elif character in ";:|":
            pieces.append(piece.strip())
            piece = ""
            continue
        piece += character
    return [*pieces, piece.strip()]


def parties(text: str) -> list[Party]:
    """Each party of a list, a STATE_CHANGE or an INDICATION, in the order told. Never raises."""
    found, pieces = [], split(text)
    starts = [index for index, piece in enumerate(pieces) if PARTY.fullmatch(piece)]
    for start, end in itertools.pairwise([*starts, len(pieces)]):
        told = PARTY.fullmatch(pieces[start])
        if told and told[1].upper() != "NA" and (said := [piece for piece in pieces[start + 1 : end] if piece]):
            found.append(_party(int(told[1]), *said))
    return found


def _party(line: int, word: str, remote: str = "", *_: str) -> Party:
    if word.upper() in LAMPS:
        return Party(line, IDLE if remote.upper() == "OFF" else "", f"{word}:{remote}")
    state = _state(word)
    return Party(line, state, word, caller(remote) if state not in ("", IDLE) else "")


def _state(word: str) -> str:
    plain = word.upper().replace("_", "").replace(" ", "")
    return IDLE if plain in ON_HOOK else STATES.get(plain, "")


def caller(text: str) -> str:
    """`Ann (1000)` of `"Ann" <sip:1000@10.0.0.9>`; a name that says no more than the number is left out."""
    text = text.strip()
    sip = SIP.search(text)
    name = text[: sip.start()].strip() if sip else text
    name = name.strip('" ')
    number = sip[1].strip() if sip else ""
    both = name if not number or name == number else f"{name} ({number})" if name else number
    return "".join(c for c in both if c.isprintable())[:MOST_TEXT]


def caller_id(text: str) -> str | None:
    """What an analog line knows of who calls; "" while nobody does."""
    return "" if text.upper() == NO_CALL else caller(text)


def direction(text: str) -> str | None:
    """None for a word nobody knows."""
    return DIRECTIONS.get(text.upper())


class Dialer:
    """The calls of one user agent as far as it told. Summed up by the line that matters most: one that talks before one that
    rings before the rest, what is on hold last."""

    def __init__(self) -> None:
        self._lines: dict[int, Party] = {}
        self._directions: dict[int, str] = {}

    def listed(self, told: Iterable[Party]) -> None:
        """A whole list: lines it does not name are idle."""
        told = list(told)
        self._lines = {line: party for line, party in self._lines.items() if line in {p.line for p in told}}
        for party in told:
            self.changed(party)

    def changed(self, party: Party) -> None:
        if not party.state:
            return
        before = self._lines.get(party.line)
        if party.state == IDLE:
            self._lines.pop(party.line, None)
            self._directions.pop(party.line, None)
            return
        remote = party.remote or (before.remote if before else "")
        self._lines[party.line] = Party(party.line, party.state, party.word, remote)
        plain = party.state.replace("_", "")
        if party.state == "INCOMING":
            self._directions[party.line] = "incoming"
        elif plain in OURS and party.line not in self._directions:
            self._directions[party.line] = "outgoing"

    def values(self) -> dict[str, str | bool]:
        """By the names of the points that show them."""
        lines = sorted(self._lines.values(), key=lambda party: (_rank(party.state), party.line))
        if not lines:
            return {"ACTIVE_PARTIES": IDLE, "HOOK": False, "CALLER_ID": "", "DIRECTION": ""}
        first = lines[0]
        return {
            "ACTIVE_PARTIES": first.state,
            "HOOK": any(party.state != "INCOMING" for party in lines),
            "CALLER_ID": first.remote,
            "DIRECTION": self._directions.get(first.line, ""),
        }


def _rank(state: str) -> int:
    if state.endswith("ACTIVE"):
        return 0
    return 1 if state == "INCOMING" else 3 if state.endswith("HOLD") else 2


def registered(kind: str) -> bool | None:
    return REGISTERED.get(kind.upper())


def complaint(kind: str, text: str) -> str:
    """In the device's words, which are all there is."""
    return "".join(c for c in text if c.isprintable())[:MOST_TEXT] or kind


def readable(text: str) -> str | None:
    """The state a list sums up to; None when it names no party or only states nobody knows."""
    told = parties(text)
    if not any(party.state for party in told):
        return None
    dialer = Dialer()
    dialer.listed(told)
    return str(dialer.values()["ACTIVE_PARTIES"])
