"""An analog telephone line as a machine: a key or the far end in, NOTIFICATION texts out (devices.md 4.3, 6.2)."""


class Analog:
    """`number` is the far end's while a call lasts; `inbound` says who called."""

    __slots__ = ("dialled", "inbound", "last", "number", "off_hook", "ringing")

    def __init__(self) -> None:
        self.off_hook = self.ringing = self.inbound = False
        self.number = self.dialled = self.last = ""

    @property
    def awaits(self) -> str:
        return "rings" if self.ringing else ""

    # -- what can be asked

    @property
    def caller_id(self) -> str:
        talking = self.ringing or (self.off_hook and self.inbound)
        return self.number if talking and self.number else "NO_ACTIVE_CALL"

    @property
    def direction(self) -> int:
        return int(self.inbound)

    # -- keys

    def hook(self, off: bool) -> list[str]:
        if off == self.off_hook:
            return []
        rang, self.ringing = self.ringing, False
        self.off_hook = off
        if off:
            self.inbound, self.dialled = rang, ""
        else:
            self.number, self.dialled = "", ""
        return [*(["INCOMING_CALL 0"] if rang else []), f"HOOK {int(off)}"]

    def call(self, number: str) -> list[str]:
        told = self.hook(True)
        self.dialled = self.last = self.number = number
        self.inbound = False
        return told

    def redial(self) -> list[str]:
        return self.call(self.last)

    def digit(self, digit: str) -> list[str]:
        if self.off_hook:
            self.dialled += digit
            if not self.inbound:
                self.last = self.number = self.dialled
        return []

    # -- the far end

    def incoming(self, number: str) -> list[str]:
        """Nothing when the line is busy: the caller hears that, the device does not."""
        if self.off_hook or self.ringing:
            return []
        self.ringing, self.inbound, self.number = True, True, number
        return ["INCOMING_CALL 1", f"CALLER_ID {number}"]

    def answered(self) -> list[str]:
        return self.hook(True) if self.ringing else []

    def far_hangup(self, disconnects: bool) -> list[str]:
        """`disconnects`: the line goes on hook by itself, as AUTO_DISCONNECT_MODE has it."""
        if self.ringing:
            self.ringing, self.number, self.inbound = False, "", False
            return ["INCOMING_CALL 0"]
        return self.hook(False) if self.off_hook and disconnects else []
