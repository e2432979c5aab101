"""What an organization may be called, where its hub is found, and which mail servers and gateways make sense. Pure."""

import ipaddress
import re
from typing import Literal
from urllib.parse import urlsplit

import idna
from msgspec import Struct

from soundpost.hub.audit import stream_rules as outward
from soundpost.kernel.errors import Invalid

Security = Literal["starttls", "tls", "none"]
SECURITIES = ("starttls", "tls", "none")
GATEWAYS = ("twilio", "generic")
METHODS = ("POST", "PUT", "GET")
LANGUAGES = ("en", "de", "es")
PORTS = {"starttls": 587, "tls": 465, "none": 25}
TEXT_MOST = 100_000
POLICIES = ("nobody", "administrators", "everybody")
"""Of whom a second factor is demanded; `administrators` means owners as well."""
WHY = ("", "not_set_up", "address_missing", "down")
PLACEHOLDERS = frozenset({"to", "text", "id", "secret"})
BRACES = re.compile(r"\{([a-z_]+)\}")
CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
HEADER = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
MAIL = re.compile(r"^[^@\s\x00-\x1f\x7f<>,;:\"()\[\]\\]+@[^@\s\x00-\x1f\x7f<>,;:\"()\[\]\\]+$")


class Asker(Struct, frozen=True):
    """Who asks, as far as this room and the one above it must know; handed in by who signs people in."""

    rights: frozenset[str]
    sign_in: str = ""
    name: str = ""

    @property
    def called(self) -> str:
        return self.name or self.sign_in


class Standing(Struct, frozen=True):
    """How one way out is doing, as the mail room tells it. `why`: "" (it works), `not_set_up`, `address_missing` (mails with a link wait),
    `down`. `held`: from before a restore; they wait for an owner's word."""

    why: str = "not_set_up"
    waiting: int = 0
    failed: int = 0
    words: str = ""
    since_ms: int = 0
    next_ms: int = 0
    held: int = 0


class MailSettings(Struct, frozen=True):
    """The server mail is handed to. `security` `starttls` is required, never merely tried. `ca_pem`: certificates trusted besides the
    machine's own. The password is kept apart, sealed."""

    server: str = ""
    port: int = 587
    security: str = "starttls"
    user: str = ""
    from_address: str = ""
    from_name: str = ""
    reply_to: str = ""
    timeout_s: int = 30
    ca_pem: str = ""

    @property
    def ready(self) -> bool:
        return bool(self.server and self.from_address)

    def reached(self) -> tuple[object, ...]:
        """Who gets the password: when any of it changes the password is asked for again, or it could be sent to a stranger."""
        return (self.server, self.port, self.security, self.user, self.ca_pem)


class SmsSettings(Struct, frozen=True):
    """The gateway text messages are handed to. `twilio`: a form with `To`, `From`, `Body` to `url` + the account's path, basic
    authentication by account and token. `generic`: `method`, `url`, `headers` and `body` with {to}, {text}, {id} and, not in the URL,
    {secret}; it went well when the status is 2xx and the answer contains `ok_contains`."""

    kind: str = "twilio"
    url: str = ""
    account: str = ""
    sender: str = ""
    method: str = "POST"
    headers: dict[str, str] = {}
    body: str = ""
    ok_contains: str = ""
    timeout_s: int = 20

    @property
    def ready(self) -> bool:
        return bool(self.url and (self.kind == "generic" or (self.account and self.sender)))

    def reached(self) -> tuple[object, ...]:
        parts = urlsplit(self.url)
        return (self.kind, parts.scheme, parts.netloc.casefold(), self.account)


class Terms(Struct, frozen=True):
    """What people accept when they join: plain texts, or links to pages. `revision` 0: nothing was ever entered."""

    revision: int = 0
    since_ms: int = 0
    terms: str = ""
    terms_link: str = ""
    privacy: str = ""
    privacy_link: str = ""


def wrong(field: str, text: str) -> Invalid:
    return Invalid(text, code="invalid_argument", field=field)


def line(text: str, field: str, most: int = 200) -> str:
    """One line of printable text: what goes into a header of a mail must not carry line ends."""
    if CONTROL.search(text):
        raise wrong(field, "Write it on one line, without control characters.")
    if len(text) > most:
        raise wrong(field, f"Write at most {most} characters.")
    return text.strip()


def check_address(text: str, field: str = "address") -> str:
    """Of this hub, as links in mails begin: scheme, host, perhaps a port; "" takes it away. Returns it without a slash at the end."""
    address = line(text, field, 300).rstrip("/")
    if not address:
        return ""
    parts = web_address(address, field)
    if parts.path or parts.query or parts.fragment:
        raise wrong(field, "Write the address without a path: https://av.example.org.")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def web_address(text: str, field: str):  # type: ignore[no-untyped-def]  # urlsplit's own result
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise wrong(field, "This is no web address; write it like https://av.example.org.") from None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or re.search(r"[\s\\]", text):
        raise wrong(
            field, "Write a web address that begins with https:// or http://, without a name or password in it."
        )
    return parts


def check_link(text: str, field: str) -> str:
    link = line(text, field, 2_000)
    if link:
        web_address(link, field)
    return link


def check_long(text: str, field: str) -> str:
    if len(text) > TEXT_MOST:
        raise Invalid(
            f"The text may have at most {TEXT_MOST} characters.", code="too_long", field=field, most=TEXT_MOST
        )
    return text.replace("\r\n", "\n").replace("\x00", "").strip()


