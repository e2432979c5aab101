"""Writing a point, and switching the locate light."""

from soundpost.device.capability import CommandState
from soundpost.device.contract import Outcome, PointReading
from soundpost.device.model import Value
from soundpost.drivers.converge_pro2 import replies, words
from soundpost.drivers.converge_pro2.asked import Asked, refused, unconfirmed, unsupported
from soundpost.drivers.converge_pro2.points import UNIT_POINTS, Address, unfit
from soundpost.drivers.converge_pro2.unit import gate_points
from soundpost.transport.line import Ask, ErrorAnswer, LineLost, Silence
from soundpost.wire.dialogue import writing


async def control(asked: Asked) -> Outcome:
    key, value = asked.arguments.get("key"), asked.arguments.get("value")
    address = asked.hearing.find(asked.part, str(key))
    if address is None:
        return _no_such_point(asked, key)
    if problem := unfit(address.descriptor, value):
        return refused(*problem)
    assert isinstance(value, bool | int | float)
    if wrong := await asked.proved():
        return wrong
    return await write(asked.ask, address, value)


def _no_such_point(asked: Asked, key: object) -> Outcome:
    readable = (
        [point.key for point in UNIT_POINTS] + [point.key for point in gate_points(asked.box)] if asked.box else []
    )
    if key in readable:
        return refused("not_writable", f"{key} can only be read.")
    return refused("unknown_point", f"This device has no point {key}.")


async def write(ask: Ask, address: Address, value: Value) -> Outcome:
    """Done when the device repeats the value; a reply that says otherwise is settled by asking once."""
    try:
        answer = await ask(address.order(value))
    except ErrorAnswer as error:
        return Outcome(CommandState.FAILED, "error_answer", error.text)
    except (Silence, LineLost) as lost:
        return await _written_in_silence(ask, address, value, lost)
    read = value_of(answer, address)
    if not address.same(read, value):
        read = value_of(await ask(address.question), address)
    return _written(address, value, read)


async def _written_in_silence(ask: Ask, address: Address, value: Value, lost: Silence | LineLost) -> Outcome:
    """The order may have arrived: reading back tells, as long as the line still does."""
    unknown = unconfirmed(lost)
    if isinstance(lost, LineLost):
        return unknown
    try:
        return _written(address, value, value_of(await ask(address.question), address))
    except (Silence, LineLost, ErrorAnswer):
        return unknown


def _written(address: Address, wanted: Value, read: Value | None) -> Outcome:
    readings = () if read is None else (PointReading(address.key, read),)
    if address.same(read, wanted):
        return Outcome(CommandState.DONE, readings=readings)
    said = "something that can't be read" if read is None else f"{read:g}" if isinstance(read, float) else str(read)
    return Outcome(CommandState.FAILED, "not_taken", f"The device kept another value: it says {said}.", readings)


def value_of(answer: list[str], address: Address) -> Value | None:
    reply = replies.parse(answer[-1])
    return address.row.read(reply.value) if isinstance(reply, replies.EpValue) else None


async def locate(asked: Asked) -> Outcome:
    on = asked.arguments.get("on", asked.arguments.get("value", True))
    if not isinstance(on, bool):
        return refused("wrong_type", "Locate takes on: true or false.")
    if asked.box is None or "LOCATE" in asked.box.refused:
        said = asked.box.refused["LOCATE"] if asked.box else "only boxes have a locate light"
        return unsupported(f"This device can't switch a locate light: {said}.")
    if wrong := await asked.proved():
        return wrong
    try:
        answer = await asked.ask(writing(words.unit(asked.box.name, "LOCATE", words.bit(on))))
    except ErrorAnswer as error:
        return Outcome(CommandState.UNSUPPORTED, "unsupported", error.text, assumed=True)
    except (Silence, LineLost) as lost:
        return unconfirmed(lost, assumed=True)
    return Outcome(CommandState.DONE, readings=asked.readings(answer[-1]), assumed=True)
