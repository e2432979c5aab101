"""Telephone over the real server, byte by byte (devices.md 4.3 to 4.5, 6.2, 14)."""

import pytest
from tests.unit.simulator.peers import NETWORK, Peer, StillClock, fact, logged_in, vector_stack

from soundpost.kernel.errors import Conflict, Invalid, NotFound
from soundpost.simulator import Farm
from soundpost.simulator.station import Station

NAME = "Vectors-01"


def lines(*texts: str) -> bytes:
    return "".join(f"{text} \r\n=> " for text in texts).encode()


def ua(*texts: str) -> bytes:
    return lines(*(f"EP UA 101 NOTIFICATION {text}" for text in texts))


DIALLING = ua(
    "STATE_CHANGE PL 1;DIALTONE",
    "INDICATION PL 1;PARTY_LINE:ON",
    "INDICATION PL 1;INPROCESS;5551234",
    "INDICATION PL NA;RINGBACK:ON",
)
ANSWERED = ua("STATE_CHANGE PL 1;NA;RINGBACK:OFF", 'STATE_CHANGE PL 1;ACTIVE:"5551234" <sip:5551234@10.0.0.9>')
IDLE = ua("STATE_CHANGE PL 1;IDLE", "INDICATION PL 1;PARTY_LINE:OFF")


async def test_a_call_goes_out_in_the_evidenced_order(farm: Farm, peer: Peer, clock: StillClock) -> None:
    await peer.ask(b"EP UA 101 KEY KEY_CALL 5551234\r\n", lines("EP UA 101 KEY KEY_CALL 5551234") + DIALLING)
    assert await peer.value("EP UA 101 INQUIRE ACTIVE_PARTIES") == (
        "EP UA 101 INQUIRE_RESULT ACTIVE_PARTIES PL 1;RINGING;"
    )
    await clock.advance(4)
    await peer.expect(ANSWERED)
    await peer.ask(
        b"EP Voip1 INQUIRE ACTIVE_PARTIES\r",
        lines('EP Voip1 INQUIRE_RESULT ACTIVE_PARTIES PL 1;ACTIVE:"5551234" <sip:5551234@10.0.0.9>;'),
    )
    await peer.ask(b"EP UA 101 KEY KEY_HOOK 0\r", lines("EP UA 101 KEY KEY_HOOK 0") + IDLE)


async def test_a_call_comes_in_in_the_evidenced_order(farm: Farm, peer: Peer) -> None:
    farm.call(NAME, "incoming", "UA 101", "1000")
    await peer.expect(
        ua(
            "INDICATION PL NA;RINGING:ON",
            "INDICATION PL 1;PARTY_LINE:BLINK",
            "STATE_CHANGE PL 1;INCOMING:1000 <sip:1000@10.0.0.9>",
        )
    )
    farm.call(NAME, "hangup")
    await peer.expect(ua("INDICATION PL NA;RINGING:OFF") + IDLE)


async def test_every_session_hears_of_a_call_behind_the_reply(station: Station, farm: Farm, peer: Peer) -> None:
    async with logged_in(station.endpoint) as other:
        farm.call(NAME, "incoming", "Voip1", "1000", "Ann")
        ringing = ua(
            "INDICATION PL NA;RINGING:ON",
            "INDICATION PL 1;PARTY_LINE:BLINK",
            'STATE_CHANGE PL 1;INCOMING:"Ann" <sip:1000@10.0.0.9>',
        )
        answered = ua(
            "INDICATION PL NA;RINGING:OFF",
            "INDICATION PL 1;PARTY_LINE:ON",
            'STATE_CHANGE PL 1;ACTIVE:"Ann" <sip:1000@10.0.0.9>',
        )
        await peer.expect(ringing)
        await peer.ask(b"EP Voip1 KEY KEY_HOOK 2\r", lines("EP Voip1 KEY KEY_HOOK 1") + answered)
        await other.expect(ringing + answered)
        await peer.ask(
            b"EP Voip1 INQUIRE ACTIVE_PARTIES\r\r",
            lines('EP Voip1 INQUIRE_RESULT ACTIVE_PARTIES PL 1;ACTIVE:"Ann" <sip:1000@10.0.0.9>;'),
        )


