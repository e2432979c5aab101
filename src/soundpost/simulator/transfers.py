"""STACK LOAD and UPDATE: a file that was uploaded becomes the project or the firmware, step by step (assumed.md)."""

import re
from collections.abc import Callable

from soundpost.simulator import project
from soundpost.simulator.parts import Box, Peripheral
from soundpost.simulator.reply import told
from soundpost.simulator.stack import Stack

VERSION = re.compile(r"\d+(?:\.\d+){2,3}")
PROJECT, FIRMWARE = "/project/", "/firmware/"


def load_project(stack: Stack, name: str, writer: object) -> str:
    content = stack.files.get(PROJECT + name)
    reason = stack.failing.get("load", "") or ("NO_FILE" if content is None else project.wrong(content))

    def done() -> None:
        assert content is not None
        project.load(stack, content)
        _restart(stack)

    return _begin(stack, "STACK NOTIFICATION LOAD", reason, done, writer)


def update_box(stack: Stack, box: Box, name: str, writer: object) -> str:
    version, reason = _firmware(stack, name)

    def done() -> None:
        box.firmware = box.firmware if stack.keeps_firmware else version
        _restart(stack)

    return _begin(stack, f"BOX {box.spec.name} NOTIFICATION UPDATE", reason, done, writer)


def update_peripheral(stack: Stack, box: Box, peripheral: Peripheral, name: str) -> str:
    """The peripheral alone restarts: it goes, and comes back with the new version."""
    version, reason = _firmware(stack, name)
    if not peripheral.present:
        reason = "NOT_PRESENT"

    def done() -> None:
        peripheral.firmware = peripheral.firmware if stack.keeps_firmware else version
        stack.set_present(box, peripheral, False)
        stack.host.timer(
            f"returns {peripheral.spec.serial}",
            stack.switches.peripheral_restart_s,
            lambda: stack.set_present(box, peripheral, True),
        )

    return _begin(stack, f"BOX {box.spec.name} NOTIFICATION UPDATE", reason, done, None)


def _restart(stack: Stack) -> None:
    """Not at once: the line that says DONE shall arrive."""
    stack.host.timer("restart after transfer", stack.switches.restart_after_s, stack.restart)


def _firmware(stack: Stack, name: str) -> tuple[str, str]:
    """The version a file brings, or why it brings none."""
    content = stack.files.get(FIRMWARE + name)
    found = VERSION.search(name) if stack.switches.firmware_named else None
    if content is None:
        return "", "NO_FILE"
    return (found[0], stack.failing.get("update", "")) if found and content else ("", "BAD_FILE")


def _begin(stack: Stack, head: str, reason: str, done: Callable[[], None], writer: object) -> str:
    """A file that can't be used fails at once; any other fails or succeeds at the end of its way."""
    if reason in ("NO_FILE", "BAD_FILE", "NOT_PRESENT"):
        return told(stack, "", [f"{head} FAILED {reason}"], writer)
    step = max(1, min(stack.switches.progress_step, 100))

    def go(percent: int) -> None:
        if percent < 100:
            stack.host.broadcast(f"{head} {percent}")
            stack.host.timer(head, stack.switches.progress_s, lambda: go(percent + step))
        elif reason:
            stack.host.broadcast(f"{head} FAILED {reason}")
        else:
            stack.host.broadcast(f"{head} 100")
            stack.host.broadcast(f"{head} DONE")
            done()

    stack.host.timer(head, stack.switches.progress_s, lambda: go(step))
    return told(stack, "", [f"{head} 0"], writer)
