"""The rows of places, of who was put where, and of the rules."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from soundpost.hub.locations.placing import PlaceRule
from soundpost.hub.locations.tree import Location, Photo, Tree
from soundpost.hub.store import dialect
from soundpost.hub.store.tables import location_rules, locations, photos, placements

FIELDS = Location.__struct_fields__


def tree(conn: Connection) -> Tree:
    columns = [locations.c[name] for name in FIELDS]
    return Tree(Location(*row) for row in conn.execute(select(*columns)))


def add(conn: Connection, place: Location) -> None:
    row = {name: getattr(place, name) for name in FIELDS}
    conn.execute(insert(locations), {**row, "folded": place.name.casefold()})


def change(conn: Connection, id: str, **values: Any) -> None:
    if "name" in values:
        values["folded"] = values["name"].casefold()
    conn.execute(update(locations).where(locations.c.id == id).values(**values))


def remove(conn: Connection, ids: Iterable[str]) -> None:
    """Nothing may hang there any more."""
    for id in ids:
        conn.execute(delete(locations).where(locations.c.id == id))


def placed(conn: Connection) -> dict[str, str]:
    """Device to place."""
    return {row.device: row.location for row in conn.execute(select(placements.c.device, placements.c.location))}


def places_of(conn: Connection, devices: Sequence[str]) -> dict[str, str]:
    """Of these alone: where a hand put them."""
    found: dict[str, str] = {}
    for start in range(0, len(devices), 500):
        some = devices[start : start + 500]
        query = select(placements.c.device, placements.c.location).where(placements.c.device.in_(some))
        found |= {row.device: row.location for row in conn.execute(query)}
    return found


def put(conn: Connection, devices: Iterable[str], location: str, now_ms: int) -> None:
    rows = [{"device": device, "location": location, "time_ms": now_ms} for device in devices]
    dialect.upsert(conn, placements, rows, ["device"])


def lift(conn: Connection, devices: Iterable[str]) -> None:
    for device in devices:
        conn.execute(delete(placements).where(placements.c.device == device))


def repoint(conn: Connection, old: str, new: str) -> None:
    """What was put at `old`, by hand or rule, is at `new`."""
    for table in (placements, location_rules):
        conn.execute(update(table).where(table.c.location == old).values(location=new))


def empty(conn: Connection, location: str) -> None:
    """Nothing is put there any more."""
    for table in (placements, location_rules):
        conn.execute(delete(table).where(table.c.location == location))


def rules(conn: Connection) -> list[PlaceRule]:
    order = select(*(location_rules.c[name] for name in PlaceRule.__struct_fields__)).order_by(
        location_rules.c.place, location_rules.c.id
    )
    return [PlaceRule(*row) for row in conn.execute(order)]


def add_rule(conn: Connection, rule: PlaceRule) -> None:
    conn.execute(insert(location_rules), {name: getattr(rule, name) for name in rule.__struct_fields__})


def remove_rule(conn: Connection, id: str) -> bool:
    return conn.execute(delete(location_rules).where(location_rules.c.id == id)).rowcount > 0


def next_rule_place(conn: Connection) -> int:
    last = conn.execute(select(func.max(location_rules.c.place))).scalar()
    return 0 if last is None else int(last) + 1


PHOTO = [photos.c[name] for name in Photo.__struct_fields__]
BY_AGE = (photos.c.created_ms, photos.c.id)


def all_photos(conn: Connection) -> Iterable[Photo]:
    """The oldest of a place first."""
    return (Photo(*row) for row in conn.execute(select(*PHOTO).order_by(*BY_AGE)))


def photos_of(conn: Connection, location: str) -> tuple[Photo, ...]:
    return tuple(
        Photo(*row) for row in conn.execute(select(*PHOTO).where(photos.c.location == location).order_by(*BY_AGE))
    )


def add_photo(conn: Connection, photo: Photo) -> None:
    conn.execute(insert(photos), {name: getattr(photo, name) for name in photo.__struct_fields__})


def caption_photo(conn: Connection, id: str, caption: str) -> None:
    conn.execute(update(photos).where(photos.c.id == id).values(caption=caption))


def move_photos(conn: Connection, old: str, new: str) -> None:
    conn.execute(update(photos).where(photos.c.location == old).values(location=new))


def remove_photo(conn: Connection, id: str) -> None:
    conn.execute(delete(photos).where(photos.c.id == id))


def remove_photos(conn: Connection, location: str) -> None:
    conn.execute(delete(photos).where(photos.c.location == location))


def named_files(conn: Connection) -> set[str]:
    """The hashes that photos name."""
    return {name for row in conn.execute(select(photos.c.large, photos.c.small)) for name in row}
