"""What every verb needs to answer: whole lines with their ends and prompts, or the ERROR line."""

from collections.abc import Callable

from soundpost.simulator.stack import Stack

Handler = Callable[[Stack, list[str], object], str]


class Refused(Exception):
    """Carries the ERROR line."""


def framed(stack: Stack, *lines: str) -> str:
    """A prompt stands after every line, not only after the last (devices.md 1.1)."""
    tail = stack.switches.line_end + stack.switches.prompt
    return "".join(line + tail for line in lines)


def bad_command(stack: Stack) -> Refused:
    return Refused(stack.switches.error_command)


def bad_parameter(stack: Stack) -> Refused:
    return Refused(stack.switches.error_parameter)


def bad_argument(stack: Stack) -> Refused:
    return Refused(stack.switches.error_argument)


def told(stack: Stack, reply: str, lines: list[str], writer: object) -> str:
    """The reply, then what everybody hears of it: the writer behind its reply, all others as a push."""
    for line in lines:
        stack.host.broadcast(line, writer)
    return reply + framed(stack, *lines)