async def test_reject_and_do_not_disturb(farm: Farm, peer: Peer) -> None:
    farm.call(NAME, "incoming", "UA 101")
    await peer.reader.readuntil(b"10.0.0.9> \r\n=> ")
    await peer.ask(
        b"EP UA 101 KEY KEY_REJECT 1\r", lines("EP UA 101 KEY KEY_REJECT 1") + ua("INDICATION PL NA;RINGING:OFF") + IDLE
    )
    assert await peer.value("EP UA 101 KEY KEY_DO_NOT_DISTURB 1") == "EP UA 101 KEY KEY_DO_NOT_DISTURB 1"
    assert await peer.value("EP UA 101 INQUIRE DND_STATUS") == "EP UA 101 INQUIRE DND_STATUS 1"
    with pytest.raises(Conflict):
        farm.call(NAME, "incoming", "UA 101")
    assert await peer.value("EP Voip1 KEY KEY_FORWARD") == "EP Voip1 KEY KEY_FORWARD 0"


async def test_auto_answer(farm: Farm, peer: Peer) -> None:
    assert await peer.value("EP UA 101 SETTINGS AUTO_ANSWER 1") == "EP UA 101 SETTINGS AUTO_ANSWER 1"
    farm.call(NAME, "incoming")
    await peer.reader.readuntil(b'STATE_CHANGE PL 1;ACTIVE:"1000" <sip:1000@10.0.0.9> \r\n=> ')


async def test_typed_digits_are_dialled(peer: Peer, clock: StillClock) -> None:
    await peer.ask(
        b"EP UA 101 KEY KEY_HOOK 1\r",
        lines("EP UA 101 KEY KEY_HOOK 1") + ua("STATE_CHANGE PL 1;DIALTONE", "INDICATION PL 1;PARTY_LINE:ON"),
    )
    await peer.ask(
        b"EP UA 101 KEY KEY_DIGIT_PRESSED 5\r",
        lines("EP UA 101 KEY KEY_DIGIT_PRESSED 5") + ua("STATE_CHANGE PL 1;DIALING"),
    )
    assert await peer.value("EP UA 101 KEY KEY_DIGIT_RELEASED 5") == "EP UA 101 KEY KEY_DIGIT_RELEASED 5"
    assert (await peer.value("EP UA 101 INQUIRE DIGITS_DIALED_SINCE_OFF_HOOK")).endswith("SINCE_OFF_HOOK 5")
    await clock.advance(4)
    await peer.expect(ua("INDICATION PL 1;INPROCESS;5", "INDICATION PL NA;RINGBACK:ON"))


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("KEY_HOLD", "ERROR_NO_ACTIVE_CALL"),
        ("KEY_REDIAL", "ERROR_NO_NUMBER"),
        ("KEY_REJECT 2", "ERROR_NO_INCOMING_CALL"),
        ("KEY_CONFERENCE 1", "ERROR_CONFERENCE"),
    ],
)
async def test_a_key_that_makes_no_sense(peer: Peer, command: str, error: str) -> None:
    await peer.ask(f"EP UA 101 KEY {command}\r".encode(), lines(f"EP UA 101 KEY {command}") + ua(f"ERROR {error}"))


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("EP UA 101 KEY KEY_HOOK 3", "ERROR INVALID ARGUMENT"),
        ("EP UA 101 KEY KEY_HOOK", "ERROR INVALID ARGUMENT"),
        ("EP UA 101 KEY KEY_REJECT 6", "ERROR INVALID ARGUMENT"),
        ("EP UA 101 KEY KEY_CALL", "ERROR INVALID ARGUMENT"),
        ("EP UA 101 KEY KEY_DIGIT_PRESSED 55", "ERROR INVALID ARGUMENT"),
        ("EP UA 101 KEY KEY_FOO", "ERROR INVALID PARAMETER(S)"),
        ("EP TELCO_RX 201 KEY KEY_PARTY 1", "ERROR INVALID PARAMETER(S)"),
        ("EP MIC 101 KEY KEY_HOOK 1", "ERROR INVALID PARAMETER(S)"),
        ("EP UA 101 NOTIFICATION FOO", "ERROR INVALID ARGUMENT"),
        ("EP UA 101 INQUIRE HOOK", "ERROR INVALID PARAMETER(S)"),
        ("EP Skype_DSP1_01 KEY KEY_HOOK 1", "ERROR INVALID PARAMETER(S)"),
        ("EP SKYPE 101 INQUIRE SESSION_CALL_STATE 0", "ERROR INVALID PARAMETER(S)"),
    ],
)
async def test_refused(peer: Peer, command: str, error: str) -> None:
    assert await peer.value(command) == error


