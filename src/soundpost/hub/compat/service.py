"""The pro audio devices as existing clients ask for them, and where they may ask."""

from typing import Annotated

import msgspec
from msgspec import Struct

from soundpost.device.model import Kind
from soundpost.hub.compat import rules
from soundpost.hub.compat.rules import AvDevice, AvDevices, WholeDevice
from soundpost.hub.inventory import query
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.inventory.state import DeviceState
from soundpost.hub.people.rules import Principal
from soundpost.kernel.errors import Forbidden, NotFound
from soundpost.kernel.shape import one_of

STATES = ("listening", "off", "failed")
KINDS = (Kind.MIXER, Kind.MICROPHONE, Kind.EXPANDER, Kind.STACK)
"""In this order where several answer at one address: the client takes the first."""
MOST = "100"
READ = frozenset({"open", "see"})


class Listener(Struct):
    """Where existing clients are answered. `failed`: the hub runs without it, `code` and `text` say why. `beyond`: other machines reach
    it. `sources` empty: whoever reaches it may ask."""

    state: Annotated[str, one_of(STATES)] = "off"
    host: str = ""
    port: int = 0
    url: str | None = None
    beyond: bool = False
    sources: list[str] = []
    code: str = ""
    text: str = ""


class Compat:
    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self.listener = Listener()
        """Kept true by the edition that listens."""

    def search(self, words: str, reader: Principal) -> AvDevices:
        """By address first of all, and then nothing but that address: what else could match would be another device than the one the
        client asks for. Other words find what the Pro Audio list finds."""
        allowed = self._inventory.scope(readers(reader))
        address = rules.address(words)
        if address is None:
            asked = {"q": words, "kind": ",".join(KINDS[:-1]), "limit": MOST}
            return AvDevices([self._item(device) for device in self._inventory.select(asked, allowed).devices])
        found = [
            device
            for device in self._inventory.at_address(address, allowed)
            if device.record and device.record.kind in KINDS
        ]
        return AvDevices([self._item(device) for device in sorted(found, key=_first)])

    def one(self, id: str, reader: Principal) -> WholeDevice:
        """Raises NotFound, also for what this reader may not see."""
        device = self._inventory.find(id, self._inventory.scope(readers(reader)))
        if device.record is None or device.record.kind not in KINDS:
            raise NotFound("There is no such device.", id=id)
        return WholeDevice(*self._values(device), partNumber=rules.cut(device.record.part_number))

    def _item(self, device: DeviceState) -> AvDevice:
        return AvDevice(*self._values(device))

    def _values(self, device: DeviceState) -> tuple[str, str, str, str, bool, bool, str, str]:
        """The status is the word it is counted under: away because somebody asked for it is not offline."""
        item = self._inventory.item(device)
        now_ms = self._inventory.clock.now_ms()
        since_ms = self._inventory.since_ms(item.id)
        return (
            item.id,
            rules.cut(item.model),
            rules.cut(item.serial_number),
            rules.cut(item.firmware_version),
            False,  # until there is a library of firmware to compare with
            item.locate is True,
            rules.relative(query.counted_as(device), since_ms or now_ms, now_ms),
            rules.cut(item.location.path if item.location else item.site.name),
        )


def readers(principal: Principal) -> Principal:
    """Whatever a key may do, here it reads."""
    if principal.held_back:
        raise Forbidden("A second factor is demanded of this key's person first.", code="second_factor_needed")
    return msgspec.structs.replace(principal, rights=principal.rights & READ)


def _first(device: DeviceState) -> tuple[bool, bool, int, int, int, str]:
    """A stack, which has no serial, after its boxes; whoever has the address itself before those behind it; boxes in their order."""
    record = device.record
    assert record is not None
    kind = Kind(record.kind)
    order = KINDS.index(kind), record.box_number, record.position
    return (kind is Kind.STACK, not record.address, *order, device.id)
