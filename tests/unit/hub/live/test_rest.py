"""The routes of inventory and commands, over HTTP, as docs/protocol/api.md has them."""

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import select
from tests.support.clock import ManualClock
from tests.unit.hub.inventory.fabric import GAIN, NOW_MS, Session, change, fact, status, unreadable
from tests.unit.hub.live.house import House

from soundpost.hub.audit.service import SYSTEM
from soundpost.hub.inventory.scope import EVERYTHING
from soundpost.hub.people import repo
from soundpost.hub.store.tables import audit
from soundpost.kernel.errors import Unavailable

pytestmark = pytest.mark.slow

GAIN_KEY = "mic.101.level.gain"


@pytest.fixture
async def api(house: House, key: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(house.app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8000/api/v1", headers={"X-Api-Key": key}
    ) as client:
        yield client


@pytest.fixture
async def owner(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A person: the key of the first start may only see and control."""
    starter = await house.people.ready_owner("owner@example.com")
    assert starter is not None
    base = "http://127.0.0.1:8000"
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(house.app), base_url=f"{base}/api/v1", headers={"Origin": base}
    ) as client:
        body = {"sign_in": starter.sign_in, "password": starter.password}
        (await client.post("/session", json=body)).raise_for_status()
        yield client


async def test_devices_points_and_history(api: httpx.AsyncClient, london: Session, clock: ManualClock):
    london.values(change(GAIN, -3.0, origin="device"))
    london.send(status("dev_a", "offline", since=NOW_MS + 5_000, code="connection_refused"))
    await london.settled()
    await clock.advance(2)
    listed = (await api.get("/devices", params={"kind": "pro_audio", "q": "name_1"})).json()
    assert (listed["total"], listed["next"]) == (1, None)
    item = (await api.get("/devices/dev_a")).json()
    assert listed["items"] == [item]
    assert set(item) == {
        "id", "kind", "model", "name", "serial_number", "part_number", "firmware_version", "address", "port", "mac", "status",
        "since", "reason", "was", "site", "agent", "stack", "parent", "box_number", "position", "boxes", "location", "locate",
        "age_s", "provisional", "capabilities", "assumed", "former_addresses", "first_seen", "children",
    }  # fmt: skip
    assert item["reason"] == {"code": "connection_refused", "params": {}, "text": "It is offline: connection_refused."}
    assert item["site"] == {"id": "sit_london", "name": "London", "zone": "Europe/London"}
    assert item["age_s"] == 2.0
    points = (await api.get("/devices/dev_a/points")).json()["items"]
    gain = next(point for point in points if point["key"] == GAIN_KEY)
    assert set(gain) == {
        "key", "label", "type", "value", "unit", "time", "age_s", "quality", "text", "writable", "assumed", "minimum", "maximum",
        "step", "group", "origin", "changed",
    }  # fmt: skip
    assert (gain["value"], gain["quality"], gain["origin"], gain["group"]) == (-3.0, "device_lost", "device", "levels")
    history = (await api.get("/devices/dev_a/history")).json()["items"]
    assert [(entry["status"], entry["until"] is None) for entry in history] == [("offline", True), ("online", False)]
    assert history[1]["until"] == history[0]["since"]


async def test_unknown_devices_and_wrong_questions(api: httpx.AsyncClient, london: Session):
    assert (await api.get("/devices/dev_none")).json()["code"] == "not_found"
    for wrong in (
        {"limit": 0},
        {"limit": "many"},
        {"limit": 1001},
        {"status": "wet"},
        {"cursor": "x"},
        {"order": "luck"},
    ):
        answer = await api.get("/devices", params=wrong)
        assert answer.status_code == 400
        assert answer.json()["code"] in ("invalid_argument", "invalid_cursor")


async def test_found_and_listing_it(house: House, api: httpx.AsyncClient, london: Session):
    asked: list[tuple[str, str]] = []
    london.send(unreadable("c@10.0.0.9:23", "asks"), unreadable("c@10.0.0.8:23", "sign_in_refused"))
    await london.settled()
    items = {
        item["reason"]["code"]: item
        for item in (await api.get("/found", params={"site": "sit_london"})).json()["items"]
    }
    assert items["sign_in_refused"]["remedy"]["code"] == "give_credentials"
    house.inventory.pick = lambda site, id: not asked.append((site, id))
    refused = await api.post(f"/found/{items['asks']['id']}/list")
    assert refused.status_code == 403  # a control key administers nothing
    owner = httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url=api.base_url)
    async with owner:
        person = await house.store.read(lambda conn: repo.by_sign_in(conn, "owner@example.com"))
        owner.headers["X-Api-Key"] = await house.people.add_key(person.id, "all", "administer")
        assert (await owner.post(f"/found/{items['asks']['id']}/list")).status_code == 202
        assert (await owner.post("/found/sit_london.none/list")).status_code == 404
    assert asked == [("sit_london", "c@10.0.0.9:23")]
    house.inventory.pick = lambda _site, _id: False
    with pytest.raises(Unavailable):
        await house.inventory.list_found(SYSTEM, items["asks"]["id"], EVERYTHING)
    listed = await house.store.read(
        lambda conn: list(conn.execute(select(audit).where(audit.c.act == "found.listed").order_by(audit.c.n)))
    )
    ends = [(row.phase, row.result, row.subject, row.who_kind) for row in listed]
    id = items["asks"]["id"]
    assert ends == [
        ("opened", "", id, "key"), ("completed", "done", id, "key"), ("opened", "", id, "system"), ("completed", "failed", id, "system"),
    ]  # fmt: skip


async def test_summary(api: httpx.AsyncClient, london: Session):
    summary = (await api.get("/summary")).json()
    assert set(summary) == {"kinds", "stacks", "agents", "sites", "found", "needs", "as_of"}
    counts = {"online": 1, "degraded": 0, "offline": 0, "unknown": 0, "restarting": 0}
    assert summary["kinds"]["mixer"] == counts
    assert (summary["sites"], summary["as_of"]) == (2, "2026-11-18T11:06:40.000Z")


async def test_events_upward_downward_and_of_another_log(house: House, api: httpx.AsyncClient, london: Session):
    london.send(*(fact("scan.done", {"interface": "eth0", "range": "r", "asked": n, "total": n, "found": 0, "refused": 0, "new": 0,
                                     "gone": 0, "started_ms": 1, "ended_ms": 2}) for n in range(5)))  # fmt: skip
    await london.settled()
    first = (await api.get("/events", params={"limit": 2})).json()
    assert ([item["id"] for item in first["items"]], first["next"], first["log"]) == (
        [2, 3],
        3,
        house.store.log_id,
    )  # 1: an owner was made, which a key that controls is not told
    rest = (await api.get("/events", params={"after": 3, "log": first["log"]})).json()
    assert [item["id"] for item in rest["items"]] == list(range(4, house.store.head + 1))
    assert (await api.get("/events", params={"after": rest["next"]})).json()["next"] == rest["next"]
    down = (await api.get("/events", params={"before": 5})).json()
    assert ([item["id"] for item in down["items"]], down["next"]) == ([4, 3, 2], None)
    of_type = (await api.get("/events", params={"type": "scan.done", "site": "sit_london", "limit": 3})).json()
    assert {item["type"] for item in of_type["items"]} == {"scan.done"}
    assert of_type["items"][0]["device"] is None
    stale = await api.get("/events", params={"after": 1, "log": "log_other"})
    assert (stale.status_code, stale.json()["code"]) == (409, "log_changed")
    assert (await api.get("/events", params={"after": -1})).status_code == 400
    assert (await api.get("/events", params={"after": 1, "before": 2})).status_code == 400


async def test_commands(api: httpx.AsyncClient, london: Session):
    body = {"capability": "locate", "arguments": {"on": True}}
    asked = await api.post("/devices/dev_a/commands", json=body, headers={"Idempotency-Key": "k1"})
    again = await api.post("/devices/dev_a/commands", json=body, headers={"Idempotency-Key": "k1"})
    assert (asked.status_code, asked.json(), again.json()["id"]) == (
        202, {"id": asked.json()["id"], "status": "accepted"}, asked.json()["id"],
    )  # fmt: skip
    one = (await api.get(f"/commands/{asked.json()['id']}")).json()
    assert set(one) == {
        "id", "device", "capability", "arguments", "status", "reason", "result", "person", "asked", "deadline", "ended", "assumed", "undo",
    }  # fmt: skip
    assert (one["assumed"], one["ended"], one["person"]) == (True, None, "made at the first start (Owner)")
    second = (await api.post("/devices/dev_a/commands", json={"capability": "refresh"})).json()["id"]
    page = (await api.get("/commands", params={"device": "dev_a", "limit": 1})).json()
    rest = (await api.get("/commands", params={"device": "dev_a", "limit": 1, "cursor": page["next"]})).json()
    assert {page["items"][0]["id"], rest["items"][0]["id"]} == {one["id"], second}
    assert rest["next"] is None
    taken_back = await api.delete(f"/commands/{second}")
    assert (taken_back.status_code, taken_back.json()["reason"]["code"]) == (200, "aborted")
    for path, wrong, status_code, code in (
        ("dev_a", {"capability": "locate", "arguments": {"on": "yes"}}, 400, "invalid_argument"),
        ("dev_a", {"capability": "reboot"}, 409, "not_supported"),
        ("dev_none", body, 404, "not_found"),
        ("dev_a", {"capability": "locate", "colour": 1}, 400, "invalid_argument"),
        ("dev_a", {**body, "deadline_s": 0}, 400, "invalid_argument"),
    ):
        answer = await api.post(f"/devices/{path}/commands", json=wrong)
        assert (answer.status_code, answer.json()["code"]) == (status_code, code)


async def test_a_transcript_is_a_file_and_that_it_was_read_is_a_fact(
    owner: httpx.AsyncClient, house: House, london: Session
):
    async def transcript_of(site: str, device: str) -> bytes:
        assert (site, device) == ("sit_london", "dev_a")
        return b"> VERSION * FW 1\n"

    house.inventory.transcript_of = transcript_of
    answer = await owner.get("/devices/dev_a/transcript")
    assert (answer.status_code, answer.text) == (200, "> VERSION * FW 1\n")
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    acts = [(row["act"], row["device"]) for row in (await owner.get("/audit")).json()["items"]]
    assert ("transcript.read", "dev_a") in acts
    house.inventory.transcript_of = None
    assert (await owner.get("/devices/dev_a/transcript")).json()["code"] == "agent_lost"
