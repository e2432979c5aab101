"""The hub's own certificate authority, and a certificate under it: what agents pin once a person compared the fingerprint (T26)."""

import ipaddress
import socket
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from soundpost.kernel.errors import Corrupt
from soundpost.kernel.sealed import write_private

CA_DAYS, LEAF_DAYS, RENEW_DAYS, BACKDATED_DAYS = 3_650, 397, 30, 1
CA_FILE, LEAF_FILE = "ca.pem", "tls.pem"
"""Each holds a private key and its certificates in one file, so that a kill can't part them."""


class Certificate(Struct, frozen=True):
    """`chain`: a file with the leaf's key, the leaf and the CA. `fingerprint`: SHA-256 of the CA, `AA:BB:…`. `ca_pem` is public."""

    chain: Path
    fingerprint: str
    ca_pem: str
    expires_ms: int

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.chain)
        return context


class Pair(Struct, frozen=True):
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def ensure(keys: Path, now_ms: int, *, names: Iterable[str] = (), label: str = "Soundpost hub") -> Certificate:
    """Makes what is missing; renews the leaf under the same CA when it is near its end or the names changed. `names`: host names
    and addresses people and agents use, besides this machine's own. Raises Corrupt (`tls_damaged`), and never makes a new CA in the
    place of one that can't be read: agents would refuse it."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    wanted = sorted({"localhost", "127.0.0.1", "::1", socket.gethostname().lower(), *(n.lower() for n in names if n)})
    authority = read(keys / CA_FILE)
    if authority is None:
        authority = make_ca(now, label)
        save(keys / CA_FILE, authority.key, [authority.certificate])
    leaf = readable(keys / LEAF_FILE)
    if leaf is None or due(leaf.certificate, authority.certificate, wanted, now):
        leaf = make_leaf(now, authority, wanted)
        save(keys / LEAF_FILE, leaf.key, [leaf.certificate, authority.certificate])
    return Certificate(
        chain=keys / LEAF_FILE,
        fingerprint=fingerprint(authority.certificate),
        ca_pem=authority.certificate.public_bytes(Encoding.PEM).decode(),
        expires_ms=round(leaf.certificate.not_valid_after_utc.timestamp() * 1000),
    )


def fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def due(leaf: x509.Certificate, ca: x509.Certificate, wanted: list[str], now: datetime) -> bool:
    """A clock that was wrong when the leaf was made leaves one that is not valid yet: that one is due too."""
    if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc - timedelta(days=RENEW_DAYS):
        return True
    try:
        leaf.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return True
    return names_of(leaf) != wanted


def names_of(leaf: x509.Certificate) -> list[str]:
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted(str(name.value) for name in names)


def make_ca(now: datetime, label: str) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, label)])
    usage = x509.KeyUsage(
        False, False, False, False, False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False
    )
    builder = (
        base(name, name, key, now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Pair(key, builder.sign(key, hashes.SHA256()))


def make_leaf(now: datetime, authority: Pair, names: list[str]) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    ca = authority.certificate
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Soundpost hub")])
    usage = x509.KeyUsage(
        True, False, False, False, False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False
    )
    builder = (
        base(subject, ca.subject, key, now, LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([general(name) for name in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    return Pair(key, builder.sign(authority.key, hashes.SHA256()))


def base(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    """Valid from a day ago: an agent's clock may be behind."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=BACKDATED_DAYS))
        .not_valid_after(now + timedelta(days=days))
    )


def general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def save(path: Path, key: ec.EllipticCurvePrivateKey, certificates: list[x509.Certificate]) -> None:
    body = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(path, body + b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates))


def read(path: Path) -> Pair | None:
    if not path.exists():
        return None
    try:
        body = path.read_bytes()
        key = load_pem_private_key(body, None)
        certificate = x509.load_pem_x509_certificate(body)
    except (OSError, ValueError, TypeError) as error:
        raise damaged(path, str(error)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise damaged(path, "key and certificate do not belong together")
    return Pair(key, certificate)


def readable(path: Path) -> Pair | None:
    """A leaf that can't be read is simply made again: nobody pins it."""
    try:
        return read(path)
    except Corrupt:
        return None


def damaged(path: Path, cause: str) -> Corrupt:
    return Corrupt(
        f"The hub's certificate authority {path} can't be read. Restore it from a backup: agents trust no other one.",
        code="tls_damaged",
        cause=cause,
    )
