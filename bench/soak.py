"""soak: 1,000 stacks of the simulator's *lively* scene, an agent and a hub, for 20 minutes (`--hours` for longer).

Every ten seconds each process tells its memory (PSS), tasks, open descriptors and the size of its write-ahead logs. The first quarter
is warm-up; the rest is fitted by a straight line, and its growth over the time measured is what the table tells.
"""

import json
import sys
from pathlib import Path
from typing import Any

import psutil
from msgspec import Struct
from msgspec.structs import asdict

from bench.farm import Order, World, sizes, world
from bench.figures import Figure, Options, at_most, exactly, intercept, slope, told
from bench.programs import CLOCK
from soundpost.kernel.clock import sleep_blocking

STACKS, MINUTES, LOOK_S = 1_000, 20.0, 10.0
WARM_UP = 0.25
GROWTH_PERCENT, WAL_MIB = 2.0, 4.0
"""Near zero: what a line may gain while it is measured, of its own size; a write-ahead log in MiB."""


class Look(Struct, frozen=True):
    second: float
    pss_mib: float
    tasks: float
    descriptors: float
    wal_mib: float


def run(options: Options) -> list[Figure]:
    minutes = options.hours * 60 if options.hours else max(2.0, MINUTES * min(1.0, options.scale))
    stacks = options.of(STACKS, 20)
    with world(Order(stacks, scene="lively", found_s=900)) as here:
        looks = watch(here, minutes * 60)
        alive = sum(program.process.poll() is None for program in here.programs().values())
        errors = sum(bad(program.log) for program in (here.hub, here.agent))
    keep(looks)
    return [
        told(
            "measured",
            minutes * (1 - WARM_UP),
            f"minutes of {stacks:,} lively stacks, after {minutes * WARM_UP:.0f} to warm up",
        ),
        *(figure for name in looks for figure in grown(name, settled(looks[name]))),
        exactly("processes alive at the end", alive, "of 3", 3),
        exactly("faults in their logs", errors, "lines", 0),
    ]


def watch(here: World, seconds: float) -> dict[str, list[Look]]:
    looks: dict[str, list[Look]] = {"agent": [], "hub": []}
    began = CLOCK.monotonic()
    while (now := CLOCK.monotonic() - began) < seconds:
        for name, program in (("agent", here.agent), ("hub", here.hub)):
            looks[name].append(look(program.pid, program.measured(), now, here.base / name))
        sleep_blocking(max(0.0, LOOK_S - (CLOCK.monotonic() - began - now)))
    return looks


def look(pid: int, probe: dict[str, Any], second: float, data: Path) -> Look:
    process = psutil.Process(pid)
    return Look(
        second,
        process.memory_full_info().pss / 2**20,
        float(probe["tasks"]),
        float(process.num_fds()),
        sum(sizes(data).values()) / 2**20,
    )


def settled(looks: list[Look]) -> list[Look]:
    """Without the warm-up."""
    return looks[int(len(looks) * WARM_UP) :]


def grown(name: str, looks: list[Look]) -> list[Figure]:
    memory = line(looks, "pss_mib")
    figures = [told(f"{name}: memory", looks[-1].pss_mib if looks else 0.0, "MiB PSS at the end")]
    figures.append(told(f"{name}: memory, slope", memory[0] * 3600, "MiB an hour"))
    for what, word in (("pss_mib", "memory"), ("tasks", "tasks"), ("descriptors", "descriptors")):
        gained, base = line(looks, what)
        figures.append(at_most(f"{name}: {word}, growth", share(gained * span(looks), base), "%", GROWTH_PERCENT))
    figures.append(at_most(f"{name}: write-ahead log, growth", line(looks, "wal_mib")[0] * span(looks), "MiB", WAL_MIB))
    return figures


def line(looks: list[Look], what: str) -> tuple[float, float]:
    """Gain a second, and where it began."""
    points = [(look.second, float(getattr(look, what))) for look in looks]
    return slope(points), intercept(points)


def span(looks: list[Look]) -> float:
    return looks[-1].second - looks[0].second if looks else 0.0


def share(gain: float, base: float) -> float:
    return 100 * gain / base if base else 0.0


def bad(log: list[str]) -> int:
    return sum("Traceback" in line or "[error" in line or '"level":"error"' in line for line in log)


def keep(looks: dict[str, list[Look]]) -> None:
    """The first and the last look of each, for whoever wants to see the shape of it."""
    for name, all in looks.items():
        for one in (*all[:1], *all[-1:]):
            sys.stderr.write(f"  {name} {json.dumps({k: round(v, 1) for k, v in asdict(one).items()})}\n")
