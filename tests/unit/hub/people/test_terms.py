"""Which terms somebody accepted is recorded; others are asked for at the next sign-in, and interrupt nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from tests.support.hub import OWNER, Hub, problem
from tests.unit.hub.people.test_account import API, owned  # noqa: F401
from tests.unit.hub.people.test_users import PASSWORD, invited, joined, registration

from soundpost.hub.audit.service import SYSTEM
from soundpost.hub.organization.service import Change
from soundpost.hub.people import rules
from soundpost.hub.store.tables import people


async def change(owned: Hub, text: str) -> None:  # noqa: F811
    await owned.people.organization.change(SYSTEM, Change(terms={"terms": text}))


async def accepted(owned: Hub) -> dict[str, int]:  # noqa: F811
    rows = await owned.store.read(lambda conn: conn.execute(select(people)).all())
    return {row.sign_in: row.terms_revision for row in rows}


@pytest.mark.slow
async def test_a_new_revision_is_accepted_at_the_next_sign_in(owned: Hub) -> None:  # noqa: F811
    lee = await joined(owned, "lee@example.org", "administrator")
    await change(owned, "Be kind.")
    assert (await lee.get(f"{API}/users")).status_code == 200, "whoever works goes on"
    assert (await lee.get(f"{API}/session")).json()["accept_first"] is False

    again = owned.page(Origin=owned.url)
    session = (await owned.sign_in(again, sign_in="lee@example.org", password=PASSWORD)).json()
    assert (session["accept_first"], session["set_up_first"]) == (True, False)
    problem(await again.get(f"{API}/users"), 403, "terms_due")
    assert (await again.get(f"{API}/account")).status_code == 200
    problem(await again.put(f"{API}/account/terms", json={"revision": 0}), 409, "terms_changed")
    await change(owned, "Be kind, always.")  # while they are being read
    problem(await again.put(f"{API}/account/terms", json={"revision": 1}), 409, "terms_changed")
    assert (await again.put(f"{API}/account/terms", json={"revision": 2})).status_code == 204
    assert (await again.get(f"{API}/users")).status_code == 200
    assert await accepted(owned) == {OWNER["sign_in"]: 0, "lee@example.org": 2}
    assert "person.terms" in (await owned.client.get(f"{API}/audit")).text


@pytest.mark.slow
async def test_terms_come_before_the_second_factor_and_keys_go_on(owned: Hub) -> None:  # noqa: F811
    me = (await owned.client.get(f"{API}/session")).json()["person"]["id"]
    key = await owned.people.add_key(me, "test", "administer")
    await change(owned, "Be kind.")
    assert (await owned.page(**{"X-Api-Key": key}).get(f"{API}/users")).status_code == 200
    await owned.client.put(f"{API}/policy/second-factor", json={"demanded_of": "everybody"})
    page = owned.page(Origin=owned.url)
    assert (await owned.sign_in(page)).json()["accept_first"] is True
    await page.put(f"{API}/account/terms", json={"revision": 1})
    session = (await page.get(f"{API}/session")).json()
    assert (session["accept_first"], session["set_up_first"]) == (False, True)


@pytest.mark.slow
async def test_who_joins_accepts_what_holds_then(owned: Hub) -> None:  # noqa: F811
    (item,) = await invited(owned, "bo@example.org")
    await change(owned, "Be kind.")
    page = owned.page(Origin=owned.url)
    body = {"password": PASSWORD, "name": "Bo", "terms": True, "terms_revision": 0}
    problem(await page.post(registration(item), json=body), 409, "terms_changed")
    joined = await page.post(registration(item), json={**body, "terms_revision": 1})
    assert (joined.status_code, joined.json()["accept_first"]) == (201, False)
    assert (await accepted(owned))["bo@example.org"] == 1


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 99), st.integers(0, 99))
def test_only_a_session_that_began_after_the_change_is_asked(holds: int, took: int, since: int, begun: int) -> None:
    due = rules.terms_due(holds, took, since, begun)
    assert due == (took < holds and begun >= since)
    assert not rules.terms_due(holds, holds, since, begun)
