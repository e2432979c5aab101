"""One's own account: second factor, forgotten password, sessions, number; what of it an owner may do for others."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pyotp
import pytest
from sqlalchemy import select, update
from tests.support.hub import OWNER, Hub, hub, problem
from tests.unit.hub.people.test_users import PASSWORD, joined, person

from soundpost.hub.app import Rooms
from soundpost.hub.people import users_api
from soundpost.hub.people.service import People
from soundpost.hub.people.users import Users
from soundpost.hub.store import Store, Tx
from soundpost.hub.store.tables import browsers, outgoing, people, second_factors, sessions, tickets
from soundpost.kernel.clock import SystemClock

pytestmark = pytest.mark.slow  # a whole hub and real password hashing for each

API = "/api/v1"


@pytest.fixture
async def owned(tmp_path: Path, target: Path | str) -> AsyncIterator[Hub]:
    """The store's clock and that of the people are one."""

    def rooms(store: Store, people: People) -> Rooms:
        return Rooms(users_api.CONTROLLERS, {"users": Users(people, store, SystemClock())})

    async with hub(tmp_path, rooms=rooms, target=target) as running:
        assert (await running.first_run()).status_code == 201
        running.people.can_mail = lambda: True
        yield running


async def messages(owned: Hub, kind: str) -> list[dict[str, Any]]:
    def work(tx: Tx) -> list[dict[str, Any]]:
        rows = tx.conn.execute(select(outgoing).where(outgoing.c.kind == kind).order_by(outgoing.c.id))
        return [
            {
                "to": row.recipient,
                **msgspec.msgpack.decode(tx.secrets.sealer.open(bytes(row.body), f"outgoing {row.id}")),
            }
            for row in rows
        ]

    return await owned.store.unit_of_work(work)


async def age(owned: Hub, seconds: int) -> None:
    """The last step that was used, and each ticket, as if that much time had passed."""

    def work(tx: Tx) -> None:
        tx.conn.execute(update(second_factors).values(last_step=0))
        tx.conn.execute(update(tickets).values(expires_ms=tickets.c.expires_ms - seconds * 1000))

    await owned.store.unit_of_work(work)


async def set_up(owned: Hub, client: httpx.AsyncClient, password: str = OWNER["password"]) -> tuple[pyotp.TOTP, Any]:
    begun = (await client.post(f"{API}/account/second-factor", json={"password": password})).json()
    totp = pyotp.TOTP(begun["secret"])
    answer = await client.post(f"{API}/account/second-factor/confirm", json={"code": totp.now()})
    assert answer.status_code == 200, answer.text
    await age(owned, 0)
    return totp, answer.json()["codes"]


async def ticket(owned: Hub, page: httpx.AsyncClient, **changes: str) -> str:
    answer = await owned.sign_in(page, **changes)
    assert answer.status_code == 200, answer.text
    assert answer.json()["person"] is None
    assert "set-cookie" not in answer.headers
    return str(answer.json()["second_factor"]["ticket"])


async def second(page: httpx.AsyncClient, ticket: str, code: str) -> httpx.Response:
    return await page.post(f"{API}/session/second-factor", json={"ticket": ticket, "code": code})


async def test_a_wrong_code_while_it_is_set_up_speaks_of_no_recovery_code(owned: Hub) -> None:
    path = f"{API}/account/second-factor"
    await owned.client.post(path, json={"password": OWNER["password"]})
    answer = await owned.client.post(f"{path}/confirm", json={"code": "12345"})
    problem(answer, 401, "wrong_first_code")
    assert "recovery" not in answer.text


async def test_a_second_factor_is_asked_for_and_each_code_fits_once(owned: Hub) -> None:
    totp, _ = await set_up(owned, owned.client)
    page = owned.page(Origin=owned.url)
    first = await ticket(owned, page)
    problem(await second(page, first, "000000" if totp.now() != "000000" else "111111"), 401, "wrong_code")
    code = totp.now()
    assert (await second(page, first, f" {code[:3]} {code[3:]} ")).json()["person"]["name"] == "Ada"
    problem(await second(page, first, code), 401, "ticket_gone")
    problem(await second(page, await ticket(owned, page), code), 401, "wrong_code")
    assert (await page.get(f"{API}/account")).json()["second_factor"]["codes_left"] == 10


