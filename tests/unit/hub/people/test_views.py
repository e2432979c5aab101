"""Filters that people named: their own, shared ones, and what becomes of those whose maker is gone."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.clock import ManualClock
from tests.support.hub import Hub, hub, problem
from tests.unit.hub.people.test_users import joined

from soundpost.hub.app import Rooms
from soundpost.hub.people import users_api, view_rules, views_api
from soundpost.hub.people.service import People
from soundpost.hub.people.users import Users
from soundpost.hub.people.views import Views
from soundpost.hub.store import Store
from soundpost.kernel.errors import Invalid

PRO_AUDIO = "/devices/pro-audio"


@pytest.fixture
async def home(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Hub]:
    def rooms(store: Store, people: People) -> Rooms:
        services = {"users": Users(people, store, clock), "views": Views(store)}
        return Rooms((*users_api.CONTROLLERS, *views_api.CONTROLLERS), services)

    async with hub(tmp_path, clock=clock, rooms=rooms) as running:
        yield running


async def saved(page: httpx.AsyncClient, name: str, query: str = "status=offline", **more: Any) -> dict[str, Any]:
    answer = await page.post("/api/v1/views", json={"path": PRO_AUDIO, "name": name, "query": query, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def names(page: httpx.AsyncClient) -> list[str]:
    return [item["name"] for item in (await page.get("/api/v1/views")).json()["items"]]


async def test_one_s_own_stay_one_s_own_until_they_are_shared(owned: Hub) -> None:
    lee = await joined(owned, "lee@example.org")
    mine = await saved(owned.client, "  Broken\n ones ", "status=offline,degraded&q=&kind=mixer")
    assert (mine["name"], mine["query"], mine["own"]) == ("Broken ones", "kind=mixer&status=offline,degraded", True)
    assert await names(lee) == []
    for method in ("PATCH", "DELETE"):
        problem(await lee.request(method, f"/api/v1/views/{mine['id']}", json={}), 404, "no_such_view")

    shared = await owned.client.patch(f"/api/v1/views/{mine['id']}", json={"shared": True})
    assert shared.json()["shared"] is True
    (seen,) = (await lee.get("/api/v1/views")).json()["items"]
    assert (seen["maker"], seen["own"], seen["may_change"]) == ("Ada", False, False)
    problem(await lee.patch(f"/api/v1/views/{mine['id']}", json={"name": "Lee's"}), 403, "not_allowed")
    problem(await lee.delete(f"/api/v1/views/{mine['id']}"), 403, "not_allowed")


async def test_names_differ_by_more_than_case_for_each_person_and_list(owned: Hub) -> None:
    lee = await joined(owned, "lee@example.org")
    first = await saved(owned.client, "Night")
    again = {"path": PRO_AUDIO, "name": "NIGHT"}
    problem(await owned.client.post("/api/v1/views", json=again), 409, "view_named")
    assert (await owned.client.post("/api/v1/views", json={**again, "path": "/users"})).status_code == 201
    await saved(lee, "night")
    other = await saved(owned.client, "Day")
    problem(await owned.client.patch(f"/api/v1/views/{other['id']}", json={"name": "night"}), 409, "view_named")
    assert (await owned.client.patch(f"/api/v1/views/{first['id']}", json={"name": "night"})).json()["name"] == "night"


async def test_what_was_shared_outlives_its_maker_and_the_rest_goes(owned: Hub) -> None:
    lee = await joined(owned, "lee@example.org", "administrator")
    await saved(lee, "Own")
    kept = await saved(lee, "For all", shared=True)
    users = (await owned.client.get("/api/v1/users")).json()["items"]
    (id,) = [user["id"] for user in users if user["sign_in"] == "lee@example.org"]
    assert (await owned.client.delete(f"/api/v1/users/{id}")).status_code == 204
    (left,) = (await owned.client.get("/api/v1/views")).json()["items"]
    assert (left["id"], left["maker"], left["may_change"]) == (kept["id"], "", True)
    problem(await owned.client.patch(f"/api/v1/views/{kept['id']}", json={"shared": False}), 403, "not_allowed")
    assert (await owned.client.delete(f"/api/v1/views/{kept['id']}")).status_code == 204
    assert await names(owned.client) == []


async def test_an_api_key_keeps_none(home: Hub) -> None:
    starter = await home.people.ready_owner("ada@example.org")
    assert starter is not None
    page = home.page(**{"X-Api-Key": starter.api_key})
    problem(await page.post("/api/v1/views", json={"path": PRO_AUDIO, "name": "Night"}), 403, "not_a_person")
    assert await names(page) == []


async def test_nobody_keeps_them_without_end(owned: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_rules, "MOST", 2)
    await saved(owned.client, "1")
    await saved(owned.client, "2")
    full = await owned.client.post("/api/v1/views", json={"path": PRO_AUDIO, "name": "3"})
    assert "Delete one first" in problem(full, 409, "too_many_views")["detail"]


@pytest.mark.parametrize("path", ["", "//evil.example", "/\\evil", "https://evil.example", "/a/../b", "/Users", "/a/"])
def test_a_view_leads_to_no_other_site(path: str) -> None:
    with pytest.raises(Invalid, match="this program"):
        view_rules.check_path(path)


@pytest.mark.parametrize(
    "query", ["q=" + "x" * 2_000, "Q=1", "a=1&a=2", "q=%0d%0aSet-Cookie", "&".join(f"f_{'a' * n}=1" for n in range(31))]
)
def test_what_is_no_filter_is_refused(query: str) -> None:
    with pytest.raises(Invalid) as told:
        view_rules.check_query(query)
    assert told.value.params["field"] == "query"


@pytest.mark.parametrize("name", ["", " \n ", "x" * 81, "a\x00b"])
def test_a_name_that_can_not_be_shown_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="1 to 80"):
        view_rules.check_name(name)
