"""The live socket: snapshots, changes in their order, and nothing for those who may not look."""

from typing import Any

import pytest
from sqlalchemy import select, update
from tests.support.clock import ManualClock, settle
from tests.unit.hub.inventory.fabric import (
    GAIN,
    LOCATE,
    LONDON,
    NOW_MS,
    TEMPERATURE,
    Session,
    change,
    found,
    status,
    unreadable,
)
from tests.unit.hub.live.house import House
from tests.unit.hub.live.socket import Page

from soundpost.hub.audit.service import Who
from soundpost.hub.inventory.scope import EVERYTHING
from soundpost.hub.live import browser
from soundpost.hub.locations.service import Wanted
from soundpost.hub.people import repo as people_repo
from soundpost.hub.people.keys import Keys
from soundpost.hub.people.rules import ROLES, Principal
from soundpost.hub.people.users import Grant, Users
from soundpost.hub.store import Tx
from soundpost.hub.store.tables import api_keys, people
from soundpost.kernel.signal import Signal
from soundpost.link.envelope import Read

pytestmark = pytest.mark.slow

SAM = Who("person", "usr_sam", "Sam", "127.0.0.1")


async def test_nobody_comes_in_without_signing_in(house: House):
    page = Page(house.app, {})
    await page.task
    assert (page.accepted, page.closed) == (False, 4401)
    stranger = Page(house.app, {"x-api-key": "made up"})
    await stranger.task
    assert (stranger.accepted, stranger.closed) == (False, 4401)


async def test_a_page_of_another_site_is_refused(house: House, key: str):
    signed = await house.people.ready_owner("x@example.com")
    assert signed is None
    cookie = f"soundpost_{house.people.instance[:8]}=guess"
    page = Page(house.app, {"cookie": cookie, "origin": "http://evil.example", "host": "127.0.0.1:8000"})
    await page.task
    assert not page.accepted


async def test_a_devices_status_values_and_commands(house: House, page: Page, london: Session, clock: ManualClock):
    first = await page.follow("device:dev_a")
    assert (first["type"], first["seq"]) == ("snapshot", 1)
    assert (first["data"]["device"]["name"], len(first["data"]["points"]), first["data"]["commands"]) == (
        "Name_1",
        4,
        [],
    )

    london.values(change(GAIN, -3.0, origin="device"))
    told = await page.next("device:dev_a")
    [point] = told["data"]["points"]
    assert (told["seq"], point["key"], point["value"], point["origin"]) == (2, "mic.101.level.gain", -3.0, "device")
    assert "unit" not in point  # only what changed

    london.send(status("dev_a", "degraded", code="silent"))
    told = await page.next("device:dev_a")
    assert (told["seq"], told["data"]["device"]["status"]) == (3, "degraded")
    assert told["data"]["device"]["reason"]["code"] == "silent"
    await clock.advance(0.05)
    told = await page.next("device:dev_a")
    assert {point["quality"] for point in told["data"]["points"]} == {"silent"}

    row = await house.commands.ask(Who("person", "usr_1", "Sam"), "dev_a", "locate", {"on": True}, allowed=EVERYTHING)
    told = await page.next("device:dev_a")
    [command] = told["data"]["commands"]
    assert (command["id"], command["status"], command["person"]) == (row.id, "accepted", "Sam")


async def test_values_are_gathered_latest_first_at_once(house: House, page: Page, london: Session, clock: ManualClock):
    await page.follow("device:dev_a")
    for value in range(5):
        london.values(change(GAIN, float(value)), reads=[Read(1, 1, NOW_MS + value)])
        await london.settled()
    first = await page.next("device:dev_a")
    assert first["data"]["points"][0]["value"] == 0.0
    await clock.advance(0.05)
    second = await page.next("device:dev_a")
    assert [point["value"] for point in second["data"]["points"] if "value" in point] == [4.0]
    assert second["seq"] == 3


