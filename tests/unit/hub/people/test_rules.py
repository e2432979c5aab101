import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundpost.hub.organization.rules import POLICIES
from soundpost.hub.people import rules
from soundpost.kernel.errors import Invalid, TooMany


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("a@x.org, b@x.org;c@x.org d@x.org\ne@x.org", ["a@x.org", "b@x.org", "c@x.org", "d@x.org", "e@x.org"]),
        ("Frau Müller <mueller@x.org>; <b@x.org>", ["mueller@x.org", "b@x.org"]),
        ('"Müller, Anna" <anna@x.org>, Bo Li <bo@x.org>', ["anna@x.org", "bo@x.org"]),
        ("mailto:a@x.org MAILTO:b@x.org", ["a@x.org", "b@x.org"]),
        ("<a@x.org", ["<a@x.org"]),
        ('"quoted"@x.org', ['"quoted"@x.org']),
    ],
)
def test_addresses_as_mail_programs_write_them(entry: str, found: list[str]) -> None:
    assert rules.addresses(entry) == found


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


NAMES = st.sampled_from(["ada", "lee"])
ADDRESSES = st.sampled_from(["10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::ffff", ""])
TRIES = st.lists(st.tuples(NAMES, ADDRESSES, st.floats(0, 400)), max_size=150)


@given(TRIES)
def test_whatever_strangers_do_a_known_browser_may_try(tries: list[tuple[str, str, float]]) -> None:
    gate, now = rules.Gate(), 0.0
    for name, address, pause in tries:
        now += pause
        with contextlib.suppress(TooMany):
            gate.take(name, address, "", now)
    for _ in range(rules.Attempts.FREE):
        gate.take("ada", "10.0.0.1", "hers", now)
    with pytest.raises(TooMany):
        gate.take("ada", "10.0.0.1", "hers", now)


def flooded(gate: rules.Gate, addresses: list[str], now: float, *, hours: float, every_s: float) -> float:
    """Each of the addresses polls for the moment it may try `ada` again, and fails."""
    until = now + hours * 3_600
    while now < until:
        for address in addresses:
            with contextlib.suppress(TooMany):
                gate.take("ada", address, "", now)
        now += every_s
    return now


def test_one_name_from_the_same_few_addresses_waits_a_minute_for_each_further_try() -> None:
    gate, tries = rules.Gate(), []
    addresses = [f"10.0.{n}.1" for n in range(6)]
    for now in range(2 * 3_600):
        for address in addresses:
            with contextlib.suppress(TooMany):
                gate.take("ada", address, "", float(now))
                tries.append(now)
    last_hour = [now for now in tries if now >= 3_600]
    assert 50 <= len(last_hour) <= 60, "one each minute, whoever tries"
    gate.take("lee", "10.0.9.1", "", 2 * 3_600.0)


