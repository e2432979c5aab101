"""outage: the hub is killed (SIGKILL) for 60 s while 100 values a second change at the devices; then it starts again.

One unit is one change of a value at a device, which it pushes; each takes a value its point had not before. Every point that changed
is looked up in the hub's history afterwards: *lost* = a change that is not there, *doubled* = one that is there twice. Facts: ten
microphones go away meanwhile, and each event is looked for by its device and id. *Drained* runs from the agent's return to the moment the
last change made while the hub was away is readable in its history; how long the agent waits before it tries again is told apart.
"""

import asyncio
import contextlib
import sys
from collections import Counter
from typing import Any

import httpx

from bench.farm import Order, World, world
from bench.figures import Figure, Options, at_most, exactly, told
from bench.programs import CLOCK
from soundpost.kernel.clock import rfc3339, sleep_blocking

STACKS, RATE = 100, 100.0
BEFORE_S, AWAY_S, AFTER_S = 5.0, 60.0, 5.0
TROUBLED = 10
DRAIN_WAIT_S = 90.0
LOWEST, STEP, MOST_EACH = -64.5, 0.5, 168
"""A gain takes steps of half a decibel between -65 and 20: so many different values it has."""
POINT, KEY = "MIC 101", "mic.101.level.gain"
Change = tuple[str, float]
"""A stack's name and the value its first microphone's gain took."""


def run(options: Options) -> list[Figure]:
    stacks = options.of(STACKS, 10)
    away = max(10.0, AWAY_S * min(1.0, options.scale))
    with world(Order(stacks)) as here:
        mixers = first_mixers(here)
        sleep_blocking(8.0)
        since = CLOCK.now_ms() - 1000
        changes, waited_s, drained_s = asyncio.run(play(here, mixers, options.of(RATE, 10), away, since))
        lost, doubled = compare(here, mixers, changes, since)
        facts_lost, facts_doubled, facts = told_facts(here, mixers)
    return [
        told(
            "changes at the devices",
            len(changes),
            f"in {BEFORE_S + away + AFTER_S:g} s, {away:g} s of them without a hub",
        ),
        exactly("values lost", lost, "changes", 0),
        exactly("values doubled", doubled, "changes", 0),
        told("facts looked for", facts, "events"),
        exactly("facts lost", facts_lost, "events", 0),
        exactly("facts doubled", facts_doubled, "events", 0),
        told("hub listening → agent back", waited_s, "s"),
        at_most("agent back → drained", drained_s, "s", 5.0),
    ]


def first_mixers(here: World) -> dict[str, str]:
    """Stack's name → the device of its first box."""
    by_serial = {m["serial_number"]: m["id"] for m in here.api.devices(kind="mixer")}
    items = here.control.get("/stacks").json()["items"]
    return {item["name"]: by_serial[item["boxes"][0]["serial"]] for item in items}


async def play(
    here: World, mixers: dict[str, str], rate: float, away: float, since_ms: int
) -> tuple[list[Change], float, float]:
    """The changes made; seconds until the agent was back, and from then until it was drained."""
    changes: list[Change] = []
    over = asyncio.Event()
    turning = asyncio.create_task(turn(here, list(mixers), rate, changes, over))
    await asyncio.sleep(BEFORE_S)
    await asyncio.to_thread(here.hub.kill)
    await asyncio.sleep(away * 0.3)
    await trouble(here, list(mixers)[:TROUBLED], on=True)
    await asyncio.sleep(away * 0.7)
    await asyncio.to_thread(here.restart_hub)
    listening = CLOCK.monotonic()
    last = changes[-1]
    back, drained = await asyncio.to_thread(drain, here, mixers, last, since_ms)
    await asyncio.sleep(AFTER_S)
    over.set()
    await turning
    await asyncio.sleep(2.0)
    return changes, back - listening, drained - back


