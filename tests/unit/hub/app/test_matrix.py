"""Who may do what: every route, every role, inside and outside the part of the places a role is limited to.

The table says the least role of each route and whether it reaches beyond any part of the places. A route that is not in it, or a
right that changed, fails here.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.hub.app.test_whole_hub import house, served
from tests.unit.hub.inventory.fabric import Session, found, status

from soundpost.device.capability import CommandState
from soundpost.device.model import Reason
from soundpost.editions import rooms
from soundpost.hub.agents.receiver import Source
from soundpost.hub.app import Edition
from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import SYSTEM
from soundpost.hub.commands import repo as commands_repo
from soundpost.hub.commands.repo import CommandRow
from soundpost.hub.inventory.state import Found
from soundpost.hub.locations.service import Wanted
from soundpost.hub.people.rules import ROLES
from soundpost.hub.store import Tx

pytestmark = pytest.mark.slow  # a whole hub and real password hashing for each

OWN = "owner, of everything"
OPEN, MONITOR, ADMINISTRATOR = "open", "monitor", "administrator"
WHOLE = "administrator, of everything"
MATRIX = {
    "GET /api/v1/health": OPEN,
    "GET /api/v1/session": OPEN,
    "POST /api/v1/session": OPEN,
    "DELETE /api/v1/session": OPEN,
    "POST /api/v1/first-run": OPEN,
    "GET /api/v1/registration/{token}": OPEN,
    "POST /api/v1/registration/{token}": OPEN,
    "PUT /api/v1/session/password": MONITOR,
    "GET /api/v1/devices": MONITOR,
    "GET /api/v1/devices/{device_id}": MONITOR,
    "GET /api/v1/devices/{device_id}/points": MONITOR,
    "GET /api/v1/devices/{device_id}/points/{key}/history": MONITOR,
    "GET /api/v1/devices/{device_id}/history": MONITOR,
    "GET /api/v1/devices/{device_id}/transcript": ADMINISTRATOR,
    "GET /api/v1/found": MONITOR,
    "POST /api/v1/found/{found_id}/list": ADMINISTRATOR,
    "GET /api/v1/summary": MONITOR,
    "GET /api/v1/events": MONITOR,
    "GET /api/v1/sites": MONITOR,
    "GET /api/v1/agents": MONITOR,
    "GET /api/v1/agents/{agent_id}": MONITOR,
    "POST /api/v1/agents": WHOLE,
    "PATCH /api/v1/agents/{agent_id}": WHOLE,
    "DELETE /api/v1/agents/{agent_id}": WHOLE,
    "POST /api/v1/agents/{agent_id}/password": WHOLE,
    "POST /api/v1/agents/{agent_id}/hand-over": WHOLE,
    "POST /api/v1/agents/{agent_id}/scan": WHOLE,
    "GET /api/v1/commands": MONITOR,
    "GET /api/v1/commands/{command_id}": MONITOR,
    "DELETE /api/v1/commands/{command_id}": ADMINISTRATOR,
    "POST /api/v1/devices/{device_id}/commands": ADMINISTRATOR,
    "GET /api/v1/reports/access": WHOLE,
    "GET /api/v1/reports/access.csv": WHOLE,
    "GET /api/v1/reports/access.jsonl": WHOLE,
    "GET /api/v1/audit/streams": WHOLE,
    "POST /api/v1/audit/streams": OWN,
    "PATCH /api/v1/audit/streams/{stream_id}": OWN,
    "DELETE /api/v1/audit/streams/{stream_id}": OWN,
    "POST /api/v1/audit/streams/{stream_id}/test": OWN,
    "GET /api/v1/audit": ADMINISTRATOR,
    "GET /api/v1/audit/export.csv": ADMINISTRATOR,
    "GET /api/v1/audit/export.jsonl": ADMINISTRATOR,
    "GET /api/v1/audit/verify": OWN,
    "GET /api/v1/locations": MONITOR,
    "GET /api/v1/locations/{location_id}": MONITOR,
    "GET /api/v1/locations/rules": MONITOR,
    "POST /api/v1/locations": ADMINISTRATOR,
    "PATCH /api/v1/locations/{location_id}": ADMINISTRATOR,
    "DELETE /api/v1/locations/{location_id}": ADMINISTRATOR,
    "POST /api/v1/locations/{location_id}/merge": ADMINISTRATOR,
    "POST /api/v1/locations/{location_id}/photos": ADMINISTRATOR,
    "GET /api/v1/locations/{location_id}/photos/{photo_id}": MONITOR,
    "PATCH /api/v1/locations/{location_id}/photos/{photo_id}": ADMINISTRATOR,
    "DELETE /api/v1/locations/{location_id}/photos/{photo_id}": ADMINISTRATOR,
    "POST /api/v1/locations/devices": ADMINISTRATOR,
    "POST /api/v1/locations/rules": WHOLE,
    "DELETE /api/v1/locations/rules/{rule_id}": WHOLE,
    "POST /api/v1/locations/import": WHOLE,
    "GET /api/v1/users": MONITOR,
    "POST /api/v1/users": ADMINISTRATOR,
    "PATCH /api/v1/users/{user_id}": ADMINISTRATOR,
    "DELETE /api/v1/users/{user_id}": ADMINISTRATOR,
    "POST /api/v1/users/{user_id}/invitation": ADMINISTRATOR,
    "GET /api/v1/organization/terms": OPEN,
    "GET /api/v1/organization": WHOLE,
    "PATCH /api/v1/organization": OWN,
    "POST /api/v1/organization/mail/test": OWN,
    "POST /api/v1/organization/sms/test": OWN,
    "GET /api/v1/organization/messages": WHOLE,
    "POST /api/v1/organization/messages/retry": OWN,
    "POST /api/v1/organization/messages/held/release": OWN,
    "POST /api/v1/organization/messages/held/drop": OWN,
    "POST /api/v1/organization/messages/{message_id}/retry": OWN,
    "DELETE /api/v1/organization/messages/{message_id}": OWN,
    "GET /api/v1/views": MONITOR,
    "POST /api/v1/views": MONITOR,
    "PATCH /api/v1/views/{view_id}": MONITOR,
    "DELETE /api/v1/views/{view_id}": MONITOR,
}
MATRIX |= {
    "POST /api/v1/session/second-factor": OPEN,
    "POST /api/v1/password-resets": OPEN,
    "PUT /api/v1/password-resets": OPEN,
    "POST /api/v1/password-resets/check": OPEN,
    "GET /api/v1/account": MONITOR,
    "PATCH /api/v1/account": MONITOR,
    "PUT /api/v1/account/terms": MONITOR,
    "GET /api/v1/account/sessions": MONITOR,
    "DELETE /api/v1/account/sessions": MONITOR,
    "DELETE /api/v1/account/sessions/{session_id}": MONITOR,
    "PUT /api/v1/account/number": MONITOR,
    "DELETE /api/v1/account/number": MONITOR,
    "POST /api/v1/account/number/code": MONITOR,
    "POST /api/v1/account/number/verify": MONITOR,
    "POST /api/v1/account/second-factor": MONITOR,
    "POST /api/v1/account/second-factor/confirm": MONITOR,
    "POST /api/v1/account/second-factor/codes": MONITOR,
    "POST /api/v1/account/second-factor/disable": MONITOR,
    "POST /api/v1/users/{user_id}/reset": ADMINISTRATOR,
    "POST /api/v1/users/{user_id}/sign-out": OWN,
    "DELETE /api/v1/users/{user_id}/second-factor": OWN,
    "GET /api/v1/keys": MONITOR,
    "GET /api/v1/compat": ADMINISTRATOR,
    "POST /api/v1/keys": ADMINISTRATOR,
    "DELETE /api/v1/keys/{key_id}": MONITOR,
    "GET /api/v1/policy/second-factor": ADMINISTRATOR,
    "PUT /api/v1/policy/second-factor": OWN,
}
PASSWORD = "another long password"


class World:
    """Two rooms, each with a mixer; people of each role who see everything, and of each that may be limited to one room."""

    def __init__(self, hub: rooms.House, client: httpx.AsyncClient) -> None:
        self.hub, self.client = hub, client
        self.cookies: dict[str, dict[str, str]] = {"nobody": {}}

    async def make(self) -> None:
        account = (await self.hub.agents.add(SYSTEM, "London")).account
        source = Source(account.site, account.id, 1)
        self.hub.inventory.attached(source)
        site = Session(self.hub.inventory, source)
        for name in ("in", "out"):
            site.send(
                found(f"dev_{name}", name=f"Mixer {name}", serial_number=f"{name}-1"), status(f"dev_{name}", "online")
            )
        await site.settled()
        self.agent = account.id
        self.rooms = {}
        for name in ("in", "out"):
            self.rooms[name] = (
                await self.hub.inventory.locations.add(SYSTEM, Wanted(name=f"Room {name}", kind="room"))
            ).id
            await self.hub.inventory.locations.put(SYSTEM, [f"dev_{name}"], self.rooms[name])
        code = self.hub.first_run_code
        await self.sign_in("owner", "/first-run", {"code": code, "sign_in": "o@example.org"})
        for role in ("monitor", "administrator"):
            await self.join(role, role)
            await self.join(f"{role} of a room", role, places=[self.rooms["in"]])

    async def join(self, name: str, role: str, **more: Any) -> None:
        body = {"addresses": f"{name.replace(' ', '-')}@example.org", "role": role, **more}
        (item,) = (await self.ask("owner", "POST", "/api/v1/users", body)).json()["items"]
        await self.sign_in(name, item["link"].replace("/register/", "/registration/"), {"terms": True})

    async def sign_in(self, name: str, path: str, body: dict[str, Any]) -> None:
        answer = await self.client.post(f"/api/v1{path}", json={"password": PASSWORD, **body}, headers=self.origin)
        assert answer.status_code == 201, answer.text
        self.cookies[name] = dict(answer.cookies)
        self.client.cookies.clear()

    @property
    def origin(self) -> dict[str, str]:
        return {"Origin": str(self.client.base_url).rstrip("/")}

    async def ask(self, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies[who].items())
        headers = {**self.origin, **({"Cookie": cookie} if cookie else {})}
        return await self.client.request(method, path, json=body, headers=headers)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with house(tmp_path, Edition("enterprise")) as hub, served(hub) as client:
        made = World(hub, client)
        await made.make()
        yield made


def may(who: str, least: str) -> bool:
    role, _, part = who.partition(" of ")
    if least in (WHOLE, OWN) and part:
        return False
    needs = {OWN: "own", OPEN: "open", MONITOR: "see", ADMINISTRATOR: "administer", WHOLE: "administer"}[least]
    return needs in ROLES.get(role, {"open"})


@pytest.mark.slow
async def test_every_route_for_every_role(world: World) -> None:
    document = (await world.ask("owner", "GET", "/api/v1/openapi.json")).json()
    routes = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert routes == set(MATRIX)
    wrong = []
    for route, least in MATRIX.items():
        method, path = route.split(" ")
        address = path.replace("{", "no-").replace("}", "")
        for who in world.cookies:
            if address == "/api/v1/session" and method == "DELETE":
                continue  # it would end what is tested with
            answer = await world.ask(who, method, address, {} if method in ("POST", "PUT", "PATCH") else None)
            code = answer.json().get("code", "") if answer.status_code >= 400 else ""
            let = code not in ("unauthenticated", "not_allowed")
            if let != may(who, least):
                wrong.append((route, who, answer.status_code, code))
            assert answer.status_code < 500, (route, who, answer.text)
    assert wrong == []


PARTS = ("monitor of a room", "administrator of a room")


@pytest.mark.slow
@pytest.mark.parametrize("who", PARTS)
async def test_what_lies_outside_a_part_is_not_there(world: World, who: str) -> None:
    """Lists, counts, search, events and guessed ids."""

    async def body(path: str) -> Any:
        answer = await world.ask(who, "GET", f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert [d["id"] for d in (await body("/devices"))["items"]] == ["dev_in"]
    assert (await body("/devices?q=mixer"))["total"] == 1
    assert (await body("/devices?q=out"))["total"] == 0
    assert (await body(f"/devices?location={world.rooms['out']}"))["items"] == []
    assert (await body("/summary"))["kinds"]["mixer"]["online"] == 1
    assert [place["id"] for place in (await body("/locations"))["items"]] == [world.rooms["in"]]
    assert {event["device"] for event in (await body("/events?limit=1000"))["items"]} <= {"dev_in", None}
    assert [agent["devices"]["online"] for agent in (await body("/agents"))["items"]] == [1]
    assert [site["devices"]["online"] for site in (await body("/sites"))["items"]] == [1]
    for path in (
        "/devices/dev_out",
        "/devices/dev_out/points",
        "/devices/dev_out/history",
        f"/locations/{world.rooms['out']}",
    ):
        guessed = await world.ask(who, "GET", f"/api/v1{path}")
        made_up = await world.ask(
            who, "GET", f"/api/v1{path.replace('out', 'none').replace(world.rooms['out'], 'loc_none')}"
        )
        assert (
            (guessed.status_code, guessed.json()["code"])
            == (made_up.status_code, made_up.json()["code"])
            == (
                404,
                guessed.json()["code"],
            )
        )


async def test_a_limited_administrator_stays_in_its_part(world: World) -> None:
    who, inside, outside = "administrator of a room", world.rooms["in"], world.rooms["out"]

    async def code(method: str, path: str, body: Any = None) -> tuple[int, str]:
        answer = await world.ask(who, method, f"/api/v1{path}", body)
        return answer.status_code, answer.json().get("code", "") if answer.content else ""

    assert await code("POST", "/locations/devices", {"devices": ["dev_out"], "location": inside}) == (404, "not_found")
    assert (await code("POST", "/locations/devices", {"devices": ["dev_in"], "location": outside}))[0] == 404
    assert await code("POST", "/locations", {"name": "Top"}) == (403, "not_allowed")
    assert await code("POST", "/locations", {"name": "Corner", "parent": inside}) == (201, "")
    assert (await code("PATCH", f"/locations/{outside}", {"name": "Mine"}))[0] == 404
    assert await code("PATCH", f"/locations/{inside}", {"parent": None}) == (403, "not_allowed")
    assert (await code("POST", f"/locations/{inside}/merge", {"into": outside}))[0] == 404
    order = {"capability": "refresh", "arguments": {}}
    assert (await code("POST", "/devices/dev_out/commands", order))[0] == 404
    assert (await code("POST", "/devices/dev_in/commands", order))[0] != 404
    more = {"addresses": "x@example.org", "role": "monitor"}
    assert await code("POST", "/users", more) == (403, "not_allowed")
    assert (await code("POST", "/users", {**more, "places": [outside]}))[0] == 404
    assert await code("POST", "/users", {**more, "places": [inside]}) == (200, "")


async def test_what_a_sweep_met_elsewhere_is_not_there(world: World) -> None:
    """Findings, facts of the site without a device, sweeps and users tried: shown only to who sees all, or where a rule says so."""
    who, inside = "monitor of a room", world.rooms["in"]
    site = world.hub.agents.get(world.agent).site
    memory = world.hub.inventory.memory
    reason = Reason("sign_in_refused", "No set fits.")
    for name, address in (("a", "10.1.0.7"), ("b", "10.2.0.7")):
        entry = Found(site=site, id=name, address=address, port=23, family="converge_pro2", reason=reason)
        memory.found[entry.shown_id] = entry
    await world.hub.store.unit_of_work(lambda tx: tx.log("found.unreadable", {"address": "10.2.0.7"}, site=site))

    async def asked(reader: str, path: str) -> Any:
        return (await world.ask(reader, "GET", f"/api/v1{path}")).json()

    assert [item["address"] for item in (await asked("monitor", "/found"))["items"]] == ["10.1.0.7", "10.2.0.7"]
    assert (await asked(who, "/found"))["items"] == []
    assert "found.unreadable" in str(await asked("monitor", "/events?limit=1000"))
    assert "found.unreadable" not in str(await asked(who, "/events?limit=1000"))
    detail = await asked(who, f"/agents/{world.agent}")
    assert (detail["scans"], detail["credential_sets"]) == ([], [])
    await world.hub.inventory.locations.add_rule(SYSTEM, inside, "", "10.1.0.0/16")
    assert [item["address"] for item in (await asked(who, "/found"))["items"]] == ["10.1.0.7"]
    answer = await world.ask("administrator of a room", "POST", f"/api/v1/found/{site}.b/list", {})
    assert answer.status_code == 404


async def test_pages_of_commands_go_on_below_those_of_others(world: World) -> None:
    """Newest first: two of one's own, 150 of devices that are not seen, two older ones of one's own."""
    site = world.hub.agents.get(world.agent).site
    devices = ["dev_in"] * 2 + ["dev_out"] * 150 + ["dev_in"] * 2
    rows = [
        CommandRow(
            id=f"cmd_{n:03}", device=device, site=site, capability="refresh", arguments={}, state=CommandState.DONE, asked_ms=1_000 + n
        )
        for n, device in enumerate(devices)
    ]  # fmt: skip

    def work(tx: Tx) -> None:
        for row in rows:
            commands_repo.add(tx.conn, row)

    await world.hub.store.unit_of_work(work)
    for address, pages in (
        ("/api/v1/commands?", [["cmd_153", "cmd_152", "cmd_001", "cmd_000"]]),
        ("/api/v1/commands?limit=3&", [["cmd_153", "cmd_152", "cmd_001"], ["cmd_000"]]),
        ("/api/v1/commands?limit=2&device=dev_in&", [["cmd_153", "cmd_152"], ["cmd_001", "cmd_000"]]),
        ("/api/v1/commands?device=dev_out&", [[]]),
    ):
        read, cursor = [], ""
        while cursor is not None:
            page = (
                await world.ask("monitor of a room", "GET", address + (f"cursor={cursor}" if cursor else ""))
            ).json()
            read.append([command["id"] for command in page["items"]])
            cursor = page["next"]
        assert read == pages


async def test_moving_a_device_out_takes_it_from_sight_at_once(world: World) -> None:
    who = "monitor of a room"
    assert (await world.ask(who, "GET", "/api/v1/devices/dev_in")).status_code == 200
    await world.hub.inventory.locations.put(SYSTEM, ["dev_in"], world.rooms["out"])
    assert (await world.ask(who, "GET", "/api/v1/devices/dev_in")).status_code == 404
    assert (await world.ask(who, "GET", "/api/v1/agents")).json()["items"] == []
    await world.hub.inventory.locations.put(SYSTEM, ["dev_out"], world.rooms["in"])
    assert (await world.ask(who, "GET", "/api/v1/devices")).json()["total"] == 1


async def test_a_limited_administrator_changes_only_who_is_in_its_part(world: World) -> None:
    """Somebody who sees more is shown by name alone, and neither changed, removed nor given a new link."""
    who, inside = "administrator of a room", world.rooms["in"]

    names = {item["sign_in"]: item["id"] for item in (await world.ask("owner", "GET", "/api/v1/users")).json()["items"]}

    async def people(reader: str) -> dict[str, dict[str, Any]]:
        items = {item["id"]: item for item in (await world.ask(reader, "GET", "/api/v1/users")).json()["items"]}
        return {name: items[id] for name, id in names.items()}

    seen = await people(who)
    locks = {name: item["locked"] for name, item in seen.items()}
    assert locks == {
        "o@example.org": "owner_only",
        "monitor@example.org": "beyond_part",
        "administrator@example.org": "beyond_part",
        "monitor-of-a-room@example.org": None,
        "administrator-of-a-room@example.org": None,
    }
    shown = seen["monitor@example.org"]
    assert (shown["name"], shown["sign_in"], shown["role"], shown["places"]) == ("monitor", None, None, [])
    assert seen["monitor-of-a-room@example.org"]["places"] == [inside]
    assert {item["locked"] for item in (await people("monitor")).values()} == {"not_allowed"}
    assert (await people("owner"))["o@example.org"]["locked"] == "last_owner"
    assert (await people("administrator"))["o@example.org"]["locked"] == "owner_only"
    for method, path, body in (
        ("DELETE", "", None),
        ("PATCH", "", {"disabled": True}),
        ("PATCH", "", {"places": [inside]}),
        ("POST", "/invitation", {}),
    ):
        answer = await world.ask(who, method, f"/api/v1/users/{names['monitor@example.org']}{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), (method, path)
    own = f"/api/v1/users/{names['monitor-of-a-room@example.org']}"
    assert (await world.ask(who, "PATCH", own, {"disabled": True})).status_code == 200
    assert (await world.ask(who, "DELETE", own)).status_code == 204


async def test_the_audit_of_a_part(world: World) -> None:
    """Acts on the devices that hang there now, and one's own; the same in the file."""
    who = "administrator of a room"

    def acts(tx: Tx) -> None:
        for device in ("dev_in", "dev_out"):
            audit.recorded(tx, SYSTEM, "command.refresh", device=device)

    await world.hub.store.unit_of_work(acts)
    items = (await world.ask(who, "GET", "/api/v1/audit?limit=1000")).json()["items"]
    assert {item["device"] for item in items} == {"dev_in", None}
    assert {item["who"]["name"] for item in items if item["device"] is None} == {"administrator-of-a-room@example.org"}
    assert len((await world.ask("administrator", "GET", "/api/v1/audit?act=command.*")).json()["items"]) == 2
    assert "dev_out" not in (await world.ask(who, "GET", "/api/v1/audit/export.jsonl")).text
    await world.hub.inventory.locations.put(SYSTEM, ["dev_in"], world.rooms["out"])
    items = (await world.ask(who, "GET", "/api/v1/audit?act=command.*")).json()["items"]
    assert items == []


