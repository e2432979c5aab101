"""What is refused before a room is asked: said as a problem, whatever it is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.hub import Hub, problem

from soundpost.hub import strict
from soundpost.kernel.errors import Invalid

pytestmark = pytest.mark.slow

AUDIT, THINGS = "/api/v1/audit", "/api/v1/things"
JSON = {"content-type": "application/json"}
DEEP = b'{"name":' + b"[" * 5_000 + b"]" * 5_000 + b"}"


ADDRESSES = [
    ("colour=red", "unknown_parameter"),
    ("Limit=1", "unknown_parameter"),
    ("limit=1&limit=2", "invalid_argument"),
    ("limit=", "invalid_argument"),
    ("limit=1.5", "invalid_argument"),
    ("limit=0", "invalid_argument"),
    ("limit=1001", "invalid_argument"),
    ("limit=" + "9" * 900, "invalid_argument"),
    ("device=%00", "invalid_argument"),
    ("device=%ff", "invalid_argument"),
    ("device=" + "x" * 1_001, "invalid_argument"),
    ("cursor=%F0%9F%98%80", "invalid_cursor"),
    ("cursor=", "invalid_cursor"),
]


@pytest.mark.slow
async def test_addresses(owned: Hub) -> None:
    for query, code in ADDRESSES:
        problem(await owned.client.get(f"{AUDIT}?{query}"), 400, code)


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b'{"name":"a"}', {"content-type": "text/plain"}, 415, "unsupported_media_type"),
        (b"name=a", {"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        (b'{"name":"a"}', {"content-type": ""}, 415, "unsupported_media_type"),
        (b'{"name":"a"}', {"content-type": "application/json; charset=utf-8"}, 201, ""),
        (b'{"name":"a"}', {}, 201, ""),
        (b"", JSON, 400, "body_missing"),
        (b"null", JSON, 400, "invalid_argument"),
        (b"\xff", JSON, 400, "invalid"),
        (b'\xef\xbb\xbf{"name":"a"}', JSON, 400, "invalid"),
        (b'{"name":"\xff"}', JSON, 400, "invalid"),
        (b'{"name":"\\ud800"}', JSON, 400, "invalid"),
        (b'{"name":"\\u0000"}', JSON, 400, "invalid"),
        (b'{"name":"a","size":9223372036854775808}', JSON, 400, "invalid"),
        (b'{"name":"a","size":' + b"9" * 5_000 + b"}", JSON, 400, "invalid"),
        (b'{"name":"a","size":1e999}', JSON, 400, "invalid"),
        (b'{"name":"a","size":NaN}', JSON, 400, "invalid"),
        (DEEP, JSON, 400, "invalid"),
    ],
)
async def test_a_body(home: Hub, body: bytes, headers: dict[str, str], status: int, code: str) -> None:
    answer = await home.client.post(THINGS, content=body, headers=headers)
    if code:
        problem(answer, status, code)
    assert answer.status_code == status


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PROPFIND"])
async def test_other_methods_say_what_is_allowed(home: Hub, method: str) -> None:
    answer = await home.client.request(method, AUDIT)
    assert answer.status_code in (204, 405)
    assert set(answer.headers["allow"].split(", ")) == {"GET", "OPTIONS"}
    if answer.content:
        problem(answer, 405, "method_not_allowed")


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(body=st.binary() | ANY.map(lambda made: json.dumps(made).encode()))
def test_any_bytes_are_taken_or_refused(body: bytes) -> None:
    try:
        strict.check_body(body)
    except (Invalid, strict.ClientException):
        return
    assert kept(json.loads(body))


def kept(made: Any) -> bool:
    """What both databases keep."""
    match made:
        case str():
            return "\0" not in made and bool(made.encode() or True)
        case bool() | None | float():
            return True
        case int():
            return -(2**63) <= made < 2**63
        case dict():
            return all(kept(key) and kept(value) for key, value in made.items())
        case _:
            return all(map(kept, made))
