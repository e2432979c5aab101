"""The tree of places as people see it: each place with what it inherits, and how its devices stand, itself and all below.
Nothing here waits or reads a clock."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated

from msgspec import Struct, structs

from soundpost.device.model import COUNTED, Status
from soundpost.hub.inventory import rules
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.inventory.scope import Scope
from soundpost.hub.inventory.views import StatusWord, when
from soundpost.hub.locations.placing import PlaceRule
from soundpost.hub.locations.rules import KINDS
from soundpost.hub.locations.tree import INHERITED, Location, Photo, Tree, text
from soundpost.kernel.shape import one_of

SHOWN = (*map(str, Status), rules.RESTARTING)
WORST = (Status.OFFLINE, Status.DEGRADED, Status.UNKNOWN, Status.ONLINE)


class PhotoItem(Struct):
    """The picture itself is at `/locations/{location}/photos/{id}`, `?size=small` a small one; width and height in pixels."""

    id: str
    caption: str
    width: int
    height: int
    added: str | None


class LocationItem(Struct, kw_only=True):
    """`zone`, `address` and `contact` are those that hold here; `own` says which of them were said of this very place. `rooms` and
    `devices` count the place and all below it; stacks are not counted. `worst` is null where no device is. `photos`,
    the oldest first, are those of this very place. `way`: the reader sees it only because something below it is theirs; it
    tells no address, contact, notes or photos. What the reader doesn't see is counted nowhere."""

    id: str
    parent: str | None
    name: str
    path: str
    kind: Annotated[str, one_of(KINDS)]
    zone: str
    address: str
    contact: str
    own: list[str]
    notes: str
    children: int
    rooms: int
    devices: dict[str, int]
    worst: StatusWord | None
    photos: list[PhotoItem]
    way: bool
    created: str | None


class RuleItem(Struct):
    id: str
    location: str
    path: str
    name: str
    subnet: str
    devices: int


class Rolled:
    """Counts of every place with all that lies below it, made at once from what memory counts at each place."""

    def __init__(self, memory: Memory, scope: Scope) -> None:
        tree = memory.places.tree
        self._memory, self._scope = memory, scope
        self.devices: dict[str, Counter[str]] = {}
        self.rooms: Counter[str] = Counter()
        own = at_each(memory, scope)
        for place in tree.places.values():
            counts, room = own.get(place.id), place.kind == "room" and scope.place(place.id)
            if counts is None and not room:
                continue
            for above in tree.above(place.id):
                if counts is not None:
                    self.devices.setdefault(above.id, Counter()).update(counts)
                self.rooms[above.id] += room

    def of(self, id: str) -> Counter[str]:
        return self.devices.get(id, Counter())

    def photos_of(self, id: str) -> list[PhotoItem]:
        """None of a place that is only the way to a part that is seen."""
        photos = self._memory.places.photos.get(id, ())
        return [photo_item(photo) for photo in photos] if photos and self.sees(id) else []

    def sees(self, id: str) -> bool:
        return self._scope.place(id)

    @cached_property
    def _shown(self) -> frozenset[str]:
        return seen(self._memory.places.tree, self._scope)

    def children_of(self, id: str) -> int:
        """Those the tree shows, a way among them."""
        children = self._memory.places.tree.children(id)
        return len(children) if self._scope.everything else sum(child.id in self._shown for child in children)


def photo_item(photo: Photo) -> PhotoItem:
    return PhotoItem(photo.id, photo.caption, photo.width, photo.height, when(photo.created_ms))


def at_each(memory: Memory, scope: Scope) -> dict[str, Counter[str]]:
    """By place, its own devices by the status that is shown of them."""
    found: dict[str, Counter[str]] = {}
    for (place, site_id), kinds in memory.counts_at.items():
        if not place or not scope.place(place):
            continue
        site = memory.sites[site_id]
        counts = found.setdefault(place, Counter())
        for kind in COUNTED:
            for status, n in kinds.get(kind, {}).items():
                counts[status if site.up else Status.UNKNOWN] += n
    return found


