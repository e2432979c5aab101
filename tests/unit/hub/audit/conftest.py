from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.hub import Hub, hub


@pytest.fixture
async def owned(tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub with an owner, who is signed in at its `client`."""
    async with hub(tmp_path) as running:
        await running.first_run()
        yield running
