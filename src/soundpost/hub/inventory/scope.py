"""What one person may see of the inventory: the one predicate that filters rows, counts, events, commands and live deltas (T34)."""

from typing import Protocol

from soundpost.hub.inventory.state import DeviceState
from soundpost.hub.people.rules import Principal


class Scope(Protocol):
    everything: bool
    """True: nothing needs to be filtered."""

    def device(self, device: DeviceState) -> bool: ...

    def site(self, site_id: str) -> bool: ...

    def place(self, location: str) -> bool:
        """Whether what is at that place is seen; not the place's name alone, which may be the way to a part that is."""

    def key(self) -> str:
        """Equal for scopes that see the same, so that they can share what is made for them."""


class Everything:
    everything = True

    def device(self, device: DeviceState) -> bool:
        return True

    def site(self, site_id: str) -> bool:
        return True

    def place(self, location: str) -> bool:
        return True

    def key(self) -> str:
        return "*"


EVERYTHING = Everything()


class Nothing:
    everything = False

    def device(self, device: DeviceState) -> bool:
        return False

    def site(self, site_id: str) -> bool:
        return False

    def place(self, location: str) -> bool:
        return False

    def key(self) -> str:
        return ""


def scope(person: Principal | None) -> Scope:
    """Today whoever may see, sees everything; roles for parts of the tree will narrow it here and nowhere else."""
    if person is None or "see" not in person.rights:
        return Nothing()
    return EVERYTHING
