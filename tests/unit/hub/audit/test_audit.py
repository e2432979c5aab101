import pytest

from soundpost.hub.audit import repo, service
from soundpost.hub.audit.service import SYSTEM, Who
from soundpost.hub.store import Store, Tx

ADA = Who("person", "usr_1", "Ada", "192.0.2.1")


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
