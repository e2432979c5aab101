import asyncio

import pytest
from tests.unit.simulator.peers import NETWORK, Peer, StillClock, connected, fact, logged_in, refused, vector_stack

from soundpost.kernel.errors import Conflict, Invalid, NotFound
from soundpost.simulator import Farm
from soundpost.simulator.station import Station

NAME = "Vectors-01"


async def test_refuse_resets_open_lines_and_closes_the_listener(farm: Farm, station: Station, peer: Peer) -> None:
    time = await farm.fault(NAME, "refuse")
    assert time.endswith("000Z")
    assert await peer.gone() is ConnectionResetError
    assert await refused(station.endpoint)
    await farm.fault(NAME, "refuse", False)
    async with logged_in(station.endpoint):
        pass


async def test_reset_drops_lines_and_keeps_listening(farm: Farm, station: Station, peer: Peer) -> None:
    await farm.fault(NAME, "reset")
    assert await peer.gone() is ConnectionResetError
    async with logged_in(station.endpoint):
        pass


async def test_silence_accepts_and_says_nothing(farm: Farm, station: Station, peer: Peer) -> None:
    await farm.fault(NAME, "silence")
    peer.send(b"EP MIC 101 LEVEL MUTE 1\r")
    async with connected(station.endpoint) as newcomer:
        await fact(lambda: len(station.sessions) == 2)
        farm.push(NAME, "STACK NOTIFICATION HW_RESYNC")
        await farm.fault(NAME, "silence", False)
        await newcomer.login()  # greeted now, not before
        await peer.ask(b"MCCF SYSON\r", b"MCCF SYSON \r\n=> ")  # the first bytes since
    assert station.stack.changed_values() == {}


async def test_slow_answers_late_and_in_order(farm: Farm, peer: Peer, clock: StillClock) -> None:
    await farm.fault(NAME, "slow", True, {"delay_s": 5})
    peer.send(b"MCCF SYSON\r")
    await fact(lambda: clock.sleepers == 1)
    await farm.fault(NAME, "slow", False)
    peer.send(b"MCCF SYSOFF\r")
    await fact(lambda: farm.stacks[0].commands_seen == 2)
    await clock.advance(5)
    await peer.expect(b"MCCF SYSON \r\n=> MCCF SYSOFF \r\n=> ")


async def test_error_for_every_command_or_some(farm: Farm, peer: Peer) -> None:
    await farm.fault(NAME, "error")
    assert await peer.value("BOX DSP1 UNIT SN") == "ERROR INVALID COMMAND"
    await farm.fault(NAME, "error", True, {"match": "level", "text": "ERROR 17"})
    assert await peer.value("EP MIC 101 LEVEL MUTE") == "ERROR 17"
    assert await peer.value("BOX DSP1 UNIT SN") == "BOX DSP1 UNIT SN 1234-2334-40"
    await farm.fault(NAME, "error", False)
    assert await peer.value("EP MIC 101 LEVEL MUTE") == "EP MIC 101 LEVEL MUTE 0"


async def test_peripheral_goes_and_returns(farm: Farm, peer: Peer) -> None:
    await farm.fault(NAME, "peripheral_gone", True, {"serial": "3333-2311-40"})
    await peer.expect(b"BOX DSP1 PLINK 2 USB_EXP USB_EXP_DSP1_02 3333-2311-40 1.4.7.0 0 \r\n=> ")
    await farm.fault(NAME, "peripheral_gone", False, {"index": 2})
    await peer.expect(b"BOX DSP1 PLINK 2 USB_EXP USB_EXP_DSP1_02 3333-2311-40 1.4.7.0 1 \r\n=> ")


