"""What a command may ask, and what may become of it; pure (truth T20-T23)."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from soundpost.device.capability import HANDS_OFF_MOST_MIN, VERBS, CommandState
from soundpost.device.ceiling import allows, needs
from soundpost.device.model import Descriptor, PointType, Reason, Support
from soundpost.hub.inventory.state import Restart
from soundpost.kernel.errors import Conflict, Invalid, TellUser

S = CommandState
OPEN = (S.ACCEPTED, S.SENT)
ENDS = tuple(state for state in CommandState if state.ended)
AMENDABLE = (S.EXPIRED, S.UNCERTAIN)
"""A late result says what really happened to these; any other end is final."""
ENDED_CODES = {S.REFUSED: "aborted", S.EXPIRED: "expired"}
ALWAYS = ("hands_off", "refresh")
"""They ask nothing of the device itself, so no device can be without them."""
DEADLINE_LEAST_S, DEADLINE_MOST_S = 1.0, 3_600.0
KEY_MOST = 200

EXPIRED = Reason("expired", "Nobody answered in time. What is true now is what the readings say.")
ABORTED = Reason("aborted", "It was taken back before it started.")


def moves(state: CommandState, to: CommandState) -> bool:
    """Whether a command may go from `state` to `to`. Sent again is still sent; nothing ever becomes open again."""
    if to == S.ACCEPTED:
        return False
    if to == S.SENT:
        return state == S.ACCEPTED
    return state in OPEN or (state in AMENDABLE and to not in (state, S.EXPIRED))


class Row(Struct, frozen=True):
    """The part of a command's row that decides whether it may start."""

    id: str
    state: CommandState
    site: str
    deadline_ms: int
    asked_ms: int


def may_start(row: Row | None, site: str, now_ms: int, ahead: Sequence[str], holder: bool) -> str:
    """ "" for *go*, else why not. `ahead`: open commands of the same stack that were asked before this one; `holder`: the
    site holds the device."""
    if row is None or row.site != site:
        return "unknown_command"
    if row.state not in OPEN:
        return ENDED_CODES.get(row.state, "not_wanted")
    if not holder:
        return "not_holder"
    if now_ms >= row.deadline_ms:
        return "expired"
    return "busy" if ahead else ""


def restart_of(command: str, state: CommandState, asked_ms: int, ended_ms: int) -> Restart | None:
    """What a command to restart means for the devices it takes away; None when it takes none away (any more)."""
    if state in OPEN:
        return Restart(command, asked_ms)
    if state in (S.DONE, S.UNCERTAIN):
        return Restart(command, asked_ms, ended_ms, came_back=state == S.DONE)
    return None


def may_abort(state: CommandState, started: bool) -> TellUser | None:
    if state.ended:
        return Conflict("This command has ended already.", code="ended", state=state.value)
    if started:
        return Conflict("It has started at the device; it can't be taken back.", code="already_started")
    return None


def check_ceiling(ceiling: str, capability: str, arguments: Mapping[str, Any], now: object) -> None:
    """The site's agent would refuse it; said before it is sent. `now` as in `needs`. Raises Conflict `over_ceiling`."""
    needed = needs(capability, arguments, now)
    if not allows(ceiling, needed):
        raise Conflict(
            f"This site lets its hub go as far as {ceiling}; this needs {needed}. It is changed at the site's Local Agent.",
            code="over_ceiling",
            ceiling=ceiling,
            needs=needed,
        )


def supported(capability: str, capabilities: Mapping[str, str], name: str) -> Support:
    """Raises Conflict `not_supported`, with a sentence."""
    if capability not in VERBS:
        raise Conflict(
            f"There is no function {capability!r}.", code="not_supported", capability=capability, known=sorted(VERBS)
        )
    word = capabilities.get(capability, Support.EVIDENCED if capability in ALWAYS else Support.UNSUPPORTED)
    support = Support(word) if word in set(Support) else Support.UNSUPPORTED
    if support == Support.UNSUPPORTED:
        raise Conflict(
            f"{name or 'This device'} does not have the function {capability}.",
            code="not_supported",
            capability=capability,
        )
    return support


