"""fault: a stack is put in trouble → the event of its new status is readable at the hub. 40 each of three troubles, twice.

refuse: the device resets its lines and refuses new ones. error: it answers every request with an error line. silence: it answers
nothing. Held: the shipped periods, so that something is asked on each line several times a second. Polled: one request a line each
5 s (the heartbeat), everything else read once.

The time runs from the simulator's clock at the injection (silence while held: from the first request left unanswered, as the
simulator saw it) to the arrival of the event at a subscribed browser, and is kept only when the hub's API then tells it, too.
"""

import asyncio
import json
import random
from typing import Any

from msgspec import Struct

from bench.browser import Page, micro, page
from bench.farm import Order, World, settle, world
from bench.figures import Figure, Options, at_most, below, exactly, median, percentile, told
from bench.programs import CLOCK

EACH = 40
POLL_S = 5.0
ANSWER_S = 2.0
"""The shipped time-out of one request."""
SLACK_S = 0.2
TROUBLES = ("refuse", "error", "silence")
POLLED = {
    # The heartbeat is the only request that comes again: one poll a line each 5 s.
    "SOUNDPOST_AGENT_PERIOD_HEARTBEAT": f"{POLL_S:g}",
    "SOUNDPOST_AGENT_PERIOD_STATUS": "3600",
    "SOUNDPOST_AGENT_PERIOD_LEVELS": "3600",
    "SOUNDPOST_AGENT_PERIOD_SETTINGS": "10000000",
}


class Injected(Struct):
    """One trouble of one stack: when it began and when its event could be read (microseconds; 0 = never)."""

    trouble: str
    name: str
    device: str
    began_us: int = 0
    readable_us: int = 0
    asked_us: int = 0
    """The first request that met it, as the simulator saw it."""


def run(options: Options) -> list[Figure]:
    each = options.of(EACH, 4)
    held = measure(each, {}, gap_s=0.4)
    polled = measure(each, POLLED, gap_s=0.35)
    return [
        *(figure for trouble in TROUBLES for figure in held_figures(trouble, held, each)),
        *(figure for trouble in TROUBLES for figure in polled_figures(trouble, polled, each)),
    ]


def held_figures(trouble: str, all: list[Injected], each: int) -> list[Figure]:
    silence = trouble == "silence"
    delays, from_request = delays_s(trouble, all), delays_s(trouble, all, from_request=True)
    aimed = from_request if silence else delays
    since = ", from the first request" if silence else ""
    return [
        exactly(f"{trouble}, held, seen", len(aimed), f"of {each}", each),
        below(f"{trouble}, held, p95{since}", percentile(aimed, 0.95), "s", ANSWER_S + SLACK_S if silence else 1.0),
        told(f"{trouble}, held, p50{since}", median(aimed), "s"),
        *(
            [told("error, held, p95, from the first request", percentile(from_request, 0.95), "s")]
            if trouble == "error"
            else []
        ),
    ]


def polled_figures(trouble: str, all: list[Injected], each: int) -> list[Figure]:
    delays = delays_s(trouble, all)
    most = POLL_S / 2 + SLACK_S + (ANSWER_S if trouble == "silence" else 0)
    return [
        exactly(f"{trouble}, polled, seen", len(delays), f"of {each}", each),
        at_most(f"{trouble}, polled, p50", median(delays), "s", most),
        told(f"{trouble}, polled, worst", max(delays, default=float("nan")), "s"),
    ]


def delays_s(trouble: str, all: list[Injected], *, from_request: bool = False) -> list[float]:
    seen = [one for one in all if one.trouble == trouble and one.readable_us]
    return [(one.readable_us - (one.asked_us if from_request else one.began_us)) / 1e6 for one in seen]


def measure(each: int, environment: dict[str, str], *, gap_s: float) -> list[Injected]:
    with world(Order(each * len(TROUBLES), environment, unanswered=True)) as here:
        settle(here)
        plan = planned(here, each)
        asyncio.run(play(here, plan, gap_s))
        note_first_requests(here, plan)
        check(here, plan)
    return plan


def planned(here: World, each: int) -> list[Injected]:
    """Each stack once, so that no trouble meets the recovery from another."""
    by_box = {tuple(sorted(stack["boxes"])): stack["id"] for stack in here.api.devices(kind="stack")}
    stacks = here.control.get("/stacks").json()["items"]
    plan = [
        Injected(TROUBLES[n % len(TROUBLES)], stack["name"], by_box[tuple(sorted(b["serial"] for b in stack["boxes"]))])
        for n, stack in enumerate(stacks)
    ]
    random.Random(1).shuffle(plan)
    return plan[: each * len(TROUBLES)]


async def play(here: World, plan: list[Injected], gap_s: float) -> None:
    waiting = {one.device: one for one in plan}
    chance = random.Random(2)
    async with page(here.api) as browser:
        await browser.subscribe("events")
        listening = asyncio.create_task(listen(browser, waiting))
        for one in plan:
            answer = await asyncio.to_thread(
                here.control.post, f"/stacks/{one.name}/faults", json={"fault": one.trouble, "on": True, "args": {}}
            )
            one.began_us = micro(answer.raise_for_status().json()["time"])
            await asyncio.sleep(gap_s * chance.uniform(0.5, 1.5))
        try:
            await asyncio.wait_for(asyncio.shield(listening), 30)
        except TimeoutError:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def listen(browser: Page, waiting: dict[str, Injected]) -> None:
    """Until every stack in trouble was told of."""
    while any(not one.readable_us for one in waiting.values()):
        message, arrived = await browser.next()
        for event in message.get("data", {}).get("items", ()) if message.get("topic") == "events" else ():
            one = waiting.get(event.get("device") or "")
            if one and not one.readable_us and event["type"] == "device.status" and event["data"]["status"] != "online":
                one.readable_us = arrived


def note_first_requests(here: World, plan: list[Injected]) -> None:
    first: dict[str, int] = {}
    for line in here.unanswered.read_text().splitlines():
        entry = json.loads(line)
        first.setdefault(entry["stack"], entry["us"])
    for one in plan:
        one.asked_us = first.get(one.name, one.began_us)


def check(here: World, plan: list[Injected]) -> None:
    """An event the API does not tell was not readable."""
    events: list[dict[str, Any]] = []
    after = 0
    until = CLOCK.monotonic() + 30
    while CLOCK.monotonic() < until:
        got = here.api.get("/events", after=after, limit=1000, type="device.status")["items"]
        if not got:
            break
        events += got
        after = got[-1]["id"]
    told_of = {event["device"] for event in events if event["data"]["status"] != "online"}
    for one in plan:
        if one.device not in told_of:
            one.readable_us = 0
