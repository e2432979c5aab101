"""Macros, rooms, crosspoints, ramps, gates, beams and meters over the real server (devices.md 4.6 to 4.9, assumed.md)."""

from dataclasses import replace

import pytest
from tests.unit.simulator.peers import NETWORK, Peer, StillClock, logged_in, vector_stack

from soundpost.kernel.errors import Invalid
from soundpost.simulator import BoxSpec, Farm, PeripheralSpec, StackSpec
from soundpost.simulator.station import Station

NAME = "Vectors-01"
COMMAND, PARAMETER, ARGUMENT = "ERROR INVALID COMMAND", "ERROR INVALID PARAMETER(S)", "ERROR INVALID ARGUMENT"
CEILING = PeripheralSpec("BMA360", "Ceiling", "9000-2401-40", "2.0.1.8")


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("MT Mic1 Out1 1 0 3", "MT Mic1 Out1 1 0 3"),
        ("mt Mic_DSP1_02 USB_DSP1_01_Tx 1 0 1", "MT Mic_DSP1_02 USB_DSP1_01_Tx 1 0 1"),
        ("MT Mic1 Out1 0 0 3", "MT Mic1 Out1 0 0 3"),
        ("CLRMATRIX", "CLRMATRIX"),
        ("MT Out1 Mic1 1 0 3", PARAMETER),
        ("MT Mic1 Nowhere 1 0 3", PARAMETER),
        ("MT Mic1 Out1", PARAMETER),
        ("MT Mic1 Out1 2 0 3", ARGUMENT),
        ("MT Mic1 Out1 1 -6 3", ARGUMENT),
        ("MT Mic1 Out1 1 0 2", ARGUMENT),
        ("CLRMATRIX 1", PARAMETER),
        ("ROOM 1 7 Part_A Part_A_Preset_1", "ROOM 1 7 Part_A Part_A_Preset_1"),
        ("ROOM 1 7 Part_A Nothing", ARGUMENT),
        ("ROOM 9 7 Part_A Part_A_Preset_1", ARGUMENT),
        ("ROOM 1 6 Part_A Part_A_Preset_1", PARAMETER),
        ("GATE DSP1 1 1", "GATEREPORT DSP1 0 1 1 000000000000 "),
        ("GATE Name_2 1 1", "GATEREPORT Name_2 0 1 1 0000 "),
        ("GATE * 1 1", PARAMETER),
        ("GATE DSP1 1 2", ARGUMENT),
        ("GATE DSP1 2 1", ARGUMENT),
        ("BEAM * 5 1", "BEAMREPORT DSP1 1 1"),
        ("BEAM * 4 1", ARGUMENT),
        ("BEAM Nowhere 5 1", PARAMETER),
        ("METERPRESENT", COMMAND),
        ("RAMP MIC 101 0 x", ARGUMENT),
        ("RAMP MIC 101 0 0", ARGUMENT),
        ("RAMP MIC 101 0", PARAMETER),
        ("RAMP UA 101 0 2", PARAMETER),
        ("METER UA 101 1", PARAMETER),
        ("METER MIC 101 2", ARGUMENT),
        ("METER MIC 101", PARAMETER),
    ],
)
async def test_one_line(peer: Peer, command: str, reply: str) -> None:
    assert await peer.value(command) == reply


async def test_crosspoints_are_kept_until_cleared(peer: Peer, station: Station) -> None:
    await peer.value("MT Mic1 Out1 1 0 3")
    await peer.value("MT Mic1 Proc1 1 0 5")
    assert station.stack.matrix == {("Mic1", "Out1"): "3", ("Mic1", "Proc1"): "5"}
    await peer.value("CLRMATRIX")
    assert station.stack.matrix == {}


async def test_a_macro_changes_what_it_says_and_everybody_hears(clock: StillClock) -> None:
    macros = {"SYSON": ("EP MIC 101 LEVEL MUTE 1", "EP Out1 LEVEL GAIN -3", "EP NOWHERE LEVEL MUTE 1", "EP MIC 101")}
    spec = replace(vector_stack(), macros=macros)
    async with Farm([spec], network=NETWORK, port=0, clock=clock) as farm, logged_in(farm.stacks[0].endpoint) as peer:
        await peer.ask(
            b"MCCF SYSON\r",
            b"EP MIC 101 LEVEL MUTE 1 \r\n=> EP Out1 LEVEL GAIN -3.0 \r\n=> MCCF SYSON \r\n=> ",
        )
        assert await peer.value("MCCF DEFAULT") == PARAMETER


