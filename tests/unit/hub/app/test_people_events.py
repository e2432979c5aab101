"""What people do is told to those who may administer everything, and to nobody else: pages, filters by type, and live topics (T34)."""

import re
from typing import Any

import pytest
from tests.unit.hub.app.test_matrix import World, world  # noqa: F401
from tests.unit.hub.live.socket import Page

from soundpost.hub.people.rules import ABOUT_PEOPLE

pytestmark = pytest.mark.slow
SECRET = "secret-address@example.org"
READERS = ("monitor", "monitor of a room", "administrator of a room")
TYPES = "person.invited,session.opened,session.refused"


async def events(world: World, who: str, more: str = "") -> list[dict[str, Any]]:  # noqa: F811
    answer = await world.ask(who, "GET", f"/api/v1/events?limit=1000{more}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def happen(world: World) -> None:  # noqa: F811
    """Somebody is invited, somebody fails to sign in, and something happens to a server that is nobody's secret."""
    assert (
        await world.ask("owner", "POST", "/api/v1/users", {"addresses": SECRET, "role": "monitor"})
    ).status_code == 200
    await world.ask("nobody", "POST", "/api/v1/session", {"sign_in": SECRET, "password": "not this one"})
    await world.ask("owner", "PATCH", f"/api/v1/agents/{world.agent}", {"name": "Paris"})


async def test_pages_of_facts(world: World) -> None:  # noqa: F811
    await happen(world)
    assert {"person.invited", "session.opened", "session.refused"} <= {e["type"] for e in await events(world, "owner")}
    assert SECRET in str(await events(world, "administrator", "&type=person.invited"))
    for who in READERS:
        for more in ("", f"&type={TYPES}", f"&before={2**53 - 1}"):
            told = await events(world, who, more)
            assert SECRET not in str(told)
            assert not [e for e in told if e["type"].startswith(ABOUT_PEOPLE)]
    assert "agent.renamed" in {e["type"] for e in await events(world, "monitor")}


async def test_keys_that_only_read(world: World) -> None:  # noqa: F811
    """A key of an owner sees what its scope says."""
    owner = (await world.ask("owner", "GET", "/api/v1/session")).json()["person"]["id"]
    for scope, sees in (("read", False), ("control", False), ("administer", True)):
        key = await world.hub.people.add_key(owner, scope, scope)
        answer = await world.client.get("/api/v1/events?limit=1000", headers={"X-Api-Key": key})
        assert ("session.opened" in answer.text) == sees, scope


async def test_live_topics(world: World) -> None:  # noqa: F811
    pages = {}
    for who in ("owner", "administrator", *READERS):
        cookie = "; ".join(f"{name}={value}" for name, value in world.cookies[who].items())
        host = world.client.base_url.netloc.decode()
        headers = {"Cookie": cookie, "Host": host, "Origin": world.origin["Origin"]}
        pages[who] = Page(world.hub.app, headers)
        await pages[who].follow("events")
    await happen(world)
    heard: dict[str, str] = {}
    for who, page in pages.items():
        page.say(ping=1)
        while "pong" not in (message := await page.next()):
            heard[who] = heard.get(who, "") + str(message)
        await page.leave()
    for who in ("owner", "administrator"):
        assert "person.invited" in heard[who] and "session.refused" in heard[who] and SECRET in heard[who]
    assert "agent.renamed" in heard["monitor"]
    for who in READERS:
        assert not re.search(r"person\.|session\.|secret-address", heard.get(who, ""))
