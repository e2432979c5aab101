"""Paths, words, spans: only what is frozen is answered, whatever is sent."""

import re
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from soundpost.hub.compat import rules
from soundpost.hub.compat.rules import BASE, NotAllowed, One, Search, TooLong
from soundpost.kernel.errors import Invalid, NotFound, TellUser

SEARCH = BASE.encode() + b"search"
PIECES = st.sampled_from(
    [
        "/", "//", "dashboard-back", "api", "devices", "pro-audio", "search", "dev_1", "..", ".", "%2f", "%2F", "%2e%2e", "%00", "\x00",
        ";", "\\", " ", "\u00e9", "?", "#", "%", "~", ":", "http://other/",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=80))
@example("/dashboard-back/api/devices/pro-audio/..")
@example("/dashboard-back/api/devices/pro-audio/search/")
@example("/dashboard-back/api/devices/pro-audio/search%00")
@example("/dashboard-back/api/devices/./pro-audio/search")
@example("/Dashboard-Back/api/devices/pro-audio/search")
def test_a_path_is_one_of_two_or_nothing(path: str) -> None:
    sent = path.encode("utf-8")
    try:
        asked = rules.asked("GET", sent, b"q=10.0.0.5")
    except NotFound:
        return
    plain = re.sub("/+", "/", path)
    if isinstance(asked, Search):
        assert plain == BASE + "search"
    else:
        assert plain == BASE + asked.id
        assert re.fullmatch("[A-Za-z0-9_-]+", asked.id)


@given(st.lists(st.integers(1, 4), min_size=5, max_size=5), st.sampled_from(["search", "dev_0abc"]))
def test_doubled_slashes_count_as_one(slashes: list[int], name: str) -> None:
    parts = ["dashboard-back", "api", "devices", "pro-audio", name]
    path = "".join("/" * n + part for n, part in zip(slashes, parts, strict=True))
    asked = rules.asked("GET", path.encode(), b"q=x")
    assert asked == (Search("x") if name == "search" else One(name))


@given(st.binary(max_size=300))
@example(b"q=%00")
@example(b"q=%ff%fe")
@example(b"&" * 200)
@example(b"q=a&" * 30)
def test_a_query_is_words_or_refused(query: bytes) -> None:
    try:
        asked = rules.asked("GET", SEARCH, query)
    except Invalid:
        return
    assert isinstance(asked, Search)
    assert asked.words.strip() == asked.words != ""
    assert asked.words.isprintable()
    assert len(asked.words) <= rules.WORD_MOST


@given(st.text(st.characters(min_codepoint=33, max_codepoint=0x2000, categories=("L", "N")), min_size=1, max_size=30))
def test_words_arrive_as_they_were_meant(words: str) -> None:
    assert rules.asked("GET", SEARCH, f"x=1&q={quote(words)}&q=other".encode()) == Search(words)


def test_what_else_is_refused() -> None:
    for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "get", "TRACE"):
        with pytest.raises(NotAllowed):
            rules.asked(method, SEARCH, b"q=x")
        with pytest.raises(NotFound):
            rules.asked(method, b"/", b"")
    with pytest.raises(TooLong):
        rules.asked("GET", SEARCH + b"a" * 3_000, b"")
    with pytest.raises(TooLong):
        rules.asked("GET", SEARCH, b"q=" + b"a" * 3_000)
    with pytest.raises(Invalid):
        rules.asked("GET", SEARCH, b"")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3_599, "59 min"), (3_600, "1 h 0 min"), (86_399, "23 h 59 min"),
        (86_400, "1 d 0 h"), (3 * 86_400 + 4 * 3_600 + 59, "3 d 4 h"), (400 * 86_400, "400 d 0 h"),
    ],
)  # fmt: skip
def test_how_long_a_status_holds(seconds: int, text: str) -> None:
    assert rules.relative("online", 10_000_000_000, 10_000_000_000 + seconds * 1_000) == f"Online - {text}"


def test_addresses() -> None:
    assert rules.address("10.0.0.5") == "10.0.0.5"
    assert rules.address("FE80::0:1") == "fe80::1"
    for words in ("10.0.0", "10.0.0.256", "010.0.0.5", "10.0.0.5/32", "room 5", ""):
        assert rules.address(words) is None


@given(st.text(max_size=1_200))
def test_nothing_is_longer_than_the_clients_keep(text: str) -> None:
    assert len(rules.cut(text)) <= rules.TEXT_MOST
    assert rules.cut(text)[:499] == text[:499]


def test_ports_and_sources() -> None:
    assert [rules.port(given) for given in (8080, "8080", 0, " 81 ", "off", "OFF")] == [8080, 8080, 0, 81, None, None]
    for wrong in ("", "on", "-1", "65536", "8080x", "٨"):
        with pytest.raises(Invalid):
            rules.port(wrong)
    networks = rules.sources(["10.4.0.0/16", "192.168.1.7", "fd00::/8", "10.9.1.1/24"])
    for peer, allowed in (
        ("10.4.200.1", True), ("::ffff:10.4.1.1", True), ("192.168.1.7", True), ("192.168.1.8", False), ("fd12::1", True),
        ("10.9.1.77", True), ("fe80::1%eth0", False), ("", False), ("nonsense", False),
    ):  # fmt: skip
        assert rules.may_ask(peer, networks) is allowed, peer
    assert rules.may_ask("", ())
    with pytest.raises(Invalid):
        rules.sources(["10.0.0.0/33"])


def test_an_error_is_json_in_one_form() -> None:
    assert rules.problem(NotFound("Gone.", code="not_found", id="x")) == (
        b'{"title":"Not Found","status":404,"code":"not_found","detail":"Gone.","params":{"id":"x"},"type":"about:blank"}'
    )
    for kind in (NotAllowed, TooLong, TellUser, Invalid):
        assert msgspec.json.decode(rules.problem(kind("x.")))["status"] == kind.status
