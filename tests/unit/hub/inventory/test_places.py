"""Where devices are: by hand, by rule, by what they hang from; what lists, searches, counts and the API make of it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from tests.support.hub import OWNER, problem
from tests.unit.hub.inventory.fabric import LONDON, Session, found, status

from soundpost.hub import serve
from soundpost.hub.app import Edition, Rooms, build
from soundpost.hub.audit import repo as audit_repo
from soundpost.hub.audit.service import Who
from soundpost.hub.inventory import api, places, places_api
from soundpost.hub.inventory.scope import EVERYTHING
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.locations.service import Wanted
from soundpost.hub.locations.tree import Tree
from soundpost.hub.people.service import People
from soundpost.hub.store.tables import audit
from soundpost.kernel.clock import SystemClock

pytestmark = pytest.mark.slow

SAM = Who("person", "usr_sam", "Sam", "127.0.0.1")


async def stack(london: Session, name: str = "a", address: str = "10.0.4.9") -> None:
    """A stack, a mixer and a microphone behind it."""
    london.send(
        found(f"dev_{name}", kind="stack", name=f"Stack-{name}", address=address, boxes=[f"{name}-1"], serial_number=""),
        found(f"dev_{name}1", name="Name_1", stack=f"dev_{name}", parent=f"dev_{name}", serial_number=f"{name}-1"),
        found(
            f"dev_{name}2", kind="microphone", name="Ceiling", stack=f"dev_{name}", parent=f"dev_{name}1",
            serial_number=f"{name}-2",
        ),
    )  # fmt: skip
    await london.settled()


async def path(inventory: Inventory, text: str, **more: str) -> str:
    parent = ""
    for name in text.split(" > "):
        known = inventory.locations.tree.child(parent, name)
        parent = (
            known.id if known else (await inventory.locations.add(SAM, Wanted(parent=parent, name=name, **more))).id
        )
    return parent


def where(inventory: Inventory, id: str) -> tuple[str, str]:
    item = inventory.item(inventory.memory.devices[id]).location
    return (item.path, item.by) if item else ("", "")


def listed(inventory: Inventory, **asked: str) -> list[str]:
    return sorted(device.id for device in inventory.select(asked, EVERYTHING).devices)


async def test_what_hangs_from_a_stack_is_where_the_stack_is(inventory, london):
    await stack(london)
    room = await path(inventory, "UK > HQ > 4.12")
    await inventory.locations.put(SAM, ["dev_a"], room)
    assert where(inventory, "dev_a") == ("UK > HQ > 4.12", "hand")
    assert where(inventory, "dev_a2") == where(inventory, "dev_a1") == ("UK > HQ > 4.12", "inherited")
    other = await path(inventory, "UK > HQ > 4.14")
    await inventory.locations.put(SAM, ["dev_a1"], other)
    assert where(inventory, "dev_a2") == ("UK > HQ > 4.14", "inherited")
    await inventory.locations.put(SAM, ["dev_a1"], None)
    assert where(inventory, "dev_a2") == ("UK > HQ > 4.12", "inherited")


async def test_a_rule_takes_what_comes_and_lets_go_what_changes(inventory, london):
    room = await path(inventory, "HQ > 4.12")
    rule = await inventory.locations.add_rule(SAM, room, "stack-*", "10.0.4.0/24")
    await stack(london)
    assert [where(inventory, id) for id in ("dev_a", "dev_a1", "dev_a2")] == [("HQ > 4.12", "rule")] * 3
    london.send(
        found("dev_a", revision=2, kind="stack", name="Stack-a", address="10.0.5.9", boxes=["a-1"], serial_number="")
    )
    await london.settled()
    assert [where(inventory, id) for id in ("dev_a", "dev_a1", "dev_a2")] == [("", "")] * 3
    second = await inventory.locations.add_rule(SAM, room, "", "10.0.5.9")
    await inventory.clock.advance(0.1)
    assert where(inventory, "dev_a2") == ("HQ > 4.12", "rule")
    for one in (rule, second):
        await inventory.locations.remove_rule(SAM, one.id)
    await inventory.clock.advance(0.1)
    assert where(inventory, "dev_a") == ("", "")


async def test_a_box_on_a_cable_of_its_own_is_where_its_stack_is(inventory, london):
    room = await path(inventory, "HQ > 4.12")
    await inventory.locations.add_rule(SAM, room, "", "10.0.4.0/24")
    await stack(london)
    london.send(
        found("dev_a3", name="Name_2", stack="dev_a", parent="dev_a", serial_number="a-3", address="169.254.2.6")
    )
    await london.settled()
    assert where(inventory, "dev_a3") == ("HQ > 4.12", "rule")


async def test_lists_search_and_order_by_place(inventory, london):
    await stack(london, "a")
    await stack(london, "b", "10.0.4.10")
    hq, annex = await path(inventory, "UK > HQ"), await path(inventory, "UK > Annex")
    room = await path(inventory, "UK > HQ > Boardroom")
    await inventory.locations.put(SAM, ["dev_a"], room)
    await inventory.locations.put(SAM, ["dev_b"], annex)
    assert listed(inventory, location=hq) == ["dev_a", "dev_a1", "dev_a2"]
    assert listed(inventory, location=inventory.locations.tree.get(hq).parent, kind="mixer") == ["dev_a1", "dev_b1"]
    assert listed(inventory, q="boardroom") == ["dev_a", "dev_a1", "dev_a2"]
    ordered = [device.id for device in inventory.select({"order": "location", "kind": "stack"}, EVERYTHING).devices]
    assert ordered == ["dev_b", "dev_a"]
    await inventory.locations.put(SAM, ["dev_b"], None)
    assert listed(inventory, location="none") == ["dev_b", "dev_b1", "dev_b2"]
    ordered = [device.id for device in inventory.select({"order": "location", "kind": "stack"}, EVERYTHING).devices]
    assert ordered == ["dev_a", "dev_b"]
    await inventory.locations.change(SAM, room, Wanted(name="Cinema"))
    assert (listed(inventory, q="boardroom"), listed(inventory, q="cinema hq")) == ([], ["dev_a", "dev_a1", "dev_a2"])
    await inventory.locations.remove(SAM, hq, "remove")
    assert (where(inventory, "dev_a1"), listed(inventory, q="cinema")) == (("", ""), [])


async def test_counts_roll_up_and_follow_status_and_link(inventory, london):
    await stack(london, "a")
    await stack(london, "b", "10.0.4.10")
    room, floor = await path(inventory, "UK > HQ > 4 > 4.12"), await path(inventory, "UK > HQ > 4")
    await inventory.locations.put(SAM, ["dev_a"], room)
    await inventory.locations.put(SAM, ["dev_b"], floor)
    london.send(*(status(id, "online") for id in ("dev_a", "dev_a1", "dev_a2", "dev_b", "dev_b1")))
    london.send(status("dev_b2", "offline", code="unreachable"))
    await london.settled()

    def counts(id: str) -> tuple[int, int, int, Any]:
        tree = inventory.locations.tree
        item = places.location_item(tree, tree.get(id), places.Rolled(inventory.memory, EVERYTHING))
        return item.devices["online"], item.devices["offline"], item.devices["unknown"], item.worst

    assert (counts(room), counts(floor)) == ((2, 0, 0, "online"), (3, 1, 0, "offline"))
    uppermost = inventory.locations.tree.path(room)[0].id
    assert counts(uppermost) == counts(floor)
    inventory.detached(LONDON, "gone", "")
    assert counts(uppermost) == (0, 0, 4, "unknown")
    inventory.attached(LONDON)
    await inventory.locations.put(SAM, ["dev_b"], None)
    assert (counts(floor), inventory.unplaced(EVERYTHING)) == ((2, 0, 0, "online"), 2)


async def test_a_restart_knows_every_place(inventory, london):
    await stack(london)
    await inventory.locations.put(SAM, ["dev_a"], await path(inventory, "UK > HQ"))
    before = [where(inventory, id) for id in ("dev_a", "dev_a1", "dev_a2")]
    inventory.locations.tree, inventory.locations.placed = Tree(), {}  # as after a commit whose outcome nobody knows
    await inventory.rebuild()
    assert [where(inventory, id) for id in ("dev_a", "dev_a1", "dev_a2")] == before
    assert before[2] == ("UK > HQ", "inherited")


@pytest.fixture
async def client(inventory: Inventory) -> AsyncIterator[httpx.AsyncClient]:
    """The routes over a real socket, signed in as the owner."""
    people = People(inventory.store, SystemClock())
    code = await people.start()
    rooms = Rooms((*api.CONTROLLERS, *places_api.CONTROLLERS), {"inventory": inventory})
    application = build(Edition("enterprise"), inventory.store, people, rooms)
    async with serve.Serving(application, SystemClock(), plain=serve.Plain(0)) as serving:
        url = f"http://127.0.0.1:{serving.port}"
        async with httpx.AsyncClient(base_url=f"{url}/api/v1", headers={"Origin": url}) as signed_in:
            (await signed_in.post("/first-run", json={"code": code, **OWNER})).raise_for_status()
            yield signed_in
    people.close()


async def added(client: httpx.AsyncClient, name: str, parent: str | None = None, **more: str) -> dict[str, Any]:
    answer = await client.post("/locations", json={"name": name, "parent": parent, **more})
    assert answer.status_code == 201, answer.text
    item: dict[str, Any] = answer.json()
    return item


async def test_the_tree_over_http(client, london):
    await stack(london)
    uk = await added(client, "UK", zone="Europe/London", contact="Ana")
    hq = await added(client, "HQ", uk["id"])
    room = await added(client, "4.12", hq["id"], kind="room")
    assert (room["path"], room["zone"], room["contact"], room["own"]) == ("UK > HQ > 4.12", "Europe/London", "Ana", [])
    put = (await client.post("/locations/devices", json={"devices": ["dev_a"], "location": room["id"]})).json()["items"]
    assert put[0]["location"] == {
        "id": room["id"], "name": "4.12", "path": "UK > HQ > 4.12", "zone": "Europe/London", "by": "hand",
    }  # fmt: skip
    tree = (await client.get("/locations")).json()
    assert [(item["path"], item["rooms"], sum(item["devices"].values())) for item in tree["items"]] == [
        ("UK", 1, 2),
        ("UK > HQ", 1, 2),
        ("UK > HQ > 4.12", 1, 2),
    ]
    assert tree["unplaced"] == 0
    assert (await client.get("/devices", params={"location": hq["id"]})).json()["total"] == 3
    moved = await client.patch(f"/locations/{room['id']}", json={"parent": None, "name": "Boardroom"})
    assert (moved.json()["path"], moved.json()["kind"]) == ("Boardroom", "room")
    problem(await client.patch(f"/locations/{uk['id']}", json={"parent": hq["id"]}), 409, "location_under_itself")
    problem(await client.delete(f"/locations/{uk['id']}"), 409, "location_not_empty")
    assert (await client.delete(f"/locations/{uk['id']}", params={"hanging": "remove"})).status_code == 204
    problem(await client.get(f"/locations/{hq['id']}"), 404, "location_gone")
    problem(await client.post("/locations", json={"name": " "}), 400, "location_name")
    problem(await client.post("/locations/devices", json={"devices": ["dev_no"], "location": None}), 404, "not_found")


async def test_merge_rules_and_a_table_over_http(client, london):
    await stack(london)
    one, other = await added(client, "Berlin"), await added(client, "Berlin HQ")
    await added(client, "4", one["id"])
    merged = await client.post(f"/locations/{one['id']}/merge", json={"into": other["id"]})
    assert (merged.json()["path"], merged.json()["children"]) == ("Berlin HQ", 1)
    rule = await client.post("/locations/rules", json={"location": other["id"], "name": "Stack-*"})
    assert rule.status_code == 201
    assert [item["name"] for item in (await client.get("/locations/rules")).json()["items"]] == ["Stack-*"]
    beside = await client.post("/locations/rules", json={"location": other["id"], "subnet": "10.0.4.0/24"})
    counts = {item["id"]: item["devices"] for item in (await client.get("/locations/rules")).json()["items"]}
    assert counts == {rule.json()["id"]: 3, beside.json()["id"]: 0}, "each counts what it put there itself"
    assert (await client.delete(f"/locations/rules/{beside.json()['id']}")).status_code == 204
    problem(await client.post("/locations/rules", json={"location": other["id"]}), 400, "rule_empty")
    assert (await client.delete(f"/locations/rules/{rule.json()['id']}")).status_code == 204

    table = "path,zone,serial\nUK > HQ > 4.12,Europe/London,a1\nUK > HQ > 4.14,Mars/Base,\n"
    wrong = (await client.post("/locations/import", json={"text": table})).json()
    assert (wrong["done"], [(w["line"], w["column"]) for w in wrong["wrong"]]) == (False, [(3, "zone")])
    problem(await client.post("/locations/import", json={"text": "room\n4.12", "dry_run": False}), 400, "sheet_columns")
    right = table.replace("Mars/Base", "")
    shown = (await client.post("/locations/import", json={"text": right})).json()
    assert (shown["done"], [step["act"] for step in shown["steps"]]) == (
        False,
        ["add", "add", "add", "change", "put", "add"],
    )
    assert shown["steps"][4]["device_name"] == "Name_1"
    done = (await client.post("/locations/import", json={"text": right, "dry_run": False})).json()
    assert done["done"]
    mixer = (await client.get("/devices/dev_a1")).json()
    assert (mixer["location"]["path"], mixer["location"]["by"]) == ("UK > HQ > 4.12", "hand")
    assert (await client.post("/locations/import", json={"text": right})).json()["steps"][0]["act"] == "put"


async def test_whatever_moves_a_device_is_found_under_it_in_the_audit(inventory, london):
    await stack(london)
    await stack(london, "b", "10.0.4.10")
    old, new, lab = [await path(inventory, text) for text in ("HQ > Old", "HQ > New", "Lab")]
    locations, seen = inventory.locations, 0

    async def told() -> dict[str, tuple[Any, Any]]:
        """Since it was asked last: of each device one act, with where it was and where it is."""
        nonlocal seen
        rows = await inventory.store.read(
            lambda conn: list(conn.execute(select(audit).where(audit.c.n > seen, audit.c.phase == "opened")))
        )
        seen = max(row.n for row in rows)
        placed = [row for row in rows if row.act == "device.placed"]
        assert len({row.device for row in placed}) == len(placed)
        details = {row.device: audit_repo.detail(row) for row in placed}
        return {device: (one["before"]["path"], one["after"]["path"]) for device, one in details.items()}

    a, b = ("dev_a", "dev_a1", "dev_a2"), ("dev_b", "dev_b1", "dev_b2")
    await locations.put(SAM, ["dev_a", "dev_b"], old)  # several at once, and what hangs from them
    assert await told() == dict.fromkeys((*a, *b), (None, "HQ > Old"))
    await locations.put(SAM, ["dev_b"], None)
    assert await told() == dict.fromkeys(b, ("HQ > Old", None))
    rule = await locations.add_rule(SAM, lab, "Stack-b", "")
    assert await told() == dict.fromkeys(b, (None, "Lab"))
    await locations.change(SAM, lab, Wanted(name="Laboratory"))
    assert await told() == {}  # nobody else sees them
    await locations.change(SAM, lab, Wanted(parent=new))
    assert await told() == dict.fromkeys(b, ("Laboratory", "HQ > New > Laboratory"))
    await locations.remove_rule(SAM, rule.id)
    assert await told() == dict.fromkeys(b, ("HQ > New > Laboratory", None))
    await locations.merge(SAM, old, new)
    assert await told() == dict.fromkeys(a, ("HQ > Old", "HQ > New"))
    await locations.remove(SAM, new, "remove")
    assert await told() == dict.fromkeys(a, ("HQ > New", None))


async def test_a_table_may_be_as_large_as_it_says(client):
    """Larger than any other body: it is told as a table that is too large, and only what no table can be is cut off."""
    row = '"Büro ""' + "é" * 400 + '""",' + "n" * 200 + "\n"
    fits = "path,notes\n" + row * ((3 << 20) // len(row.encode()))
    body = json.dumps({"text": fits}).encode()  # what json.dumps makes of it is the longest form
    assert len(body) > 6 << 20
    answer = await client.post("/locations/import", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["done"], len(answer.json()["wrong"]) > 0) == (200, False, True)
    large = await client.post("/locations/import", json={"text": "path\n" + "x" * (4 << 20)})
    problem(large, 400, "sheet_too_large")
    problem(await client.post("/locations/import", json={"text": "x" * (13 << 20)}), 413, "too_large")
    problem(await client.post("/locations", json={"name": "x" * (2 << 20)}), 413, "too_large")


async def test_what_happened_at_a_place(client, london):
    await stack(london)
    await stack(london, "b", "10.0.4.10")
    hq = await added(client, "HQ")
    room = await added(client, "4.12", hq["id"])
    await client.post("/locations/devices", json={"devices": ["dev_a"], "location": room["id"]})

    async def told(**asked: Any) -> set[str]:
        answer = await client.get("/events", params={"before": 1 << 50, **asked})
        return {item["device"] for item in answer.json()["items"]}

    assert await told(location=hq["id"]) == {"dev_a", "dev_a1", "dev_a2"}
    assert await told(location=room["id"], type="device.placed", limit=1) == {"dev_a"}
    problem(await client.get("/events", params={"location": "loc_no"}), 404, "location_gone")


async def test_the_drawn_tree_is_kept_while_nothing_changes_and_only_what_changed_is_made_anew(inventory, london):
    await stack(london)
    room, other = [await path(inventory, f"HQ > {name}") for name in ("4.12", "4.13")]
    await inventory.locations.put(SAM, ["dev_a"], room)
    before = inventory.drawn(EVERYTHING)
    assert inventory.drawn(EVERYTHING) is before
    london.send(status("dev_a1", "offline"))
    await london.settled()
    after = inventory.drawn(EVERYTHING)
    assert (after[room].worst, after[room].devices["offline"]) == ("offline", 1)
    assert after[other] is before[other]
    await inventory.rebuild()
    assert inventory.drawn(EVERYTHING) == after
    await inventory.locations.change(SAM, other, Wanted(name="Lobby"))
    assert inventory.drawn(EVERYTHING)[other].path == "HQ > Lobby"
    inventory.detached(LONDON, "lost", "")
    assert inventory.drawn(EVERYTHING)[room].worst == "unknown"
