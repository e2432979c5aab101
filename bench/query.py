"""query: what a page asks for, on a hub that knows 100,000 devices at 2,000 connected sites: the summary, a page of the list and a
search; then the same while 5,000 changes a second come in.

One unit is one HTTP request of one browser on a kept-alive connection, to its whole answer. The words searched for and the filters
change with each request, and the mix is what the pages ask: first pages by several orders, next pages, filters, searches that hit
one device, some and none.
"""

import math
import random
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from bench.crowd import Crowd, crowd
from bench.farm import cpu
from bench.figures import Figure, Options, below, exactly, percentile, told
from bench.ingest import profile
from bench.load.fleet import CITIES
from bench.programs import CLOCK

LINKS, DEVICES_EACH = 2_000, 50
ASKED = 150
RATE, WHILE_S = 5_000, 60
AIM_MS = 50.0
GAP_S = 0.01
Asked = dict[str, Any]


def run(options: Options) -> list[Figure]:
    links = options.of(LINKS, 4)
    with crowd(links, DEVICES_EACH) as here:
        total = int(here.api.get("/devices", limit=1)["total"])
        idle, hub = measured(here, links)
        busy = under_load(here, links, options.of(RATE, 100))
    return [
        exactly("devices", total, "listed", links * DEVICES_EACH),
        *(figure for kind, times in idle.items() for figure in of(kind, times)),
        told("loop lag of the hub meanwhile, p99", hub["lag_p99_ms"], "ms"),
        *(figure for kind, times in busy.items() for figure in of(f"{kind}, under load", times, aim=False)),
    ]


def of(kind: str, times: list[float], *, aim: bool = True) -> Iterator[Figure]:
    p95 = percentile(times, 0.95)
    yield below(f"{kind}: p95", p95, "ms", AIM_MS) if aim else told(f"{kind}: p95", p95, "ms")
    yield told(f"{kind}: p50", percentile(times, 0.5), "ms")


def questions(links: int) -> dict[str, Callable[[random.Random], tuple[str, Asked]]]:
    """Each kind's next request."""

    def page(chance: random.Random) -> tuple[str, Asked]:
        orders = ("name", "-name", "status", "-since", "model", "site")
        filters: list[Asked] = [{}, {"kind": "pro_audio"}, {"status": "offline,degraded"}, {"kind": "mixer"}]
        return "/devices", {"limit": 100, "order": chance.choice(orders), **chance.choice(filters)}

    def search(chance: random.Random) -> tuple[str, Asked]:
        number = chance.randrange(links)
        words = (
            f"{chance.choice(CITIES)} room", f"{number:04d}", f"10.{number >> 8}.{number & 255}.7",
            f"beamforming {number:04d}", "nothing like this", f"{number:04d}-0031",
        )  # fmt: skip
        return "/devices", {"limit": 100, "q": chance.choice(words)}

    return {"summary": lambda _: ("/summary", {}), "list page": page, "search": search}


def measured(here: Crowd, links: int) -> tuple[dict[str, list[float]], Asked]:
    here.hub.start_measuring()
    before = cpu(here.hub.pid)
    times = {kind: ask(here, kind, next_one) for kind, next_one in questions(links).items()}
    hub = here.hub.measured()
    hub["cpu_s"] = cpu(here.hub.pid) - before
    if hub["profile"]:
        profile(hub["profile"])
    return times, hub


def ask(here: Crowd, kind: str, next_one: Callable[[random.Random], tuple[str, Asked]]) -> list[float]:
    """Milliseconds of each request; list pages also go on to their second page."""
    chance, times = random.Random(kind), []
    for _ in range(ASKED):
        path, asked = next_one(chance)
        answer, took = timed(here, path, asked)
        times.append(took)
        if kind == "list page" and answer.get("next") and chance.random() < 0.3:
            times.append(timed(here, path, {**asked, "cursor": answer["next"]})[1])
        CLOCK_GAP.wait(GAP_S)
    return times


CLOCK_GAP = threading.Event()
"""Never set: its wait is a pause."""


def timed(here: Crowd, path: str, asked: Asked) -> tuple[Asked, float]:
    began = CLOCK.monotonic()
    answer = here.api.client.get(path, params=asked)
    took = (CLOCK.monotonic() - began) * 1000
    answer.raise_for_status()
    body: Asked = answer.json()
    return body, took


def under_load(here: Crowd, links: int, rate: float) -> dict[str, list[float]]:
    """The load runs as long as the questions take, within its bound."""
    here.load.tell({"do": "spread", "rate": rate, "pace_s": 1.0, "seconds": min(WHILE_S, 10 + links / 40)})
    heard: list[Asked] = []
    waiting = threading.Thread(target=lambda: heard.append(here.load.heard()))
    waiting.start()
    CLOCK_GAP.wait(2.0)
    times: dict[str, list[float]] = {kind: [] for kind in questions(links)}
    chances = {kind: random.Random(kind) for kind in times}
    while waiting.is_alive():
        for kind, next_one in questions(links).items():
            times[kind].append(timed(here, *next_one(chances[kind]))[1])
        CLOCK_GAP.wait(GAP_S)
    waiting.join()
    if heard and heard[0]["acked"] < heard[0]["sent"] and not math.isnan(rate):
        sys.stderr.write(f"  the load was behind meanwhile: {heard[0]}\n")
    return times
