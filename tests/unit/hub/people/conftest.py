from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.clock import ManualClock
from tests.support.hub import Hub, hub


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgresql, pytest.mark.slow])])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """All of this room's tests run on both databases; the quick check on SQLite alone."""
    if request.param == "sqlite":
        return tmp_path / "soundpost.db"
    address: str = request.getfixturevalue("postgresql_address")
    return address


@pytest.fixture
async def home(tmp_path: Path, clock: ManualClock, target: Path | str) -> AsyncIterator[Hub]:
    """A hub before its first run; its sessions and rate limits follow `clock`."""
    async with hub(tmp_path, clock=clock, target=target) as running:
        yield running


@pytest.fixture
async def owned(home: Hub) -> Hub:
    """Its first run is done, and `client` is signed in as the owner."""
    assert (await home.first_run()).status_code == 201
    return home