async def test_a_recovery_code_fits_once(owned: Hub) -> None:
    _, codes = await set_up(owned, owned.client)
    assert len(set(codes)) == 10
    page = owned.page(Origin=owned.url)
    assert (await second(page, await ticket(owned, page), codes[3].lower())).status_code == 200
    problem(await second(page, await ticket(owned, page), codes[3]), 401, "wrong_code")
    assert (await page.get(f"{API}/account")).json()["second_factor"]["codes_left"] == 9


async def test_a_ticket_bears_five_tries_and_new_ones_no_more_for_a_stranger(owned: Hub) -> None:
    totp, _ = await set_up(owned, owned.client)
    page = owned.page(Origin=owned.url)
    first = await ticket(owned, page)
    for _ in range(5):
        problem(await second(page, first, "12345"), 401, "wrong_code")
    problem(await second(page, await ticket(owned, page), totp.now()), 429, "too_many_attempts")
    # the browser of the owner counts by itself
    own = await ticket(owned, owned.client)
    assert (await second(owned.client, own, totp.now())).status_code == 200


async def test_tries_at_once_are_counted_each(owned: Hub) -> None:
    await set_up(owned, owned.client)
    page = owned.page(Origin=owned.url)
    first = await ticket(owned, page)
    answers = await asyncio.gather(*(second(page, first, "12345") for _ in range(12)))
    assert sorted({answer.status_code for answer in answers}) == [401, 429]
    assert sum(answer.json()["code"] == "wrong_code" for answer in answers) <= 5


async def test_a_code_in_two_browsers_at_once_lets_one_in(owned: Hub) -> None:
    totp, _ = await set_up(owned, owned.client)
    pages = [owned.page(Origin=owned.url) for _ in range(2)]
    asked = [await ticket(owned, page) for page in pages]
    code = totp.now()
    answers = await asyncio.gather(
        *(second(page, one, code) for page, one in zip(pages, asked, strict=True)), return_exceptions=False
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401]


async def test_a_ticket_ends_by_time_and_with_the_password(owned: Hub) -> None:
    totp, _ = await set_up(owned, owned.client)
    page = owned.page(Origin=owned.url)
    late = await ticket(owned, page)
    await age(owned, 301)
    problem(await second(page, late, totp.now()), 401, "ticket_gone")
    early = await ticket(owned, page)
    body = {"password": OWNER["password"], "new_password": "quite another one"}
    assert (await owned.client.put(f"{API}/session/password", json=body)).status_code == 204
    problem(await second(page, early, totp.now()), 401, "ticket_gone")
    problem(await second(page, "made up", totp.now()), 401, "ticket_gone")


async def test_setting_up_needs_the_password_and_ends_other_sessions(owned: Hub) -> None:
    other = owned.page(Origin=owned.url)
    await owned.sign_in(other)
    problem(
        await owned.client.post(f"{API}/account/second-factor", json={"password": "wrong one"}), 403, "wrong_password"
    )
    problem(
        await owned.client.post(f"{API}/account/second-factor/confirm", json={"code": "123456"}),
        409,
        "second_factor_not_begun",
    )
    await set_up(owned, owned.client)
    assert (await other.get(f"{API}/session")).json()["person"] is None
    again = await owned.client.post(f"{API}/account/second-factor", json={"password": OWNER["password"]})
    problem(again, 409, "second_factor_there")
    assert len(await messages(owned, "second_factor_changed")) == 1


