import asyncio
import sqlite3
import subprocess
import sys

import pytest
from tests.support.clock import ManualClock

from soundpost.agent import disk as disk_module
from soundpost.agent.disk import Disk
from soundpost.agent.memory import CredentialSet, KnownDevice, Memory, save_device
from soundpost.agent.schema import LEVEL
from soundpost.agent.settings import Bounds
from soundpost.agent.spool import Spool
from soundpost.device.model import Device, Kind
from soundpost.kernel.errors import Conflict, Corrupt, Unavailable
from soundpost.kernel.sealed import Sealer


async def test_a_job_that_fails_takes_back_only_its_own_work(tmp_path):
    disk = Disk.open(tmp_path / "agent.db")

    def good(name):
        return lambda c: c.execute("insert into setting values (?, x'00')", (name,))

    def bad(connection):
        good("half")(connection)
        raise ValueError("no")

    done = [disk.submit(job) for job in (good("one"), bad, good("two"))]
    await asyncio.wait(done)
    assert isinstance(done[1].exception(), ValueError)
    names = await disk.run(lambda c: [row[0] for row in c.execute("select name from setting order by name")])
    assert names == ["one", "two"]
    await disk.close()


async def test_full_sync_and_wal(tmp_path):
    disk = Disk.open(tmp_path / "agent.db")
    found = await disk.run(
        lambda c: (c.execute("pragma synchronous").fetchone()[0], c.execute("pragma journal_mode").fetchone()[0])
    )
    assert found == (2, "wal")
    await disk.close()


async def test_what_was_answered_survives_a_kill(tmp_path):
    code = f"""
import asyncio, os, pathlib
from soundpost.agent.disk import Disk
async def main():
    disk = Disk.open(pathlib.Path({str(tmp_path / "agent.db")!r}))
    await disk.run(lambda c: c.execute("insert into setting values ('kept', x'01')"))
    os._exit(9)
asyncio.run(main())
"""
    assert (await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], check=False)).returncode == 9
    disk = Disk.open(tmp_path / "agent.db")
    assert await disk.run(lambda c: c.execute("select count(*) from setting").fetchone()[0]) == 1
    await disk.close()


async def test_two_processes_cant_share_it(tmp_path):
    disk = Disk.open(tmp_path / "agent.db")
    await disk.run(lambda c: c.execute("select 1"))
    with pytest.raises(Conflict) as caught:
        Disk.open(tmp_path / "agent.db")
    assert caught.value.code == "disk_in_use"
    await disk.close()
    await Disk.open(tmp_path / "agent.db").close()


@pytest.mark.parametrize(
    "junk", [b"not a database at all, but long enough to be looked at" * 40, b"SQLite format 3\x00" + b"x" * 5000]
)
def test_a_damaged_file_is_refused_and_left_alone(tmp_path, junk):
    path = tmp_path / "agent.db"
    path.write_bytes(junk)
    with pytest.raises(Corrupt) as caught:
        Disk.open(path)
    assert caught.value.code == "disk_damaged"
    assert "damaged" in caught.value.text
    assert path.read_bytes() == junk


async def filled(path):
    """The file of an agent that worked for a while: facts, records, settings, credential sets."""
    disk = Disk.open(path)
    spool = Spool(disk, ManualClock(), Bounds())
    for number in range(400):
        record = KnownDevice(device=Device(id=f"dev_{number}", kind=Kind.MIXER, family="f"), part="p")
        spool.note("device.status", {"n": number, "text": "t" * 300}, f"dev_{number}", 1, also=save_device(record))
    await spool.settled()
    memory = Memory(disk, Sealer(b"k" * 32))
    await memory.put_credential_sets([CredentialSet("cred_1", "admin", "secret")])
    await memory.set_setting("account hub", {"name": "London"})
    await disk.close()


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.5, 0.77, 0.99])
@pytest.mark.parametrize("odd", [0, 1, 2_345])
async def test_a_file_that_was_cut_off_is_refused_and_left_alone_and_all_that_was_in_it_is_named(tmp_path, share, odd):
    path = tmp_path / "agent.db"
    await filled(path)
    whole = path.read_bytes()
    assert len(whole) > 200_000
    cut = whole[: int(len(whole) * share) // 4096 * 4096 + odd] or whole[:100]
    path.write_bytes(cut)
    with pytest.raises(Corrupt) as caught:
        Disk.open(path)
    assert caught.value.code == "disk_damaged"
    for word in (str(path), "device passwords", "account at the hub"):
        assert word in caught.value.text
    assert path.read_bytes() == cut
    assert [file.name for file in tmp_path.iterdir()] == ["agent.db"]


def test_a_newer_level_is_refused(tmp_path):
    path = tmp_path / "agent.db"
    connection = sqlite3.connect(path)
    connection.execute(f"pragma user_version = {LEVEL + 1}")
    connection.close()
    with pytest.raises(Corrupt) as caught:
        Disk.open(path)
    assert caught.value.code == "disk_newer"


async def test_a_migration_copies_first(tmp_path, monkeypatch):
    path = tmp_path / "agent.db"
    disk = Disk.open(path)
    await disk.run(lambda c: c.execute("insert into setting values ('kept', x'01')"))
    await disk.close()
    more = [*disk_module.MIGRATIONS, ["create table later (id text primary key)"]]
    monkeypatch.setattr(disk_module, "MIGRATIONS", more)
    monkeypatch.setattr(disk_module, "LEVEL", LEVEL + 1)
    disk = Disk.open(path)
    assert await disk.run(lambda c: c.execute("select count(*) from later").fetchone()[0]) == 0
    assert await disk.run(lambda c: c.execute("select count(*) from setting").fetchone()[0]) == 1
    await disk.close()
    copy = sqlite3.connect(tmp_path / f"agent.db.level{LEVEL}")
    assert copy.execute("pragma user_version").fetchone()[0] == LEVEL
    assert copy.execute("select count(*) from setting").fetchone()[0] == 1
    copy.close()


async def test_after_close_nothing_is_taken(tmp_path):
    disk = Disk.open(tmp_path / "agent.db")
    await disk.close()
    with pytest.raises(Unavailable):
        await disk.run(lambda c: None)
