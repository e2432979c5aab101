"""Asking for a link: nothing tells whether the name is here, and nothing that was asked is lost."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, update
from tests.support.hub import OWNER, Hub, problem
from tests.unit.hub.people.test_account import API, messages, owned, resets  # noqa: F401
from tests.unit.hub.people.test_users import joined, person

from soundpost.hub.people import rules
from soundpost.hub.people.resets import WAITING_MOST, Resets
from soundpost.hub.people.service import Client
from soundpost.hub.store import Store, Tx
from soundpost.hub.store.tables import reset_requests

pytestmark = pytest.mark.slow
HOUR_MS = 3_600_000


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """What is said to the database, without the values."""
    said: list[str] = []
    engines = [*store._engines, *([store._async.sync_engine] if store._async else [])]

    def hear(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        said.append(re.sub(r"sa_savepoint_\d+", "savepoint", statement))

    for engine in engines:
        event.listen(engine, "before_cursor_execute", hear)
    yield said
    for engine in engines:
        event.remove(engine, "before_cursor_execute", hear)


async def left(store: Store) -> int:
    return await store.read(lambda conn: conn.execute(select(func.count()).select_from(reset_requests)).scalar_one())


async def test_the_work_before_the_answer_is_the_same_whoever_is_asked_for(owned: Hub) -> None:  # noqa: F811
    await joined(owned, "lee@example.org")
    id = (await person(owned, "lee@example.org"))["id"]
    await owned.client.patch(f"{API}/users/{id}", json={"disabled": True})
    await owned.client.post(f"{API}/users", json={"addresses": "bo@example.org", "role": "monitor"})
    asking, done = resets(owned), []
    for name in (OWNER["sign_in"], "lee@example.org", "bo@example.org", "nobody@example.org", "\0", "x" * 4_000):
        with statements(owned.store) as said:
            await asking.ask(name, Client(address="192.0.2.1"))
            done.append(list(said))
        await asking.idle()
    assert done[0]
    assert all(one == done[0] for one in done)
    assert not any("people" in statement for statement in done[0])


async def test_what_was_asked_outlives_a_kill(owned: Hub) -> None:  # noqa: F811
    """Between the answer and the mail nothing but the row is there; the next process finds it."""

    def ask(tx: Tx) -> None:
        Resets(owned.people, owned.store)._note(tx, OWNER["sign_in"], "192.0.2.1")

    await owned.store.unit_of_work(ask)
    assert await messages(owned, "password_reset") == []
    await Resets(owned.people, owned.store).carry()
    assert [told["to"] for told in await messages(owned, "password_reset")] == [OWNER["sign_in"]]
    assert await left(owned.store) == 0
    trail = (await owned.client.get(f"{API}/audit")).text
    assert "person.reset_asked" in trail
    assert "192.0.2.1" in trail


async def test_what_is_older_than_a_link_would_last_is_not_answered_any_more(owned: Hub) -> None:  # noqa: F811
    def ask(tx: Tx) -> None:
        Resets(owned.people, owned.store)._note(tx, OWNER["sign_in"], "")
        tx.conn.execute(update(reset_requests).values(created_ms=tx.now_ms - rules.LASTS_MS[rules.RESET]))

    await owned.store.unit_of_work(ask)
    await Resets(owned.people, owned.store).carry()
    assert (await messages(owned, "password_reset"), await left(owned.store)) == ([], 0)


async def test_a_database_that_is_away_is_made_up_for(owned: Hub, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    asking = resets(owned)

    def broken(_tx: Tx) -> bool:
        raise OSError("away")

    with monkeypatch.context() as away:
        away.setattr(asking, "_one", broken)
        await asking.ask(OWNER["sign_in"], Client())
        await asking.idle()
    assert await left(owned.store) == 1
    await asking.carry()
    assert (await left(owned.store), len(await messages(owned, "password_reset"))) == (0, 1)


async def test_the_crowd_that_waits_is_bounded(owned: Hub) -> None:  # noqa: F811
    def crowd(tx: Tx) -> None:
        for n in range(WAITING_MOST):
            resets(owned)._note(tx, f"n{n}@example.org", "")

    await owned.store.unit_of_work(crowd)
    answer = await owned.page(Origin=owned.url).post(f"{API}/password-resets", json={"sign_in": OWNER["sign_in"]})
    problem(answer, 503, "busy")


async def test_the_password_of_an_unknown_name_costs_the_same(owned: Hub, tmp_path: Path) -> None:  # noqa: F811
    """One argon2 run and the same words to the database for a name that is not here and for a wrong password."""
    ran: list[str] = []
    verify = owned.people.passwords._check

    def counted(hashed: str, password: str) -> bool:
        ran.append(hashed[:30])
        return verify(hashed, password)

    owned.people.passwords._check = counted  # type: ignore[method-assign]
    done = []
    for n, name in enumerate((OWNER["sign_in"], "nobody@example.org")):
        with statements(owned.store) as said:
            answer = await owned.sign_in(owned.page(Origin=owned.url), sign_in=name, password="not this one")
            done.append((answer.status_code, answer.text, [one for one in said if "sessions" not in one]))
        assert len(ran) == n + 1
    assert done[0] == done[1]
    assert ran[0].split("$")[:4] == ran[1].split("$")[:4]
