"""A database read beside whoever writes it: no lock, no migration, nothing changed."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from soundpost.hub.store import dialect, migrate
from soundpost.kernel.errors import Conflict

T = TypeVar("T")


class Beside:
    """`target` as of a Store. Open with `async with`; raises Conflict or Corrupt with a sentence when it can't be read."""

    def __init__(self, target: Path | str) -> None:
        self._target = target
        self._engine: Engine | None = None
        self._async: AsyncEngine | None = None

    async def __aenter__(self) -> "Beside":
        try:
            if isinstance(self._target, str):
                await self._open_postgresql(self._target)
            else:
                self._engine = dialect.sqlite_beside(self._target)
                same_level(await self.read(migrate.level))
        except BaseException:
            await self._close()
            raise
        return self

    async def _open_postgresql(self, address: str) -> None:
        dialect.check_address(address)
        settings = {"server_settings": {"default_transaction_read_only": "on"}}
        url = address.replace("postgresql://", "postgresql+asyncpg://", 1)
        self._async = create_async_engine(url, pool_size=1, max_overflow=0, hide_parameters=True, connect_args=settings)
        with dialect.reached(address):
            same_level(await self.read(migrate.level))

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def _close(self) -> None:
        if self._async:
            await self._async.dispose()
        if self._engine:
            self._engine.dispose()

    async def read(self, query: Callable[[Connection], T]) -> T:
        if self._async is not None:
            async with self._async.connect() as conn:
                return await conn.run_sync(query)
        return await asyncio.to_thread(self._read, query)

    def _read(self, query: Callable[[Connection], T]) -> T:
        assert self._engine is not None
        with dialect.explained(str(self._target)), self._engine.connect() as conn:
            return query(conn)


def same_level(at: str | None) -> None:
    if at is not None and at not in migrate.known_revisions():
        raise migrate.newer(at)
    if at != migrate.HEAD:
        raise Conflict(
            "This database is of an older version of Soundpost. Start this version's hub with it once, then ask again.",
            code="database_older",
            at=at,
        )
