"""The link over real sockets on loopback: fingerprints, pins, and a sentence for each failure."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import serve

from soundpost.agent.authority import names_one_hub
from soundpost.agent.hub_address import HubAddress
from soundpost.agent.identity import PINNED, PLAIN, Account
from soundpost.agent.websocket import dial, failure, fetch_fingerprint
from soundpost.editions.local_api import vouched
from soundpost.hub import tls
from soundpost.hub.tls import general
from soundpost.kernel.clock import SystemClock
from soundpost.kernel.errors import SoundpostError
from soundpost.link.envelope import Challenge, decode, encode

START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = START + timedelta(days=3650)


def certificate(name, key, issuer=None, issuer_key=None, host="127.0.0.1", ca=None, depth=None):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(LATER)
        .add_extension(x509.BasicConstraints(ca=issuer is None if ca is None else ca, path_length=depth), critical=True)
    )
    if issuer is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([general(host)]), critical=False)
    return builder.sign(issuer_key or key, hashes.SHA256())


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def serving(folder, key, *certificates):
    """A server's context that shows these certificates, the one of `key` first."""
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_text("".join(pem(item) for item in certificates))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    return context


class Authority:
    def __init__(self, folder, name):
        self.key = new_key()
        self.ca = certificate(name, self.key)
        self.folder = folder / name
        self.folder.mkdir()

    def context(self, host="127.0.0.1"):
        key = new_key()
        return serving(self.folder, key, certificate("hub", key, self.ca, self.key, host), self.ca)


@asynccontextmanager
async def hub(context=None, says=None):
    async def talk(connection):
        await connection.send(says or encode(Challenge(hub="hub_one", nonce=b"n", level=1, lowest=1, name="Test")))
        await connection.wait_closed()

    async with serve(talk, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        yield HubAddress("127.0.0.1", port, secure=context is not None)


def account(ca=None, trust=PINNED):
    return Account(reader="hub", trust=trust, pem=pem(ca) if ca else "")


async def code_of(awaitable):
    with pytest.raises(SoundpostError) as caught:
        await awaitable
    assert caught.value.text[-1] in ".?"
    return caught.value.code


async def test_the_fingerprint_is_of_the_ca_and_its_pem_pins_it(tmp_path):
    authority = Authority(tmp_path, "one")
    async with hub(authority.context()) as address:
        found = await fetch_fingerprint(address, SystemClock())
        assert found.sha256 == authority.ca.fingerprint(hashes.SHA256()).hex(":").upper()
        assert (found.hub, found.name, found.trusted) == ("hub_one", "Test", False)
        assert found.pem.strip() == pem(authority.ca).strip()
        channel = await dial(address, Account(reader="hub", trust=PINNED, pem=found.pem), SystemClock())
        assert decode(await channel.recv()).hub == "hub_one"
        await channel.close(goodbye=True)


async def test_a_renewed_certificate_of_the_same_ca_is_not_refused(tmp_path):
    authority = Authority(tmp_path, "one")
    authority.context()
    async with hub(authority.context()) as address:
        await (await dial(address, account(authority.ca), SystemClock())).close()


async def test_another_ca_is_refused_with_a_sentence(tmp_path):
    pinned, other = Authority(tmp_path, "one"), Authority(tmp_path, "two")
    async with hub(other.context()) as address:
        assert await code_of(dial(address, account(pinned.ca), SystemClock())) == "certificate_changed"
        assert await code_of(dial(address, account(trust="public"), SystemClock())) == "certificate_untrusted"


@pytest.mark.parametrize("host", ["127.0.0.2", "hub.example.com"])
async def test_an_organizations_ca_vouches_for_the_name_that_is_dialled(tmp_path, host):
    """Any machine of the organization has a certificate of it."""
    authority = Authority(tmp_path, "Example Ltd CA")
    async with hub(authority.context(host)) as address:
        with pytest.raises(SoundpostError) as caught:
            await dial(address, account(authority.ca), SystemClock())
    assert caught.value.code == "hub_name_differs"
    assert "--host-name 127.0.0.1" in caught.value.text


async def test_a_name_is_checked_as_a_name(tmp_path):
    authority = Authority(tmp_path, "Example Ltd CA")
    async with hub(authority.context("localhost")) as address:
        await (await dial(HubAddress("localhost", address.port), account(authority.ca), SystemClock())).close()
        assert await code_of(dial(address, account(authority.ca), SystemClock())) == "hub_name_differs"


async def test_a_hubs_own_ca_names_the_hub_wherever_it_is_dialled(tmp_path):
    now = datetime.now(UTC)  # noqa: TID251
    authority = tls.make_ca(now, "Soundpost hub")
    leaf = tls.make_leaf(now, authority, ["hub.example.com"])
    async with hub(serving(tmp_path, leaf.key, leaf.certificate, authority.certificate)) as address:
        found = await fetch_fingerprint(address, SystemClock())
        assert found.sha256 == tls.fingerprint(authority.certificate)
        await (await dial(address, account(authority.certificate), SystemClock())).close()


@pytest.mark.parametrize(("name", "depth"), [("Soundpost hub", None), ("Soundpost hub", 1), ("Example Ltd CA", 0)])
def test_what_is_not_a_hubs_own_ca(name, depth):
    assert not names_one_hub(pem(certificate(name, new_key(), depth=depth)))
    own = pem(certificate("Soundpost hub", new_key(), depth=0))
    assert names_one_hub(own)
    assert not names_one_hub(own + pem(certificate("Example Ltd CA", new_key())))


def test_the_ca_a_hub_makes_today_is_known_as_its_own(tmp_path):
    assert names_one_hub(tls.ensure(tmp_path, SystemClock().now_ms()).ca_pem)


async def test_what_sends_no_ca_can_not_be_pinned(tmp_path):
    """A leaf that signed itself, one that calls itself a CA, a chain that ends in an intermediate, a CA of somebody else."""
    root, middle, key = Authority(tmp_path, "root"), new_key(), new_key()
    between = certificate("between", middle, root.ca, root.key, ca=True)
    leaf = certificate("hub", key, between, middle)
    shown = [
        [certificate("hub", key, ca=False)],
        [certificate("hub", key)],
        [leaf],
        [leaf, between],
        [leaf, root.ca],
        [leaf, between, Authority(tmp_path, "other").ca],
    ]
    for chain in shown:
        async with hub(serving(tmp_path, key, *chain)) as address:
            assert await code_of(fetch_fingerprint(address, SystemClock())) == "no_ca"
    async with hub(serving(tmp_path, key, leaf, between, root.ca)) as address:
        found = await fetch_fingerprint(address, SystemClock())
        assert found.pem == pem(root.ca)
        await (await dial(address, account(root.ca), SystemClock())).close()


async def test_without_tls_nobody_vouches():
    async with hub() as address:
        found = await fetch_fingerprint(address, SystemClock())
    assert (found.sha256, found.pem, found.trusted) == ("", "", False)
    assert vouched(found) == "none"


async def test_what_is_not_a_hub(tmp_path):
    async with hub(says=b"hello") as address:
        assert await code_of(fetch_fingerprint(address, SystemClock())) == "not_a_hub"

    async def web(reader, writer):
        await reader.read(4096)
        writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(web, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        plain = HubAddress("127.0.0.1", port, secure=False)
        assert await code_of(dial(plain, account(trust=PLAIN), SystemClock())) == "not_a_hub"
        tls = HubAddress("127.0.0.1", port)
        assert await code_of(dial(tls, account(trust="public"), SystemClock())) == "no_tls"


async def test_nothing_listens():
    async with await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    assert await code_of(dial(HubAddress("127.0.0.1", port), account(trust="public"), SystemClock())) == "refused"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TimeoutError(), "timed_out"),
        (socket.gaierror(-2, "unknown"), "name_unknown"),
        (OSError(101, "Network is unreachable"), "hub_unreachable"),
        (ConnectionResetError(), "closed_at_once"),
        (ValueError("?"), "hub_unreachable"),
    ],
)
def test_a_sentence_for_each_failure(error, code):
    found = failure(error, HubAddress("h.example", 8443), pinned=False)
    assert found.code == code
    assert "h.example" in found.text


