from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.hub import Hub, hub, problem

from soundpost.hub.audit import repo, service
from soundpost.hub.audit.service import SYSTEM, Who
from soundpost.hub.store import Store, Tx

ADA = Who("person", "usr_1", "Ada", "192.0.2.1")


@pytest.fixture
async def owned(tmp_path: Path) -> AsyncIterator[Hub]:
    async with hub(tmp_path) as running:
        await running.first_run()
        yield running


async def test_opened_and_completed_are_two_rows(any_store: Store) -> None:
    id = await any_store.unit_of_work(
        lambda tx: service.opened(tx, ADA, "command.locate", device="dev_1", detail={"on": True})
    )
    await any_store.unit_of_work(lambda tx: service.completed(tx, id, "failed", {"code": "line_down"}))
    end, start = await any_store.read(lambda conn: repo.page(conn, device="dev_1", before=None, limit=10))
    assert (start.id, start.phase, start.who_name, repo.detail(start)) == (id, "opened", "Ada", {"on": True})
    assert (end.id, end.phase, end.who_name, end.act) == (id, "completed", "Ada", "command.locate")
    assert (end.result, repo.detail(end), end.device) == ("failed", {"code": "line_down"}, "dev_1")


async def test_an_end_without_a_beginning_is_kept(store: Store) -> None:
    await store.unit_of_work(lambda tx: service.completed(tx, "aud_gone", "done"))
    (row,) = await store.read(lambda conn: repo.page(conn, device=None, before=None, limit=10))
    assert (row.who_kind, row.result) == ("system", "done")


async def test_it_stands_or_falls_with_the_act(store: Store) -> None:
    def work(tx: Tx) -> None:
        service.recorded(tx, SYSTEM, "agent.added")
        raise RuntimeError("the act fails")

    with pytest.raises(RuntimeError):
        await store.unit_of_work(work)
    assert await store.read(lambda conn: repo.page(conn, device=None, before=None, limit=10)) == []


async def test_the_list_in_pages(owned: Hub) -> None:
    await owned.store.unit_of_work(
        lambda tx: [service.recorded(tx, ADA, f"act.{n}", device=f"dev_{n % 2}") for n in range(6)]
    )
    seen, cursor = [], None
    while True:
        query = {"limit": "5", **({"cursor": cursor} if cursor else {})}
        page = (await owned.client.get("/api/v1/audit", params=query)).json()
        seen += page["items"]
        if (cursor := page["next"]) is None:
            break
    acts = [(item["act"], item["phase"]) for item in seen]
    assert acts[:2] == [("act.5", "completed"), ("act.5", "opened")]
    assert len(acts) == len({(item["id"], item["phase"]) for item in seen}) == 16
    assert acts[-1] == ("person.added", "opened")


async def test_of_one_device(owned: Hub) -> None:
    await owned.store.unit_of_work(
        lambda tx: service.recorded(tx, ADA, "command.locate", device="dev_1", detail={"on": True}, result="expired")
    )
    items = (await owned.client.get("/api/v1/audit?device=dev_1")).json()["items"]
    assert [item["phase"] for item in items] == ["completed", "opened"]
    assert items[1]["who"] == {"kind": "person", "id": "usr_1", "name": "Ada"}
    assert (items[1]["from"], items[1]["arguments"], items[0]["result"]) == ("192.0.2.1", {"on": True}, "expired")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_argument"), ("limit=1001", "invalid_argument"), ("limit=ten", "invalid_argument"),
        ("cursor=x", "invalid_cursor"), ("cursor=", "invalid_cursor"), ("cursor=kYFh", "invalid_cursor"),
    ],
)  # fmt: skip
async def test_bad_questions(owned: Hub, query: str, code: str) -> None:
    problem(await owned.client.get(f"/api/v1/audit?{query}"), 400, code)
