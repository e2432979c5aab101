"""What is shown: quality, status, counts, search, pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import ManualClock
from tests.unit.hub.inventory.fabric import (
    GAIN,
    LONDON,
    NOW_MS,
    TEMPERATURE,
    Session,
    change,
    fact,
    found,
    status,
)

from soundpost.device.contract import Periods
from soundpost.device.model import Quality, Reason
from soundpost.hub.inventory import rules
from soundpost.hub.inventory.scope import EVERYTHING
from soundpost.hub.inventory.service import Inventory
from soundpost.kernel.errors import Invalid, NotFound
from soundpost.link.envelope import Read

FRESH = {
    "code": rules.GOOD,
    "link_up": True,
    "status": "online",
    "reason": "",
    "read_ms": 900,
    "now_ms": 1000,
    "old_after": 100,
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "good"),
        ({"read_ms": 899}, "old"),
        ({"code": rules.ERROR}, "error"),
        ({"code": rules.UNSUPPORTED}, "unsupported"),
        ({"status": "degraded", "reason": "error_answer"}, "good"),
        ({"status": "degraded", "reason": "silent"}, "silent"),
        ({"status": "offline"}, "device_lost"),
        ({"link_up": False}, "agent_lost"),
        ({"link_up": False, "status": "offline"}, "agent_lost"),
        ({"link_up": False, "code": rules.UNSUPPORTED}, "unsupported"),
    ],
)
def test_quality(change: dict, expected: str):
    assert rules.quality(**(FRESH | change)) == expected


@given(
    code=st.integers(0, 2),
    link_up=st.booleans(),
    status=st.sampled_from(["online", "degraded", "offline", "unknown"]),
    reason=st.sampled_from(["", "silent", "error_answer"]),
    read_ms=st.integers(0, 2_000),
    now_ms=st.integers(0, 2_000),
)
def test_good_needs_a_link_and_a_recent_read(code, link_up, status, reason, read_ms, now_ms):
    judged = rules.quality(
        code, link_up=link_up, status=status, reason=reason, read_ms=read_ms, now_ms=now_ms, old_after=100
    )
    assert judged in set(Quality)
    if judged == "good":
        assert link_up
        assert now_ms - read_ms <= 100
        assert status != "offline"
        assert code == rules.GOOD


def test_old_is_three_polls():
    assert [rules.old_after_ms(group, Periods()) for group in range(3)] == [30_000, 90_000, 10_800_000]


async def test_a_silent_poller_goes_stale_by_itself(inventory: Inventory, london: Session, clock: ManualClock):
    london.send(found("dev_a"), status("dev_a", "online"))
    london.declare("dev_a")
    london.values(change(TEMPERATURE, 40), change(GAIN, 1.0))
    await london.settled()
    device = inventory.find("dev_a", EVERYTHING)
    inventory.memory.watch("dev_a", 1)
    judged: list[set] = []
    inventory.changes.subscribe(lambda delta: judged.append(delta.judged))
    await clock.advance(31)
    temperature, _, gain, _ = inventory.points(device)
    assert (temperature.quality, gain.quality) == ("old", "good")
    london.values(reads=[Read(1, 0, NOW_MS + 31_000)])
    await london.settled()
    assert inventory.points(device)[TEMPERATURE].quality == "good"
    assert {"dev_a"} in judged
    inventory.detached(LONDON, "silent", "The line went silent.")
    assert {p.quality for p in inventory.points(device)} == {"agent_lost"}


async def test_counts_follow_status_and_link(inventory: Inventory, london: Session, paris: Session):
    london.send(
        found("dev_s", kind="stack", serial_number="", boxes=["1"]), found("dev_a", stack="dev_s", parent="dev_s")
    )
    london.send(found("dev_m", kind="microphone", stack="dev_s", parent="dev_a"))
    for id in ("dev_s", "dev_a", "dev_m"):
        london.send(status(id, "offline", code="connection_refused"))
    paris.send(found("dev_p"), status("dev_p", "online"))
    await london.settled()
    await paris.settled()
    now = inventory.summary(EVERYTHING)
    assert now.kinds["mixer"] == {"online": 1, "degraded": 0, "offline": 1, "unknown": 0, "restarting": 0}
    assert now.stacks["offline"] == 1
    assert [(need.target, need.devices, need.status) for need in now.needs] == [("/devices/dev_s", 2, "offline")]
    counts = {"online": 0, "degraded": 0, "offline": 2, "unknown": 0, "restarting": 0}
    assert inventory.counts_of("sit_london") == counts

    inventory.detached(LONDON, "silent", "The line went silent.")
    now = inventory.summary(EVERYTHING)
    assert now.kinds["mixer"] == {"online": 1, "degraded": 0, "offline": 0, "unknown": 1, "restarting": 0}
    assert now.agents == {"connected": 1, "awaited": 0, "lost": 1, "never": 0, "refused": 0}
    assert [(need.target, need.devices, need.text) for need in now.needs] == [
        ("/servers/agt_london", 2, "The line went silent.")
    ]
    before = counted(inventory)
    await inventory.rebuild()
    assert counted(inventory) == before


def counted(inventory: Inventory) -> dict[str, dict[str, int]]:
    return {kind: {s: n for s, n in counts.items() if n} for kind, counts in inventory.memory.totals.items()}


async def test_search_filters_order_and_pages(inventory: Inventory, london: Session, paris: Session):
    for n in range(25):
        london.send(found(f"dev_{n:02}", name=f"Room {n:02}", mac=f"00:90:79:00:00:{n:02}", model="128VD"))
    paris.send(found("dev_p", name="Salle", address="10.1.2.3", former_addresses=["10.9.9.9"], serial_number="44-71"))
    await london.settled()
    await paris.settled()

    def ids(**asked: str) -> list[str]:
        return [d.id for d in inventory.select(asked, EVERYTHING).devices]

    assert ids(q="007907") == []
    assert ids(q="009079000007") == ids(q="00:90:79:00:00:07") == ["dev_07"]
    assert ids(q="10.9.9.9") == ids(q="4471") == ids(q="paris") == ids(q="salle 44-71") == ["dev_p"]
    assert ids(site="sit_paris,sit_x") == ids(agent="agt_paris") == ["dev_p"]
    assert ids(kind="pro_audio", limit="2", order="-name") == ["dev_p", "dev_24"]
    seen, cursor = [], None
    while True:
        page = inventory.select({"model": "128VD", "limit": "10", "cursor": cursor}, EVERYTHING)
        assert page.total == 25
        seen += [d.id for d in page.devices]
        cursor = page.next
        if cursor is None:
            break
    assert seen == [f"dev_{n:02}" for n in range(25)]
    for wrong in ({"status": "on"}, {"order": "luck"}, {"limit": "0"}, {"cursor": "x"}, {"colour": "red"}):
        with pytest.raises(Invalid):
            inventory.select(wrong, EVERYTHING)


async def test_a_serial_at_two_sites_is_shown_never_merged(inventory: Inventory, london: Session, paris: Session):
    london.send(found("dev_a", serial_number="4711"))
    await london.settled()
    paris.send(found("dev_b", serial_number="4711"))
    await paris.settled()
    [entry] = inventory.found(EVERYTHING)
    assert (entry.site, entry.reason.code, entry.serials) == ("sit_paris", "duplicate_serial", ["4711"])
    assert inventory.find("dev_a", EVERYTHING).site.id == "sit_london"
    assert [known.id for known in await inventory.known("sit_paris")] == ["dev_b"]


async def test_what_a_site_knows_is_given_back_to_an_empty_agent(inventory: Inventory, london: Session):
    london.send(found("dev_a", revision=7, serial_number="4711"))
    await london.settled()
    [known] = await inventory.known("sit_london")
    assert (known.id, known.kind, known.identity.key, known.revision) == ("dev_a", "mixer", "converge_pro2/4711", 7)
    assert await inventory.known("sit_nowhere") == []


async def test_who_may_not_see_sees_nothing(inventory: Inventory, london: Session):
    london.send(
        found("dev_a"),
        status("dev_a", "offline"),
        fact("spool.dropped", {"kind": "facts", "count": 1, "from_ms": 1, "to_ms": 2}),
    )
    await london.settled()
    nobody = inventory.scope(None)
    with pytest.raises(NotFound):
        inventory.find("dev_a", nobody)
    assert inventory.select({}, nobody).total == 0
    assert await inventory.events(nobody, after=0, before=None, limit=10) == []
    blind = inventory.summary(nobody)
    assert (blind.sites, blind.needs, sum(blind.kinds["mixer"].values())) == (0, [], 0)


def test_unknown_is_derived_with_what_was():
    lost = rules.shown("online", 5, None, lost=(9, Reason("agent_lost", "Away.")))
    assert (lost.status, lost.since_ms, lost.was) == ("unknown", 9, "online")
    assert rules.shown("unknown", 5, None, lost=None).reason.code == "not_read"


async def test_a_clock_that_was_ahead_makes_nothing_good_that_was_not_read(
    inventory: Inventory, london: Session, clock: ManualClock
):
    """The agent's clock was an hour ahead for a moment, before the offset was measured anew; then the poller fell silent."""
    london.send(found("dev_a"), status("dev_a", "online"))
    london.declare("dev_a")
    now_ms = clock.now_ms()
    london.values(change(TEMPERATURE, 40, at=now_ms + 3_600_000), reads=[Read(1, 0, now_ms + 3_600_000)])
    await london.settled()
    device = inventory.find("dev_a", EVERYTHING)
    assert inventory.points(device)[TEMPERATURE].quality == "old"
    assert inventory.item(device).age_s is None
    london.values(reads=[Read(1, 0, now_ms)])
    await london.settled()
    assert (inventory.points(device)[TEMPERATURE].quality, inventory.item(device).age_s) == ("good", 0.0)
    await clock.advance(120)
    assert inventory.points(device)[TEMPERATURE].quality == "old"
