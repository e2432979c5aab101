"""A database that can't be used is refused by name, and never re-created or changed."""

import sqlite3
from pathlib import Path

import pytest

from soundpost.hub.store import Store, Tx, meta
from soundpost.kernel.clock import SystemClock
from soundpost.kernel.errors import Corrupt, SoundpostError, Unavailable


async def code_of(path: Path | str) -> str:
    with pytest.raises(SoundpostError) as caught:
        async with Store(path, SystemClock()):
            pass
    return caught.value.code


async def filled(path: Path) -> None:
    async with Store(path, SystemClock()) as store:
        await store.unit_of_work(lambda tx: [meta.put(tx, f"key{n}", b"v" * 500) for n in range(200)])


def sql(path: Path, words: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(words)
    connection.commit()
    connection.close()


async def test_no_database_at_all(tmp_path: Path) -> None:
    path = tmp_path / "soundpost.db"
    path.write_bytes(b"these are a person's notes\n" * 100)
    before = path.read_bytes()
    assert await code_of(path) == "database_damaged"
    assert path.read_bytes() == before


async def test_damaged_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "soundpost.db"
    await filled(path)
    body = bytearray(path.read_bytes())
    body[4096 : len(body) - 4096] = b"\xa5" * (len(body) - 8192)
    path.write_bytes(body)
    assert await code_of(path) == "database_damaged"
    assert path.read_bytes() == bytes(body)


async def test_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "soundpost.db"
    await filled(path)
    body = path.read_bytes()[:10_000]
    path.write_bytes(body)
    assert await code_of(path) == "database_damaged"
    assert path.read_bytes() == body


async def test_two_processes(tmp_path: Path) -> None:
    path = tmp_path / "soundpost.db"
    async with Store(path, SystemClock()):
        assert await code_of(path) == "data_folder_in_use"


async def test_locked_by_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundpost.hub.store.dialect.BUSY_MS", 50)
    path = tmp_path / "soundpost.db"
    await filled(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode=WAL")
    other.execute("BEGIN EXCLUSIVE")
    try:
        assert await code_of(path) == "database_locked"
    finally:
        other.close()
    async with Store(path, SystemClock()) as store:
        assert await store.read(lambda conn: meta.get(conn, "key1")) is not None


async def test_written_by_a_newer_version(target: Path | str) -> None:
    async with Store(target, SystemClock()) as store:
        await store.unit_of_work(
            lambda tx: tx.conn.exec_driver_sql("update alembic_version set version_num = '9999'") and None
        )
    assert await code_of(target) == "database_newer"


async def test_a_folder_nobody_may_write(tmp_path: Path) -> None:
    path = tmp_path / "soundpost.db"
    path.mkdir()
    assert await code_of(path) == "database_unwritable"


async def test_disk_full_undoes_the_unit_and_the_next_works(store: Store) -> None:
    def big(tx: Tx) -> None:
        tx.log("device.changed")
        meta.put(tx, "big", b"x" * 5_000_000)

    await store.unit_of_work(lambda tx: tx.conn.exec_driver_sql("PRAGMA max_page_count=120") and None)
    with pytest.raises(Unavailable) as caught:
        await store.unit_of_work(big)
    assert caught.value.code == "disk_full"
    await store.unit_of_work(lambda tx: meta.put(tx, "small", b"x"))
    assert store.head == 0
    assert await store.read(lambda conn: meta.get(conn, "small")) == b"x"


async def test_errors_say_what_to_do_and_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "soundpost.db"
    path.write_bytes(b"not a database, not at all" * 50)
    with pytest.raises(Corrupt, match=r"soundpost\.db is damaged.*Restore it"):
        async with Store(path, SystemClock()):
            pass
