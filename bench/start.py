"""start: with 5,000 known stacks, first the hub is stopped and started again, then the agent.

Each is timed from its ready line, when it listens. Listed: every stack in the list, each with the age of what is known. Fresh: every
stack online, and a mixer of it read: where the hub was stopped within the last poll, for the agent read on all the while; where the
agent was, since it listens, on a line opened anew (none is opened before). One poll = the status period as shipped, 10 s; levels and
settings are read more seldom than as shipped (ENVIRONMENT).
"""

from typing import Any

from bench.farm import Order, World, world
from bench.figures import Figure, Options, at_most, below, exactly, told
from bench.programs import CLOCK
from soundpost.kernel.clock import sleep_blocking

STACKS = 5_000
POLL_S = 10.0
"""The shipped period of the status group."""
WAIT_S = 300.0
LOOK_S = 0.2
"""Between two looks, of which each takes half a second and a core at this size: they are part of what is measured."""
ENVIRONMENT = {"SOUNDPOST_AGENT_PERIOD_LEVELS": "900", "SOUNDPOST_AGENT_PERIOD_SETTINGS": "3600"}
"""What so many stacks on one agent need: at the shipped 30 s and 300 s they would be 22,000 questions a second."""


def run(options: Options) -> list[Figure]:
    stacks = options.of(STACKS, 20)
    with world(Order(stacks, ENVIRONMENT, found_s=900)) as here:
        wait_until_read(here, stacks)
        sleep_blocking(POLL_S)
        return [*of_hub(here, stacks), *of_agent(here, stacks)]


def of_hub(here: World, stacks: int) -> list[Figure]:
    here.hub.stop()
    asked = CLOCK.monotonic()
    here.restart_hub()
    listening = CLOCK.monotonic()
    listed, aged = listing(here, stacks)
    fresh_s, fresh = until_fresh(here, stacks, listening, POLL_S)
    return [
        told("hub: start → listening", listening - asked, "s"),
        at_most("hub: listening → all listed with ages", listed - listening, "s", 1.0),
        exactly("hub: listed with an age", aged, f"of {stacks:,} stacks", stacks),
        below("hub: listening → all fresh", fresh_s, "s", POLL_S),
        exactly("hub: fresh", fresh, f"of {stacks:,} stacks", stacks),
    ]


def of_agent(here: World, stacks: int) -> list[Figure]:
    here.agent.stop()
    asked = CLOCK.monotonic()
    here.restart_agent()
    listening = CLOCK.monotonic()
    fresh_s, fresh = until_fresh(here, stacks, listening)
    return [
        told("agent: start → listening", listening - asked, "s"),
        below("agent: listening → all fresh", fresh_s, "s", POLL_S),
        exactly("agent: fresh", fresh, f"of {stacks:,} stacks", stacks),
    ]


def ages(here: World) -> list[dict[str, Any]]:
    return here.api.devices(kind="stack")


def wait_until_read(here: World, stacks: int) -> None:
    """Every mixer was read, so that every device has an age to tell."""
    until = CLOCK.monotonic() + 600
    while CLOCK.monotonic() < until:
        mixers = here.api.devices(kind="mixer")
        if all(m["age_s"] is not None for m in mixers) and len({m["stack"] for m in mixers}) == stacks:
            return
        sleep_blocking(2.0)
    raise TimeoutError("not every mixer was read within ten minutes")


def listing(here: World, stacks: int) -> tuple[float, int]:
    """When every stack was listed with its mixers' ages, and of how many that is true."""
    aged: set[str] = set()
    until = CLOCK.monotonic() + 60
    while CLOCK.monotonic() < until:
        aged = {m["stack"] for m in here.api.devices(kind="mixer") if m["age_s"] is not None}
        if len(aged) >= stacks:
            break
    return CLOCK.monotonic(), len(aged)


def until_fresh(here: World, stacks: int, began: float, within_s: float = 0.0) -> tuple[float, int]:
    """Seconds until every stack was online with a mixer read since `began`, or within the last `within_s`; and of how many that is
    true."""
    fresh: set[str] = set()
    while CLOCK.monotonic() - began < WAIT_S:
        young = max(within_s, CLOCK.monotonic() - began)
        fresh = {m["stack"] for m in here.api.devices(kind="mixer") if m["age_s"] is not None and m["age_s"] < young}
        if len(fresh) >= stacks:
            fresh &= {s["id"] for s in here.api.devices(kind="stack", status="online")}
            if len(fresh) >= stacks:
                return CLOCK.monotonic() - began, len(fresh)
        sleep_blocking(LOOK_S)
    return WAIT_S, len(fresh)
