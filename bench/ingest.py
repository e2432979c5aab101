"""ingest: played agents over real TLS links send changes to one hub; each is on disk before it is acked, and readable.

2,000 links with 50 devices of 8 points each send 50,000 changes a second for 60 s, a frame a second on each link, together with the
*read until* of their devices; then the same in frames each 200 ms, as today's agents send when much changes at once; then ten links
send frames of one change as fast as the acks allow. One unit is one change. While a chart is asked for: the spread of a frame a second
goes on, and a person asks for one point's history, part of which is sealed and part in the redo log still (the hub seals each five
minutes; that falls into one of these times or not).

CPU is that of the one hub process. Loop lag is measured inside it by a 5 ms ticker (bench/probe.py) as work arriving at any moment
feels it. *On disk before the ack*: the hub is killed (SIGKILL) right after the last ack, and what was acked is asked of its successor.
"""

import sys
import threading
from typing import Any

import httpx
import psutil

from bench.crowd import Crowd, crowd, hub_arguments, wrong
from bench.farm import cpu
from bench.figures import Figure, Options, at_least, below, exactly, told
from bench.programs import CLOCK, Api, Probed
from soundpost.kernel.clock import sleep_blocking

LINKS, DEVICES_EACH, RATE, SECONDS = 2_000, 50, 50_000, 60
SINGLE_LINKS, SINGLE_RATE = 10, 5_000
SAMPLE = 200
CHART_S = 120.0


def run(options: Options) -> list[Figure]:
    links = options.of(LINKS, SINGLE_LINKS)
    rate = options.of(RATE, 250)
    with crowd(links, DEVICES_EACH) as here:
        spread, hub = measured(here, do="spread", rate=rate, pace_s=1.0, seconds=options.of(SECONDS, 10))
        figures = [
            told("links", here.entered["links"], f"with {here.entered['devices']:,} devices"),
            *spread_figures("a frame a second", spread, hub, rate),
            told("memory of the hub", psutil.Process(here.hub.pid).memory_info().rss / 2**20, "MiB resident"),
        ]
        often, hub = measured(here, do="spread", rate=rate, pace_s=0.2, seconds=options.of(20, 8))
        figures += spread_figures("a frame each 200 ms", often, hub, rate, aims=False)
        single, hub = measured(here, do="single", links=SINGLE_LINKS, seconds=options.of(15, 8))
        figures += single_figures(single, hub)
        figures += sealed(here, rate, options.of(30, 10))
        figures += kept(here)
    return figures


def sealed(here: Crowd, rate: float, seconds: float) -> list[Figure]:
    """One chart asked for under load."""
    at = here.order(do="sample", count=1)["items"][0]
    path, answered = f"/devices/{at['device']}/points/{next(iter(at['values']))}/history", []

    def ask() -> None:
        sleep_blocking(2.0)
        began = CLOCK.monotonic()
        try:
            here.api.client.get(path, timeout=CHART_S).raise_for_status()
        except httpx.HTTPError as error:
            sys.stderr.write(f"  the history of a point was not told: {error!r}\n")
        answered.append(CLOCK.monotonic() - began)

    asking = threading.Thread(target=ask)
    asking.start()
    load, hub = measured(here, do="spread", rate=rate, pace_s=1.0, seconds=seconds)
    asking.join()
    return [
        told("a chart asked for meanwhile", answered[0], "s"),
        told("while a chart is asked for: acked", load["acked"] / load["seconds"], "changes a second"),
        told("while a chart is asked for: loop lag, p99", hub["lag_p99_ms"], "ms"),
        told("while a chart is asked for: longest stall", hub["lag_max_ms"], "ms"),
    ]


def measured(here: Crowd, **order: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the load and the hub's own probe say of the same time. The CPU is the process's, its writer's thread included."""
    here.hub.start_measuring()
    before = cpu(here.hub.pid)
    answer = here.order(**order)
    hub = here.hub.measured()
    hub["cores"] = (cpu(here.hub.pid) - before) / answer["seconds"]
    if hub["profile"]:
        sys.stderr.write(f"  {order}: lag p99 {hub['lag_p99_ms']:.1f} ms, longest stall {hub['lag_max_ms']:.0f} ms\n")
        profile(hub["profile"])
    return answer, hub


def spread_figures(
    name: str, load: dict[str, Any], hub: dict[str, Any], rate: float, *, aims: bool = True
) -> list[Figure]:
    acked = load["acked"] / load["seconds"]
    figures = [
        at_least(f"{name}: acked", acked, "changes a second", rate * 0.99),
        below(f"{name}: one hub process", hub["cores"], "cores", 1.0),
        below(f"{name}: loop lag, p99", hub["lag_p99_ms"], "ms", 20.0),
        told(f"{name}: longest stall", hub["lag_max_ms"], "ms"),
    ]
    if not aims:
        figures = [told(figure.name, figure.value, figure.unit) for figure in figures]
    return [
        *figures,
        told(f"{name}: ack, p50", load["ack_p50_ms"], "ms"),
        told(f"{name}: ack, p99", load["ack_p99_ms"], "ms"),
        told(f"{name}: frames that waited for credit", load["frames_held_back"], f"of {load['frames']:,}"),
        exactly(f"{name}: links lost", load["lost_links"], "links", 0),
        told(f"{name}: the load itself", load["load_cpu_s"] / load["seconds"], "cores"),
    ]


def single_figures(load: dict[str, Any], hub: dict[str, Any]) -> list[Figure]:
    return [
        at_least("one change a frame: acked", load["acked"] / load["seconds"], "changes a second", SINGLE_RATE),
        told("one change a frame: one hub process", hub["cores"], "cores"),
        told("one change a frame: ack, p50", load["ack_p50_ms"], "ms"),
    ]


def kept(here: Crowd) -> list[Figure]:
    """Readable now, and after the hub was killed."""
    sample = here.order(do="sample", count=SAMPLE)["items"]
    now = wrong(here.api, sample)
    key = here.api.client.headers["X-Api-Key"]
    here.hub.kill()
    killed = CLOCK.monotonic()
    here.hub = Probed(*hub_arguments(here.base), orders={"make_owner": False})
    listening = CLOCK.monotonic() - killed
    again = Api(here.hub.ready["url"], key)
    try:
        later = wrong(again, sample)
    finally:
        again.close()
    for line in [*now[:3], *later[:3]]:
        sys.stderr.write(f"  not as acked: {line}\n")
    return [
        exactly("acked values readable", len(sample) - len(now), f"of {len(sample)} devices", len(sample)),
        exactly("the same after a kill", len(sample) - len(later), f"of {len(sample)} devices", len(sample)),
        told("kill → listening again", listening, "s"),
    ]


def profile(told: dict[str, Any]) -> None:
    """With SOUNDPOST_PROBE_PROFILE=1: where the main thread's CPU went."""
    sys.stderr.write(
        f"  main thread {told['total_s']:.2f} CPU s, {told['stalled_s']:.2f} CPU s in stalls of its loop\n"
    )
    for kind in ("own", "within", "stalls"):
        for name, share in told[kind][:25]:
            sys.stderr.write(f"    {kind:6} {share * 100:5.1f} %  {name}\n")
