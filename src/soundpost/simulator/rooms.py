"""MCCF, ROOM, MT and CLRMATRIX: macros, room configurations and crosspoints (devices.md 4.7, 4.8)."""

from soundpost.simulator import endpoints
from soundpost.simulator.parameters import find, number
from soundpost.simulator.reply import Refused, bad_argument, bad_parameter, framed
from soundpost.simulator.stack import Stack
from soundpost.simulator.values import OutOfRange

INPUTS = frozenset({"MIC", "BFM", "USB_RX", "TELCO_RX", "VOIP_RX", "DANTE", "SGEN", "PROC", "FADER"})
OUTPUTS = frozenset({"OUTPUT", "SPEAKER", "USB_TX", "TELCO_TX", "VOIP_TX", "DANTE", "PROC", "FADER"})
KINDS = {"1": "normal", "3": "gated", "4": "non-gated", "5": "pre-AEC"}
ROOM_SELECT = "7"


def macro(stack: Stack, words: list[str], _writer: object) -> str:
    """What a macro changes is pushed to everybody: nobody asked for those lines."""
    steps = stack.spec.macros.get(words[1]) if len(words) == 2 else None
    if steps is None:
        raise bad_parameter(stack)
    for step in steps:
        _step(stack, step.split())
    return framed(stack, f"MCCF {words[1]}") if stack.switches.macro_mirrored else ""


def _step(stack: Stack, words: list[str]) -> None:
    """An EP write of a macro; one that does not fit this stack is passed over, as a device in use would."""
    try:
        point, address, rest = endpoints.locate_point(stack, words)
        parameter, value = find(rest[0], rest[1]), number(rest[2])
        if parameter is None or value is None or point[0] not in parameter.types:
            return
        if stack.write(point, parameter, value):
            endpoints.announce(stack, point, address, parameter)
    except (Refused, OutOfRange, IndexError):
        return


def room(stack: Stack, words: list[str], _writer: object) -> str:
    """`ROOM 1 7 Part_A Part_A_Preset_1`; 7 is the only sub-command anybody saw."""
    if len(words) != 5 or words[2] != ROOM_SELECT:
        raise bad_parameter(stack)
    presets = stack.spec.rooms.get(words[1], {}).get(words[3])
    if presets is None or words[4] not in presets:
        raise bad_argument(stack)
    stack.rooms[words[1]] = (words[3], words[4])
    return framed(stack, " ".join(["ROOM", *words[1:]])) if stack.switches.room_mirrored else ""


def crosspoint(stack: Stack, words: list[str], _writer: object) -> str:
    """`MT <input> <output> <1|0> 0 <type>`, input and output by channel name."""
    if len(words) != 6:
        raise bad_parameter(stack)
    source, sink = stack.named(words[1]), stack.named(words[2])
    if source is None or sink is None or source[0] not in INPUTS or sink[0] not in OUTPUTS:
        raise bad_parameter(stack)
    if words[3] not in ("0", "1") or words[4] != "0" or words[5] not in KINDS:
        raise bad_argument(stack)
    if words[3] == "1":
        stack.matrix[words[1], words[2]] = words[5]
    else:
        stack.matrix.pop((words[1], words[2]), None)
    return framed(stack, " ".join(["MT", *words[1:]])) if stack.switches.matrix_mirrored else ""


def clear_matrix(stack: Stack, words: list[str], _writer: object) -> str:
    if len(words) != 1:
        raise bad_parameter(stack)
    stack.matrix.clear()
    return framed(stack, "CLRMATRIX") if stack.switches.matrix_mirrored else ""
