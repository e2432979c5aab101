"""Troubles of a line, which any product can have: dead, slow, cut in pieces, or saying odd bytes (devices.md 14.4)."""

from typing import Any

from soundpost.simulator.disguise import Cut
from soundpost.simulator.listener import Listener, Share
from soundpost.simulator.trouble import Arguments, Fault, Places, wrong

LONGEST_S = 3_600.0
LARGEST_FLOOD = 16 << 20
GARBAGE = "80fe00237e7b8a1b5b324a"  # no option byte, no line end: what a broken line driver could say


class Slow(Arguments):
    delay_s: float = 3.0


class Error(Arguments):
    match: str = ""
    text: str = ""


class Split(Arguments):
    at: int = 0
    size: int = 1
    gap_s: float = 0.0


class Chatter(Arguments):
    lines: tuple[str, ...] = ()


class Lost(Arguments):
    match: str = ""
    every: int = 1


class Late(Lost):
    delay_s: float = 5.0


class Nul(Arguments):
    start: bool = False


class Options(Arguments):
    each: bool = False


class Flood(Arguments):
    bytes: int = 1_000_000


class Garbage(Arguments):
    hex: str = GARBAGE
    line_end: bool = True


class Move(Arguments):
    address: str = ""
    port: int | None = None
    swap: bool = False


async def _refuse(_farm: Places, station: Listener, on: bool, _args: Arguments) -> None:
    station.refused = on
    if on:
        station.reset_lines()
    await station.apply()


async def _reset(_farm: Places, station: Listener, on: bool, _args: Arguments) -> None:
    if on:
        station.reset_lines()


async def _silence(_farm: Places, station: Listener, on: bool, _args: Arguments) -> None:
    station.silent = on
    if not on:
        for session in list(station.sessions):
            session.greet()


async def _half_open(_farm: Places, station: Listener, on: bool, _args: Arguments) -> None:
    for session in list(station.sessions):
        if on:
            session.freeze()
        elif session.frozen:
            session.reset()


async def _slow(_farm: Places, station: Listener, on: bool, args: Slow) -> None:
    station.slow_s = _seconds(args.delay_s) if on else 0.0


async def _error(_farm: Places, station: Listener, on: bool, args: Error) -> None:
    text = args.text or station.error_text
    station.error = (args.match.lower(), _line(text, "text")) if on else None


async def _split(_farm: Places, station: Listener, on: bool, args: Split) -> None:
    if on and (args.at < 0 or args.size < 1 or not 0 <= args.gap_s <= LONGEST_S):
        raise wrong("`at` is a place in the answer, `size` a number of bytes, `gap_s` a number of seconds.")
    station.cut = Cut(args.at, args.size, args.gap_s) if on else None


async def _chatter(_farm: Places, station: Listener, on: bool, args: Chatter) -> None:
    station.chatter = [_line(line, "lines") for line in args.lines] if on else None


async def _lost(_farm: Places, station: Listener, on: bool, args: Lost) -> None:
    station.lost = _share(args) if on else None


async def _late(_farm: Places, station: Listener, on: bool, args: Late) -> None:
    station.late = (_share(args), _seconds(args.delay_s)) if on else None


async def _lf_cr(_farm: Places, station: Listener, on: bool, _args: Arguments) -> None:
    station.wear(lf_cr=on)


async def _nul(_farm: Places, station: Listener, on: bool, args: Nul) -> None:
    station.wear(nul=on, nul_start=on and args.start)


async def _echo(_farm: Places, station: Listener, on: bool, _args: Arguments) -> None:
    station.echo = on or station.switches.echo


async def _options(_farm: Places, station: Listener, on: bool, args: Options) -> None:
    station.option_bytes = on or station.switches.option_bytes
    station.wear(options=on and args.each)


async def _flood(_farm: Places, station: Listener, on: bool, args: Flood) -> None:
    if on and not 0 < args.bytes <= LARGEST_FLOOD:
        raise wrong(f"`bytes` is a number from 1 to {LARGEST_FLOOD}.")
    if on:
        station.say_raw("x" * args.bytes)


async def _garbage(_farm: Places, station: Listener, on: bool, args: Garbage) -> None:
    try:
        data = bytes.fromhex(args.hex)
    except ValueError:
        raise wrong("`hex` is bytes in hexadecimal, such as 80fe00.") from None
    if on and data:
        end = "\r\n" if args.line_end else ""
        station.say_raw(data.decode("utf-8", "surrogateescape") + end)


async def _move(farm: Places, station: Listener, on: bool, args: Move) -> None:
    if not on:
        await farm.move(station, *station.home, swap=True)
    elif args.address and 0 < (args.port or 1) <= 65_535:
        await farm.move(station, args.address, args.port, swap=args.swap)
    else:
        raise wrong("`address` (and `port`) say where the device shall listen.")


def _seconds(value: float) -> float:
    if not 0 < value <= LONGEST_S:
        raise wrong("`delay_s` is a number of seconds above 0.")
    return value


def _line(text: str, name: str) -> str:
    if not text or "\r" in text or "\n" in text:
        raise wrong(f"`{name}` holds lines without their ends.")
    return text


def _share(args: Lost) -> Share:
    if args.every < 1:
        raise wrong("`every` is 1 for all of them, 2 for every second one, and so on.")
    return Share(args.match, args.every)


def rows() -> dict[str, Fault]:
    once: dict[str, Any] = {"lasts": False}
    return {
        "refuse": Fault("the port refuses connections, open lines are reset: the plug is pulled", _refuse),
        "reset": Fault("open lines are reset once", _reset, **once),
        "silence": Fault("the line stays open and nothing is answered", _silence),
        "half_open": Fault(
            "the device has forgotten the open lines: nothing is read, acknowledged (on Linux), written or ended; off resets them",
            _half_open,
        ),
        "slow": Fault("answers come late, in their order", _slow, Slow),
        "late": Fault(
            "replies to commands with `match`, every so manieth, come so late that others overtake them", _late, Late
        ),
        "lost": Fault("replies to commands with `match`, every so manieth, never come", _lost, Lost),
        "error": Fault("commands with `match` are answered with an error", _error, Error),
        "chatter": Fault(
            "lines nobody asked for stand between a command and its reply; a true one if none is given", _chatter, Chatter
        ),
        "split": Fault(
            "answers come in segments of `size` bytes, or two cut `at` a place; `gap_s` lets them drip", _split, Split
        ),
        "lf_cr": Fault("lines end LF CR", _lf_cr),
        "nul": Fault("a NUL stands before every line end, and with `start` before every answer", _nul, Nul),
        "echo": Fault("command lines are echoed", _echo),
        "options": Fault(
            "new lines open with telnet option bytes; with `each` such bytes precede every answer", _options, Options
        ),
        "flood": Fault("so many bytes without a line end come once", _flood, Flood, **once),
        "garbage": Fault("bytes that are no line of the language come once", _garbage, Garbage, **once),
        "move": Fault("it answers at another address", _move, Move),
    }  # fmt: skip
