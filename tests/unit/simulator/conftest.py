from collections.abc import AsyncIterator

import pytest
from tests.unit.simulator.peers import NETWORK, Peer, StillClock, logged_in, vector_stack

from soundpost.simulator import Farm
from soundpost.simulator.station import Station


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def farm(clock: StillClock) -> AsyncIterator[Farm]:
    async with Farm([vector_stack()], network=NETWORK, port=0, clock=clock) as running:
        yield running


@pytest.fixture
def station(farm: Farm) -> Station:
    return farm.stacks[0]


@pytest.fixture
async def peer(station: Station) -> AsyncIterator[Peer]:
    async with logged_in(station.endpoint) as line:
        yield line
