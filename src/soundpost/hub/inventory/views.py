"""What people and programs are told of devices: the shapes of docs/protocol/api.md, made from memory and the time."""

from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Struct

from soundpost.device.contract import Periods
from soundpost.device.model import GROUPS, Kind, PointType, Quality, Reason, Status, Support
from soundpost.hub.agents.items import AgentRef, ReasonView, SiteRef, reason_view
from soundpost.hub.inventory import rules
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.inventory.state import DeviceState, Found, SiteState
from soundpost.hub.locations.tree import text
from soundpost.hub.store import Event
from soundpost.kernel.clock import rfc3339
from soundpost.kernel.shape import one_of

Scalar = bool | int | float | str
NameOf = Callable[[str], str]
StatusWord = Annotated[str, one_of(Status)]
QualityWord = Annotated[str, one_of(Quality)]
LAST_WORDS = {rules.GOOD: "good", rules.ERROR: "error", rules.UNSUPPORTED: "unsupported"}


class LocationRef(Struct):
    """`path` from the uppermost place down; `by`: a person's hand, a rule, or what the device hangs from."""

    id: str
    name: str
    path: str
    zone: str
    by: Annotated[str, one_of(("hand", "rule", "inherited"))]


class DeviceItem(Struct, kw_only=True):
    id: str
    kind: Annotated[str, one_of(Kind)]
    model: str
    name: str
    serial_number: str
    part_number: str
    firmware_version: str
    address: str
    port: int
    mac: str
    status: StatusWord
    since: str | None
    reason: ReasonView | None
    was: StatusWord | None
    site: SiteRef
    agent: AgentRef | None
    stack: str | None
    parent: str | None
    box_number: int
    position: int
    boxes: list[str]
    location: LocationRef | None
    locate: bool | None
    age_s: float | None
    provisional: bool
    capabilities: dict[str, Annotated[str, one_of(Support)]]
    assumed: list[str]
    former_addresses: list[str]
    first_seen: str | None
    children: int


class CommandOrigin(Struct):
    command: str
    person: str


class PointItem(Struct, kw_only=True):
    key: str
    label: str
    type: Annotated[str, one_of(PointType)]
    value: Scalar | None
    unit: str
    time: str | None
    age_s: float | None
    quality: QualityWord
    text: str
    writable: bool
    assumed: bool
    minimum: float | None
    maximum: float | None
    step: float | None
    group: Annotated[str, one_of(GROUPS)]
    origin: Annotated[str, one_of(("device",))] | CommandOrigin | None
    changed: str | None


class Remedy(Struct):
    code: str
    text: str


class FoundItem(Struct, kw_only=True):
    id: str
    site: SiteRef
    address: str
    port: int
    family: str
    reason: ReasonView
    time: str | None
    remedy: Remedy
    serials: list[str]


class EventItem(Struct, kw_only=True):
    id: int
    time: str
    received: str
    type: str
    site: str | None
    device: str | None
    data: dict[str, Any]


REMEDIES = {
    "sign_in_refused": Remedy("give_credentials", "Give the server credentials that fit this device."),
    "duplicate_serial": Remedy(
        "check_serials", "Find out which of the two is meant, and take the other one off the network."
    ),
    "not_known": Remedy("report", "Add it by hand, or ask for a driver for this device."),
    "asks": Remedy("list", "List it, if it is one of yours."),
}


def when(ms: int) -> str | None:
    return rfc3339(ms) if ms else None


def age_s(ms: int, now_ms: int) -> float | None:
    return round(max(now_ms - ms, 0) / 1000, 3) if ms else None


def site_ref(site: SiteState) -> SiteRef:
    return SiteRef(site.id, site.name, site.zone)


def agent_ref(site: SiteState) -> AgentRef | None:
    agent = site.agent
    return AgentRef(agent.id, agent.name, rules.agent_state(site.link.state, agent.state)) if agent else None


def location_ref(memory: Memory, device: DeviceState) -> LocationRef | None:
    tree = memory.places.tree
    path = tree.path(device.place)
    if not path:
        return None
    zone = tree.inherited(device.place, "zone") or device.site.zone
    return LocationRef(path[-1].id, path[-1].name, text(path), zone, device.placed_by)


def shown(device: DeviceState) -> rules.Shown:
    since = device.since_ms or device.first_seen_ms
    return rules.shown(device.status, since, device.reason, lost=device.site.lost())


def endpoint(memory: Memory, device: DeviceState) -> tuple[str, int]:
    """A box or peripheral without an address of its own answers at its stack's."""
    record = device.record
    assert record is not None
    if record.address or not record.stack:
        return record.address, record.port
    stack = memory.devices.get(record.stack)
    return (stack.record.address, stack.record.port) if stack and stack.record else ("", 0)


