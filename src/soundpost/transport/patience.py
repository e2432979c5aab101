"""When a line is tried next: after a back-off, when somebody gives a sign-in, when its time in other hands is over."""

import asyncio
from collections.abc import Callable
from typing import Any

from soundpost.device.contract import Trouble
from soundpost.kernel.backoff import Chance, delay
from soundpost.kernel.clock import Clock
from soundpost.transport.line import LineLost
from soundpost.transport.signs import Signs

RETRY_FLOOR_S, RETRY_FIRST_S, RETRY_MOST_S = 5.0, 10.0, 60.0
STEADY_S = 10.0
"""A line that held this long may be retried at once when it drops; a flapping one waits."""


class Patience:
    """`last` is why there is no line. `signs` None: such devices ask for no sign-in."""

    __slots__ = (
        "_at_once_at",
        "_chance",
        "_changed",
        "_clock",
        "_failures",
        "_off_until",
        "_signs",
        "_told",
        "_up",
        "last",
    )

    def __init__(
        self, clock: Clock, signs: Signs | None, chance: Chance, told: Callable[[LineLost], None], why: str
    ) -> None:
        self._clock, self._signs, self._chance, self._told = clock, signs, chance, told
        self.last = LineLost(Trouble.UNREACHABLE, why)
        self._failures = 0
        self._up = False
        self._at_once_at = float("-inf")
        self._off_until: float | None = None
        self._changed: asyncio.Future[Any] | None = None

    def came_up(self) -> None:
        self._up, self._failures = True, 0
        self.change()

    def lost(self, lost: LineLost) -> None:
        now = self._clock.monotonic()
        self.last = lost
        flapping = now - self._at_once_at < STEADY_S
        self._failures = 0 if self._up and not flapping else self._failures + 1
        if self._failures == 0:
            self._at_once_at = now
        self._up = False
        self._told(lost)
        self.change()

    def try_again(self) -> None:
        """What stood in the way may be gone."""
        self._failures = 0
        self.change()

    def hands_off(self, seconds: float) -> None:
        """0 takes it back."""
        self._off_until = self._clock.monotonic() + seconds if seconds > 0 else None

    async def until_due(self) -> None:
        """Hands off, no sign-in left to try, or the back-off after failures; each ends early when something changes."""
        pause = delay(self._failures, self._chance(), first=RETRY_FIRST_S, most=RETRY_MOST_S, floor=RETRY_FLOOR_S)
        due = self._clock.monotonic() + pause
        while True:
            now = self._clock.monotonic()
            if self._off_until is not None and now >= self._off_until:
                self._off_until = None
                self._failures = 0
                return
            if self._off_until is not None:
                self._tell_off()
                await self.until_changed(self._off_until - now)
            elif self._signs is not None and not self._signs.to_try():
                self._tell_unsigned()
                await self.until_changed(None)
            elif now < due and self._failures:
                await self.until_changed(due - now)
            else:
                return

    def _tell_off(self) -> None:
        """Also when there was no line to close."""
        if self.last.trouble is not Trouble.HANDS_OFF:
            self.last = LineLost(Trouble.HANDS_OFF, "the line is left to others, as asked")
            self._told(self.last)

    def _tell_unsigned(self) -> None:
        """Once: a device for which no sign-in was ever given is not even connected to."""
        if self.last.trouble is not Trouble.SIGN_IN_REFUSED:
            self.last = LineLost(
                Trouble.SIGN_IN_REFUSED, "no sign-in is known; add the device's user name and password"
            )
            self._told(self.last)

    async def until_changed(self, seconds: float | None) -> None:
        """All who wait are woken by one change."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        changed = self._changed
        try:
            async with self._clock.timeout(seconds):
                await asyncio.wait({changed})
        except TimeoutError:
            return

    def change(self) -> None:
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None
