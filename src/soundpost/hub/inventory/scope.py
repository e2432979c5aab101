"""What one person may see of the inventory: the one predicate that filters rows, counts, events, commands and live deltas (T34)."""

from typing import Protocol

from soundpost.hub.inventory.memory import Memory
from soundpost.hub.inventory.state import DeviceState
from soundpost.hub.locations.tree import Tree
from soundpost.hub.people.rules import Principal


class Scope(Protocol):
    everything: bool
    """True: no device, site or place needs to be filtered."""
    people: bool
    """Whether what people do is seen: who signed in, from where, who was given what."""

    def device(self, device: DeviceState) -> bool: ...

    def site(self, site_id: str) -> bool: ...

    def place(self, location: str) -> bool:
        """Whether what is at that place is seen; not the place's name alone, which may be the way to a part that is."""

    def key(self) -> str:
        """Equal for scopes that see the same, so that they can share what is made for them."""


class Everything:
    everything = True

    def __init__(self, *, people: bool = True) -> None:
        self.people = people

    def device(self, device: DeviceState) -> bool:
        return True

    def site(self, site_id: str) -> bool:
        return True

    def place(self, location: str) -> bool:
        return True

    def key(self) -> str:
        return "*"


EVERYTHING, NO_PEOPLE = Everything(), Everything(people=False)


class Nothing:
    everything = people = False

    def device(self, device: DeviceState) -> bool:
        return False

    def site(self, site_id: str) -> bool:
        return False

    def place(self, location: str) -> bool:
        return False

    def key(self) -> str:
        return ""


class Part:
    """What lies at some places and below them, and `within` others as well. Asked anew when the tree, or who is where, has changed."""

    everything = people = False

    def __init__(self, memory: Memory, tops: frozenset[str], within: frozenset[str] = frozenset()) -> None:
        self._memory, self._tops, self._within = memory, tops, within
        self._tree: Tree | None = None
        self._moves = -1
        self._places: frozenset[str] = frozenset()
        self._sites: frozenset[str] = frozenset()

    def _now(self) -> None:
        tree = self._memory.places.tree
        if tree is self._tree and self._moves == self._memory.moves:
            return
        if tree is not self._tree:
            self._places = _under(tree, self._tops)
            if self._within:
                self._places &= _under(tree, self._within)
        self._tree, self._moves = tree, self._memory.moves
        self._sites = frozenset(device.site.id for place in self._places for device in self._memory.at.get(place, ()))

    def device(self, device: DeviceState) -> bool:
        self._now()
        return device.place in self._places

    def site(self, site_id: str) -> bool:
        """One that has a device in this part."""
        self._now()
        return site_id in self._sites

    def place(self, location: str) -> bool:
        self._now()
        return location in self._places

    def key(self) -> str:
        return ",".join(sorted(self._tops)) + "".join(f"&{place}" for place in sorted(self._within))


def _under(tree: Tree, tops: frozenset[str]) -> frozenset[str]:
    return frozenset(place.id for top in tops for place in tree.under(top))


def scope(memory: Memory, person: Principal | None) -> Scope:
    """The one place where a role's part of the tree narrows what is seen."""
    if person is None or "see" not in person.rights:
        return Nothing()
    if person.places:
        return Part(memory, person.places, person.within)
    return EVERYTHING if "administer" in person.rights else NO_PEOPLE
