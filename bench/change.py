"""change: a value changes at a device, which pushes it → the message at a browser subscribed to that device.

Each change is on disk before it is shown. The time runs from the simulator's own clock at the change to the arrival of the message,
on the same machine: on a hub that has nothing else to do but 60 polled stacks, and on one that takes in what `ingest` sends.
"""

import asyncio
from typing import Any

from msgspec import Struct

from bench.browser import Page, micro, page
from bench.crowd import SETTLE_S, end, entered
from bench.farm import Order, World, world
from bench.figures import Figure, Options, below, exactly, median, percentile, told
from bench.ingest import DEVICES_EACH, LINKS, RATE, SINGLE_LINKS
from bench.programs import Launched, eventually
from soundpost.kernel.clock import sleep_blocking

CHANGES = 300
GAP_S = 0.1
STACKS = 60
POINT, KEY = "MIC 101", "mic.101.level.gain"


class Target(Struct, frozen=True):
    """One point of one mixer, at the device and at the hub."""

    stack: str
    mixer: str


def run(options: Options) -> list[Figure]:
    changes = options.of(CHANGES, 30)
    with world(Order(options.of(STACKS, 10))) as here:
        settle(here)
        idle = asyncio.run(measure(here, changes))
        links = options.of(LINKS, SINGLE_LINKS)
        load = entered(here.hub, links, DEVICES_EACH)
        try:
            sleep_blocking(SETTLE_S)
            busy, answer = under_load(here, load, options.of(RATE, 250), changes)
        finally:
            end(load)
    return [
        *figures("idle", idle, changes),
        *figures("under ingest", busy, changes),
        told(
            "under ingest: acked meanwhile",
            answer["acked"] / answer["seconds"],
            f"changes a second over {links:,} links",
        ),
    ]


def under_load(here: World, load: Launched, rate: float, changes: int) -> tuple[list[float], dict[str, Any]]:
    """The load goes on for as long as the changes take."""
    seconds = changes * (GAP_S + 0.08) + 6.0
    load.tell({"do": "spread", "rate": rate, "pace_s": 1.0, "seconds": seconds})
    sleep_blocking(3.0)
    delays = asyncio.run(measure(here, changes))
    return delays, load.heard()


def figures(when: str, delays: list[float], changes: int) -> list[Figure]:
    return [
        exactly(f"{when}: changes seen", len(delays), f"of {changes}", changes),
        below(f"{when}: push → browser, p50", median(delays), "ms", 30),
        below(f"{when}: push → browser, p99", percentile(delays, 0.99), "ms", 50),
    ]


def settle(here: World) -> None:
    """The first reading of everything is another matter: wait until it is over."""
    for mixer in here.api.devices(kind="mixer"):
        eventually("every value was read", lambda id=mixer["id"]: all_read(here, id), 240)  # type: ignore[misc]


def all_read(here: World, mixer: str) -> bool:
    return all(p["quality"] in ("good", "unsupported") for p in here.api.get(f"/devices/{mixer}/points")["items"])


def target(here: World) -> Target:
    stack = here.control.get("/stacks").json()["items"][0]
    serial = stack["boxes"][0]["serial"]
    mixer = next(d for d in here.api.devices(kind="mixer") if d["serial_number"] == serial)
    return Target(stack["name"], mixer["id"])


async def measure(here: World, changes: int) -> list[float]:
    """Milliseconds of each change that was seen."""
    at = await asyncio.to_thread(target, here)
    delays = []
    async with page(here.api) as browser:
        await browser.subscribe(f"device:{at.mixer}")
        for number in range(changes):
            try:
                delays.append(await one(here, browser, at, -20.0 + (number % 60) * 0.5))
            except TimeoutError:
                continue
            await asyncio.sleep(GAP_S)
    return delays


async def one(here: World, browser: Page, at: Target, value: float) -> float:
    """A real change at the device, which it pushes; a made-up line would be put right by the next poll."""
    order = {"address": POINT, "parameter": "GAIN", "value": value}
    answer = await asyncio.to_thread(here.control.post, f"/stacks/{at.stack}/set", json=order)
    injected_us = micro(answer.raise_for_status().json()["time"])
    _, arrived_us = await browser.seen(lambda message: has(message, KEY, value))
    return (arrived_us - injected_us) / 1000


def has(message: dict[str, Any], key: str, value: float) -> bool:
    data = message.get("data") or {}
    return any(p["key"] == key and p.get("value") == value for p in data.get("points", []))