async def test_new_codes_and_turning_off_need_password_and_code(owned: Hub) -> None:
    totp, codes = await set_up(owned, owned.client)
    path = f"{API}/account/second-factor"
    proof = {"password": OWNER["password"], "code": totp.now()}
    problem(await owned.client.post(f"{path}/codes", json={**proof, "code": "1"}), 401, "wrong_code")
    renewed = (await owned.client.post(f"{path}/codes", json=proof)).json()["codes"]
    assert not set(renewed) & set(codes)
    old = {**proof, "code": codes[0]}
    problem(await owned.client.post(f"{path}/disable", json=old), 401, "wrong_code")
    assert (await owned.client.post(f"{path}/disable", json={**proof, "code": renewed[0]})).status_code == 204
    assert (await owned.sign_in(owned.page(Origin=owned.url))).json()["person"] is not None
    problem(await owned.client.post(f"{path}/disable", json={**proof, "password": "not it"}), 403, "wrong_password")
    tried = (await owned.client.get(f"{API}/audit?act=person.recovery_codes,person.second_factor_removed")).json()
    assert [(act["act"], act["result"], act["reason"]) for act in reversed(tried["items"])] == [
        ("person.recovery_codes", "refused", {"code": "wrong_code"}),
        ("person.recovery_codes", "done", None),
        ("person.second_factor_removed", "refused", {"code": "wrong_code"}),
        ("person.second_factor_removed", "done", None),
        ("person.second_factor_removed", "refused", {"code": "wrong_password"}),
    ]


async def test_an_owner_demands_it_and_who_has_none_can_do_nothing_before(owned: Hub) -> None:
    lee = await joined(owned, "lee@example.org", "administrator")
    body = {"demanded_of": "administrators"}
    problem(await lee.put(f"{API}/policy/second-factor", json=body), 403, "not_allowed")
    problem(await owned.client.put(f"{API}/policy/second-factor", json={"demanded_of": "x"}), 400, "invalid_argument")
    ended: list[str] = []
    owned.people.ended.subscribe(ended.append)
    assert (await owned.client.put(f"{API}/policy/second-factor", json=body)).status_code == 200
    assert len(ended) == 2  # their sockets close, and come back to less
    assert (await lee.get(f"{API}/session")).json()["set_up_first"] is True
    problem(await lee.get(f"{API}/users"), 403, "second_factor_needed")
    problem(await owned.client.put(f"{API}/policy/second-factor", json=body), 403, "second_factor_needed")
    totp, _ = await set_up(owned, lee, PASSWORD)
    assert (await lee.get(f"{API}/users")).status_code == 200
    assert (await lee.get(f"{API}/session")).json()["set_up_first"] is False
    proof = {"password": PASSWORD, "code": totp.now()}
    problem(await lee.post(f"{API}/account/second-factor/disable", json=proof), 409, "second_factor_needed")


async def test_an_owner_removes_a_lost_one_and_the_person_is_told(owned: Hub) -> None:
    lee = await joined(owned, "lee@example.org", "administrator")
    await set_up(owned, lee, PASSWORD)
    id = (await person(owned, "lee@example.org"))["id"]
    problem(await lee.delete(f"{API}/users/{id}/second-factor"), 403, "not_allowed")
    assert (await owned.client.delete(f"{API}/users/{id}/second-factor")).status_code == 204
    problem(await owned.client.delete(f"{API}/users/{id}/second-factor"), 409, "no_second_factor")
    switched_on, told = await messages(owned, "second_factor_changed")
    assert (switched_on["on"], told["on"], told["to"]) == (True, False, "lee@example.org")
    assert "person.second_factor_removed" in (await owned.client.get(f"{API}/audit")).text


async def asked_link(owned: Hub, sign_in: str) -> str:
    answer = await owned.page(Origin=owned.url).post(f"{API}/password-resets", json={"sign_in": sign_in})
    assert (answer.status_code, answer.content) == (204, b"")
    await resets(owned).idle()
    return str((await messages(owned, "password_reset"))[-1]["link"].removeprefix("/reset/"))


def resets(owned: Hub) -> Any:
    return owned.app.dependencies["resets"].dependency()