async def turn(here: World, names: list[str], rate: float, changes: list[Change], over: asyncio.Event) -> None:
    """Changes one gain after the other; a point's values never repeat."""
    began, number = CLOCK.monotonic(), 0
    async with httpx.AsyncClient(base_url=here.control.base_url, timeout=30) as control:
        while not over.is_set():
            # A stall is not made up for: two changes of one point within the agent's 200 ms are one by its rules.
            began = max(began, CLOCK.monotonic() - (number + len(names) / 4) / rate)
            while number < min((CLOCK.monotonic() - began) * rate, MOST_EACH * len(names)):
                name, value = names[number % len(names)], LOWEST + number // len(names) * STEP
                order = {"address": POINT, "parameter": "GAIN", "value": value}
                (await control.post(f"/stacks/{name}/set", json=order)).raise_for_status()
                changes.append((name, value))
                number += 1
            await asyncio.sleep(0.005)


async def trouble(here: World, names: list[str], *, on: bool) -> None:
    for name in names:
        order = {"fault": "peripheral_gone", "on": on, "args": {}}
        await asyncio.to_thread(here.control.post, f"/stacks/{name}/faults", json=order)


def drain(here: World, mixers: dict[str, str], last: Change, since_ms: int) -> tuple[float, float]:
    """When the agent was connected again, and when the hub told the last change. The hub's row of an agent says only every ten
    seconds how much waits there, so the change itself is asked for."""
    back = 0.0
    until = CLOCK.monotonic() + DRAIN_WAIT_S
    while CLOCK.monotonic() < until:
        with contextlib.suppress(httpx.HTTPError):
            if not back and here.api.get("/agents")["items"][0]["state"] == "connected":
                back = CLOCK.monotonic()
            if back and last[1] in history(here, mixers[last[0]], since_ms):
                return back, CLOCK.monotonic()
        sleep_blocking(0.05)
    return back or CLOCK.monotonic(), CLOCK.monotonic()


def history(here: World, mixer: str, since_ms: int) -> list[float]:
    path = f"/devices/{mixer}/points/{KEY}/history"
    items = here.api.get(path, after=rfc3339(since_ms))["items"]
    return [float(item["value"]) for item in items if item["value"] is not None]


def compare(here: World, mixers: dict[str, str], changes: list[Change], since_ms: int) -> tuple[int, int]:
    """Lost and doubled, by what the hub's history tells of each point."""
    wanted: dict[str, Counter[float]] = {}
    for name, value in changes:
        wanted.setdefault(name, Counter())[value] += 1
    lost = doubled = 0
    for name, values in wanted.items():
        got = Counter(history(here, mixers[name], since_ms))
        lost += sum(1 for value in values if not got[value])
        doubled += sum(got[value] - 1 for value in values if got[value] > 1)
        for value in values:
            if got[value] != 1:
                explain(here, mixers[name], value, since_ms)
    return lost, doubled


def explain(here: World, mixer: str, value: float, since_ms: int) -> None:
    """What the history tells around a value that is not there once."""
    path = f"/devices/{mixer}/points/{KEY}/history"
    near = [
        f"{item['time'][14:23]} {item['value']}"
        for item in here.api.get(path, after=rfc3339(since_ms))["items"]
        if item["value"] is not None and abs(float(item["value"]) - value) <= 2 * STEP
    ]
    sys.stderr.write(f"  {value} of {mixer}: {', '.join(near)}\n")


def told_facts(here: World, mixers: dict[str, str]) -> tuple[int, int, int]:
    """Peripherals that went away while the hub was: each is told exactly once."""
    events: list[dict[str, Any]] = []
    after = 0
    while got := here.api.get("/events", after=after, limit=1000, type="device.status")["items"]:
        events += got
        after = got[-1]["id"]
    gone = Counter(e["device"] for e in events if (e["data"].get("reason") or {}).get("code") == "peripheral_gone")
    troubled = {mixers[name] for name in list(mixers)[:TROUBLED]}
    with_peripherals = {d["parent"] for d in here.api.devices(kind="microphone,expander,other")} & troubled
    lost = sum(1 for id in with_peripherals if not gone[id])
    doubled = sum(count - 1 for id, count in gone.items() if id in troubled and count > 1)
    return lost, doubled, len(with_peripherals)