class TestRamp:
    async def test_it_moves_and_tells_its_target_at_the_end(
        self, peer: Peer, station: Station, clock: StillClock
    ) -> None:
        async with logged_in(station.endpoint) as other:
            await peer.ask(b"RAMP Mic1 -10.00 2\r", b"RAMP Mic1 -10.00 2 \r\n=> ")
            await clock.advance(2.5)
            await peer.ask(b"EP Mic1 LEVEL GAIN\r", b"EP Mic1 LEVEL GAIN -5.0 \r\n=> ")
            await clock.advance(2.5)
            for line in (peer, other):
                await line.expect(b"EP Mic1 LEVEL GAIN -10.0 \r\n=> ")

    async def test_limits_floor_and_cap_it(self, peer: Peer, clock: StillClock) -> None:
        await peer.value("EP MIC 101 LEVEL MAX_GAIN 5")
        await peer.value("RAMP MIC 101 30 2 REL")
        await clock.advance(2.5)
        await peer.expect(b"EP MIC 101 LEVEL GAIN 5.0 \r\n=> ")

    async def test_a_write_or_a_new_ramp_ends_it(self, peer: Peer, clock: StillClock) -> None:
        await peer.value("RAMP MIC 101 -20 2")
        await clock.advance(1)
        await peer.value("RAMP MIC 101 0 1")
        await clock.advance(1)
        assert await peer.value("EP MIC 101 LEVEL GAIN") == "EP MIC 101 LEVEL GAIN -1.0"
        assert await peer.value("EP MIC 101 LEVEL GAIN 3 REL") == "EP MIC 101 LEVEL GAIN 2.0"
        await clock.advance(60)
        await peer.ask(b"MCCF SYSON\r", b"MCCF SYSON \r\n=> ")


class TestReports:
    async def test_gates_are_told_on_change_but_not_too_often(self, farm: Farm, peer: Peer, clock: StillClock) -> None:
        farm.set(NAME, "MIC 101", "GATE", 1)  # nobody asked yet
        await peer.ask(b"GATE DSP1 1 1\r", b"GATEREPORT DSP1 0 1 1 000000000001  \r\n=> ")
        farm.set(NAME, "MIC 102", "GATE", 1)
        farm.set(NAME, "MIC 103", "GATE", 1)
        farm.set(NAME, "Mic1", "GATE", 0)
        await peer.expect(b"GATEREPORT DSP1 0 1 1 000000000011  \r\n=> ")
        await clock.advance(0.2)
        await peer.expect(b"GATEREPORT DSP1 0 1 1 000000000110  \r\n=> ")
        await peer.ask(b"GATE DSP1 1 0\r", b"GATEREPORT DSP1 0 1 1 000000000110  \r\n=> ")
        await clock.advance(1)
        farm.set(NAME, "MIC 101", "GATE", 1)
        await peer.ask(b"MCCF SYSON\r", b"MCCF SYSON \r\n=> ")
        with pytest.raises(Invalid):
            farm.set(NAME, "OUTPUT 101", "GATE", 1)

    async def test_beams(self, clock: StillClock) -> None:
        boxes = (
            BoxSpec("Name_1", "48V", "1", "00:90:79:00:00:01", (CEILING, replace(CEILING, serial="2"))),
            BoxSpec("Name_2", "48V", "3", "00:90:79:00:00:02"),
        )
        farm = Farm([StackSpec("A", boxes)], network=NETWORK, port=0, clock=clock)
        async with farm, logged_in(farm.stacks[0].endpoint) as peer:
            farm.set("A", "9000-2401-40", "BEAM 3", 1)
            await peer.ask(b"BEAM * 5 1\r", b"BEAMREPORT Name_1 2 1 48 101 000000000100 48 102 000000000000 \r\n=> ")
            farm.set("A", "9000-2401-40", "BEAM 12", 1)
            await peer.expect(b"BEAMREPORT Name_1 2 1 48 101 100000000100 48 102 000000000000 \r\n=> ")
            with pytest.raises(Invalid):
                farm.set("A", "9000-2401-40", "BEAM 13", 1)
            await farm.fault("A", "peripheral_gone", True, {"serial": "2"})
            await peer.expect(b"BOX Name_1 PLINK 2 BMA360 Ceiling 2 2.0.1.8 0 \r\n=> ")
            assert (await peer.value("BEAM Name_1 5 0")).startswith("BEAMREPORT Name_1 1 1 48 101")


