import pytest
from tests.unit.simulator.peers import NETWORK, Peer, StillClock, logged_in, turn, vector_stack

from soundpost.simulator import Farm
from soundpost.simulator.assumptions import of_personality
from soundpost.simulator.station import Station

COMMAND, PARAMETER, ARGUMENT = "ERROR INVALID COMMAND", "ERROR INVALID PARAMETER(S)", "ERROR INVALID ARGUMENT"


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("ep mic 103 level mute", "EP MIC 103 LEVEL MUTE 0"),
        ("EP MIC 103 1 2", "EP MIC 103 LEVEL MUTE 0"),
        ("EP MIC 103 1 1 -10", "EP MIC 103 LEVEL GAIN -10.0"),
        ("EP 20 101 INQUIRE ACTIVE_PARTIES", "EP UA 101 INQUIRE_RESULT ACTIVE_PARTIES PL 1;IDLE;"),
        ("EP MIC 204 LEVEL MUTE 2", "EP MIC 204 LEVEL MUTE 1"),
        ("EP MIC 103 LEVEL GAIN 2.3", "EP MIC 103 LEVEL GAIN 2.5"),
        ("EP MIC 103 LEVEL GAIN -0.1", "EP MIC 103 LEVEL GAIN 0.0"),
        ("EP MIC 103 LEVEL GAIN 99 REL", "EP MIC 103 LEVEL GAIN 20.0"),
        ("EP MIC 103 LEVEL GAIN -99.5 rel", "EP MIC 103 LEVEL GAIN -65.0"),
        ("EP VOIP_RX 101 LEVEL MUTE", "EP VOIP_RX 101 LEVEL MUTE 0"),
        ("EP TELCO_TX 201 LEVEL GAIN", "EP TELCO_TX 201 LEVEL GAIN 0.0"),
        ("FOO", COMMAND),
        ("EP", PARAMETER),
        ("EP FOO LEVEL MUTE", PARAMETER),
        ("EP MIC 101", PARAMETER),
        ("EP MIC 199 LEVEL MUTE", PARAMETER),
        ("EP MIC 301 LEVEL MUTE", PARAMETER),
        ("EP mic1 LEVEL MUTE", PARAMETER),
        ("EP UA 101 LEVEL MUTE", PARAMETER),
        ("EP SGEN 101 LEVEL GAIN", PARAMETER),
        ("EP MIC 101 LEVEL FOO", PARAMETER),
        ("EP MIC 101 LEVEL MUTE 9", ARGUMENT),
        ("EP MIC 101 LEVEL MUTE 0.5", ARGUMENT),
        ("EP MIC 101 LEVEL GAIN 20.5", ARGUMENT),
        ("EP MIC 101 LEVEL GAIN nan", ARGUMENT),
        ("EP MIC 101 LEVEL GAIN 1e308 REL", ARGUMENT),
        ("EP MIC 101 LEVEL GAIN 1 2", ARGUMENT),
        ("EP MIC 101 LEVEL MUTE 1 REL", ARGUMENT),
        ("BOX dsp1 UNIT SN", PARAMETER),
        ("box DSP1 unit sn", "BOX DSP1 UNIT SN 1234-2334-40"),
        ("BOX DSP1", PARAMETER),
        ("VERSION Name_2 FW 1", "VERSION Name_2 FW 1 7.0.0.1"),
        ("VERSION * FW 2", PARAMETER),
        ("STACK", PARAMETER),
        ("MCCF syson", PARAMETER),
        ("x" * 1025, COMMAND),
        ("x" * 5000, COMMAND),
    ],
)
async def test_one_line(peer: Peer, command: str, reply: str) -> None:
    assert await peer.value(command) == reply


async def test_a_refused_value_leaves_the_old_one(peer: Peer) -> None:
    await peer.value("EP MIC 101 LEVEL GAIN 3")
    assert await peer.value("EP MIC 101 LEVEL GAIN 21") == ARGUMENT
    assert await peer.value("EP MIC 101 LEVEL GAIN") == "EP MIC 101 LEVEL GAIN 3.0"


async def test_limits_narrow_the_gain(peer: Peer) -> None:
    await peer.value("EP MIC 101 LEVEL MAX_GAIN 5")
    await peer.value("EP MIC 101 LEVEL MIN_GAIN -5")
    assert await peer.value("EP MIC 101 LEVEL GAIN 5.5") == ARGUMENT
    assert await peer.value("EP MIC 101 LEVEL GAIN -30 REL") == "EP MIC 101 LEVEL GAIN -5.0"
    assert await peer.value("EP MIC 101 LEVEL MIN_GAIN 6") == ARGUMENT


