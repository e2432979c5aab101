"""Lanes, inboxes and the verdict after a hello."""

import pytest

from soundpost.kernel.errors import Corrupt
from soundpost.link import level
from soundpost.link.ledger import Inbox, Lane, compare


def test_a_lane_holds_back_when_its_credit_is_used_up() -> None:
    lane = Lane(credit=2)
    assert [lane.send(10), lane.send(20)] == [1, 2]
    assert not lane.open
    assert lane.acked(1) == 10
    assert lane.open


def test_one_ack_frees_everything_up_to_its_frame() -> None:
    lane = Lane(credit=8)
    for upto in (10, 20, 30):
        lane.send(upto)
    assert lane.acked(2) == 20
    assert lane.acked(2) is None
    assert lane.acked(3) == 30


def test_an_ack_for_a_frame_that_was_never_sent_is_refused() -> None:
    lane = Lane(credit=8)
    lane.send(1)
    with pytest.raises(Corrupt) as caught:
        lane.acked(2)
    assert caught.value.code == "ack_ahead"


@pytest.mark.parametrize("n", [0, 1, 3])
def test_nothing_is_skipped_or_repeated_inside_a_lane(n: int) -> None:
    inbox = Inbox()
    inbox.accept(1)
    with pytest.raises(Corrupt) as caught:
        inbox.accept(n)
    assert caught.value.code == "frame_gap"
    inbox.accept(2)


@pytest.mark.parametrize(
    ("knows", "has", "known_here", "oldest", "hub_back", "agent_back"),
    [
        (True, False, False, False, False, False),  # the first hello ever
        (True, True, True, False, False, False),
        (False, True, True, True, True, False),
        (False, False, False, True, True, False),  # a hub with an empty disk
        (True, True, False, False, False, True),
        (False, True, False, True, True, True),
    ],
)
def test_the_verdict_after_a_hello(
    knows: bool, has: bool, known_here: bool, oldest: bool, hub_back: bool, agent_back: bool
) -> None:
    verdict = compare(knows_acked=knows, hub_has_facts=has, last_uid_known_here=known_here)
    assert (verdict.from_oldest, verdict.hub_went_back, verdict.agent_went_back) == (oldest, hub_back, agent_back)
    assert verdict.snapshot == (hub_back or agent_back)


@pytest.mark.parametrize(
    ("ours", "our_lowest", "theirs", "their_lowest", "agreed"),
    [(1, 1, 1, 1, 1), (3, 2, 2, 1, 2), (2, 1, 5, 2, 2), (3, 2, 1, 1, None), (1, 1, 4, 3, None)],
)
def test_both_speak_the_lower_level_or_none(
    ours: int, our_lowest: int, theirs: int, their_lowest: int, agreed: int | None
) -> None:
    assert level.agreed(ours, our_lowest, theirs, their_lowest) == agreed
