"""The troubles a stack can be put in, one row each. `on` twice is the same as once; `off` ends exactly that trouble."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from soundpost.kernel.errors import Invalid, NotFound
from soundpost.simulator.disguise import Cut
from soundpost.simulator.stack import Box, Peripheral
from soundpost.simulator.station import LONGEST_RESTART_S, Station


class Places(Protocol):
    """Knows where every stack listens: the farm."""

    async def move(self, station: Station, address: str, port: int | None = None) -> None: ...


class Arguments(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Slow(Arguments):
    delay_s: float = 3.0


class Error(Arguments):
    match: str = ""
    text: str = ""


class Reboot(Arguments):
    down_s: float | None = None
    empty_s: float | None = None


class Gone(Arguments):
    """By serial, or by index (from 1) among all peripherals of the stack, or of one box."""

    serial: str | None = None
    index: int | None = None
    box: str | None = None


class Credentials(Arguments):
    user: str | None = None
    password: str | None = None


class Move(Arguments):
    address: str = ""
    port: int | None = None


class Serial(Arguments):
    serial: str = ""
    box: str | None = None


async def _refuse(_farm: Places, station: Station, on: bool, _args: Arguments) -> None:
    station.refused = on
    if on:
        station.reset_lines()
    await station.apply()


async def _reset(_farm: Places, station: Station, on: bool, _args: Arguments) -> None:
    if on:
        station.reset_lines()


async def _silence(_farm: Places, station: Station, on: bool, _args: Arguments) -> None:
    station.silent = on
    if not on:
        for session in list(station.sessions):
            session.greet()


async def _slow(_farm: Places, station: Station, on: bool, args: Slow) -> None:
    if on and not 0 < args.delay_s <= 3_600:
        raise Invalid("`delay_s` is a number of seconds above 0.", code="args_invalid")
    station.slow_s = args.delay_s if on else 0.0


async def _error(_farm: Places, station: Station, on: bool, args: Error) -> None:
    text = args.text or station.stack.switches.error_command
    if "\r" in text or "\n" in text:
        raise Invalid("`text` is one line.", code="args_invalid")
    station.error = (args.match.lower(), text) if on else None


async def _reboot(_farm: Places, station: Station, on: bool, args: Reboot) -> None:
    if not on:
        await station.end_restart()
        return
    if any(value is not None and not 0 <= value <= LONGEST_RESTART_S for value in (args.down_s, args.empty_s)):
        raise Invalid(f"A restart takes 0 to {LONGEST_RESTART_S:.0f} seconds.", code="args_invalid")
    station.restart(args.down_s, args.empty_s)
    await station.apply()


def _peripheral(station: Station, args: Gone) -> tuple[Box, Peripheral]:
    found = [
        (box, peripheral)
        for box in station.stack.boxes
        if args.box in (None, box.spec.name)
        for peripheral in box.peripherals
        if args.serial in (None, peripheral.spec.serial)
    ]
    index = 1 if args.index is None else args.index
    if not 1 <= index <= len(found):
        raise NotFound("This stack has no such peripheral; GET /stacks lists what it has.", code="peripheral_not_found")
    return found[index - 1]


async def _peripheral_gone(_farm: Places, station: Station, on: bool, args: Gone) -> None:
    box, peripheral = _peripheral(station, args)
    station.stack.set_present(box, peripheral, not on)


async def _credentials(_farm: Places, station: Station, on: bool, args: Credentials) -> None:
    stack = station.stack
    if not on:
        stack.user, stack.password = stack.spec.user, stack.spec.password
        return
    stack.user = stack.user if args.user is None else args.user
    stack.password = stack.password if args.password is None else args.password


async def _move(farm: Places, station: Station, on: bool, args: Move) -> None:
    if not on:
        await farm.move(station, *station.home)
    elif args.address and 0 < (args.port or 1) <= 65_535:
        await farm.move(station, args.address, args.port)
    else:
        raise Invalid("`address` (and `port`) say where the stack shall listen.", code="args_invalid")


async def _serial(_farm: Places, station: Station, on: bool, args: Serial) -> None:
    name = station.stack.boxes[0].spec.name if args.box is None else args.box
    box = station.stack.by_name.get(name)
    if box is None:
        raise NotFound("This stack has no box of that name; GET /stacks lists what it has.", code="box_not_found")
    if on and (not args.serial or " " in args.serial or not args.serial.isprintable()):
        raise Invalid("`serial` is one word, such as 1234-2334-40.", code="args_invalid")
    box.serial = args.serial if on else box.spec.serial


async def _split(_farm: Places, station: Station, on: bool, _args: Arguments) -> None:
    station.cut = Cut() if on else None


async def _chatter(_farm: Places, station: Station, on: bool, _args: Arguments) -> None:
    station.chatter = [] if on else None


Apply = Callable[[Places, Station, bool, Any], Awaitable[None]]
# name -> its arguments, what it does, and whether it lasts (and so is listed while it is on).
FAULTS: dict[str, tuple[type[Arguments], Apply, bool]] = {
    "refuse": (Arguments, _refuse, True),
    "reset": (Arguments, _reset, False),
    "silence": (Arguments, _silence, True),
    "slow": (Slow, _slow, True),
    "error": (Error, _error, True),
    "reboot": (Reboot, _reboot, False),
    "peripheral_gone": (Gone, _peripheral_gone, True),
    "credentials": (Credentials, _credentials, True),
    "move": (Move, _move, True),
    "serial": (Serial, _serial, True),
    "split": (Arguments, _split, True),
    "chatter": (Arguments, _chatter, True),
}


async def apply(farm: Places, station: Station, fault: str, on: bool, args: dict[str, Any]) -> None:
    if fault not in FAULTS:
        raise Invalid(f"There is no fault {fault!r}; there are {', '.join(FAULTS)}.", code="fault_unknown", fault=fault)
    shape, work, lasts = FAULTS[fault]
    try:
        parsed = msgspec.convert(args, shape)
    except msgspec.ValidationError as error:
        raise Invalid(f"The arguments of {fault!r} don't fit: {error}.", code="args_invalid", fault=fault) from error
    await work(farm, station, on, parsed)
    if on and lasts:
        station.faults[fault] = args
    elif not on:
        station.faults.pop(fault, None)
