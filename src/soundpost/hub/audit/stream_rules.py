"""Where the audit may be streamed to, and when a receiver that was away is tried again. Pure."""

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

import idna
import msgspec
from msgspec import Struct

from soundpost.kernel import backoff
from soundpost.kernel.errors import Conflict, Invalid

KINDS = ("syslog", "webhook")
STARTS = ("now", "beginning")
FACILITIES = {
    "user": 1, "daemon": 3, "auth": 4, "authpriv": 10, "audit": 13, "local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20,
    "local5": 21, "local6": 22, "local7": 23,
}  # fmt: skip
"""RFC 5424, table 1."""
EXAMPLE_NUMBER = 32473
"""Set aside for examples (RFC 5612): what stands in a message until an organization enters a number of its own."""
PORTS = {True: 6514, False: 601}
MOST, TEXT_MOST = 10, 100_000
FIRST_S, LONGEST_S = 1.0, 600.0
SECRET_LEAST, SECRET_MOST = 16, 512
CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


class Target(Struct, frozen=True):
    """A receiver. Of a syslog server `host`, `port`, `tls`, `facility`, `enterprise` (the number structured data is named by) and
    `confirm`: wait until it has closed the line, which is how it shows that it read everything. Of a webhook `url`. `ca_pem`:
    certificates trusted besides the machine's own."""

    kind: str
    name: str = ""
    enabled: bool = True
    host: str = ""
    port: int = 0
    tls: bool = True
    facility: str = "audit"
    enterprise: int = EXAMPLE_NUMBER
    confirm: bool = True
    url: str = ""
    ca_pem: str = ""
    timeout_s: int = 10

    @property
    def where(self) -> str:
        """For people: who gets it."""
        return self.url if self.kind == "webhook" else f"{'tls' if self.tls else 'tcp'}://{self.host}:{self.port}"


def wrong(field: str, text: str) -> Invalid:
    return Invalid(text, code="invalid_argument", field=field)


def line(text: str, field: str, most: int = 200) -> str:
    if CONTROL.search(text) or len(text) > most:
        raise wrong(field, f"Write it on one line of at most {most} characters.")
    return text.strip()


def changed(before: Target, fields: dict[str, Any]) -> Target:
    """By field; a kind never changes."""
    try:
        return msgspec.convert({**msgspec.to_builtins(before), **fields, "kind": before.kind}, Target)
    except msgspec.ValidationError as error:
        raise Invalid(f"{error}.", code="invalid_argument", field=str(error).rpartition("$.")[2] or "body") from None


def checked(target: Target) -> Target:
    if target.kind not in KINDS:
        raise wrong("kind", f"A receiver is one of {', '.join(KINDS)}.")
    if not 1 <= target.timeout_s <= 60:
        raise wrong("timeout_s", "Wait for 1 to 60 seconds.")
    if len(target.ca_pem) > TEXT_MOST:
        raise wrong("ca_pem", "The certificates are too long; paste only the authority's.")
    made = _syslog(target) if target.kind == "syslog" else _webhook(target)
    named = line(target.name, "name", 80) or made.where[:80]
    return msgspec.structs.replace(made, name=named, ca_pem=target.ca_pem.strip())


def _syslog(target: Target) -> Target:
    if target.facility not in FACILITIES:
        raise wrong("facility", f"A facility is one of {', '.join(FACILITIES)}.")
    if not 0 <= target.port <= 65_535:
        raise wrong("port", "A port is a number from 1 to 65535.")
    if not 1 <= target.enterprise <= 2**32 - 1:
        raise wrong("enterprise", "A private enterprise number is a whole number from 1.")
    host, port = host_of(target.host, "host"), target.port or PORTS[target.tls]
    return msgspec.structs.replace(target, host=host, port=port, url="")


def _webhook(target: Target) -> Target:
    url = line(target.url, "url", 2_000)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("https", "http") or not host or parts.username is not None or re.search(r"[\s\\]", url):
        raise wrong("url", "Write a web address that begins with https://, without a name or password in it.")
    host_of(host, "url")
    if parts.scheme == "http" and not is_loopback(host):
        raise wrong("url", "Without TLS only this machine is sent to; use https://.")
    return msgspec.structs.replace(target, url=url, host="", port=0)


def host_of(text: str, field: str) -> str:
    host = line(text, field, 253).strip("[]")
    try:
        check_address(host)
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        idna.encode(host.rstrip("."), uts46=True)
    except idna.IDNAError:
        raise wrong(field, "This is no server name; write it like logs.example.org.") from None
    return host


def is_loopback(host: str) -> bool:
    try:
        return plain_address(host).is_loopback
    except ValueError:
        return host.casefold().rstrip(".") == "localhost"


def plain_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IPv4 address written as IPv6 is what it is."""
    found = ipaddress.ip_address(text.partition("%")[0])
    return getattr(found, "ipv4_mapped", None) or found


def check_address(text: str) -> None:
    """An owner may send to loopback, private and public addresses, since receivers stand in all of them. Not to link-local ones: there
    clouds answer with the machine's own keys. Raises ValueError for what is no address."""
    found = plain_address(text)
    never = found.is_link_local or found.is_multicast or found.is_unspecified
    if never or (found.version == 4 and found.is_reserved):
        raise Invalid(f"Nothing is sent to {text}.", code="invalid_argument", field="host")


def check_secret(secret: str) -> str:
    if not SECRET_LEAST <= len(secret) <= SECRET_MOST or not secret.isprintable():
        raise wrong("secret", f"A secret has {SECRET_LEAST} to {SECRET_MOST} printable characters.")
    return secret


def check_room(count: int) -> None:
    if count >= MOST:
        raise Conflict(f"The audit is streamed to {MOST} receivers at most. Remove one first.", code="too_many_streams")


def wait_s(failures: int, chance: float, asked_s: float = 0.0) -> float:
    """Until a receiver that failed is tried again: a second, doubling to ten minutes, with jitter; as long as it asks for, up to that."""
    own = backoff.delay(failures, chance, first=FIRST_S, most=LONGEST_S, floor=FIRST_S / 2)
    return max(own, min(asked_s, LONGEST_S))
