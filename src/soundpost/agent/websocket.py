"""The link over a WebSocket: dialling, trust, and a sentence for each way it can fail (T26)."""

import hashlib
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidProxyStatus,
    InvalidStatus,
    ProxyError,
)
from websockets.proxy import get_proxy
from websockets.uri import parse_uri

from soundpost.agent import authority
from soundpost.agent.channel import ChannelClosed
from soundpost.agent.hub_address import HubAddress
from soundpost.agent.identity import PINNED, PLAIN, PUBLIC, Account
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import GiveUp, Retry, SoundpostError
from soundpost.link.envelope import FRAME_CAP, Challenge, decode

OPEN_S = 10.0
NAME_DIFFERS = "hub_name_differs"
NAME_MISMATCHES = frozenset({62, 64})
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH: the way to the CA was proved before."""
GOODBYE = 1001
"""The close code of an agent that is stopping: the hub needs no grace to believe it."""


class WebSocketChannel:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, frame: bytes) -> None:
        try:
            await self.connection.send(frame)
        except ConnectionClosed:
            raise ChannelClosed("The link to the hub was closed.") from None

    async def recv(self) -> bytes:
        try:
            frame = await self.connection.recv()
        except ConnectionClosed:
            raise ChannelClosed("The link to the hub was closed.") from None
        if isinstance(frame, str):
            raise not_a_hub("it sent text")
        return frame

    async def close(self, *, goodbye: bool = False) -> None:
        await self.connection.close(GOODBYE if goodbye else 1000)


class Fingerprint(Struct, frozen=True):
    """What a person compares: `sha256` of the CA the hub sends, `pem` that CA. `trusted`: public CAs vouch for the hub, so
    nothing needs to be compared, and they are of the last certificate it sends. Without TLS nobody vouches and both are empty."""

    hub: str
    name: str
    sha256: str
    pem: str
    trusted: bool


async def dial(address: HubAddress, account: Account, clock: Clock) -> WebSocketChannel:
    """Raises Retry or GiveUp whose code and sentence say what is wrong."""
    context = _context(account) if address.secure else None
    return await _open(address, context, clock, pinned=account.trust == PINNED)


async def fetch_fingerprint(address: HubAddress, clock: Clock) -> Fingerprint:
    """Connects without trusting and sends nothing; reads the challenge and the certificates the hub shows."""
    context = None
    if address.secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    channel = await _open(address, context, clock)
    try:
        challenge = await _challenge(channel, clock)
        chain = _chain(channel.connection) if address.secure else []
    finally:
        await channel.close()
    if not address.secure:
        return Fingerprint(challenge.hub, challenge.name, "", "", trusted=False)
    untrusted = await _publicly_untrusted(address, clock)
    root = authority.root_of(chain) if untrusted else chain[-1]
    if root is None:
        assert untrusted is not None
        raise untrusted if untrusted.code == NAME_DIFFERS else _no_ca(address)
    digest = hashlib.sha256(root).hexdigest().upper()
    spaced = ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))
    pem = ssl.DER_cert_to_PEM_cert(root)
    return Fingerprint(challenge.hub, challenge.name, spaced, pem, trusted=untrusted is None)


async def _challenge(channel: WebSocketChannel, clock: Clock) -> Challenge:
    try:
        async with clock.timeout(OPEN_S):
            message = decode(await channel.recv())
    except (TimeoutError, SoundpostError):
        raise not_a_hub("it sent no challenge") from None
    if not isinstance(message, Challenge):
        raise not_a_hub("it sent no challenge")
    return message


async def _publicly_untrusted(address: HubAddress, clock: Clock) -> SoundpostError | None:
    """Why public CAs do not vouch for the hub at that address; None when they do."""
    try:
        channel = await _open(address, ssl.create_default_context(), clock)
    except SoundpostError as error:
        return error
    await channel.close()
    return None


def _chain(connection: ClientConnection) -> list[bytes]:
    """DER certificates as the hub sent them, its own first. Python 3.13 has this in public; before, it is there unnamed."""
    tls: Any = connection.transport.get_extra_info("ssl_object")
    chain = getattr(tls, "get_unverified_chain", None)
    if chain is not None:
        return [bytes(der) for der in chain()]
    inner = getattr(getattr(tls, "_sslobj", None), "get_unverified_chain", None)
    if inner is not None:
        return [ssl.PEM_cert_to_DER_cert(item.public_bytes()) for item in inner() or ()]
    own = tls.getpeercert(binary_form=True)
    return [own] if own else []


def _context(account: Account) -> ssl.SSLContext:
    if account.trust in (PUBLIC, ""):
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The hello proves the agent to the hub and not the hub to the agent (T27): who the hub is, its certificate alone says. An
    # organization's CA vouches for all of its machines, so the name must fit, or any of them could take the account's
    # password. A CA that a hub made for itself has signed nothing but that hub: whoever holds to it needs no name, and the
    # hub may be dialled by an address or through a forward that its certificate can't know.
    context.check_hostname = not authority.names_one_hub(account.pem)
    context.load_verify_locations(cadata=account.pem)
    return context


async def _open(
    address: HubAddress, context: ssl.SSLContext | None, clock: Clock, *, pinned: bool = False
) -> WebSocketChannel:
    proxy = proxy_for(address)
    try:
        async with clock.timeout(OPEN_S):
            connection = await connect(
                address.url,
                ssl=context,
                proxy=proxy,
                compression=None,
                max_size=FRAME_CAP,
                max_queue=16,
                open_timeout=None,
                ping_interval=None,
                close_timeout=2,
                user_agent_header=None,
            )
    except Exception as error:
        raise (proxy and proxy_failure(error, proxy)) or failure(error, address, pinned=pinned) from None
    return WebSocketChannel(connection)


def proxy_for(address: HubAddress) -> str | None:
    """The proxy this machine's settings name (HTTPS_PROXY, NO_PROXY and what the system has). Never to this machine itself."""
    return None if address.loopback else get_proxy(parse_uri(address.url))


