"""Sign-ins of one device."""

from collections.abc import Sequence

from soundpost.device.contract import Credentials

HUNG_UP_MOST, HUNG_UP_MOST_GOOD = 2, 8
"""How often in a row a line may break behind a password before that counts as a refusal. It may be the device's way to refuse, so a
set is not sent for ever; it may be a device that resets, which a set that was good before outlives: with the back-off between them,
eight tries take about as long as a start (devices.md 6.3)."""


class Signs:
    """Which credential sets may still be tried on this device: each until it is refused, all once more when they change. `good`: id of
    the set that worked last."""

    __slots__ = ("_good", "_hung_up", "_spent", "known")

    def __init__(self, credentials: Sequence[Credentials], good: str = "") -> None:
        self.known = list(credentials)
        self._spent: set[str] = set()
        self._hung_up: dict[str, int] = {}
        self._good = good

    def to_try(self) -> list[Credentials]:
        fresh = [c for c in self.known if c.id not in self._spent]
        return sorted(fresh, key=lambda c: c.id != self._good)

    def good(self, credentials: Credentials) -> None:
        self._good = credentials.id
        self._hung_up.clear()

    def refused(self, credentials: Credentials, hung_up: bool) -> bool:
        """False: the line only broke, and the set may be sent once more, on another line."""
        if hung_up:
            times = self._hung_up[credentials.id] = self._hung_up.get(credentials.id, 0) + 1
            if times < (HUNG_UP_MOST_GOOD if credentials.id == self._good else HUNG_UP_MOST):
                return False
        self._spent.add(credentials.id)
        return True

    def renew(self, credentials: Sequence[Credentials]) -> None:
        self.known = list(credentials)
        self._spent.clear()
        self._hung_up.clear()
