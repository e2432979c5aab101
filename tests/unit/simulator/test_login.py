import pytest
from tests.unit.simulator.peers import NETWORK, Peer, connected, fact, vector_stack

from soundpost.simulator import Farm
from soundpost.simulator.station import Station

EARLY = [f"EP UA 101 NOTIFCATION {kind}\r\n".encode() for kind in ("STATE_CHANGE", "INDICATION", "ERROR")]


async def test_dialogue(station: Station) -> None:
    async with connected(station.endpoint) as peer:
        await peer.expect(b"Username: ")
        await peer.ask(b"clearone\r\n", b"Password: ")
        await peer.ask(b"converge\r\n", b"\r\n=> ")


async def test_a_wrong_password_leads_to_a_second_password_prompt(station: Station) -> None:
    async with connected(station.endpoint) as peer:
        await peer.expect(b"Username: ")
        await peer.ask(b"clearone\r\n", b"Password: ")
        await peer.ask(b"wrong\r\n", b"\r\nUsername: ")
        await peer.ask(b"clearone\r\n", b"Password: ")
        await peer.ask(b"converge\r\n", b"\r\n=> ")


async def test_five_tries_fail_and_the_sixth_may_succeed(station: Station) -> None:
    async with connected(station.endpoint) as peer:
        await peer.expect(b"Username: ")
        for _ in range(5):
            await peer.ask(b"clearone\r\n", b"Password: ")
            await peer.ask(b"wrong\r\n", b"\r\nUsername: ")
        await peer.ask(b"clearone\r\n", b"Password: ")
        await peer.ask(b"converge\r\n", b"\r\n=> ")


async def test_the_line_ends_after_six_failures(station: Station) -> None:
    async with connected(station.endpoint) as peer:
        peer.send(b"clearone\r\nwrong\r\n" * 6)
        assert await peer.gone() is None
    await fact(lambda: not station.sessions)


@pytest.mark.parametrize("early", [1, 2, 3])
async def test_commands_before_login_are_forgiven_to_a_client_that_answers_every_prompt(
    station: Station, early: int
) -> None:
    async with connected(station.endpoint) as peer:
        peer.send(b"".join(EARLY[:early]))
        seen = b""
        while not seen.endswith(b"=> "):
            seen += await peer.reader.read(1)
            if seen.endswith(b"Username: "):
                peer.send(b"clearone\r\n")
            elif seen.endswith(b"Password: "):
                peer.send(b"converge\r\n")


@pytest.mark.parametrize("early", [1, 2, 3])
async def test_commands_before_login_are_forgiven_to_a_client_that_answers_the_last_prompt(
    station: Station, early: int
) -> None:
    async with connected(station.endpoint) as peer:
        await peer.expect(b"Username: ")
        state = b"Username: "
        for line in EARLY[:early]:
            state = b"\r\nUsername: " if state == b"Password: " else b"Password: "
            await peer.ask(line, state)
        if state == b"Password: ":
            await peer.ask(b"converge\r\n", b"\r\nUsername: ")
        await peer.ask(b"clearone\r\n", b"Password: ")
        await peer.ask(b"converge\r\n", b"\r\n=> ")


async def test_nothing_is_carried_out_before_login(station: Station) -> None:
    async with connected(station.endpoint) as peer:
        await peer.expect(b"Username: ")
        await peer.ask(b"EP MIC 101 LEVEL MUTE 1\r", b"Password: ")
        await peer.ask(b"EP MIC 101 LEVEL MUTE 1\r", b"\r\nUsername: ")
    assert station.commands_seen == 0
    assert station.stack.changed_values() == {}


async def test_an_empty_name_is_asked_for_again(station: Station) -> None:
    async with connected(station.endpoint) as peer:
        await peer.expect(b"Username: ")
        await peer.ask(b"\r\n", b"Username: ")


async def test_one_session_too_many_is_closed() -> None:
    switches = {"max_sessions": 1}
    async with Farm([vector_stack()], network=NETWORK, port=0, switches=switches) as farm:
        endpoint = farm.stacks[0].endpoint
        async with connected(endpoint) as first:
            await first.login()
            async with connected(endpoint) as second:
                assert await second.gone() is None
            await first.ask(b"MCCF SYSON\r", b"MCCF SYSON \r\n=> ")


async def test_a_peer_that_negotiates(peer: Peer) -> None:
    # DO SGA, WILL NAWS with its size, a doubled 255 in a command, all cut in odd places.
    for piece in (b"\xff", b"\xfd\x03\xff\xfb", b"\x1f\xff\xfa\x1f\x00\x50\xff", b"\xff\x18\xff\xf0", b"\xff\xfe\x01"):
        peer.send(piece)
        await peer.writer.drain()
    await peer.expect(b"\xff\xfc\x03\xff\xfe\x1f")
    await peer.ask(b"MCCF SY\xff\xf1SON\r", b"MCCF SYSON \r\n=> ")


async def test_option_bytes_and_consent() -> None:
    switches = {"option_bytes": True}
    async with (
        Farm([vector_stack()], network=NETWORK, port=0, switches=switches) as farm,
        connected(farm.stacks[0].endpoint) as peer,
    ):
        await peer.expect(bytes.fromhex("FFFD01 FFFD21 FFFB01 FFFB03") + b"Username: ")
        peer.send(bytes.fromhex("FFFE01 FFFE21 FFFC01 FFFC03 FFFD03"))
        await peer.ask(b"clearone\r\n", b"Password: ")