async def test_a_forgotten_password(owned: Hub) -> None:
    await set_up(owned, owned.client)
    token = await asked_link(owned, " ADA@example.org ")
    page = owned.page(Origin=owned.url)
    assert (await page.post(f"{API}/password-resets/check", json={"token": token})).json() == {
        "sign_in": OWNER["sign_in"]
    }
    weak = {"token": token, "password": "short"}
    problem(await page.put(f"{API}/password-resets", json=weak), 400, "weak_password")
    good = {"token": token, "password": "quite another one"}
    answer = await page.put(f"{API}/password-resets", json=good)
    assert (answer.status_code, dict(page.cookies)) == (204, {})
    problem(await page.put(f"{API}/password-resets", json=good), 404, "link_gone")
    assert (await owned.client.get(f"{API}/session")).json()["person"] is None
    assert await ticket(owned, page, password="quite another one")  # the second factor is still asked for
    assert [told["to"] for told in await messages(owned, "password_changed")] == [OWNER["sign_in"]]


async def test_who_asks_learns_nothing_and_floods_nobody(owned: Hub) -> None:
    await joined(owned, "lee@example.org")
    id = (await person(owned, "lee@example.org"))["id"]
    assert (await owned.client.patch(f"{API}/users/{id}", json={"disabled": True})).status_code == 200
    for name in ("nobody@example.org", "lee@example.org", "x" * 5_000, "\1", *[OWNER["sign_in"]] * 5):
        answer = await owned.page(Origin=owned.url).post(f"{API}/password-resets", json={"sign_in": name})
        assert (answer.status_code, answer.content) == (204, b"")
    await resets(owned).idle()
    assert [told["to"] for told in await messages(owned, "password_reset")] == [OWNER["sign_in"]] * 3
    for _ in range(4):
        answer = await owned.page(Origin=owned.url).post(f"{API}/password-resets", json={"sign_in": "a@b.org"})
    problem(answer, 429, "too_many_attempts")


async def test_without_mail_an_owner_is_asked(owned: Hub) -> None:
    owned.people.can_mail = lambda: False
    assert (await owned.page().get(f"{API}/session")).json()["forgotten"] == "owner"
    problem(await owned.client.post(f"{API}/password-resets", json={"sign_in": "a@b.org"}), 409, "no_mail_here")


async def test_a_link_is_over_after_an_hour_or_when_the_person_is(owned: Hub) -> None:
    await joined(owned, "lee@example.org")
    token = await asked_link(owned, "lee@example.org")
    id = (await person(owned, "lee@example.org"))["id"]
    await owned.client.patch(f"{API}/users/{id}", json={"disabled": True})
    await owned.client.patch(f"{API}/users/{id}", json={"disabled": False})
    problem(await owned.client.post(f"{API}/password-resets/check", json={"token": token}), 404, "link_gone")
    token = await asked_link(owned, OWNER["sign_in"])
    await age(owned, 3_601)
    good = {"token": token, "password": "quite another one"}
    problem(await owned.client.put(f"{API}/password-resets", json=good), 404, "link_gone")


async def test_a_link_by_hand_follows_the_ranks(owned: Hub) -> None:
    lee = await joined(owned, "lee@example.org", "administrator")
    await joined(owned, "max@example.org", "monitor")
    ids = {name: (await person(owned, name))["id"] for name in (OWNER["sign_in"], "max@example.org")}
    problem(await lee.post(f"{API}/users/{ids[OWNER['sign_in']]}/reset"), 403, "not_allowed")
    problem(await lee.post(f"{API}/users/usr_none/reset"), 404, "no_such_person")
    lees = (await person(owned, "lee@example.org"))["id"]
    problem(await lee.post(f"{API}/users/{lees}/reset"), 409, "own_sign_in")
    made = (await lee.post(f"{API}/users/{ids['max@example.org']}/reset?hand_over=true")).json()
    assert (made["mailed"], made["minutes"]) == (False, 60)
    token = made["link"].removeprefix("/reset/")
    page = owned.page(Origin=owned.url)
    body = {"token": token, "password": "quite another one"}
    assert (await page.put(f"{API}/password-resets", json=body)).status_code == 204
    assert (await owned.sign_in(page, sign_in="max@example.org", password=body["password"])).status_code == 200
    audit = (await owned.client.get(f"{API}/audit")).text
    assert "person.reset_made" in audit
    assert token not in audit


