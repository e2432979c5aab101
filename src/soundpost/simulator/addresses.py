"""Which loopback address and port each stack gets, and the listening sockets themselves."""

import errno
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from typing import Protocol

from soundpost.kernel.errors import Conflict, Invalid, Unavailable

DEFAULT_PORT = 10023
SINGLE = "127.0.0.1"  # where 127/8 is not all local (macOS, Windows): one address, a port per stack
DEFAULT_FIRST = IPv4Address("127.20.1.1")
DEFAULT_LAST = IPv4Address("127.20.255.254")
Endpoint = tuple[str, int]


def endpoints(network: str | None, port: int) -> Iterator[Endpoint]:
    """One per stack until the network is used up. Port 0 lets the machine choose for every stack."""
    if network is None:
        network = SINGLE if not sys.platform.startswith("linux") else "default"
    if network == "default":
        first, last = int(DEFAULT_FIRST), int(DEFAULT_LAST)
    else:
        try:
            block = IPv4Network(network)
        except (AddressValueError, NetmaskValueError, ValueError) as error:
            raise Invalid(
                f"{network!r} is no network such as 127.20.1.0/24.", code="network_invalid", network=network
            ) from error
        if not block.is_loopback:
            raise Invalid(
                "Simulated stacks listen on loopback addresses (127.0.0.0/8) only.",
                code="network_not_loopback",
                network=network,
            )
        if block.num_addresses == 1:
            yield from ((str(block[0]), port + offset if port else 0) for offset in range(65_536 - port))
            return
        first, last = int(block[0]), int(block[-1])
    for number in range(first, last + 1):
        if number & 255 not in (0, 255):  # a sweep of a /24 leaves these two out
            yield str(IPv4Address(number)), port


class Sited(Protocol):
    @property
    def site(self) -> str: ...


def place(
    sites: Sequence[str], network: str | Mapping[str, str] | None, port: int, before: Sequence[Sited] = ()
) -> list[Endpoint]:
    """One endpoint per site named, in their order; those before have the first addresses of the same networks."""
    names = {*sites, *(taken.site for taken in before)}
    blocks = dict.fromkeys(names, network) if network is None or isinstance(network, str) else dict(network)
    for site in names:
        if site not in blocks:
            raise Invalid(f"Site {site!r} has no network.", code="site_without_network", site=site)
    # Sites of one network share it: on 127.0.0.1 the ports of the second follow those of the first.
    supplies = {block: endpoints(block, port) for block in set(blocks.values())}
    wanted = [*(taken.site for taken in before), *sites]
    placed = [next(supplies[blocks[site]], None) for site in wanted][len(before) :]
    if None in placed:
        raise Invalid("The network has fewer addresses than there are devices.", code="network_too_small")
    return [endpoint for endpoint in placed if endpoint is not None]


def listening_socket(endpoint: Endpoint) -> socket.socket:
    """Bound, not yet listening. A port somebody else has is an Unavailable with the code `port_taken`."""
    if not 0 <= endpoint[1] <= 65_535:
        raise Invalid(f"{endpoint[1]} is no port; give one from 1 to 65535.", code="port_invalid", port=endpoint[1])
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if sys.platform != "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(endpoint)
    except OSError as error:
        sock.close()
        raise _named(endpoint, error) from error
    return sock


def _named(endpoint: Endpoint, error: OSError) -> Exception:
    address, port = endpoint
    if error.errno == errno.EADDRINUSE:
        return Unavailable(
            f"Port {port} of {address} is taken by another program; choose another port.",
            code="port_taken", address=address, port=port,
        )  # fmt: skip
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return Unavailable("This process may not open more files; start fewer stacks.", code="too_many_files")
    return Conflict(
        f"{address}:{port} can't be listened at on this machine: {error.strerror}.",
        code="address_unusable", address=address, port=port,
    )  # fmt: skip


def raise_file_limit(needed: int) -> None:
    """To the hard limit when the soft one is too low; more than that nobody may have."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed and soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
