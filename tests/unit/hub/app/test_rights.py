import pytest
import websockets
from tests.support.hub import Hub, problem

from soundpost.hub.people.http import routes_without_right


async def test_routes_that_name_no_right_are_found_and_closed(owned: Hub) -> None:
    assert routes_without_right(owned.app) == ["GET /api/v1/no-right", "GET /api/v1/odd-right"]
    problem(await owned.client.get("/api/v1/no-right"), 403, "not_allowed")
    problem(await owned.client.get("/api/v1/odd-right"), 403, "not_allowed")


async def echoed(hub: Hub, **headers: str) -> str:
    address = hub.url.replace("http", "ws") + "/api/v1/echo"
    async with websockets.connect(address, additional_headers=headers, proxy=None) as socket:
        return str(await socket.recv())


def cookies(hub: Hub) -> str:
    return "; ".join(f"{name}={value}" for name, value in hub.client.cookies.items())


async def test_a_websocket_is_signed_in_the_same_way(owned: Hub) -> None:
    assert await echoed(owned, Cookie=cookies(owned), Origin=owned.url) == "Ada"
    owner = (await owned.client.get("/api/v1/session")).json()["person"]["id"]
    assert await echoed(owned, **{"X-Api-Key": await owned.people.add_key(owner, "probe", "read")}) == "probe"


async def test_a_websocket_of_a_stranger_is_refused(owned: Hub) -> None:
    for headers in ({}, {"Cookie": cookies(owned)}, {"Cookie": cookies(owned), "Origin": "https://evil.example"}):
        with pytest.raises(websockets.InvalidStatus) as caught:
            await echoed(owned, **headers)
        assert caught.value.response.status_code == 403