def check(
    capability: str, arguments: Mapping[str, Any], support: Support, point_of: Callable[[str], Descriptor | None]
) -> dict[str, Any]:
    """The arguments to send. Raises Invalid, naming the argument. `point_of` finds a point of the device by its key."""
    match capability:
        case "locate":
            _only(arguments, "on")
            return {"on": _bool(arguments, "on")}
        case "control":
            _only(arguments, "key", "value")
            return _control(arguments, point_of)
        case "reboot":
            _only(arguments, "confirm_assumed")
            confirmed = "confirm_assumed" in arguments and _bool(arguments, "confirm_assumed")
            if support != Support.EVIDENCED and not confirmed:
                raise Invalid(
                    "Restarting was not yet proven on hardware; confirm that you want it all the same.",
                    code="assumed_not_confirmed",
                    field="confirm_assumed",
                )
            return {"confirm_assumed": confirmed}
        case "hands_off":
            _only(arguments, "minutes")
            return {"minutes": _minutes(arguments.get("minutes", 60))}
        case _:
            if wrong := VERBS[capability].misfit(arguments):
                raise _wrong(*wrong)
            return dict(arguments)


def deadline_s(capability: str, asked: float | None) -> float:
    if asked is None:
        return VERBS[capability].deadline_s
    if not math.isfinite(asked) or not DEADLINE_LEAST_S <= asked <= DEADLINE_MOST_S:
        raise _wrong("deadline_s", f"The deadline is between {DEADLINE_LEAST_S:g} and {DEADLINE_MOST_S:g} seconds.")
    return asked


def told(capability: str, arguments: Mapping[str, Any], before: object) -> dict[str, Any]:
    """For the audit: a point that is set has a value before, as it was read last, and after, as it is wanted."""
    if capability != "control":
        return dict(arguments)
    return {"key": arguments["key"], "before": before, "after": arguments["value"]}


def undo(capability: str, arguments: Mapping[str, Any], before: object) -> dict[str, Any] | None:
    """The command that puts back what was there, where that is known."""
    if capability == "control" and before is not None and before != arguments["value"]:
        return {"capability": "control", "arguments": {"key": arguments["key"], "value": before}}
    return None


def check_key(key: str | None) -> str:
    if key is not None and (len(key) > KEY_MOST or not key.isprintable()):
        raise _wrong("Idempotency-Key", f"An Idempotency-Key has at most {KEY_MOST} printable characters.")
    return key or ""


def _control(arguments: Mapping[str, Any], point_of: Callable[[str], Descriptor | None]) -> dict[str, Any]:
    key, value = arguments.get("key"), arguments.get("value")
    point = point_of(key) if isinstance(key, str) else None
    if point is None:
        raise _wrong("key", "This device has no such point.")
    if not point.writable:
        raise _wrong("key", f"{point.label or point.key} can only be read.")
    match point.type:
        case PointType.BOOL:
            good = isinstance(value, bool)
        case PointType.NUMBER:
            good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case _:
            good = isinstance(value, str) and value.isprintable()
    if not good:
        raise _wrong("value", f"{point.label or point.key} takes a {point.type}.")
    if point.type == PointType.NUMBER:
        _in_range(point, float(value))  # type: ignore[arg-type]
    return {"key": key, "value": value}


def _in_range(point: Descriptor, value: float) -> None:
    low, high = point.minimum, point.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        span = f"{'…' if low is None else f'{low:g}'} to {'…' if high is None else f'{high:g}'}"
        raise _wrong("value", f"{point.label or point.key} goes from {span} {point.unit}".rstrip() + ".")
    if point.step:
        steps = (value - (low or 0.0)) / point.step
        if abs(steps - round(steps)) > 1e-6:
            raise _wrong(
                "value", f"{point.label or point.key} moves in steps of {point.step:g} {point.unit}".rstrip() + "."
            )


def _minutes(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= HANDS_OFF_MOST_MIN:
        raise _wrong("minutes", f"Minutes are between 0 (take it back now) and {HANDS_OFF_MOST_MIN}.")
    return value


def _bool(arguments: Mapping[str, Any], name: str) -> bool:
    value = arguments.get(name)
    if not isinstance(value, bool):
        raise _wrong(name, f"The argument {name} is true or false.")
    return value


def _only(arguments: Mapping[str, Any], *names: str) -> None:
    for name in arguments:
        if name not in names:
            raise _wrong(name, f"This function takes no argument {name}.")


def _wrong(argument: str, text: str) -> Invalid:
    return Invalid(text, code="invalid_argument", field=argument)