@asynccontextmanager
async def proxy(answer=b"HTTP/1.1 200 Connection established\r\n\r\n"):
    """An HTTP proxy that knows CONNECT and nothing else; yields its port and what it was asked for."""
    asked, copying = [], set()

    async def copy(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve_one(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head.split()[1])
        writer.write(answer)
        if b" 200 " not in answer:
            writer.close()
            return
        up, down = await asyncio.open_connection("127.0.0.1", int(asked[-1].rpartition(":")[2]))
        copying.update({asyncio.create_task(copy(reader, down)), asyncio.create_task(copy(up, writer))})

    async with await asyncio.start_server(serve_one, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], asked
    for task in copying:
        task.cancel()
    await asyncio.gather(*copying, return_exceptions=True)


async def test_the_way_out_is_the_proxy_that_the_environment_names(tmp_path, monkeypatch):
    authority = Authority(tmp_path, "one")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    async with hub(authority.context("hub.test")) as here, proxy() as (port, asked):
        address = HubAddress("hub.test", here.port)  # known to the proxy only
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        channel = await dial(address, account(authority.ca), SystemClock())
        assert decode(await channel.recv()).hub == "hub_one"
        assert asked == [address.named]
        await channel.close()
        assert await code_of(dial(here, account(authority.ca), SystemClock())) == "hub_name_differs"
        assert asked == [address.named]  # this machine itself is never asked for through it
    async with proxy(b"HTTP/1.1 403 Forbidden\r\n\r\n") as (port, asked):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        assert await code_of(dial(address, account(authority.ca), SystemClock())) == "proxy_refused"
    monkeypatch.setenv("https_proxy", f"http://me:hush@127.0.0.1:{port}")
    with pytest.raises(SoundpostError) as caught:
        await dial(address, account(authority.ca), SystemClock())
    assert (caught.value.code, "hush" in caught.value.text + str(caught.value.cause)) == ("proxy_unreachable", False)
