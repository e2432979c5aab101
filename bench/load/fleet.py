"""What one played site consists of: stacks, each with a mixer and three microphones, and their points. Pure but for the ids."""

import random

from msgspec import Struct

from soundpost.device.model import Descriptor, Device, Identity, Kind, Reason, Status
from soundpost.kernel import ids
from soundpost.link import events
from soundpost.link.events import DeviceFound, DeviceStatus, Fact

FAMILY = "converge_pro2"
GROUP = (Kind.STACK, Kind.MIXER, Kind.MICROPHONE, Kind.MICROPHONE, Kind.MICROPHONE)
"""One stack and what hangs from it; a site has as many as fill its number of devices."""
SILENT = Reason("silent", "No answer: nothing was heard within 2 s.")
CITIES = ("Utrecht", "Leeds", "Porto", "Graz", "Lyon", "Bergen", "Turku", "Gdansk")
POINTS = (
    Descriptor("mic.101.level.gain", "number", "Gain", "dB", "levels", True, minimum=-65, maximum=20),
    Descriptor("mic.101.level.mute", "bool", "Mute", "", "levels", True),
    Descriptor("fader.101.level.gain", "number", "Fader gain", "dB", "levels", True, minimum=-65, maximum=20),
    Descriptor("fader.101.level.mute", "bool", "Fader mute", "", "levels", True),
    Descriptor("unit.temperature", "number", "Temperature", "Cel", "status"),
    Descriptor("unit.load", "number", "Load", "%", "status"),
    Descriptor("unit.uptime", "number", "Uptime", "s", "status"),
    Descriptor("unit.locate", "bool", "Locate", "", "status", True),
)
NUMBERS = (0, 2, 4, 5, 6)
"""Places of the points that take new numbers under load."""


class Site(Struct):
    """One agent's devices as it declares them; `values[ref][index]` is the last value it sent."""

    number: int
    devices: list[Device]
    values: list[dict[int, float]]

    def identities(self) -> list[Identity]:
        return [device.identity for device in self.devices]


def site(number: int, size: int, now_ms: int) -> Site:
    chance = random.Random(number)
    devices: list[Device] = []
    stack = mixer = ""
    for place in range(size):
        kind = GROUP[place % len(GROUP)]
        id = ids.mint("dev", now_ms)
        stack = id if kind is Kind.STACK else stack
        room = f"{CITIES[number % len(CITIES)]} {number:04d} Room {place // len(GROUP):02d}"
        serial = f"{number:04d}-{place:04d}-{chance.randrange(100):02d}"
        parent = {Kind.STACK: "", Kind.MIXER: stack}.get(kind, mixer)
        mixer = id if kind is Kind.MIXER else mixer
        devices.append(
            Device(
                id=id, kind=str(kind), family=FAMILY, first_seen_ms=now_ms, name=f"{room} {kind.value.title()}",
                serial_number="" if kind is Kind.STACK else serial, stack="" if kind is Kind.STACK else stack,
                parent=parent, model=model(kind), firmware_version="6.4.1.0", part_number="930-3200-012",
                mac=f"00:90:79:{number >> 8 & 255:02X}:{number & 255:02X}:{place & 255:02X}",
                address=f"10.{number >> 8 & 255}.{number & 255}.{place + 1}" if kind is not Kind.MICROPHONE else "",
                port=23, boxes=[f"{number:04d}-{place + 1:04d}"] if kind is Kind.STACK else [],
            )
        )  # fmt: skip
    return Site(number, devices, [{} for _ in devices])


def model(kind: Kind) -> str:
    return {Kind.STACK: "", Kind.MIXER: "CONVERGE Pro 2 128VD"}.get(kind, "Beamforming Mic Array 2")


def status(place: int, number: int) -> str:
    """Most are well; one in fifty is silent, one in a hundred offline."""
    drawn = (number * 31 + place * 7) % 100
    return Status.OFFLINE if drawn == 0 else Status.DEGRADED if drawn < 3 else Status.ONLINE


def facts(site: Site, now_ms: int) -> list[bytes]:
    """Each device is found, then its status told; as they would lie in an agent's spool."""
    told: list[bytes] = []
    for place, device in enumerate(site.devices):
        told.append(fact("device.found", device.id, DeviceFound(device), now_ms))
        word = status(place, site.number)
        body = DeviceStatus(word, now_ms, None if word == Status.ONLINE else SILENT)
        told.append(fact("device.status", device.id, body, now_ms))
    return told


def fact(type: str, device: str, body: Struct, now_ms: int) -> bytes:
    return events.pack(
        Fact(uid=ids.uid(now_ms), type=type, time_ms=now_ms, device=device, generation=1, data=events.data(body))
    )
