"""Tokens that are not what they should be, addresses of the world, and lines that would like to be two."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from tests.support.hub import OWNER, Hub, hub, problem
from tests.unit.hub.people.test_account import API, asked_link, messages, owned, set_up, ticket  # noqa: F401
from tests.unit.hub.people.test_users import PASSWORD, invited, joined, person, registration

from soundpost.hub.people import users_api
from soundpost.hub.people.users import Users
from soundpost.hub.store.tables import invitations, outgoing
from soundpost.kernel.clock import SystemClock

pytestmark = pytest.mark.slow
JOIN = {"password": PASSWORD, "name": "Bo", "terms": True}


def tampered(token: str) -> list[str]:
    """One letter other, one less, one more, in other case, with what a mail program may add."""
    first = "A" if token[0] != "A" else "B"
    return [first + token[1:], token[:-1], token + "A", token.swapcase(), token + ".", token + "%20"]


async def test_a_link_that_was_tampered_with(owned: Hub) -> None:  # noqa: F811
    (item,) = await invited(owned, "bo@example.org")
    page = owned.page(Origin=owned.url)
    for token in tampered(item["link"].removeprefix("/register/")):
        problem(await page.get(f"{API}/registration/{token}"), 404, "link_gone")
        problem(await page.post(f"{API}/registration/{token}", json=JOIN), 404, "link_gone")
    reset = await asked_link(owned, OWNER["sign_in"])
    for token in tampered(reset):
        problem(await page.post(f"{API}/password-resets/check", json={"token": token}), 404, "link_gone")
        problem(await page.put(f"{API}/password-resets", json={"token": token, "password": PASSWORD}), 404, "link_gone")
    assert (await page.post(registration(item), json=JOIN)).status_code == 201, "the true one still fits"


async def test_a_token_opens_its_own_door_alone(owned: Hub) -> None:  # noqa: F811
    """Each kind at the doors of the others, and as a session's cookie."""
    await set_up(owned, owned.client)
    (item,) = await invited(owned, "bo@example.org")
    link, reset = item["link"].removeprefix("/register/"), await asked_link(owned, OWNER["sign_in"])
    half = await ticket(owned, owned.page(Origin=owned.url))
    page = owned.page(Origin=owned.url)
    for token in (reset, half):
        problem(await page.get(f"{API}/registration/{token}"), 404, "link_gone")
    for token in (link, half):
        problem(await page.put(f"{API}/password-resets", json={"token": token, "password": PASSWORD}), 404, "link_gone")
    for token in (link, reset):
        body = {"ticket": token, "code": "123456"}
        problem(await page.post(f"{API}/session/second-factor", json=body), 401, "ticket_gone")
    for token in (link, reset, half):
        thief = owned.page(Cookie=f"soundpost_{owned.people.instance[:8]}={token}")
        problem(await thief.get(f"{API}/users"), 401, "unauthenticated")
        program = owned.page(**{"X-Api-Key": token})
        problem(await program.get(f"{API}/users"), 401, "key_refused")


async def test_a_link_of_another_hub(owned: Hub, tmp_path: Any) -> None:  # noqa: F811
    def rooms(store: Any, people: Any) -> Any:
        from soundpost.hub.app import Rooms

        return Rooms(users_api.CONTROLLERS, {"users": Users(people, store, SystemClock())})

    (item,) = await invited(owned, "bo@example.org")
    async with hub(tmp_path / "other", rooms=rooms) as other:
        await other.first_run()
        problem(await other.page(Origin=other.url).post(registration(item), json=JOIN), 404, "link_gone")
        cookies = "; ".join(f"{c.name}={c.value}" for c in owned.client.cookies.jar)
        problem(await other.page(Cookie=cookies).get(f"{API}/users"), 401, "unauthenticated")


async def test_a_link_that_is_over_says_no_more_than_one_that_never_was(owned: Hub) -> None:  # noqa: F811
    (item,) = await invited(owned, "bo@example.org")
    never = (await owned.page().get(f"{API}/registration/made-up")).json()
    await owned.store.unit_of_work(lambda tx: tx.conn.execute(update(invitations).values(expires_ms=1)) and None)
    over = (await owned.page().get(registration(item))).json()
    assert over == never


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Bo.O'Neil+av@Example.ORG", "bo.o'neil+av@example.org"),
        ("bo@MÜNCHEN.example", "bo@münchen.example"),
        ("bo@xn--mnchen-3ya.example", "bo@münchen.example"),
        ("bo@straße.example", "bo@straße.example"),
        ("jo\u0308rg@example.org", "j\u00f6rg@example.org"),
        ("用户@例え.example", "用户@例え.example"),
    ],
)
async def test_addresses_of_the_world_are_one_person_each(owned: Hub, typed: str, stored: str) -> None:  # noqa: F811
    """However it is written the next time, it is the same person; and the mail goes there and nowhere else."""
    page = await joined(owned, typed)
    assert (await page.get(f"{API}/session")).json()["person"]["sign_in"] == stored
    assert {told["to"] for told in await messages(owned, "invitation")} <= {stored}
    for again in (typed, stored, stored.upper() if "ß" not in stored else stored):
        assert (await invited(owned, again))[0]["code"] == "person_taken"
    other = owned.page(Origin=owned.url)
    assert (await owned.sign_in(other, sign_in=f" {typed} ", password=PASSWORD)).status_code == 200


