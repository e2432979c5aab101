"""COLLABORATE Live codecs, as far as anybody knows how: whether they answer. No control interface is public (devices.md 11)."""

import os
from collections.abc import Iterable, Sequence

from soundpost.device.contract import Credentials, Family, Look, Part, Periods, PointReading, Session, Sink, Unit
from soundpost.device.model import Descriptor, Endpoint, Group, Kind, PointType, Support
from soundpost.drivers.collaborate_live import assumed
from soundpost.kernel.clock import Clock
from soundpost.transport.reach import ReachSession, knock

GIVEN = "SOUNDPOST_COLLABORATE_LIVE"
"""The codecs an operator names, as address:port, separated by commas. No port is public, so none is guessed."""
CODEC = "box:codec"
ANSWERS = Descriptor("reach.answers", PointType.BOOL, "Answers at its port", "", Group.STATUS, assumed=True)
TIME = Descriptor("reach.time", PointType.NUMBER, "Time to connect", "ms", Group.STATUS, assumed=True)


class CollaborateLive:
    """Implements device.contract.Family. Looks at nothing but the endpoints it was given, and sends not one byte."""

    name = "collaborate_live"
    default_port = 443
    default_credentials: Sequence[Credentials] = ()
    opt_in = True

    def __init__(self, given: Iterable[Endpoint] = ()) -> None:
        self._given = frozenset(given)

    def give(self, endpoints: Iterable[Endpoint]) -> None:
        self._given = frozenset(endpoints)

    async def look(
        self, endpoint: Endpoint, credentials: Sequence[Credentials], clock: Clock, connect_s: float
    ) -> Look:
        if endpoint not in self._given or not assumed.on("port_means_alive"):
            return Look(ours=False, problem=f"no codec was named at {endpoint}")
        await knock(endpoint, clock, connect_s)
        return Look(ours=True, unit=unit())

    def session(
        self,
        endpoint: Endpoint,
        credentials: Sequence[Credentials],
        sink: Sink,
        clock: Clock,
        periods: Periods,
        seed: int,
        memory: bytes = b"",
        good: str = "",
    ) -> Session:
        return ReachSession(unit(), reached, endpoint, sink, clock, periods, seed)


def reached(seconds: float) -> tuple[str, Sequence[PointReading]]:
    return CODEC, (PointReading(ANSWERS.key, True), PointReading(TIME.key, round(seconds * 1000, 1)))


def unit() -> Unit:
    """Neither model nor serial number can be read: such a codec is known by its address."""
    always: dict[str, str] = {"refresh": Support.EVIDENCED, "hands_off": Support.EVIDENCED}
    none: dict[str, str] = dict.fromkeys(("control", "locate", "reboot"), Support.UNSUPPORTED)
    stack = Part(part="stack", kind=Kind.STACK, name="COLLABORATE Live", capabilities=always)
    codec = Part(
        part=CODEC,
        kind=Kind.CODEC,
        parent="stack",
        name="COLLABORATE Live (reachability only)",
        capabilities=always | none,
        assumed=["kind"],
        points=[ANSWERS, TIME],
    )
    return Unit([stack, codec])


def endpoints(text: str) -> Iterable[Endpoint]:
    """What can't be read as address:port is left out."""
    for item in text.split(","):
        address, _, port = item.strip().rpartition(":")
        if address and port.isdecimal() and 0 < int(port) < 65_536:
            yield Endpoint(address.strip("[]"), int(port))


FAMILY: Family = CollaborateLive(endpoints(os.environ.get(GIVEN, "")))
