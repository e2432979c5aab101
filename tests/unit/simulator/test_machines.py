"""The telephone machines under any order of keys and calls: what always holds."""

import re

from hypothesis import given
from hypothesis import strategies as st

from soundpost.simulator.analog import Analog
from soundpost.simulator.voip import Impossible, Voip

LEGS = {"DIAL_TONE", "DIALING", "INPROCESS", "RINGING", "BUSY"}
# devices.md 4.4
WORDS = (
    {"IDLE", "ACTIVE", "HOLD", "INCOMING", "CONFERENCE_ACTIVE", "CONFERENCE_HOLD", "TRANSFER_HOLD", "TRANSFER_ACTIVE"}
    | {"TRANSFERRING_ACTIVE", "TRANSFERRING_HOLD", "BLIND_TRANSFER_HOLD"}
    | {f"{transfer}{leg}" for transfer in ("", "TRANSFERRING_", "BLIND_TRANSFERRING_") for leg in LEGS}
)
NOTICE = re.compile(
    r"(STATE_CHANGE PL [1-5];(NA;RINGBACK:OFF|[A-Z_]+(:.+ <sip:[^>]+>)?)"
    r"|INDICATION PL ([1-5]|NA);(PARTY_LINE|RINGING|RINGBACK|INPROCESS)[:;].+|MAX_CALLS_PER_UA)"
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hook"), st.booleans()),
        st.tuples(st.just("call"), st.sampled_from(["17", "5551234"])),
        st.tuples(st.just("digit"), st.sampled_from("05*#")),
        st.tuples(st.sampled_from(["reject", "select"]), st.integers(1, 5)),
        st.tuples(st.sampled_from(["hold", "transfer"]), st.booleans()),
        st.tuples(st.just("conference"), st.sampled_from([None, 1, 2])),
        st.tuples(st.just("incoming"), st.sampled_from(["1000", "2000"])),
        st.tuples(st.sampled_from(["redial", "answered", "busy", "far_hangup"])),
    ),
    max_size=40,
)


@given(STEPS)
def test_a_user_agent_never_loses_its_head(steps: list[tuple[object, ...]]) -> None:
    phone = Voip("10.0.0.9")
    shown: dict[str, str] = {}
    for name, *arguments in steps:
        if phone.awaits == "dial" and name == "call":
            phone.dial_typed()
            continue
        try:
            told = getattr(phone, str(name))(*arguments)
        except Impossible:
            continue
        assert all(NOTICE.fullmatch(line) for line in told), told
        for line in told:
            if line.startswith("STATE_CHANGE") and "RINGBACK" not in line:
                head, _, state = line.partition(";")
                shown[head[-1]] = re.split("[:;]", state)[0]
        parties = re.findall(r"PL (\d);([A-Z_]+)", phone.parties(True))
        assert len(parties) == 5
        assert {word for _, word in parties} <= WORDS
        # What was told last of a line is what it is, whoever listens from the start knows the state without asking.
        for line, word in parties:
            told_word = shown.get(line, "IDLE").replace("DIALTONE", "DIAL_TONE")
            assert told_word == word or "RINGING" in word or "DIALING" in word, (line, told_word, word, steps)


def test_what_was_typed_is_dialled_on_its_own_line() -> None:
    phone = Voip("10.0.0.9")
    phone.hook(True)
    phone.digit("5")
    phone.select(2)
    phone.hook(True)
    assert phone.awaits == "dial"
    assert phone.dial_typed() == ["INDICATION PL 1;INPROCESS;5", "INDICATION PL NA;RINGBACK:ON"]
    assert (phone.selected, phone.lines[1].state, phone.lines[2].state) == (2, "RINGING", "DIAL_TONE")


@given(STEPS)
def test_an_analog_line_is_on_or_off_hook(steps: list[tuple[object, ...]]) -> None:
    phone, hook, ringing = Analog(), "0", "0"
    for name, *arguments in steps:
        if name not in ("hook", "call", "digit", "incoming", "redial", "answered", "far_hangup"):
            continue
        told = phone.far_hangup(True) if name == "far_hangup" else getattr(phone, str(name))(*arguments)
        for line in told:
            word, _, value = line.partition(" ")
            hook = value if word == "HOOK" else hook
            ringing = value if word == "INCOMING_CALL" else ringing
        assert (phone.off_hook, phone.ringing) == (hook == "1", ringing == "1")
        assert not (phone.off_hook and phone.ringing)
        assert (phone.caller_id == "NO_ACTIVE_CALL") or phone.ringing or phone.off_hook


def test_a_consulted_transfer_and_one_that_is_given_up() -> None:
    phone = Voip("10.0.0.9")
    phone.incoming("1000")
    phone.hook(True)
    assert phone.transfer(False) == ["STATE_CHANGE PL 1;TRANSFER_HOLD", "STATE_CHANGE PL 1;TRANSFERRING_DIAL_TONE"]
    assert phone.call("17") == ["INDICATION PL 1;INPROCESS;17", "INDICATION PL NA;RINGBACK:ON"]
    assert phone.parties(False) == "PL 1;TRANSFERRING_RINGING;"
    assert phone.answered() == ["STATE_CHANGE PL 1;NA;RINGBACK:OFF", "STATE_CHANGE PL 1;TRANSFERRING_ACTIVE"]
    assert phone.hook(False) == ['STATE_CHANGE PL 1;HOLD:"1000" <sip:1000@10.0.0.9>']
    assert phone.hold(False) == ['STATE_CHANGE PL 1;ACTIVE:"1000" <sip:1000@10.0.0.9>']
    phone.transfer(True)
    phone.call("17")
    assert phone.answered() == [
        "STATE_CHANGE PL 1;NA;RINGBACK:OFF",
        "STATE_CHANGE PL 1;IDLE",
        "INDICATION PL 1;PARTY_LINE:OFF",
    ]


def test_a_conference_of_two_ends_as_a_call() -> None:
    phone = Voip("10.0.0.9")
    phone.incoming("1000")
    phone.hook(True)
    phone.incoming("2000", "Ben")
    assert phone.hook(True)[0] == 'STATE_CHANGE PL 1;HOLD:"1000" <sip:1000@10.0.0.9>'
    assert phone.conference(None) == ["STATE_CHANGE PL 1;CONFERENCE_ACTIVE", "STATE_CHANGE PL 2;CONFERENCE_ACTIVE"]
    assert phone.far_hangup()[-1] == 'STATE_CHANGE PL 1;ACTIVE:"1000" <sip:1000@10.0.0.9>'


def test_a_sixth_call_is_one_too_many() -> None:
    phone = Voip("10.0.0.9")
    for number in range(5):
        phone.incoming(str(number))
    assert phone.incoming("9") == ["MAX_CALLS_PER_UA"]
