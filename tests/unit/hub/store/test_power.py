"""A kill in mid-load loses nothing that was acknowledged."""

import subprocess
import sys
from pathlib import Path

import pytest

from soundpost.hub.store import Store, meta, outbox
from soundpost.kernel.clock import SystemClock

WRITER = Path(__file__).with_name("writer.py")


def killed_after(path: Path, commits: int) -> int:
    """The last number the writer was told is on disk."""
    writer = subprocess.Popen([sys.executable, str(WRITER), str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout
    for _ in range(commits):
        writer.stdout.readline()
    writer.kill()
    told = [line for line in writer.stdout.read().split("\n")[:-1] if line]
    writer.wait()
    writer.stdout.close()
    return int(told[-1]) if told else commits


@pytest.mark.parametrize("commits", [1, 150])
async def test_nothing_acknowledged_is_lost(tmp_path: Path, commits: int) -> None:
    path = tmp_path / "soundpost.db"
    told = killed_after(path, commits)
    async with Store(path, SystemClock()) as store:
        assert store.head >= told
        entries = await store.read(lambda conn: outbox.read(conn, limit=100_000))
        assert [entry.id for entry in entries] == list(range(1, store.head + 1))
        assert await store.read(lambda conn: meta.get(conn, "last")) == str(store.head).encode()
