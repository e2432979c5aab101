"""Photos over HTTP: who sees and changes them, what a browser is told of them, and what is refused."""

import io

import httpx
import pytest
from PIL import Image
from tests.unit.hub.app.test_matrix import World, world

from soundpost.hub.audit.service import SYSTEM
from soundpost.hub.locations.pictures import MOST_BYTES
from soundpost.hub.locations.service import Wanted

__all__ = ["world"]
pytestmark = pytest.mark.slow


def jpeg(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 12), colour).save(out, "JPEG")
    return out.getvalue()


async def ask(
    world: World, who: str, method: str, path: str, content: bytes | None = None, **more: str
) -> httpx.Response:
    cookie = "; ".join(f"{name}={value}" for name, value in world.cookies[who].items())
    headers = {**world.origin, "Content-Type": "image/jpeg", "Cookie": cookie, **more}
    return await world.client.request(method, f"/api/v1/locations/{path}", content=content, headers=headers)


async def added(world: World, room: str) -> str:
    answer = await ask(world, "owner", "POST", f"{world.rooms[room]}/photos?caption=Door", jpeg())
    assert answer.status_code == 201, answer.text
    assert answer.json() | {"id": "", "added": ""} == {
        "id": "",
        "caption": "Door",
        "width": 16,
        "height": 12,
        "added": "",
    }
    return f"{world.rooms[room]}/photos/{answer.json()['id']}"


async def test_a_picture_is_served_and_asked_about_again(world: World) -> None:
    photo = await added(world, "in")
    answer = await ask(world, "monitor of a room", "GET", photo)
    assert answer.status_code == 200
    headers = answer.headers
    assert (headers["content-type"], headers["x-content-type-options"]) == ("image/jpeg", "nosniff")
    assert (headers["cache-control"], "default-src 'self'" in headers["content-security-policy"]) == (
        "private, no-cache",
        True,
    )
    assert Image.open(io.BytesIO(answer.content)).format == "JPEG"
    again = await ask(world, "monitor", "GET", photo, **{"If-None-Match": headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    (place,) = (await world.ask("monitor of a room", "GET", "/api/v1/locations")).json()["items"]
    assert [each["caption"] for each in place["photos"]] == ["Door"]


@pytest.mark.parametrize("who", ["monitor of a room", "administrator of a room"])
async def test_those_of_elsewhere_are_not_there(world: World, who: str) -> None:
    photo = await added(world, "out")
    made_up = "loc_none/photos/pho_none"
    for method, content in (("GET", None), ("PATCH", b'{"caption": "mine"}'), ("DELETE", None)):
        kind = {"Content-Type": "application/json"}
        answers = [await ask(world, who, method, path, content, **kind) for path in (photo, made_up)]
        said = [(answer.status_code, answer.json()["code"]) for answer in answers]
        assert said[0] == said[1] and said[0][0] in (403, 404), (method, said)
    assert (await ask(world, "owner", "GET", photo)).status_code == 200


async def test_of_the_way_to_ones_part_no_photos_are_seen(world: World) -> None:
    building = (await world.hub.inventory.locations.add(SYSTEM, Wanted(name="HQ"))).id
    await world.hub.inventory.locations.change(SYSTEM, world.rooms["in"], Wanted(parent=building))
    answer = await ask(world, "owner", "POST", f"{building}/photos", jpeg())
    way = (await world.ask("monitor of a room", "GET", f"/api/v1/locations/{building}")).json()
    assert (way["name"], way["photos"]) == ("HQ", [])
    guessed = await ask(world, "monitor of a room", "GET", f"{building}/photos/{answer.json()['id']}")
    assert (guessed.status_code, guessed.json()["code"]) == (404, "location_gone")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "body_missing"),
        (b"<svg onload='alert(1)'>", 400, "photo_type"),
        (jpeg()[:100], 400, "photo_damaged"),
        (b"\xff" * (MOST_BYTES + 1), 413, "photo_bytes"),
    ],
)
async def test_what_is_refused_says_why(world: World, content: bytes, status: int, code: str) -> None:
    answer = await ask(world, "owner", "POST", f"{world.rooms['in']}/photos", content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_that_never_says_how_long_it_is_ends_at_the_same_bound(world: World) -> None:
    async def endless():
        for _ in range(2 * (MOST_BYTES >> 20)):
            yield b"\xff" * (1 << 20)

    cookie = "; ".join(f"{name}={value}" for name, value in world.cookies["owner"].items())
    path = f"/api/v1/locations/{world.rooms['in']}/photos"
    answer = await world.client.post(path, content=endless(), headers={**world.origin, "Cookie": cookie})
    assert (answer.status_code, answer.json()["code"]) == (413, "photo_bytes")


async def test_other_routes_keep_their_bound(world: World) -> None:
    answer = await world.ask("owner", "POST", "/api/v1/locations", {"name": "x" * (2 << 20)})
    assert answer.status_code == 413
