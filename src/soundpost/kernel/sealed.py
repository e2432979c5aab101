"""Encryption at rest for secrets that must be read again (device credentials, keys), under a key kept outside the data folder (T31)."""

import os
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from soundpost.kernel.errors import Corrupt

LEVEL = b"\x01"


class Sealer:
    """AES-256-GCM. `context` binds a ciphertext to the place it belongs to, so it can't be moved to another row."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, context: str) -> bytes:
        nonce = os.urandom(12)
        return LEVEL + nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        if sealed[:1] != LEVEL:
            raise Corrupt("A stored secret was written by a newer version; upgrade this program.", code="sealed_level")
        try:
            return self._cipher.decrypt(sealed[1:13], sealed[13:], context.encode())
        except InvalidTag:
            raise Corrupt(
                "A stored secret can't be opened with this key file; restore the key file that belongs to this data folder.",
                code="sealed_key",
            ) from None


class Secrets:
    """The keys of one installation, each made when it is first wanted, in `folder` outside the data (T31). Without a folder they live
    in memory only: what they sealed can't be opened by the next process."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    @cached_property
    def sealer(self) -> Sealer:
        """For what must be read again: the mail account's password, second factors."""
        return Sealer(self._key("hub.seal"))

    @cached_property
    def audit_key(self) -> bytes:
        """Of the audit's chain (T35)."""
        return self._key("audit.key")

    def _key(self, name: str) -> bytes:
        return key_file(self.folder, name) if self.folder else os.urandom(32)


def key_file(folder: Path, name: str, size: int = 32) -> bytes:
    """The key in `folder/name`, made on first use with mode 0600 and synced before it is returned."""
    path = folder / name
    if path.exists():
        key = path.read_bytes()
        if len(key) != size:
            raise Corrupt(
                f"The key file {path} is damaged ({len(key)} bytes, not {size}); restore it.", code="key_damaged"
            )
        return key
    key = os.urandom(size)
    write_private(path, key)
    return key


def write_private(path: Path, body: bytes) -> None:
    """Writes a file only its owner can read: whole or not at all, on disk before this returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, body)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(path)
