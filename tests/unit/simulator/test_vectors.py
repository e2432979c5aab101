"""What existing clients send and expect, byte by byte (devices.md 14.1, 14.2)."""

import pytest
from tests.unit.simulator.peers import NETWORK, Peer, connected, logged_in, vector_stack

from soundpost.simulator import Farm
from soundpost.simulator.station import Station

PEPPERDASH = [
    (b"EP SPKR_ZN_1 LEVEL MIN_GAIN\r\n", b"EP SPKR_ZN_1 LEVEL MIN_GAIN -65.0 \r\n"),
    (b"EP SPKR_ZN_1 LEVEL MAX_GAIN\r\n", b"EP SPKR_ZN_1 LEVEL MAX_GAIN 20.0 \r\n"),
    (b"EP SPKR_ZN_1 LEVEL GAIN -5\r\n", b"EP SPKR_ZN_1 LEVEL GAIN -5.0 \r\n"),
    (b"EP SPKR_ZN_1 LEVEL GAIN\r\n", b"EP SPKR_ZN_1 LEVEL GAIN -5.0 \r\n"),
    (b"EP SPKR_ZN_1 LEVEL MUTE\r\n", b"EP SPKR_ZN_1 LEVEL MUTE 0 \r\n"),
    (b"EP UA 101 INQUIRE ACTIVE_PARTIES\r\n", b"EP UA 101 INQUIRE_RESULT ACTIVE_PARTIES PL 1;IDLE; \r\n"),
    (b"BOX DSP1 UNIT SN\r\n", b"BOX DSP1 UNIT SN 1234-2334-40 \r\n"),
    (b"EP SPKR_ZN_1 LEVEL GAIN 2 REL\r\n", b"EP SPKR_ZN_1 LEVEL GAIN -3.0 \r\n"),
    (b"EP SPKR_ZN_1 LEVEL MUTE 1\r\n", b"EP SPKR_ZN_1 LEVEL MUTE 1 \r\n"),
    (b"MCCF SYSON\r\n", b"MCCF SYSON \r\n"),
    (b"EP UA 101 NOTIFCATION STATE_CHANGE\r\n", b"ERROR INVALID PARAMETER(S) \r\n"),
]
POLLING = [
    (b"VERSION * FW 1\r", b"VERSION Name_1 FW 1 7.0.0.1 \r\n"),
    (b"EP Fader_Name_1_01 LEVEL GAIN\r", b"EP Fader_Name_1_01 LEVEL GAIN 0.0 \r\n"),
    (b"EP Mic1 LEVEL GAIN_COARSE 56\r", b"EP Mic1 LEVEL GAIN_COARSE 56 \r\n"),
    (b"EP Mic1 LEVEL GAIN_FINE -6.5\r", b"EP Mic1 LEVEL GAIN_FINE -6.5 \r\n"),
    (b"EP Out1 LEVEL MICLINE 1\r", b"EP Out1 LEVEL MICLINE 1 \r\n"),
    (b"EP Out1 LEVEL POLARITY\r", b"EP Out1 LEVEL POLARITY 0 \r\n"),
    (b"EP Out1 GRAPHICEQ GAIN_3 -4\r", b"EP Out1 GRAPHICEQ GAIN_3 -4.0 \r\n"),
    (b"EP Proc1 COMPRESSOR POST_GAIN 6\r", b"EP Proc1 COMPRESSOR POST_GAIN 6.0 \r\n"),
    (b"EP Sg1 SIG_GEN ENABLE 1\r", b"EP Sg1 SIG_GEN ENABLE 1 \r\n"),
    (b"EP Bfm1 BF BF_MODE 2\r", b"EP Bfm1 BF BF_MODE 2 \r\n"),
    (b"EP Bfm1 BF BF_LED 1\r", b"EP Bfm1 BF BF_LED 1 \r\n"),
    (b"EP Bfm1 BF ZONE_12 0\r", b"EP Bfm1 BF ZONE_12 0 \r\n"),
    (b"EP Telco1 INQUIRE HOOK\r", b"EP Telco1 INQUIRE HOOK 0 \r\n"),
    (b"EP Telco1 INQUIRE CALLER_ID\r", b"EP Telco1 INQUIRE CALLER_ID NO_ACTIVE_CALL \r\n"),
    (b"EP Voip1 INQUIRE ACTIVE_PARTIES\r\r", b"EP Voip1 INQUIRE_RESULT ACTIVE_PARTIES PL 1;IDLE; \r\n"),
]


async def test_pepperdash_session(peer: Peer) -> None:
    for command, answer in PEPPERDASH:
        await peer.ask(command, answer + b"=> ")


@pytest.mark.parametrize("personality", ["lab", "strict"])
async def test_polling_client(personality: str) -> None:
    spec = vector_stack(box="Name_1")
    async with (
        Farm([spec], network=NETWORK, port=0, personality=personality) as farm,
        logged_in(farm.stacks[0].endpoint) as peer,
    ):
        for command, answer in POLLING:
            await peer.ask(command, answer + b"=> ")


async def test_everything_at_once_is_answered_in_order(peer: Peer) -> None:
    peer.send(b"".join(command for command, _ in PEPPERDASH))
    await peer.expect(b"".join(answer + b"=> " for _, answer in PEPPERDASH))


async def test_byte_by_byte_is_the_same(station: Station) -> None:
    async with connected(station.endpoint) as peer:
        for byte in b"clearone\r\nconverge\r\nEP MIC 103 LEVEL MUTE\r":
            peer.send(bytes([byte]))
            await peer.writer.drain()
        await peer.expect(b"Username: Password: \r\n=> EP MIC 103 LEVEL MUTE 0 \r\n=> ")