def seen(tree: Tree, scope: Scope) -> frozenset[str]:
    """The places one may see; those above a part of the tree that is seen belong to it as its way."""
    return frozenset(
        above.id for place in tree.places.values() if scope.place(place.id) for above in tree.above(place.id)
    )


def visible(tree: Tree, scope: Scope) -> list[Location]:
    """The same, parents first."""
    ordered = [place for top in tree.children("") for place in in_order(tree, top)]
    if scope.everything:
        return ordered
    shown = seen(tree, scope)
    return [place for place in ordered if place.id in shown]


def in_order(tree: Tree, top: Location) -> list[Location]:
    """A place and all below it, as a tree table lists them."""
    found = [top]
    for child in tree.children(top.id):
        found += in_order(tree, child)
    return found


SCOPES_KEPT = 16


class Drawn:
    """The tree as items, kept while nothing changes: every open page asks for it each second, and it may have ten thousand places. An item
    that tells the same as before is the same object."""

    def __init__(self) -> None:
        self._tree: Tree | None = None
        self._by_scope: dict[str, tuple[int, dict[str, LocationItem]]] = {}

    def items(self, memory: Memory, scope: Scope) -> dict[str, LocationItem]:
        """By id, parents before children; nobody may change it."""
        tree, key = memory.places.tree, scope.key()
        if tree is not self._tree or len(self._by_scope) > SCOPES_KEPT:
            self._tree, self._by_scope = tree, {}
        counted, before = self._by_scope.get(key, (-1, {}))
        if counted != memory.counted:
            before = self._anew(memory, tree, scope, before)
            self._by_scope[key] = memory.counted, before
        return before

    def _anew(
        self, memory: Memory, tree: Tree, scope: Scope, before: Mapping[str, LocationItem]
    ) -> dict[str, LocationItem]:
        rolled = Rolled(memory, scope)
        if not before:
            return {place.id: location_item(tree, place, rolled) for place in visible(tree, scope)}
        return {id: _counted(item, rolled) for id, item in before.items()}


def _counted(item: LocationItem, rolled: Rolled) -> LocationItem:
    devices, worst = counts_of(rolled, item.id)
    same = devices == item.devices and rolled.rooms[item.id] == item.rooms
    return item if same else structs.replace(item, devices=devices, worst=worst, rooms=rolled.rooms[item.id])


def counts_of(rolled: Rolled, id: str) -> tuple[dict[str, int], str | None]:
    counts = rolled.of(id)
    worst = next((status.value for status in WORST if counts[status]), None)
    return {status: counts[status] for status in SHOWN}, worst


def location_item(tree: Tree, place: Location, rolled: Rolled) -> LocationItem:
    devices, worst = counts_of(rolled, place.id)
    way = not rolled.sees(place.id)
    told = [field for field in INHERITED if not way or field == "zone"]
    holds = {field: tree.inherited(place.id, field) if field in told else "" for field in INHERITED}
    return LocationItem(
        id=place.id,
        parent=place.parent or None,
        name=place.name,
        path=text(tree.path(place.id)),
        kind=place.kind,
        zone=holds["zone"],
        address=holds["address"],
        contact=holds["contact"],
        own=[field for field in told if getattr(place, field)],
        notes="" if way else place.notes,
        children=rolled.children_of(place.id),
        rooms=rolled.rooms[place.id],
        devices=devices,
        worst=worst,
        photos=rolled.photos_of(place.id),
        way=way,
        created=when(place.created_ms),
    )


def rule_items(memory: Memory, rules: Iterable[PlaceRule]) -> list[RuleItem]:
    """Two rules may lead to one place; a device counts for the one that put it there."""
    rules, tree = list(rules), memory.places.tree
    devices: Counter[str] = Counter()
    for place in {rule.location for rule in rules}:
        for device in memory.at.get(place, ()):
            if rule := memory.rule_of(device):
                devices[rule.id] += 1
    return [
        RuleItem(rule.id, rule.location, text(tree.path(rule.location)), rule.name, rule.subnet, devices[rule.id])
        for rule in rules
    ]
