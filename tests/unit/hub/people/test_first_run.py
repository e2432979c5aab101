from pathlib import Path

import httpx
import pytest
from tests.support.hub import OWNER, Hub, hub, problem

from soundpost.hub.people import repo
from soundpost.hub.people.service import Client, People
from soundpost.hub.store import Store, meta
from soundpost.kernel.clock import SystemClock
from soundpost.kernel.errors import Conflict, Forbidden

pytestmark = pytest.mark.slow


async def test_the_code_makes_the_owner_and_signs_in(home: Hub) -> None:
    before = (await home.client.get("/api/v1/session")).json()
    assert (before["first_run"], before["person"], before["rights"]) == (True, None, [])
    answer = await home.first_run()
    assert answer.status_code == 201
    after = (await home.client.get("/api/v1/session")).json()
    assert after == answer.json()
    assert (after["first_run"], after["person"]["role"], after["person"]["sign_in"]) == (
        False,
        "owner",
        OWNER["sign_in"],
    )
    assert after["rights"] == ["see", "control", "administer", "own"]
    assert await home.event_types() == ["person.added", "session.opened"]


async def test_the_code_works_once(owned: Hub) -> None:
    problem(await owned.first_run(sign_in="eve@example.org"), 409, "first_run_done")


async def test_a_wrong_code(home: Hub) -> None:
    for _ in range(5):
        problem(await home.first_run(code="0" * 20), 403, "first_run_code")
    body = problem(await home.first_run(), 429, "too_many_attempts")
    assert body["params"] == {"retry_after_s": 2}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"password": "short"}, "weak_password"),
        ({"password": OWNER["sign_in"]}, "weak_password"),
        ({"sign_in": "ada"}, "invalid_argument"),
    ],
)
async def test_what_is_not_good_enough(home: Hub, changes: dict[str, str], code: str) -> None:
    answer = await home.client.post("/api/v1/first-run", json={"code": home.code, **OWNER, **changes})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert (await home.client.get("/api/v1/session")).json()["first_run"] is True


async def test_only_the_hash_of_the_code_is_kept_and_each_start_makes_another(tmp_path: Path) -> None:
    codes = []
    async with Store(tmp_path / "hub.db", SystemClock()) as store:
        for _ in range(2):
            people = People(store, SystemClock())
            codes.append(await people.start() or "")
            people.close()
        kept = await store.read(lambda conn: meta.get(conn, "first_run"))
    assert codes[0] != codes[1]
    assert kept == repo.digest(codes[1])


async def test_two_at_once_make_one_owner(home: Hub) -> None:
    import asyncio

    body = {"code": home.code, **OWNER}
    async with home.page() as other:
        answers = await asyncio.gather(
            home.client.post("/api/v1/first-run", json=body),
            other.post("/api/v1/first-run", json={**body, "sign_in": "eve@example.org"}),
        )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_a_local_agent_is_taken_over_only_from_its_own_machine(tmp_path: Path) -> None:
    async with Store(tmp_path / "hub.db", SystemClock()) as store:
        people = People(store, SystemClock(), mail=False, own_machine_first=True)
        code = await people.start() or ""
        away = Client(address="192.0.2.7", own_machine=False)
        with pytest.raises(Forbidden) as caught:
            await people.first_run(code, "tech", "", "long enough, this", away)
        assert caught.value.code == "first_run_elsewhere"
        signed = await people.first_run(code, "Tech", "", "long enough, this", Client(address="127.0.0.1"))
        assert (signed.principal.sign_in, signed.principal.name) == ("tech", "tech")
        people.close()


async def test_ready_owner_once(tmp_path: Path) -> None:
    async with hub(tmp_path) as running:
        made = await running.people.ready_owner("owner@localhost.local")
        assert made is not None
        assert await running.people.ready_owner("owner@localhost.local") is None
        assert (await running.sign_in(sign_in=made.sign_in, password=made.password)).status_code == 200
        async with httpx.AsyncClient(base_url=running.url, headers={"X-Api-Key": made.api_key}) as program:
            session = (await program.get("/api/v1/session")).json()
        assert (session["person"], session["rights"]) == (None, ["see", "control"])
        with pytest.raises(Conflict):
            await running.people.first_run(running.code, "eve@example.org", "", "long enough, this", Client())
