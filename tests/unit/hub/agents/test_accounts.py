"""Adding, renaming, taking over, deleting; what is kept and what is told. Over HTTP where a person would do it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar
from litestar.di import Provide
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlalchemy import select
from tests.unit.hub.agents.peers import PASSWORD, SAM, Everybody, House

from soundpost.hub import problems
from soundpost.hub.agents import repo
from soundpost.hub.agents.api import AgentsController, SitesController
from soundpost.hub.agents.items import AgentItems
from soundpost.hub.agents.links import AgentLinks
from soundpost.hub.agents.service import Agents
from soundpost.hub.people import http
from soundpost.hub.people.rules import ROLES, Principal
from soundpost.hub.store.tables import audit
from soundpost.kernel.errors import Conflict
from soundpost.link.envelope import Joined, Scan

ROLE = {"is": "owner"}


class SignedIn:
    """Somebody with that role is always signed in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["user"] = Principal("person", "usr_1", "Sam", "sam@example.com", ROLE["is"], ROLES[ROLE["is"]])
        await self._app(scope, receive, send)


def application(house: House) -> Litestar:
    items = AgentItems(house.links, lambda _person: Everybody(online=2))

    def agents() -> Agents:
        return house.agents

    def links() -> AgentLinks:
        return house.links

    def agent_items() -> AgentItems:
        return items

    handlers: Any = problems.Handlers().map()
    return Litestar(
        [AgentsController, SitesController],
        dependencies={
            "agents": Provide(agents, sync_to_thread=False),
            "links": Provide(links, sync_to_thread=False),
            "agent_items": Provide(agent_items, sync_to_thread=False),
        },
        middleware=[SignedIn],
        guards=[http.rights_guard],
        exception_handlers=handlers,
        openapi_config=None,
        logging_config=None,
    )


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    ROLE["is"] = "owner"
    transport = httpx.ASGITransport(app=application(house))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://hub/api/v1") as client:
        yield client


async def test_adding_an_account_makes_a_site_and_a_password(house: House, client: httpx.AsyncClient) -> None:
    answer = await client.post("/agents", json={"name": "  London   HQ "})
    assert answer.status_code == 201
    body = answer.json()
    assert body["name"] == body["site"]["name"] == "London HQ"
    assert len(body["password"]) == 23
    account = house.agents.get(body["id"])
    assert body["password"] not in account.password_hash
    assert account.password_hash.startswith("$argon2id$")
    item = (await client.get(f"/agents/{body['id']}")).json()
    assert (item["state"], item["added_by"], item["reason"], item["last_confirmed"]) == ("never", "Sam", None, None)
    assert (item["scans"], item["credential_sets"], item["policy"], item["fingerprint"]) == ([], [], "list", "")
    peer = house.call()
    assert isinstance(await peer.join("london hq", body["password"]), Joined)


async def test_lists_and_items(house: House, client: httpx.AsyncClient) -> None:
    peer = await house.connected("London")
    await house.account("athens")
    listed = (await client.get("/agents")).json()["items"]
    assert [item["name"] for item in listed] == ["athens", "London"]
    london = listed[1]
    assert (london["state"], london["devices"], london["waiting"], london["level"]) == (
        "connected",
        {"online": 2},
        0,
        1,
    )
    assert london["since"].endswith("Z")
    assert "scans" not in london
    sites = (await client.get("/sites")).json()["items"]
    assert [(site["name"], site["agent"]["state"]) for site in sites] == [("athens", "never"), ("London", "connected")]
    assert sites[1]["agent"]["id"] == peer.agent


async def test_names_are_unique_whatever_their_case(client: httpx.AsyncClient) -> None:
    await client.post("/agents", json={"name": "Zürich"})
    answer = await client.post("/agents", json={"name": "ZÜRICH"})
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "Lisbon-12345"])
async def test_weak_passwords_are_refused(client: httpx.AsyncClient, password: str) -> None:
    answer = await client.post("/agents", json={"name": "Lisbon-12345", "password": password})
    assert (answer.status_code, answer.json()["code"]) == (400, "weak_password")
    assert (await client.get("/agents")).json()["items"] == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a\x00b"])
async def test_names_that_are_none(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.post("/agents", json={"name": name})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")


async def test_renaming_renames_a_site_that_bears_the_name(house: House, client: httpx.AsyncClient) -> None:
    peer = await house.connected("Lundon")
    answer = await client.patch(f"/agents/{peer.agent}", json={"name": "London"})
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["site"]["name"]) == ("London", "London")
    assert not peer.closed
    same = await client.patch(f"/agents/{peer.agent}", json={"name": "LONDON"})
    assert same.json()["name"] == "LONDON"
    assert await house.logged("agent.renamed") == ["agent.renamed", "agent.renamed"]


async def test_a_new_password_leaves_the_running_agent_alone(house: House, client: httpx.AsyncClient) -> None:
    peer = await house.connected()
    answer = await client.post(f"/agents/{peer.agent}/password")
    assert answer.status_code == 200
    assert not peer.closed
    await house.again(peer)
    chosen = await client.post(f"/agents/{peer.agent}/password", json={"password": "another long password"})
    assert chosen.json() == {"password": "another long password"}
    assert await house.agents.is_account("London", "another long password")
    assert not await house.agents.is_account("London", PASSWORD)
    assert not await house.agents.is_account("Nowhere", PASSWORD)


