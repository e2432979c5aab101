"""storm: the agent of a site with 500 devices is cut off (SIGKILL) and comes back, under the eyes of a list page.

One cause, one state change: the hub's events are to hold one `agent.lost` and no status of any device for the cut, and one
`agent.connected` and no status for the return. The page is the list of Pro Audio devices in headless Chromium; its frames are counted
with requestAnimationFrame while all its rows change and change back. Frames at rest, measured first, say what the machine can do.
"""

from collections import Counter
from itertools import pairwise
from typing import Any

from msgspec import Struct

from bench.farm import Order, World, world
from bench.figures import Figure, Options, at_least, exactly, percentile, told
from bench.frames import list_page, shows, taken
from bench.programs import CLOCK
from soundpost.simulator.specs import make_stacks

DEVICES = 500
REST_S, AFTER_S = 5.0, 4.0
FRAMES = 58.0
"""60 frames a second, less what a clock of milliseconds loses."""


class Seen(Struct):
    """Frame intervals (ms) at rest, while the rows went and while they came back; and the events of both."""

    rest: list[float]
    cut: list[float]
    back: list[float]
    events_cut: dict[str, int]
    events_back: dict[str, int]


def run(options: Options) -> list[Figure]:
    stacks = stacks_of(options.of(DEVICES, 20))
    with world(Order(stacks)) as here:
        devices = int(here.api.get("/devices", limit=1)["total"])
        seen = play(here)
    return [
        told("devices", devices, "listed at the site"),
        exactly("cut off: agents lost", seen.events_cut.get("agent.lost", 0), "events", 1),
        exactly("cut off: other state changes", others(seen.events_cut, "agent.lost"), "events", 0),
        exactly("back: agents connected", seen.events_back.get("agent.connected", 0), "events", 1),
        exactly("back: other state changes", others(seen.events_back, "agent.connected"), "events", 0),
        told("at rest", rate(seen.rest), "frames a second"),
        *frames("cut off", seen.cut),
        *frames("back", seen.back),
    ]


def frames(name: str, intervals: list[float]) -> list[Figure]:
    return [
        at_least(f"{name}: list page", rate(intervals), "frames a second", FRAMES),
        told(f"{name}: worst second", worst_second(intervals), "frames"),
        told(f"{name}: longest frame", max(intervals, default=0.0), "ms"),
        told(f"{name}: frame, p99", percentile(intervals, 0.99), "ms"),
    ]


def rate(intervals: list[float]) -> float:
    return len(intervals) / (sum(intervals) / 1000) if intervals else 0.0


def worst_second(intervals: list[float]) -> int:
    """The fewest frames that ended within any one second."""
    ends = [0.0]
    for interval in intervals:
        ends.append(ends[-1] + interval)
    if ends[-1] < 1000:
        return len(intervals)
    least, start = len(intervals), 0
    for place, (_, end) in enumerate(pairwise(ends), start=1):
        while end - ends[start] > 1000:
            start += 1
        if end >= 1000:
            least = min(least, place - start)
    return least


def others(events: dict[str, int], expected: str) -> int:
    return sum(count for type, count in events.items() if type != expected)


def stacks_of(devices: int) -> int:
    """The fewest stacks that bring so many devices."""
    count, specs = 0, make_stacks(devices, 1, [])
    for number, spec in enumerate(specs, start=1):
        count += 1 + len(spec.boxes) + sum(len(box.peripherals) for box in spec.boxes)
        if count >= devices:
            return number
    return len(specs)


def play(here: World) -> Seen:
    with list_page(here.hub.ready["url"], here.hub.ready["owner"]) as page:
        page.wait_for_timeout(REST_S * 1000)  # the first reading of everything is over for what is shown
        taken(page)
        page.wait_for_timeout(REST_S * 1000)
        rest, mark = taken(page), newest(here)
        here.agent.kill()
        shows(page, "Unknown")
        page.wait_for_timeout(AFTER_S * 1000)
        cut, events_cut, mark = taken(page), counted(here, mark), newest(here)
        here.restart_agent()
        taken(page)  # the start of a process took the core the page is drawn on
        shows(page, "Online")
        page.wait_for_timeout(AFTER_S * 1000)
        return Seen(rest, cut, taken(page), events_cut, counted(here, mark))


def newest(here: World) -> int:
    items = here.api.get("/events", before=2**53, limit=1)["items"]
    return int(items[0]["id"]) if items else 0


def counted(here: World, after: int) -> dict[str, int]:
    """State changes since: of agents and of devices."""
    items: list[dict[str, Any]] = []
    until = CLOCK.monotonic() + 20
    while CLOCK.monotonic() < until and (got := here.api.get("/events", after=after, limit=1000)["items"]):
        items += got
        after = got[-1]["id"]
    return dict(Counter(item["type"] for item in items if item["type"].startswith(("agent.", "device."))))
