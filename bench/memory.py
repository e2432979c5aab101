"""memory: PSS of agent and hub at 100, 1,000 and 5,000 stacks whose whole point tables were read.

One unit is one stack as the simulator makes them: 1.7 boxes and 2 peripherals on average, about 100 points, so a stack stands for 4.7
devices in each of hub, agent's rooms and agent's engine. PSS (proportional set size) counts shared pages once. The slope is the
least-squares line through the three sizes, the base where it meets zero stacks.
"""

import os
import sys
from typing import Any

import psutil

from bench.farm import Order, World, world
from bench.figures import Figure, Options, at_most, below, intercept, slope, told
from bench.programs import CLOCK, eventually
from bench.start import wait_until_read
from soundpost.kernel.clock import sleep_blocking

SIZES = (100, 1_000, 5_000)
SLOPE_KIB, BASE_MIB = 20.0, 220.0
QUIET_S = 20.0
SHOWN = 20


def run(options: Options) -> list[Figure]:
    sizes = sorted({options.of(size, 10 * (1 + place)) for place, size in enumerate(SIZES)})
    measured = [(size, *measure(size)) for size in sizes]
    both = [(float(size), sum(pss.values())) for size, pss, _ in measured]
    points = [points for _, _, points in measured]
    return [
        *(
            told(f"{size:,} stacks: {name}", pss[name], "MiB PSS")
            for size, pss, _ in measured
            for name in ("agent", "hub")
        ),
        told("points a stack", points[-1], "points, on average"),
        at_most("both, for each stack", slope(both) * 1024, "KiB PSS", SLOPE_KIB),
        *(
            told(f"{name}, for each stack", slope([(float(s), pss[name]) for s, pss, _ in measured]) * 1024, "KiB PSS")
            for name in ("agent", "hub")
        ),
        below("both, base", intercept(both), "MiB PSS", BASE_MIB),
    ]


def measure(stacks: int) -> tuple[dict[str, float], float]:
    """MiB of each process, and points a stack, once everything was read and written down."""
    with world(Order(stacks, found_s=900)) as here:
        wait_until_read(here, stacks)
        eventually("every point of every shown mixer was read", lambda: whole(here), 900)
        sleep_blocking(QUIET_S)
        where(here)
        pss = {name: least_pss(program.pid) for name, program in here.programs().items() if name != "simulator"}
        return pss, points_each(here, stacks)


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
    before = CLOCK.monotonic()
    done = all(
        point["value"] is not None or point["quality"] in ("unsupported", "error")
        for mixer in shown(here)
        for point in here.api.get(f"/devices/{mixer['id']}/points")["items"]
    )
    sleep_blocking(max(0.0, 1.0 - (CLOCK.monotonic() - before)))
    return done


def points_each(here: World, stacks: int) -> float:
    """From a sample of stacks: every device under one of them."""
    some = here.api.devices(kind="stack")[:: max(1, stacks // SHOWN)]
    count = 0
    for stack in some:
        for device in [stack, *here.api.devices(stack=stack["id"])]:
            count += len(here.api.get(f"/devices/{device['id']}/points")["items"])
    return count / len(some)
