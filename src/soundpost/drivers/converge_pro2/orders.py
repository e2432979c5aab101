"""Orders to the stack that are no point: a ramp, a macro, a room's configuration, a crosspoint.

Their commands are evidenced, their answers are not (assumed.py, `order_mirrored`): an error is believed, a mirrored line
too, and silence says nothing, so it ends uncertain unless something can be read back.
"""

from soundpost.device.capability import CROSSPOINT, MACRO, RAMP, ROOM, CommandState
from soundpost.device.contract import Outcome
from soundpost.drivers.converge_pro2 import words
from soundpost.drivers.converge_pro2.asked import Asked, refused
from soundpost.wire.dialogue import Request


async def ramp(asked: Asked) -> Outcome:
    """Goes from where the gain is to `target`, within the end point's own limits. Done says that it began: the gain that
    is read back is where it has got to."""
    if wrong := RAMP.misfit(asked.arguments):
        return refused("invalid_argument", wrong[1])
    address = asked.hearing.find(asked.part, f"{asked.arguments['end_point']}.level.gain")
    if address is None:
        return refused("unknown_point", f"This device has no end point {asked.arguments['end_point']} with a gain.")
    if wrong_device := await asked.proved():
        return wrong_device
    target, step = _number(asked, "target"), _number(asked, "step")
    line = words.ramp(address.type, address.number, target, step)
    ended = await asked.order(Request(line, ("RAMP", address.type, str(address.number))), assumed=True)
    if ended.state is CommandState.FAILED:
        return ended
    readings = await asked.now(address.question)
    if any(address.same(reading.value, target) for reading in readings):
        return Outcome(CommandState.DONE, readings=readings, assumed=True)
    return Outcome(ended.state, ended.code, ended.text, readings, assumed=True)


async def macro(asked: Asked) -> Outcome:
    if wrong := MACRO.misfit(asked.arguments):
        return refused("invalid_argument", wrong[1])
    if wrong_device := await asked.proved():
        return wrong_device
    name = str(asked.arguments["name"])
    return await asked.order(Request(words.macro(name), ("MCCF",)), assumed=True)


async def room(asked: Asked) -> Outcome:
    if wrong := ROOM.misfit(asked.arguments):
        return refused("invalid_argument", wrong[1])
    if wrong_device := await asked.proved():
        return wrong_device
    number = int(_number(asked, "room"))
    line = words.room(number, str(asked.arguments["sub_room"]), str(asked.arguments["configuration"]))
    return await asked.order(Request(line, ("ROOM", str(number))), assumed=True)


async def crosspoint(asked: Asked) -> Outcome:
    if wrong := CROSSPOINT.misfit(asked.arguments):
        return refused("invalid_argument", wrong[1])
    if wrong_device := await asked.proved():
        return wrong_device
    says = asked.arguments
    line = words.crosspoint(str(says["input"]), str(says["output"]), says["on"] is True, str(says["type"]))
    prefix = tuple(line.upper().split()[:3])
    return await asked.order(Request(line, prefix), assumed=True)


def _number(asked: Asked, name: str) -> float:
    """`misfit` has seen it."""
    value = asked.arguments[name]
    assert isinstance(value, int | float)
    return float(value)
