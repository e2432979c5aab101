from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.hub.agents.peers import House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(tmp_path / "soundpost.db") as house:
        yield house
