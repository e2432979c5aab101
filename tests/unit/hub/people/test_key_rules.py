"""What is left of a key, for every scope, role and state."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundpost.hub.people import key_rules, rules
from soundpost.hub.people.key_rules import Holder
from soundpost.hub.people.rules import ROLES, SCOPES, Principal
from soundpost.kernel.errors import Conflict, Forbidden, Invalid

GOOD = key_rules.made_of("0123abcv", "A" * 43)
HOLDERS = st.builds(
    Holder,
    role=st.sampled_from(sorted(ROLES)),
    state=st.sampled_from(rules.STATES),
    ends_ms=st.sampled_from((0, 99, 100, 101)),
    held_back=st.booleans(),
)


@given(scope=st.sampled_from(sorted(SCOPES)), expires=st.sampled_from((0, 99, 100, 101)), holder=HOLDERS)
def test_a_key_never_does_more_than_its_person(scope: str, expires: int, holder: Holder) -> None:
    why = key_rules.weaker(scope, expires, holder, 100)
    left = key_rules.rights(scope, holder.role)
    now = key_rules.scope_now(scope, why, holder.role)
    assert left <= ROLES[holder.role]
    assert left <= SCOPES[scope]
    assert SCOPES.get(now, frozenset()) <= left
    over = 0 < expires <= 100 or 0 < holder.ends_ms <= 100 or holder.state != rules.ACTIVE
    assert key_rules.lets_in(why) == (not over)
    assert (now == "") == (over or holder.held_back)
    assert why in (None, *key_rules.WEAKER)
    if why is None:
        assert (now, left) == (scope, SCOPES[scope])


@given(st.text(max_size=120))
def test_only_what_looks_like_a_key_has_a_prefix(text: str) -> None:
    assert key_rules.prefix(text) in ("", text[: key_rules.PREFIX_LENGTH])
    assert key_rules.prefix(GOOD) == "sp_0123abcv"
    assert key_rules.prefix(GOOD + text) == ("" if text else "sp_0123abcv")


def of_role(role: str) -> Principal:
    return Principal("person", "usr_1", "Lee", "lee@example.org", role, ROLES[role])


def test_who_makes_which() -> None:
    for scope in SCOPES:
        key_rules.check_scope(of_role("owner"), scope)
    key_rules.check_scope(of_role("administrator"), "read")
    for scope in ("control", "administer"):
        with pytest.raises(Forbidden) as refused:
            key_rules.check_scope(of_role("administrator"), scope)
        assert refused.value.code == "key_scope"
    with pytest.raises(Invalid):
        key_rules.check_scope(of_role("owner"), "own")


@dataclass
class Typed:
    text: str
    name: str | None


@pytest.mark.parametrize(
    "typed",
    [
        Typed("  Room  panel\n 4 ", "Room panel 4"),
        Typed("Büro", "Büro"),
        Typed("", None),
        Typed(" \t", None),
        Typed("a\x00b", None),
        Typed("x" * 101, None),
        Typed("x" * 100, "x" * 100),
    ],
)
def test_names(typed: Typed) -> None:
    if typed.name is None:
        with pytest.raises(Invalid):
            key_rules.check_name(typed.text)
    else:
        assert key_rules.check_name(typed.text) == typed.name


def test_there_is_an_end_to_how_many() -> None:
    key_rules.check_room(key_rules.MOST_KEYS - 1)
    with pytest.raises(Conflict):
        key_rules.check_room(key_rules.MOST_KEYS)