async def test_a_link_that_an_administrator_makes_goes_out_by_mail(owned: Hub) -> None:
    await joined(owned, "max@example.org", "monitor")
    id = (await person(owned, "max@example.org"))["id"]
    made = (await owned.client.post(f"{API}/users/{id}/reset")).json()
    assert (made["mailed"], made["link"]) == (True, None)
    (told,) = await messages(owned, "password_reset")
    assert (told["to"], told["link"][:7], told["minutes"]) == ("max@example.org", "/reset/", 60)
    owned.people.can_mail = lambda: False
    by_hand = (await owned.client.post(f"{API}/users/{id}/reset")).json()
    assert by_hand["link"].startswith("/reset/")
    token = told["link"].removeprefix("/reset/")
    problem(await owned.page().post(f"{API}/password-resets/check", json={"token": token}), 404, "link_gone")


async def test_ones_own_sign_in_is_changed_under_my_account_alone(owned: Hub) -> None:
    """There the password is asked for: a stolen session, or a key, gets neither password nor second factor."""
    await set_up(owned, owned.client)
    me = (await person(owned, OWNER["sign_in"]))["id"]
    problem(await owned.client.post(f"{API}/users/{me}/reset"), 409, "own_sign_in")
    problem(await owned.client.delete(f"{API}/users/{me}/second-factor"), 409, "own_sign_in")
    program = owned.page(**{"X-Api-Key": await owned.people.add_key(me, "test", "administer")})
    assert (await program.post(f"{API}/users/{me}/reset")).status_code in (403, 409)


async def test_sessions_are_listed_and_ended(owned: Hub) -> None:
    ended: list[str] = []
    owned.people.ended.subscribe(ended.append)
    pages = [owned.page(Origin=owned.url, **{"User-Agent": f"Browser {n}"}) for n in range(3)]
    for page in pages:
        await owned.sign_in(page)
    items = (await owned.client.get(f"{API}/account/sessions")).json()["items"]
    assert sorted(item["browser"] for item in items)[:3] == ["Browser 0", "Browser 1", "Browser 2"]
    (here,) = [item for item in items if item["here"]]
    (first,) = [item for item in items if item["browser"] == "Browser 0"]
    assert (await owned.client.delete(f"{API}/account/sessions/{first['id']}")).status_code == 204
    problem(await owned.client.delete(f"{API}/account/sessions/{first['id']}"), 404, "no_such_session")
    assert (await pages[0].get(f"{API}/session")).json()["person"] is None
    assert (await owned.client.delete(f"{API}/account/sessions")).json() == {"ended": 2}
    assert len(ended) == 3
    (left,) = (await owned.client.get(f"{API}/account/sessions")).json()["items"]
    assert left["id"] == here["id"]


async def test_nobody_ends_anothers_session_but_an_owner_all_of_them(owned: Hub) -> None:
    lee = await joined(owned, "lee@example.org", "administrator")
    (mine,) = (await owned.client.get(f"{API}/account/sessions")).json()["items"]
    problem(await lee.delete(f"{API}/account/sessions/{mine['id']}"), 404, "no_such_session")
    id = (await person(owned, "lee@example.org"))["id"]
    problem(await lee.post(f"{API}/users/{id}/sign-out"), 403, "not_allowed")
    assert (await owned.client.post(f"{API}/users/{id}/sign-out")).json() == {"ended": 1}
    assert (await lee.get(f"{API}/session")).json()["person"] is None
    problem(await owned.client.post(f"{API}/users/usr_none/sign-out"), 404, "no_such_person")


