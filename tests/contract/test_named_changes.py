"""Another client changes something by a channel's name, as both reference clients do: it is read long before its poll is due."""

import asyncio

from tests.contract.harness import GOOD, Recorder, Simulated

from soundpost.device.contract import Periods
from soundpost.drivers.converge_pro2 import FAMILY
from soundpost.kernel.clock import SystemClock

SELDOM = Periods(gap=0.0, status=1e6, levels=1e6, settings=1e6)
BOX = "box:1234-2334-40"
GAIN = BOX, "mic.103.level.gain"


async def test_a_change_by_name_is_read_at_once() -> None:
    device, sink = Simulated(), Recorder()
    await device.start()
    session = FAMILY.session(device.endpoint, [GOOD], sink, SystemClock(), SELDOM, 7)
    held = asyncio.ensure_future(session.run())
    reader, writer = await asyncio.open_connection(device.endpoint.address, device.endpoint.port)
    try:
        await sink.until(lambda: ("covered", BOX, "levels") in sink.told)
        assert sink.values[GAIN].value != -17.5
        for prompt, said in ((b"Username: ", GOOD.user), (b"Password: ", GOOD.password)):
            await reader.readuntil(prompt)
            writer.write(said.encode() + b"\r\n")
        await reader.readuntil(b"=> ")
        writer.write(b"EP Mic_Name_1_03 LEVEL GAIN -17.5\r")
        await sink.until(lambda: sink.values[GAIN].value == -17.5)
    finally:
        held.cancel()
        writer.close()
        await asyncio.wait({held})
        await device.stop()
