"""Troubles only a stack can be in: its login, its boxes and peripherals, its clock, its transfers."""

import math
from typing import Any

from soundpost.kernel.errors import NotFound
from soundpost.simulator.linefaults import LONGEST_S
from soundpost.simulator.stack import Box, Peripheral
from soundpost.simulator.station import LONGEST_RESTART_S, Station
from soundpost.simulator.trouble import Arguments, Fault, Places, wrong


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


class Serial(Arguments):
    serial: str = ""
    box: str | None = None


class Prompt(Arguments):
    login: bool = False


class Twice(Arguments):
    password: bool = False


class Heat(Arguments):
    box: str | None = None
    per_s: float = 0.1
    up_to: float = 95.0


class Clock(Arguments):
    off_s: float = LONGEST_S


class LoadFails(Arguments):
    reason: str = "CHECKSUM"


class UpdateFails(Arguments):
    reason: str = "FLASH"
    quietly: bool = False


async def _reboot(_farm: Places, station: Station, on: bool, args: Reboot) -> None:
    if not on:
        await station.end_restart()
        return
    if any(value is not None and not 0 <= value <= LONGEST_RESTART_S for value in (args.down_s, args.empty_s)):
        raise wrong(f"A restart takes 0 to {LONGEST_RESTART_S:.0f} seconds.")
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


async def _wrong_password(_farm: Places, station: Station, on: bool, _args: Arguments) -> None:
    station.stack.locked = on


def _box(station: Station, name: str | None) -> Box:
    box = station.stack.by_name.get(station.stack.boxes[0].spec.name if name is None else name)
    if box is None:
        raise NotFound("This stack has no box of that name; GET /stacks lists what it has.", code="box_not_found")
    return box


async def _serial(_farm: Places, station: Station, on: bool, args: Serial) -> None:
    box = _box(station, args.box)
    if on and not _is_word(args.serial):
        raise wrong("`serial` is one word, such as 1234-2334-40.")
    box.serial = args.serial if on else box.spec.serial


async def _no_prompt(_farm: Places, station: Station, on: bool, args: Prompt) -> None:
    station.wear(no_prompt=on, login=on and args.login)


async def _login_twice(_farm: Places, station: Station, on: bool, args: Twice) -> None:
    station.wear(twice=on, password=on and args.password)


async def _heat(_farm: Places, station: Station, on: bool, args: Heat) -> None:
    stack = station.stack
    boxes = stack.boxes if args.box is None else [_box(station, args.box)]
    if on and not (0 < args.per_s <= 100 and math.isfinite(args.up_to) and args.up_to <= 200):
        raise wrong("`per_s` is degrees a second, above 0; `up_to` is at most 200 degrees.")
    for box in boxes:
        if on:
            since = stack.hot[box.spec.name][0] if box.spec.name in stack.hot else station.clock.monotonic()
            stack.hot[box.spec.name] = (since, args.per_s, args.up_to)
        else:
            stack.hot.pop(box.spec.name, None)


async def _clock(_farm: Places, station: Station, on: bool, args: Clock) -> None:
    if on and not abs(args.off_s) <= 100 * 366 * 86_400:
        raise wrong(
            "`off_s` is by how many seconds the clock is ahead, less than 0 if it is behind; a century at most."
        )
    station.stack.clock_off_s = args.off_s if on else 0.0


async def _load_fails(_farm: Places, station: Station, on: bool, args: LoadFails) -> None:
    _failing(station, on, "load", args.reason)


async def _update_fails(_farm: Places, station: Station, on: bool, args: UpdateFails) -> None:
    _failing(station, on and not args.quietly, "update", args.reason)
    station.stack.keeps_firmware = on and args.quietly


def _failing(station: Station, on: bool, what: str, reason: str) -> None:
    if on and not _is_word(reason):
        raise wrong("`reason` is one word.")
    if on:
        station.stack.failing[what] = reason
    else:
        station.stack.failing.pop(what, None)


def _is_word(text: str) -> bool:
    return bool(text) and " " not in text and text.isprintable()


def rows() -> dict[str, Fault]:
    stack: dict[str, Any] = {"of": Station}
    return {
        "reboot": Fault(
            "it goes down, comes back with an empty VERSION, says HW_RESYNC; its uptime begins anew",
            _reboot, Reboot, lasts=False, **stack,
        ),
        "peripheral_gone": Fault("a microphone or expander disappears", _peripheral_gone, Gone, **stack),
        "credentials": Fault("user or password differ from now on", _credentials, Credentials, **stack),
        "wrong_password": Fault("no password is right any more", _wrong_password, **stack),
        "serial": Fault("a box says another serial", _serial, Serial, **stack),
        "no_prompt": Fault("no prompt stands after a line, with `login` none after the login either", _no_prompt, Prompt, **stack),
        "login_twice": Fault("`Username: ` is asked twice in a row, with `password` so is `Password: `", _login_twice, Twice, **stack),
        "heat": Fault("temperature climbs by the clock, of one box or of all", _heat, Heat, **stack),
        "clock": Fault("`STACK TIME` is wrong by so many seconds", _clock, Clock, **stack),
        "load_fails": Fault("loading a project file ends in FAILED", _load_fails, LoadFails, **stack),
        "update_fails": Fault(
            "a firmware update ends in FAILED, or `quietly`: DONE, and the old version stays",
            _update_fails, UpdateFails, **stack,
        ),
    }  # fmt: skip