async def test_subscription_is_accepted_by_word_and_by_code(peer: Peer) -> None:
    assert await peer.value("EP UA 101 NOTIFICATION STATE_CHANGE") == "EP UA 101 NOTIFICATION STATE_CHANGE"
    assert await peer.value("EP 20 101 4 INDICATION") == "EP UA 101 NOTIFICATION INDICATION"


async def test_switches_of_the_telephone(clock: StillClock) -> None:
    switches = {"subscription_needed": True, "notifications_by_name": True, "inquire_acknowledged": True}
    farm = Farm([vector_stack()], network=NETWORK, port=0, clock=clock, switches={**switches, "list_all_lines": True})
    async with farm, logged_in(farm.stacks[0].endpoint) as peer:
        await peer.value("EP UA 101 NOTIFICATION STATE_CHANGE")
        farm.call(NAME, "incoming")
        await peer.expect(lines("EP Voip1 NOTIFICATION STATE_CHANGE PL 1;INCOMING:1000 <sip:1000@10.0.0.9>"))
        await peer.ask(
            b"EP UA 101 INQUIRE ACTIVE_PARTIES\r",
            lines(
                "EP UA 101 INQUIRE ACTIVE_PARTIES",
                'EP UA 101 INQUIRE_RESULT ACTIVE_PARTIES PL 1;INCOMING:"1000" <sip:1000@10.0.0.9>;'
                "PL 2;IDLE;PL 3;IDLE;PL 4;IDLE;PL 5;IDLE;",
            ),
        )


