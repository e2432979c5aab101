import asyncio
import socket

import httpx
import pytest
from tests.support.hub import Hub

from soundpost.hub.serve import Plain, Serving
from soundpost.kernel.clock import SystemClock
from soundpost.kernel.errors import Conflict, Invalid, SoundpostError

pytestmark = pytest.mark.slow


async def code_of(hub: Hub, plain: Plain) -> str:
    with pytest.raises(SoundpostError) as caught:
        await Serving(hub.app, SystemClock(), plain=plain).start()
    assert isinstance(caught.value, Conflict | Invalid)
    return caught.value.code


async def test_a_taken_port_has_a_name(home: Hub) -> None:
    assert await code_of(home, Plain(home.port)) == "port_in_use"


async def test_without_tls_only_loopback_is_bound(home: Hub) -> None:
    assert await code_of(home, Plain(0, "0.0.0.0")) == "insecure_address"
    async with Serving(home.app, SystemClock(), plain=Plain(0, "0.0.0.0", insecure=True)) as serving:
        assert serving.port > 0


async def test_an_address_of_another_machine(home: Hub) -> None:
    assert await code_of(home, Plain(0, "192.0.2.1", insecure=True)) == "address_unknown"


async def test_a_stop_frees_the_port(home: Hub) -> None:
    async with Serving(home.app, SystemClock(), plain=Plain(0)) as serving:
        port = serving.port
    socket.create_server(("127.0.0.1", port)).close()


async def test_wait_returns_when_stopped(home: Hub) -> None:
    serving = Serving(home.app, SystemClock(), plain=Plain(0))
    await serving.start()
    waiting = asyncio.create_task(serving.wait())
    await serving.stop()
    await waiting


async def test_a_forged_forwarded_address_is_not_believed(home: Hub) -> None:
    async with httpx.AsyncClient(base_url=home.url, headers={"X-Forwarded-For": "192.0.2.9"}) as client:
        for _ in range(5):
            await home.sign_in(client)
        assert (await home.sign_in()).status_code == 429
