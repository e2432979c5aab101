from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.clock import ManualClock
from tests.unit.hub.inventory.fabric import LONDON, POINTS, Session, add_sites, found, status
from tests.unit.hub.live.house import House, lived_in
from tests.unit.hub.live.socket import Page

from soundpost.hub.store import Store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def house(tmp_path: Path, clock: ManualClock) -> AsyncIterator[House]:
    async with Store(tmp_path / "hub.db", clock) as store:
        await store.unit_of_work(add_sites)
        async with lived_in(store) as house:
            yield house


@pytest.fixture
async def key(house: House) -> str:
    starter = await house.people.ready_owner("owner@example.com")
    assert starter is not None
    return starter.api_key


@pytest.fixture
async def page(house: House, key: str) -> AsyncIterator[Page]:
    page = Page(house.app, {"x-api-key": key})
    yield page
    await page.leave()


@pytest.fixture
async def london(house: House) -> Session:
    house.inventory.attached(LONDON)
    london = Session(house.inventory, LONDON)
    london.send(found("dev_a", name="Name_1", capabilities={"locate": "assumed"}), status("dev_a", "online"))
    london.declare("dev_a", POINTS)
    await london.settled()
    return london
