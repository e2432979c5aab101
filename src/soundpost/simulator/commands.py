"""What a stack answers to a command line: one table of verbs, text on the wire out (devices.md 2 to 5, assumed.md)."""

from soundpost.simulator import boxes, endpoints, reports, rooms
from soundpost.simulator.reply import Handler, Refused, bad_command, framed
from soundpost.simulator.stack import Stack

__all__ = ["Refused", "answer", "framed"]

FORBIDDEN = frozenset({"FACTORYDEFAULT"})  # a client that sends one has a defect


def answer(stack: Stack, line: str, writer: object = None) -> str:
    """The bytes (as text) that answer one line: whole lines with their ends and prompts, or nothing."""
    words = line.split()
    if not words:
        return stack.switches.prompt if stack.switches.empty_line_prompt else ""
    verb = words[0].upper()
    handler = VERBS.get(verb, _unknown)
    seen = verb if handler is not _unknown else "?"
    stack.seen[seen] = stack.seen.get(seen, 0) + 1
    try:
        return handler(stack, words, writer)
    except Refused as refused:
        return framed(stack, str(refused))


def _unknown(stack: Stack, words: list[str], _writer: object) -> str:
    if words[0].upper() in FORBIDDEN:
        stack.forbidden_seen += 1
    raise bad_command(stack)


VERBS: dict[str, Handler] = {
    "EP": endpoints.ep,
    "RAMP": endpoints.ramp,
    "BOX": boxes.box,
    "VERSION": boxes.version,
    "STACK": boxes.stack_verb,
    "RESET": boxes.reset,
    "MCCF": rooms.macro,
    "ROOM": rooms.room,
    "MT": rooms.crosspoint,
    "CLRMATRIX": rooms.clear_matrix,
    "GATE": reports.gate,
    "BEAM": reports.beam,
    "METER": reports.meter,
}
