"""poll: 1,000 stacks, one request and its answer each second, one agent and one hub; all answered, all readable at the hub's API.

One poll = one request sent to a device and its answer read. CPU seconds are those of agent and hub together, the simulator apart.
"""

from typing import Any

from bench.farm import Figure, World, world
from bench.programs import CLOCK

STACKS = 1_000
SECONDS = 60.0
ENVIRONMENT = {
    # The gap between two requests on a line is what makes it one per second; every group is due at once, so each is used.
    "SOUNDPOST_AGENT_PERIOD_GAP": "1.0",
    "SOUNDPOST_AGENT_PERIOD_STATUS": "5",
    "SOUNDPOST_AGENT_PERIOD_LEVELS": "5",
}


def polls(world: World) -> int:
    return int(world.control.get("/health").json()["commands_seen"])


def run() -> list[Figure]:
    with world(STACKS, ENVIRONMENT) as here:
        wait_until_spread(here)
        polls_before, cpu_before, start = polls(here), here.cpu_s(), CLOCK.monotonic()
        from soundpost.kernel.clock import sleep_blocking

        sleep_blocking(SECONDS)
        answered, cpu_after, took = polls(here) - polls_before, here.cpu_s(), CLOCK.monotonic() - start
        spent = {name: cpu_after[name] - cpu_before[name] for name in cpu_after}
        readable = readable_now(here)
    rate = answered / took
    per_thousand = (spent["hub"] + spent["agent"]) / answered * 1000
    return [
        Figure("polls answered", rate, "per second", f"{STACKS}", rate >= STACKS * 0.98),
        Figure("CPU, agent and hub", per_thousand, "seconds per 1,000 polls", "under 0.5", per_thousand < 0.5),
        Figure("CPU, agent", spent["agent"] / answered * 1000, "seconds per 1,000 polls"),
        Figure("CPU, hub", spent["hub"] / answered * 1000, "seconds per 1,000 polls"),
        Figure(
            "stacks with every read value good", readable, "of 1,000 at the hub's API", f"{STACKS}", readable == STACKS
        ),
    ]


def wait_until_spread(here: World) -> None:
    """The first reading of everything is over when each device's points have been read once."""
    from bench.programs import eventually

    last = here.api.devices(kind="mixer")[-1]["id"]
    eventually("the last mixer was read", lambda: any(p["quality"] == "good" for p in points(here, last)), 300)


def points(here: World, device: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = here.api.get(f"/devices/{device}/points")["items"]
    return items


def readable_now(here: World) -> int:
    """Stacks of which at least one mixer shows a good value whose age is under 10 s."""
    good = set()
    for mixer in here.api.devices(kind="mixer"):
        if mixer["stack"] in good:
            continue
        if any(
            p["quality"] == "good" and p["age_s"] is not None and p["age_s"] < 10 for p in points(here, mixer["id"])
        ):
            good.add(mixer["stack"])
    return len(good)
