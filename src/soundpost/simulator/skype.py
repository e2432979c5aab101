"""A Skype for Business line, as far as one client shows it (devices.md 4.5): session states and a contact search."""

SESSIONS = range(6)
CONTACTS = (("sip:ann@example.test", "Ann Example"), ("sip:ben@example.test", "Ben Example"))
FAILED = "SFB Process Failure"


class Skype:
    __slots__ = ("sessions",)

    def __init__(self) -> None:
        self.sessions: dict[int, tuple[str, str, str]] = {}  # number -> state, address, name

    awaits = ""

    def state(self, session: int) -> str:
        """`<n>|<address>|<name>|<state>`; only the first and the last field are evidenced."""
        state, address, name = self.sessions.get(session, ("IDLE", "", ""))
        return f"{session}|{address}|{name}|{state}"

    @staticmethod
    def search(text: str) -> list[str]:
        wanted = text.strip('"').lower()
        return [f"0|{n}|{address}|{name}" for n, (address, name) in enumerate(CONTACTS, 1) if wanted in name.lower()]

    def incoming(self, number: str, name: str = "") -> list[str]:
        free = next((n for n in SESSIONS if n not in self.sessions), None)
        return [] if free is None else self._now(free, "INCOMING", number, name)

    def answered(self) -> list[str]:
        ringing = next((n for n, (state, _, _) in self.sessions.items() if state == "INCOMING"), None)
        return [] if ringing is None else self._now(ringing, "ACTIVE", *self.sessions[ringing][1:])

    def far_hangup(self) -> list[str]:
        if not self.sessions:
            return []
        last = max(self.sessions)
        del self.sessions[last]
        return [f"SESSION_CALL_STATE_CHANGE {self.state(last)}"]

    def _now(self, session: int, state: str, address: str, name: str) -> list[str]:
        self.sessions[session] = (state, address, name)
        return [f"SESSION_CALL_STATE_CHANGE {self.state(session)}"]
