"""memory: PSS of agent and hub at 100, 1,000 and 5,000 stacks whose whole point tables were read.

One unit is one stack as the simulator makes them: 1.7 boxes and 2 peripherals on average, some 500 points, so a stack stands for 4.7
devices in each of hub, agent's rooms and agent's engine. PSS (proportional set size) counts shared pages once. The slope is the
least-squares line through the three sizes, the base where it meets zero stacks.

What is waited for is one reading of everything: each point is asked for once, as fast as the machine can take it, and then left alone.
"""

import os
import sys
from typing import Any

import psutil

from bench.farm import Order, World, world
from bench.figures import Figure, Options, at_most, below, intercept, slope, told
from bench.programs import CLOCK, eventually
from bench.start import wait_until_read
from soundpost.drivers.converge_pro2.report import polls_of
from soundpost.kernel.clock import sleep_blocking
from soundpost.simulator.specs import make_stacks

SIZES = (100, 1_000, 5_000)
SLOPE_KIB, BASE_MIB, POINT_BYTES = 20.0, 220.0, 200.0
QUIET_S = 20.0
SHOWN = 20
ASKED_EACH_S = 1_500
"""What agent, hub and simulator can do together on two cores, and half of it in reserve."""
LEAST_S = 15.0


def run(options: Options) -> list[Figure]:
    sizes = sorted({options.of(size, 10 * (1 + place)) for place, size in enumerate(SIZES)})
    measured = [(size, *measure(size)) for size in sizes]
    both = [(float(size), sum(pss.values())) for size, pss, _ in measured]
    points = measured[-1][2]
    return [
        *(
            told(f"{size:,} stacks: {name}", pss[name], "MiB PSS")
            for size, pss, _ in measured
            for name in ("agent", "hub")
        ),
        told("points a stack", points, "points, on average"),
        at_most("both, for each stack", slope(both) * 1024, "KiB PSS", SLOPE_KIB),
        at_most("both, for each point", slope(both) * 2**20 / points, "bytes PSS", POINT_BYTES),
        *(
            told(f"{name}, for each stack", slope([(float(s), pss[name]) for s, pss, _ in measured]) * 1024, "KiB PSS")
            for name in ("agent", "hub")
        ),
        below("both, base", intercept(both), "MiB PSS", BASE_MIB),
    ]


def measure(stacks: int) -> tuple[dict[str, float], float]:
    """MiB of each process, and points a stack, once everything was read and written down."""
    first = first_round_s(stacks)
    with world(Order(stacks, environment(first), found_s=900)) as here:
        wait_until_read(here, stacks)
        eventually("every point of every shown mixer was read", lambda: whole(here), 300 + 3 * first)
        sleep_blocking(QUIET_S)
        where(here)
        pss = {name: least_pss(program.pid) for name, program in here.programs().items() if name != "simulator"}
        return pss, points_each(here, stacks)


def first_round_s(stacks: int) -> float:
    """Seconds over which the settings of so many stacks can be asked for."""
    asked = sum(polls_of(box.model)[2] for spec in make_stacks(stacks, 1, []) for box in spec.boxes)
    return max(LEAST_S, asked / ASKED_EACH_S)


def environment(first_s: float) -> dict[str, str]:
    """Settings are read for the first time within a fifth of their period, in a crowd of lines within more of it, at most all of it."""
    once = {f"SOUNDPOST_AGENT_PERIOD_{name}": "7200" for name in ("STATUS", "LEVELS", "FACTS", "HEARTBEAT")}
    return {"SOUNDPOST_AGENT_PERIOD_SETTINGS": f"{first_s:.0f}", **once}


def where(here: World) -> None:
    """With PYTHONTRACEMALLOC=1: the lines whose allocations are alive. The sizes are then not those of the table."""
    for name, program in (("agent", here.agent), ("hub", here.hub)):
        for line, kib in program.measured()["alive"] if os.environ.get("PYTHONTRACEMALLOC") else ():
            sys.stderr.write(f"  {name} {kib:10.0f} KiB  {line}\n")


def least_pss(pid: int) -> float:
    """The lowest of a few looks: a commit under way is not what a stack costs."""
    looks = []
    for _ in range(5):
        looks.append(psutil.Process(pid).memory_full_info().pss / 2**20)
        sleep_blocking(1.0)
    return float(min(looks))


def shown(here: World) -> list[dict[str, Any]]:
    """Mixers spread over the whole list; asking for all would itself be a load."""
    mixers = here.api.devices(kind="mixer")
    return mixers[:: max(1, len(mixers) // SHOWN)]


def whole(here: World) -> bool:
    """Asking is a load of its own, so it takes at most a tenth of the time, and ends at the first point that is missing."""
    before = CLOCK.monotonic()
    done = all(
        point["value"] is not None or point["quality"] in ("unsupported", "error")
        for mixer in shown(here)
        for point in here.api.get(f"/devices/{mixer['id']}/points")["items"]
    )
    if not done:
        sleep_blocking(min(LEAST_S, 1.0 + 9 * (CLOCK.monotonic() - before)))
    return done


def points_each(here: World, stacks: int) -> float:
    """From a sample of stacks: every device under one of them."""
    some = here.api.devices(kind="stack")[:: max(1, stacks // SHOWN)]
    count = 0
    for stack in some:
        for device in [stack, *here.api.devices(stack=stack["id"])]:
            count += len(here.api.get(f"/devices/{device['id']}/points")["items"])
    return count / len(some)
