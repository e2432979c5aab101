"""Asking memory for devices: filters, search, order and pages. Nothing here waits or reads a clock."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from operator import attrgetter

from msgspec import Struct, field

from soundpost.device.model import Kind, Status
from soundpost.hub.inventory import rules, views
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.inventory.order import Key, Order, Place, after, before, by_place
from soundpost.hub.inventory.scope import Scope
from soundpost.hub.inventory.state import DeviceState, SiteState
from soundpost.hub.locations.tree import text
from soundpost.hub.store import pages
from soundpost.kernel.errors import Invalid

NO_PLACE = "none"
"""As a location: the devices that are nowhere."""
LAST = "\U0010ffff"
AWAY = frozenset(map(str, rules.TROUBLED))
"""Memory keeps these devices apart, so none of the others is looked at."""
PRO_AUDIO = ("stack", "mixer", "microphone", "expander")
FEW = 16
"""Sorting one device in so many costs less than going through all in their order."""
SAMPLE = 200
SEVERITY: dict[str, int] = {Status.OFFLINE: 0, Status.DEGRADED: 1, Status.UNKNOWN: 2, Status.ONLINE: 3}


class DeviceQuery(Struct, kw_only=True):
    kind: frozenset[str] = frozenset()
    status: frozenset[str] = frozenset()
    site: frozenset[str] = frozenset()
    agent: str = ""
    stack: str = ""
    parent: str = ""
    location: str = ""
    model: str = ""
    firmware: str = ""
    words: tuple[str, ...] = ()
    order: str = "name"
    limit: int = pages.LIMIT
    cursor: str | None = None


class Page(Struct):
    devices: list[DeviceState]
    total: int
    next: str | None = field(default=None)


def _text(name: str) -> Callable[[Memory, DeviceState], Key]:
    return lambda _memory, device: str(getattr(device.record, name)).casefold()


ORDERS: dict[str, Callable[[Memory, DeviceState], Key]] = {
    "name": _text("name"),
    "model": _text("model"),
    "serial_number": _text("serial_number"),
    "firmware_version": _text("firmware_version"),
    "kind": _text("kind"),
    "site": lambda _memory, device: device.site.name.casefold(),
    "address": lambda memory, device: views.endpoint(memory, device)[0],
    "status": lambda _memory, device: SEVERITY[device.status if device.site.up else "unknown"],
    "since": lambda _memory, device: views.shown(device).since_ms,
    "location": lambda memory, device: place_text(memory, device).casefold() or LAST,
}


def parse(asked: Mapping[str, str | None]) -> DeviceQuery:
    """From the parameters of `GET /devices`, or of a live `list:` topic. A word that means nothing is refused, not ignored."""
    given = {name: value for name, value in asked.items() if value not in (None, "")}
    query = DeviceQuery()
    for name, value in given.items():
        assert value is not None
        match name:
            case "kind":
                query.kind = _kinds(value)
            case "status":
                query.status = _checked(name, value, frozenset((*map(str, Status), rules.RESTARTING)))
            case "site":
                query.site = frozenset(value.split(","))
            case "q":
                query.words = tuple(value.lower().split())
            case "limit":
                query.limit = pages.limited(_number(value))
            case "order":
                _checked(name, value.removeprefix("-"), frozenset(ORDERS))
                query.order = value
            case "agent" | "stack" | "parent" | "location" | "model" | "firmware" | "cursor":
                setattr(query, name, value)
            case _:
                raise Invalid(f"Devices can't be asked for by {name}.", code="invalid_argument", field=name)
    return query


def _kinds(value: str) -> frozenset[str]:
    kinds: set[str] = set()
    for word in value.split(","):
        kinds.update(PRO_AUDIO if word == "pro_audio" else (word,))
    return _checked("kind", ",".join(kinds), frozenset(map(str, Kind)))


def _checked(name: str, value: str, allowed: frozenset[str]) -> frozenset[str]:
    words = frozenset(value.split(","))
    if words - allowed:
        raise Invalid(
            f"{name} is one of: {', '.join(sorted(allowed))}.",
            code="invalid_argument",
            field=name,
            allowed=sorted(allowed),
        )
    return words


def _number(value: str) -> int:
    if not value.isascii() or not value.isdecimal() or len(value) > 9:
        raise Invalid("The limit is a number.", code="invalid_argument", field="limit")
    return int(value)


def matches(memory: Memory, query: DeviceQuery, scope: Scope, device: DeviceState) -> bool:
    """Whether one device is among what `select` finds."""
    record = device.record
    if record is None or not (scope.everything or scope.device(device)):
        return False
    if query.kind and record.kind not in query.kind:
        return False
    if query.status and counted_as(device) not in query.status:
        return False
    if query.site and device.site.id not in query.site:
        return False
    if query.agent and (device.site.agent is None or device.site.agent.id != query.agent):
        return False
    if (query.stack and record.stack != query.stack) or (query.parent and record.parent != query.parent):
        return False
    if (query.model and record.model != query.model) or (query.firmware and record.firmware_version != query.firmware):
        return False
    if query.location and not at(memory, query.location, device):
        return False
    words = search_text(memory, device) if query.words else ""
    return all(needle in words for needle in needles(query.words))


def at(memory: Memory, location: str, device: DeviceState) -> bool:
    """Whether it is at that place or below it."""
    if location == NO_PLACE:
        return not device.place
    return memory.places.tree.is_under(device.place, location)


def place_text(memory: Memory, device: DeviceState) -> str:
    return text(memory.places.tree.path(device.place))


def counted_as(device: DeviceState) -> str:
    """Its status as shown, or that it restarts as asked: the word it is counted under is the one it is found by."""
    if not device.site.up:
        return "unknown"
    return rules.RESTARTING if device.restarts else device.status


def needles(words: Iterable[str]) -> list[str]:
    """What a search text must hold. It has every part without separators too, so a word without its own is in it whenever the word is."""
    return [rules.plain(word) or word for word in words]


def search_text(memory: Memory, device: DeviceState) -> str:
    if device.search is None:
        record = device.record
        assert record is not None
        address, _ = views.endpoint(memory, device)
        words = (
            record.name,
            record.serial_number,
            address,
            record.mac,
            record.model,
            device.site.name,
            place_text(memory, device),
        )
        device.search = rules.searchable((*words, *record.former_addresses, *record.boxes))
    return device.search


def ready(memory: Memory) -> None:
    """All that lists and searches need, made at a time when nobody waits for it: over 100,000 devices it takes a second."""
    for name in ORDERS:
        ordered(memory, name)
    worded(memory)
    for site in memory.sites.values():
        site_text(site)


def ordered(memory: Memory, name: str) -> list[DeviceState]:
    """All listed devices in one of ORDERS; not to be changed."""
    order = memory.orders.get(name)
    if order is None:
        order = memory.orders[name] = Order(partial(ORDERS[name], memory))
    return order.devices(memory.devices.values())


def worded(memory: Memory, most: int | None = None) -> None:
    """Every listed device has its search text afterwards, or so many more."""
    waiting = memory.unsearched
    for _ in range(len(waiting) if most is None else min(most, len(waiting))):
        search_text(memory, waiting.pop())


def site_text(site: SiteState) -> str:
    """All its devices' search texts: what is not in here, none of them has. Two thousand of these are read in a third of the time
    that a hundred thousand small ones take."""
    if site.search is None:
        site.search = "\n".join(device.search or "" for device in site.devices.values())
    return site.search


def candidates(memory: Memory, query: DeviceQuery) -> Iterable[DeviceState]:
    """Listed devices among which all matches are: the one stack's or box's, or those of the sites that can have one."""
    if query.parent or query.stack:
        ids = memory.children.get(query.parent, ()) if query.parent else memory.members.get(query.stack, ())
        return [memory.devices[id] for id in ids]
    if query.location:
        places = (
            [""] if query.location == NO_PLACE else [place.id for place in memory.places.tree.under(query.location)]
        )
        return [device for place in places for device in memory.at.get(place, ())]
    if query.status and query.status <= AWAY:
        return list(memory.troubled.values())
    sites = _sites(memory, query)
    if query.words:
        worded(memory)
        wanted = needles(query.words)
        sites = [site for site in sites if all(needle in site_text(site) for needle in wanted)]
    return chain.from_iterable(site.devices.values() for site in sites)


def at_address(memory: Memory, address: str, scope: Scope) -> list[DeviceState]:
    """Those at exactly this address now, boxes and peripherals behind it too. A hundred thousand devices are narrowed by the words of
    their sites first, as a search is."""
    worded(memory)
    return [
        device
        for site in memory.sites.values()
        if address in site_text(site)
        for device in site.devices.values()
        if device.search is not None
        and address in device.search
        and views.endpoint(memory, device)[0] == address
        and (scope.everything or scope.device(device))
    ]


def _sites(memory: Memory, query: DeviceQuery) -> list[SiteState]:
    """Those the query lets devices be of."""
    sites = list(memory.sites.values())
    if query.site:
        sites = [memory.sites[id] for id in query.site if id in memory.sites]
    if query.agent:
        sites = [site for site in sites if site.agent is not None and site.agent.id == query.agent]
    return sites


def counted(memory: Memory, query: DeviceQuery, scope: Scope) -> int | None:
    """How many match, where the counts that are kept say so; None when devices must be looked at."""
    looked_at = query.stack or query.parent or query.location or query.model or query.firmware or query.words
    if looked_at or query.site or query.agent:
        return None
    return sum(
        n
        for kind, counts in scope.counts(memory).items()
        if not query.kind or kind in query.kind
        for status, n in counts.items()
        if not query.status or status in query.status
    )


def matching(memory: Memory, query: DeviceQuery, scope: Scope, devices: Iterable[DeviceState]) -> list[DeviceState]:
    """Those of `devices` (all listed) that `matches` says true of. One filter after the other over what the one before left: so a
    hundred thousand devices can be asked in a few milliseconds."""
    found = scope.among(devices)
    if query.location:
        found = [device for device in found if at(memory, query.location, device)]
    if query.site or query.agent:
        sites = {site.id for site in _sites(memory, query)}
        found = [device for device in found if device.site.id in sites]
    for name in ("kind", "stack", "parent", "model", "firmware"):
        if wanted := getattr(query, name):
            found = _having(found, RECORD_FIELDS[name], wanted)
    if query.status:
        found = [device for device in found if counted_as(device) in query.status]
    return _holding(memory, found, needles(query.words)) if query.words else found


def _holding(memory: Memory, devices: list[DeviceState], wanted: list[str]) -> list[DeviceState]:
    """Those with all of this in their search text. What some of them show to be rare is looked for first: little is left then."""
    worded(memory)
    some = devices[:: len(devices) // SAMPLE + 1]
    for needle in sorted(wanted, key=lambda needle: sum(needle in search_text(memory, device) for device in some)):
        devices = [device for device in devices if needle in device.search]  # type: ignore[operator]
    return devices


RECORD_FIELDS = {
    name: attrgetter(f"record.{field}")
    for name, field in (
        ("kind", "kind"), ("stack", "stack"), ("parent", "parent"), ("model", "model"), ("firmware", "firmware_version")
    )
}  # fmt: skip


def _having(
    devices: list[DeviceState], field_of: Callable[[DeviceState], str], wanted: str | frozenset[str]
) -> list[DeviceState]:
    if isinstance(wanted, str):
        return [device for device in devices if field_of(device) == wanted]
    return [device for device in devices if field_of(device) in wanted]


def every(memory: Memory, query: DeviceQuery, scope: Scope) -> list[DeviceState]:
    """All that match, in the order that was asked for, upward."""
    name, found = query.order.removeprefix("-"), matching(memory, query, scope, candidates(memory, query))
    if len(found) * FEW <= len(memory.devices):
        return by_place(found, partial(ORDERS[name], memory))
    wanted = set(found)
    return [device for device in ordered(memory, name) if device in wanted]


def select(memory: Memory, query: DeviceQuery, scope: Scope) -> Page:
    name, descending = query.order.removeprefix("-"), query.order.startswith("-")
    key = partial(ORDERS[name], memory)
    place = _place(query, int if name in ("status", "since") else str) if query.cursor else None
    total = counted(memory, query, scope)
    if total is None or (query.status and query.status <= AWAY):
        found = every(memory, query, scope)
        total, onward = len(found), _beyond(found, key, place, descending)
    else:
        onward = _beyond(ordered(memory, name), key, place, descending) if total else iter(())
        if query.kind or query.status or not scope.everything:
            onward = chain.from_iterable(matching(memory, query, scope, some) for some in _portions(onward))
    page = list(islice(onward, query.limit + 1))
    more = len(page) > query.limit
    page = page[: query.limit]
    next_one = pages.cursor(query.order, key(page[-1]), page[-1].id) if more else None
    return Page(page, total, next_one)


def _portions(devices: Iterator[DeviceState]) -> Iterator[list[DeviceState]]:
    """Ever larger ones: a page is mostly full after the first, and where all that match lie together far on, all are gone through at
    the speed of lists."""
    size = 256
    while some := list(islice(devices, size)):
        yield some
        size = min(2 * size, 16_384)


def _beyond(
    devices: list[DeviceState], key: Callable[[DeviceState], Key], place: Place | None, descending: bool
) -> Iterator[DeviceState]:
    """From the place on, in the direction that was asked for."""
    if descending:
        end = len(devices) if place is None else before(devices, key, place)
        return (devices[index] for index in range(end - 1, -1, -1))
    start = 0 if place is None else after(devices, key, place)
    return islice(devices, start, None)


def _place(query: DeviceQuery, kind: type) -> Place:
    assert query.cursor is not None
    order, key, id = pages.place(query.cursor, str, kind, str)
    if order != query.order:
        raise Invalid(
            "This cursor belongs to another order; begin again without it.", code="invalid_cursor", field="cursor"
        )
    return key, str(id)
