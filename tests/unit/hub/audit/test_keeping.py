"""Retention with its anchors, the head that leaves, a hub that was put back, and `soundpost audit verify` beside it."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from tests.support.clock import ManualClock, settle
from tests.unit.hub.audit.test_proving import ADA, acts, by_hand, numbers, told

from soundpost.editions import audit as command
from soundpost.hub.audit import chain, cutting, proving, repo, service, writing
from soundpost.hub.audit.jobs import Keeper
from soundpost.hub.audit.noted import NOTE, lost, note
from soundpost.hub.audit.proving import Prover
from soundpost.hub.store import Beside, Store, Tx, outbox
from soundpost.hub.store.tables import audit, audit_anchors, log_head
from soundpost.kernel.clock import SystemClock
from soundpost.kernel.errors import Conflict, Invalid

pytestmark = pytest.mark.slow

DAY = 86_400


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
async def days(target: Path | str, keys: Path) -> AsyncIterator[tuple[Store, ManualClock]]:
    """Six acts, one a day; rows 1 and 2 are the oldest."""
    clock = ManualClock()
    async with Store(target, clock, keys=keys) as store:
        for _ in range(6):
            await acts(store, 1)
            clock.jump(DAY)
        yield store, clock


async def cut(store: Store, older_than_days: float) -> cutting.Run:
    return await cutting.cut(store, store.clock.now_ms() - round(older_than_days * DAY * 1_000))


async def last(store: Store) -> Any:
    return (await store.read(lambda conn: repo.page(conn, device=None, before=None, limit=1)))[0]


async def test_what_is_past_its_time_goes_and_the_rest_proves_itself(days: tuple[Store, ManualClock]) -> None:
    store, clock = days
    before = await service.head(store)
    run = await cut(store, 4.5)
    assert (run.count, run.upto) == (4, 4)
    assert await numbers(store) == [*range(5, 13), 13, 14]
    assert await told(store, before) == []
    end = await last(store)
    assert (end.act, end.phase, end.result, repo.detail(end)) == (
        "audit.cut",
        "completed",
        "done",
        {"count": 4, "upto": 4},
    )
    report = await proving.prove(store, store.secrets.audit_key, clock.now_ms())
    assert report.cut == proving.Cut(4, 4, clock.now_ms())
    assert (report.first, report.checked) == (5, 10)


async def test_nothing_due_writes_nothing(days: tuple[Store, ManualClock]) -> None:
    store, _ = days
    assert (await cut(store, 30)).count == 0
    assert len(await numbers(store)) == 12


async def test_cut_again_and_again(days: tuple[Store, ManualClock]) -> None:
    store, clock = days
    for left in (4.5, 3.5, 1.5):
        await cut(store, left)
        assert await told(store) == []
    clock.jump(30 * DAY)
    await cut(store, 1)
    assert await told(store) == []
    assert [row.act for row in await store.read(lambda conn: repo.page(conn, device=None, before=None, limit=9))] == [
        "audit.cut", "audit.cut",
    ]  # fmt: skip
    kinds = [anchor.kind for anchor in await store.read(repo.anchors)]
    assert kinds == ["begin", "cut", "cut", "cut", "cut"]


async def test_a_long_cut_is_many_commits_and_one_anchor(days: tuple[Store, ManualClock]) -> None:
    store, clock = days
    await store.unit_of_work(lambda tx: [service.recorded(tx, ADA, "bulk") for _ in range(500)])
    clock.jump(30 * DAY)
    run = await cut(store, 10)
    assert run.count == 1_012
    assert [anchor.kind for anchor in await store.read(repo.anchors)] == ["begin", "cut"]
    assert await told(store) == []


async def test_a_cut_that_was_broken_off_is_gone_on_with(days: tuple[Store, ManualClock]) -> None:
    store, clock = days
    await store.unit_of_work(lambda tx: [service.recorded(tx, ADA, "bulk") for _ in range(300)])
    clock.jump(30 * DAY)
    run = cutting.Run(clock.now_ms() - DAY * 1_000)
    await store.unit_of_work(lambda tx: cutting._open(tx, run))
    await store.unit_of_work(lambda tx: cutting._some(tx, run))
    assert await told(store) == []
    assert (await cut(store, 10)).count == 612 - 200
    assert await told(store) == []


async def test_what_does_not_prove_itself_is_not_cut(days: tuple[Store, ManualClock]) -> None:
    store, _ = days
    await by_hand(store, update(audit).where(audit.c.n == 2).values(who_name="nobody"))
    run = await cut(store, 3.5)
    assert (run.broken, run.count) == (True, 0)
    end = await last(store)
    assert (end.result, repo.detail(end)["code"]) == ("failed", "audit_broken")
    assert await told(store) == [("edited", 2, 2)]


async def test_a_clock_that_was_ahead_for_a_while_cuts_nothing_out_of_order(days: tuple[Store, ManualClock]) -> None:
    store, _ = days
    await by_hand(store)
    rows = await store.read(lambda conn: repo.oldest(conn, 12))
    run = cutting.Run(rows[4].time_ms)
    late = [chain.Row((*row.values[:3], 10**15, *row.values[4:]), row.mac) if row.n == 2 else row for row in rows]
    assert [row.n for row in cutting.due(run, late, [])] == [1]


async def test_the_head_leaves_each_hour_and_is_noted_beside_the_key(keys: Path, tmp_path: Path) -> None:
    clock = ManualClock()
    async with Store(tmp_path / "soundpost.db", clock, keys=keys) as store:
        await acts(store, 2)
        keeper = Keeper(store, Prover(store))
        heads: list[chain.Head] = []
        keeper.left.subscribe(heads.append)
        running = asyncio.create_task(keeper.run())
        await until(lambda: len(heads) == 1)
        assert note(keys) == chain.Head(4, heads[0].mac)
        await acts(store, 1)
        await until(lambda: keeper._prover.last is not None)
        await clock.advance(3_600)
        await until(lambda: len(heads) == 2)
        assert (heads[1].n, heads[1].text.split(":")[0]) == (6, "6")
        await acts(store, 1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert note(keys) == chain.Head(8, (await service.head(store)).mac)
        assert oct((keys / NOTE).stat().st_mode)[-3:] == "600"


async def until(true: Any) -> None:
    for _ in range(200_000):
        if true():
            return
        await asyncio.to_thread(lambda: None)
        await settle(2)
    raise AssertionError("it never came")


async def test_a_hub_that_was_put_back_says_so(keys: Path, tmp_path: Path) -> None:
    path, clock = tmp_path / "soundpost.db", ManualClock()
    async with Store(path, clock, keys=keys) as store:
        await acts(store, 2)
    shutil.copy(path, tmp_path / "older")
    async with Store(path, clock, keys=keys) as store:
        await acts(store, 2)
        keeper = Keeper(store, Prover(store))
        assert await keeper.compare()
        await keeper.round()
        outside, log = await service.head(store), store.log_id
    for leftover in tmp_path.glob("soundpost.db*"):
        leftover.unlink()
    shutil.copy(tmp_path / "older", path)
    async with Store(path, clock, keys=keys) as store:
        assert await told(store, outside) == [("head_beyond", 5, 8)]
        keeper = Keeper(store, Prover(store))
        assert not await keeper.compare()
        assert store.log_id != log
        await keeper.round()
        assert await keeper.compare()
        report = await Prover(store).now()
        assert (report.state, report.restored) == ("whole", [proving.Restored(5, clock.now_ms())])
        await acts(store, 1)
        assert await told(store, outside) == [("head_differs", 8, 8)]
        opened = await store.read(lambda conn: repo.page(conn, device=None, before=6, limit=1))
        assert repo.detail(opened[0]) == {"noted": 8, "found": 4}


@pytest.mark.parametrize("noted", [True, False])
async def test_log_and_audit_that_went_back_are_told_once(keys: Path, tmp_path: Path, noted: bool) -> None:
    """A hub that stopped in order left both notes; one that was killed may have left the log's alone."""
    path, clock = tmp_path / "soundpost.db", ManualClock()

    async def opened(store: Store) -> None:
        await acts(store, 2)
        await store.unit_of_work(lambda tx: tx.log("agent.lost", {}))

    async with Store(path, clock, keys=keys) as store:
        await opened(store)
    shutil.copy(path, tmp_path / "older")
    async with Store(path, clock, keys=keys) as store:
        await opened(store)
        if noted:
            await Keeper(store, Prover(store)).round()
    for leftover in tmp_path.glob("soundpost.db*"):
        leftover.unlink()
    shutil.copy(tmp_path / "older", path)
    async with Store(path, clock, keys=keys) as store:
        log = store.log_id
        assert store.put_back
        assert not await Keeper(store, Prover(store)).compare()
        assert store.log_id == log
        facts = await store.read(lambda conn: outbox.read(conn, limit=100))
        assert [fact.type for fact in facts] == ["agent.lost", "hub.restored"]
        report = await Prover(store).now()
        assert (report.state, len(report.restored)) == ("whole", 1)
    async with Store(path, clock, keys=keys) as store:
        assert not store.put_back