class TestAnalog:
    async def test_incoming(self, farm: Farm, peer: Peer) -> None:
        def telco(*texts: str) -> bytes:
            return lines(*(f"EP TELCO_RX 201 NOTIFICATION {text}" for text in texts))

        farm.call(NAME, "incoming", "Telco1", "5551234")
        await peer.expect(telco("INCOMING_CALL 1", "CALLER_ID 5551234"))
        assert await peer.value("EP Telco1 INQUIRE CALLER_ID") == "EP Telco1 INQUIRE CALLER_ID 5551234"
        assert await peer.value("EP Telco1 INQUIRE HOOK") == "EP Telco1 INQUIRE HOOK 0"
        await peer.ask(
            b"EP Telco1 KEY KEY_HOOK 1\r", lines("EP Telco1 KEY KEY_HOOK 1") + telco("INCOMING_CALL 0", "HOOK 1")
        )
        assert await peer.value("EP Telco1 INQUIRE DIRECTION") == "EP Telco1 INQUIRE DIRECTION 1"
        farm.call(NAME, "hangup", "Telco1")
        await peer.expect(telco("HOOK 0"))
        assert await peer.value("EP Telco1 INQUIRE CALLER_ID") == "EP Telco1 INQUIRE CALLER_ID NO_ACTIVE_CALL"

    async def test_outgoing_and_tones(self, peer: Peer) -> None:
        await peer.ask(
            b"EP TELCO_RX 201 KEY KEY_CALL 17\r",
            lines("EP TELCO_RX 201 KEY KEY_CALL 17", "EP TELCO_RX 201 NOTIFICATION HOOK 1"),
        )
        await peer.ask(b"EP TELCO_RX 201 KEY KEY_DIGIT_PRESSED #\r", b"EP TELCO_RX 201 KEY KEY_DIGIT_PRESSED # \r\n=> ")
        assert await peer.value("EP Telco1 INQUIRE DIRECTION") == "EP Telco1 INQUIRE DIRECTION 0"
        assert (await peer.value("EP Telco1 INQUIRE DIGITS_DIALED_SINCE_OFF_HOOK")).endswith(" 17#")

    async def test_answers_after_rings(self, farm: Farm, peer: Peer, clock: StillClock) -> None:
        assert await peer.value("EP Telco1 SETTINGS AUTO_ANSWER_RINGS 2") == "EP Telco1 SETTINGS AUTO_ANSWER_RINGS 2"
        farm.call(NAME, "incoming", "Telco1", "7")
        await peer.reader.readuntil(b"CALLER_ID 7 \r\n=> ")
        await clock.advance(12)
        await peer.reader.readuntil(b"NOTIFICATION HOOK 1 \r\n=> ")

    async def test_ring_enable_is_do_not_disturb(self, farm: Farm, peer: Peer) -> None:
        await peer.value("EP Telco1 SETTINGS RING_ENABLE 0")
        with pytest.raises(Conflict):
            farm.call(NAME, "incoming", "Telco1")
        assert await peer.value("EP Telco1 SETTINGS AUTO_DISCONNECT_MODE") == (
            "EP Telco1 SETTINGS AUTO_DISCONNECT_MODE 3"
        )
        assert await peer.value("EP Telco1 SETTINGS LOCAL_NUMBER 555") == "EP Telco1 SETTINGS LOCAL_NUMBER 555"


async def test_skype(farm: Farm, peer: Peer) -> None:
    name = "Skype_DSP1_01"
    assert (await peer.value(f"EP {name} INQUIRE SESSION_CALL_STATE 0")).endswith("SESSION_CALL_STATE 0|||IDLE")
    farm.call(NAME, "incoming", name, "sip:a@b", "Ann")
    await peer.expect(lines(f"EP {name} NOTIFICATION SESSION_CALL_STATE_CHANGE 0|sip:a@b|Ann|INCOMING"))
    farm.call(NAME, "answer", name)
    await peer.expect(lines(f"EP {name} NOTIFICATION SESSION_CALL_STATE_CHANGE 0|sip:a@b|Ann|ACTIVE"))
    farm.call(NAME, "hangup", name)
    await peer.expect(lines(f"EP {name} NOTIFICATION SESSION_CALL_STATE_CHANGE 0|||IDLE"))
    await peer.ask(
        f'EP {name} INQUIRE CONTACT_SEARCH "ann ex"\r'.encode(),
        lines(
            f'EP {name} INQUIRE CONTACT_SEARCH "ann ex"',
            f"EP {name} INQUIRE_RESULT CONTACT_SEARCH 1",
            f"EP {name} INQUIRE_RESULT CONTACT_SEARCH 0|1|sip:ann@example.test|Ann Example",
        ),
    )


async def test_a_restart_ends_calls_and_their_timers(farm: Farm, station: Station, clock: StillClock) -> None:
    farm.call(NAME, "incoming", "UA 101")
    await farm.fault(NAME, "reboot")
    await fact(lambda: clock.sleepers == 1)
    assert station.stack.phones == {}


def test_what_can_not_be_called(farm: Farm) -> None:
    for address in ("UA 201", "MIC 101", "Nobody"):
        with pytest.raises(NotFound):
            farm.call(NAME, "incoming", address)
    for do, number in (("sing", "1"), ("incoming", ""), ("incoming", "1\r2")):
        with pytest.raises(Invalid):
            farm.call(NAME, do, "UA 101", number)
    with pytest.raises(Conflict):
        farm.call(NAME, "answer", "UA 101")
