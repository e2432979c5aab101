"""What holds for every test: nothing leaves this machine, no task outlives its test; and the databases to test on."""

import asyncio
import inspect
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.support import postgresql
from tests.support.clock import settle
from tests.support.guard import outside

from soundpost.hub.store import Store
from soundpost.kernel.clock import SystemClock

GUARD = Path(__file__).parent / "support" / "guard"


def pytest_configure(config: pytest.Config) -> None:
    """Before the first test, and in each process one starts."""
    outside.install()
    # How fast a machine is today is no property of what is tested (speed has its place in bench/).
    settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("here")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(GUARD), os.environ.get("PYTHONPATH")]))
    os.environ.setdefault("SOUNDPOST_AGENT_SUBNETS", "127.20.0.0/24:10023")
    os.environ.setdefault("SOUNDPOST_HUB_COMPAT_PORT", "0")  # many hubs run at once


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.fixturenames.insert(0, "no_task_left")


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """Set up first, so torn down after all fixtures that have tasks of their own."""
    yield
    await settle(5)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    names = sorted(f"{task.get_name()}: {task.get_coro()}" for task in left)
    for task in left:
        task.cancel()
    assert not names, f"tasks outlived the test: {names}"


@pytest.fixture(autouse=True)
def stays_inside(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    notes = tmp_path_factory.getbasetemp() / f"outside-{os.getpid()}"
    notes.write_text("")
    monkeypatch.setenv(outside.NOTES, str(notes))
    yield
    assert not (words := notes.read_text()), f"left the machine:\n{words}"
    writers = [thread.name for thread in threading.enumerate() if thread.name.startswith("store-writer")]
    assert not writers, "a store was not closed"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    if sys.platform == "win32":
        pytest.skip("the server's wheel is not tested there")
    with postgresql.server() as address:
        yield address


@pytest.fixture
async def postgresql_address(postgresql_server: str) -> AsyncIterator[str]:
    async with postgresql.database(postgresql_server) as address:
        yield address


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a store may be opened: once a SQLite file, once an empty PostgreSQL database."""
    if request.param == "sqlite":
        return tmp_path / "soundpost.db"
    address: str = request.getfixturevalue("postgresql_address")
    return address


@pytest.fixture
async def any_store(target: Path | str) -> AsyncIterator[Store]:
    """An open store, on each database in turn."""
    async with Store(target, SystemClock()) as opened:
        yield opened


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An open store on SQLite: enough for whatever writes no SQL of its own kind."""
    async with Store(tmp_path / "soundpost.db", SystemClock()) as opened:
        yield opened