async def test_a_damaged_note_is_no_note(keys: Path, tmp_path: Path) -> None:
    keys.mkdir()
    (keys / NOTE).write_text("nonsense")
    async with Store(tmp_path / "soundpost.db", SystemClock(), keys=keys) as store:
        assert await Keeper(store, Prover(store)).compare()


@given(st.text(max_size=80))
def test_a_head_is_read_or_refused(text: str) -> None:
    try:
        read = chain.head_of(text)
    except ValueError:
        return
    assert chain.head_of(read.text) == read


def test_a_head_as_it_is_written() -> None:
    head = chain.Head(7, bytes(range(32)))
    assert chain.head_of(f" {head.text}\n") == head
    for wrong in ("", "7", "7:", ":00", "-7:" + "00" * 32, "7:" + "00" * 31, "7:zz", "٧:" + "00" * 32):
        with pytest.raises(ValueError, match=r"no head|non-hexadecimal"):
            chain.head_of(wrong)


async def test_a_hub_put_back_while_it_runs_keeps_the_note_that_shows_it(target: Path | str, keys: Path) -> None:
    """The head is saved, put back an hour later with its tail cut off: nothing in the database tells, and the next hours don't help."""
    clock = ManualClock()
    async with Store(target, clock, keys=keys) as store:
        keeper = Keeper(store, Prover(store))
        assert await keeper.compare()
        await acts(store, 2)
        await keeper.round()
        saved = await store.read(lambda conn: dict(conn.execute(select(log_head)).one()._mapping))
        await acts(store, 2)
        await keeper.round()
        outside, log = note(keys), store.log_id
        back = {name: saved[name] for name in ("audit_n", "audit_mac", "audit_seal", "audit_key")}
        await by_hand(store, update(log_head).values(back), delete(audit).where(audit.c.n > 4))
        assert await told(store) == []
        assert (await Prover(store).now()).state == "broken"
        for _ in range(2):
            await keeper.round()
            report = await Prover(store).now()
            assert [(one.code, one.n, one.upto) for one in report.findings] == [("head_beyond", 7, 8)]
            assert report.restored == [proving.Restored(5, clock.now_ms())]
        assert store.log_id != log
        assert lost(keys) == [outside]
        assert note(keys) == chain.head_of((await service.head(store)).text)
        await acts(store, 2)
        assert [one.code for one in (await Prover(store).now()).findings] == ["head_differs"]