async def test_each_sign_in_makes_a_new_token_and_a_planted_one_counts_for_nothing(owned: Hub) -> None:
    page = owned.page(Origin=owned.url)
    name = f"soundpost_{owned.people.instance[:8]}"
    page.cookies.set(name, "planted", domain="127.0.0.1")
    page.cookies.set(name + "_browser", "planted", domain="127.0.0.1")
    await owned.sign_in(page)
    values = {cookie.value for cookie in page.cookies.jar if cookie.name.startswith(name)}
    assert len(values - {"planted"}) == 2
    stranger = owned.page(Origin=owned.url, Cookie=f"{name}=planted; {name}_browser=planted")
    assert (await stranger.get(f"{API}/session")).json()["person"] is None
    assert not await owned.store.read(lambda conn: conn.execute(select(browsers)).first() is None)


async def test_a_session_ends_after_its_longest_whatever_its_use(tmp_path: Path) -> None:
    async with hub(tmp_path, idle_ms=86_400_000, longest_ms=2 * 86_400_000) as running:
        await running.first_run()

        def work(tx: Tx) -> None:
            early = tx.now_ms - 2 * 86_400_000 + 60_000
            tx.conn.execute(update(sessions).values(created_ms=early, seen_ms=tx.now_ms - 600_000))

        await running.store.unit_of_work(work)
        assert (await running.client.get(f"{API}/session")).json()["person"] is not None  # and is touched
        expires = await running.store.read(lambda conn: conn.execute(select(sessions.c.expires_ms)).scalar())
        assert 0 < (expires or 0) - SystemClock().now_ms() <= 60_000


async def test_strangers_are_slowed_down_and_the_owners_browser_is_not(owned: Hub) -> None:
    stranger = owned.page(Origin=owned.url)
    for _ in range(5):
        problem(await owned.sign_in(stranger, password="not this one"), 401, "sign_in_failed")
    problem(await owned.sign_in(stranger), 429, "too_many_attempts")
    assert (await owned.sign_in(owned.client)).status_code == 200
    for _ in range(5):
        problem(await owned.sign_in(owned.client, password="not this one"), 401, "sign_in_failed")
    problem(await owned.sign_in(owned.client), 429, "too_many_attempts")


async def test_forwarded_addresses_are_believed_from_named_proxies_alone(tmp_path: Path) -> None:
    from soundpost.hub.people.rules import proxies

    headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    for trusted, address in (((), "127.0.0.1"), (("127.0.0.1",), "198.51.100.7")):
        async with hub(tmp_path / str(len(trusted)), proxies=proxies(trusted)) as running:
            await running.first_run()
            page = running.page(Origin=running.url, **headers)
            await running.sign_in(page)
            items = (await page.get(f"{API}/account/sessions")).json()["items"]
            assert [item["address"] for item in items if item["here"]] == [address]


async def test_the_profile_follows_the_person(owned: Hub) -> None:
    answer = await owned.client.patch(
        f"{API}/account", json={"name": " Ada  L. ", "language": "de", "zone": "Europe/Berlin"}
    )
    assert answer.status_code == 204
    page = owned.page(Origin=owned.url)
    who = (await owned.sign_in(page)).json()["person"]
    assert (who["name"], who["language"], who["zone"]) == ("Ada L.", "de", "Europe/Berlin")
    for wrong in ({"name": " "}, {"language": "xx"}, {"zone": "../etc/passwd"}, {"zone": "Europe/Nowhere"}):
        problem(await page.patch(f"{API}/account", json=wrong), 400, "invalid_argument")


