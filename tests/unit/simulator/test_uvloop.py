"""The process runs under uvloop, whose transports and servers are not asyncio's."""

import pytest
from tests.unit.simulator.peers import NETWORK, fact, logged_in, refused, vector_stack

from soundpost.simulator import Farm

uvloop = pytest.importorskip("uvloop")


async def _day() -> None:
    async with Farm([vector_stack()], network=NETWORK, port=0) as farm:
        station = farm.stacks[0]
        async with logged_in(station.endpoint) as peer, logged_in(station.endpoint) as other:
            await peer.ask(b"EP MIC 101 LEVEL MUTE 1\r", b"EP MIC 101 LEVEL MUTE 1 \r\n=> ")
            await other.expect(b"EP MIC 101 LEVEL MUTE 1 \r\n=> ")
            await farm.fault(station.name, "refuse")
            assert await peer.gone() is ConnectionResetError
            assert await other.gone() is ConnectionResetError
        assert await refused(station.endpoint)
        await farm.fault(station.name, "refuse", False)
        async with logged_in(station.endpoint) as peer:
            await farm.fault(station.name, "split")
            assert await peer.value("STACK NAME") == "STACK NAME Vectors-01"
            for on in (1, 0, 1):
                assert await peer.value(f"BOX DSP1 UNIT FTP {on}") == f"BOX DSP1 UNIT FTP {on}"
                await fact(lambda on=on: (station.ftp_port is not None) == bool(on))
            assert not await refused((station.endpoint[0], station.ftp_port))


def test_a_day_under_uvloop() -> None:
    uvloop.run(_day())
