"""Which certificate authority a hub stands under, and what a pinned one vouches for; pure (T26)."""

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

HUB_CA = "Soundpost hub"
"""The name a hub gives the authority it makes for itself alone."""


def root_of(chain: Sequence[bytes]) -> bytes | None:
    """The self-signed CA in `chain` (DER, the leaf first) under which the leaf stands, directly or through others that were
    sent. None when there is none: a leaf that signed itself is not one, and an intermediate does not end the way."""
    certificates = [x509.load_der_x509_certificate(der) for der in chain]
    if not certificates:
        return None
    at, others = certificates[0], certificates[1:]
    while (issuer := next((other for other in others if _issued(other, at)), None)) is not None:
        if _issued(issuer, issuer):
            return chain[certificates.index(issuer)]
        others.remove(issuer)
        at = issuer
    return None


def names_one_hub(pem: str) -> bool:
    """Whether that CA is one a Soundpost hub made for its own certificate and nothing else, which makes it the hub's name.
    Raises ValueError for what is not PEM."""
    authority, *others = x509.load_pem_x509_certificates(pem.encode())
    named = [(item.oid, item.value) for item in authority.subject]
    basic = _basic(authority)
    return (
        named == [(NameOID.COMMON_NAME, HUB_CA)]
        and _issued(authority, authority)
        and basic is not None
        and basic.path_length == 0
        and not others
    )


def _issued(issuer: x509.Certificate, subject: x509.Certificate) -> bool:
    basic = _basic(issuer)
    if basic is None or not basic.ca:
        return False
    try:
        subject.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _basic(certificate: x509.Certificate) -> x509.BasicConstraints | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return None
