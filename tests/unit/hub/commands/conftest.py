from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.clock import ManualClock
from tests.unit.hub.commands.desk import Desk
from tests.unit.hub.inventory.fabric import LONDON, POINTS, Session, found, opened, status

from soundpost.hub.commands.service import Commands
from soundpost.hub.inventory.service import Inventory


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def inventory(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Inventory]:
    async with opened(tmp_path / "hub.db", clock) as inventory:
        yield inventory


@pytest.fixture
async def london(inventory: Inventory) -> Session:
    """A stack of two mixers that can do all, one of them without a locate light."""
    inventory.attached(LONDON)
    london = Session(inventory, LONDON)
    able = {"locate": "assumed", "control": "evidenced", "reboot": "untried"}
    london.send(found("dev_s", kind="stack", serial_number="", boxes=["1", "2"]))
    london.send(found("dev_a", stack="dev_s", parent="dev_s", name="Name_1", capabilities=able))
    london.send(found("dev_b", stack="dev_s", parent="dev_s", capabilities={**able, "locate": "unsupported"}))
    london.send(status("dev_a", "online"))
    london.declare("dev_a", POINTS)
    await london.settled()
    return london


@pytest.fixture
async def desk(inventory: Inventory, london: Session) -> AsyncIterator[Desk]:
    commands = Commands(inventory.store, inventory)
    desk = Desk(commands, london)
    commands.send_command = desk.send
    inventory.on_command_ended = commands.ended
    await commands.start()
    yield desk
    await commands.stop()
