"""Asking memory for devices: filters, search, order and pages. Nothing here waits or reads a clock."""

import heapq
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from soundpost.device.model import Kind, Status
from soundpost.hub.inventory import rules, views
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.inventory.scope import Scope
from soundpost.hub.inventory.state import DeviceState
from soundpost.hub.store import pages
from soundpost.kernel.errors import Invalid

PRO_AUDIO = ("stack", "mixer", "microphone", "expander")
SEVERITY = {Status.OFFLINE: 0, Status.DEGRADED: 1, Status.UNKNOWN: 2, Status.ONLINE: 3}
Key = str | int


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
    "status": lambda _memory, device: SEVERITY[Status(views.shown(device).status)],
    "since": lambda _memory, device: views.shown(device).since_ms,
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
                query.status = _checked(name, value, frozenset(map(str, Status)))
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
    record = device.record
    if record is None or not (scope.everything or scope.device(device)):
        return False
    if query.kind and record.kind not in query.kind:
        return False
    if query.status and (device.status if device.site.up else "unknown") not in query.status:
        return False
    if query.site and device.site.id not in query.site:
        return False
    if query.agent and (device.site.agent is None or device.site.agent.id != query.agent):
        return False
    if (query.stack and record.stack != query.stack) or (query.parent and record.parent != query.parent):
        return False
    if (query.model and record.model != query.model) or (query.firmware and record.firmware_version != query.firmware):
        return False
    if query.location:  # devices hang in no place yet
        return False
    return not query.words or _found(query.words, search_text(memory, device))


def _found(words: Iterable[str], text: str) -> bool:
    return all(word in text or ((bare := rules.plain(word)) != "" and bare in text) for word in words)


def search_text(memory: Memory, device: DeviceState) -> str:
    if device.search is None:
        record = device.record
        assert record is not None
        address, _ = views.endpoint(memory, device)
        words = (record.name, record.serial_number, address, record.mac, record.model, device.site.name)
        device.search = rules.searchable((*words, *record.former_addresses, *record.boxes))
    return device.search


def candidates(memory: Memory, query: DeviceQuery) -> Iterable[DeviceState]:
    """The smallest set at hand that holds all matches."""
    if query.parent or query.stack:
        ids = memory.children.get(query.parent, ()) if query.parent else memory.members.get(query.stack, ())
        return [memory.devices[id] for id in ids]
    if len(query.site) == 1:
        site = memory.sites.get(next(iter(query.site)))
        return site.devices.values() if site else ()
    return memory.devices.values()


def select(memory: Memory, query: DeviceQuery, scope: Scope) -> Page:
    found = [device for device in candidates(memory, query) if matches(memory, query, scope, device)]
    name = query.order.removeprefix("-")
    key_of, descending = ORDERS[name], query.order.startswith("-")
    keyed: list[tuple[Any, str]] = [(key_of(memory, device), device.id) for device in found]
    if query.cursor:
        place = _place(query, int if name in ("status", "since") else str)
        keyed = [key for key in keyed if (key < place if descending else key > place)]
    wanted = heapq.nlargest if descending else heapq.nsmallest
    page = wanted(query.limit + 1, keyed)
    more = len(page) > query.limit
    page = page[: query.limit]
    onward = pages.cursor(query.order, *page[-1]) if more else None
    return Page([memory.devices[id] for _, id in page], len(found), onward)


def _place(query: DeviceQuery, kind: type) -> tuple[Any, str]:
    assert query.cursor is not None
    order, key, id = pages.place(query.cursor, str, kind, str)
    if order != query.order:
        raise Invalid(
            "This cursor belongs to another order; begin again without it.", code="invalid_cursor", field="cursor"
        )
    return key, str(id)