async def test_deleting_keeps_the_site_and_another_account_takes_it_over(
    house: House, client: httpx.AsyncClient
) -> None:
    peer = await house.connected()
    site = house.agents.get(peer.agent).site
    assert (await client.delete(f"/agents/{peer.agent}")).status_code == 204
    assert await peer.refusal() == "account_deleted"
    assert (await client.get(f"/agents/{peer.agent}")).status_code == 404
    assert [(s["id"], s["agent"]) for s in (await client.get("/sites")).json()["items"]] == [(site, None)]
    answer = await client.post("/agents", json={"name": "London 2", "site": site})
    assert answer.json()["site"] == {"id": site, "name": "London", "zone": ""}
    again = await client.post("/agents", json={"name": "London 3", "site": site})
    assert (again.status_code, again.json()["code"]) == (409, "site_taken")
    nowhere = await client.post("/agents", json={"name": "London 3", "site": "sit_nowhere"})
    assert nowhere.status_code == 404


class Unread(dict[str, Any]):
    """Can be asked for one, and not be looked through."""

    def _never(self, *_: object) -> Any:
        raise AssertionError("all accounts were looked through for one site")

    values = items = __iter__ = _never  # type: ignore[assignment]


async def test_a_site_finds_its_server_without_a_look_at_all_of_them(house: House, client: httpx.AsyncClient) -> None:
    ids = [(await client.post("/agents", json={"name": name})).json()["id"] for name in ("London", "Paris")]
    await client.delete(f"/agents/{ids[0]}")
    at = {account.site: id for id, account in house.agents.accounts.items()}
    house.agents.accounts = Unread(house.agents.accounts)
    sites = (await client.get("/sites")).json()["items"]
    assert [(site["name"], site["agent"] and site["agent"]["id"]) for site in sites] == [
        ("London", None),
        ("Paris", ids[1]),
    ]
    again = Agents(house.store, house.passwords)
    await again.start()
    assert {site: account.id for site in again.sites if (account := again.of_site(site))} == at


async def test_handing_over_and_scanning(house: House, client: httpx.AsyncClient) -> None:
    peer = await house.connected()
    assert (await client.post(f"/agents/{peer.agent}/scan")).status_code == 202
    assert isinstance(peer.heard[-1], Scan)
    answer = await client.post(f"/agents/{peer.agent}/hand-over")
    assert answer.status_code == 200
    assert await peer.refusal() == "handed_over"
    lost = await client.post(f"/agents/{peer.agent}/scan")
    assert (lost.status_code, lost.json()["code"]) == (409, "agent_lost")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/agents/agt_nowhere"),
        ("PATCH", "/agents/agt_nowhere"),
        ("DELETE", "/agents/agt_nowhere"),
        ("POST", "/agents/agt_nowhere/password"),
        ("POST", "/agents/agt_nowhere/hand-over"),
        ("POST", "/agents/agt_nowhere/scan"),
    ],
)
async def test_what_is_not_there(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path, json={"name": "x"} if method == "PATCH" else None)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_who_may_only_see(house: House, client: httpx.AsyncClient) -> None:
    agent = await house.account()
    ROLE["is"] = "monitor"
    assert (await client.get("/agents")).status_code == 200
    for method, path in [("POST", "/agents"), ("DELETE", f"/agents/{agent}"), ("POST", f"/agents/{agent}/hand-over")]:
        answer = await client.request(method, path, json={"name": "x"} if path == "/agents" else None)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert agent in house.agents.accounts


def test_no_route_is_without_a_right(house: House) -> None:
    assert http.routes_without_right(application(house)) == []


async def test_every_edit_is_audited_with_its_person_and_without_secrets(house: House) -> None:
    peer = await house.connected("London")
    await house.agents.rename(SAM, peer.agent, "London HQ")
    password = await house.agents.new_password(SAM, peer.agent)
    await house.agents.hand_over(SAM, peer.agent)
    await house.agents.delete(SAM, peer.agent)
    rows = await house.store.read(lambda conn: list(conn.execute(select(audit).order_by(audit.c.n))))
    acts = [(row.act, row.who_name) for row in rows if row.phase == "completed"]
    assert acts == [
        ("agent.added", "Sam"),
        ("agent.joined", "London"),
        ("agent.renamed", "Sam"),
        ("agent.password", "Sam"),
        ("agent.password", "Sam"),
        ("agent.deleted", "Sam"),
    ]
    written = b"".join(bytes(row.detail) for row in rows) + msgspec.msgpack.encode(
        [event.data for event in house.heard]
    )
    assert PASSWORD.encode() not in written
    assert password.encode() not in written


async def test_nothing_is_remembered_that_was_not_committed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(repo, "add", full)
    with pytest.raises(OSError, match="no space"):
        await house.agents.add(SAM, "London")
    assert (house.agents.accounts, house.agents.sites, house.heard) == ({}, {}, [])


async def test_two_who_add_the_same_name_at_once(house: House) -> None:
    await house.agents.add(SAM, "London")
    with pytest.raises(Conflict):
        await house.agents.add(SAM, "london")
    assert len(house.agents.sites) == 1
