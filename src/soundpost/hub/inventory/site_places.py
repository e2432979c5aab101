"""What each site is told of the hub's places: where its devices are, and the way down to there. The hub owns them, the site has a
copy that is replaced whole (truth T4)."""

from collections.abc import Callable

from soundpost.hub.inventory.service import Inventory
from soundpost.hub.inventory.state import Delta
from soundpost.hub.locations.tree import Location, Tree
from soundpost.kernel import log
from soundpost.link.envelope import PlaceCopy, SitePlaces, SitePlan

EVERY_S = 1.0
"""People move many devices at once; a site is told of it at most so often."""

Tell = Callable[[str, SitePlan], bool]


def copy(place: Location) -> PlaceCopy:
    return PlaceCopy(**{name: getattr(place, name) for name in PlaceCopy.__struct_fields__})


def of_site(inventory: Inventory, site: str) -> SitePlaces:
    """Parents before children."""
    tree: Tree = inventory.locations.tree
    there = inventory.memory.sites.get(site)
    devices = {device.id: device.place for device in there.devices.values() if device.place} if there else {}
    wanted: dict[str, PlaceCopy] = {}
    for place in sorted(set(devices.values())):
        for above in tree.path(place):
            wanted.setdefault(above.id, copy(above))
    return SitePlaces(list(wanted.values()), dict(sorted(devices.items())))


class PlacesTeller:
    """`plan` goes into Welcome; afterwards `run` tells connected sites what changed."""

    def __init__(self, inventory: Inventory, tell: Tell) -> None:
        self._inventory, self._tell, self._clock = inventory, tell, inventory.clock
        self._told: dict[str, SitePlaces] = {}
        self._revision = 0
        self._stale: set[str] = set()
        inventory.changes.subscribe(self._heard)

    def plan(self, site: str) -> SitePlan:
        places = self._told[site] = of_site(self._inventory, site)
        return self._planned(places)

    def _planned(self, places: SitePlaces) -> SitePlan:
        """By the clock, so that a revision is higher than any before, also after a restart."""
        self._revision = max(self._revision + 1, self._clock.now_ms())
        return SitePlan(revision=self._revision, places=places)

    def _heard(self, delta: Delta) -> None:
        """Only the sites it touches: a hub has thousands, and each is looked at whole."""
        if delta.places or delta.reset:
            self._stale.update(self._told)
            return
        for id, names in delta.faces.items():
            if ("location" in names or "*" in names) and (device := self._inventory.memory.devices.get(id)):
                self._stale.add(device.site.id)

    async def run(self) -> None:
        while True:
            await self._clock.sleep(EVERY_S)
            try:
                self.tell()
            except Exception:
                log.get("inventory").exception("sites could not be told their places")

    def tell(self) -> None:
        stale, self._stale = self._stale & self._told.keys(), set()
        for site in sorted(stale):
            now = of_site(self._inventory, site)
            if now != self._told[site] and self._tell(site, self._planned(now)):
                self._told[site] = now