@pytest.mark.parametrize("how", ["command", "fault"])
async def test_restart(farm: Farm, station: Station, peer: Peer, clock: StillClock, how: str) -> None:
    await peer.value("EP MIC 101 LEVEL MUTE 1")
    if how == "command":
        peer.send(b"RESET DSP1\r")
    else:
        await farm.fault(NAME, "reboot")
    assert await peer.gone() is ConnectionResetError
    await fact(lambda: clock.sleepers == 1)
    assert await refused(station.endpoint)
    await clock.advance(20)
    async with logged_in(station.endpoint) as again:
        await again.ask(b"VERSION * FW 1\r", b"VERSION * FW 1\0\r\n=> ")
        await clock.advance(5)
        await again.expect(b"STACK NOTIFICATION HW_RESYNC \r\n=> ")
        await again.ask(b"VERSION * FW 1\r", b"VERSION DSP1 FW 1 7.0.0.1 \r\n=> ")
        assert await again.value("BOX DSP1 UNIT UPTIME") == "BOX DSP1 UNIT UPTIME 5"
        assert await again.value("EP MIC 101 LEVEL MUTE") == "EP MIC 101 LEVEL MUTE 1"


async def test_a_restart_can_be_cut_short_and_waits_for_refuse(farm: Farm, station: Station, clock: StillClock) -> None:
    await farm.fault(NAME, "refuse")
    await farm.fault(NAME, "reboot", True, {"down_s": 1})
    await farm.fault(NAME, "reboot", False)
    assert await refused(station.endpoint)
    await farm.fault(NAME, "refuse", False)
    assert not await refused(station.endpoint)


async def test_credentials_and_back(farm: Farm, station: Station, peer: Peer) -> None:
    await farm.fault(NAME, "credentials", True, {"password": "other"})
    async with connected(station.endpoint) as line:
        await line.login(password=b"other")
    assert await peer.value("MCCF SYSON") == "MCCF SYSON"
    await farm.fault(NAME, "credentials", False)
    async with logged_in(station.endpoint):
        pass


async def test_another_serial_answers_here(farm: Farm, peer: Peer) -> None:
    await farm.fault(NAME, "serial", True, {"serial": "9999-2502-40"})
    assert await peer.value("BOX DSP1 UNIT SN") == "BOX DSP1 UNIT SN 9999-2502-40"
    await farm.fault(NAME, "serial", False)
    assert await peer.value("BOX DSP1 UNIT SN") == "BOX DSP1 UNIT SN 1234-2334-40"


async def test_move_and_return(farm: Farm, station: Station, peer: Peer) -> None:
    home = station.endpoint
    await farm.fault(NAME, "move", True, {"address": "127.20.0.200"})
    assert await peer.gone() is ConnectionResetError
    assert await refused(home)
    assert station.endpoint == ("127.20.0.200", home[1])
    async with logged_in(station.endpoint) as line:
        assert await line.value("BOX DSP1 UNIT IP") == "BOX DSP1 UNIT IP 127.20.0.200"
    await farm.fault(NAME, "move", False)
    assert station.endpoint == home
    async with logged_in(home):
        pass


async def test_two_moves_swap_two_stacks(clock: StillClock) -> None:
    specs = [vector_stack("A"), vector_stack("B")]
    async with Farm(specs, network=NETWORK, port=0, clock=clock) as farm:
        a, b = farm.stack("A").endpoint, farm.stack("B").endpoint
        await farm.fault("A", "move", True, {"address": b[0], "port": b[1], "swap": True})
        await farm.fault("B", "move", True, {"address": a[0], "port": a[1]})
        for endpoint, name in ((a, "B"), (b, "A")):
            async with logged_in(endpoint) as line:
                assert await line.value("STACK NAME") == f"STACK NAME {name}"
        await farm.fault("A", "move", False)
        await farm.fault("B", "move", False)
        async with logged_in(a) as line:
            assert await line.value("STACK NAME") == "STACK NAME A"


