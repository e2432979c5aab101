"""Where discovery looks: from what a person types to addresses and ports; pure."""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from soundpost.device.model import Endpoint
from soundpost.kernel.errors import Invalid

SMALLEST_PREFIX = 22
"""`auto` sweeps networks of at most /22; a person may name ranges up to /16."""
LARGEST = 1 << 16

_FORM = "Write a network (10.20.4.0/24), one address, or 10.20.4.10-60; a port or ports after a colon."
_SHAPE = re.compile(r"^(?P<host>[^:]+?)(?::(?P<first>\d+)(?:-(?P<last>\d+))?)?$")


class Range(Struct, frozen=True):
    """Addresses `first` to `last` (integers, both included), each asked on ports `low` to `high` (0 = the family's own)."""

    text: str
    first: int
    last: int
    low: int = 0
    high: int = 0

    @property
    def addresses(self) -> int:
        return self.last - self.first + 1

    @property
    def total(self) -> int:
        return self.addresses * (self.high - self.low + 1)

    def endpoints(self, default_port: int) -> Iterator[Endpoint]:
        for number in range(self.first, self.last + 1):
            address = str(ipaddress.IPv4Address(number))
            for port in range(self.low, self.high + 1):
                yield Endpoint(address, port or default_port)

    def holds(self, endpoint: Endpoint) -> bool:
        """Whether that endpoint is asked by this range."""
        try:
            number = int(ipaddress.IPv4Address(endpoint.address))
        except ValueError:
            return False
        return self.first <= number <= self.last and (self.low == 0 or self.low <= endpoint.port <= self.high)


def parse(text: str) -> Range:
    """Raises Invalid (`range_invalid`, `range_too_large`) with a sentence that says what to write instead."""
    shape = _SHAPE.match(text.strip())
    if shape is None:
        raise _invalid(text, "can't be read.")
    low, high = _ports(text, shape["first"], shape["last"])
    first, last = _hosts(text, shape["host"].strip())
    found = Range(text.strip(), first, last, low, high)
    if found.total > LARGEST:
        raise Invalid(
            f"{text.strip()} holds {found.total} places to ask; at most {LARGEST} are allowed. Split it.",
            code="range_too_large",
            range=text.strip(),
        )
    return found


def _ports(text: str, first: str | None, last: str | None) -> tuple[int, int]:
    if first is None:
        return 0, 0
    low = int(first)
    high = int(last) if last is not None else low
    if not 1 <= low <= 65535 or not 1 <= high <= 65535:
        raise _invalid(text, "has a port outside 1 to 65535.")
    if high < low:
        raise _invalid(text, "has its last port before its first.")
    return low, high


def _hosts(text: str, host: str) -> tuple[int, int]:
    if "/" in host:
        return _network(text, host)
    first, dash, last = host.partition("-")
    start = _address(text, first.strip())
    if not dash:
        return start, start
    tail = last.strip()
    end = _address(text, tail) if "." in tail else _octet(text, start, tail)
    if end < start:
        raise _invalid(text, "has its last address before its first.")
    return start, end


def _network(text: str, host: str) -> tuple[int, int]:
    try:
        network = ipaddress.IPv4Network(host, strict=False)
    except ValueError:
        raise _invalid(text, "is no IPv4 network.") from None
    return usable(network)


def usable(network: ipaddress.IPv4Network) -> tuple[int, int]:
    """Without the network and broadcast addresses, where a network has them."""
    first, last = int(network.network_address), int(network.broadcast_address)
    return (first, last) if network.prefixlen >= 31 else (first + 1, last - 1)


def _address(text: str, host: str) -> int:
    try:
        return int(ipaddress.IPv4Address(host))
    except ValueError:
        raise _invalid(text, f"has no IPv4 address in {host!r}.") from None


def _octet(text: str, start: int, tail: str) -> int:
    if not tail.isdigit() or int(tail) > 255:
        raise _invalid(text, f"must end in a number from 0 to 255, not {tail!r}.")
    return (start & ~255) | int(tail)


def _invalid(text: str, what: str) -> Invalid:
    return Invalid(f"The range {text.strip()!r} {what} {_FORM}", code="range_invalid", range=text.strip())


class Network(Struct, frozen=True):
    """An IPv4 network this machine has an interface in. `default`: its interface has the default route."""

    interface: str
    address: str
    prefix: int
    default: bool = False

    @property
    def cidr(self) -> str:
        return str(ipaddress.IPv4Network(f"{self.address}/{self.prefix}", strict=False))


class Planned(Struct, frozen=True):
    """One range of a scan. `range` None: offered, not swept, with a `note` that says why (`too_large`, `not_chosen`)."""

    interface: str
    text: str
    range: Range | None
    note: str = ""
    note_code: str = ""


def plan(subnets: Sequence[str], networks: Sequence[Network]) -> list[Planned]:
    """What is swept and what is only offered. Raises Invalid for an entry that can't be read."""
    wanted: list[Planned] = []
    for entry in subnets:
        if entry.strip() == "auto":
            wanted += [_own(network) for network in networks if network.default]
        else:
            found = parse(entry)
            wanted.append(Planned(_interface(found, networks), found.text, found))
    swept = [item.text for item in wanted]
    offered = [_offer(network) for network in networks if not _covered(network, wanted) and network.cidr not in swept]
    return wanted + offered


def _own(network: Network) -> Planned:
    if network.prefix < SMALLEST_PREFIX:
        note = f"Larger than /{SMALLEST_PREFIX}: not swept by itself. Add the part that holds devices."
        return Planned(network.interface, network.cidr, None, note, "too_large")
    return Planned(network.interface, network.cidr, parse(network.cidr))


def _offer(network: Network) -> Planned:
    return Planned(network.interface, network.cidr, None, "Visible, not scanned.", "not_chosen")


def _covered(network: Network, wanted: Iterable[Planned]) -> bool:
    first, last = usable(ipaddress.IPv4Network(network.cidr))
    return any(item.range and item.range.first <= first and item.range.last >= last for item in wanted)


def _interface(found: Range, networks: Sequence[Network]) -> str:
    for network in networks:
        inside = ipaddress.IPv4Network(network.cidr)
        if ipaddress.IPv4Address(found.first) in inside:
            return network.interface
    return "lo" if found.first >> 24 == 127 else ""
