"""What is true now, in memory: devices by id, their points as arrays, and how far each group was read.

Listeners are told at once and synchronously, in the event loop; they must return at once. A reading that says nothing new
costs one lookup and one comparison: no object is made and nobody is told.
"""

from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Final

from soundpost.device.contract import PointReading
from soundpost.device.model import GROUPS, Descriptor, Device, Quality, Value
from soundpost.kernel.shared import Shared
from soundpost.link.envelope import Change, ScanState
from soundpost.link.events import DeviceStatus

UNREAD: Final[Any] = object()
GOOD: Final = str(Quality.GOOD)
BY_DEVICE: Final = "device"
GROUP_INDEX: Final = {str(group): number for number, group in enumerate(GROUPS)}
QUALITIES: Final = (GOOD, str(Quality.ERROR), str(Quality.UNSUPPORTED))
"""What a reading can be; a shelf keeps the place here."""
IS_GOOD, IS_ERROR, IS_UNSUPPORTED = range(len(QUALITIES))


class Schema:
    """Descriptors shared by all devices that have the same ones."""

    __slots__ = ("descriptors", "index")

    def __init__(self, descriptors: tuple[Descriptor, ...]) -> None:
        self.descriptors = descriptors
        self.index = {descriptor.key: place for place, descriptor in enumerate(descriptors)}


class Words(dict[int, str]):
    """By place: what hardly any point has. "" where there is none, and nothing is kept for it."""

    __slots__ = ()

    def __missing__(self, place: int) -> str:
        return ""

    def put(self, place: int, word: str) -> None:
        if word:
            self[place] = word
        else:
            self.pop(place, None)


class Shelf:
    """One device's live state, in columns over its schema. `values[i]` is UNREAD until the point was read; `times` are the
    agent's clock at a change; `quality[i]` is a place in QUALITIES. `read_ms` per group of device.model.GROUPS: all its points
    were read until then (T11)."""

    __slots__ = ("device", "origins", "quality", "read_ms", "schema", "status", "texts", "times", "values")

    def __init__(self, device: Device, schema: Schema) -> None:
        self.device = device
        self.status: DeviceStatus | None = None
        self.read_ms = array("q", bytes(8 * len(GROUPS)))
        self._empty(schema)

    def _empty(self, schema: Schema) -> None:
        size = len(schema.descriptors)
        self.schema = schema
        self.values: list[Any] = [UNREAD] * size
        self.times = array("q", bytes(8 * size))
        self.quality = bytearray(size)
        self.origins = Words()
        self.texts = Words()

    def reshape(self, schema: Schema) -> None:
        """Other points now: what both shapes have is kept."""
        before, values, times, quality = self.schema, self.values, self.times, self.quality
        origins, texts = self.origins, self.texts
        self._empty(schema)
        for key, place in schema.index.items():
            old = before.index.get(key)
            if old is not None:
                self.values[place], self.times[place], self.quality[place] = values[old], times[old], quality[old]
                self.origins.put(place, origins[old])
                self.texts.put(place, texts[old])

    def value(self, key: str) -> Value | None:
        """None also while it was never read."""
        place = self.schema.index.get(key)
        found = UNREAD if place is None else self.values[place]
        return None if found is UNREAD else found

    def change(self, ref: int, place: int) -> Change:
        return Change(
            ref,
            place,
            self.values[place],
            self.times[place],
            QUALITIES[self.quality[place]],
            self.origins.get(place, ""),
            self.texts.get(place, ""),
        )

    def was_read(self) -> list[int]:
        return [place for place, value in enumerate(self.values) if value is not UNREAD]


class Listener:
    """What the board tells; override what is wanted."""

    def declared(self, shelf: Shelf) -> None:
        """The device is new, its record or its points are others now."""

    def gone(self, shelf: Shelf) -> None: ...

    def changed(self, shelf: Shelf, places: Sequence[int]) -> None: ...

    def read(self, shelf: Shelf, group: int) -> None: ...

    def status(self, shelf: Shelf) -> None: ...

    def scan(self, state: ScanState) -> None: ...


