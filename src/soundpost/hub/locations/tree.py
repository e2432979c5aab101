"""The tree of places, in memory: who lies under whom, what a place inherits, and which changes would break it. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from soundpost.kernel.errors import Conflict, NotFound

ROOT = ""
"""The parent of the uppermost places."""


class Location(Struct, frozen=True):
    """One place. `zone` "" means the parent's; `address` and `contact` are inherited where they are empty as well."""

    id: str
    parent: str
    name: str
    kind: str
    zone: str = ""
    address: str = ""
    contact: str = ""
    notes: str = ""
    created_ms: int = 0


class Photo(Struct, frozen=True):
    """What a place looks like. `large` and `small` are hashes of JPEG files; width and height, in pixels, those of `large`."""

    id: str
    location: str
    caption: str
    large: str
    small: str
    width: int
    height: int
    created_ms: int


def gone(id: str) -> NotFound:
    return NotFound("There is no such place; it may have been deleted or merged.", code="location_gone", id=id)


INHERITED = ("zone", "address", "contact")


class Tree:
    def __init__(self, places: Iterable[Location] = ()) -> None:
        self.places: dict[str, Location] = {}
        self._children: dict[str, dict[str, str]] = defaultdict(dict)
        for place in places:
            self.put(place)

    def __len__(self) -> int:
        return len(self.places)

    # --- finding

    def get(self, id: str) -> Location:
        place = self.places.get(id)
        if place is None:
            raise gone(id)
        return place

    def children(self, id: str) -> list[Location]:
        """By name, as people sort them."""
        places = [self.places[child] for child in self._children.get(id, {}).values()]
        return sorted(places, key=lambda place: natural(place.name))

    def child(self, parent: str, name: str) -> Location | None:
        """Names of siblings are compared without case."""
        id = self._children.get(parent, {}).get(name.casefold())
        return self.places[id] if id is not None else None

    def above(self, id: str) -> Iterator[Location]:
        """The place itself, then its parents up to the uppermost. Nothing for a place that is not there."""
        seen = 0
        while (place := self.places.get(id)) is not None and seen <= len(self.places):
            yield place
            id, seen = place.parent, seen + 1

    def path(self, id: str) -> list[Location]:
        """From the uppermost down to the place."""
        return list(self.above(id))[::-1]

    def under(self, id: str) -> Iterator[Location]:
        """The place itself and all below it, parents before children."""
        waiting = [id]
        while waiting:
            place = self.places.get(waiting.pop())
            if place is not None:
                yield place
                waiting.extend(self._children.get(place.id, {}).values())

    def is_under(self, id: str, top: str) -> bool:
        """Whether the place is `top` or lies below it."""
        return any(place.id == top for place in self.above(id))

    def inherited(self, id: str, field: str) -> str:
        """What the nearest place that says something says."""
        return next((text for place in self.above(id) if (text := getattr(place, field))), "")

    # --- changing

    def put(self, place: Location) -> None:
        self.drop(place.id)
        self.places[place.id] = place
        self._children[place.parent][place.name.casefold()] = place.id

    def drop(self, id: str) -> None:
        place = self.places.pop(id, None)
        if place is not None:
            self._children[place.parent].pop(place.name.casefold(), None)

    def check_free(self, parent: str, name: str, but: str = "") -> None:
        taken = self.child(parent, name)
        if taken is not None and taken.id != but:
            where = self.places[parent].name if parent else "the top"
            raise Conflict(
                f"There is a place {taken.name} at {where} already. Choose another name, or merge the two.",
                code="location_taken",
                id=taken.id,
            )

    def check_move(self, id: str, parent: str) -> None:
        """Raises NotFound for a parent that is not there, Conflict for one that lies below."""
        if parent != ROOT:
            self.get(parent)
            if self.is_under(parent, id):
                raise Conflict(
                    f"{self.get(parent).name} lies in {self.get(id).name}; a place can't be moved into itself.",
                    code="location_under_itself",
                )

    def merge(self, gone: str, kept: str) -> tuple[list[tuple[str, str]], list[str]]:
        """What making `gone` a part of `kept` means: [(place, the place it becomes)] with the deepest first, and the places that
        only get another parent (see `moved_to`). Places of one name become one, at any depth. Changes nothing."""
        self.get(gone), self.get(kept)
        if gone == kept or self.is_under(kept, gone) or self.is_under(gone, kept):
            raise Conflict(
                "Only places that do not lie in each other can be merged; move one of them out first.",
                code="location_under_itself",
            )
        return self._merged(gone, kept)

    def _merged(self, gone: str, kept: str) -> tuple[list[tuple[str, str]], list[str]]:
        melted, moved = list[tuple[str, str]](), list[str]()
        for child in self.children(gone):
            twin = self.child(kept, child.name)
            if twin is None:
                moved.append(child.id)
            else:
                below = self._merged(child.id, twin.id)
                melted += below[0]
                moved += below[1]
        return [*melted, (gone, kept)], moved


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """4.2 before 4.12: runs of digits count as numbers."""
    parts, run = list[tuple[int, int, str]](), ""
    for character in name.casefold() + "\0":
        if run and character.isdecimal() == run[0].isdecimal() and character != "\0":
            run += character
            continue
        if run:
            parts.append((0, int(run), "") if run[0].isdecimal() else (1, 0, run))
        run = character
    return tuple(parts)


def text(path: Sequence[Location]) -> str:
    """`London > HQ > 4 > 4.12`."""
    return " > ".join(place.name for place in path)
