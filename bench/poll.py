"""poll: 1,000 stacks, one request and its answer each second, one agent and one hub; all answered, all readable at the hub's API.

One poll = one request sent to a device and its answer read. CPU seconds are those of agent and hub together, the simulator apart.
"""

from typing import Any

from bench.farm import Figure, World, world
from bench.programs import CLOCK

STACKS = 1_000
SECONDS = 60.0
FRESH_S = 25.0
"""Four boxes of four values, one a second, and the second in which *read until* is told."""
ENVIRONMENT = {
    # The gap between two requests on a line makes it one per second; the status group alone is due more often than that, so
    # each second is used, and each value of it is asked for every 4 s a box. Levels are read once, before the measurement.
    "SOUNDPOST_AGENT_PERIOD_GAP": "1.0",
    "SOUNDPOST_AGENT_PERIOD_STATUS": "1",
    "SOUNDPOST_AGENT_PERIOD_LEVELS": "3600",
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
            "stacks with a fresh value of every mixer",
            readable,
            "of 1,000 at the hub's API",
            f"{STACKS}",
            readable == STACKS,
        ),
    ]


def wait_until_spread(here: World) -> None:
    """The first reading of everything is over: every box's uptime is fresh."""
    from bench.programs import eventually

    mixers = [mixer["id"] for mixer in here.api.devices(kind="mixer")]
    for mixer in mixers:
        eventually("every mixer was read whole", lambda id=mixer: fresh(here, id), 600)  # type: ignore[misc]


def points(here: World, device: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = here.api.get(f"/devices/{device}/points")["items"]
    return items


def fresh(here: World, mixer: str) -> bool:
    """Its uptime, one of the values that are always being asked for, is good and not older than a round of the largest stack."""
    uptime = next((p for p in points(here, mixer) if p["key"] == "unit.uptime"), None)
    return bool(uptime and uptime["quality"] == "good" and uptime["age_s"] is not None and uptime["age_s"] <= FRESH_S)


def readable_now(here: World) -> int:
    """Stacks all of whose mixers show a fresh value."""
    stale = {mixer["stack"] for mixer in here.api.devices(kind="mixer") if not fresh(here, mixer["id"])}
    return STACKS - len(stale)
