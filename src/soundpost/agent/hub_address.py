"""From what a person types as *Central hub URL* to where the link connects; pure."""

import ipaddress
import re
from urllib.parse import urlsplit

from msgspec import Struct

from soundpost.kernel.errors import Invalid

DEFAULT_PORT = 8443
PATH = "/agent/link"
_LABEL = re.compile(r"^(?!-)[a-z0-9_-]{1,63}(?<!-)$")
_FORM = "Write a name or an address, such as av.example.com or 10.20.1.5:8443."


class HubAddress(Struct, frozen=True):
    """`host` carries no brackets; `named` is host and port as they are dialled, signed and shown."""

    host: str
    port: int
    secure: bool = True

    @property
    def named(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'wss' if self.secure else 'ws'}://{self.named}{PATH}"

    @property
    def loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def normalise(text: str, *, insecure: bool = False) -> HubAddress:
    """With or without scheme, port and path. Raises Invalid: `hub_url_empty`, `hub_url_invalid`, `hub_url_insecure`."""
    typed = text.strip()
    if not typed:
        raise Invalid(f"The hub's address is empty. {_FORM}", code="hub_url_empty")
    scheme, rest = _scheme(typed)
    try:
        parts = urlsplit(f"//{_bracketed(rest)}")
        port = parts.port
    except ValueError:
        raise _invalid(typed, "has no valid port.") from None
    if parts.username is not None or parts.password is not None:
        raise Invalid(f"The hub's address must not hold a user name or password. {_FORM}", code="hub_url_invalid")
    if port == 0:
        raise _invalid(typed, "has no valid port.")
    host = _host(typed, parts.hostname or "")
    address = HubAddress(host, port or DEFAULT_PORT, secure=scheme != "ws")
    if not address.secure and not address.loopback and not insecure:
        raise Invalid(
            f"{typed} would send everything unencrypted. Write wss://{address.named} instead.", code="hub_url_insecure"
        )
    return address


def _scheme(typed: str) -> tuple[str, str]:
    """http is what people type for a page: the link itself is always TLS, unless ws is asked for by name."""
    scheme, mark, rest = typed.partition("://")
    if not mark:
        return "wss", typed
    kind = scheme.lower()
    if kind not in ("http", "https", "ws", "wss"):
        raise _invalid(typed, f"begins with {scheme}://, which is not a hub's.")
    return ("ws" if kind == "ws" else "wss"), rest


def _bracketed(rest: str) -> str:
    """A bare IPv6 address has no brackets and no port."""
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if host.count(":") > 1 and not host.startswith("["):
        return f"[{host}]" + rest[len(host) :]
    return rest


def _host(typed: str, host: str) -> str:
    if not host or any(character.isspace() for character in host):
        raise _invalid(typed, "has no host name.")
    if ":" in host or re.fullmatch(r"[\d.]+", host):
        try:
            return str(ipaddress.ip_address(host))
        except ValueError:
            raise _invalid(typed, "has no valid IP address.") from None
    try:
        name = host.rstrip(".").encode("idna").decode().lower()
    except UnicodeError:
        raise _invalid(typed, "has no valid host name.") from None
    if not name or len(name) > 253 or not all(_LABEL.match(label) for label in name.split(".")):
        raise _invalid(typed, "has no valid host name.")
    return name


def _invalid(typed: str, what: str) -> Invalid:
    return Invalid(f"The hub's address {typed!r} {what} {_FORM}", code="hub_url_invalid")
