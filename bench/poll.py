"""poll: a request and its answer each second on 1,000 stacks, then each 10 s on 5,000; one agent and one hub; all answered, all
readable at the hub's API.

One poll = one request sent to a device and its answer read. CPU seconds are those of agent and hub together, the simulator apart.
"""

from collections.abc import Iterator

from msgspec import Struct

from bench.farm import Order, World, polls, settle, world
from bench.figures import Figure, Options, at_least, below, exactly, told
from bench.programs import CLOCK
from soundpost.drivers.converge_pro2.report import polls_of
from soundpost.kernel.clock import sleep_blocking
from soundpost.simulator.specs import make_stacks

SLACK_S = 6.0
"""A value is asked for within its period, told with the next frame, and *read until* once a second."""


class Pace(Struct, frozen=True):
    """So many stacks, a poll each `every_s` on the average of them: each status value each `period_s`."""

    stacks: int
    every_s: float
    period_s: float
    seconds: float

    @property
    def environment(self) -> dict[str, str]:
        """Everything else is read once, before the measurement."""
        hours = {f"SOUNDPOST_AGENT_PERIOD_{name}": "7200" for name in ("LEVELS", "FACTS", "HEARTBEAT")}
        # Their first reading is spread over a fifth of their period, and would go on all through the measurement.
        never = {"SOUNDPOST_AGENT_PERIOD_SETTINGS": "10000000"}
        return {"SOUNDPOST_AGENT_PERIOD_STATUS": f"{self.period_s:.3f}", **hours, **never}


def pace(stacks: int, every_s: float, seconds: float) -> Pace:
    """The status of its boxes is the only thing asked while it is measured."""
    asked = sum(polls_of(box.model)[0] for spec in make_stacks(stacks, 1, []) for box in spec.boxes)
    return Pace(stacks, every_s, every_s * asked / stacks, seconds)


def paces(options: Options) -> list[Pace]:
    seconds = 60.0 if options.scale >= 1 else 20.0
    return [pace(options.of(1_000, 20), 1.0, seconds), pace(options.of(5_000, 50), 10.0, seconds)]


def run(options: Options) -> Iterator[Figure]:
    """Each pace is told when it was measured."""
    for pace in paces(options):
        yield from measure(pace)


def measure(pace: Pace) -> list[Figure]:
    with world(Order(pace.stacks, pace.environment, found_s=900)) as here:
        settle(here, look_s=max(3.0, pace.every_s / 2), wait_s=900)
        polls_before, cpu_before, start = polls(here), here.cpu_s(), CLOCK.monotonic()
        sleep_blocking(pace.seconds)
        answered, cpu_after, took = polls(here) - polls_before, here.cpu_s(), CLOCK.monotonic() - start
        spent = {name: (cpu_after[name] - cpu_before[name]) / answered * 1000 for name in cpu_after}
        readable = readable_now(here, pace)
    name, wanted = f"{pace.stacks:,} stacks each {pace.every_s:g} s", pace.stacks / pace.every_s
    both = spent["hub"] + spent["agent"]
    return [
        at_least(f"{name}: answered", answered / took, "polls a second", wanted * 0.98),
        below(f"{name}: agent and hub", both, "CPU s per 1,000 polls", 0.5),
        told(f"{name}: agent", spent["agent"], "CPU s per 1,000 polls"),
        told(f"{name}: hub", spent["hub"], "CPU s per 1,000 polls"),
        exactly(f"{name}: fresh at the hub's API", readable, f"stacks of {pace.stacks:,}", pace.stacks),
    ]


def readable_now(here: World, pace: Pace) -> int:
    """Stacks all of whose mixers show a value as fresh as the pace allows."""
    mixers = here.api.devices(kind="mixer")
    stale = {m["stack"] for m in mixers if m["age_s"] is None or m["age_s"] > pace.period_s + SLACK_S}
    return len({m["stack"] for m in mixers} - stale)
