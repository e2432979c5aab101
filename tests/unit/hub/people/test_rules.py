import pytest

from soundpost.hub.people import rules
from soundpost.kernel.errors import Invalid, TooMany


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "short"),
        ("ada@example.org", "name"),
        (" ADA@example.org", "name"),
        ("aaaaaaaaaab", "simple"),
        ("x1" * 600, "long"),
    ],
)
def test_weak_passwords(password: str, why: str) -> None:
    with pytest.raises(Invalid) as caught:
        rules.check_password(password, "ada@example.org")
    assert (caught.value.code, caught.value.params["why"]) == ("weak_password", why)


@pytest.mark.parametrize("password", ["ten chars!", "пароль-пароль", "correct horse battery staple"])
def test_good_passwords(password: str) -> None:
    rules.check_password(password, "ada@example.org")


@pytest.mark.parametrize(
    "name",
    ["", "   ", "ada", "ada@", "@example.org", "a b@example.org", "ada@example", "a" * 260 + "@b.de", "a\n@b.de"],
)
def test_a_hub_wants_mail_addresses(name: str) -> None:
    with pytest.raises(Invalid):
        rules.check_name(name, mail=True)


def test_any_name_will_do_at_a_local_agent() -> None:
    assert rules.check_name(" Technician ", mail=False) == "technician"
    with pytest.raises(Invalid):
        rules.check_name("tech\x00nician", mail=False)


def test_each_role_and_scope_holds_known_rights_only() -> None:
    for held in (*rules.ROLES.values(), *rules.SCOPES.values()):
        assert {"open", "see"} <= held <= set(rules.RIGHTS)
    assert rules.ROLES["owner"] == set(rules.RIGHTS)
    assert "own" not in rules.SCOPES["administer"]


def test_five_failures_are_free_then_the_wait_doubles() -> None:
    attempts, key, now = rules.Attempts(), ("10.0.0.1", "ada"), 0.0
    waits = []
    for _ in range(16):
        try:
            attempts.check(key, now)
        except TooMany as refusal:
            waits.append(refusal.params["retry_after_s"])
            now += float(waits[-1])
            attempts.check(key, now)
        attempts.failed(key, now)
    assert waits == [2, 3, 5, 9, 17, 33, 65, 129, 257, 301, 301]
    attempts.check(("10.0.0.2", "ada"), now)
    attempts.cleared(key)
    attempts.check(key, now)


def test_failures_are_forgotten_and_bounded() -> None:
    attempts = rules.Attempts()
    for _ in range(6):
        attempts.failed(("a", "b"), 0.0)
    attempts.check(("a", "b"), rules.Attempts.FORGET_S)
    for n in range(rules.Attempts.MOST + 5):
        attempts.failed(("a", str(n)), 0.0)
    assert len(attempts._failed) == rules.Attempts.MOST


def test_a_crowd_of_names_from_one_address_is_slowed_down_as_well():
    attempts = rules.Attempts(free=50)
    for now in range(50):
        attempts.check(("10.0.0.9", ""), float(now))
        attempts.failed(("10.0.0.9", ""), float(now))
    attempts.failed(("10.0.0.9", ""), 50.0)
    with pytest.raises(TooMany):
        attempts.check(("10.0.0.9", ""), 50.1)
    attempts.check(("10.0.0.8", ""), 50.1)
