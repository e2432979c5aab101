"""The only file that touches time. A Clock is made once per process and handed to whoever needs it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Timer(Protocol):
    def cancel(self) -> object: ...


class Clock(Protocol):
    def now_ms(self) -> int:
        """Wall clock, milliseconds since 1970 UTC. May jump; never use it for durations."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never backwards. For durations and deadlines."""

    async def sleep(self, seconds: float) -> None: ...

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """For what waits thousands of times a second: no exception, no task of its own."""

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[object]:
        """Raises TimeoutError inside the block after `seconds`; None waits for ever."""


class SystemClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def now_us(self) -> int:
        """Wall clock in microseconds: the simulator's control API stamps injections with it."""
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(seconds, call)

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(seconds)


def sleep_blocking(seconds: float) -> None:
    """For threads and supervisors that have no event loop."""
    time.sleep(seconds)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(ms: int) -> str:
    """`2026-11-24T03:50:12.345Z` for milliseconds since 1970 UTC."""
    return (EPOCH + timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def rfc3339_us(us: int) -> str:
    """The same with microseconds."""
    return (EPOCH + timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_rfc3339(text: str) -> int:
    """Milliseconds since 1970 UTC; a time without a zone is refused with ValueError."""
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone; write it with Z")
    return round((when - EPOCH) / timedelta(milliseconds=1))
