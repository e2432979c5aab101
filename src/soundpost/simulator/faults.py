"""The troubles a device can be put in, one row each. `on` twice is the same as once; `off` ends exactly that trouble."""

from typing import Any

import msgspec

from soundpost.kernel.errors import Invalid
from soundpost.simulator import linefaults, stackfaults, transferfaults
from soundpost.simulator.listener import Listener
from soundpost.simulator.trouble import Arguments, Fault, Places

FAULTS: dict[str, Fault] = linefaults.rows() | stackfaults.rows() | transferfaults.rows()


def report() -> list[dict[str, Any]]:
    """One row per fault: what it does, its arguments with their defaults, whether it lasts, what it can happen to."""
    return [
        {
            "name": name,
            "text": fault.text,
            "args": fault.defaults(),
            "lasts": fault.lasts,
            "of": "any device" if fault.of is Listener else fault.of.kind,
        }
        for name, fault in FAULTS.items()
    ]


def parse(fault: str, args: dict[str, Any]) -> Arguments:
    """Raises Invalid `fault_unknown` or `args_invalid`."""
    if fault not in FAULTS:
        raise Invalid(f"There is no fault {fault!r}; there are {', '.join(FAULTS)}.", code="fault_unknown", fault=fault)
    try:
        return msgspec.convert(args, FAULTS[fault].args)
    except msgspec.ValidationError as error:
        raise Invalid(f"The arguments of {fault!r} don't fit: {error}.", code="args_invalid", fault=fault) from error


async def apply(farm: Places, station: Listener, fault: str, on: bool, args: dict[str, Any]) -> None:
    parsed = parse(fault, args)
    row = FAULTS[fault]
    if not isinstance(station, row.of):
        raise Invalid(
            f"{fault!r} happens to a {row.of.kind} only; {station.name} is a {station.kind}.",
            code="fault_unfit", fault=fault, name=station.name,
        )  # fmt: skip
    await row.work(farm, station, on, parsed)
    if on and row.lasts:
        station.faults[fault] = args
    elif not on:
        station.faults.pop(fault, None)
