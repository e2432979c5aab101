"""GATE and BEAM: who is heard, asked once or told on change (devices.md 4.9). METER: how loud (assumed.md)."""

from collections.abc import Callable

from soundpost.simulator import endpoints, health
from soundpost.simulator.names import Point
from soundpost.simulator.parameters import LEVEL_TYPES, PARAMETERS
from soundpost.simulator.parts import BEAMS, Box
from soundpost.simulator.reply import bad_argument, bad_command, bad_parameter, framed
from soundpost.simulator.stack import Stack
from soundpost.simulator.values import GAIN

MUTE = PARAMETERS["LEVEL", "MUTE"]
FEWEST_BITS = 4
BMA360_CODE = 48  # what a beam report calls a BMA 360
SILENT_DB = -80.0


def bits(mask: int, width: int) -> str:
    """The rightmost digit is channel 1."""
    return f"{mask & ((1 << width) - 1):0{width}b}"


def gate_line(box: Box) -> str:
    return f"GATEREPORT {box.spec.name} 0 1 1 {bits(box.gated, max(box.counts.get('MIC', 0), FEWEST_BITS))} "


def beam_line(box: Box) -> str:
    """One group `48 <id> <bits>` per BMA 360 that is there; its id is box number and place on the P-Link."""
    arrays = [p for p in box.peripherals if p.spec.type == "BMA360" and p.present]
    groups = [f"{BMA360_CODE} {box.number}{p.number:02d} {bits(p.beams, BEAMS)}" for p in arrays]
    return " ".join([f"BEAMREPORT {box.spec.name} {max(len(arrays), 1)} 1", *groups])


def gate(stack: Stack, words: list[str], _writer: object) -> str:
    if len(words) != 4 or words[1] not in stack.by_name:
        raise bad_parameter(stack)
    box = stack.by_name[words[1]]
    return _report(stack, "GATE", [box], words[2:], "1", gate_line)


def beam(stack: Stack, words: list[str], _writer: object) -> str:
    """`BEAM * 5 1`: the boxes that have an array, or the first one when none has."""
    if len(words) != 4 or (words[1] != "*" and words[1] not in stack.by_name):
        raise bad_parameter(stack)
    boxes = stack.boxes if words[1] == "*" else [stack.by_name[words[1]]]
    with_array = [box for box in boxes if any(p.spec.type == "BMA360" for p in box.peripherals)]
    return _report(stack, "BEAM", with_array or boxes[:1], words[2:], "5", beam_line)


def _report(
    stack: Stack, verb: str, boxes: list[Box], words: list[str], number: str, line: Callable[[Box], str]
) -> str:
    if words[0] != number or words[1] not in ("0", "1"):
        raise bad_argument(stack)
    change = stack.reporting.update if words[1] == "1" else stack.reporting.difference_update
    change([f"{verb} {box.spec.name}" for box in boxes])
    return framed(stack, *(line(box) for box in boxes))


def heard(stack: Stack, box: Box, verb: str) -> None:
    """A gate or a beam changed: told at once, then not again before its pace allows."""
    name = f"{verb} {box.spec.name}"
    if name not in stack.reporting or not stack.switches.reports_on_change:
        return
    if name in stack.pending:
        stack.pending.add(f"{name} again")
        return
    stack.pending.add(name)
    stack.host.broadcast(gate_line(box) if verb == "GATE" else beam_line(box))
    stack.host.timer(name, 1 / stack.switches.reports_per_s, lambda: _paced(stack, box, verb, name))


def _paced(stack: Stack, box: Box, verb: str, name: str) -> None:
    again = f"{name} again" in stack.pending
    stack.pending -= {name, f"{name} again"}
    if again:
        heard(stack, box, verb)


def set_gate(stack: Stack, point: Point, on: bool) -> bool:
    """A microphone's gate opens or closes, as if somebody spoke. False for what is no microphone."""
    if point[0] != "MIC":
        return False
    box = stack.boxes[point[1] // 100 - 1]
    before, bit = box.gated, 1 << (point[1] % 100 - 1)
    box.gated = before | bit if on else before & ~bit
    if box.gated != before:
        heard(stack, box, "GATE")
    return True


def set_beam(stack: Stack, serial: str, beam: int, on: bool) -> bool:
    """A beam of a BMA 360 hears somebody. False when there is no such array or beam."""
    for box in stack.boxes:
        for peripheral in box.peripherals:
            if peripheral.spec.serial == serial and peripheral.spec.type == "BMA360" and 1 <= beam <= BEAMS:
                bit = 1 << (beam - 1)
                peripheral.beams = peripheral.beams | bit if on else peripheral.beams & ~bit
                heard(stack, box, "BEAM")
                return True
    return False


# -- METER


def meter(stack: Stack, words: list[str], writer: object) -> str:
    """Answers one METERREPORT; with 1 more follow, to the session that asked, until 0 or until it leaves."""
    if not stack.switches.meters:
        raise bad_command(stack)
    point, _, rest = endpoints.locate_point(stack, words)
    if point[0] not in LEVEL_TYPES or len(words) != 4:
        raise bad_parameter(stack)
    if rest not in (["0"], ["1"]):
        raise bad_argument(stack)
    asked = stack.metered.setdefault(writer, set())
    idle = not any(stack.metered.values())
    if rest == ["1"]:
        asked.add(point)
    else:
        asked.discard(point)
    if not asked:
        del stack.metered[writer]
    elif idle:
        _again(stack)
    return framed(stack, meter_line(stack, point))


def meter_line(stack: Stack, point: Point) -> str:
    level = SILENT_DB
    if not stack.read(point, MUTE):
        serial = stack.boxes[point[1] // 100 - 1].spec.serial
        signal = health.signal(f"{serial}{point[0]}{point[1]}", stack.clock.monotonic())
        level = min(max(signal + stack.read(point, GAIN), SILENT_DB), 20.0)
    return f"METERREPORT {point[0]} {point[1]} {level:.1f}"


def _again(stack: Stack) -> None:
    stack.host.timer("meters", 1 / stack.switches.meters_per_s, lambda: _meters(stack))


def _meters(stack: Stack) -> None:
    for session, points in list(stack.metered.items()):
        there = [stack.host.whisper(meter_line(stack, point), session) for point in sorted(points)]
        if not all(there):
            del stack.metered[session]
    if stack.metered:
        _again(stack)
