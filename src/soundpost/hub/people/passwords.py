"""argon2id in two threads of its own: never on the loop, never more than two at a time (truth T33)."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from soundpost.kernel.errors import Unavailable

T = TypeVar("T")
WAITING_MOST = 64


class Passwords:
    """Made once per process; the agents room joins agents with the same one."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._pool = ThreadPoolExecutor(2, "argon2")
        self._waiting = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        return await self._run(self._hasher.hash, password)

    async def verify(self, hashed: str | None, password: str) -> bool:
        """False costs as much as true, and a name nobody has (`None`) as much as a wrong password."""
        if (
            not self._nobody
        ):  # whoever comes first, so that the first unknown name takes no longer than the first known one
            self._nobody = await self.hash("nobody has this password")
        right = await self._run(self._check, hashed or self._nobody, password)
        return right and hashed is not None

    def _check(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (Argon2Error, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= WAITING_MOST:
            raise Unavailable(
                "Too many people sign in at once. Try again in a few seconds.", code="busy", retry_after_s=3
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