async def test_number_and_name_are_the_same_point(peer: Peer) -> None:
    await peer.value("EP Mic1 LEVEL MUTE 1")
    assert await peer.value("EP MIC 101 LEVEL MUTE") == "EP MIC 101 LEVEL MUTE 1"


async def test_factory_default_is_refused_and_counted(peer: Peer, station: Station) -> None:
    assert await peer.value("FACTORYDEFAULT") == COMMAND
    assert station.stack.forbidden_seen == 1


async def test_empty_lines_are_harmless(peer: Peer) -> None:
    await peer.ask(b"\r\r\n\n  \r\0MCCF SYSON\r\n\r", b"MCCF SYSON \r\n=> ")
    await peer.ask(b"MCCF SYSOFF\r", b"MCCF SYSOFF \r\n=> ")


async def test_a_change_is_pushed_to_everyone_but_its_writer(peer: Peer, station: Station) -> None:
    async with logged_in(station.endpoint) as other:
        await peer.ask(b"EP Mic1 LEVEL MUTE 1\r", b"EP Mic1 LEVEL MUTE 1 \r\n=> ")
        await other.expect(b"EP Mic1 LEVEL MUTE 1 \r\n=> ")
        await peer.ask(b"EP Mic1 LEVEL MUTE 1\r", b"EP Mic1 LEVEL MUTE 1 \r\n=> ")  # no change, no push
        await other.ask(b"EP MIC 101 LEVEL GAIN 1\r", b"EP MIC 101 LEVEL GAIN 1.0 \r\n=> ")
        await peer.expect(b"EP MIC 101 LEVEL GAIN 1.0 \r\n=> ")


class TestAssumedProfile:
    async def test_boxes(self, peer: Peer, station: Station) -> None:
        await peer.ask(
            b"BOX * UNIT SN\r",
            b"BOX DSP1 UNIT SN 1234-2334-40 \r\n=> BOX Name_2 UNIT SN 5678-2401-40 \r\n=> ",
        )
        assert await peer.value("BOX DSP1 UNIT MODEL") == "BOX DSP1 UNIT MODEL 128V"
        assert await peer.value("BOX DSP1 UNIT FW") == "BOX DSP1 UNIT FW 7.0.0.1"
        assert await peer.value("BOX DSP1 UNIT MAC") == "BOX DSP1 UNIT MAC 00:90:79:00:00:01"
        assert await peer.value("BOX DSP1 UNIT IP") == f"BOX DSP1 UNIT IP {station.endpoint[0]}"
        assert (await peer.value("BOX DSP1 UNIT PART")).startswith("BOX DSP1 UNIT PART 910-")
        assert await peer.value("STACK NAME") == "STACK NAME Vectors-01"

    async def test_peripherals(self, peer: Peer) -> None:
        await peer.ask(
            b"BOX DSP1 PLINK LIST\r",
            b"BOX DSP1 PLINK 1 BMA2 BMA2_DSP1_01 2222-2310-40 2.0.1.8 1 \r\n=> "
            b"BOX DSP1 PLINK 2 USB_EXP USB_EXP_DSP1_02 3333-2311-40 1.4.7.0 1 \r\n=> "
            b"BOX DSP1 PLINK END \r\n=> ",
        )
        await peer.ask(b"BOX Name_2 PLINK LIST\r", b"BOX Name_2 PLINK END \r\n=> ")

    async def test_locate_goes_out_by_itself(self, peer: Peer, station: Station, clock: StillClock) -> None:
        async with logged_in(station.endpoint) as other:
            await peer.ask(b"BOX DSP1 UNIT LOCATE 1\r", b"BOX DSP1 UNIT LOCATE 1 \r\n=> ")
            await other.expect(b"BOX DSP1 UNIT LOCATE 1 \r\n=> ")
            await clock.advance(29)
            await peer.ask(b"BOX DSP1 UNIT LOCATE 1\r", b"BOX DSP1 UNIT LOCATE 1 \r\n=> ")
            await clock.advance(29)
            await peer.ask(b"BOX DSP1 UNIT LOCATE\r", b"BOX DSP1 UNIT LOCATE 1 \r\n=> ")
            await clock.advance(1)
            await peer.expect(b"BOX DSP1 UNIT LOCATE 0 \r\n=> ")
            await other.expect(b"BOX DSP1 UNIT LOCATE 0 \r\n=> ")
        assert await peer.value("BOX DSP1 UNIT LOCATE 2") == ARGUMENT

    async def test_locate_off_stops_its_timer(self, peer: Peer, clock: StillClock) -> None:
        await peer.value("BOX DSP1 UNIT LOCATE 1")
        assert await peer.value("BOX DSP1 UNIT LOCATE 0") == "BOX DSP1 UNIT LOCATE 0"
        await turn()
        await turn()
        assert clock.sleepers == 0

    async def test_health_moves_slowly(self, peer: Peer, clock: StillClock) -> None:
        def number(reply: str) -> float:
            return float(reply.split()[-1])

        up, warm = await peer.value("BOX DSP1 UNIT UPTIME"), await peer.value("BOX DSP1 UNIT TEMP")
        assert 0 <= number(await peer.value("BOX DSP1 UNIT CPU")) <= 100
        await clock.advance(60)
        assert number(await peer.value("BOX DSP1 UNIT UPTIME")) == number(up) + 60
        assert abs(number(await peer.value("BOX DSP1 UNIT TEMP")) - number(warm)) < 2

    async def test_credentials_change_new_logins_only(self, peer: Peer, station: Station) -> None:
        assert await peer.value("STACK USER admin s3cret") == "STACK USER admin"
        assert (station.stack.user, station.stack.password) == ("admin", "s3cret")
        assert await peer.value("MCCF SYSON") == "MCCF SYSON"


