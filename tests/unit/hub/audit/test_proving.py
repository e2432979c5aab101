"""What somebody does to the table by hand shows, on SQLite and on PostgreSQL; what the hub does itself does not."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update
from tests.support.clock import ManualClock

from soundpost.hub.audit import chain, proving, repo, service
from soundpost.hub.audit.chain import Head
from soundpost.hub.audit.service import SYSTEM, Who
from soundpost.hub.store import Store, Tx
from soundpost.hub.store.tables import audit, audit_anchors, log_head

pytestmark = pytest.mark.slow

ADA = Who("person", "usr_1", "Ada", "192.0.2.1")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
async def kept(target: Path | str, keys: Path) -> AsyncIterator[Store]:
    """A store with six acts, twelve rows."""
    async with Store(target, ManualClock(), keys=keys) as store:
        await acts(store, 6)
        yield store


async def acts(store: Store, count: int) -> None:
    for n in range(count):
        await store.unit_of_work(
            lambda tx, n=n: service.recorded(tx, ADA, f"act.{n}", device=f"dev_{n}", detail={"n": n})  # type: ignore[misc]
        )


async def told(store: Store, *kept: Head) -> list[tuple[str, int, int]]:
    report = await proving.prove(store, store.secrets.audit_key, store.clock.now_ms(), kept)
    assert report.state == ("broken" if report.findings else "whole")
    return [(finding.code, finding.n, finding.upto) for finding in report.findings]


async def by_hand(store: Store, *statements: Any) -> None:
    def work(tx: Tx) -> None:
        for statement in statements:
            tx.conn.execute(statement)

    await store.unit_of_work(work)


async def numbers(store: Store) -> list[int]:
    return list(await store.read(lambda conn: conn.execute(select(audit.c.n).order_by(audit.c.n)).scalars().all()))


async def test_acts_are_numbered_without_holes_and_prove_themselves(kept: Store) -> None:
    def fails(tx: Tx) -> None:
        service.recorded(tx, ADA, "act.failed")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await kept.unit_of_work(fails)
    await acts(kept, 1)
    assert await numbers(kept) == list(range(1, 15))
    report = await proving.prove(kept, kept.secrets.audit_key, 5)
    assert (report.state, report.checked, report.first, report.upto) == ("whole", 14, 1, 14)
    assert report.head == (await kept.read(repo.head)).text


async def test_each_column_of_each_row(kept: Store) -> None:
    others: dict[str, Any] = {"time_ms": 1, "detail": b"\x01\x81", "mac": bytes(32)}
    for column in (*chain.COLUMNS[1:], "mac"):
        for n in (1, 6, 12):
            here = update(audit).where(audit.c.n == n)
            before = await kept.read(lambda conn, n=n: conn.execute(select(audit).where(audit.c.n == n)).one())  # type: ignore[misc]
            await by_hand(kept, here.values({column: others.get(column, "other")}))
            code = "proof_edited" if column == "mac" and n < 12 else "edited"
            assert await told(kept) == [(code, n, n)], column
            await by_hand(kept, here.values({column: getattr(before, column)}))
    assert await told(kept) == []


@pytest.mark.parametrize(("first", "upto", "code"), [(1, 1, "missing"), (6, 7, "missing"), (11, 12, "tail_missing")])
async def test_removed_rows(kept: Store, first: int, upto: int, code: str) -> None:
    await by_hand(kept, delete(audit).where(audit.c.n.between(first, upto)))
    assert await told(kept) == [(code, first, upto)]


async def test_all_rows_removed(kept: Store) -> None:
    await by_hand(kept, delete(audit))
    assert await told(kept) == [("tail_missing", 1, 12)]
    await by_hand(kept, delete(audit_anchors))
    assert {code for code, _, _ in await told(kept)} == {"beginning_missing", "tail_missing"}


async def test_exchanged_rows(kept: Store) -> None:
    steps = [(3, 100), (8, 3), (100, 8)]
    await by_hand(kept, *(update(audit).where(audit.c.n == old).values(n=new) for old, new in steps))
    assert await told(kept) == [("moved", 3, 8)]


async def test_a_row_added_behind_the_end_does_not_stop_the_hub(kept: Store) -> None:
    forged = {
        "n": 13,
        "id": "aud_x",
        "phase": "opened",
        "time_ms": 1,
        "act": "x",
        "who_kind": "person",
        "detail": b"\x01\x80",
    }
    await by_hand(kept, insert(audit).values(forged))
    assert await told(kept) == [("added", 13, 13)]
    await acts(kept, 2)
    assert await told(kept) == [("added", 13, 13)]
    assert await numbers(kept) == list(range(1, 18))


async def test_the_head_put_back(kept: Store) -> None:
    mac = select(audit.c.mac).where(audit.c.n == 10).scalar_subquery()
    back = update(log_head).values(audit_n=10, audit_mac=mac)
    await by_hand(kept, back, delete(audit).where(audit.c.n > 10))
    assert await told(kept) == [("head_edited", 10, 10)]


async def test_all_taken_back_to_an_older_state_shows_by_a_head_kept_elsewhere(kept: Store) -> None:
    before = await kept.read(repo.head)
    await acts(kept, 2)
    outside = await kept.read(repo.head)
    older = {"audit_n": before.n, "audit_mac": before.mac, "audit_seal": before.seal}
    await by_hand(kept, update(log_head).values(older), delete(audit).where(audit.c.n > before.n))
    assert await told(kept) == []  # nothing in the database tells
    assert await told(kept, outside) == [("head_beyond", 13, 16)]
    await acts(kept, 3)
    assert await told(kept, outside, before) == [("head_differs", 16, 16)]


async def test_another_key_file(target: Path | str, keys: Path) -> None:
    async with Store(target, ManualClock(), keys=keys) as store:
        await acts(store, 2)
    (keys / "audit.key").write_bytes(b"n" * 32)
    async with Store(target, ManualClock(), keys=keys) as store:
        assert await told(store) == [("key_other", 1, 4)]
        await acts(store, 1)
        assert await told(store) == [("key_replaced", 4, 4)]
        await by_hand(store, update(audit).where(audit.c.n == 6).values(result="other"))
        assert await told(store) == [("key_replaced", 4, 4), ("edited", 6, 6)]


async def test_rows_from_before_the_chain_are_counted_apart(target: Path | str, keys: Path) -> None:
    old = {"phase": "opened", "time_ms": 1, "act": "x", "who_kind": "person", "detail": b"\x01\x80"}
    async with Store(target, ManualClock(), keys=keys) as store:
        await by_hand(
            store,
            *(insert(audit).values(n=n, id=f"aud_{n}", **old) for n in (1, 2, 5)),  # a sequence left holes
            update(log_head).values(audit_n=5),
        )
        assert await told(store) == []
        await acts(store, 2)
        report = await proving.prove(store, store.secrets.audit_key, 5)
        assert (report.state, report.older, report.checked, report.first, report.upto) == ("whole", 3, 4, 1, 9)
        await by_hand(store, update(audit).where(audit.c.n == 7).values(mac=None))
        assert await told(store) == [("proof_edited", 7, 7)]


async def test_opened_and_completed_in_one_unit_of_work(any_store: Store) -> None:
    def both(tx: Tx) -> None:
        id = service.opened(tx, ADA, "command.locate", device="dev_1", subject="cmd_1")
        service.recorded(tx, SYSTEM, "other")
        service.completed(tx, id, "done", {"code": "x"})

    await any_store.unit_of_work(both)
    rows = await any_store.read(lambda conn: repo.page(conn, device="dev_1", before=None, limit=10))
    assert [(row.n, row.phase, row.who_name, row.subject) for row in rows] == [
        (4, "completed", "Ada", "cmd_1"), (1, "opened", "Ada", "cmd_1"),
    ]  # fmt: skip


async def test_a_long_chain_in_stretches(kept: Store) -> None:
    await kept.unit_of_work(lambda tx: [service.recorded(tx, ADA, "bulk", subject=str(n)) for n in range(700)])
    assert await told(kept) == []
    await by_hand(kept, update(audit).where(audit.c.n == 1_000).values(subject="x"))
    assert await told(kept) == [("edited", 1_000, 1_000)]
    count = await kept.read(lambda conn: conn.execute(select(func.count()).select_from(audit)).scalar())
    assert count == 1_412