@given(
    st.integers(1, rules.Newcomers.NAME_BURST // rules.Newcomers.TRIES),
    st.floats(0.05, 1.0),
    st.floats(0, 90),
    st.sampled_from([0.97, 1.0, 13.7, 59.9]),
)
@settings(max_examples=12, deadline=None)
def test_however_often_the_wait_is_renewed_a_newcomer_may_try(
    n: int, hours: float, pause: float, every_s: float
) -> None:
    """The wait of a name that is flooded never ends for who floods it; it does not hold for a network that has not failed at it."""
    gate = rules.Gate()
    now = flooded(gate, [f"10.0.{each}.1" for each in range(n)], 0.0, hours=hours, every_s=every_s)
    now += pause
    for _ in range(rules.Newcomers.TRIES):  # room to mistype
        gate.take("ada", "192.0.2.7", "", now)


def test_what_a_crowd_can_guess_is_bounded() -> None:
    """A network of its own for each try: of one name, of all names, and of one IPv6 subscriber."""
    gate, let = rules.Gate(), 0
    for n in range(4_000):
        with contextlib.suppress(TooMany):
            gate.take("ada", f"10.{n // 250}.{n % 250}.1", "", n / 10)
            let += 1
    newcomers = rules.Newcomers
    assert let <= 30 + 6 + newcomers.NAME_BURST + 400 / newcomers.NAME_S + 400 / 60
    gate, let = rules.Gate(), 0
    for n in range(400):
        for name in range(36):
            with contextlib.suppress(TooMany):
                gate.take(f"n{n}", f"10.{n // 200}.{name}.{n % 200}", "", 0.0)
                let += 1
    assert let <= 400 * 30 + newcomers.ALL_BURST
    gate, let = rules.Gate(), 0
    for n in range(200):
        with contextlib.suppress(TooMany):
            gate.take("ada", f"2001:db8:0:{n:x}::1", "", 0.0)
            let += 1
    assert let == 30


def test_a_newcomer_that_came_in_is_one_again_and_a_code_knows_none() -> None:
    gate, now = rules.Gate(), 0.0
    flooded(gate, [f"10.0.{n}.1" for n in range(8)], now, hours=0.5, every_s=1.0)
    now = 1_800.0
    for _ in range(10):
        gate.take("ada", "192.0.2.7", "", now)
        gate.went_well("ada", "192.0.2.7", "")
    for n in range(40):
        with contextlib.suppress(TooMany):
            gate.take("ada", f"10.1.{n}.1", "", now, what="code ")
    with pytest.raises(TooMany):
        gate.take("ada", "192.0.2.7", "", now, what="code ")


def test_one_address_that_tries_many_names_is_slowed_down() -> None:
    gate = rules.Gate()
    for n in range(50):
        gate.take(f"n{n}", f"2001:db8::{n:x}", "", 0.0)
    with pytest.raises(TooMany):
        gate.take("another", "2001:db8::ffff:1", "", 0.0)
    gate.take("another", "2001:db8:0:1::1", "", 0.0)


def test_who_signs_in_well_all_day_is_not_slowed_down() -> None:
    gate = rules.Gate()
    for n in range(500):
        gate.take(f"n{n % 7}", "10.0.0.1", "", float(n))
        gate.went_well(f"n{n % 7}", "10.0.0.1", "")


@pytest.mark.parametrize(
    ("peer", "forwarded", "told"),
    [
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.5, 10.0.0.9", "203.0.113.5"),
        ("10.0.0.1", "1.2.3.4, rubbish", "10.0.0.1"),
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),
        ("10.0.0.1", "2001:DB8::1", "2001:db8::1"),
        ("nonsense", "1.2.3.4", "nonsense"),
    ],
)
def test_a_forwarded_address_is_read_from_the_right(peer: str, forwarded: str, told: str) -> None:
    assert rules.told_address(peer, forwarded, rules.proxies(["10.0.0.0/24"])) == told


@given(st.text(), st.lists(st.ip_addresses().map(str), max_size=4))
def test_without_trust_nobody_names_another_address(written: str, proxies: list[str]) -> None:
    assert rules.told_address("203.0.113.9", written, rules.proxies(["10.0.0.0/24"])) == "203.0.113.9"
    assert rules.told_address("203.0.113.9", ",".join(proxies), ()) == "203.0.113.9"


def test_a_proxy_that_is_no_network_is_refused() -> None:
    with pytest.raises(Invalid):
        rules.proxies(["proxy.example.org"])


@given(st.binary(min_size=16, max_size=16))
def test_a_recovery_code_is_the_same_however_it_is_typed(random: bytes) -> None:
    code = rules.recovery_code(random)
    assert re.fullmatch(r"([2-9A-Z]{4}-){3}[2-9A-Z]{4}", code)
    assert rules.plain_code(code) == rules.plain_code(f" {code.lower().replace('-', ' ')} ")


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True).filter(str.isascii))
def test_a_number_is_kept_as_it_is_dialled(number: str) -> None:
    assert rules.check_number(f" {number[:3]} ({number[3:5]}) {number[5:]}") == number
    assert number not in rules.masked(number)
    assert rules.masked("") == ""


def test_of_whom_it_is_demanded() -> None:
    told = {policy: [role for role in rules.RANKS if rules.demanded(policy, role)] for policy in POLICIES}
    assert told == {"nobody": [], "administrators": ["administrator", "owner"], "everybody": list(rules.RANKS)}


@given(
    st.text(max_size=40)
    | st.from_regex(r"[a-zA-Z+.]{1,8}@([a-z\u00e4\u00df\u00e9]{1,8}\\.){1,3}[a-z]{2,5}", fullmatch=True)
)
def test_a_name_is_the_same_however_often_it_is_made_plain(typed: str) -> None:
    once = rules.normal(typed)
    assert rules.normal(once) == once
    assert rules.normal(f"  {typed}\t") == once


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("A@STRASSE.de", "a@strasse.de"),
        ("a@Straße.de", "a@straße.de"),
        ("a@XN--STRAE-OQA.de", "a@straße.de"),
        ("a@xn--.de", "a@xn--.de"),
    ],
)
def test_a_domain_is_never_another_one(typed: str, plain: str) -> None:
    assert rules.normal(typed) == plain
