"""The guard of tests/conftest.py itself: nothing leaves this machine, in this process or in one a test starts."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.guard import outside

AWAY = "192.0.2.1"
UVLOOP = f"""
import asyncio, uvloop
async def main():
    await asyncio.get_running_loop().create_connection(asyncio.Protocol, "{AWAY}", 9)
with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
"""


def refused() -> "pytest.RaisesExc[PermissionError]":
    """By its base and words: in a test worker the guard came in through sitecustomize, under another module's name."""
    return pytest.raises(PermissionError, match=f"a test tried to reach {AWAY}")


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stays_inside: None) -> Iterator[Path]:
    """These tests leave on purpose: their notes go elsewhere."""
    path = tmp_path / "notes"
    path.write_text("")
    monkeypatch.setenv(outside.NOTES, str(path))
    yield path
    assert AWAY in path.read_text()


def test_a_socket(notes: Path) -> None:
    with socket.socket() as line, refused():
        line.connect((AWAY, 9))
    with socket.socket(type=socket.SOCK_DGRAM) as line, refused():
        line.sendto(b"x", (AWAY, 9))


async def test_asyncio(notes: Path) -> None:
    with refused():
        await asyncio.open_connection(AWAY, 9)


@pytest.mark.parametrize("code", [f"import socket; socket.socket().connect(('{AWAY}', 9))", UVLOOP])
def test_a_child_process(notes: Path, code: str) -> None:
    child = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, env=dict(os.environ)
    )
    assert "LeftTheMachine" in child.stderr
