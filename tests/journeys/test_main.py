"""The main job with real processes: found, shown, controlled, lost, back; nothing lost and nothing doubled through kill -9."""

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tests.journeys.conftest import Site
from tests.support.programs import Api, Program, eventually, whole_log

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]
MUTE = "mic.101.level.mute"
GAIN = "mic.101.level.gain"


def point(api: Api, device: str, key: str) -> dict[str, Any]:
    found: dict[str, Any] = next(p for p in api.get(f"/devices/{device}/points")["items"] if p["key"] == key)
    return found


def ended(api: Api, command: str) -> dict[str, Any]:
    def over() -> Any:
        now = api.get(f"/commands/{command}")
        return now if now["status"] not in ("accepted", "sent") else None

    done: dict[str, Any] = eventually("the command ended", over)
    return done


def listed(here: Site, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = eventually(
        "every stack is listed and online",
        lambda: (s := here.api.devices(kind="stack", status="online")) and len(s) == count and s,
    )
    return found


def a_mixer(here: Site) -> dict[str, Any]:
    mixer = next(
        d
        for d in here.api.devices(kind="mixer")
        if d["capabilities"].get("locate") == "assumed" and d["model"] != "Huddle"
    )
    eventually("its mute was read", lambda: point(here.api, mixer["id"], MUTE)["quality"] == "good")
    return mixer


def stack_of(here: Site, mixer: dict[str, Any]) -> dict[str, Any]:
    return next(s for s in here.stacks() if any(b["serial"] == mixer["serial_number"] for b in s["boxes"]))


@contextlib.contextmanager
def owner_of(program: Program) -> Iterator[httpx.Client]:
    """The owner at the page of that program."""
    url, owner = program.ready["url"], program.ready["owner"]
    with httpx.Client(base_url=f"{url}/api/v1", headers={"Origin": url}, timeout=20) as page:
        page.post("/session", json={"sign_in": owner["email"], "password": owner["password"]}).raise_for_status()
        yield page


def test_a_hub_goes_no_further_than_the_site_lets_it(site: Callable[..., Site]) -> None:
    here = site("127.24.9.0/28", 1)
    listed(here, 1)
    mixer = a_mixer(here)
    orders = f"/devices/{mixer['id']}/commands"
    mute, unmute = ({"capability": "control", "arguments": {"key": MUTE, "value": on}} for on in (True, False))
    with owner_of(here.agent) as page:
        page.put("/local/ceiling", json={"ceiling": "control"}).raise_for_status()
        server = here.api.get("/agents")["items"][0]["id"]
        eventually("the hub knows", lambda: here.api.get(f"/agents/{server}")["ceiling"] == "control")
        refused = here.api.client.post(orders, json=unmute)
        assert (refused.status_code, refused.json()["code"]) == (409, "over_ceiling")
        assert ended(here.api, here.api.post(orders, mute)["id"])["status"] == "done"
        # Who is at the site may, by the very same order.
        asked = page.post(orders, json=unmute).json()["id"]
        eventually("it is open again", lambda: page.get(f"/commands/{asked}").json()["status"] == "done")


def test_the_hubs_places_are_shown_at_the_site_and_changed_at_the_hub_alone(site: Callable[..., Site]) -> None:
    here = site("127.24.10.0/28", 1)
    stack = listed(here, 1)[0]["id"]
    with owner_of(here.hub) as hub, owner_of(here.agent) as page:
        room = hub.post("/locations", json={"name": "4.12", "kind": "room", "contact": "Ana"}).json()["id"]
        hub.post("/locations/devices", json={"devices": [stack], "location": room}).raise_for_status()
        shown = eventually("the site shows it", lambda: page.get("/locations").json()["items"])
        assert [(place["path"], place["contact"]) for place in shown] == [("4.12", "Ana")]
        assert page.get(f"/devices/{stack}").json()["location"]["path"] == "4.12"
        hub.patch(f"/locations/{room}", json={"name": "Boardroom"}).raise_for_status()
        eventually("the new name", lambda: page.get("/locations").json()["items"][0]["path"] == "Boardroom")
        refused = page.patch(f"/locations/{room}", json={"name": "Mine"})
        assert (refused.status_code, refused.json()["code"]) == (409, "managed_by_hub")
        # Without a hub the copy stays, and is this site's own.
        page.delete("/external/hub").raise_for_status()
        eventually("its own", lambda: page.get("/locations").json()["managed"] is False)
        assert page.patch(f"/locations/{room}", json={"name": "Mine"}).json()["path"] == "Mine"


def test_found_shown_and_controlled(site: Callable[..., Site]) -> None:
    here = site("127.24.1.0/28", 3)
    listed(here, 3)
    mixer = a_mixer(here)
    boxes = {box["serial"] for stack in here.stacks() for box in stack["boxes"]}
    assert {d["serial_number"] for d in here.api.devices(kind="mixer")} == boxes

    # Locate: the light is on because the reading says so, and off when the device says so.
    asked = here.api.post(f"/devices/{mixer['id']}/commands", {"capability": "locate", "arguments": {"on": True}})
    assert ended(here.api, asked["id"])["status"] == "done"
    eventually("the light is on", lambda: here.api.get(f"/devices/{mixer['id']}")["locate"] is True)
    ended(
        here.api,
        here.api.post(f"/devices/{mixer['id']}/commands", {"capability": "locate", "arguments": {"on": False}})["id"],
    )
    eventually("the light is off", lambda: here.api.get(f"/devices/{mixer['id']}")["locate"] is False)

    # Mute, then undo; the origin is the command and its person.
    before = point(here.api, mixer["id"], MUTE)["value"]
    order = {"capability": "control", "arguments": {"key": MUTE, "value": not before}}
    asked = here.api.post(f"/devices/{mixer['id']}/commands", order)
    done = ended(here.api, asked["id"])
    assert (done["status"], done["undo"]) == (
        "done",
        {"capability": "control", "arguments": {"key": MUTE, "value": before}},
    )
    changed = eventually(
        "it is muted", lambda: (p := point(here.api, mixer["id"], MUTE))["value"] is (not before) and p
    )
    assert changed["origin"]["command"] == asked["id"]
    ended(here.api, here.api.post(f"/devices/{mixer['id']}/commands", done["undo"])["id"])
    eventually("undone", lambda: point(here.api, mixer["id"], MUTE)["value"] is before)

    # A change at the device is told apart.
    stack = stack_of(here, mixer)
    box = next(n for n, b in enumerate(stack["boxes"], 1) if b["serial"] == mixer["serial_number"])
    if box == 1:
        here.control.post(
            f"/stacks/{stack['name']}/set", json={"address": "MIC 101", "parameter": "GAIN", "value": -7.5}
        ).raise_for_status()
        seen = eventually(
            "the change arrived", lambda: (p := point(here.api, mixer["id"], GAIN))["value"] == -7.5 and p
        )
        assert seen["origin"] == "device"

    # Audited with both rows; refused before it is asked when the value is out of range.
    acts = here.api.client.get("/audit", params={"device": mixer["id"]})
    assert acts.status_code == 403, "a control key may not read the audit"
    bad = here.api.client.post(
        f"/devices/{mixer['id']}/commands", json={"capability": "control", "arguments": {"key": GAIN, "value": 99}}
    )
    assert (bad.status_code, bad.json()["code"]) == (400, "invalid_argument")


def test_the_local_agent_shows_the_same(site: Callable[..., Site]) -> None:
    here = site("127.24.2.0/28", 3)
    listed(here, 3)
    local = Api(here.agent.ready["url"], here.agent_key)

    def same() -> Any:
        shown = {
            d["id"]: (d["kind"], d["serial_number"], d["status"], d["site"]["id"], d["name"]) for d in local.devices()
        }
        central = {
            d["id"]: (d["kind"], d["serial_number"], d["status"], d["site"]["id"], d["name"])
            for d in here.api.devices()
        }
        assert shown == central
        return shown

    assert eventually("both ends show the same devices", same)
    mixer = a_mixer(here)

    def same_values() -> Any:
        ours = {
            p["key"]: p["value"] for p in local.get(f"/devices/{mixer['id']}/points")["items"] if p["group"] == "levels"
        }
        theirs = {
            p["key"]: p["value"]
            for p in here.api.get(f"/devices/{mixer['id']}/points")["items"]
            if p["group"] == "levels"
        }
        assert ours == theirs
        return ours

    assert eventually("both ends show the same values", same_values)
    # A command from the local page is the hub's to see as well.
    asked = local.post(
        f"/devices/{mixer['id']}/commands", {"capability": "control", "arguments": {"key": GAIN, "value": -11}}
    )
    assert ended(local, asked["id"])["status"] == "done"
    eventually("the hub shows it", lambda: point(here.api, mixer["id"], GAIN)["value"] == -11)
    local.close()


def test_faults_are_told_apart(site: Callable[..., Site]) -> None:
    here = site("127.24.3.0/28", 3)
    listed(here, 3)
    mixer = a_mixer(here)
    stack = stack_of(here, mixer)
    dev = f"/devices/{mixer['id']}"

    here.fault(stack["name"], "refuse")
    lost = eventually("offline", lambda: (d := here.api.get(dev))["status"] == "offline" and d)
    assert lost["reason"]["code"] in ("connection_refused", "connection_closed", "unreachable")
    here.fault(stack["name"], "refuse", on=False)
    eventually("back", lambda: here.api.get(dev)["status"] == "online", 90)

    here.fault(stack["name"], "error", text="ERROR AMPLIFIER PROTECT")
    bad = eventually("degraded", lambda: (d := here.api.get(dev))["status"] == "degraded" and d)
    assert "AMPLIFIER PROTECT" in bad["reason"]["text"]
    here.fault(stack["name"], "error", on=False)
    eventually("well again", lambda: here.api.get(dev)["status"] == "online", 90)

    here.fault(stack["name"], "silence")
    quiet = eventually("silent", lambda: (d := here.api.get(dev))["status"] in ("degraded", "offline") and d)
    assert quiet["reason"]["code"] == "silent"
    here.fault(stack["name"], "silence", on=False)
    eventually("answering again", lambda: here.api.get(dev)["status"] == "online", 90)

    history = here.api.get(f"{dev}/history")["items"]
    assert {"online", "degraded", "offline"} <= {entry["status"] for entry in history}


def test_the_agent_dies_and_its_devices_are_unknown_not_failed(site: Callable[..., Site]) -> None:
    here = site("127.24.4.0/28", 2)
    listed(here, 2)
    before = {d["id"]: d["serial_number"] for d in here.api.devices()}
    here.agent.kill()
    unknown = eventually(
        "all unknown", lambda: (d := here.api.devices()) and all(x["status"] == "unknown" for x in d) and d
    )
    assert all(d["was"] == "online" and d["reason"]["code"] == "agent_lost" for d in unknown)
    assert here.api.get("/agents")["items"][0]["state"] == "lost"
    asked = here.api.post(
        f"/devices/{unknown[0]['id']}/commands", {"capability": "refresh", "arguments": {}, "deadline_s": 3}
    )
    assert ended(here.api, asked["id"])["status"] == "expired"

    # The site is taken over by a new machine with an empty disk: same devices, same ids.
    owner = httpx.Client(
        base_url=here.hub.ready["url"] + "/api/v1", headers={"Origin": here.hub.ready["url"]}, timeout=20
    )
    owner.post("/session", json={"sign_in": here.owner["email"], "password": here.owner["password"]}).raise_for_status()
    agent = here.api.get("/agents")["items"][0]
    password = owner.post(f"/agents/{agent['id']}/hand-over").json()["password"]
    owner.close()
    here.start_agent({**here.join, "password": password}, name="new-machine")
    eventually("all online again", lambda: len(here.api.devices(kind="stack", status="online")) == 2, 90)
    assert {d["id"]: d["serial_number"] for d in here.api.devices()} == before


@pytest.mark.parametrize("seed", [1, 2])
def test_kill_minus_nine_loses_and_doubles_nothing(site: Callable[..., Site], seed: int) -> None:
    """Status facts are made all the time while hub and agent are killed at random points; afterwards ids have no holes, and every
    device's statuses alternate as they must when none is lost or doubled."""
    here = site(f"127.24.{10 + seed}.0/28", 3)
    listed(here, 3)
    chance = random.Random(seed)
    stacks = here.stacks()
    broken: set[str] = set()
    for _ in range(4):
        for stack in chance.sample(stacks, 2):
            on = stack["name"] not in broken
            here.fault(stack["name"], "refuse", on=on)
            (broken.add if on else broken.discard)(stack["name"])
        eventually("something is written", lambda: here.api.get("/events", limit=1000)["items"])
        if chance.random() < 0.5:
            here.hub.kill()
            here.hub = here.start_hub()
        else:
            here.agent.kill()
            here.agent = here.start_agent(here.join)
    for name in broken:
        here.fault(name, "refuse", on=False)
    eventually("all online", lambda: len(here.api.devices(kind="stack", status="online")) == 3, 120)
    items = whole_log(here.hub.ready["url"], here.owner)
    ids = [e["id"] for e in items]
    assert ids == list(range(1, len(ids) + 1))
    facts = [(e["device"], e["time"], e["type"], str(e["data"])) for e in items if e["type"].startswith("device.")]
    assert len(facts) == len(set(facts)), "a fact stands in the log twice"
