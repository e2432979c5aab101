"""Which device a part is: identities to ids and records (contracts.md, device identity).

Box and peripheral = family and serial; without a serial, family, endpoint and the driver's word for the part, provisional
until a serial is known there. A stack = the set of its boxes' serials and survives while one remains. Ids are the agent's,
unless the disk or a hub already has one for that identity.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from soundpost.agent.memory import KnownDevice
from soundpost.device.contract import Part, Unit
from soundpost.device.model import Device, Endpoint, Kind
from soundpost.link.envelope import Known

K = TypeVar("K")
FIELDS = (
    "name", "model", "part_number", "firmware_version", "mac", "box_number", "position",
    "capabilities", "assumed", "serial_number", "kind",
)  # fmt: skip
"""What a record takes from a part; a part that leaves one empty keeps what was known."""


class Registry:
    def __init__(self, mint: Callable[[], str]) -> None:
        self._mint = mint
        self.known: dict[str, KnownDevice] = {}
        self._serials: dict[tuple[str, str], str] = {}
        self._stacks: dict[tuple[str, str], str] = {}
        self._held: dict[str, dict[tuple[str, str], None]] = {}
        """By device, the keys it was ever put under in its table of the two above: another may have taken one since."""
        self._members: dict[str, dict[str, None]] = {}
        """By stack, in the order they came."""
        self._places: dict[Endpoint, dict[str, None]] = {}
        """Stacks by where they are."""
        self._offered: dict[tuple[str, bool, str], Known] = {}

    # --- what is known

    def load(self, devices: Iterable[KnownDevice]) -> None:
        for known in devices:
            self.keep(known)

    def keep(self, known: KnownDevice) -> None:
        device = known.device
        before = self.known.get(device.id)
        if before is not None and before is not known:
            self._unplace(before.device)
        self.known[device.id] = known
        self._members.setdefault(device.stack or device.id, {})[device.id] = None
        if device.kind == Kind.STACK:
            self._places.setdefault(Endpoint(device.address, device.port), {})[device.id] = None
            for serial in device.boxes:
                self._hold(self._stacks, (device.family, serial), device.id)
        elif device.serial_number:
            self._hold(self._serials, (device.family, device.serial_number), device.id)

    def _hold(self, table: dict[tuple[str, str], str], serial: tuple[str, str], key: str) -> None:
        table[serial] = key
        self._held.setdefault(key, {})[serial] = None

    def forget(self, key: str) -> None:
        known = self.known.pop(key, None)
        if known is not None:
            self._unplace(known.device)
        for serial in self._held.pop(key, ()):
            for table in (self._serials, self._stacks):
                if table.get(serial) == key:
                    del table[serial]

    def _unplace(self, device: Device) -> None:
        _leave(self._members, device.stack or device.id, device.id)
        _leave(self._places, Endpoint(device.address, device.port), device.id)

    def offer(self, known: Iterable[Known]) -> None:
        """What a hub knows at this site: its ids are used for devices not yet known here."""
        for item in known:
            for serial in item.boxes if item.kind == Kind.STACK else [item.identity.serial]:
                if serial:
                    self._offered[item.identity.family, item.kind == Kind.STACK, serial] = item

    def stacks(self) -> Iterator[KnownDevice]:
        return (known for known in list(self.known.values()) if known.device.kind == Kind.STACK)

    def members(self, stack: str) -> list[KnownDevice]:
        """The stack itself first, then its boxes and peripherals."""
        own = self.known.get(stack)
        below = [self.known[key] for key in self._members.get(stack, ()) if key != stack]
        return below if own is None else [own, *below]

    def stack_of(self, family: str, serials: Iterable[str], endpoint: Endpoint) -> KnownDevice | None:
        """The known stack that has one of the serials; with none given, the provisional one at that endpoint."""
        wanted = list(serials)
        for serial in wanted:
            key = self._stacks.get((family, serial))
            if key is not None:
                return self.known[key]
        provisional = self.stack_at(family, endpoint)
        if provisional is not None and (not wanted or not provisional.device.boxes):
            return provisional
        return None

    def offered_stack(self, family: str, serials: Iterable[str]) -> bool:
        return any((family, True, serial) in self._offered for serial in serials)

    def stack_at(self, family: str, endpoint: Endpoint) -> KnownDevice | None:
        for key in self.at(endpoint):
            if self.known[key].device.family == family:
                return self.known[key]
        return None

    def at(self, endpoint: Endpoint) -> Iterable[str]:
        """Ids of the stacks known to answer there."""
        return self._places.get(endpoint, ())

    # --- what was read

    def stack_id(self, family: str, unit: Unit, endpoint: Endpoint) -> str:
        known = self.stack_of(family, sorted(unit.serials), endpoint)
        if known is not None:
            return known.device.id
        for serial in sorted(unit.serials):
            offered = self._offered.get((family, True, serial))
            if offered is not None and offered.id not in self.known:
                return offered.id
        return self._mint()

    def part_id(self, family: str, part: Part, stack: str) -> str:
        """The id of a box or peripheral behind that stack's line."""
        if part.serial_number:
            key = self._serials.get((family, part.serial_number))
            if key is not None:
                return key
            provisional = self._provisional(stack, part.part, part.box_number)
            if provisional is not None:
                return provisional
            offered = self._offered.get((family, False, part.serial_number))
            return offered.id if offered is not None else self._mint()
        return self._provisional(stack, part.part, part.box_number) or self._mint()

    def _provisional(self, stack: str, word: str, box_number: int) -> str | None:
        """A member of the stack without a serial that has that word, or is that box under another word."""
        for known in self.members(stack)[1:]:
            if known.device.serial_number:
                continue
            if known.part == word or (box_number and known.device.box_number == box_number):
                return known.device.id
        return None

    def generation(self, family: str, part: Part, unit: Unit) -> int:
        stack = part.kind == Kind.STACK
        for serial in sorted(unit.serials) if stack else [part.serial_number]:
            offered = self._offered.get((family, stack, serial))
            if offered is not None:
                return offered.generation
        return 1

    def revision(self, key: str) -> int:
        """The highest revision a hub has of that device, so that a record made anew is above it."""
        return max((item.revision for item in self._offered.values() if item.id == key), default=0)

    def adopt(self, known: Iterable[Known]) -> dict[str, str]:
        """A hub's ids for devices that got ids here while apart: {ours: the hub's}. The caller renames and saves."""
        self.offer(known)
        names: dict[str, str] = {}
        for item in known:
            table = self._stacks if item.kind == Kind.STACK else self._serials
            serials = item.boxes if item.kind == Kind.STACK else [item.identity.serial]
            for serial in serials:
                ours = table.get((item.identity.family, serial))
                if ours is not None and ours != item.id and item.id not in self.known:
                    names[ours] = item.id
        return names

    def rename(self, names: dict[str, str]) -> list[KnownDevice]:
        """Puts new ids into every record that names an old one; returns those that changed."""
        changed = []
        for key, known in list(self.known.items()):
            device = renamed(known.device, names)
            if device is not known.device:
                self.forget(key)
                known.device = device
                self.keep(known)
                changed.append(known)
        return changed


def _leave(table: dict[K, dict[str, None]], place: K, key: str) -> None:
    keys = table.get(place)
    if keys is not None:
        keys.pop(key, None)
        if not keys:
            del table[place]


def renamed(device: Device, names: dict[str, str]) -> Device:
    """The same object when no name in it changes."""
    if not {device.id, device.stack, device.parent} & names.keys():
        return device
    return msgspec.structs.replace(
        device,
        id=names.get(device.id, device.id),
        stack=names.get(device.stack, device.stack),
        parent=names.get(device.parent, device.parent),
    )


def merged(device: Device, part: Part) -> tuple[Device, list[str]]:
    """The record with what the part tells, one revision up, and the names of the fields that changed."""
    news = {name: value for name in FIELDS if (value := getattr(part, name)) and getattr(device, name) != value}
    if not news:
        return device, []
    return msgspec.structs.replace(device, revision=device.revision + 1, **news), list(news)
