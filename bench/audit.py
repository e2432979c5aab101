"""audit: acts written down, each as two rows of the chain on disk with `synchronous=FULL`, SQLite.

One unit is one act, opened and completed. *Singly* = each in a transaction of its own, so many callers at once, answered after its
commit; they share commits where they wait for one. *Bulk* = one job that writes acts in commits of 200 rows, one after the other.
*Requests* goes the whole way: an owner's cookie, HTTP on loopback, 16 connections, a place's notes changed and audited; the client's
own work is on the same machine. *Verify* walks over all that was written.
"""

import asyncio
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from bench.farm import folder, stop
from bench.figures import Figure, Options, at_least, percentile, told
from bench.programs import CLOCK, Program
from soundpost.hub.audit import proving, service
from soundpost.hub.audit.service import Who
from soundpost.hub.store import Store, Tx
from soundpost.kernel.clock import SystemClock

SINGLY, BULK, REQUESTS = 5_000, 50_000, 3_000
CALLERS = 32, 8, 1
A_COMMIT = 100
"""Acts: 200 rows (T12)."""
ADA = Who("person", "usr_00000000000000000000000000", "Ada Lovelace", "192.0.2.1")


def run(options: Options) -> list[Figure]:
    with folder() as base:
        figures = asyncio.run(appended(base, options))
        return figures + requests(base, options)


async def appended(base: Path, options: Options) -> list[Figure]:
    figures: list[Figure] = []
    async with Store(base / "soundpost.db", SystemClock(), keys=base / "keys") as store:
        await store.unit_of_work(act)
        for callers in CALLERS:
            rate, waits = await singly(store, options.of(SINGLY, 100) // (1 if callers > 1 else 5), callers)
            name = f"singly, {callers} callers" if callers > 1 else "singly, one caller"
            figures.append(at_least(name, rate, "acts/s", 500) if callers == CALLERS[0] else told(name, rate, "acts/s"))
            figures.append(told(f"{name}: answered, p99", percentile(waits, 0.99) * 1_000, "ms"))
        figures.append(at_least("bulk", await bulk(store, options.of(BULK, 1_000)), "acts/s", 5_000))
        began = CLOCK.monotonic()
        report = await proving.prove(store, store.secrets.audit_key, CLOCK.now_ms())
        took = CLOCK.monotonic() - began
        assert report.state == "whole", report.findings
        figures.append(told("verify", report.checked / took, f"rows/s, {report.checked} of them"))
    return figures


def act(tx: Tx) -> None:
    detail = {"before": {"name": "Room 1", "notes": ""}, "after": {"name": "Room 1", "notes": "Table microphones"}}
    service.recorded(tx, ADA, "location.changed", subject="loc_00000000000000000000000000", detail=detail)


async def singly(store: Store, acts: int, callers: int) -> tuple[float, list[float]]:
    numbers, waits = count(), list[float]()

    async def caller() -> None:
        while next(numbers) < acts:
            began = CLOCK.monotonic()
            await store.unit_of_work(act)
            waits.append(CLOCK.monotonic() - began)

    began = CLOCK.monotonic()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return acts / (CLOCK.monotonic() - began), waits


async def bulk(store: Store, acts: int) -> float:
    def some(tx: Tx) -> None:
        for _ in range(A_COMMIT):
            act(tx)

    began = CLOCK.monotonic()
    for _ in range(acts // A_COMMIT):
        await store.unit_of_work(some)
    return acts / (CLOCK.monotonic() - began)


def requests(base: Path, options: Options) -> list[Figure]:
    hub = Program("hub", "--data", str(base / "hub"), "--port", "0", "--tls-port", "0", orders={"make_owner": True})
    try:
        rate, waits = asyncio.run(asked(hub.ready, options.of(REQUESTS, 50)))
    finally:
        stop(hub)
    return [
        told("requests, 16 connections", rate, "acts/s"),
        told("requests: answered, p99", percentile(waits, 0.99) * 1_000, "ms"),
    ]


async def asked(ready: dict[str, Any], acts: int) -> tuple[float, list[float]]:
    numbers, waits = count(), list[float]()
    limits = httpx.Limits(max_connections=16)
    async with httpx.AsyncClient(base_url=ready["url"], headers={"Origin": ready["url"]}, limits=limits) as client:
        owner = ready["owner"]
        signed = await client.post("/api/v1/session", json={"sign_in": owner["email"], "password": owner["password"]})
        signed.raise_for_status()
        places = [(await client.post("/api/v1/locations", json={"name": f"Room {n}"})).json()["id"] for n in range(16)]

        async def caller(place: str) -> None:
            while (number := next(numbers)) < acts:
                began = CLOCK.monotonic()
                answer = await client.patch(f"/api/v1/locations/{place}", json={"notes": f"Note {number}"})
                waits.append(CLOCK.monotonic() - began)
                assert answer.status_code < 300, answer.text

        began = CLOCK.monotonic()
        await asyncio.gather(*(caller(place) for place in places))
        return acts / (CLOCK.monotonic() - began), waits