async def test_nothing_is_made_for_what_nobody_watches(house: House, page: Page, london: Session):
    await page.follow("summary")
    london.values(change(TEMPERATURE, 41))
    await london.settled()
    assert page.heard == []
    assert house.inventory.memory.watchers == {}
    await page.follow("device:dev_a")
    assert house.inventory.memory.watchers == {"dev_a": 1}
    page.say(unsubscribe=["device:dev_a"])
    page.say(ping=1)
    assert await page.next() == {"pong": 1}
    assert house.inventory.memory.watchers == {}


async def test_a_list_takes_in_and_lets_go(house: House, page: Page, london: Session, clock: ManualClock):
    topic = "list:kind=mixer&status=online"
    first = await page.follow(topic)
    assert ([item["id"] for item in first["data"]["items"]], first["data"]["total"]) == (["dev_a"], 1)
    london.send(found("dev_b"), status("dev_b", "online"))
    told = await page.next(topic)
    [item] = told["data"]["items"]
    assert (told["data"]["total"], item["id"], item["new"], item["kind"]) == (2, "dev_b", True, "mixer")
    await clock.advance(0.1)
    london.values(change(LOCATE, True))
    told = await page.next(topic)
    assert told["data"]["items"] == [{"id": "dev_a", "locate": True}]
    await clock.advance(0.1)
    london.send(status("dev_a", "offline"))
    told = await page.next(topic)
    assert (told["type"], told["data"], told["seq"]) == ("gone", {"ids": ["dev_a"], "total": 1}, 4)


async def test_a_lost_agent_makes_its_devices_unknown_at_once(house: House, page: Page, london: Session):
    await page.follow("list:kind=mixer")
    await page.follow("summary")
    house.inventory.detached(LONDON, "silent", "Away.")
    told = await page.next("list:kind=mixer")
    [item] = told["data"]["items"]
    assert (item["status"], item["was"], item["reason"]["code"]) == ("unknown", "online", "agent_lost")
    told = await page.next("summary")
    assert told["data"]["kinds"]["mixer"]["unknown"] == 1
    assert told["data"]["agents"]["lost"] == 1
    assert "sites" not in told["data"]


async def test_facts_findings_and_servers(house: House, page: Page, london: Session):
    first = await page.follow("events")
    assert first["data"] == {"log": house.store.log_id, "last": house.store.head}
    await page.follow("found")
    london.send(unreadable("x@10.0.0.9:23", "sign_in_refused"))
    told = await page.next("events")
    assert [(item["id"], item["type"]) for item in told["data"]["items"]] == [
        (first["data"]["last"] + 1, "found.unreadable")
    ]
    told = await page.next("found")
    assert told["data"]["items"][0]["reason"]["code"] == "sign_in_refused"
    servers = await page.follow("agents")
    assert {item["name"] for item in servers["data"]["items"]} == {"London", "Paris"}
    one = await page.follow("agent:agt_london")
    assert one["data"]["name"] == "London"


async def test_the_tree_of_places_and_who_is_put_there(house: House, page: Page, london: Session, clock: ManualClock):
    assert (await page.follow("locations"))["data"] == {"items": [], "unplaced": 1, "managed": False}
    await page.follow("list:kind=mixer")
    room = await house.inventory.locations.add(SAM, Wanted(name="4.12", kind="room"))
    told = await page.next("locations")
    assert (told["data"]["order"], told["data"]["items"][0]["path"]) == ([room.id], "4.12")
    await house.inventory.locations.put(SAM, ["dev_a"], room.id)
    assert (await page.next("list:kind=mixer"))["data"]["items"][0]["location"]["path"] == "4.12"
    await clock.advance(0.1)
    told = await page.next("locations")
    assert (told["data"]["items"][0]["devices"]["online"], told["data"]["unplaced"]) == (1, 0)
    london.send(status("dev_a", "offline"))
    await london.settled()
    await clock.advance(1.0)  # counts are told once a second
    told = await page.next("locations")
    assert (told["data"]["items"][0]["worst"], "order" in told["data"]) == ("offline", False)
    await house.inventory.locations.remove(SAM, room.id, "remove")
    await clock.advance(0.1)
    assert (await page.next("locations"))["data"] == {"ids": [room.id]}
    assert (await page.next("locations"))["data"]["unplaced"] == 1


