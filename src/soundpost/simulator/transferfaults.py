"""Troubles of the file service: its login, and what happens to a file on its way. They end when they are turned off."""

from typing import Any

from soundpost.simulator.linefaults import LONGEST_S
from soundpost.simulator.station import Station
from soundpost.simulator.trouble import Arguments, Fault, Places, wrong

LARGEST = 1 << 30


class Cut(Arguments):
    after: int = 1_000
    quietly: bool = False


class Stall(Arguments):
    after: int = 1_000


class Drip(Arguments):
    size: int = 1
    gap_s: float = 0.05


class Size(Arguments):
    off: int = -1


async def _refuse(_farm: Places, station: Station, on: bool, _args: Arguments) -> None:
    station.stack.hindrance.refuses = on


async def _cut(_farm: Places, station: Station, on: bool, args: Cut) -> None:
    station.stack.hindrance.cut_after = _bytes(args.after, "after") if on else None
    station.stack.hindrance.quietly = on and args.quietly


async def _stall(_farm: Places, station: Station, on: bool, args: Stall) -> None:
    station.stack.hindrance.stall(_bytes(args.after, "after") if on else None)


async def _drip(_farm: Places, station: Station, on: bool, args: Drip) -> None:
    if not 0 <= args.gap_s <= LONGEST_S or args.size < 1:
        raise wrong(f"`size` is 1 or more bytes, `gap_s` from 0 to {LONGEST_S:.0f} seconds.")
    hindrance = station.stack.hindrance
    hindrance.drip, hindrance.drip_s = (args.size, args.gap_s) if on else (0, 0.0)


async def _size(_farm: Places, station: Station, on: bool, args: Size) -> None:
    if abs(args.off) > LARGEST:
        raise wrong(f"`off` is at most {LARGEST} bytes either way.")
    station.stack.hindrance.size_off = args.off if on else 0


def _bytes(value: int, name: str) -> int:
    if not 0 <= value <= LARGEST:
        raise wrong(f"`{name}` is a number of bytes from 0 to {LARGEST}.")
    return value


def rows() -> dict[str, Fault]:
    of: dict[str, Any] = {"of": Station}
    return {
        "ftp_refuse": Fault("the file service takes no sign-in, though the line does", _refuse, **of),
        "ftp_cut": Fault(
            "a file breaks off after so many bytes, either way: an error, or `quietly` told as its end", _cut, Cut, **of
        ),
        "ftp_stall": Fault(
            "after so many bytes of a file nothing moves any more, until it is off", _stall, Stall, **of
        ),
        "ftp_drip": Fault("files go in pieces of `size` bytes, `gap_s` apart", _drip, Drip, **of),
        "ftp_size": Fault("the size that is told of a file is wrong by so many bytes", _size, Size, **of),
    }