async def test_a_key_sees_what_lies_in_its_part_and_in_its_person_s(world: World) -> None:
    inside, outside = world.rooms["in"], world.rooms["out"]

    async def key(who: str, **more: Any) -> str:
        answer = await world.ask(who, "POST", "/api/v1/keys", {"name": "probe", **more})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["key"])

    async def seen(text: str) -> list[str]:
        answer = await world.client.get("/api/v1/devices", headers={"X-Api-Key": text})
        return sorted(device["id"] for device in answer.json()["items"])

    async def acts(text: str) -> list[dict[str, Any]]:
        answer = await world.client.get("/api/v1/audit?limit=1000", headers={"X-Api-Key": text})
        return list(answer.json()["items"])

    async def code(text: str, path: str, **more: Any) -> str:
        answer = await world.client.request(
            "POST" if more else "GET", f"/api/v1{path}", headers={"X-Api-Key": text}, **more
        )
        return str(answer.json().get("code", "")) if answer.status_code >= 400 else ""

    all_of_it, part = await key("owner", scope="administer"), await key("owner", scope="administer", places=[inside])
    assert (await seen(all_of_it), await seen(part)) == (["dev_in", "dev_out"], ["dev_in"])
    # of the audit: all; or what was done to the devices in its part and by the key itself, nothing else of its person
    await world.hub.store.unit_of_work(
        lambda tx: (
            [audit.recorded(tx, SYSTEM, "command.refresh", device=device) for device in ("dev_in", "dev_out")] and None
        )
    )
    everything, limited = await acts(all_of_it), await acts(part)
    assert {act["device"] for act in everything} == {"dev_in", "dev_out", None}
    assert "key.added" in {act["act"] for act in everything}
    assert limited == [act for act in everything if act["device"] == "dev_in"] != []
    exported = await world.client.get("/api/v1/audit/export.jsonl", headers={"X-Api-Key": part})
    assert [json.loads(line)["device"] for line in exported.text.splitlines()] == ["dev_in"] * len(limited)
    assert {act["act"] for act in await acts(part)} == {*(act["act"] for act in limited), "audit.exported"}
    assert await code(part, "/devices/dev_out") == "not_found"
    # a limited key gives nobody more than it has
    assert await code(part, "/users", json={"addresses": "x@example.org", "role": "monitor"}) == "not_allowed"
    invited = {"addresses": "x@example.org", "role": "monitor", "places": [outside]}
    assert await code(part, "/users", json=invited) == "location_gone"
    # nor can a person make one beyond the own part
    who = "administrator of a room"
    answer = await world.ask(who, "POST", "/api/v1/keys", {"name": "x", "places": [outside]})
    assert (answer.status_code, answer.json()["code"]) == (404, "location_gone")
    assert await seen(await key(who)) == ["dev_in"]
    assert await seen(await key(who, places=[inside])) == ["dev_in"]
    # and when its person is limited later, both hold
    out = await key("administrator", places=[outside])
    assert await seen(out) == ["dev_out"]
    people = (await world.ask("owner", "GET", "/api/v1/users")).json()["items"]
    (person,) = [one["id"] for one in people if one["sign_in"] == "administrator@example.org"]
    await world.ask("owner", "PATCH", f"/api/v1/users/{person}", {"places": [inside]})
    assert await seen(out) == []
    # who is limited sees the keys of those in the own part
    listed = (await world.ask(who, "GET", "/api/v1/keys")).json()["items"]
    assert {item["person"]["name"] for item in listed} == {
        "administrator-of-a-room@example.org",
        "administrator@example.org",
    }