def check_host(text: str, field: str) -> str:
    """A name or address, without a scheme; a name in letters beyond ASCII is kept as people write it."""
    host = line(text, field, 253)
    if not host:
        return ""
    try:
        found = str(ipaddress.ip_address(host.strip("[]")))
        _check_reach(found, field)
        return found
    except ValueError:
        pass
    try:
        idna.encode(host.rstrip("."), uts46=True)
    except idna.IDNAError:
        raise wrong(field, "This is no server name; write it like mail.example.org.") from None
    return host


def _check_reach(address: str, field: str) -> None:
    """What the audit's receivers may be, a gateway or mail server may be: any address that no cloud keeps for the machine's own keys."""
    try:
        outward.check_address(address)
    except Invalid as refusal:
        raise wrong(field, refusal.text) from None


def check_mailbox(text: str, field: str) -> str:
    address = line(text, field, 254)
    if address and not MAIL.match(address):
        raise wrong(field, "This is no e-mail address.")
    if address:
        envelope(address, field)
    return address


def envelope(address: str, field: str = "to") -> str:
    """As a mail server takes it: the part after the @ in the letters of the DNS."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        raise wrong(field, "What stands after the @ is no domain name.") from None


def check_mail(settings: MailSettings, *, has_password: bool) -> MailSettings:
    if settings.security not in SECURITIES:
        raise wrong("mail.security", "Security is one of starttls, tls, none.")
    if not 1 <= settings.port <= 65_535:
        raise wrong("mail.port", "A port is a number from 1 to 65535.")
    if not 1 <= settings.timeout_s <= 120:
        raise wrong("mail.timeout_s", "Wait for 1 to 120 seconds.")
    if settings.security == "none" and (settings.user or has_password):
        raise Invalid(
            "Name and password are sent over a secured line only: choose STARTTLS or TLS, or leave them empty.",
            code="mail_unsecured", field="mail.security",
        )  # fmt: skip
    if len(settings.ca_pem) > TEXT_MOST:
        raise wrong("mail.ca_pem", "The certificates are too long; paste only the authority's.")
    if settings.server and not settings.from_address:
        raise wrong("mail.from_address", "Enter the address mails come from.")
    return MailSettings(
        server=check_host(settings.server, "mail.server"),
        port=settings.port,
        security=settings.security,
        user=line(settings.user, "mail.user", 320),
        from_address=check_mailbox(settings.from_address, "mail.from_address"),
        from_name=line(settings.from_name, "mail.from_name"),
        reply_to=check_mailbox(settings.reply_to, "mail.reply_to"),
        timeout_s=settings.timeout_s,
        ca_pem=settings.ca_pem.strip(),
    )


def check_sms(settings: SmsSettings) -> SmsSettings:
    if settings.kind not in GATEWAYS:
        raise wrong("sms.kind", "A gateway is one of twilio, generic.")
    if settings.method not in METHODS:
        raise wrong("sms.method", "The method is one of POST, PUT, GET.")
    if not 1 <= settings.timeout_s <= 120:
        raise wrong("sms.timeout_s", "Wait for 1 to 120 seconds.")
    url = _gateway(settings.url)
    if settings.kind == "generic":
        _check_template(settings)
    elif url and "{" in url:
        raise wrong("sms.url", "Write the gateway's address only; the account's path is added.")
    return SmsSettings(
        kind=settings.kind,
        url=url,
        account=line(settings.account, "sms.account"),
        sender=line(settings.sender, "sms.sender", 50),
        method=settings.method,
        headers=_headers(settings.headers),
        body=check_long(settings.body, "sms.body"),
        ok_contains=line(settings.ok_contains, "sms.ok_contains"),
        timeout_s=settings.timeout_s,
    )


def _gateway(text: str) -> str:
    """The secret and the words go to it: over TLS, or within this machine."""
    url = check_link(text, "sms.url")
    if url:
        parts = urlsplit(url)
        host = check_host(parts.hostname or "", "sms.url")
        if parts.scheme == "http" and not outward.is_loopback(host):
            raise wrong("sms.url", "Without TLS only this machine is sent to; use https://.")
    return url


def _check_template(settings: SmsSettings) -> None:
    parts = {"sms.url": settings.url, "sms.body": settings.body, "sms.headers": " ".join(settings.headers.values())}
    for field, text in parts.items():
        if odd := set(BRACES.findall(text)) - PLACEHOLDERS:
            raise wrong(
                field, f"{{{sorted(odd)[0]}}} stands for nothing here; use {{to}}, {{text}}, {{id}} or {{secret}}."
            )
    if "{secret}" in settings.url:
        raise wrong(
            "sms.url", "A secret does not belong into an address, where logs would keep it; put it into a header."
        )
    used = settings.url + settings.body
    if settings.url and not ("{to}" in used and "{text}" in used):
        raise wrong("sms.body", "Put {to} and {text} where the gateway expects the number and the words.")


def _headers(headers: dict[str, str]) -> dict[str, str]:
    if len(headers) > 20:
        raise wrong("sms.headers", "At most 20 headers.")
    for name in headers:
        if not HEADER.match(name):
            raise wrong("sms.headers", f"{line(name, 'sms.headers')[:40]!r} is no name of a header.")
    return {name: line(value, "sms.headers", 2_000) for name, value in headers.items()}