def heard_ms(memory: Memory, device: DeviceState, now_ms: int) -> int:
    """When this device was last heard. A stack is heard through each of its boxes, whatever values it has of its own; a peripheral
    without values through its box."""
    stack = device.record is not None and device.record.kind == Kind.STACK
    if device.record is None or (device.values and not stack):
        return device.heard_ms(now_ms)
    through = memory.members.get(device.id, ()) if stack else (device.record.parent,)
    speakers = [memory.devices[id] for id in through if id in memory.devices]
    return max([device.heard_ms(now_ms), *(one.heard_ms(now_ms) for one in speakers)])


def device_item(memory: Memory, device: DeviceState, now_ms: int) -> DeviceItem:
    record = device.record
    assert record is not None
    address, port = endpoint(memory, device)
    status = shown(device)
    locate = device.values[device.schema.locate] if device.schema.locate >= 0 else None
    return DeviceItem(
        id=device.id,
        kind=record.kind,
        model=record.model,
        name=record.name,
        serial_number=record.serial_number,
        part_number=record.part_number,
        firmware_version=record.firmware_version,
        address=address,
        port=port,
        mac=record.mac,
        status=status.status,
        since=when(status.since_ms),
        reason=reason_view(status.reason),
        was=status.was,
        site=site_ref(device.site),
        agent=agent_ref(device.site),
        stack=record.stack or None,
        parent=record.parent or None,
        box_number=record.box_number,
        position=record.position,
        boxes=record.boxes,
        location=location_ref(memory, device),
        locate=locate if isinstance(locate, bool) else None,
        age_s=age_s(heard_ms(memory, device, now_ms), now_ms),
        provisional=not record.serial_number and not record.boxes,
        capabilities=record.capabilities,
        assumed=record.assumed,
        former_addresses=record.former_addresses,
        first_seen=when(device.first_seen_ms),
        children=len(memory.children.get(device.id, ())),
    )


def point_quality(device: DeviceState, index: int, now_ms: int, periods: Periods) -> str:
    return rules.quality(
        device.codes[index],
        link_up=device.site.up,
        status=device.status,
        reason=device.reason.code if device.reason else "",
        read_ms=device.read_ms(index, now_ms),
        now_ms=now_ms,
        old_after=rules.old_after_ms(device.schema.groups[index], periods),
    )


def origin_view(origin: str, name_of: NameOf) -> str | CommandOrigin | None:
    if origin in ("", "device"):
        return origin or None
    return CommandOrigin(origin, name_of(origin))


def point_item(device: DeviceState, index: int, now_ms: int, periods: Periods, name_of: NameOf) -> PointItem:
    point = device.schema.descriptors[index]
    read = device.read_ms(index, now_ms)
    return PointItem(
        key=point.key,
        label=point.label,
        type=point.type,
        value=device.values[index],
        unit=point.unit,
        time=when(read),
        age_s=age_s(read, now_ms),
        quality=point_quality(device, index, now_ms, periods),
        text=device.texts.get(index, ""),
        writable=point.writable,
        assumed=point.assumed,
        minimum=point.minimum,
        maximum=point.maximum,
        step=point.step,
        group=GROUPS[device.schema.groups[index]],
        origin=origin_view(device.origins.get(index, ""), name_of),
        changed=when(device.times[index]),
    )


def found_item(memory: Memory, entry: Found) -> FoundItem:
    return FoundItem(
        id=entry.shown_id,
        site=site_ref(memory.site(entry.site)),
        address=entry.address,
        port=entry.port,
        family=entry.family,
        reason=ReasonView(entry.reason.code, entry.reason.params, entry.reason.text),
        time=when(entry.time_ms),
        remedy=REMEDIES.get(entry.reason.code, REMEDIES["not_known"]),
        serials=entry.serials,
    )


def duplicate(memory: Memory, other: DeviceState, known: DeviceState) -> Found:
    """The same serial at two sites: a conflict that is shown, never merged (T3)."""
    record = other.record
    assert record is not None
    address, port = endpoint(memory, other)
    text = f"The serial {record.serial_number} is known at the site {known.site.name} too; one of the two is not what it says."
    params: dict[str, str | int | float] = {"serial": record.serial_number, "site": known.site.name, "device": known.id}
    return Found(
        site=other.site.id,
        id=other.id,
        address=address,
        port=port,
        family=record.family,
        reason=Reason("duplicate_serial", text, params),
        serials=[record.serial_number],
        time_ms=other.first_seen_ms,
    )


def event_item(event: Event) -> EventItem:
    return EventItem(
        id=event.id,
        time=rfc3339(event.time_ms),
        received=rfc3339(event.received_ms),
        type=event.type,
        site=event.site or None,
        device=event.device or None,
        data=event.data,
    )
