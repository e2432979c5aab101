"""What this driver takes for granted without a public source (devices.md 10.2): one named switch each."""

from msgspec import Struct


class Assumption(Struct, frozen=True):
    name: str
    text: str
    probe: bool
    on: bool = True


_ROWS = (
    Assumption("silent_greeting", "the device says nothing before the first command, and asks for no sign-in", True),
    Assumption("help_list", "HELP names at least three of the commands we know, in whatever layout", True),
    Assumption("error_word", "a command that failed is answered by a line with the word ERROR", False),
    Assumption("gain_reply", "`GAIN <channel> <group>` answers in the same form with a value in dB", True),
    Assumption("mac_proves", "the Dante MAC proves which unit answers, for no serial number can be read", True),
)

ASSUMED = {row.name: row for row in _ROWS}


def on(name: str) -> bool:
    return ASSUMED[name].on
