"""The API that existing clients expect, as far as it is words: what is asked, what is answered, byte for byte. Pure.

Frozen: clients in the field were written against it and are not ours to change. Its own tests hold each byte.
"""

import ipaddress
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct, field

from soundpost.kernel.errors import Invalid, NotFound, TellUser

BASE = "/dashboard-back/api/devices/pro-audio/"
SEARCH, ID = "search", re.compile(r"[A-Za-z0-9_-]{1,64}")
PATH_MOST, QUERY_MOST, TEXT_MOST, WORD_MOST = 2_048, 2_048, 500, 200
"""`TEXT_MOST`: the clients' platform keeps no more of a value."""
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
OFF = "off"


class NotAllowed(TellUser):
    status = 405


class TooLong(TellUser):
    status = 414


class Search(Struct, frozen=True):
    words: str


class One(Struct, frozen=True):
    id: str


class AvDevice(Struct):
    """The order of the fields is part of what is frozen."""

    id: str
    productModel: str  # noqa: N815
    serialNumber: str  # noqa: N815
    firmwareVersion: str  # noqa: N815
    hasNewFirmware: bool  # noqa: N815
    locateMode: bool  # noqa: N815
    relativeStatus: str  # noqa: N815
    location: str


class WholeDevice(AvDevice):
    partNumber: str  # noqa: N815


class AvDevices(Struct):
    avDevices: list[AvDevice]  # noqa: N815


class Problem(Struct):
    """RFC 9457: these clients read the body of every error as JSON."""

    title: str
    status: int
    code: str
    detail: str
    params: dict[str, Any] = field(default_factory=dict)
    type: str = "about:blank"


# --- what is asked


def asked(method: str, raw_path: bytes, query: bytes) -> Search | One:
    """`raw_path` as it came: doubled slashes count as one, nothing else is made nicer. Raises NotFound, NotAllowed, TooLong, Invalid."""
    if len(raw_path) > PATH_MOST or len(query) > QUERY_MOST:
        raise TooLong("This address is too long.", code="too_long")
    path = re.sub("/{2,}", "/", raw_path.decode("latin-1"))
    name = path.removeprefix(BASE) if path.startswith(BASE) else ""
    if name != SEARCH and not ID.fullmatch(name):
        raise NotFound("There is nothing at this address.", code="not_found")
    if method != "GET":
        raise NotAllowed("This address answers GET only.", code="method_not_allowed")
    return Search(_words(query)) if name == SEARCH else One(name)


def shape(raw_path: bytes) -> str:
    """For the log: which question it was, and nothing of what was asked."""
    return BASE + (SEARCH if raw_path.endswith(SEARCH.encode()) else "{id}")


def _words(query: bytes) -> str:
    try:
        given = parse_qs(query.decode("latin-1"), max_num_fields=20).get("q", [""])
    except ValueError:
        given = [""]
    words = given[0].strip()
    if not words or not words.isprintable():
        raise Invalid("Say which device: ?q= and its address.", code="invalid_argument", field="q")
    return words[:WORD_MOST]


def address(words: str) -> str | None:
    """The address that is searched for, as it is written everywhere; None where this is none."""
    try:
        return str(ipaddress.ip_address(words))
    except ValueError:
        return None


# --- what is answered


def relative(status: str, since_ms: int, now_ms: int) -> str:
    """`Online - 3 d 4 h`: the status and how long it holds, the two largest units."""
    return f"{status.capitalize()} - {span(max(now_ms - since_ms, 0) // 1_000)}"


def span(seconds: int) -> str:
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def cut(text: str) -> str:
    return text if len(text) <= TEXT_MOST else text[: TEXT_MOST - 1] + "…"


def problem(error: TellUser) -> bytes:
    title = HTTPStatus(error.status).phrase
    return msgspec.json.encode(Problem(title, error.status, error.code, error.text, dict(error.params)))


# --- where it listens


def port(given: int | str) -> int | None:
    """The port, or None for off. Raises Invalid `settings`."""
    if str(given).strip().casefold() == OFF:
        return None
    text = str(given).strip()
    if text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65_535:
        return int(text)
    raise Invalid(f"--compat-port is a number from 1 to 65535, or off; it is {text}.", code="settings")


def sources(names: Iterable[str]) -> Networks:
    """Addresses and networks that may ask; none named: any. Raises Invalid `settings`."""
    try:
        return tuple(ipaddress.ip_network(name, strict=False) for name in names)
    except ValueError as error:
        raise Invalid(f"compat_sources must name addresses or networks: {error}.", code="settings") from None


def may_ask(peer: str, allowed: Networks) -> bool:
    if not allowed:
        return True
    try:
        found = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in allowed)
