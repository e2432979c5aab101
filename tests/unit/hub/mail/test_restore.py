"""After the hub was put back to an older state nothing old is sent before an owner says so (T36)."""

import shutil
from pathlib import Path

import pytest
from tests.support.clock import ManualClock
from tests.support.post import mail_server
from tests.unit.hub.mail.conftest import Office

from soundpost.hub.audit import repo as audit
from soundpost.hub.audit.service import SYSTEM, Who
from soundpost.hub.store import Store, Tx, outbox

ANA = Who("person", "usr_ana", "Ana", "192.0.2.1")


async def acts(store: Store) -> list[tuple[str, str]]:
    rows = await store.read(lambda conn: audit.page(conn, device=None, before=None, limit=1_000))
    return [(row.act, row.who_name) for row in rows if row.phase == "completed" and row.act.startswith("message.")]


async def facts(store: Store) -> list[str]:
    return [event.type for event in await store.read(lambda conn: outbox.read(conn, limit=1_000))]


async def test_a_copy_put_back_is_noticed_and_what_waits_is_held(tmp_path: Path, clock: ManualClock) -> None:
    path, copy, keys = tmp_path / "soundpost.db", tmp_path / "copy.db", tmp_path / "keys"
    async with mail_server() as sink:
        async with Store(path, clock, keys=keys) as store:
            office = Office(store, clock)
            await office.start()
            await office.set_up(sink.port)
            await office.mail.round()
            await office.queue("old@example.org")
        shutil.copy(path, copy)  # the backup: one message waits
        async with Store(path, clock, keys=keys) as store:
            office, log = Office(store, clock), store.log_id
            await office.start()
            await office.mail.round()
            assert (sink.recipients, store.renewed) == (["old@example.org"], False)
            await store.unit_of_work(lambda tx: tx.log("agent.lost", {}))
        shutil.copy(copy, path)

        await clock.advance(60)
        async with Store(path, clock, keys=keys) as store:
            assert store.renewed
            assert store.log_id != log
            assert (await facts(store))[-1] == "hub.restored"
            office = Office(store, clock)
            await office.start()
            await clock.advance(1)
            await office.queue("new@example.org")
            await office.mail.round()
            assert sink.recipients == ["old@example.org", "new@example.org"]  # what is new goes out
            await office.post.count()
            assert office.post.standing("mail").held == 1
            assert await office.post.retry(ANA) == 0, "trying all again does not let go what is held"
            await office.mail.round()
            assert len(sink.recipients) == 2

            assert await office.post.release(ANA) == 1
            await office.mail.round()
            assert sink.recipients[2:] == ["old@example.org"]
            assert "may reach you twice" in sink.mails[2].get_body(("plain",)).get_content()  # type: ignore[union-attr]
            assert await office.post.release(ANA) == 0
            assert set(await acts(store)) == {("message.held", "Soundpost"), ("message.released", "Ana")}
        async with Store(path, clock, keys=keys) as store:
            assert not store.renewed, "the next start is an ordinary one"


async def test_found_by_an_agent_in_the_middle_of_sending(office: Office) -> None:
    """Between two messages of one round the log gets another id: the second is not sent."""
    async with mail_server() as sink:
        await office.set_up(sink.port)
        await office.mail.round()
        for name in ("one", "two"):
            await office.queue(f"{name}@example.org")

        began = office.mail._begin
        tries: list[str] = []

        def begin(tx: Tx, row: object, message_id: str) -> object:
            if tries:
                office.store.new_log(tx)
            tries.append("")
            return began(tx, row, message_id)  # type: ignore[arg-type]

        office.mail._begin = begin  # type: ignore[method-assign, assignment]
        await office.clock.advance(1)
        await office.mail.round()
        assert len(sink.recipients) == 1
        await office.post.count()
        assert office.post.standing("mail").held == 1


async def test_held_messages_are_dropped_expired_and_taken_back(office: Office) -> None:
    async with mail_server() as sink:
        await office.set_up(sink.port)
        await office.mail.round()
        await office.queue("drop@example.org")
        await office.queue("late@example.org", expires_ms=office.clock.now_ms() + 60_000)
        named = await office.queue("named@example.org")
        await office.clock.advance(1)
        await office.store.unit_of_work(office.store.new_log)
        await office.mail.round()
        found = await office.post.page(("held",), None, 10)
        assert {row.recipient for row in found} == {"drop@example.org", "late@example.org", "named@example.org"}
        assert await office.post.retry(SYSTEM, named) == 1, "one that is named goes"
        await office.clock.advance(61)
        await office.mail.round()
        assert sink.recipients == ["named@example.org"]
        assert (await office.rows())["late@example.org"] == "failed"
        assert await office.post.drop_held(ANA) == 1
        assert "drop@example.org" not in await office.rows()
        assert ("message.held_dropped", "Ana") in await acts(office.store)


@pytest.mark.parametrize("written", ["", "x", "-5", "9" * 30, "999"])
async def test_a_mark_that_can_not_be_read_holds_nothing_up(tmp_path: Path, clock: ManualClock, written: str) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    async with Store(tmp_path / "soundpost.db", clock, keys=keys) as store:
        await store.unit_of_work(lambda tx: tx.log("agent.lost", {}))
    (keys / "log.mark").write_text(written)
    async with Store(tmp_path / "soundpost.db", clock, keys=keys) as store:
        assert store.renewed == (written == "999")
    async with Store(tmp_path / "soundpost.db", clock, keys=keys) as store:
        assert not store.renewed


async def test_an_empty_database_beside_old_keys_is_new_and_a_kill_is_no_restore(
    tmp_path: Path, clock: ManualClock
) -> None:
    keys = tmp_path / "keys"
    async with Store(tmp_path / "a.db", clock, keys=keys) as store:
        for _ in range(3):
            await store.unit_of_work(lambda tx: tx.log("agent.lost", {}))
    async with Store(tmp_path / "b.db", clock, keys=keys) as store:
        assert not store.renewed