ODD = [
    "bo@example.org.", "bo@b..example", "bo@-b.example", '"bo"@example.org', "bo@[127.0.0.1]", "bo@localhost", "@example.org",
    "bo@", "bo@@example.org",
    "bo\u202e@example.org", "bo(x)@example.org", "<bo@example.org", "a" * 250 + "@example.org",
    "bo@" + "x" * 64 + ".example",
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
async def test_what_is_no_address_is_said_by_itself(owned: Hub, odd: str) -> None:  # noqa: F811
    good, bad = await invited(owned, f"bo@example.org\n{odd}")
    assert (good["code"], bad["code"], bad["link"]) == ("", "invalid_argument", None)
    assert bad["text"].endswith(".")


async def test_ten_thousand_addresses_are_refused_at_once_and_five_hundred_taken(owned: Hub) -> None:  # noqa: F811
    crowd = [f"p{n}@example.org" for n in range(10_000)]
    body = {"addresses": ", ".join(crowd), "role": "monitor"}
    assert problem(await owned.client.post(f"{API}/users", json=body), 400, "too_many")["params"]["most"] == 500
    assert len((await owned.client.get(f"{API}/users")).json()["items"]) == 1
    owned.client.timeout = httpx.Timeout(60)
    items = await invited(owned, ";".join([*crowd[:499], crowd[0]]))
    assert [item["code"] for item in items] == [""] * 499 + ["person_twice"]


async def test_names_never_become_lines(owned: Hub) -> None:  # noqa: F811
    """A name with line ends, of an inviter and of somebody who joins, is one line wherever it goes."""
    evil = "Ada\r\nBcc: all@example.org"
    problem(await owned.client.patch(f"{API}/account", json={"name": evil + "\x00"}), 400, "invalid")
    answer = await owned.client.patch(f"{API}/account", json={"name": evil})
    assert answer.status_code in (204, 400)
    (item,) = await invited(owned, "bo@example.org")
    page = owned.page(Origin=owned.url)
    answer = await page.post(registration(item), json={**JOIN, "name": "Bo\r\nX-Evil: 1\u2028y"})
    assert answer.status_code in (201, 400)
    shown = (await owned.client.get(f"{API}/users")).json()["items"]
    assert all(one["name"].isprintable() for one in shown)
    assert all("\n" not in str(told["by"]) for told in await messages(owned, "invitation"))


async def test_a_body_that_is_not_what_it_should_be(owned: Hub) -> None:  # noqa: F811
    page = owned.page(Origin=owned.url)
    for path in ("/session", "/password-resets", "/session/second-factor", "/registration/x", "/first-run"):
        for body in (
            b"",
            b"[]",
            b"{",
            b'{"sign_in": 7}',
            b'{"sign_in": "\xff"}',
            b'{"sign_in": "\\ud800", "password": "x"}',
        ):
            headers = {"Content-Type": "application/json"}
            answer = await page.post(f"{API}{path}", content=body, headers=headers)
            assert 400 <= answer.status_code < 500, (path, body, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"


async def test_odd_names_at_the_sign_in_are_nobody(owned: Hub) -> None:  # noqa: F811
    for n, name in enumerate(("\0", "x" * 100_000, "a\nb", "' or 1=1 --", "\u202eada", "𝐚𝐝𝐚@example.org")):
        page = owned.page(Origin=owned.url)
        answer = await owned.sign_in(page, sign_in=name)
        assert answer.status_code in (400, 401, 429), (n, answer.text)


async def test_no_mail_goes_out_to_who_was_removed_meanwhile(owned: Hub) -> None:  # noqa: F811
    (item,) = await invited(owned, "bo@example.org")
    await owned.client.delete(f"{API}/users/{item['id']}")
    left = await owned.store.read(lambda conn: conn.execute(select(outgoing)).all())
    assert [row for row in left if row.recipient == "bo@example.org"] == []
    assert (await person(owned, OWNER["sign_in"]))["name"] == "Ada"
