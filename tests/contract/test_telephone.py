"""Keys of the simulator's telephones on a line: what it complains of comes right behind the repeated key."""

import asyncio

from tests.contract.harness import GOOD, QUICK, Recorder, Simulated

from soundpost.drivers.converge_pro2 import FAMILY
from soundpost.kernel.clock import SystemClock

BOX, PHONE = "box:1234-2334-40", "ua.101"
REGISTERED = (BOX, f"{PHONE}.notification.registered")


async def test_a_call_within_a_call_fails_and_a_registration_is_heard() -> None:
    device, sink = Simulated(), Recorder()
    await device.start()
    session = FAMILY.session(device.endpoint, [GOOD], sink, SystemClock(), QUICK, 7)
    held = asyncio.ensure_future(session.run())
    try:
        await sink.until(lambda: REGISTERED in sink.values)
        assert sink.values[REGISTERED].unsupported
        serials = frozenset({"1234-2334-40"})
        call = {"end_point": PHONE, "act": "call", "number": "5551234"}
        first = await session.perform(BOX, "telephone", call, serials)
        again = await session.perform(BOX, "telephone", call, serials)
        assert (first.state, again.state, again.text) == ("done", "failed", "ERROR_CALL_ACTIVE")
        device.farm.push("Board-01", "EP UA 101 NOTIFICATION REG_FAILED 403")
        await sink.until(lambda: sink.values[REGISTERED].value is False)
    finally:
        held.cancel()
        await asyncio.wait({held})
        await device.stop()