async def test_a_device_moved_out_of_a_reader_s_part_is_gone_from_the_open_page(house: House, london: Session):
    """Not left standing with the last values, and nothing more is told of it."""
    places = house.inventory.locations
    inside, outside = [(await places.add(SAM, Wanted(name=name, kind="room"))).id for name in ("in", "out")]
    await places.put(SAM, ["dev_a"], inside)
    owner = await house.store.read(lambda conn: conn.exec_driver_sql("select id from people").scalar())
    assert owner is None
    await house.people.ready_owner("o@example.com")
    owner = await house.store.read(lambda conn: conn.exec_driver_sql("select id from people").scalar())
    key = await house.people.add_key(str(owner), "one room", "read")
    await house.store.unit_of_work(
        lambda tx: tx.conn.exec_driver_sql(f"update api_keys set places = '{inside}' where name = 'one room'")
    )
    page = Page(house.app, {"x-api-key": key})
    assert (await page.follow("device:dev_a"))["type"] == "snapshot"
    await places.put(SAM, ["dev_a"], outside)
    assert (await page.next("device:dev_a"))["type"] == "gone"
    london.values(change(GAIN, -3.0, origin="device"))
    await london.settled()
    await house.commands.ask(SAM, "dev_a", "locate", {"on": True}, allowed=EVERYTHING)
    await settle()
    assert [message for message in page.heard if "points" in str(message) or "commands" in str(message)] == []
    await page.leave()


async def test_refused_topics_and_messages_that_are_none(house: House, page: Page):
    for topic, code in (
        ("device:dev_none", "not_found"),
        ("weather", "not_found"),
        ("list:status=wet", "invalid_argument"),
        ("agent:agt_none", "not_found"),
    ):
        refusal = await page.follow(topic)
        assert (refusal["type"], refusal["data"]["code"]) == ("error", code)
    page.raw("{")
    assert (await page.next())["data"]["code"] == "invalid"
    assert house.live.topics.open == {}


async def test_who_can_not_follow_gets_it_all_afresh(house: House, page: Page, london: Session, monkeypatch):
    monkeypatch.setattr(browser, "MESSAGES_MOST", 3)
    await page.follow("events")
    await page.follow("device:dev_a")
    page.free.clear()
    for n in range(8):
        london.send(status("dev_a", "offline" if n % 2 == 0 else "online", since=NOW_MS + n))
        await london.settled()
    page.free.set()
    heard: list[dict[str, Any]] = []
    while not any(m["type"] == "snapshot" and m["topic"] == "device:dev_a" for m in heard):
        heard.append(await page.next())
    last = heard[-1]
    assert last["data"]["device"]["status"] == "online"
    for topic in ("events", "device:dev_a"):
        seqs = [m["seq"] for m in heard if m["topic"] == topic]
        assert seqs == list(range(2, 2 + len(seqs)))


async def test_memory_read_anew_is_shown_anew(house: House, page: Page, london: Session):
    await page.follow("device:dev_a")
    await house.inventory.rebuild()
    assert (await page.next("device:dev_a"))["type"] == "snapshot"


async def test_a_subscription_ends_with_its_session(house: House, page: Page):
    await page.follow("summary")
    [principal] = house.live.browsers.values()
    house.people.ended.emit(principal.id)
    await page.task
    assert page.closed == 4401
    assert (house.live.topics.open, house.live.browsers) == ({}, {})