async def test_the_number_is_ones_own_and_verified_by_its_code(owned: Hub) -> None:
    lee = await joined(owned, "lee@example.org")
    for wrong in ("", "12", "07946 0958", "+0123456789", "+44 20 7946 0958 1234 5", "+44abc", "+４４２０７９４６"):
        problem(await lee.put(f"{API}/account/number", json={"number": wrong}), 400, "invalid_number")
    owned.people.can_text = lambda: True
    assert (await lee.put(f"{API}/account/number", json={"number": "+44 (20) 7946-0958"})).status_code == 204
    shown = (await lee.get(f"{API}/account")).json()
    assert (shown["number"], shown["number_verified"]) == ("+442079460958", False)
    assert (await owned.client.get(f"{API}/account")).json()["number"] == ""
    ((sent),) = await messages(owned, "number_code")
    assert sent["to"] == "+442079460958"
    assert re.fullmatch(r"\d{6}", sent["code"])
    wrong = "000000" if sent["code"] != "000000" else "111111"
    problem(await lee.post(f"{API}/account/number/verify", json={"code": wrong}), 400, "wrong_number_code")
    assert (await lee.post(f"{API}/account/number/verify", json={"code": sent["code"]})).status_code == 204
    assert (await lee.get(f"{API}/account")).json()["number_verified"] is True
    problem(await lee.post(f"{API}/account/number/verify", json={"code": sent["code"]}), 409, "code_gone")
    await lee.put(f"{API}/account/number", json={"number": "+442079460959"})
    assert (await lee.get(f"{API}/account")).json()["number_verified"] is False
    assert (await lee.delete(f"{API}/account/number")).status_code == 204
    assert (await lee.get(f"{API}/account")).json()["number"] == ""
    audit = (await owned.client.get(f"{API}/audit")).text
    assert "person.number" in audit
    assert "442079460958" not in audit


async def test_a_code_bears_five_tries_and_texts_are_few(owned: Hub) -> None:
    problem(await owned.client.post(f"{API}/account/number/code"), 409, "no_text_gateway")
    owned.people.can_text = lambda: True
    await owned.client.put(f"{API}/account/number", json={"number": "+442079460958"})
    (sent,) = await messages(owned, "number_code")
    for _ in range(5):
        problem(await owned.client.post(f"{API}/account/number/verify", json={"code": "x"}), 400, "wrong_number_code")
    late = await owned.client.post(f"{API}/account/number/verify", json={"code": sent["code"]})
    problem(late, 409, "code_gone")
    for _ in range(2):
        assert (await owned.client.post(f"{API}/account/number/code")).status_code == 204
    problem(await owned.client.post(f"{API}/account/number/code"), 429, "too_many_attempts")


async def test_a_key_has_no_account(owned: Hub) -> None:
    owner = (await owned.client.get(f"{API}/session")).json()["person"]["id"]
    key = await owned.people.add_key(owner, "test", "administer")
    program = owned.page(**{"X-Api-Key": key})
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/sessions", None),
        ("PATCH", "", {"name": "Eve"}),
        ("PUT", "/number", {"number": "+442079460958"}),
        ("DELETE", "/number", None),
        ("POST", "/second-factor", {"password": "x"}),
        ("DELETE", "/sessions", None),
    ):
        problem(await program.request(method, f"{API}/account{path}", json=body), 403, "not_a_person")


async def test_other_sites_pages_are_refused(owned: Hub) -> None:
    evil = owned.page(Origin="https://evil.example")
    body = {"ticket": "x", "code": "x"}
    problem(await evil.post(f"{API}/session/second-factor", json=body), 403, "origin")
    problem(await evil.post(f"{API}/password-resets", json={"sign_in": "a@b.org"}), 403, "origin")
    problem(await evil.put(f"{API}/password-resets", json={"token": "x", "password": "x"}), 403, "origin")


async def test_secrets_are_stored_sealed_or_hashed(owned: Hub) -> None:
    totp, codes = await set_up(owned, owned.client)
    token = await asked_link(owned, OWNER["sign_in"])

    def dump(conn: Any) -> str:
        tables = (second_factors, tickets, outgoing, people, browsers)
        return "".join(str([tuple(row) for row in conn.execute(select(table))]) for table in tables)

    kept = await owned.store.read(dump) + (await owned.client.get(f"{API}/audit")).text
    for secret in (totp.secret, codes[0], codes[0].replace("-", ""), token):
        assert secret not in kept


async def test_the_command_line_removes_a_second_factor(owned: Hub) -> None:
    await set_up(owned, owned.client)
    made = await owned.people.reset_password(OWNER["sign_in"], second_factor=True)
    page = owned.page(Origin=owned.url)
    assert (await owned.sign_in(page, password=made.password)).json()["person"] is not None