ASSUMED = [
    "BOX * UNIT SN",
    *(f"BOX DSP1 UNIT {word}" for word in ("MODEL", "PART", "FW", "MAC", "IP", "TEMP", "UPTIME", "CPU")),
    "BOX DSP1 UNIT LOCATE",
    "BOX DSP1 UNIT LOCATE 1",
    "BOX DSP1 UNIT FTP",
    "BOX DSP1 PLINK LIST",
    "STACK NAME",
    "STACK TIME",
    "STACK USER a b",
    "STACK LOAD x",
    "RESET DSP1",
    "METER MIC 101 1",
]


async def test_strict_knows_no_assumed_row(clock: StillClock) -> None:
    farm = Farm([vector_stack()], network=NETWORK, port=0, personality="strict", clock=clock)
    async with farm, logged_in(farm.stacks[0].endpoint) as peer:
        for command in ASSUMED:
            assert (await peer.value(command)).startswith("ERROR "), command
        farm.press_locate("Vectors-01", "DSP1")
        await farm.fault("Vectors-01", "peripheral_gone")
        assert await peer.value("BOX DSP1 UNIT SN") == "BOX DSP1 UNIT SN 1234-2334-40"


@pytest.mark.parametrize(
    ("switches", "command", "reply"),
    [
        ({"mirror_toggle": True}, "EP MIC 101 LEVEL MUTE 2", "EP MIC 101 LEVEL MUTE 2"),
        ({"off_step": "error"}, "EP MIC 101 LEVEL GAIN 2.3", ARGUMENT),
        ({"rel_clamps": False}, "EP MIC 101 LEVEL GAIN 30 REL", ARGUMENT),
        ({"codes_mirrored": True}, "EP MIC 101 1 2", "EP MIC 101 1 2 0"),
        ({"decimals": 2}, "EP MIC 101 LEVEL GAIN -3", "EP MIC 101 LEVEL GAIN -3.00"),
        ({"version_names_box": False}, "VERSION * FW 1", "VERSION * FW 1 7.0.0.1"),
        ({"echo": True}, "MCCF SYSON", "MCCF SYSON\r\nMCCF SYSON"),
        ({"default_names": False}, "EP Fader_DSP1_01 LEVEL MUTE", PARAMETER),
        ({"assumed_counts": False}, "EP FADER 101 LEVEL MUTE", PARAMETER),
        ({"box_list": False}, "BOX * UNIT SN", PARAMETER),
    ],
)
async def test_switches(switches: dict[str, object], command: str, reply: str) -> None:
    async with (
        Farm([vector_stack()], network=NETWORK, port=0, switches=switches) as farm,
        logged_in(farm.stacks[0].endpoint) as peer,
    ):
        assert await peer.value(command) == reply


def test_every_assumption_says_what_it_assumes() -> None:
    rows = of_personality("lab").report()
    assert all(row["text"] and row["value"] == row["default"] for row in rows)
    off = {row["name"] for row in of_personality("strict").report() if row["value"] != row["default"]}
    assert off == {
        "box_list", "box_facts", "stack_name", "locate", "credentials", "reset", "plink_list", "plink_change",
        "health", "clock", "label", "meters", "ftp", "project_load", "firmware_update",
    }  # fmt: skip
