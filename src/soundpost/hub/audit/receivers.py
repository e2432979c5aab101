"""The lines to receivers of the audit: what was handed over counts only once the receiver showed that it took it."""

import asyncio
import contextlib
import hashlib
import hmac
import socket
import ssl
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import idna
from msgspec import Struct

from soundpost.hub.audit import stream_rules as rules
from soundpost.hub.audit.stream_rules import Target
from soundpost.kernel.errors import Invalid

SAID_MOST, ANSWER_MOST = 300, 4_096
LINGER_S = 0.5
UNCONFIRMED = "The receiver did not close the line, so nobody knows whether it read everything. Stop waiting for that, if it never does."
SIGNATURE, DELIVERY = "Soundpost-Signature", "Soundpost-Delivery"


class Taken(Struct, frozen=True):
    """`ok`: the receiver took all of it. `words`: its own, or what kept from it. `wait_s`: how long it asks to be left alone."""

    ok: bool
    words: str
    wait_s: float = 0.0


def short(words: str) -> str:
    return " ".join("".join(ch if ch.isprintable() else " " for ch in words).split())[:SAID_MOST]


def trust(target: Target) -> ssl.SSLContext:
    """The machine's authorities, and those an owner pasted. Raises ssl.SSLError."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if target.ca_pem:
        context.load_verify_locations(cadata=target.ca_pem)
    return context


async def addresses(host: str, port: int) -> list[str]:
    """Of a name, those that may be sent to. Raises OSError, Invalid."""
    name = host if host.isascii() else idna.encode(host, uts46=True).decode()
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    made = list(dict.fromkeys(str(info[4][0]) for info in found))
    for address in made:  # all of them: a name that also leads elsewhere is not to be believed
        rules.check_address(address)
    return made


async def at_each(target: Target, host: str, port: int, send: Callable[[str], Awaitable[Taken]]) -> Taken:
    """Tries the name's addresses until a line stands. Whatever goes wrong becomes words."""
    try:
        for address in (some := await addresses(host, port)):
            try:
                return await send(address)
            except (ConnectionRefusedError, httpx.ConnectError):
                if address == some[-1]:
                    raise
    except (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL, Invalid) as error:
        return Taken(False, said(error))
    return Taken(False, "The name has no address.")


def said(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return short(f"The receiver's certificate is not trusted: {cause.verify_message}.")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, Invalid):
        return error.text
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return "The receiver did not answer in time."
    if isinstance(error, ConnectionRefusedError):
        return "The receiver refused the connection."
    if isinstance(error, ConnectionError | ssl.SSLEOFError):
        return "The receiver broke the line off."
    return short(str(error)) or type(error).__name__


# --- syslog


async def to_syslog(target: Target, frames: bytes) -> Taken:
    """One line for these frames, closed by us when they are sent. Syslog has no answer; a receiver that closes its side in order has read
    everything to the end, since one that leaves bytes unread resets the line."""
    context = _context(target)
    if isinstance(context, Taken):
        return context

    async def send(address: str) -> Taken:
        line = Line(target, address, context)
        try:
            return await asyncio.to_thread(line.deliver, frames)
        finally:
            line.close()  # also where this was cancelled: the thread must not wait on

    return await at_each(target, target.host, target.port, send)


def _context(target: Target) -> ssl.SSLContext | Taken | None:
    if target.kind == "syslog" and not target.tls:
        return None
    try:
        return trust(target)
    except (ssl.SSLError, ValueError) as error:
        return Taken(False, short(f"The certificates that were entered can't be read: {error}."))


class Line:
    """Blocking, for a thread: TLS can be closed from one side only there."""

    def __init__(self, target: Target, address: str, context: ssl.SSLContext | None) -> None:
        self._target, self._address, self._context = target, address, context
        self._socket: socket.socket | None = None

    def deliver(self, frames: bytes) -> Taken:
        plain = self._socket = socket.create_connection((self._address, self._target.port), self._target.timeout_s)
        line: socket.socket = plain
        if self._context is not None:
            line = self._socket = self._context.wrap_socket(plain, server_hostname=self._target.host.rstrip("."))
        line.sendall(frames)
        if not self._target.confirm:
            self._linger(line)
            return Taken(True, "Sent; this receiver is not asked whether it read everything.")
        try:
            self._closed(line)
        except TimeoutError:
            return Taken(False, UNCONFIRMED)
        return Taken(True, "The receiver read everything and closed the line.")

    def _closed(self, line: socket.socket) -> None:
        """Our side is closed; then what comes is read until theirs is. Raises ConnectionError, TimeoutError."""
        if isinstance(line, ssl.SSLSocket):
            with contextlib.suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):  # a plain end after ours says the same
                line = self._socket = line.unwrap()
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_WR)
        while line.recv(ANSWER_MOST):
            pass

    def _linger(self, line: socket.socket) -> None:
        """Reads what is there, since closing with bytes unread would take back what is still on its way."""
        line.settimeout(LINGER_S)
        with contextlib.suppress(OSError, TimeoutError):
            self._closed(line)

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()


# --- webhook


def signature(secret: str, time_s: int, body: bytes) -> str:
    """`t=<seconds>,v1=<hex>`: HMAC-SHA256 under the secret over the seconds, a full stop and the body."""
    made = hmac.new(secret.encode(), f"{time_s}.".encode() + body, hashlib.sha256)
    return f"t={time_s},v1={made.hexdigest()}"


async def to_webhook(target: Target, secret: str, body: bytes, delivery: str, time_s: int) -> Taken:
    """Taken is a 2xx; nothing is followed elsewhere. `delivery` names what is in it, the same in each try."""
    context = _context(target)
    if isinstance(context, Taken):
        return context
    parts = urlsplit(target.url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    headers = {
        "Content-Type": "application/json", "User-Agent": "Soundpost", "Host": parts.netloc.rpartition("@")[2],
        SIGNATURE: signature(secret, time_s, body), DELIVERY: delivery,
    }  # fmt: skip

    async def send(address: str) -> Taken:
        if parts.scheme == "http" and not rules.is_loopback(address):
            return Taken(False, "Without TLS only this machine is sent to; use https://.")
        shown = f"[{address}]" if ":" in address else address
        url = parts._replace(netloc=f"{shown}:{port}").geturl()
        return await _posted(target, url, host, headers, body, context)

    return await at_each(target, host, port, send)


async def _posted(
    target: Target, url: str, host: str, headers: dict[str, str], body: bytes, context: ssl.SSLContext | None
) -> Taken:
    options: dict[str, Any] = {"headers": headers, "content": body, "extensions": {"sni_hostname": host}}
    async with (
        httpx.AsyncClient(
            verify=context or False, follow_redirects=False, timeout=target.timeout_s, trust_env=False
        ) as client,
        client.stream("POST", url, **options) as response,
    ):
        answer = b""
        async for part in response.aiter_bytes():
            answer += part
            if len(answer) >= ANSWER_MOST:
                break
        words = short(f"{response.status_code} {answer[:ANSWER_MOST].decode('utf-8', 'replace')}")
        if 300 <= response.status_code < 400:
            words = f"{response.status_code} (redirects are not followed)"
        return Taken(200 <= response.status_code < 300, words, asked_to_wait(response.headers, response.status_code))


def asked_to_wait(headers: Any, status: int) -> float:
    """Seconds; 0 where the receiver asks for nothing that can be read. A date counts from the receiver's own clock."""
    text = headers.get("retry-after", "")
    if status not in (429, 503) or not text:
        return 0.0
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), 86_400))
    try:
        return max(0.0, (parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))).total_seconds())
    except (TypeError, ValueError):
        return 0.0
