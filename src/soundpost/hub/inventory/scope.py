"""What one person may see of the inventory: the one predicate that filters rows, counts, events, commands and live deltas (T34)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol

from soundpost.device.model import Kind
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.inventory.state import DeviceState
from soundpost.hub.locations.tree import Tree
from soundpost.hub.people.rules import Principal

Counts = Mapping[str, Mapping[str, int]]


class Scope(Protocol):
    everything: bool
    """True: no device, site or place needs to be filtered."""
    people: bool
    """Whether what people do is seen: who signed in, from where, who was given what."""

    def device(self, device: DeviceState) -> bool: ...

    def site(self, site_id: str) -> bool: ...

    def place(self, location: str) -> bool:
        """Whether what is at that place is seen; not the place's name alone, which may be the way to a part that is."""

    def among(self, devices: Iterable[DeviceState]) -> list[DeviceState]:
        """Those of them it sees; over a hundred thousand much faster than asking for each."""

    def counts(self, memory: Memory) -> Counts:
        """How many listed devices it sees, by kind and the status that is shown of them."""

    def counts_of_site(self, memory: Memory, site_id: str) -> Mapping[str, int]:
        """The same of one site, by status, stacks left out."""

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

    def among(self, devices: Iterable[DeviceState]) -> list[DeviceState]:
        return list(devices)

    def counts(self, memory: Memory) -> Counts:
        return memory.totals

    def counts_of_site(self, memory: Memory, site_id: str) -> Mapping[str, int]:
        counts: Counter[str] = Counter()
        if (site := memory.sites.get(site_id)) is not None:
            for kind, statuses in site.counts.items():
                if kind != Kind.STACK:
                    _add(counts, statuses, up=site.up)
        return counts

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

    def among(self, devices: Iterable[DeviceState]) -> list[DeviceState]:
        return []

    def counts(self, memory: Memory) -> Counts:
        return {}

    def counts_of_site(self, memory: Memory, site_id: str) -> Mapping[str, int]:
        return {}

    def key(self) -> str:
        return ""


def _add(counts: Counter[str], statuses: Mapping[str, int], *, up: bool) -> None:
    for status, n in statuses.items():
        if n:
            counts[status if up else "unknown"] += n


class Part:
    """What lies at some places and below them, and `within` others as well. What is made of the tree, of who is where and of how they
    stand is kept until that has changed: one of these serves every request of all who see the same."""

    everything = people = False

    def __init__(self, memory: Memory, tops: frozenset[str], within: frozenset[str] = frozenset()) -> None:
        self._memory, self._tops, self._within = memory, tops, within
        self._tree: Tree | None = None
        self._places: frozenset[str] = frozenset()
        self._sites_of: tuple[int, Tree | None] = (-1, None)
        self._sites: frozenset[str] = frozenset()
        self._counts_of: tuple[int, Tree | None] = (-1, None)
        self._counts: dict[str, Counter[str]] = {}
        self._by_site_of: tuple[int, Tree | None] = (-1, None)
        self._by_site: dict[str, Counter[str]] = {}

    def _now(self) -> frozenset[str]:
        tree = self._memory.places.tree
        if tree is not self._tree:
            self._tree = tree
            self._places = _under(tree, self._tops)
            if self._within:
                self._places &= _under(tree, self._within)
        return self._places

    def device(self, device: DeviceState) -> bool:
        return device.place in self._now()

    def site(self, site_id: str) -> bool:
        """One that has a device in this part."""
        places, memory = self._now(), self._memory
        if self._sites_of != (memory.moves, self._tree):
            self._sites_of = memory.moves, self._tree
            self._sites = frozenset(device.site.id for place in places for device in memory.at.get(place, ()))
        return site_id in self._sites

    def place(self, location: str) -> bool:
        return location in self._now()

    def among(self, devices: Iterable[DeviceState]) -> list[DeviceState]:
        places = self._now()
        return [device for device in devices if device.place in places]

    def counts(self, memory: Memory) -> Counts:
        """From what is counted at each place, so that no device is looked at."""
        places = self._now()
        if self._counts_of != (memory.counted, self._tree):
            self._counts_of = memory.counted, self._tree
            self._counts = defaultdict(Counter)
            for (place, site_id), kinds in memory.counts_at.items():
                if place in places:
                    up = memory.sites[site_id].up
                    for kind, statuses in kinds.items():
                        _add(self._counts[kind], statuses, up=up)
        return self._counts

    def counts_of_site(self, memory: Memory, site_id: str) -> Mapping[str, int]:
        places = self._now()
        if self._by_site_of != (memory.counted, self._tree):
            self._by_site_of = memory.counted, self._tree
            self._by_site = defaultdict(Counter)
            for (place, its_site), kinds in memory.counts_at.items():
                if place in places:
                    for kind, statuses in kinds.items():
                        if kind != Kind.STACK:
                            _add(self._by_site[its_site], statuses, up=memory.sites[its_site].up)
        return self._by_site.get(site_id, {})

    def key(self) -> str:
        return ",".join(sorted(self._tops)) + "".join(f"&{place}" for place in sorted(self._within))


def _under(tree: Tree, tops: frozenset[str]) -> frozenset[str]:
    return frozenset(place.id for top in tops for place in tree.under(top))


PARTS_KEPT = 256


def scope(memory: Memory, person: Principal | None) -> Scope:
    """The one place where a role's part of the tree narrows what is seen."""
    if person is None or "see" not in person.rights:
        return Nothing()
    if person.places:
        return _part(memory, person.places, person.within)
    return EVERYTHING if "administer" in person.rights else NO_PEOPLE


def _part(memory: Memory, tops: frozenset[str], within: frozenset[str]) -> Part:
    known = memory.parts.get((tops, within))
    if not isinstance(known, Part):
        if len(memory.parts) >= PARTS_KEPT:
            memory.parts.clear()
        known = memory.parts[tops, within] = Part(memory, tops, within)
    return known
