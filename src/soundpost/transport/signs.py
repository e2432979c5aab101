"""Sign-ins of one device."""

from collections.abc import Sequence

from soundpost.device.contract import Credentials


class Signs:
    """Which credential sets may still be tried on this device: each once, until they change."""

    __slots__ = ("_good", "_spent", "known")

    def __init__(self, credentials: Sequence[Credentials]) -> None:
        self.known = list(credentials)
        self._spent: set[str] = set()
        self._good = ""

    def to_try(self) -> list[Credentials]:
        fresh = [c for c in self.known if c.id not in self._spent]
        return sorted(fresh, key=lambda c: c.id != self._good)

    def good(self, credentials: Credentials) -> None:
        self._good = credentials.id

    def refused(self, credentials: Credentials, hung_up: bool) -> None:
        """A line that broke says nothing against a set that was good before."""
        if not (hung_up and credentials.id == self._good):
            self._spent.add(credentials.id)

    def renew(self, credentials: Sequence[Credentials]) -> None:
        self.known = list(credentials)
        self._spent.clear()
