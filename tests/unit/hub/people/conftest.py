from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.clock import ManualClock
from tests.support.hub import Hub, hub


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def home(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Hub]:
    """A hub before its first run; its sessions and rate limits follow `clock`."""
    async with hub(tmp_path, clock=clock) as running:
        yield running


@pytest.fixture
async def owned(home: Hub) -> Hub:
    """Its first run is done, and `client` is signed in as the owner."""
    assert (await home.first_run()).status_code == 201
    return home