async def test_a_keys_subscription_ends_with_its_person(house: House, page: Page):
    """Disabled, removed, changed: what is told is the person's id, and the key's socket hears it."""
    await page.follow("summary")
    [principal] = house.live.browsers.values()
    assert principal.kind == "key"
    assert principal.owner.startswith("usr_")
    house.people.ended.emit(principal.owner)
    await page.task
    assert page.closed == 4401


async def test_a_keys_subscription_ends_with_the_time_of_its_person_or_its_own(house: House, page: Page):
    ended: list[str] = []
    house.people.ended.subscribe(ended.append)
    await page.follow("summary")
    [principal] = house.live.browsers.values()
    users = Users(house.people, house.store, house.store.clock)
    users._looked_ms -= 10_000

    def work(tx: Tx) -> None:
        past = house.store.clock.now_ms() - 1_000
        tx.conn.execute(update(api_keys).values(expires_ms=past))
        tx.conn.execute(update(people).values(ends_ms=past))

    await house.store.unit_of_work(work)
    await users.end_those_whose_time_is_over()
    await page.task
    assert page.closed == 4401
    assert set(ended) == {principal.id, principal.owner}
    await users.end_those_whose_time_is_over()
    assert len(ended) == 2  # told once


async def test_a_socket_of_a_key_ends_as_the_key_is_revoked(house: House, key: str):
    """Whichever header it came in."""
    page = Page(house.app, {"authorization": f"Bearer {key}"})
    await page.follow("summary")
    [principal] = house.live.browsers.values()
    assert principal.name == "made at the first start"
    row = await house.store.read(lambda conn: conn.execute(select(people)).one())
    owner = Principal("person", row.id, row.name, row.sign_in, row.role, ROLES[row.role])
    await Keys(house.people, house.store).revoke(owner, SAM, principal.id)
    await page.task
    assert page.closed == 4401
    again = Page(house.app, {"authorization": f"Bearer {key}"})
    await again.task
    assert again.closed in (4401, 4403)


async def test_a_session_that_ran_out_is_found_out(house: House, page: Page, clock: ManualClock, monkeypatch):
    await page.follow("summary")

    async def nobody(_key: str, _address: str) -> None:
        return None

    monkeypatch.setattr(house.people, "principal_of_key", nobody)
    while not page.task.done():  # on a busy machine the check may begin to wait only after the first minute was over
        await clock.advance(61)
    await page.task
    assert page.closed == 4401


async def test_an_object_of_another_room(house: House, page: Page, clock: ManualClock):
    shown = {"state": "none", "waiting": 0}
    house.live.register_object("external", lambda: dict(shown))
    assert (await page.follow("external"))["data"] == shown
    shown["state"] = "connected"
    await clock.advance(1)
    assert (await page.next("external"))["data"] == {"state": "connected"}


async def test_the_hub_stops_while_pages_are_open(house: House, page: Page):
    await page.follow("summary")
    await house.live.stop()
    await page.task
    assert page.closed == 1001
    await settle()


async def test_a_topic_of_people_says_that_and_never_what(house: House, page: Page, clock: ManualClock):
    first = await page.follow("users")
    users = Users(house.people, house.store, clock)
    owner = await house.store.read(people_repo.first_owner)
    assert owner is not None
    actor = Principal("person", owner.id, "Ann", owner.sign_in, "owner", ROLES["owner"])
    await users.invite(actor, SAM, "lee@example.org", Grant("monitor", frozenset(), 0))
    told = await page.next("users")
    assert (first["data"], told["type"], told["data"]) == ({"turns": 0}, "change", {"turns": 1})


async def test_a_topic_follows_a_signal_and_lets_go_of_it(house: House, page: Page):
    turned: Signal[str] = Signal("turned")
    house.live.register_turns("views", turned)
    await page.follow("views")
    turned.emit("viw_1")
    assert (await page.next("views"))["data"] == {"turns": 1}
    page.say(unsubscribe=["views"])
    await settle(5)
    assert turned._listeners == []