async def test_a_move_to_where_another_answers_is_refused_unless_it_is_a_swap(clock: StillClock) -> None:
    async with Farm([vector_stack("A"), vector_stack("B")], network=NETWORK, port=0, clock=clock) as farm:
        a, b = farm.stack("A").endpoint, farm.stack("B").endpoint
        with pytest.raises(Conflict) as caught:
            await farm.fault("A", "move", True, {"address": b[0], "port": b[1]})
        assert caught.value.code == "address_taken" and "B answers at" in caught.value.text
        assert not farm.stack("A").faults
        for endpoint, name in ((a, "A"), (b, "B")):
            async with logged_in(endpoint) as line:
                assert await line.value("STACK NAME") == f"STACK NAME {name}"


@pytest.mark.parametrize("address", ["192.0.2.1", "nowhere", "10.0.0.0/33"])
async def test_an_impossible_move_changes_nothing(farm: Farm, station: Station, peer: Peer, address: str) -> None:
    home = station.endpoint
    with pytest.raises(Conflict):
        await farm.fault(NAME, "move", True, {"address": address})
    assert station.endpoint == home
    assert not station.faults
    async with logged_in(home):
        pass


async def test_what_is_wrong_is_said(farm: Farm) -> None:
    for fault, args in (
        ("boom", {}),
        ("slow", {"delay_s": 0}),
        ("slow", {"delay": 1}),
        ("error", {"text": "a\rb"}),
        ("reboot", {"down_s": 166}),
        ("move", {}),
        ("move", {"address": "127.0.0.1", "port": 70_000}),
        ("serial", {"serial": ""}),
        ("split", {"at": -1}),
        ("split", {"size": 0}),
        ("split", {"gap_s": -1}),
        ("chatter", {"lines": ["a\n"]}),
        ("lost", {"every": 0}),
        ("late", {"delay_s": 0}),
        ("flood", {"bytes": 0}),
        ("garbage", {"hex": "0g"}),
        ("heat", {"per_s": 0}),
        ("heat", {"up_to": 1e9}),
        ("clock", {"off_s": 1e12}),
        ("load_fails", {"reason": "two words"}),
        ("update_fails", {"reason": ""}),
    ):
        with pytest.raises(Invalid):
            await farm.fault(NAME, fault, True, args)
    for name, fault, args in (
        ("Nobody", "reset", {}),
        (NAME, "peripheral_gone", {"index": 3}),
        (NAME, "serial", {"box": "x", "serial": "1"}),
        (NAME, "heat", {"box": "x"}),
    ):
        with pytest.raises(NotFound):
            await farm.fault(name, fault, True, args)


async def test_set_and_push_reach_every_session(farm: Farm, station: Station, peer: Peer) -> None:
    async with logged_in(station.endpoint) as other:
        farm.set(NAME, "Mic1", "MUTE", 1)
        farm.set(NAME, "OUTPUT 101", "GRAPHICEQ GAIN_3", -4)
        farm.push(NAME, "EP UA 101 NOTIFICATION INDICATION PL NA;RINGING:ON")
        for line in (peer, other):
            await line.expect(
                b"EP MIC 101 LEVEL MUTE 1 \r\n=> EP OUTPUT 101 GRAPHICEQ GAIN_3 -4.0 \r\n=> "
                b"EP UA 101 NOTIFICATION INDICATION PL NA;RINGING:ON \r\n=> "
            )
    for address, parameter, value in (("MIC 999", "MUTE", 1), ("MIC 101", "FOO", 1), ("MIC 101", "GAIN", 1e300)):
        with pytest.raises(Invalid):
            farm.set(NAME, address, parameter, value)
    with pytest.raises(Invalid):
        farm.push(NAME, "two\r\nlines")


async def test_a_farm_stops_with_lines_open(clock: StillClock) -> None:
    async with Farm([vector_stack()], network=NETWORK, port=0, clock=clock) as farm:
        reader, writer = await asyncio.open_connection(*farm.stacks[0].endpoint)
        await reader.readuntil(b"Username: ")
        await farm.fault(NAME, "reboot")
    writer.close()
    with pytest.raises(ConnectionResetError):
        await writer.wait_closed()
