"""rights: what it costs that a person may see half of the places only: 100,000 devices at 2,000 sites, 5,000 places, a monitor limited to
half of them; and what the check of a right adds to a request.

One unit is one HTTP request of that person's browser on a kept-alive connection, to its whole answer; of *live*, one subscription to
its snapshot. `check` is the guards and the making of the scope alone, in this process, a request's worth of them.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import get
from websockets.sync.client import connect

from bench.crowd import Crowd, crowd
from bench.figures import Figure, Options, below, exactly, percentile, told
from bench.load.fleet import CITIES, GROUP
from bench.programs import CLOCK
from soundpost.hub import strict
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.inventory.scope import scope
from soundpost.hub.people import http
from soundpost.hub.people.rules import ROLES, Principal

LINKS, DEVICES_EACH = 2_000, 50
REGIONS, CITIES_EACH, HOUSES_EACH, PLACES = 4, 10, 10, 5_000
ROWS = 5_000
"""Of one table: a body holds 1 MiB."""
ASKED, CHECKS = 150, 20_000
AIM_MS, AIM_US = 50.0, 50.0
PASSWORD = "seven long words of mine"
Asked = dict[str, Any]
Next = Callable[[random.Random], tuple[str, Asked]]


def run(options: Options) -> Iterator[Figure]:
    yield below("check of a right, a request", check_us(), "us", AIM_US)
    links = options.of(LINKS, 4)
    with crowd(links, DEVICES_EACH) as here, closing(owner(here)) as person:
        places = furnish(person, links)
        with closing(limited(here, person)) as reader:
            yield from figures(reader, here, links, places)


def figures(reader: httpx.Client, here: Crowd, links: int, places: int) -> Iterator[Figure]:
    seen, tree = reader.get("/devices", params={"limit": 1}).json()["total"], reader.get("/locations").json()
    yield exactly("places", places, "drawn", len(paths(links)))
    yield told("devices of", seen, f"in half of {len(tree['items'])} places shown")
    here.hub.start_measuring()
    for kind, next_one in questions(links).items():
        yield from of(kind, [timed(reader, *next_one(chance)) for chance in chances(kind)])
    for topic in ("summary", "list:limit=100", "locations", "agents"):
        yield from of(f"live {topic.partition(':')[0]}", [*subscribed(reader, topic)])
    yield told("loop lag of the hub meanwhile, p99", here.hub.measured()["lag_p99_ms"], "ms")


def of(kind: str, times: list[float]) -> Iterator[Figure]:
    yield below(f"{kind}: p95", percentile(times, 0.95), "ms", AIM_MS)
    yield told(f"{kind}: p50", percentile(times, 0.5), "ms")


def chances(kind: str) -> Iterator[random.Random]:
    chance = random.Random(kind)
    return (chance for _ in range(ASKED))


def questions(links: int) -> dict[str, Next]:
    def page(chance: random.Random) -> tuple[str, Asked]:
        orders = ("name", "-name", "status", "-since", "model", "site", "location")
        filters: list[Asked] = [{}, {"kind": "pro_audio"}, {"status": "offline,degraded"}, {"kind": "mixer"}]
        return "/devices", {"limit": 100, "order": chance.choice(orders), **chance.choice(filters)}

    def search(chance: random.Random) -> tuple[str, Asked]:
        number = chance.randrange(links)
        words = (
            f"{chance.choice(CITIES)} room",
            f"{number:04d}",
            f"10.{number >> 8}.{number & 255}.1",
            "nothing like this",
        )
        return "/devices", {"limit": 100, "q": chance.choice(words)}

    return {
        "list page": page,
        "search": search,
        "summary": lambda _: ("/summary", {}),
        "places": lambda _: ("/locations", {}),
        "servers": lambda _: ("/agents", {}),
        "facts": lambda _: ("/events", {"limit": 100, "before": 2**62}),
    }


def timed(reader: httpx.Client, path: str, asked: Asked) -> float:
    began = CLOCK.monotonic()
    answer = reader.get(path, params=asked)
    took = (CLOCK.monotonic() - began) * 1000
    answer.raise_for_status()
    return took


def subscribed(reader: httpx.Client, topic: str) -> Iterator[float]:
    """One socket, many subscriptions: each is made anew, since the last reader left it."""
    url = str(reader.base_url).replace("http", "ws") + "live"
    headers = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in reader.cookies.items()),
        "Origin": origin(reader),
    }
    with connect(url, additional_headers=headers, max_size=None) as socket:
        for _ in range(ASKED // 5):
            began = CLOCK.monotonic()
            socket.send(msgspec.json.encode({"subscribe": [topic]}))
            while msgspec.json.decode(socket.recv()).get("type") != "snapshot":
                pass
            yield (CLOCK.monotonic() - began) * 1000
            socket.send(msgspec.json.encode({"unsubscribe": [topic]}))


def origin(reader: httpx.Client) -> str:
    return str(reader.base_url).partition("/api")[0]


# What is there


def browser(here: Crowd) -> httpx.Client:
    url = here.hub.ready["url"]
    return httpx.Client(base_url=f"{url}/api/v1", headers={"Origin": url}, timeout=120)


def owner(here: Crowd) -> httpx.Client:
    person, known = browser(here), here.hub.ready["owner"]
    person.post("/session", json={"sign_in": known["email"], "password": known["password"]}).raise_for_status()
    return person


def limited(here: Crowd, person: httpx.Client) -> httpx.Client:
    """A monitor of the first half of the regions."""
    tops = [place["id"] for place in person.get("/locations").json()["items"] if place["parent"] is None]
    body = {"addresses": "half@example.org", "role": "monitor", "places": tops[: len(tops) // 2]}
    (invited,) = person.post("/users", json=body).raise_for_status().json()["items"]
    reader = browser(here)
    path = invited["link"].replace("/register/", "/registration/")
    reader.post(path, json={"name": "Half", "password": PASSWORD, "terms": True}).raise_for_status()
    return reader


def paths(links: int) -> list[str]:
    """The tree, parents first; rooms in turn over all houses."""
    regions = [f"Region {n}" for n in range(REGIONS)]
    cities = [f"{region} > City {n}" for region in regions for n in range(CITIES_EACH)]
    houses = [f"{city} > House {n}" for city in cities for n in range(HOUSES_EACH)]
    above = [*regions, *cities, *houses]
    rooms = max(len(houses), PLACES * links // LINKS - len(above))
    return [*above, *(f"{houses[n % len(houses)]} > Room {n:04d}" for n in range(rooms))]


def furnish(person: httpx.Client, links: int) -> int:
    """Draws the places, and puts each stack with what belongs to it into a room, by its address."""
    drawn = paths(links)
    rooms = [path for path in drawn if "Room" in path]
    stacks = [(number, place) for number in range(links) for place in range(0, DEVICES_EACH, len(GROUP))]
    rows = [f"{path}," for path in drawn]
    rows += [
        f"{rooms[at * len(rooms) // len(stacks)]},10.{number >> 8 & 255}.{number & 255}.{place + 1}"
        for at, (number, place) in enumerate(stacks)
    ]
    for at in range(0, len(rows), ROWS):
        table = "\n".join(["path,address", *rows[at : at + ROWS]])
        done = person.post("/locations/import", json={"text": table, "dry_run": False}).raise_for_status().json()
        if not done["done"]:
            raise RuntimeError(f"the places could not be drawn: {done['wrong'][:3]}")
    return len(person.get("/locations").json()["items"])


# The check alone


def check_us() -> float:
    """Microseconds a request, the best of five: guards of rights and address, and the scope of who asks."""
    person = Principal("person", "usr_a", "Ada", "", "monitor", ROLES["monitor"], places=frozenset({"loc_a", "loc_b"}))

    @get("/api/v1/devices", opt={"right": "see", strict.QUERY: frozenset({"limit", "order"})}, sync_to_thread=False)
    def handler() -> None: ...

    memory = Memory(0)

    def request() -> None:
        connection: Any = ASGIConnection(
            {
                "type": "http",
                "method": "GET",
                "user": person,
                "query_string": b"limit=100",
                "path_params": {},
                "headers": [],
            }  # type: ignore[typeddict-item]
        )
        http.rights_guard(connection, handler)
        strict.address_guard(connection, handler)
        scope(memory, person)

    return min(spent(request) for _ in range(5))


def spent(work: Callable[[], None]) -> float:
    began = CLOCK.monotonic()
    for _ in range(CHECKS):
        work()
    return (CLOCK.monotonic() - began) / CHECKS * 1e6