async def test_meters_go_to_who_asked_ten_times_a_second(peer: Peer, station: Station, clock: StillClock) -> None:
    async with logged_in(station.endpoint) as other:
        assert (await peer.value("METER MIC 101 1")).startswith("METERREPORT MIC 101 -")
        await peer.value("EP MIC 101 LEVEL MUTE 1")
        await other.expect(b"EP MIC 101 LEVEL MUTE 1 \r\n=> ")
        await clock.advance(1.05)
        await peer.expect(b"METERREPORT MIC 101 -80.0 \r\n=> " * 10)
        assert await peer.value("METER MIC 101 0") == "METERREPORT MIC 101 -80.0"
        await clock.advance(1.05)
        await peer.ask(b"MCCF SYSON\r", b"MCCF SYSON \r\n=> ")
        await other.value("METER OUTPUT 101 1")
    await clock.advance(1.05)
    assert station.stack.metered == {}
    assert clock.sleepers == 0


@pytest.mark.parametrize(
    ("switches", "command", "reply"),
    [
        ({"ramp_db_per_s": False}, "RAMP MIC 101 -10 2", "RAMP MIC 101 -10 2"),
        ({"limits_pull_gain": True}, "EP MIC 101 LEVEL MAX_GAIN -5", "EP MIC 101 LEVEL MAX_GAIN -5.0"),
        ({"label": False}, "EP MIC 101 LEVEL LABEL", PARAMETER),
        ({"skype_line": False}, "EP Skype_DSP1_01 INQUIRE SESSION_CALL_STATE 0", PARAMETER),
        ({"codes_mirrored": True}, "EP 20 101 4 ERROR", "EP 20 101 NOTIFICATION ERROR"),
    ],
)
async def test_switches(switches: dict[str, object], command: str, reply: str) -> None:
    farm = Farm([vector_stack()], network=NETWORK, port=0, switches=switches)
    async with farm, logged_in(farm.stacks[0].endpoint) as peer:
        assert await peer.value(command) == reply
        if "limits_pull_gain" in switches:
            assert await peer.value("EP MIC 101 LEVEL GAIN") == "EP MIC 101 LEVEL GAIN -5.0"


async def test_silent_switches_answer_nothing() -> None:
    switches = {"ramp_mirrored": False, "matrix_mirrored": False, "room_mirrored": False, "macro_mirrored": False}
    farm = Farm([vector_stack()], network=NETWORK, port=0, switches=switches)
    async with farm, logged_in(farm.stacks[0].endpoint) as peer:
        peer.send(b"RAMP MIC 101 -10 2\rMT Mic1 Out1 1 0 3\rCLRMATRIX\rROOM 1 7 Part_A Part_A_Preset_1\rMCCF SYSON\r")
        assert await peer.value("BOX DSP1 UNIT SN") == "BOX DSP1 UNIT SN 1234-2334-40"


async def test_labels(peer: Peer) -> None:
    assert await peer.value("EP MIC 101 LEVEL LABEL") == "EP MIC 101 LEVEL LABEL Mic1"
    assert await peer.value("EP Mic1 LEVEL LABEL Lectern") == "EP Mic1 LEVEL LABEL Lectern"
    assert await peer.value("EP MIC 101 1 LABEL") == "EP MIC 101 LEVEL LABEL Lectern"
    assert await peer.value("EP MIC 101 LEVEL LABEL a b") == ARGUMENT