class Board:
    def __init__(self) -> None:
        self.shelves: dict[str, Shelf] = {}
        self.scan_state = ScanState([])
        self._schemas: dict[tuple[Descriptor, ...], Schema] = {}
        self._by_tuple: dict[int, Schema] = {}
        """The same by the id of their descriptors: hashing some hundred descriptors each time costs a millisecond."""
        self._shared = Shared()
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def unlisten(self, listener: Listener) -> None:
        self._listeners.remove(listener)

    def schema(self, descriptors: Iterable[Descriptor]) -> Schema:
        key = tuple(descriptors)
        found = self._by_tuple.get(id(key))
        if found is None:
            found = self._schemas.get(key)
            if found is None:
                found = self._schemas[key] = Schema(key)
                self._by_tuple[id(key)] = found
        return found

    def declare(self, device: Device, descriptors: Sequence[Descriptor]) -> Shelf:
        """Adds the device or replaces its record; values of points it keeps stay."""
        schema = self.schema(descriptors)
        shelf = self.shelves.get(device.id)
        if shelf is None:
            shelf = self.shelves[device.id] = Shelf(device, schema)
        elif shelf.schema is not schema:
            shelf.reshape(schema)
        shelf.device = device
        for listener in self._listeners:
            listener.declared(shelf)
        return shelf

    def rename(self, old: str, new: str) -> None:
        """The device has another id from now on; its values stay. Declare it next."""
        shelf = self.shelves.pop(old, None)
        if shelf is not None:
            self.shelves[new] = shelf

    def remove(self, key: str) -> None:
        shelf = self.shelves.pop(key, None)
        if shelf is not None:
            for listener in self._listeners:
                listener.gone(shelf)

    def value(self, device: str, key: str) -> Value | None:
        """None as well where there is no such device or point."""
        shelf = self.shelves.get(device)
        return shelf.value(key) if shelf is not None else None

    def observe(self, shelf: Shelf, readings: Sequence[PointReading], now_ms: int, origin: str = "") -> None:
        """`origin`: the command that caused them, if one did; else a changed writable point was changed at the device."""
        index, values, quality = shelf.schema.index, shelf.values, shelf.quality
        places: list[int] | None = None
        for reading in readings:
            place = index.get(reading.key)
            if place is None:
                continue
            if values[place] == reading.value and not quality[place] and not reading.error:
                continue
            if self._take(shelf, place, reading, now_ms, origin):
                if places is None:
                    places = [place]
                else:
                    places.append(place)
        if places is not None:
            for listener in self._listeners:
                listener.changed(shelf, places)

    def _take(self, shelf: Shelf, place: int, reading: PointReading, now_ms: int, origin: str) -> bool:
        quality = _quality(reading)
        before = shelf.values[place]
        same = before is not UNREAD and before == reading.value and shelf.quality[place] == quality
        if same and shelf.texts.get(place, "") == reading.error:
            return False
        shelf.origins.put(place, _origin(shelf, place, before, quality, origin))
        shelf.values[place] = self._shared(reading.value)
        shelf.quality[place] = quality
        shelf.texts.put(place, self._shared(reading.error))
        shelf.times[place] = now_ms
        return True

    def covered(self, shelf: Shelf, group: str, now_ms: int) -> None:
        number = GROUP_INDEX.get(group)
        if number is None:
            return
        shelf.read_ms[number] = now_ms
        for listener in self._listeners:
            listener.read(shelf, number)

    def tell_status(self, shelf: Shelf, status: DeviceStatus) -> None:
        shelf.status = status
        for listener in self._listeners:
            listener.status(shelf)

    def tell_scan(self, state: ScanState) -> None:
        self.scan_state = state
        for listener in self._listeners:
            listener.scan(state)


def _quality(reading: PointReading) -> int:
    if reading.unsupported:
        return IS_UNSUPPORTED
    return IS_ERROR if reading.error else IS_GOOD


def _origin(shelf: Shelf, place: int, before: Any, quality: int, origin: str) -> str:
    if origin:
        return origin
    known = before is not UNREAD and shelf.quality[place] == quality == IS_GOOD
    return BY_DEVICE if known and shelf.schema.descriptors[place].writable else ""
