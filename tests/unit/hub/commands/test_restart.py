"""Devices that are away because somebody asked them to restart are counted as restarting: no offline devices to run to."""

import pytest
from tests.support.clock import ManualClock
from tests.unit.hub.commands.desk import Desk
from tests.unit.hub.inventory.fabric import NOW_MS, Session, status

from soundpost.device.capability import CommandState
from soundpost.hub.commands import rules
from soundpost.hub.commands.service import Commands
from soundpost.hub.inventory.rules import RESTART_MS, is_over, restarts
from soundpost.hub.inventory.scope import EVERYTHING
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.inventory.state import Restart

CONFIRMED = {"confirm_assumed": True}


def counted(inventory: Inventory) -> dict[str, int]:
    """Mixers; each is found by the word it is counted under, whatever the order of things was."""
    counts = inventory.summary(EVERYTHING).kinds["mixer"]
    for word, n in counts.items():
        assert inventory.select({"kind": "mixer", "status": word}, EVERYTHING).total == n
        listed = inventory.select({"kind": "mixer", "status": word, "site": "sit_london"}, EVERYTHING)
        assert (listed.total, len(listed.devices)) == (n, n)
    return {word: n for word, n in counts.items() if n}


async def away(london: Session, *ids: str, at: int = NOW_MS + 1_000) -> None:
    london.send(*(status(id, "offline", since=at, code="connection_refused") for id in ids))
    await london.settled()


async def test_a_stack_is_counted_as_restarting_until_it_is_back(
    desk: Desk, inventory: Inventory, london: Session, clock: ManualClock
):
    await clock.advance(2)
    row = await desk.ask("reboot", arguments=CONFIRMED)
    assert counted(inventory) == {"online": 1, "unknown": 1}, "nothing is away yet"
    await clock.advance(3)
    await away(london, "dev_s", "dev_a", "dev_b", at=NOW_MS + 3_000)
    assert counted(inventory) == {"restarting": 2}
    assert inventory.summary(EVERYTHING).stacks["restarting"] == 1
    assert inventory.summary(EVERYTHING).needs == []
    assert inventory.item(inventory.find("dev_a", EVERYTHING)).status == "offline", "which it is"
    await inventory.rebuild()
    assert counted(inventory) == {"restarting": 2}, "memory read anew knows it too"
    london.send(status("dev_a", "online", since=NOW_MS + 4_000))
    await london.settled()
    assert counted(inventory) == {"online": 1, "restarting": 1}
    await clock.advance(1)
    await desk.end(row.id, capability="reboot")
    assert counted(inventory) == {"online": 1, "restarting": 1}
    await clock.advance(30)
    await away(london, "dev_a", at=NOW_MS + 30_000)
    assert counted(inventory) == {"offline": 1, "restarting": 1}, "it was back, and went away again by itself"


async def test_a_device_that_stays_away_is_offline(
    desk: Desk, inventory: Inventory, london: Session, clock: ManualClock
):
    row = await desk.ask("reboot", arguments=CONFIRMED)
    await away(london, "dev_a", at=NOW_MS)
    await desk.end(row.id, state="uncertain", capability="reboot")
    await clock.advance(RESTART_MS / 1000 - 10)
    inventory.tick()
    assert counted(inventory) == {"restarting": 1, "unknown": 1}
    await clock.advance(11)
    inventory.tick()
    assert counted(inventory) == {"offline": 1, "unknown": 1}
    assert "/devices/dev_a" in [need.target for need in inventory.summary(EVERYTHING).needs]


@pytest.mark.parametrize("state", ["failed", "refused", "unsupported", "expired"])
async def test_a_restart_that_did_not_come_to_pass_excuses_nothing(
    desk: Desk, inventory: Inventory, london: Session, state: str
):
    row = await desk.ask("reboot", arguments=CONFIRMED)
    await away(london, "dev_a", at=NOW_MS)
    assert counted(inventory) == {"restarting": 1, "unknown": 1}
    await desk.end(row.id, state=state, capability="reboot")
    assert counted(inventory) == {"offline": 1, "unknown": 1}


async def test_what_was_away_before_is_not_away_because_of_it(
    desk: Desk, inventory: Inventory, london: Session, clock: ManualClock
):
    await away(london, "dev_a", at=NOW_MS)
    await clock.advance(60)
    await desk.ask("reboot", arguments=CONFIRMED)
    assert counted(inventory) == {"offline": 1, "unknown": 1}


async def test_a_hub_that_started_meanwhile_knows_it_too(desk: Desk, inventory: Inventory, london: Session):
    await desk.ask("reboot", arguments=CONFIRMED)
    await away(london, "dev_a", at=NOW_MS)
    inventory.memory.restarts.clear()
    await inventory.rebuild()
    assert counted(inventory) == {"offline": 1, "unknown": 1}
    again = Commands(inventory.store, inventory)
    await again.start()
    assert counted(inventory) == {"restarting": 1, "unknown": 1}
    await again.stop()


@pytest.mark.parametrize(
    ("status", "since_ms", "reason", "expected"),
    [
        ("offline", 10_000, "connection_refused", True),
        ("degraded", 10_000, "silent", True),
        ("degraded", 10_000, "peripheral_gone", False),
        ("online", 10_000, "", False),
        ("unknown", 10_000, "", False),
        ("offline", 8_001, "", True),
        ("offline", 7_999, "", False),
        ("offline", 20_001, "", False),
    ],
)
def test_away_because_of_it(status: str, since_ms: int, reason: str, expected: bool):
    assert restarts(Restart("cmd_1", 10_000, 20_000, came_back=True), status, since_ms, reason) is expected


def test_an_open_restart_is_bounded_by_its_deadline_alone():
    assert not is_over(Restart("cmd_1", 0), 10 * RESTART_MS)
    assert is_over(Restart("cmd_1", 0, 1), RESTART_MS)
    assert rules.restart_of("cmd_1", CommandState.SENT, 5, 0) == Restart("cmd_1", 5)
    assert rules.restart_of("cmd_1", CommandState.EXPIRED, 5, 9) is None
