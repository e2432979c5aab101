"""What is true of a device and its values, from what is known and the time; pure."""

from collections.abc import Iterable

from msgspec import Struct

from soundpost.device.contract import Periods
from soundpost.device.model import GROUPS, Quality, Reason, Status
from soundpost.hub.inventory.state import AHEAD_MS, UP, WAITING, Restart

POLLS = 3
"""A value is old when it was not read within so many of its own poll periods."""
GOOD, ERROR, UNSUPPORTED = range(3)
CODES = {"good": GOOD, "error": ERROR, "unsupported": UNSUPPORTED}
"""What an agent says of a value; all other qualities are judged when looked at (T11)."""

LATEST_MS = 253_402_300_799_999
"""The end of the year 9999: later times can't be written down."""
START_GRACE_MS = 60_000
"""After a hub start an agent counts as lost only when so much time passed without it (T6)."""
RESTARTING = "restarting"
"""Counted beside the statuses: away, but because somebody asked for it."""
RESTART_MS = 6 * 60_000
"""A device that is away for longer after its restart was asked is simply offline."""
BEFORE_MS = 2_000
"""A device may be heard to be away a moment before the hub noted that it was asked to be."""
ANSWERS = ("peripheral_gone", "part_unwell", "error_answer")
"""Troubles of a device that answers: whatever was asked, it is back."""
TROUBLED = (Status.OFFLINE, Status.DEGRADED)
NOT_READ = Reason("not_read", "It has not been read yet.")


HUBS_OWN = ("person.", "session.", "key.", "hub.", "entry.", "agent.", "command.accepted", "command.sent")
MAY_TELL = ("agent.restored",)


def site_may_tell(type: str) -> bool:
    """What only the hub itself can know is no fact of a site, whatever an agent writes."""
    return type in MAY_TELL or not type.startswith(HUBS_OWN)


class Shown(Struct, frozen=True):
    """A status as it is told to people. `was` is the last known one when it is unknown because the agent is lost."""

    status: str
    since_ms: int
    reason: Reason | None
    was: str | None = None


def restarts(restart: Restart, status: str, since_ms: int, reason: str) -> bool:
    """Whether a device is away because of it: not since before it was asked, nor anew after it was over."""
    away = status == Status.OFFLINE or (status == Status.DEGRADED and reason not in ANSWERS)
    return away and since_ms >= restart.asked_ms - BEFORE_MS and not (restart.came_back and since_ms > restart.ended_ms)


def is_over(restart: Restart, now_ms: int) -> bool:
    """While it is open its command's deadline bounds it."""
    return bool(restart.ended_ms) and now_ms - restart.asked_ms >= RESTART_MS


def told_ms(agent_ms: int, offset_ms: int, now_ms: int) -> int:
    """An agent's time on the hub's clock. A clock far off is a finding, never a refusal (T25), but
    nothing that was told can lie ahead of now."""
    return min(max(agent_ms + offset_ms, 0), now_ms)


def old_after_ms(group: int, periods: Periods) -> int:
    return round(POLLS * periods.of(GROUPS[group]) * 1000)


def is_old(read_ms: int, now_ms: int, old_after: int) -> bool:
    """Not read within so long; or at a time that is still to come, since a clock was set: then nobody knows when."""
    return now_ms - read_ms > old_after or read_ms - now_ms > AHEAD_MS


def quality(code: int, *, link_up: bool, status: str, reason: str, read_ms: int, now_ms: int, old_after: int) -> str:
    """`code` is the agent's word on the value, `status` and `reason` the device's own, `read_ms` when the point was last read."""
    if code == UNSUPPORTED:
        return Quality.UNSUPPORTED
    if not link_up:
        return Quality.AGENT_LOST
    if status == Status.OFFLINE:
        return Quality.DEVICE_LOST
    if status == Status.DEGRADED and reason == "silent":
        return Quality.SILENT
    if code == ERROR:
        return Quality.ERROR
    if is_old(read_ms, now_ms, old_after):
        return Quality.OLD
    return Quality.GOOD


def shown(status: str, since_ms: int, reason: Reason | None, *, lost: tuple[int, Reason] | None) -> Shown:
    """`lost`: since when and why the site's agent is away, or None. Unknown is derived here and never written (T6)."""
    if lost is not None:
        return Shown(Status.UNKNOWN, lost[0], lost[1], was=status)
    if status == Status.UNKNOWN and reason is None:
        return Shown(status, since_ms, NOT_READ)
    return Shown(status, since_ms, reason)


def plain(text: str) -> str:
    """For searching: serials and MACs are found with and without their separators."""
    return text.replace("-", "").replace(":", "").replace(".", "")


def searchable(parts: Iterable[str]) -> str:
    words: list[str] = []
    for part in parts:
        if part:
            words.append(part.lower())
            if (bare := plain(part.lower())) != part.lower():
                words.append(bare)
    return "\n".join(words)


def agent_state(link: str, row: str) -> str:
    """The agent's state for people: what the link says wins over the row, which a crash may have left behind."""
    if link == UP:
        return "connected"
    if row == "connected":
        return "awaited" if link == WAITING else "lost"
    return row