async def test_a_hub_put_back_before_it_stops_is_told_by_the_next_start(target: Path | str, keys: Path) -> None:
    async with Store(target, ManualClock(), keys=keys) as store:
        await acts(store, 2)
        keeper = Keeper(store, Prover(store))
        heads: list[chain.Head] = []
        keeper.left.subscribe(heads.append)
        running = asyncio.create_task(keeper.run())
        await until(lambda: keeper._prover.last is not None)
        outside = note(keys)
        await by_hand(store, delete(audit).where(audit.c.n > 2))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert lost(keys) == [outside]
        assert ("missing", 3, 4) in await told(store)


# -- the chain begun anew


FORGET = (update(log_head).values(audit_key=""), delete(audit_anchors))


@pytest.mark.parametrize("emptied", [False, True])
async def test_a_chain_that_was_taken_away_is_not_begun_as_if_it_never_was(
    left: tuple[Path, str | None], capsys: pytest.CaptureFixture[str], emptied: bool
) -> None:
    """The way of somebody who can write the database alone: no key is named any more, rows are edited or gone, and the hub is let to
    sign a beginning behind them."""
    folder, database = left
    keys = folder.with_name("data.keys")
    outside = note(keys)
    assert outside is not None
    more = (delete(audit), update(log_head).values(audit_n=0, audit_mac=None, audit_seal=None)) if emptied else (
        update(audit).where(audit.c.n == 3).values(who_name="nobody"), delete(audit).where(audit.c.n == 2),
    )  # fmt: skip
    async with Store(database or folder / "soundpost.db", SystemClock(), keys=keys) as store:
        assert await told(store) == []
        await by_hand(store, *FORGET, *more)
        await acts(store, 1)
        codes = [code for code, *_ in await told(store)]
        assert codes == ["begun_again"]
        assert not await Keeper(store, Prover(store)).compare()
    capsys.readouterr()
    assert await asked(left, outside.text) == 1
    body = said(capsys)
    assert {one["code"] for one in body["findings"]} >= {"begun_again", "head_differs" if emptied else "begun_behind"}
    async with Store(database or folder / "soundpost.db", SystemClock(), keys=keys) as store:
        await by_hand(store, *FORGET)  # and once more
        await acts(store, 1)
        assert (await Prover(store).now()).state == "broken"