def proxy_failure(error: Exception, proxy: str) -> SoundpostError | None:
    """None when the proxy did its part. Its address may hold a password: only host and port are told."""
    parts = urlsplit(proxy)
    where = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    match error:
        case ProxyError() | InvalidProxy():
            said = f" ({error})" if isinstance(error, InvalidProxyStatus) else ""
            return Retry(f"The proxy {where} does not let this machine reach the hub{said}.", code="proxy_refused")
        case ssl.SSLError():
            return None
        case OSError():
            return Retry(
                f"The proxy {where} that this machine's settings name can't be reached. Check HTTPS_PROXY, or name the hub in NO_PROXY.",
                code="proxy_unreachable",
                cause=str(error),
            )
    return None


def failure(error: Exception, address: HubAddress, *, pinned: bool) -> SoundpostError:
    """The code and sentence for a failed attempt to connect. Anything not named here is `hub_unreachable`."""
    where = address.named
    match error:
        case ssl.SSLCertVerificationError():
            return _certificate(address, error, pinned=pinned)
        case ssl.SSLError() | ssl.CertificateError():
            return GiveUp(
                f"{where} does not speak TLS. If that is the port of the hub's page, use its port for servers instead, 8443 "
                "unless it was changed.",
                code="no_tls",
                cause=str(error),
            )
        case TimeoutError():
            return Retry(
                f"{where} did not answer in {OPEN_S:g} s. Ask local IT whether this machine may reach it.",
                code="timed_out",
            )
        case ConnectionRefusedError():
            return Retry(f"{where} refuses the connection. Is the hub running, and is the port right?", code="refused")
        case socket.gaierror():
            return Retry(
                f"The name {address.host} can't be found. Check how it is written, and DNS.", code="name_unknown"
            )
        case InvalidStatus():
            return not_a_hub(f"it answers HTTP {error.response.status_code}", where)
        case InvalidHandshake() | EOFError():
            return not_a_hub("it does not answer like one", where, cause=str(error))
        case ConnectionResetError() | BrokenPipeError():
            return Retry(f"{where} closed the connection at once.", code="closed_at_once")
        case OSError():
            if isinstance(error.__cause__, ConnectionRefusedError) or "refused" in str(error).lower():
                return Retry(
                    f"{where} refuses the connection. Is the hub running, and is the port right?", code="refused"
                )
            return Retry(f"{where} can't be reached: {error.strerror or error}.", code="hub_unreachable")
    return Retry(f"{where} can't be reached.", code="hub_unreachable", cause=repr(error))


def _certificate(address: HubAddress, error: ssl.SSLCertVerificationError, *, pinned: bool) -> SoundpostError:
    where = address.named
    if error.verify_code in NAME_MISMATCHES:
        return GiveUp(
            f"The certificate of the hub at {where} does not name {address.host}. Start the hub with --host-name "
            f"{address.host}, or connect to a name that its certificate has.",
            code=NAME_DIFFERS,
            cause=str(error),
        )
    if pinned:
        return GiveUp(
            f"{where} shows a certificate of another authority than the one that was confirmed here. Nothing was sent. "
            "If the hub was set up anew, compare its fingerprint and confirm it again.",
            code="certificate_changed",
            cause=str(error),
        )
    return GiveUp(
        f"The certificate of {where} is not vouched for by a public authority. Compare its fingerprint and confirm it.",
        code="certificate_untrusted",
        cause=str(error),
    )


def _no_ca(address: HubAddress) -> GiveUp:
    return GiveUp(
        f"The hub at {address.named} does not send the certificate authority that issued its certificate, so there is nothing "
        "that could be confirmed once and for all. Give the hub a certificate file that holds its CA as well.",
        code="no_ca",
    )


def not_a_hub(what: str, where: str = "That address", cause: str | None = None) -> GiveUp:
    return GiveUp(f"{where} is not a Soundpost hub: {what}. Check address and port.", code="not_a_hub", cause=cause)


def trust_of(address: HubAddress, pem: str) -> str:
    if not address.secure:
        return PLAIN
    return PINNED if pem else PUBLIC
