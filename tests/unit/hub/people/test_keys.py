"""API keys: shown once, revocable, and never more than their person is now."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from tests.support.clock import ManualClock
from tests.support.hub import Hub, hub, problem
from tests.unit.hub.people.test_users import joined, person

from soundpost.hub.app import Rooms
from soundpost.hub.audit.service import SYSTEM
from soundpost.hub.people import jobs, key_rules, keys_api, repo, users_api
from soundpost.hub.people.factors import Factors
from soundpost.hub.people.keys import Keys
from soundpost.hub.people.service import People
from soundpost.hub.people.users import Users
from soundpost.hub.store import Store
from soundpost.hub.store.tables import api_keys
from soundpost.kernel.clock import rfc3339

pytestmark = pytest.mark.slow  # a whole hub and real password hashing for each


@pytest.fixture
async def home(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Hub]:
    def rooms(store: Store, people: People) -> Rooms:
        services = {"users": Users(people, store, clock), "keys": Keys(people, store)}
        return Rooms((*users_api.CONTROLLERS, *keys_api.CONTROLLERS), services)

    async with hub(tmp_path, clock=clock, rooms=rooms) as running:
        yield running


async def made(page: httpx.AsyncClient, name: str = "panel", **more: Any) -> tuple[str, dict[str, Any]]:
    answer = await page.post("/api/v1/keys", json={"name": name, **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    return body["key"], body["item"]


async def listed(page: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    return {item["id"]: item for item in (await page.get("/api/v1/keys")).json()["items"]}


async def status(owned: Hub, key: str, path: str = "/api/v1/users") -> int:
    return (await owned.page().get(path, headers={"X-Api-Key": key})).status_code


async def test_a_key_is_told_once_and_kept_as_its_hash(owned: Hub) -> None:
    key, item = await made(owned.client, "  Room\n panel ", scope="control")
    assert key_rules.FORM.fullmatch(key)
    assert (item["name"], item["prefix"], item["scope"], item["scope_now"]) == (
        "Room panel",
        key[:11],
        "control",
        "control",
    )
    assert (item["weaker"], item["expires"], item["used"], item["used_from"], item["mine"]) == (
        None,
        None,
        None,
        "",
        True,
    )
    assert await listed(owned.client) == {item["id"]: item}
    rows = await owned.store.read(lambda conn: conn.execute(select(api_keys)).all())
    assert key not in str(rows)
    assert key[12:] not in str(rows)
    trail = (await owned.client.get("/api/v1/audit")).text
    assert "key.added" in trail
    assert key[12:] not in trail
    assert "key.added" in await owned.event_types()


async def test_both_headers_and_which_counts(owned: Hub) -> None:
    key, _ = await made(owned.client)
    wrong, page = "sp_0123abcv_" + "A" * 43, owned.page()
    for headers, wanted in (
        ({"X-Api-Key": key}, 200),
        ({"x-api-KEY": key}, 200),
        ({"Authorization": f"Bearer {key}"}, 200),
        ({"authorization": f"bearer  {key}"}, 200),
        ({"Authorization": f"Basic {key}"}, 401),
        ({"Authorization": key}, 401),
        ({"X-Api-Key": key, "Authorization": f"Bearer {wrong}"}, 200),
        ({"X-Api-Key": wrong, "Authorization": f"Bearer {key}"}, 401),
        ({"X-Api-Key": "", "Authorization": f"Bearer {key}"}, 200),
        ({"X-Api-Key": ""}, 401),
    ):
        assert (await page.get("/api/v1/users", headers=headers)).status_code == wanted, headers
    # a key counts before the cookie of the page that sends it
    problem(await owned.client.get("/api/v1/users", headers={"X-Api-Key": wrong}), 401, "key_refused")
    # and what is open to everybody stays so
    assert (await page.get("/api/v1/health", headers={"X-Api-Key": wrong})).status_code == 200


async def test_a_stranger_learns_nothing_and_holds_up_nobody(owned: Hub, clock: ManualClock) -> None:
    good, item = await made(owned.client)
    spent, over = await made(owned.client, expires=rfc3339(clock.now_ms() + 60_000))
    gone, revoked = await made(owned.client)
    assert (await owned.client.delete(f"/api/v1/keys/{revoked['id']}")).status_code == 204
    await clock.advance(60)
    assert (await listed(owned.client))[over["id"]]["weaker"] == "expired"
    page = owned.page()
    refused = ["", "sp_", "x" * 5_000, good[:-1], good[:-1] + "é", good[:12] + "A" * 43, "sp_" + "A" * 43, spent, gone]
    answers = [await page.get("/api/v1/users", headers={"X-Api-Key": key.encode()}) for key in refused]  # type: ignore[dict-item]
    problem(answers[0], 401, "unauthenticated")
    assert len({answer.text for answer in answers[1:]}) == 1
    problem(answers[1], 401, "key_refused")
    for _ in range(30):
        last = await page.get("/api/v1/users", headers={"X-Api-Key": gone})
    problem(last, 429, "too_many_attempts")
    assert int(last.headers["retry-after"]) <= 60
    assert await status(owned, good) == 200
    assert (await owned.client.get("/api/v1/users")).status_code == 200
    await clock.advance(61)
    problem(await page.get("/api/v1/users", headers={"X-Api-Key": gone}), 401, "key_refused")
    assert item["id"] in await listed(owned.client)


async def test_a_key_follows_its_person(owned: Hub, clock: ManualClock) -> None:
    lee = await joined(owned, "lee@example.org", "owner")
    who = (await person(owned, "lee@example.org"))["id"]
    key, item = await made(lee, scope="administer")
    ended: list[str] = []
    owned.people.ended.subscribe(ended.append)

    async def change(**grant: Any) -> tuple[int, int, str | None, str | None]:
        """What the key may now: look at people, and write."""
        assert (await owned.client.patch(f"/api/v1/users/{who}", json=grant)).status_code == 200
        shown = (await listed(owned.client))[item["id"]]
        reads = await status(owned, key)
        writes = (
            await owned.page().post("/api/v1/users", json={"addresses": "nonsense", "role": "monitor"}, headers={"X-Api-Key": key})
        ).status_code  # fmt: skip
        return reads, writes, shown["scope_now"], shown["weaker"]

    assert await change(role="administrator") == (200, 200, "administer", None)
    assert await change(role="monitor") == (200, 403, "read", "role")
    assert await change(role="owner") == (200, 200, "administer", None)
    assert await change(disabled=True) == (401, 401, None, "disabled")
    assert await change(disabled=False) == (200, 200, "administer", None)
    assert await change(ends=rfc3339(clock.now_ms() + 1_000)) == (200, 200, "administer", None)
    assert ended == [who] * 6  # each time, what the key holds open begins anew
    await clock.advance(2)
    assert await change(ends=None) == (200, 200, "administer", None)
    assert (await owned.client.delete(f"/api/v1/users/{who}")).status_code == 204
    assert await status(owned, key) == 401
    assert await listed(owned.client) == {}


async def test_a_key_waits_for_a_second_factor_as_its_person_does(owned: Hub) -> None:
    key, item = await made(owned.client)
    factors = Factors(owned.people, owned.store)
    principal = await owned.people.principal_of_key(key)
    assert principal is not None
    await factors.demand(SYSTEM, "everybody")
    answer = await owned.page().get("/api/v1/users", headers={"X-Api-Key": key})
    problem(answer, 403, "second_factor_needed")
    await factors.demand(SYSTEM, "nobody")
    assert await status(owned, key) == 200
    assert (await listed(owned.client))[item["id"]]["scope_now"] == "read"


async def test_who_makes_sees_and_revokes_which(owned: Hub) -> None:
    admin = await joined(owned, "adam@example.org", "administrator")
    other = await joined(owned, "olga@example.org", "administrator")
    monitor = await joined(owned, "mo@example.org", "monitor")
    problem(await monitor.post("/api/v1/keys", json={"name": "x"}), 403, "not_allowed")
    problem(await admin.post("/api/v1/keys", json={"name": "x", "scope": "control"}), 403, "key_scope")
    problem(await admin.post("/api/v1/keys", json={"name": "x", "scope": "own"}), 400, "invalid_argument")
    problem(await admin.post("/api/v1/keys", json={"name": " "}), 400, "invalid_argument")
    problem(
        await admin.post("/api/v1/keys", json={"name": "x", "expires": "2001-01-01T00:00:00Z"}), 400, "invalid_argument"
    )
    problem(await admin.post("/api/v1/keys", json={"name": "x", "expires": "soon"}), 400, "invalid_argument")
    _, of_admin = await made(admin)
    _, of_other = await made(other)
    key, of_owner = await made(owned.client, scope="administer")
    assert (await listed(admin)).keys() == {of_admin["id"], of_other["id"]}
    assert (await listed(owned.client)).keys() == {of_admin["id"], of_other["id"], of_owner["id"]}
    assert await listed(monitor) == {}
    assert [(await listed(admin))[each["id"]]["mine"] for each in (of_admin, of_other)] == [True, False]
    problem(await admin.delete(f"/api/v1/keys/{of_owner['id']}"), 404, "no_such_key")
    problem(await monitor.delete(f"/api/v1/keys/{of_admin['id']}"), 404, "no_such_key")
    problem(await admin.delete("/api/v1/keys/key_none"), 404, "no_such_key")
    assert (await admin.delete(f"/api/v1/keys/{of_other['id']}")).status_code == 204
    assert (await owned.client.delete(f"/api/v1/keys/{of_admin['id']}")).status_code == 204
    program = owned.page(**{"X-Api-Key": key})
    for answer in (
        await program.get("/api/v1/keys"),
        await program.post("/api/v1/keys", json={"name": "another"}),
        await program.delete(f"/api/v1/keys/{of_owner['id']}"),
    ):
        problem(answer, 403, "not_a_person")


async def test_there_is_an_end_to_how_many(owned: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_rules, "MOST_KEYS", 2)
    await made(owned.client)
    await made(owned.client)
    problem(await owned.client.post("/api/v1/keys", json={"name": "x"}), 409, "too_many_keys")


async def used(owned: Hub, item: dict[str, Any]) -> tuple[int, str]:
    """When and from where, as it is on disk."""
    row = await owned.store.read(lambda conn: repo.key_by_id(conn, item["id"]))
    assert row is not None
    return row.used_ms, row.used_from


async def test_the_last_use_is_shown_at_once_and_written_each_minute(owned: Hub, clock: ManualClock) -> None:
    key, item = await made(owned.client)
    commits: list[int] = []
    for _ in range(20):
        assert await status(owned, key) == 200
        commits.append((await used(owned, item))[0])
    assert commits == [0] * 20
    shown = (await listed(owned.client))[item["id"]]
    assert (shown["used"], shown["used_from"]) == (rfc3339(clock.now_ms()), "127.0.0.1")
    async with jobs.running(owned.people, clock):
        await clock.advance(jobs.WRITE_S + 1)
        while not (written := await used(owned, item))[0]:
            pass
        assert (rfc3339(written[0]), written[1]) == (shown["used"], "127.0.0.1")
        assert await status(owned, key) == 200
    assert await used(owned, item) == (clock.now_ms(), "127.0.0.1")  # written at the end, too


async def test_what_a_key_does_is_told_as_the_key_s_and_its_person_s(owned: Hub) -> None:
    key, item = await made(owned.client, "panel", scope="administer")
    program = owned.page(**{"X-Api-Key": key})
    assert (
        await program.post("/api/v1/users", json={"addresses": "bo@example.org", "role": "monitor"})
    ).status_code == 200
    (invited,) = [
        entry
        for entry in (await owned.client.get("/api/v1/audit")).json()["items"]
        if entry["act"] == "person.invited" and entry.get("phase", "opened") == "opened"
    ]
    assert invited["who"]["kind"] == "key"
    assert invited["who"]["id"] == item["id"]
    assert invited["who"]["name"] == "panel (Ada)"


async def test_keys_from_before_they_had_a_prefix_are_good(owned: Hub) -> None:
    key, item = await made(owned.client)
    old = "sp_" + "A" * 43
    await owned.store.unit_of_work(
        lambda tx: tx.conn.execute(update(api_keys).values(prefix="", key_hash=repo.digest(old))) and None
    )
    assert await status(owned, old) == 200
    assert await status(owned, key) == 401
    assert (await listed(owned.client))[item["id"]]["prefix"] == ""
