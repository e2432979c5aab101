from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.clock import ManualClock
from tests.unit.hub.inventory.fabric import LONDON, PARIS, Session, opened

from soundpost.hub.inventory.service import Inventory


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def inventory(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Inventory]:
    async with opened(tmp_path / "hub.db", clock) as inventory:
        yield inventory


@pytest.fixture
def london(inventory: Inventory) -> Session:
    inventory.attached(LONDON)
    return Session(inventory, LONDON)


@pytest.fixture
def paris(inventory: Inventory) -> Session:
    inventory.attached(PARIS)
    return Session(inventory, PARIS)
