"""A SIP user agent's call states as a machine: a key or the far end in, NOTIFICATION texts out (devices.md 4.4, 6.2).

The outgoing and the incoming sequence are evidenced line by line; transfer, conference and hold are a guess in the same
style (switch `voip_transfer`). Five party lines; a line that is not in `lines` is idle.
"""

from dataclasses import dataclass

LINES = range(1, 6)
# In `ACTIVE_PARTIES` these are followed by who is at the other end.
WITH_PARTY = frozenset({"ACTIVE", "HOLD", "INCOMING"})
TALKING = frozenset({"ACTIVE", "CONFERENCE_ACTIVE", "TRANSFER_ACTIVE"})


class Impossible(Exception):
    """The key makes no sense now; carries the text of a NOTIFICATION ERROR."""


@dataclass(slots=True)
class Party:
    """`leg` is the call made while this one waits to be transferred; `transfer` the word its states begin with; `dialled` the
    digits since its dial tone."""

    state: str
    number: str = ""
    name: str = ""
    transfer: str = ""
    leg: str = ""
    dialled: str = ""

    @property
    def word(self) -> str:
        return f"{self.transfer}_{self.leg}" if self.transfer else self.state


class Voip:
    __slots__ = ("address", "last", "lines", "selected")

    def __init__(self, address: str) -> None:
        self.address = address  # of the SIP peer, as it stands in <sip:number@address>
        self.lines: dict[int, Party] = {}
        self.selected, self.last = 1, ""

    # -- what can be asked

    def parties(self, every: bool) -> str:
        """The list of ACTIVE_PARTIES: lines in use, or one idle entry; `every` lists all five."""
        shown = LINES if every else sorted(self.lines) or [1]
        return "".join(f"PL {line};{self._entry(line)};" for line in shown)

    def _entry(self, line: int) -> str:
        party = self.lines.get(line)
        if party is None:
            return "IDLE"
        if party.word not in WITH_PARTY:
            return party.word
        return f'{party.word}:"{party.name or party.number}" <sip:{party.number}@{self.address}>'

    @property
    def dialled(self) -> str:
        party = self.lines.get(self.selected)
        return party.dialled if party else ""

    @property
    def awaits(self) -> str:
        """What happens by itself next: `dial` (digits were typed), `answer` (it rings at the far end) or nothing."""
        legs = {party.leg if party.transfer else party.state for party in self.lines.values()}
        return "dial" if "DIALING" in legs else "answer" if "RINGING" in legs else ""

    # -- keys

    def hook(self, off: bool) -> list[str]:
        if not off:
            return self._on_hook()
        ringing = self._first("INCOMING")
        if ringing:
            return self._hold_others(ringing) + self._picked_up(ringing)
        return [] if self.selected in self.lines else self._seize()

    @property
    def off_hook(self) -> bool:
        party = self.lines.get(self.selected)
        return party is not None and party.state != "INCOMING"

    def call(self, number: str) -> list[str]:
        party = self.lines.get(self.selected)
        told = self._seize() if party is None else []
        party = self.lines[self.selected]
        if (party.leg if party.transfer else party.state) not in ("DIAL_TONE", "DIALING"):
            raise Impossible("ERROR_CALL_ACTIVE")
        party.dialled = self.last = number
        if party.transfer:
            party.leg = "RINGING"
        else:
            party.state, party.number, party.name = "RINGING", number, ""
        return [*told, f"INDICATION PL {self.selected};INPROCESS;{number}", "INDICATION PL NA;RINGBACK:ON"]

    def redial(self) -> list[str]:
        if not self.last:
            raise Impossible("ERROR_NO_NUMBER")
        return self.call(self.last)

    def digit(self, digit: str) -> list[str]:
        """A key was pressed: it dials on a dial tone, and is a tone within a call."""
        party = self.lines.get(self.selected)
        if party is None or party.state == "INCOMING":
            return []
        party.dialled += digit
        leg = party.leg if party.transfer else party.state
        if leg != "DIAL_TONE":
            return []
        self._set_leg(party, "DIALING")
        return [f"STATE_CHANGE PL {self.selected};{party.word}"]

    def dial_typed(self) -> list[str]:
        """Nothing was typed for a while, so what was typed is the number: on the line it was typed on, whichever is selected now."""
        legs = {line: party.leg if party.transfer else party.state for line, party in self.lines.items()}
        typed = next((line for line, leg in legs.items() if leg == "DIALING"), None)
        if typed is None:
            return []
        selected, self.selected = self.selected, typed
        try:
            return self.call(self.lines[typed].dialled)
        finally:
            self.selected = selected

    def reject(self, line: int) -> list[str]:
        party = self.lines.get(line)
        if party is None or party.state != "INCOMING":
            raise Impossible("ERROR_NO_INCOMING_CALL")
        return self._end(line)

    def select(self, line: int) -> list[str]:
        self.selected = line
        return []

    def hold(self, on: bool) -> list[str]:
        party = self._talker()
        before = party.word
        if party.transfer:
            if party.leg == ("ACTIVE" if on else "HOLD"):
                self._set_leg(party, "HOLD" if on else "ACTIVE")
        elif on and party.state in TALKING:
            party.state = "CONFERENCE_HOLD" if party.state == "CONFERENCE_ACTIVE" else "HOLD"
        elif not on and party.state.endswith("HOLD"):
            party.state = "CONFERENCE_ACTIVE" if party.state == "CONFERENCE_HOLD" else "ACTIVE"
        return [] if party.word == before else [self._state(self.selected)]

    def transfer(self, blind: bool) -> list[str]:
        """The first press holds the call and gives a dial tone; the second one lets the two others talk."""
        party = self._talker()
        if party.transfer:
            if party.leg not in ("ACTIVE", "HOLD", "RINGING"):
                raise Impossible("ERROR_TRANSFER")
            return self._end(self.selected)
        party.transfer = "BLIND_TRANSFERRING" if blind else "TRANSFERRING"
        party.state, party.leg, party.dialled = "HOLD", "DIAL_TONE", ""
        held = "BLIND_TRANSFER_HOLD" if blind else "TRANSFER_HOLD"
        return [f"STATE_CHANGE PL {self.selected};{held}", self._state(self.selected)]

    def conference(self, line: int | None) -> list[str]:
        """With a line: that one joins the selected call. 0 or nothing: all calls of this agent join."""
        wanted = {self.selected, line} if line else set(self.lines)
        joined = [n for n in sorted(self.lines) if n in wanted and self.lines[n].state in (TALKING | {"HOLD"})]
        if len(joined) < 2:
            raise Impossible("ERROR_CONFERENCE")
        for n in joined:
            self.lines[n].state = "CONFERENCE_ACTIVE"
        return [self._state(n) for n in joined]

    # -- the far end

    def incoming(self, number: str, name: str = "") -> list[str]:
        free = [line for line in LINES if line not in self.lines]
        if not free:
            return ["MAX_CALLS_PER_UA"]
        line = self.selected if self.selected in free else free[0]
        self.lines[line] = Party("INCOMING", number, name)
        who = f'"{name}"' if name else number
        return [
            "INDICATION PL NA;RINGING:ON",
            f"INDICATION PL {line};PARTY_LINE:BLINK",
            f"STATE_CHANGE PL {line};INCOMING:{who} <sip:{number}@{self.address}>",
        ]

    def answered(self) -> list[str]:
        """Whoever rings is answered: the far end of a call that went out, else this end of one that came in."""
        for line, party in sorted(self.lines.items()):
            if (party.leg if party.transfer else party.state) != "RINGING":
                continue
            if party.transfer == "BLIND_TRANSFERRING":
                return self._end(line)
            self._set_leg(party, "ACTIVE")
            return [f"STATE_CHANGE PL {line};NA;RINGBACK:OFF", self._state(line)]
        return self.hook(True) if self._first("INCOMING") else []

    def busy(self) -> list[str]:
        line = next((n for n, party in sorted(self.lines.items()) if "RINGING" in (party.state, party.leg)), 0)
        if not line:
            return []
        self._set_leg(self.lines[line], "BUSY")
        return [f"STATE_CHANGE PL {line};NA;RINGBACK:OFF", self._state(line)]

    def far_hangup(self) -> list[str]:
        """The last line in use ends."""
        return self._end(max(self.lines)) if self.lines else []

    # -- inside

    def _state(self, line: int) -> str:
        return f"STATE_CHANGE PL {line};{self._entry(line)}"

    def _first(self, state: str) -> int:
        return next((line for line in sorted(self.lines) if self.lines[line].state == state), 0)

    def _talker(self) -> Party:
        party = self.lines.get(self.selected)
        if party is None or not (party.state in TALKING or party.state.endswith("HOLD")):
            raise Impossible("ERROR_NO_ACTIVE_CALL")
        return party

    def _set_leg(self, party: Party, state: str) -> None:
        if party.transfer:
            party.leg = state
        else:
            party.state = state

    def _seize(self) -> list[str]:
        self.lines[self.selected] = Party("DIAL_TONE")
        # The notification spells it without the underscore that the state word has (6.2, 4.4).
        return [f"STATE_CHANGE PL {self.selected};DIALTONE", f"INDICATION PL {self.selected};PARTY_LINE:ON"]

    def _hold_others(self, but: int) -> list[str]:
        held = [line for line, party in sorted(self.lines.items()) if line != but and party.state == "ACTIVE"]
        for line in held:
            self.lines[line].state = "HOLD"
        return [self._state(line) for line in held]

    def _picked_up(self, line: int) -> list[str]:
        self.selected, self.lines[line].state = line, "ACTIVE"
        return ["INDICATION PL NA;RINGING:OFF", f"INDICATION PL {line};PARTY_LINE:ON", self._state(line)]

    def _on_hook(self) -> list[str]:
        party = self.lines.get(self.selected)
        if party is None or party.state == "INCOMING":
            return []
        if party.transfer:  # gives the transfer up; the first call is still held
            ringback = [f"STATE_CHANGE PL {self.selected};NA;RINGBACK:OFF"] if party.leg == "RINGING" else []
            party.transfer = party.leg = ""
            return [*ringback, self._state(self.selected)]
        return self._end(self.selected)

    def _end(self, line: int) -> list[str]:
        party = self.lines.pop(line)
        told = ["INDICATION PL NA;RINGING:OFF"] if party.state == "INCOMING" else []
        if (party.leg if party.transfer else party.state) == "RINGING":
            told.append(f"STATE_CHANGE PL {line};NA;RINGBACK:OFF")
        return [*told, f"STATE_CHANGE PL {line};IDLE", f"INDICATION PL {line};PARTY_LINE:OFF", *self._lone()]

    def _lone(self) -> list[str]:
        """One call left of a conference is a call again."""
        left = [line for line, party in self.lines.items() if party.state.startswith("CONFERENCE_")]
        if len(left) != 1:
            return []
        party = self.lines[left[0]]
        party.state = party.state.removeprefix("CONFERENCE_")
        return [self._state(left[0])]
