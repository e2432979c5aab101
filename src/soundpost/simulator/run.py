"""`soundpost simulate`: builds the farm, its scene and its control API, and joins them until told to stop."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from soundpost.kernel.clock import Clock, SystemClock
from soundpost.kernel.errors import Invalid
from soundpost.simulator import control
from soundpost.simulator.addresses import DEFAULT_PORT
from soundpost.simulator.arraystation import DEFAULT_ARRAY_PORT
from soundpost.simulator.assumptions import Assumptions
from soundpost.simulator.bma360d import make_arrays
from soundpost.simulator.farm import Farm
from soundpost.simulator.fileservice import DEFAULT_FTP_PORT
from soundpost.simulator.scenes import Scene
from soundpost.simulator.specs import make_stacks

CONTROL_PORT = 8100


@dataclass(frozen=True, slots=True)
class Settings:
    """`sites`: `{"London": "127.20.1.0/24"}`, equal groups of stacks, each in its own network; it wins over `network`."""

    stacks: int = 60
    bma360d: int = 0
    seed: int = 1
    scene: str = "calm"
    personality: str = "lab"
    network: str | None = None
    port: int = DEFAULT_PORT
    bma360d_port: int = DEFAULT_ARRAY_PORT
    ftp_port: int = DEFAULT_FTP_PORT
    control_host: str = "127.0.0.1"
    control_port: int = CONTROL_PORT
    sites: Mapping[str, str] = field(default_factory=dict)
    switches: Mapping[str, Any] = field(default_factory=dict)


def sites(entries: Sequence[str]) -> dict[str, str]:
    """`["London=127.20.1.0/24"]` as `Settings.sites`. Raises Invalid `site_invalid`."""
    found: dict[str, str] = {}
    for entry in entries:
        name, mark, network = entry.partition("=")
        if not name.strip() or not mark or not network.strip() or name in found:
            raise Invalid(
                f"{entry!r} names no group of stacks: write NAME=NETWORK, such as London=127.20.1.0/24, each name once.",
                code="site_invalid",
            )
        found[name.strip()] = network.strip()
    return found


def report(assumptions: Assumptions, personality: str) -> list[str]:
    """The start-up report: one line per switch."""
    head = f"Simulated behaviour that no public source proves (personality {personality}):"
    return [head, *(f"  {row['name']} = {row['value']!r}: {row['text']}" for row in assumptions.report())]


async def run(
    settings: Settings,
    ready: Callable[[dict[str, Any]], None],
    stop: asyncio.Event,
    *,
    clock: Clock | None = None,
    say: Callable[[str], None] | None = None,
) -> None:
    """Returns after `stop` is set and every socket is closed. `ready` gets {"control": url, "stacks": n, "arrays": n}."""
    if settings.stacks < 0 or settings.stacks + settings.bma360d < 1:
        raise Invalid("There must be at least one stack, or one array.", code="stacks_invalid")
    clock = clock or SystemClock()
    farm = Farm(
        make_stacks(settings.stacks, settings.seed, list(settings.sites)),
        network=settings.sites or settings.network,
        port=settings.port,
        arrays=make_arrays(settings.bma360d, settings.seed, list(settings.sites)),
        array_port=settings.bma360d_port,
        ftp_port=settings.ftp_port,
        personality=settings.personality,
        clock=clock,
        seed=settings.seed,
        switches=settings.switches,
    )
    scene = Scene(farm, settings.scene)
    async with farm, control.serving(farm, settings.control_host, settings.control_port) as url:
        if say is not None:
            for line in report(farm.assumptions, farm.personality):
                say(line)
        playing = asyncio.get_running_loop().create_task(scene.run(clock))
        try:
            ready({"control": url, "stacks": len(farm.stations), "arrays": len(farm.arrays)})
            await stop.wait()
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
