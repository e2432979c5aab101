"""Devices kept in an order, so that a page needs no sorting. Nothing here waits, and nothing is compared until somebody asks."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

from soundpost.hub.inventory.state import DeviceState

Key = str | int
Place = tuple[Any, str]
"""A key and a device's id: no two devices have the same place."""
MOVED_MOST = 1_000
"""Putting so many devices in their new places one by one takes as long as sorting 100,000 anew."""


class Order:
    """All listed devices by `key`, then id. Keys are asked for when devices are compared, never kept: whoever changes what a key is
    made of says `moved`, else the order is wrong from then on."""

    __slots__ = ("_devices", "_moved", "_place", "_stale", "key")

    def __init__(self, key: Callable[[DeviceState], Key]) -> None:
        self.key = key
        self._place: Callable[[DeviceState], Place] = lambda device: (key(device), device.id)
        self._devices: list[DeviceState] = []
        self._moved: set[DeviceState] = set()
        self._stale = True

    def moved(self, device: DeviceState) -> None:
        """Its key may have changed, or it is new."""
        if self._stale:
            return
        self._moved.add(device)
        if len(self._moved) > MOVED_MOST:
            self._stale = True
            self._moved = set()

    def devices(self, known: Iterable[DeviceState]) -> list[DeviceState]:
        """In order; not to be changed. `known`: all devices, listed or not."""
        if self._stale:
            self._devices = by_place([device for device in known if device.record is not None], self.key)
            self._stale = False
        elif self._moved:
            moved, self._moved = self._moved, set()
            # The list is a new one: a reader may still hold the old one.
            self._devices = [device for device in self._devices if device not in moved]
            for device in moved:
                insort(self._devices, device, key=self._place)
        return self._devices


def by_place(devices: list[DeviceState], key: Callable[[DeviceState], Key]) -> list[DeviceState]:
    """Two stable sorts over plain keys are several times faster than one over pairs."""
    return sorted(sorted(devices, key=attrgetter("id")), key=key)


def after(devices: list[DeviceState], key: Callable[[DeviceState], Key], place: Place) -> int:
    """Where those beyond a place begin."""
    return bisect_right(devices, place, key=lambda device: (key(device), device.id))


def before(devices: list[DeviceState], key: Callable[[DeviceState], Key], place: Place) -> int:
    """Where those not below a place begin."""
    return bisect_left(devices, place, key=lambda device: (key(device), device.id))
