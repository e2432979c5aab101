"""A hub with many played agents (bench/load): what *ingest*, *query* and *change under ingest* share."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

from bench.farm import folder, stop
from bench.programs import Api, Launched, Probed, Program
from soundpost.kernel.clock import sleep_blocking

ADMINISTRATORS = 2
"""Hashing a password costs a core 24 ms: as many at once as there are cores to do it."""
SETTLE_S = 12.0
"""Two rounds of the keeper, which brings blobs up to date after the first values of everything."""


class Crowd(Struct):
    base: Path
    hub: Probed
    api: Api
    load: Launched
    entered: dict[str, Any]

    def order(self, **order: Any) -> dict[str, Any]:
        """What the load answers; it is done by then."""
        self.load.tell(order)
        return self.load.heard()


def hub_arguments(base: Path) -> tuple[str, ...]:
    return ("hub", "--data", str(base / "hub"), "--port", "0", "--tls-port", "0")


def accounts(hub: Probed, links: int) -> list[dict[str, str]]:
    """One account for each link, added by the hub's owner as a person would: no key may do that."""
    url, owner = hub.ready["url"], hub.ready["owner"]

    def add(number: int) -> dict[str, str]:
        name = f"Site {number:04d}"
        answer = person.post("/agents", json={"name": name}).raise_for_status()
        return {"name": name, "password": answer.json()["password"]}

    with httpx.Client(base_url=f"{url}/api/v1", headers={"Origin": url}, timeout=60) as person:
        signed_in = person.post("/session", json={"sign_in": owner["email"], "password": owner["password"]})
        signed_in.raise_for_status()
        with ThreadPoolExecutor(ADMINISTRATORS) as pool:
            return list(pool.map(add, range(links)))


def entered(hub: Probed, links: int, devices_each: int) -> Launched:
    """The load, once all its agents are in and what they told is acked. The hub was started with orders for an agent, so it says
    which CA to trust."""
    return Launched(
        "bench.load",
        orders={
            "host": "127.0.0.1",
            "port": urlsplit(hub.ready["tls_url"]).port,
            "ca_pem": hub.ready["agents"][0]["ca_pem"],
            "accounts": accounts(hub, links),
            "devices_each": devices_each,
        },
    )


@contextmanager
def crowd(links: int, devices_each: int, environment: Mapping[str, str] | None = None) -> Iterator[Crowd]:
    """Ready once every device is declared, listed and has its first values on disk. Everything is stopped at the end."""
    with ExitStack() as after:
        base = after.enter_context(folder())
        programs: list[Program] = []
        hub = Probed(*hub_arguments(base), orders={"make_owner": True, "agents": [{"name": "Bench", "fresh": True}]},
                     environment=environment)  # fmt: skip
        after.callback(lambda: stop(here.hub if programs else hub))
        api = Api(hub.ready["url"], hub.ready["api_key"])
        after.callback(api.close)
        load = entered(hub, links, devices_each)
        after.callback(end, load)
        here = Crowd(base, hub, api, load, load.ready)
        programs.append(load)
        sleep_blocking(SETTLE_S)
        yield here


def end(load: Launched) -> None:
    """It ends when its input does."""
    load.process.terminate()
    load.process.wait(20)
    load._close()


def wrong(api: Api, items: list[dict[str, Any]]) -> list[str]:
    """Sampled devices whose acked values the hub does not tell."""
    bad = []
    for item in items:
        points = {p["key"]: p["value"] for p in api.get(f"/devices/{item['device']}/points")["items"]}
        if differing := {k: (v, points.get(k)) for k, v in item["values"].items() if points.get(k) != v}:
            bad.append(f"{item['device']} {json.dumps(differing)}")
    return bad
