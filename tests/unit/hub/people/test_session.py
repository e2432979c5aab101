import asyncio
import http.cookies

import pytest
from sqlalchemy import select
from tests.support.clock import ManualClock
from tests.support.hub import OWNER, Hub, problem

from soundpost.hub.people.service import SESSION_MS, Client
from soundpost.hub.store import outbox
from soundpost.hub.store.tables import api_keys, people, sessions
from soundpost.kernel.errors import Invalid, Unavailable

pytestmark = pytest.mark.slow  # a whole hub and real password hashing for each


async def test_sign_in_and_out(owned: Hub) -> None:
    assert (await owned.client.delete("/api/v1/session")).status_code == 204
    problem(await owned.client.get("/api/v1/audit"), 401, "unauthenticated")
    answer = await owned.sign_in(sign_in=" ADA@Example.org ")
    assert answer.status_code == 200
    assert answer.json()["person"]["name"] == "Ada"
    assert (await owned.client.get("/api/v1/audit")).status_code == 200


async def test_the_cookie(owned: Hub) -> None:
    jar = http.cookies.SimpleCookie()
    for line in (await owned.sign_in()).headers.get_list("set-cookie"):
        jar.load(line)
    cookie, browser = jar.values()
    assert cookie.key == f"soundpost_{owned.people.instance[:8]}"
    assert browser.key == cookie.key + "_browser"
    assert (browser["httponly"], browser["samesite"], browser["max-age"]) == (True, "strict", str(365 * 86_400))
    assert browser.value not in cookie.value
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "strict", "/", "")
    tokens = await owned.store.read(lambda conn: list(conn.execute(select(sessions.c.token_hash)).scalars()))
    assert all(len(token) == 32 and cookie.value.encode() not in token for token in tokens)


async def test_wrong_password_and_unknown_name_are_the_same(owned: Hub) -> None:
    wrong = problem(await owned.sign_in(password="not this one"), 401, "sign_in_failed")
    unknown = problem(await owned.sign_in(sign_in="eve@example.org"), 401, "sign_in_failed")
    assert wrong == unknown
    assert (await owned.event_types())[-2:] == ["session.refused", "session.refused"]


async def test_an_agent_account_at_the_page(owned: Hub) -> None:
    async def check(name: str, password: str) -> bool:
        return (name, password) == ("london", "its password")

    owned.people.agent_account_check = check
    body = problem(await owned.sign_in(sign_in="london", password="its password"), 403, "agent_account")
    assert "Local Agent" in body["detail"]
    problem(await owned.sign_in(sign_in="london", password="another"), 401, "sign_in_failed")


async def test_failures_slow_down_by_address_and_name(owned: Hub, clock: ManualClock) -> None:
    for _ in range(5):
        problem(await owned.sign_in(password="not this one"), 401, "sign_in_failed")
    answer = await owned.sign_in()
    problem(answer, 429, "too_many_attempts")
    assert answer.headers["retry-after"] == "2"
    problem(await owned.sign_in(sign_in="eve@example.org"), 401, "sign_in_failed")
    await clock.advance(2)
    assert (await owned.sign_in()).status_code == 200


async def test_a_session_ends_by_time_and_lives_on_by_use(owned: Hub, clock: ManualClock) -> None:
    half = SESSION_MS / 2_000 + 60
    for _ in range(3):
        await clock.advance(half)
        assert (await owned.client.get("/api/v1/session")).json()["person"] is not None
        # The store's own clock stands apart: bring what a touch wrote in line with the clock the test moves.
        now = clock.now_ms()
        await owned.store.unit_of_work(
            lambda tx, now=now: (
                tx.conn.execute(sessions.update().values(seen_ms=now, expires_ms=now + SESSION_MS)) and None
            )
        )
    await clock.advance(SESSION_MS / 1_000 + 1)
    assert (await owned.client.get("/api/v1/session")).json()["person"] is None


async def test_another_sites_page_is_refused(owned: Hub) -> None:
    for origin in ("https://evil.example", "null", owned.url + "0", "http://localhost:1"):
        problem(await owned.client.delete("/api/v1/session", headers={"Origin": origin}), 403, "origin")
        problem(await owned.client.post("/api/v1/session", json={}, headers={"Origin": origin}), 403, "origin")
    del owned.client.headers["Origin"]
    problem(await owned.client.delete("/api/v1/session"), 403, "origin")
    assert (await owned.client.get("/api/v1/audit")).status_code == 200  # reading needs none


