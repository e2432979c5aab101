"""The link over real sockets on loopback: fingerprints, pins, and a sentence for each failure."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import serve

from soundpost.agent.hub_address import HubAddress
from soundpost.agent.identity import PINNED, PLAIN, Account
from soundpost.agent.websocket import dial, failure, fetch_fingerprint
from soundpost.kernel.clock import SystemClock
from soundpost.kernel.errors import SoundpostError
from soundpost.link.envelope import Challenge, decode, encode

START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = START + timedelta(days=3650)


def certificate(name, key, issuer=None, issuer_key=None):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(LATER)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key or key, hashes.SHA256())


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


class Authority:
    def __init__(self, folder, name):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.ca = certificate(name, self.key)
        self.folder = folder / name
        self.folder.mkdir()

    def context(self):
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = certificate("hub", key, self.ca, self.key)
        chain, secret = self.folder / "chain.pem", self.folder / "key.pem"
        chain.write_text(pem(leaf) + pem(self.ca))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, secret)
        return context


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
        assert await code_of(dial(tls, account(trust="public"), SystemClock())) == "not_a_hub"


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
        (ConnectionResetError(), "refused"),
        (ValueError("?"), "hub_unreachable"),
    ],
)
def test_a_sentence_for_each_failure(error, code):
    found = failure(error, HubAddress("h.example", 8443), pinned=False)
    assert found.code == code
    assert "h.example" in found.text
