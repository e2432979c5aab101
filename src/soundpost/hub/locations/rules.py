"""What a place may be called, and in which zone it may lie. Pure."""

import ipaddress
import re
import zoneinfo
from functools import lru_cache
from typing import Literal

from soundpost.kernel.errors import Invalid

Kind = Literal["region", "city", "building", "floor", "room", "other"]
KINDS: tuple[Kind, ...] = ("region", "city", "building", "floor", "room", "other")
DEEPER: dict[str, Kind] = {"": "region", "region": "city", "city": "building", "building": "floor", "floor": "room"}
"""What a place most likely is, by what its parent is."""

NAME_MOST, TEXT_MOST, NOTES_MOST, DEPTH_MOST = 120, 300, 4_000, 20
SEPARATOR = ">"
"""Between the names of a path; so no name may hold it."""
CHOICE = re.compile(r"\[!?\]?[^\]]*\]")
"""One of several letters, as fnmatch reads it: a [ that isn't closed would stand for itself."""


def check_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > NAME_MOST or not name.isprintable():
        raise Invalid(f"A place needs a name of 1 to {NAME_MOST} characters.", code="location_name", field="name")
    if SEPARATOR in name:
        raise Invalid(
            f"{SEPARATOR} separates places in a path; leave it out of the name.", code="location_name", field="name"
        )
    return name


def check_kind(kind: str) -> str:
    if kind not in KINDS:
        raise Invalid(f"A place is one of {', '.join(KINDS)}.", code="location_kind", field="kind")
    return kind


def check_zone(zone: str) -> str:
    """An IANA name, or "" for the parent's."""
    if zone and zone not in zones():
        raise Invalid(f"{zone!r} is no time zone. Write one such as Europe/London.", code="zone_unknown", field="zone")
    return zone


@lru_cache(1)
def zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def check_text(field: str, text: str, most: int = TEXT_MOST) -> str:
    text = text.strip()
    if len(text) > most or any(not (c.isprintable() or c in "\n\t") for c in text):
        raise Invalid(f"This may have at most {most} printable characters.", code="text_invalid", field=field)
    return text


def checked(field: str, value: str) -> str:
    """What is stored in that field of a place; a parent is checked against the tree, not here."""
    match field:
        case "parent":
            return value
        case "name":
            return check_name(value)
        case "kind":
            return check_kind(value)
        case "zone":
            return check_zone(value)
        case "notes":
            return check_text(field, value, NOTES_MOST)
    return check_text(field, value)


def check_depth(depth: int) -> None:
    if depth > DEPTH_MOST:
        raise Invalid(f"Places may lie at most {DEPTH_MOST} deep.", code="location_too_deep", most=DEPTH_MOST)


def check_rule(name: str, subnet: str) -> tuple[str, str]:
    name, subnet = name.strip(), subnet.strip()
    if not name and not subnet:
        raise Invalid("Give a name pattern, a subnet, or both.", code="rule_empty")
    if len(name) > NAME_MOST:
        raise Invalid(f"A pattern may have at most {NAME_MOST} characters.", code="rule_name", field="name")
    if "[" in CHOICE.sub("", name):
        text = "This pattern has a [ without its ]. * stands for any letters, ? for one, [ab] for a or b."
        raise Invalid(text, code="rule_pattern", field="name")
    if subnet:
        try:
            subnet = str(ipaddress.ip_network(subnet, strict=False))
        except ValueError:
            text = f"{subnet!r} is no subnet. Write one such as 10.20.4.0/24."
            raise Invalid(text, code="range_invalid", field="subnet") from None
    return name, subnet


def split_path(path: str) -> list[str]:
    """The names of `London > HQ > 4 > 4.12`. Raises Invalid for one that is no name."""
    return [check_name(part) for part in path.split(SEPARATOR)]


def guess_kind(parent_kind: str, depth_left: int) -> Kind:
    """Of a place that only a path names: the last of a path is a room, those above it go by what lies over them."""
    if depth_left == 0:
        return "room"
    return DEEPER.get(parent_kind, "other")
