"""What people's rooms do by themselves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from soundpost.hub.people.service import People
from soundpost.kernel import log
from soundpost.kernel.clock import Clock

WRITE_S = 60.0


@contextlib.asynccontextmanager
async def running(people: People, clock: Clock) -> AsyncIterator[None]:
    """When keys were used is written each minute, and at the end."""
    writing = asyncio.create_task(_write_uses(people, clock), name="key-uses")
    try:
        yield
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await _written(people)


async def _write_uses(people: People, clock: Clock) -> None:
    while True:
        await clock.sleep(WRITE_S)
        await _written(people)


async def _written(people: People) -> None:
    try:
        await people.keyring.write_uses()
    except Exception:
        log.get("people").exception("when keys were used could not be written")
