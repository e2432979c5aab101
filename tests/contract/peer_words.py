"""What the scripted peer has and says, written from devices.md alone (sections 3, 4 and 6)."""

from collections.abc import Mapping

HAS = {("MIC", "101"), ("MIC", "102"), ("MIC", "201"), ("OUTPUT", "101"), ("OUTPUT", "201")}
"""What every peer has; `more` of it can be put there by a test."""
LEVEL = {"GAIN": "-5.0", "MUTE": "0", "MAX_GAIN": "20.0", "MIN_GAIN": "-65.0"}
MIC = {"GAIN_COARSE": "24", "GAIN_FINE": "-6.5", "PHAN_PWR": "1"}
OUTPUT = {"MICLINE": "0", "POLARITY": "1"}
BLOCKS = {
    "OUTPUT": {("GRAPHICEQ", "ENABLE"): "0"} | {("GRAPHICEQ", f"GAIN_{n}"): f"{n - 5}.0" for n in range(1, 11)},
    "PROC": {("COMPRESSOR", "POST_GAIN"): "6.0"},
    "SGEN": {("SIG_GEN", "ENABLE"): "0"},
    "BFM": {("BF", "BF_MODE"): "2", ("BF", "BF_LED"): "1"} | {("BF", f"ZONE_{n}"): "1" for n in range(1, 13)},
    "TELCO_RX": {
        ("INQUIRE", "HOOK"): "0",
        ("INQUIRE", "CALLER_ID"): "NO_ACTIVE_CALL",
        ("INQUIRE", "DIRECTION"): "1",
        ("SETTINGS", "AUTO_ANSWER_RINGS"): "0",
        ("SETTINGS", "RING_ENABLE"): "1",
    },
    "UA": {
        ("INQUIRE", "ACTIVE_PARTIES"): "PL 1;IDLE;",
        ("KEY", "KEY_DO_NOT_DISTURB"): "0",
        ("KEY", "KEY_FORWARD"): "3",
        ("SETTINGS", "AUTO_ANSWER"): "1",
    },
}
NO_LEVEL = ("UA", "SGEN")


def vocabulary(kind: str) -> dict[tuple[str, str], str]:
    """(block, parameter) -> the value it starts with."""
    own = {"MIC": MIC, "OUTPUT": OUTPUT}.get(kind, {})
    level = {} if kind in NO_LEVEL else {("LEVEL", name): value for name, value in (LEVEL | own).items()}
    return level | BLOCKS.get(kind, {})


def end_point(line: str, values: dict[str, str], frozen: bool) -> str | None:
    """The answer to an `EP <type> <number> ...` line; None for what the end point does not have."""
    _, kind, number, block, parameter, *value = line.split()
    if block.upper() == "KEY" and (block, parameter) not in vocabulary(kind):
        return line
    default = vocabulary(kind).get((block, parameter))
    if default is None:
        return None
    key = f"{kind} {number} {parameter}"
    if value and not frozen:
        values[key] = value[0]
    told = "INQUIRE_RESULT" if parameter == "ACTIVE_PARTIES" else block
    return f"EP {kind} {number} {told} {parameter} {values.get(key, default)}"


def report(words: list[str], serials: Mapping[str, str]) -> str | None:
    """Gates of two channels of four, of which the first is open; beam 3 of the first array."""
    match words:
        case ["GATE", box, "1", "1"] if box in serials:
            return f"GATEREPORT {box} 0 1 1 0001 "
        case ["BEAM", "*", "5", "1"]:
            return f"BEAMREPORT {next(iter(serials))} 1 1 48 101 000000000100"
        case ["MCCF" | "ROOM" | "MT" | "RAMP", *_]:
            return " ".join(words)
    return None
