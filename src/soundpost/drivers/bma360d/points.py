"""The table of points: which question reads it, what a person sees of it, whether it can be written."""

from collections.abc import Iterator

from soundpost.device.model import Descriptor, Group, PointType
from soundpost.drivers.bma360d import assumed, words
from soundpost.transport.talk import Poll
from soundpost.wire.dialogue import Request, reading

MIC = "box:bma360d"

BEAMS = tuple(
    Descriptor(f"beamreport.beam_{n}", PointType.BOOL, f"Beam {n} active", "", Group.LEVELS) for n in words.BEAMS
)
ZONES = tuple(
    Descriptor(f"bfzone.{n}", PointType.BOOL, f"Beam {n} used", "", Group.SETTINGS, writable=True) for n in words.BEAMS
)
GAINS = {
    (channel, group): Descriptor(
        f"gain.{group.lower()}.{channel}",
        PointType.NUMBER,
        f"Gain of {name} channel {channel}",
        "dB",
        Group.SETTINGS,
        assumed=True,
    )
    for group, name in words.GROUPS.items()
    for channel in words.CHANNELS
}
"""Read only: which values a gain takes is not known."""
ADDRESS = Descriptor("unit.danteip", PointType.STRING, "Dante address", "", Group.FACTS)
MAC_POINT = Descriptor("unit.macaddr", PointType.STRING, "Dante MAC", "", Group.FACTS)

MACADDR = Request(words.dante_mac(), ("MACADDR",))


def descriptors() -> list[Descriptor]:
    gains = GAINS.values() if assumed.on("gain_reply") else ()
    return [*BEAMS, *ZONES, *gains, ADDRESS, MAC_POINT]


def polls() -> Iterator[Poll]:
    first, *rest = (point.key for point in BEAMS)
    yield Poll(reading(words.beams()), MIC, Group.LEVELS, first, tuple(rest))
    for beam, point in zip(words.BEAMS, ZONES, strict=True):
        yield Poll(reading(words.zone(beam)), MIC, point.group, point.key)
    if assumed.on("gain_reply"):
        for (channel, group), point in GAINS.items():
            yield Poll(reading(words.gain(channel, group)), MIC, point.group, point.key)
    yield Poll(reading(words.dante_ip()), MIC, Group.FACTS, ADDRESS.key)
    yield Poll(MACADDR, MIC, Group.FACTS, MAC_POINT.key)
