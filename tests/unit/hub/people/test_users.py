"""Others come in: invited by address, registered by a link, given a role and a part of the places, ended and removed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from tests.support.clock import ManualClock
from tests.support.hub import OWNER, Hub, hub, problem

from soundpost.hub.app import Rooms
from soundpost.hub.audit.service import Who
from soundpost.hub.people import users_api
from soundpost.hub.people.rules import ROLES, Principal
from soundpost.hub.people.service import People
from soundpost.hub.people.users import Grant, Users
from soundpost.hub.store import Store
from soundpost.kernel.errors import Conflict

pytestmark = pytest.mark.slow  # some ten seconds in all

PASSWORD = "another long password"


@pytest.fixture
async def home(tmp_path: Path, clock: ManualClock, target: Path | str) -> AsyncIterator[Hub]:
    def rooms(store: Store, people: People) -> Rooms:
        return Rooms(users_api.CONTROLLERS, {"users": Users(people, store, clock)})

    async with hub(tmp_path, clock=clock, rooms=rooms, target=target) as running:
        yield running


def users_of(running: Hub, clock: ManualClock) -> Users:
    return Users(running.people, running.store, clock)


async def invited(owned: Hub, addresses: str, role: str = "monitor", **more: Any) -> list[dict[str, Any]]:
    answer = await owned.client.post("/api/v1/users", json={"addresses": addresses, "role": role, **more})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def joined(owned: Hub, address: str, role: str = "monitor", **more: Any) -> httpx.AsyncClient:
    """Another browser, signed in by the link."""
    (item,) = await invited(owned, address, role, **more)
    page = owned.page(Origin=owned.url)
    answer = await page.post(registration(item), json={"password": PASSWORD, "name": "Lee", "terms": True})
    assert answer.status_code == 201, answer.text
    return page


def registration(item: dict[str, Any]) -> str:
    return "/api/v1/registration/" + item["link"].removeprefix("/register/")


async def person(owned: Hub, address: str) -> dict[str, Any]:
    (item,) = [one for one in (await owned.client.get("/api/v1/users")).json()["items"] if one["sign_in"] == address]
    found: dict[str, Any] = item
    return found


async def test_many_addresses_in_one_entry_each_answered_on_its_own(owned: Hub) -> None:
    items = await invited(
        owned, f"bo@example.org, Cy+av@Example.org;  nonsense\n{OWNER['sign_in']} bo@example.org münchen@example.org"
    )
    assert [(item["address"], item["code"], bool(item["link"])) for item in items] == [
        ("bo@example.org", "", True),
        ("cy+av@example.org", "", True),
        ("nonsense", "invalid_argument", False),
        (OWNER["sign_in"], "person_taken", False),
        ("bo@example.org", "person_twice", False),
        ("münchen@example.org", "", True),
    ]
    assert all(item["text"].endswith(".") for item in items if item["code"])
    people = (await owned.client.get("/api/v1/users")).json()["items"]
    assert {(one["sign_in"], one["role"], one["state"]) for one in people} >= {
        (OWNER["sign_in"], "owner", "active"),
        ("bo@example.org", "monitor", "invited"),
    }
    problem(
        await owned.client.post("/api/v1/users", json={"addresses": " ,; ", "role": "monitor"}), 400, "invalid_argument"
    )
    crowd = " ".join(f"p{n}@example.org" for n in range(10_000))
    problem(await owned.client.post("/api/v1/users", json={"addresses": crowd, "role": "monitor"}), 400, "too_many")
    problem(
        await owned.client.post("/api/v1/users", json={"addresses": "a@b.c", "role": "king"}), 400, "invalid_argument"
    )


async def test_a_link_fits_once_and_its_person_is_signed_in(owned: Hub) -> None:
    (item,) = await invited(owned, "bo@example.org", "administrator")
    page = owned.page(Origin=owned.url)
    shown = (await page.get(registration(item))).json()
    assert (shown["sign_in"], shown["role"], shown["invited_by"]) == ("bo@example.org", "administrator", OWNER["name"])
    where = registration(item)
    problem(await page.post(where, json={"password": PASSWORD}), 400, "terms_needed")
    problem(await page.post(where, json={"password": "short", "terms": True}), 400, "weak_password")
    answer = await page.post(where, json={"password": PASSWORD, "name": "Bo", "terms": True})
    assert (answer.status_code, answer.json()["person"]["role"]) == (201, "administrator")
    assert (await page.get("/api/v1/session")).json()["person"]["name"] == "Bo"
    for again in (await page.get(where), await page.post(where, json={"password": PASSWORD, "terms": True})):
        problem(again, 404, "link_gone")
    assert (
        await owned.sign_in(owned.page(Origin=owned.url), sign_in="bo@example.org", password=PASSWORD)
    ).status_code == 200
    assert (await person(owned, "bo@example.org"))["state"] == "active"


@pytest.mark.parametrize("token", ["", "x", "x" * 300, "%00", "..%2f..%2fsession"])
async def test_a_made_up_link_says_no_more_than_that(owned: Hub, token: str) -> None:
    answer = await owned.client.get(f"/api/v1/registration/{token}")
    assert (answer.status_code, "example.org" in answer.text) == (404, False)


async def test_a_link_that_meets_trouble_does_not_get_into_the_log(owned: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """It still fits, and who reads the log must not be able to use it."""
    (item,) = await invited(owned, "bo@example.org")
    where, page = registration(item), owned.page(Origin=owned.url)

    def broken(*_: Any) -> None:
        raise RuntimeError("The disk is full.")

    with monkeypatch.context() as patched, capture_logs() as lines:
        patched.setattr(owned.store, "read", broken)
        patched.setattr(owned.store, "unit_of_work", broken)
        body = {"password": PASSWORD, "terms": True}
        for answer in (await page.get(where), await page.post(where, json=body)):
            problem(answer, 500, "internal")
    told = [str(line) for line in lines if line.get("path") == "/api/v1/registration/{token}"]
    assert len(told) == 2
    assert item["link"].removeprefix("/register/") not in str(lines)
    assert (await page.get(where)).status_code == 200


async def test_a_link_ends_is_replaced_and_is_withdrawn(owned: Hub, clock: ManualClock) -> None:
    (old,) = await invited(owned, "bo@example.org")
    again = await owned.client.post(f"/api/v1/users/{old['id']}/invitation")
    problem(await owned.client.get(registration(old)), 404, "link_gone")
    assert (await owned.client.get(registration(again.json()))).status_code == 200
    clock.jump(3_650 * 86_400)
    problem(await owned.client.get(registration(again.json())), 404, "link_gone")
    clock.jump(-3_650 * 86_400)
    assert (await owned.client.delete(f"/api/v1/users/{old['id']}")).status_code == 204
    problem(await owned.client.get(registration(again.json())), 404, "link_gone")
    problem(await owned.client.post(f"/api/v1/users/{old['id']}/invitation"), 404, "no_such_person")


async def test_somebody_invited_can_not_sign_in_yet(owned: Hub) -> None:
    await invited(owned, "bo@example.org")
    stranger = owned.page(Origin=owned.url)
    for password in ("", PASSWORD):
        problem(await owned.sign_in(stranger, sign_in="bo@example.org", password=password), 401, "sign_in_failed")


async def test_who_is_disabled_or_over_is_out_at_once_and_told_nothing_new(owned: Hub, clock: ManualClock) -> None:
    page = await joined(owned, "bo@example.org")
    id = (await person(owned, "bo@example.org"))["id"]
    ended: list[str] = []
    owned.people.ended.subscribe(ended.append)
    changed = await owned.client.patch(f"/api/v1/users/{id}", json={"disabled": True})
    assert (changed.json()["state"], ended) == ("disabled", [id])
    problem(await page.get("/api/v1/users"), 401, "unauthenticated")
    problem(await owned.sign_in(page, sign_in="bo@example.org", password=PASSWORD), 401, "sign_in_failed")
    await owned.client.patch(f"/api/v1/users/{id}", json={"disabled": False, "ends": "2027-01-01T00:00:00Z"})
    assert (await owned.sign_in(page, sign_in="bo@example.org", password=PASSWORD)).status_code == 200
    clock.jump(3 * 365 * 86_400)
    await users_of(owned, clock).end_those_whose_time_is_over()
    assert ended == [id, id, id]
    problem(await owned.sign_in(page, sign_in="bo@example.org", password=PASSWORD), 401, "sign_in_failed")


async def test_an_end_must_lie_ahead_and_be_a_time(owned: Hub) -> None:
    for ends in ("2020-01-01T00:00:00Z", "friday"):
        body = {"addresses": "bo@example.org", "role": "monitor", "ends": ends}
        problem(await owned.client.post("/api/v1/users", json=body), 400, "invalid_argument")


async def test_who_has_not_joined_can_be_withdrawn_and_not_disabled(owned: Hub) -> None:
    """It was answered as done, and the link still let the person in."""
    (item,) = await invited(owned, "bo@example.org")
    where = f"/api/v1/users/{item['id']}"
    problem(await owned.client.patch(where, json={"disabled": True, "role": "administrator"}), 409, "still_invited")
    kept = await person(owned, "bo@example.org")
    assert (kept["state"], kept["role"]) == ("invited", "monitor")
    assert (await owned.client.patch(where, json={"disabled": False})).status_code == 200
    assert (await owned.client.get(registration(item))).status_code == 200
    assert (await owned.client.delete(where)).status_code == 204
    problem(await owned.client.get(registration(item)), 404, "link_gone")


async def test_the_last_owner_stays(owned: Hub) -> None:
    me = (await person(owned, OWNER["sign_in"]))["id"]
    for change in ({"role": "monitor"}, {"disabled": True}, {"ends": "2030-01-01T00:00:00Z"}):
        problem(await owned.client.patch(f"/api/v1/users/{me}", json=change), 409, "last_owner")
    problem(await owned.client.delete(f"/api/v1/users/{me}"), 409, "last_owner")
    await joined(owned, "bo@example.org", "owner")
    assert (await owned.client.patch(f"/api/v1/users/{me}", json={"role": "administrator"})).json()[
        "role"
    ] == "administrator"
    other = (await person(owned, "bo@example.org"))["id"]
    problem(await owned.client.delete(f"/api/v1/users/{other}"), 403, "not_allowed")


@pytest.mark.parametrize("same", [Grant(role="monitor"), Grant(disabled=True), Grant(ends_ms=2_000_000_000_000), None])
async def test_of_two_owners_who_put_out_each_other_at_once_one_stays(
    owned: Hub, clock: ManualClock, same: Grant | None
) -> None:
    """Each was an owner beside another when it was asked; what counts is what holds when it is done. None: removed."""
    await joined(owned, "bo@example.org", "owner")
    users = users_of(owned, clock)
    people = {one.id: one for one in (await users.all())}
    ada, bo = people
    acting = {id: Principal("person", id, one.name, one.sign_in, "owner", ROLES["owner"]) for id, one in people.items()}

    async def put_out(by: str, id: str) -> str:
        who = Who("person", by, by, "127.0.0.1")
        try:
            await (users.remove(acting[by], who, id) if same is None else users.change(acting[by], who, id, same))
        except Conflict as refusal:
            return refusal.code
        return "done"

    assert sorted(await asyncio.gather(put_out(ada, bo), put_out(bo, ada))) == ["done", "last_owner"]
    left = [standing for standing in await users.all() if standing.role == "owner" and standing.state == "active"]
    assert [one.ends_ms for one in left].count(0) == 1


async def test_nobody_gives_more_than_they_have(owned: Hub) -> None:
    admin, monitor = await joined(owned, "bo@example.org", "administrator"), await joined(owned, "cy@example.org")
    body = {"addresses": "di@example.org", "role": "owner"}
    problem(await admin.post("/api/v1/users", json=body), 403, "not_allowed")
    assert (await admin.post("/api/v1/users", json={**body, "role": "administrator"})).status_code == 200
    owner = (await person(owned, OWNER["sign_in"]))["id"]
    problem(await admin.patch(f"/api/v1/users/{owner}", json={"role": "monitor"}), 403, "not_allowed")
    cy = (await person(owned, "cy@example.org"))["id"]
    problem(await admin.patch(f"/api/v1/users/{cy}", json={"role": "owner"}), 403, "not_allowed")
    problem(await monitor.post("/api/v1/users", json={**body, "role": "monitor"}), 403, "not_allowed")
    seen = (await monitor.get("/api/v1/users")).json()["items"]
    assert [one["sign_in"] for one in seen if one["name"] == OWNER["name"]] == [None]
    assert [one["role"] for one in seen if one["id"] == cy] == ["monitor"]


async def test_the_inviter_may_be_gone_before_the_invitee_joins(owned: Hub) -> None:
    admin = await joined(owned, "bo@example.org", "administrator")
    answer = await admin.post("/api/v1/users", json={"addresses": "cy@example.org", "role": "monitor"})
    (item,) = answer.json()["items"]
    assert (
        await owned.client.delete(f"/api/v1/users/{(await person(owned, 'bo@example.org'))['id']}")
    ).status_code == 204
    problem(await admin.get("/api/v1/users"), 401, "unauthenticated")
    done = await owned.page(Origin=owned.url).post(registration(item), json={"password": PASSWORD, "terms": True})
    assert done.status_code == 201


async def test_another_site_s_page_can_not_join_for_somebody(owned: Hub) -> None:
    (item,) = await invited(owned, "bo@example.org")
    evil = owned.page(Origin="http://evil.example")
    problem(await evil.post(registration(item), json={"password": PASSWORD, "terms": True}), 403, "origin")


async def test_no_token_or_password_stands_in_log_or_audit(owned: Hub) -> None:
    (item,) = await invited(owned, "bo@example.org")
    await owned.page(Origin=owned.url).post(registration(item), json={"password": PASSWORD, "terms": True})
    token = item["link"].removeprefix("/register/")
    for table in ("events", "audit", "people", "invitations"):
        rows = await owned.store.read(lambda conn, table=table: conn.exec_driver_sql(f"select * from {table}").all())
        told = repr(rows)
        assert token not in told
        assert PASSWORD not in told
    assert "person.invited" in await owned.event_types()
    assert "person.joined" in await owned.event_types()
