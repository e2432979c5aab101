"""Restarting a box: assumed, never probed, run only when confirmed, and proved by nothing but an uptime that began anew."""

from soundpost.device.capability import CommandState
from soundpost.device.contract import Outcome, PointReading
from soundpost.drivers.converge_pro2 import replies, words
from soundpost.drivers.converge_pro2.asked import Asked, refused, unsupported
from soundpost.drivers.converge_pro2.reading import BoxRead
from soundpost.transport.line import Ask, ErrorAnswer, LineLost, Silence
from soundpost.transport.talk import Settle
from soundpost.wire.dialogue import Request, reading

REBOOT_WITHIN_S = 225.0
UPTIME_SLACK_S = 2.0
"""The device counts whole seconds."""
UNPROVED = Outcome(
    CommandState.UNCERTAIN,
    "not_proved",
    "The restart was ordered, but nothing read back proves that it happened.",
    assumed=True,
)


async def reboot(asked: Asked) -> Outcome | Settle:
    box = asked.box
    if box is None or not box.name:
        return unsupported("Only a box that tells its name can be restarted.")
    if asked.arguments.get("confirm_assumed") is not True:
        return refused(
            "assumed_not_confirmed",
            "How this device is restarted is assumed and not proven on hardware; confirm that to go on.",
        )
    if wrong := await asked.proved():
        return wrong
    before = await _uptime(asked.ask, box)
    sent_at = asked.clock.monotonic()
    try:
        await asked.ask(Request(words.reset(box.name), ("RESET",)))
    except ErrorAnswer as error:
        return Outcome(CommandState.UNSUPPORTED, "unsupported", error.text, assumed=True)
    except (Silence, LineLost):
        pass  # what a restart looks like

    async def restarted(ask: Ask) -> Outcome:
        now = await _uptime(ask, box)
        return _judged(now, before, asked.clock.monotonic() - sent_at)

    return Settle(REBOOT_WITHIN_S, restarted, UNPROVED)


def _judged(now: float | None, before: float | None, elapsed: float) -> Outcome:
    if now is None or before is None:
        return UNPROVED
    if now < before or now < before + elapsed - UPTIME_SLACK_S:
        read = PointReading("unit.uptime", now)
        return Outcome(CommandState.DONE, text="The device restarted.", readings=(read,), assumed=True)
    return UNPROVED


async def _uptime(ask: Ask, box: BoxRead) -> float | None:
    if "UPTIME" in box.refused:
        return None
    reply = replies.parse((await ask(reading(words.unit(box.name, "UPTIME"))))[-1])
    return replies.figure(reply.value) if isinstance(reply, replies.BoxValue) else None
