"""Facts and values on their way in: once, in order, and never in memory before they are on disk."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from tests.support.clock import ManualClock
from tests.unit.hub.inventory.fabric import (
    GAIN,
    LOCATE,
    LONDON,
    MUTE,
    NOW_MS,
    TEMPERATURE,
    Session,
    change,
    fact,
    found,
    status,
    uid,
    unreadable,
)

from soundpost.hub.inventory.scope import EVERYTHING
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.store import CommitUnknown, Event, Store, Tx
from soundpost.hub.store.tables import devices, events, fact_uids, rejected, segments, status_history
from soundpost.kernel.errors import Conflict
from soundpost.link.envelope import Read
from soundpost.link.events import pack


async def rows(inventory: Inventory, table) -> list:
    return await inventory.store.read(lambda conn: list(conn.execute(select(table))))


async def logged(inventory: Inventory) -> list[Event]:
    return await inventory.events(EVERYTHING, after=0, before=None, limit=1000)


async def test_a_device_appears_with_its_status(inventory: Inventory, london: Session):
    london.send(found("dev_a", name="Name_1"), status("dev_a", "online"))
    await london.settled()
    item = inventory.item(inventory.find("dev_a", EVERYTHING))
    assert (item.name, item.status, item.site.name, item.agent.state) == ("Name_1", "online", "London", "connected")
    assert [e.type for e in await logged(inventory)] == ["device.found", "device.status"]
    [history] = await rows(inventory, status_history)
    assert (history.device, history.status, history.event) == ("dev_a", "online", 2)


async def test_a_repeat_is_ignored_in_one_frame_and_later(inventory: Inventory, london: Session):
    first = found("dev_a")
    london.send(first, first)
    london.send(first)
    await london.settled()
    assert london.done == 2
    assert len(await logged(inventory)) == 1


async def test_facts_apply_in_lane_order_not_by_time(inventory: Inventory, london: Session):
    london.send(
        found("dev_a"), status("dev_a", "offline", since=NOW_MS), status("dev_a", "online", since=NOW_MS - 9_000)
    )
    await london.settled()
    assert inventory.item(inventory.find("dev_a", EVERYTHING)).status == "online"


async def test_a_status_told_again_takes_nothing_back_and_is_no_history(
    inventory: Inventory, london: Session, clock: ManualClock
):
    """What an agent from an older copy of its disk says in its snapshot: the same, but since before it was offline."""
    back = NOW_MS - 1_000
    london.send(found("dev_a"), status("dev_a", "online", since=NOW_MS - 90_000))
    london.send(status("dev_a", "offline", since=NOW_MS - 9_000), status("dev_a", "online", since=back))
    london.send(status("dev_a", "online", since=NOW_MS - 90_000), status("dev_a", "online", since=back + 20))
    await london.settled()
    assert inventory.find("dev_a", EVERYTHING).since_ms == back
    assert [row.status for row in await rows(inventory, status_history)] == ["online", "offline", "online"]
    london.send(status("dev_a", "online", since=NOW_MS - 90_000, code="hands_off"))
    await clock.advance(61)
    london.send(status("dev_a", "online", since=NOW_MS + 60_000, code="hands_off"))  # what lay between was dropped
    await london.settled()
    assert [row.since_ms for row in await rows(inventory, status_history)][-2:] == [back, NOW_MS + 60_000]
    assert len(await logged(inventory)) == 8, "each is a fact all the same"


async def test_late_facts_are_applied_and_marked(inventory: Inventory, london: Session):
    london.send(found("dev_a"), status("dev_a", "online"), late=True)
    await london.settled()
    assert all(event.data["late"] for event in await logged(inventory))
    assert inventory.summary(EVERYTHING).kinds["mixer"]["online"] == 1


async def test_a_record_is_replaced_whole_by_a_higher_revision_only(inventory: Inventory, london: Session):
    london.send(found("dev_a", revision=3, name="new", mac="aa"), found("dev_a", revision=2, name="old"))
    london.send(found("dev_a", revision=4, name="newer"))
    await london.settled()
    item = inventory.item(inventory.find("dev_a", EVERYTHING))
    assert (item.name, item.mac) == ("newer", "")
    assert len(await logged(inventory)) == 3


async def test_an_older_generation_goes_to_history_only(inventory: Inventory, london: Session):
    london.send(found("dev_a", generation=2, revision=1))
    london.send(status("dev_a", "online"))
    await london.settled()
    await inventory.store.unit_of_work(lambda tx: tx.conn.execute(devices.update().values(generation=3)))
    london.send(status("dev_a", "offline", generation=2))
    await london.settled()
    assert inventory.item(inventory.find("dev_a", EVERYTHING)).status == "online"
    assert (await logged(inventory))[-1].data["old_generation"] is True


async def test_another_sites_device_is_refused_and_set_aside(inventory: Inventory, london: Session, paris: Session):
    london.send(found("dev_a"), status("dev_a", "online"))
    await london.settled()
    forged = status("dev_a", "offline")
    paris.send(forged, found("dev_b"))
    paris.send(forged)
    await paris.settled()
    assert inventory.item(inventory.find("dev_a", EVERYTHING)).status == "online"
    assert inventory.find("dev_b", EVERYTHING).site.id == "sit_paris"
    [row] = await rows(inventory, rejected)
    assert (row.site, row.reason, row.body) == ("sit_paris", "other_site", pack(forged))
    assert paris.declare("dev_a") == "other_site"


async def test_one_unreadable_entry_among_a_hundred(inventory: Inventory, london: Session):
    good = [found(f"dev_{n}") for n in range(99)]
    london.send(
        *good[:50],
        fact("device.status", {"status": 7}, "dev_1"),
        *good[50:],
        rejected=[(b"\x01rubbish", "fact_unreadable")],
    )
    await london.settled()
    assert london.done == 1
    assert inventory.select({}, EVERYTHING).total == 99
    assert sorted(row.reason for row in await rows(inventory, rejected)) == ["fact_unreadable"] * 2
    assert [e.type for e in await logged(inventory)].count("entry.rejected") == 2


async def test_an_unreadable_entry_has_an_identity_too(inventory: Inventory, london: Session):
    known = uid()
    body = b"\x09\x97\xc4\x10" + known + b"from the future"
    for _ in range(2):
        london.send(rejected=[(body, "fact_level")], last_uid=known)
    await london.settled()
    assert len(await rows(inventory, rejected)) == 1
    assert [bytes(row.uid) for row in await rows(inventory, fact_uids)] == [known]


async def test_a_frame_of_many_facts_takes_several_commits_and_one_ack(
    inventory: Inventory, london: Session, clock: ManualClock
):
    commits: list[int] = []
    inventory.store.subscribe(lambda events: commits.append(len(events)))
    london.send(*(found(f"dev_{n}") for n in range(450)))
    while not london.done:
        await clock.advance(0.02)
    assert commits == [200, 200, 50]
    assert inventory.summary(EVERYTHING).kinds["mixer"]["unknown"] == 450


async def test_values_are_on_disk_before_they_are_known(inventory: Inventory, london: Session):
    london.send(found("dev_a"))
    assert london.declare("dev_a") == ""
    london.values(change(GAIN, -3.0, origin="device"), change(MUTE, True), reads=[Read(1, 1, NOW_MS + 5)])
    device = None
    seen: list[object] = []
    store = inventory.store
    inventory.changes.subscribe(lambda delta: seen.append(inventory.memory.devices["dev_a"].values[GAIN:]))
    await london.settled()
    device = inventory.find("dev_a", EVERYTHING)
    points = {point.key: point for point in inventory.points(device)}
    gain = points["mic.101.level.gain"]
    assert (gain.value, gain.origin, gain.unit, gain.quality) == (-3.0, "device", "dB", "good")
    assert points["unit.temperature"].value is None
    assert seen[-1] == [-3.0, True]
    assert len(await rows(inventory, segments)) == 1
    assert store.head == 1  # values are not facts


async def test_memory_is_never_ahead_of_the_disk(
    inventory: Inventory, london: Session, monkeypatch: pytest.MonkeyPatch
):
    london.send(found("dev_a"), status("dev_a", "online"))
    await london.settled()

    def full(self: Tx) -> None:
        raise OperationalError("commit", {}, Exception("database or disk is full"))

    monkeypatch.setattr(Tx, "number", full)
    london.send(status("dev_a", "offline"))
    await london.settled()
    assert len(london.failed) == 1
    assert inventory.item(inventory.find("dev_a", EVERYTHING)).status == "online"
    monkeypatch.undo()
    london.send(status("dev_a", "offline"))  # still the old session: nothing overtakes what failed
    await london.settled()
    assert len(london.failed) == 2
    inventory.attached(type(LONDON)(LONDON.site, LONDON.agent, 5))
    again = Session(inventory, type(LONDON)(LONDON.site, LONDON.agent, 5))
    again.send(status("dev_a", "offline"))
    await again.settled()
    assert again.done == 1
    assert inventory.item(inventory.find("dev_a", EVERYTHING)).status == "offline"


async def test_a_poisonous_entry_harms_neither_its_neighbours_nor_other_agents(
    inventory: Inventory, london: Session, paris: Session
):
    def poison(tx: Tx, ended) -> dict:
        raise KeyError("a bug")

    inventory.on_command_ended = poison
    bad = fact("command.ended", {"id": "cmd_x", "capability": "locate", "state": "done"}, "dev_a")
    london.send(found("dev_a"), bad, status("dev_a", "online"))
    paris.send(found("dev_p"))
    await london.settled()
    await paris.settled()
    assert (london.done, paris.done) == (1, 1)
    counts = {"online": 1, "degraded": 0, "offline": 0, "unknown": 1, "restarting": 0}
    assert inventory.summary(EVERYTHING).kinds["mixer"] == counts
    [row] = await rows(inventory, rejected)
    assert row.body == pack(bad)
    london.send(bad)
    await london.settled()
    assert len(await rows(inventory, rejected)) == 1


async def test_a_database_that_is_held_for_a_while_blames_no_entry(
    inventory: Inventory, london: Session, monkeypatch: pytest.MonkeyPatch
):
    """As the store says it when a backup tool holds the file past the busy time-out: not one fact is rejected for that."""
    london.send(found("dev_a"), status("dev_a", "online"))
    await london.settled()

    def held(self: Tx) -> None:
        raise Conflict("The database is in use by another program.", code="database_locked")

    monkeypatch.setattr(Tx, "number", held)
    lost = status("dev_a", "offline")
    london.send(lost)
    await london.settled()
    monkeypatch.undo()
    assert (london.done, len(london.failed)) == (1, 1)
    assert await rows(inventory, rejected) == []
    again = Session(inventory, type(LONDON)(LONDON.site, LONDON.agent, 5))
    inventory.attached(again.source)
    again.send(lost)
    await again.settled()
    assert inventory.item(inventory.find("dev_a", EVERYTHING)).status == "offline"


async def test_a_session_that_only_declared_ends_when_that_can_not_be_committed(
    inventory: Inventory, london: Session, paris: Session, monkeypatch: pytest.MonkeyPatch
):
    broken: list[str] = []
    inventory.break_links_with(lambda source, _error: broken.append(source.agent))
    london.send(found("dev_a"))
    await london.settled()

    def full(self: Tx) -> None:
        raise OperationalError("commit", {}, Exception("database or disk is full"))

    monkeypatch.setattr(Tx, "number", full)
    london.declare("dev_a")
    paris.send(found("dev_p"))
    await paris.settled()
    monkeypatch.undo()
    assert broken == [LONDON.agent]
    assert len(paris.failed) == 1


async def test_rejects_of_one_agent_are_kept_whole_only_up_to_a_bound(
    inventory: Inventory, london: Session, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("soundpost.hub.inventory.repo.REJECTED_MOST", 300)
    for number in range(4):
        london.send(rejected=[(bytes([number]) * 200, "fact_unreadable")])
        await london.settled()
    sizes = [len(row.body) for row in await rows(inventory, rejected)]
    assert sizes == [200, 96, 96, 96]
    assert len(await logged(inventory)) == 4, "each is told"


async def test_an_unknown_commit_closes_the_links_and_reads_memory_anew(
    inventory: Inventory, london: Session, paris: Session, monkeypatch: pytest.MonkeyPatch
):
    london.send(found("dev_a"), status("dev_a", "online"))
    await london.settled()
    real = Store.unit_of_work

    async def committed_but_who_knows(self, work, *, ingest=False):
        await real(self, work, ingest=ingest)
        raise CommitUnknown("The database did not say.")

    monkeypatch.setattr(Store, "unit_of_work", committed_but_who_knows)
    lost = status("dev_a", "offline")
    london.send(lost)
    await london.settled()
    monkeypatch.undo()
    assert isinstance(london.failed[0], CommitUnknown)
    assert inventory.item(inventory.find("dev_a", EVERYTHING)).status == "offline"
    again = Session(inventory, type(LONDON)(LONDON.site, LONDON.agent, 5))
    inventory.attached(again.source)
    again.send(lost)
    await again.settled()
    assert len(await logged(inventory)) == 3


async def test_the_last_uid_is_noted_in_the_same_commit(inventory: Inventory, london: Session):
    noted: list[tuple[str, bytes]] = []
    inventory._ingest._note = lambda tx, agent, uid: noted.append((agent, uid))
    last = found("dev_b")
    london.send(found("dev_a"), last)
    await london.settled()
    assert noted == [("agt_london", last.uid)]


async def test_found_and_gone(inventory: Inventory, london: Session):
    london.send(unreadable("x@10.0.0.9:23", "sign_in_refused"))
    await london.settled()
    [entry] = inventory.found(EVERYTHING)
    assert entry.shown_id == "sit_london.x@10.0.0.9:23"
    assert inventory.summary(EVERYTHING).found == {"sign_in_refused": 1}
    london.send(fact("found.gone", {"id": "x@10.0.0.9:23"}))
    await london.settled()
    assert inventory.found(EVERYTHING) == []


async def test_facts_nobody_knows_the_shape_of_are_kept(inventory: Inventory, london: Session):
    london.send(
        fact("device.sang", {"song": "a"}),
        fact("spool.dropped", {"kind": "facts", "count": 3, "from_ms": 1, "to_ms": 2}),
    )
    await london.settled()
    assert [e.type for e in await logged(inventory)] == ["device.sang", "spool.dropped"]


async def test_agent_times_are_put_on_the_hubs_clock(inventory: Inventory):
    slow = Session(inventory, type(LONDON)(LONDON.site, LONDON.agent, 1, offset_ms=60_000))
    inventory.attached(slow.source)
    slow.send(found("dev_a"), status("dev_a", "online", since=NOW_MS - 60_000))
    slow.declare("dev_a")
    slow.values(change(TEMPERATURE, 40, at=NOW_MS - 62_000), change(LOCATE, True, at=1 << 60))
    await slow.settled()
    device = inventory.find("dev_a", EVERYTHING)
    assert inventory.points(device)[TEMPERATURE].age_s == 2.0
    assert inventory.item(device).since == "2026-11-18T11:06:40.000Z"
    assert inventory._ingest.skipped == 1  # a date beyond dates


async def test_a_stack_was_heard_when_any_of_its_boxes_was(inventory: Inventory, london: Session):
    london.send(found("dev_s", kind="stack", serial_number="", boxes=["S-dev_a"]), found("dev_a", stack="dev_s"))
    for id, at in (("dev_s", NOW_MS - 60_000), ("dev_a", NOW_MS - 1_000)):
        london.declare(id)
        london.send(status(id, "online", since=NOW_MS - 90_000))
        london.values(change(TEMPERATURE, 40, at=at), devices={1: id})
    await london.settled()
    assert [inventory.item(inventory.find(id, EVERYTHING)).age_s for id in ("dev_s", "dev_a")] == [1.0, 1.0]


async def test_an_agent_can_not_speak_for_the_hub(inventory: Inventory, london: Session):
    london.send(
        fact("person.added", {"name": "Mallory"}), fact("command.accepted", {"id": "cmd_1"}), fact("agent.restored", {})
    )
    await london.settled()
    assert [e.type for e in await logged(inventory)] == ["entry.rejected", "entry.rejected", "agent.restored"]


async def test_events_stand_with_their_state(inventory: Inventory, london: Session):
    """What was logged and what the row says come from one transaction: neither is ever seen without the other."""
    london.send(found("dev_a"), status("dev_a", "degraded", code="silent"))
    await london.settled()

    def both(conn):
        row = conn.execute(select(devices.c.status)).scalar_one()
        return row, conn.execute(select(events.c.type).order_by(events.c.id)).scalars().all()

    assert await inventory.store.read(both) == ("degraded", ["device.found", "device.status"])
