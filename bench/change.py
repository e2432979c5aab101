"""change: a value changes at a device, which pushes it → the message at a browser subscribed to that device.

Each change is on disk before it is shown.

The time runs from the simulator's own clock at injection to the arrival of the WebSocket message, on the same machine.
"""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import websockets
from websockets.asyncio.client import ClientConnection

from bench.farm import Figure, World, median, percentile, world
from bench.programs import eventually
from soundpost.kernel.clock import SystemClock, parse_rfc3339

CHANGES = 300
GAP_S = 0.1


def run() -> list[Figure]:
    with world(60, {}) as here:
        # The first reading of everything is another matter: wait until it is over.
        for mixer in here.api.devices(kind="mixer"):
            eventually("every value was read", lambda id=mixer["id"]: all_read(here, id), 240)  # type: ignore[misc]
        delays = asyncio.run(measure(here))
    return [
        Figure("changes seen", len(delays), f"of {CHANGES}", f"{CHANGES}", len(delays) == CHANGES),
        Figure("push → browser, p50", median(delays), "ms", "under 30", median(delays) < 30),
        Figure("push → browser, p99", percentile(delays, 0.99), "ms", "under 50", percentile(delays, 0.99) < 50),
    ]


def all_read(here: World, mixer: str) -> bool:
    return all(p["quality"] in ("good", "unsupported") for p in here.api.get(f"/devices/{mixer}/points")["items"])


async def measure(here: World) -> list[float]:
    clock = SystemClock()
    stack = here.control.get("/stacks").json()["items"][0]
    box = stack["boxes"][0]
    mixer = next(d for d in here.api.devices(kind="mixer") if d["serial_number"] == box["serial"])
    key, point = "mic.101.level.gain", "MIC 101"
    split = urlsplit(here.api.url)
    headers = {"X-Api-Key": here.api.client.headers["X-Api-Key"]}
    delays = []
    async with websockets.connect(f"ws://{split.netloc}/api/v1/live", additional_headers=headers) as socket:
        await socket.send(json.dumps({"subscribe": [f"device:{mixer['id']}"]}))
        await seen(socket, lambda message: message["type"] == "snapshot")
        for number in range(CHANGES):
            value = -20.0 + (number % 60) * 0.5
            # A real change at the device, which it pushes; a made-up line would be put right by the next poll.
            order = {"address": point, "parameter": "GAIN", "value": value}
            answer = await asyncio.to_thread(here.control.post, f"/stacks/{stack['name']}/set", json=order)
            injected_us = micro(answer.json()["time"])
            await seen(socket, lambda message, value=value: has(message, key, value))  # type: ignore[misc]
            delays.append((clock.now_us() - injected_us) / 1000)
            await clock.sleep(GAP_S)
    return delays


def micro(text: str) -> int:
    """Microseconds since 1970 of the control API's time."""
    whole, fraction = text.rstrip("Z").split(".")
    return parse_rfc3339(whole + "Z") * 1000 + int(fraction.ljust(6, "0"))


def has(message: dict[str, Any], key: str, value: float) -> bool:
    return any(p["key"] == key and p.get("value") == value for p in message.get("data", {}).get("points", []))


async def seen(socket: ClientConnection, fits: Any) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if fits(message):
                return message
