import asyncio

import pytest

from soundpost.hub.audit import repo, service
from soundpost.hub.audit.service import SYSTEM, Who
from soundpost.hub.store import Store, Tx
from soundpost.kernel.errors import Conflict

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


async def rows(store: Store) -> list[tuple[str, str, object]]:
    found = await store.read(lambda conn: repo.page(conn, device=None, before=None, limit=10))
    return [(row.phase, row.result, repo.detail(row)) for row in reversed(found)]


async def test_an_act_carried_out_elsewhere_stands_there_before_it_is(store: Store) -> None:
    async with service.around(store, ADA, "ceiling.changed", detail={"after": "all"}):
        assert await rows(store) == [("opened", "", {"after": "all"})]
    assert await rows(store) == [("opened", "", {"after": "all"}), ("completed", "done", {})]


async def test_what_fails_elsewhere_is_told_with_its_code(store: Store) -> None:
    with pytest.raises(Conflict):
        async with service.around(store, ADA, "agent.scan"):
            raise Conflict("It is away.", code="agent_lost")
    async with service.around(store, ADA, "message.tested") as ended:
        ended.update(code="test_failed", text="550 no")
    with pytest.raises(asyncio.CancelledError):
        async with service.around(store, ADA, "hub.configured"):
            raise asyncio.CancelledError
    assert [(result, detail) for phase, result, detail in await rows(store) if phase == "completed"] == [
        ("failed", {"code": "agent_lost"}),
        ("failed", {"code": "test_failed", "text": "550 no"}),
        ("failed", {"code": "broken_off"}),
    ]
