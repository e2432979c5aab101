"""The state machine: whatever comes in whatever order, an end stays an end unless it may be amended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundpost.device.capability import CommandState as S
from soundpost.device.model import Support
from soundpost.hub.commands import rules
from soundpost.kernel.errors import Invalid

STATES = st.sampled_from(list(S))


@given(st.lists(STATES, max_size=12))
def test_no_command_opens_again_and_a_real_end_is_final(words: list[S]):
    state = S.ACCEPTED
    for word in words:
        if not rules.moves(state, word):
            continue
        assert not (state.ended and not word.ended)
        assert state not in (S.DONE, S.FAILED, S.REFUSED, S.UNSUPPORTED)
        state = word


def test_the_table_of_moves():
    for end in rules.ENDS:
        assert rules.moves(S.ACCEPTED, end)
        assert rules.moves(S.SENT, end)
        assert not rules.moves(S.DONE, end)
    assert rules.moves(S.ACCEPTED, S.SENT)
    assert not rules.moves(S.SENT, S.SENT)
    assert not rules.moves(S.EXPIRED, S.SENT)
    assert not rules.moves(S.EXPIRED, S.EXPIRED)
    assert not rules.moves(S.UNCERTAIN, S.EXPIRED)
    assert rules.moves(S.EXPIRED, S.UNCERTAIN)


@given(state=STATES, now=st.integers(0, 20), deadline=st.integers(0, 20), ahead=st.booleans(), holder=st.booleans())
def test_go_means_all_of_it(state: S, now: int, deadline: int, ahead: bool, holder: bool):
    row = rules.Row("cmd_1", state, "sit_1", deadline, 0)
    code = rules.may_start(row, "sit_1", now, ["cmd_0"] if ahead else [], holder)
    assert (code == "") == (not state.ended and now < deadline and not ahead and holder)


@pytest.mark.parametrize(
    ("capability", "arguments", "wrong"),
    [
        ("ramp", {"end_point": "fader.302", "target": -10, "step": 3}, ""),
        ("ramp", {"end_point": "fader.302", "target": 21, "step": 3}, "target"),
        ("macro", {"name": "SYSON"}, ""),
        ("macro", {}, "name"),
        ("telephone", {"end_point": "ua.101", "act": "call", "number": "5551234"}, ""),
        ("telephone", {"end_point": "ua.101", "act": "hang_up", "number": "5551234"}, "number"),
        ("telephone", {"end_point": "ua.101", "act": "explode"}, "act"),
        ("refresh", {}, ""),
        ("refresh", {"now": True}, "now"),
    ],
)
def test_what_an_order_must_say(capability: str, arguments: dict[str, object], wrong: str):
    def order() -> dict[str, object]:
        return rules.check(capability, arguments, Support.EVIDENCED, lambda key: None)

    if not wrong:
        assert order() == arguments
        return
    with pytest.raises(Invalid) as caught:
        order()
    assert (caught.value.code, caught.value.params["field"]) == ("invalid_argument", wrong)
