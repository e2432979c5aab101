"""Party lists and state changes, as both clients of devices.md 4.4 and 6.2 have them, and as nobody has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundpost.drivers.converge_pro2 import telephone
from soundpost.drivers.converge_pro2.telephone import STATES, Dialer, Party, parties

ANN = 'PL 1;ACTIVE:"Ann" <sip:1000@10.0.0.9>;'


def lines(text: str) -> list[tuple[int, str, str]]:
    return [(party.line, party.state, party.remote) for party in parties(text)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("PL 1;IDLE;", [(1, "IDLE", "")]),
        (ANN, [(1, "ACTIVE", "Ann (1000)")]),
        ("PL 1:ACTIVE;1000", [(1, "ACTIVE", "1000")]),
        ("PL 1|HOLD:<sip:1000@10.0.0.9>|PL 2|INCOMING", [(1, "HOLD", "1000"), (2, "INCOMING", "")]),
        ("PL 1;ACTIVE;PL 2;HOLD", [(1, "ACTIVE", ""), (2, "HOLD", "")]),
        ("PL 5;IDLE;PL 1;IDLE", [(5, "IDLE", ""), (1, "IDLE", "")]),
        ('PL 1;ACTIVE:"Ann; PL 3|x" <sip:1:2@h>;PL 2;IDLE', [(1, "ACTIVE", "Ann; PL 3|x (1:2)"), (2, "IDLE", "")]),
        ('PL 1;ACTIVE:"Ann', [(1, "ACTIVE", "Ann")]),
        ("PL 1;DIALTONE", [(1, "DIAL_TONE", "")]),
        ("PL 1;dial_tone", [(1, "DIAL_TONE", "")]),
        ("PL 1;INCOMING:1000 <sip:1000@192.168.15.41>", [(1, "INCOMING", "1000")]),
        ('pl 1;Incoming:"Bob" <SIP:1001@h>', [(1, "INCOMING", "Bob (1001)")]),
        ("PL 1;INPROCESS;5551234", [(1, "INPROCESS", "5551234")]),
        ("PL 1;PARTY_LINE:OFF", [(1, "IDLE", "")]),
        ("PL 1;PARTY_LINE:ON", [(1, "", "")]),
        ("PL 1;PARTY_LINE:BLINK", [(1, "", "")]),
        ("PL 1;WARNING_ERR:OFF", [(1, "IDLE", "")]),
        ("PL NA;RINGBACK:ON", []),
        ("PL 1;NA;RINGBACK:OFF", [(1, "", "")]),
        ("PL 1;SOMETHING_NEW:x", [(1, "", "")]),
        ("PL 1", []),
        ("PL 1;;", []),
        ("IDLE", []),
        ("", []),
    ],
)
def test_parties(text: str, told: list[tuple[int, str, str]]) -> None:
    assert lines(text) == told


def test_all_state_words_of_the_evidence_are_known() -> None:
    assert len(STATES) == 26
    assert {"CONFERENCE_ACTIVE", "TRANSFERRING_HOLD", "BLIND_TRANSFERRING_BUSY", "BLIND_TRANSFER_HOLD"} <= set(
        STATES.values()
    )


def summed(*told: str) -> tuple[object, ...]:
    dialer = Dialer()
    for text in told:
        for party in parties(text):
            dialer.changed(party)
    return tuple(dialer.values().values())


@pytest.mark.parametrize(
    ("told", "values"),
    [
        ([], ("IDLE", False, "", "")),
        (["PL 1;DIALTONE", "PL 1;INPROCESS;5551234", "PL 1;ACTIVE"], ("ACTIVE", True, "5551234", "outgoing")),
        (["PL 1;INCOMING:1000 <sip:1000@h>"], ("INCOMING", False, "1000", "incoming")),
        (["PL 1;INCOMING:1000 <sip:1000@h>", "PL 1;ACTIVE"], ("ACTIVE", True, "1000", "incoming")),
        (["PL 1;ACTIVE:a", "PL 2;INCOMING:b"], ("ACTIVE", True, "a", "")),
        (["PL 1;HOLD:a", "PL 2;ACTIVE:b"], ("ACTIVE", True, "b", "")),
        (["PL 1;HOLD:a", "PL 2;INCOMING:b"], ("INCOMING", True, "b", "incoming")),
        (["PL 1;ACTIVE:a", "PL 1;IDLE"], ("IDLE", False, "", "")),
        (["PL 1;ACTIVE:a", "PL 1;MYSTERY"], ("ACTIVE", True, "a", "")),
    ],
)
def test_what_a_dialer_sums_up_to(told: list[str], values: tuple[object, ...]) -> None:
    assert summed(*told) == values


def test_a_whole_list_forgets_the_lines_it_leaves_out() -> None:
    dialer = Dialer()
    dialer.listed(parties(ANN + "PL 2;HOLD:b"))
    dialer.listed(parties("PL 2;WHO_KNOWS"))
    assert dialer.values()["ACTIVE_PARTIES"] == "HOLD"
    dialer.listed(parties("PL 1;IDLE;"))
    assert dialer.values()["ACTIVE_PARTIES"] == "IDLE"


def test_a_list_of_nothing_known_is_no_value() -> None:
    assert telephone.readable("PL 1;WHO_KNOWS") is None
    assert telephone.readable("nonsense") is None
    assert telephone.readable(ANN) == "ACTIVE"


@pytest.mark.parametrize(
    ("text", "value"), [("NO_ACTIVE_CALL", ""), ("", ""), ("5551234", "5551234"), ('"Ann" <sip:1@h>', "Ann (1)")]
)
def test_caller_id(text: str, value: str) -> None:
    assert telephone.caller_id(text) == value


PIECES = st.sampled_from(
    [
        "PL",
        "PL 1",
        "PL 2",
        "PL NA",
        ";",
        ":",
        "|",
        '"',
        "<",
        ">",
        "@",
        "sip:",
        "IDLE",
        "ACTIVE",
        "HOLD",
        "PARTY_LINE",
        "OFF",
        " ",
    ]
)


@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=25).map("".join)))
def test_any_text_is_survived_and_says_only_printable_things(text: str) -> None:
    dialer = Dialer()
    for party in parties(text):
        assert isinstance(party, Party)
        assert party.state in {"", *STATES.values()}
        assert party.remote.isprintable()
        dialer.changed(party)
    dialer.listed(parties(text))
    assert set(dialer.values()) == {"ACTIVE_PARTIES", "HOOK", "CALLER_ID", "DIRECTION"}
    telephone.direction(text)
    telephone.readable(text)