async def test_signing_in_from_another_sites_page(owned: Hub) -> None:
    async with owned.page(Origin="https://evil.example") as page:
        problem(await owned.sign_in(page), 403, "origin")
        assert not page.cookies


async def test_a_proxys_origin_may_be_named(owned: Hub) -> None:
    owned.people.origins = frozenset({"https://av.example.org"})
    answer = await owned.client.delete("/api/v1/session", headers={"Origin": "https://av.example.org"})
    assert answer.status_code == 204


async def test_changing_the_password_ends_the_other_sessions(owned: Hub) -> None:
    ended: list[str] = []
    owned.people.ended.subscribe(ended.append)
    async with owned.page(Origin=owned.url) as other:
        await owned.sign_in(other)
        body = {"password": OWNER["password"], "new_password": "quite another one"}
        assert (await owned.client.put("/api/v1/session/password", json=body)).status_code == 204
        assert (await other.get("/api/v1/session")).json()["person"] is None
    assert len(ended) == 1
    assert (await owned.client.get("/api/v1/session")).json()["person"] is not None
    problem(await owned.sign_in(), 401, "sign_in_failed")
    assert (await owned.sign_in(password="quite another one")).status_code == 200


async def test_changing_the_password_needs_the_present_one(owned: Hub) -> None:
    wrong = {"password": "not this one", "new_password": "quite another one"}
    problem(await owned.client.put("/api/v1/session/password", json=wrong), 403, "wrong_password")
    weak = {"password": OWNER["password"], "new_password": "short"}
    problem(await owned.client.put("/api/v1/session/password", json=weak), 400, "weak_password")


async def test_reset_from_the_command_line(owned: Hub) -> None:
    made = await owned.people.reset_password()
    assert made.sign_in == OWNER["sign_in"]
    assert (await owned.client.get("/api/v1/session")).json()["person"] is None
    assert (await owned.sign_in(password=made.password)).status_code == 200


async def test_keys_hold_the_rights_of_their_scope(owned: Hub) -> None:
    owner = (await owned.client.get("/api/v1/session")).json()["person"]["id"]
    for scope, status in (("read", 403), ("control", 403), ("administer", 200)):
        key = await owned.people.add_key(owner, "test", scope)
        async with owned.page(**{"X-Api-Key": key}) as program:
            assert (await program.get("/api/v1/audit")).status_code == status
    with pytest.raises(Invalid):
        await owned.people.add_key(owner, "test", "everything")
    async with owned.page(**{"X-Api-Key": "sp_made-up"}) as program:
        problem(await program.get("/api/v1/audit"), 401, "key_refused")
    hashes = await owned.store.read(lambda conn: list(conn.execute(select(api_keys.c.key_hash)).scalars()))
    assert {len(hashed) for hashed in hashes} == {32}


async def test_a_key_has_no_password_to_change(owned: Hub) -> None:
    owner = (await owned.client.get("/api/v1/session")).json()["person"]["id"]
    key = await owned.people.add_key(owner, "test", "administer")
    body = {"password": OWNER["password"], "new_password": "quite another one"}
    async with owned.page(**{"X-Api-Key": key}) as program:
        problem(await program.put("/api/v1/session/password", json=body), 403, "not_a_person")


async def test_nothing_secret_is_stored_or_told(owned: Hub) -> None:
    await owned.sign_in(password="a wrong password!")
    hashed = await owned.store.read(lambda conn: conn.execute(select(people.c.password_hash)).scalar())
    assert hashed and hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    entries = str(await owned.store.read(outbox.read))
    trail = (await owned.client.get("/api/v1/audit")).text
    for secret in (OWNER["password"], "a wrong password!", owned.code, hashed):
        assert secret not in entries
        assert secret not in trail


async def test_too_many_at_once_are_told_to_come_back(owned: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundpost.hub.people.passwords.WAITING_MOST", 3)
    tries = [owned.people.sign_in(f"n{n}@example.org", "whatever it is", Client()) for n in range(12)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert any(isinstance(answer, Unavailable) and answer.code == "busy" for answer in answers)


@pytest.mark.parametrize("cookie", ["soundpost_x=1; =", "\x01=2", "a" * 3_000, "soundpost_\u00e9=1"])
async def test_broken_cookies_are_nobody(owned: Hub, cookie: str) -> None:
    async with owned.page() as page:
        answer = await page.get("/api/v1/audit", headers={"Cookie": cookie.encode("utf-8")})  # type: ignore[dict-item]
    assert answer.status_code in (400, 401)
