"""Which devices a rule puts where. Pure."""

import fnmatch
import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct


class PlaceRule(Struct, frozen=True):
    """Devices whose stack's or own name fits `name` (* and ?) and whose address lies in `subnet` belong in `location`; "" fits
    all, and one of the two must say something. What belongs to a stack goes by the stack's address. The first that fits counts,
    in the order of `place`."""

    id: str
    location: str
    name: str = ""
    subnet: str = ""
    place: int = 0

    def fits(self, names: Iterable[str], address: str) -> bool:
        if self.subnet and not _within(self.subnet, address):
            return False
        return not self.name or any(fnmatch.fnmatchcase(name.casefold(), self.name.casefold()) for name in names)


@lru_cache(4096)
def _network(subnet: str) -> "ipaddress.IPv4Network | ipaddress.IPv6Network":
    return ipaddress.ip_network(subnet, strict=False)


def _within(subnet: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in _network(subnet)
    except ValueError:
        return False
