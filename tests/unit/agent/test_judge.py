import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundpost.agent.judge import Below, Line, PartState, Verdict, judge_line, judge_part, judge_peripheral
from soundpost.device.contract import Trouble
from soundpost.device.model import Status

UP = "up"
WELL = "well"


def line(*steps):
    """`UP`, `WELL` or a Trouble, or (Trouble, failures)."""
    found = Line()
    for step in steps:
        if step == UP:
            found.connected()
        elif step == WELL:
            found.recovered()
        elif isinstance(step, tuple):
            found.note(step[0], "words", step[1])
        else:
            found.note(step, "words", 1)
    return found


@pytest.mark.parametrize(
    ("steps", "status", "code"),
    [
        ((), None, ""),
        ((UP,), Status.ONLINE, ""),
        ((UP, Trouble.CLOSED), None, ""),
        ((UP, Trouble.CLOSED, Trouble.REFUSED), Status.OFFLINE, "connection_refused"),
        ((UP, Trouble.CLOSED, UP), Status.ONLINE, ""),
        ((Trouble.UNREACHABLE,), None, ""),
        ((Trouble.UNREACHABLE, Trouble.UNREACHABLE), Status.OFFLINE, "unreachable"),
        ((UP, (Trouble.SILENT, 1)), Status.DEGRADED, "silent"),
        ((UP, (Trouble.SILENT, 1), (Trouble.SILENT, 2)), Status.DEGRADED, "silent"),
        ((UP, (Trouble.SILENT, 1), (Trouble.SILENT, 2), (Trouble.SILENT, 3)), Status.OFFLINE, "silent"),
        ((UP, (Trouble.SILENT, 3), WELL), Status.ONLINE, ""),
        ((UP, Trouble.CLOSED, (Trouble.SILENT, 1)), Status.OFFLINE, "silent"),
        ((UP, Trouble.ERROR_ANSWER), Status.DEGRADED, "error_answer"),
        ((UP, Trouble.ERROR_ANSWER, WELL), Status.ONLINE, ""),
        ((UP, Trouble.GARBAGE), Status.DEGRADED, "garbage"),
        ((UP, Trouble.CLOSED, Trouble.STARTING), Status.DEGRADED, "starting"),
        ((UP, Trouble.SIGN_IN_REFUSED), Status.OFFLINE, "sign_in_refused"),
        ((UP, Trouble.NOT_THE_DEVICE), Status.OFFLINE, "another_device"),
        ((UP, Trouble.HANDS_OFF), None, "hands_off"),
        ((UP, Trouble.HANDS_OFF, UP), Status.ONLINE, ""),
    ],
)
def test_status_of_a_line(steps, status, code):
    verdict = judge_line(line(*steps))
    assert verdict.status == status
    assert (verdict.reason.code if verdict.reason else "") == code


def test_the_devices_own_words_are_in_the_reason():
    found = Line()
    found.connected()
    found.note(Trouble.ERROR_ANSWER, "ERROR: no such box", 1)
    reason = judge_line(found).reason
    assert reason is not None
    assert reason.text.endswith("ERROR: no such box")
    assert reason.params["words"] == "ERROR: no such box"


def test_a_peripheral_gone_makes_its_box_degraded():
    gone = judge_peripheral(line(UP), PartState(present=False))
    assert gone.status is Status.OFFLINE
    assert gone.reason.code == "peripheral_gone"
    box = judge_part(line(UP), PartState(), (Below("ceiling mic", gone),))
    assert (box.status, box.reason.code) == (Status.DEGRADED, "peripheral_gone")
    assert "ceiling mic" in box.reason.text
    stack = judge_part(line(UP), PartState(), (Below("box", box, False),))
    assert (stack.status, stack.reason.code) == (Status.DEGRADED, "peripheral_gone")


def test_what_hangs_below_an_offline_stack_says_so():
    down = line(UP, Trouble.CLOSED, Trouble.REFUSED)
    verdict = judge_peripheral(down, PartState())
    assert (verdict.status, verdict.reason.code) == (Status.OFFLINE, "parent_offline")
    assert "refused" in verdict.reason.text.lower()


def test_a_box_alone_can_be_unwell():
    part = PartState()
    part.note(Trouble.ERROR_ANSWER, "no", 1)
    assert judge_part(line(UP), part).status is Status.DEGRADED
    part.note(Trouble.SILENT, "no answer", 3)
    assert judge_part(line(UP), part).status is Status.OFFLINE
    part.recovered()
    assert judge_part(line(UP), part) == Verdict(Status.ONLINE)
    part.present = False
    assert judge_part(line(UP), part).reason.code == "box_gone"


steps = st.lists(
    st.one_of(st.just(UP), st.just(WELL), st.tuples(st.sampled_from(Trouble), st.integers(1, 5))), max_size=30
)


@given(steps)
def test_every_verdict_below_online_has_a_reason(history):
    verdict = judge_line(line(*history))
    if verdict.status in (Status.DEGRADED, Status.OFFLINE):
        assert verdict.reason is not None
        assert verdict.reason.code
        assert verdict.reason.text
    assert verdict.status is not Status.UNKNOWN


@given(steps)
def test_a_line_that_comes_up_is_well_whatever_was_before(history):
    assert judge_line(line(*history, UP)) == Verdict(Status.ONLINE)


@given(steps, st.booleans())
def test_nothing_is_better_than_the_line_it_hangs_from(history, present):
    over = judge_line(line(*history)).status
    part = judge_part(line(*history), PartState(present=present)).status
    if over in (None, Status.OFFLINE, Status.DEGRADED):
        assert part == over


@given(steps)
def test_one_drop_never_makes_an_online_stack_offline(history):
    assert judge_line(line(*history, UP, Trouble.CLOSED)).status is None