async def test_a_beginning_signed_in_the_past_shows_too(target: Path | str, keys: Path) -> None:
    """As a hub without these checks signed it."""
    async with Store(target, ManualClock(), keys=keys) as store:
        await acts(store, 2)
        outside = await service.head(store)

        def anew(tx: Tx) -> None:
            for statement in FORGET:
                tx.conn.execute(statement)
            key = tx.secrets.audit_key
            made = writing.anchored(tx, key, "begin", 4, 4, b"")
            head = chain.Head(4, made.seal, chain.head_seal(key, 4, made.seal), made.key)
            repo.move_head(tx.conn, head)

        await store.unit_of_work(anew)
        assert [code for code, *_ in await told(store)] == ["begun_again"]
        await by_hand(store, update(audit).values(mac=None))
        assert await told(store) == []  # as if it had stood before the chain
        assert {code for code, *_ in await told(store, outside)} == {"begun_behind", "head_differs"}


async def test_without_any_beginning_the_note_tells(target: Path | str, keys: Path) -> None:
    async with Store(target, ManualClock(), keys=keys) as store:
        await acts(store, 2)
        gone = update(log_head).values(audit_mac=None, audit_seal=None)
        await by_hand(store, *FORGET, gone)
        assert [code for code, *_ in await told(store)] == ["beginning_missing"]
        await by_hand(store, update(audit).values(mac=None))
        assert {one.code for one in (await Prover(store).now()).findings} == {"beginning_missing", "head_differs"}


async def test_rows_of_another_key_are_not_cut_for_the_time_they_tell(target: Path | str, keys: Path) -> None:
    clock = ManualClock()
    async with Store(target, clock, keys=keys) as store:
        await acts(store, 2)
        await by_hand(store, update(log_head).values(audit_key="other"), update(audit).values(time_ms=1))
        await acts(store, 1)
        assert (await cut(store, 30)).count == 0
        assert [code for code, *_ in await told(store)] == ["key_replaced"]
        clock.jump(40 * DAY)
        assert (await cut(store, 30)).count == 6


# -- soundpost audit verify


@pytest.fixture
async def left(target: Path | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str | None]:
    """A data folder with three acts; and where its database is, if elsewhere."""
    monkeypatch.delenv("SOUNDPOST_KEYS", raising=False)
    folder = tmp_path / "data"
    folder.mkdir()
    place = target if isinstance(target, str) else folder / "soundpost.db"
    async with Store(place, SystemClock(), keys=tmp_path / "data.keys") as store:
        await acts(store, 3)
    return folder, target if isinstance(target, str) else None


async def asked(place: tuple[Path, str | None], *heads: str) -> int:
    return await command.verify(place[0], place[1], heads, as_json=True)


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


async def test_verify_a_stopped_hub(left: tuple[Path, str | None], capsys: pytest.CaptureFixture[str]) -> None:
    assert await asked(left) == 0
    body = said(capsys)
    assert (body["state"], body["checked"], body["upto"]) == ("whole", 6, 6)
    head: str = body["head"]
    assert await asked(left, head) == 0
    assert await asked(left, "9:" + "00" * 32) == 1
    assert await command.verify(*left, [], as_json=False) == 0
    assert f"up to row 6.\nHead to keep elsewhere: {head}\n" in capsys.readouterr().out


async def test_verify_beside_a_running_hub(left: tuple[Path, str | None], capsys: pytest.CaptureFixture[str]) -> None:
    folder, database = left
    async with Store(database or folder / "soundpost.db", SystemClock(), keys=folder.with_name("data.keys")) as store:
        await acts(store, 400)
        asking = asyncio.create_task(asked(left))
        await acts(store, 30)
        assert await asking == 0
        await by_hand(store, update(audit).where(audit.c.n == 5).values(result="failed"))
        assert await asked(left) == 1
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert 806 <= first["upto"] <= 866
    assert second["findings"] == [
        {"code": "edited", "n": 5, "upto": 5, "text": "Row 5 was changed after it was written."}
    ]
    assert await command.verify(folder, database, [], as_json=False) == 1
    assert "  Row 5 was changed after it was written.\n" in capsys.readouterr().out


