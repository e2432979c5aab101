"""Which networks this machine is in, and which of them has the default route."""

import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path

import ifaddr

from soundpost.agent.ranges import Network

Networks = Callable[[], list[Network]]

_ROUTES = Path("/proc/net/route")


def own() -> list[Network]:
    """IPv4 networks of this machine's interfaces, loopback left out; at most one is the default."""
    default = default_interface()
    return [
        Network(name, address, prefix, default in (name, address))
        for name, address, prefix in _addresses()
        if not ipaddress.IPv4Address(address).is_loopback
    ]


def _addresses() -> list[tuple[str, str, int]]:
    return [
        (adapter.nice_name, ip.ip, ip.network_prefix)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if isinstance(ip.ip, str) and ip.network_prefix < 32
    ]


def default_interface() -> str:
    """Name (or, where the system does not tell it, own address) of the interface with the default route; "" without one."""
    if _ROUTES.exists():
        return default_of(_ROUTES.read_text())
    # A UDP socket that is connected picks a source address and sends nothing.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def default_of(table: str) -> str:
    """The interface of the default route with the lowest metric in a Linux `/proc/net/route`."""
    rows = [line.split() for line in table.splitlines()[1:]]
    defaults = [(int(row[6]), row[0]) for row in rows if len(row) > 7 and row[1] == "00000000" and row[7] == "00000000"]
    return min(defaults)[1] if defaults else ""