async def test_verify_changes_nothing(left: tuple[Path, str | None]) -> None:
    async with Beside(left[1] or left[0] / "soundpost.db") as reading:
        with pytest.raises(Exception, match=r"read-only|for writing"):
            await reading.read(lambda conn: conn.execute(update(audit).values(act="x")))


@pytest.mark.parametrize("named", ["", "hub"])
def test_the_key_of_up_is_found_from_either_folder(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOUNDPOST_KEYS", raising=False)
    for path in ("data/hub/soundpost.db", "data.keys/hub/audit.key"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    place = command.find(tmp_path / "data" / named, None)
    assert (place.target, place.keys) == (tmp_path / "data/hub/soundpost.db", tmp_path / "data.keys/hub")


async def test_verify_needs_the_key_and_makes_none(left: tuple[Path, str | None]) -> None:
    key = left[0].with_name("data.keys") / "audit.key"
    key.unlink()
    with pytest.raises(Invalid, match="no key file"):
        await asked(left)
    assert not key.exists()


async def test_verify_finds_the_hub_of_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOUNDPOST_KEYS", raising=False)
    (tmp_path / "up" / "hub").mkdir(parents=True)
    async with Store(
        tmp_path / "up" / "hub" / "soundpost.db", SystemClock(), keys=tmp_path / "up.keys" / "hub"
    ) as store:
        await acts(store, 1)
    assert await command.verify(tmp_path / "up", None, [], as_json=True) == 0


async def test_verify_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="No hub has run"):
        await command.verify(tmp_path, None, [], as_json=True)
    async with Store(tmp_path / "soundpost.db", SystemClock(), keys=tmp_path / "k"):
        pass
    assert await command.verify(tmp_path, None, [], as_json=True) == 0


async def test_verify_an_older_database(tmp_path: Path) -> None:
    async with Store(tmp_path / "soundpost.db", SystemClock()) as store:
        await store.unit_of_work(
            lambda tx: tx.conn.exec_driver_sql("update alembic_version set version_num = '0002'") and None
        )
    with pytest.raises(Conflict) as refused:
        await command.verify(tmp_path, None, [], as_json=True)
    assert refused.value.code == "database_older"


@pytest.mark.slow
async def test_the_command_says_how_it_ended(left: tuple[Path, str | None]) -> None:
    def run(*more: str) -> tuple[int, str]:
        words = [sys.executable, "-m", "soundpost.cli.main", "audit", "verify", "--data", str(left[0])]
        words += ["--database", left[1]] if left[1] else []
        done = subprocess.run([*words, *more], check=False, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    assert (await asyncio.to_thread(run))[0] == 0
    code, text = await asyncio.to_thread(run, "--head", "9:" + "00" * 32)
    assert (code, "kept elsewhere is of row 9" in text) == (1, True)
    code, text = await asyncio.to_thread(run, "--head", "9")
    assert (code, "(audit_head)" in text) == (2, True)


WRITER = Path(__file__).with_name("writer.py")


@pytest.mark.parametrize("commits", [1, 40])
async def test_a_kill_between_rows_leaves_a_whole_chain(tmp_path: Path, commits: int) -> None:
    """Killed again and again in mid-load: what was acknowledged is there, and all that is there proves itself."""
    path, keys = tmp_path / "soundpost.db", tmp_path / "keys"
    told_last = 0
    for _ in range(2):
        writer = subprocess.Popen(
            [sys.executable, str(WRITER), str(path), str(keys)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout
        for _ in range(commits):
            writer.stdout.readline()
        writer.kill()
        lines = [line for line in writer.stdout.read().split("\n")[:-1] if line]
        told_last = int(lines[-1]) if lines else told_last
        writer.wait()
        writer.stdout.close()
    async with Store(path, SystemClock(), keys=keys) as store:
        assert await told(store) == []
        found = list(await store.read(lambda conn: conn.execute(select(audit.c.n).order_by(audit.c.n)).scalars()))
        assert found == list(range(1, len(found) + 1))
        assert len(found) >= told_last
        assert len(found) % 2 == 0  # both rows of an act, or neither
