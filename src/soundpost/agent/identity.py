"""Who this agent is: its key, its boot id, and the account it has with each hub (T26-T28).

The key lies in the keys folder, never in the data folder. A password is kept, sealed, only until the hub has taken the key.
"""

import os
import platform
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from soundpost.agent.memory import Memory
from soundpost.kernel import ids
from soundpost.kernel.clock import Clock
from soundpost.kernel.sealed import Sealer, key_file, write_private
from soundpost.link.envelope import Hello, Join, Welcome, key_bytes, signed_bytes
from soundpost.link.level import LEVEL, LOWEST

PINNED, PUBLIC, PLAIN, LOCAL = "pinned", "public", "plain", "local"
"""Why a hub is trusted: its CA was compared and pinned; public CAs; loopback without TLS; it is in this process."""
KEY_MS = 90 * 86_400_000
"""A key older than this is replaced by a new one that it vouches for (T27)."""


class Account(Struct, kw_only=True):
    """One hub as this agent knows it. `agent` is "" until the first join; `pem` is the pinned CA."""

    reader: str
    url: str = ""
    host: str = ""
    name: str = ""
    trust: str = ""
    pem: str = ""
    hub: str = ""
    hub_name: str = ""
    agent: str = ""
    site: str = ""
    site_name: str = ""
    sealed_password: bytes = b""

    @property
    def trusted(self) -> bool:
        """A password is sent to nobody else (T26)."""
        return self.trust in (PUBLIC, PLAIN, LOCAL) or (self.trust == PINNED and bool(self.pem))


class Identity:
    """One key per reader: the local rooms' key never leaves the machine, the hub's can be made anew without touching it."""

    def __init__(self, keys: Path, clock: Clock, version: str) -> None:
        self._keys, self._version, self._clock = keys, version, clock
        self.sealer = Sealer(key_file(keys, "agent.seal"))
        self.boot = ids.mint("boot", clock.now_ms())
        self.machine = platform.node()

    # Three files while a key is replaced, each whole or not there: `key` is in use, `offer` is what this agent wants, `taken`
    # is what the hub said it noted. From then on `taken` signs; once a hub welcomed it, it is the `key`.

    def _file(self, reader: str, what: str = "") -> Path:
        return self._keys / (f"{reader}.{what}.key" if what else f"{reader}.key")

    def _key(self, reader: str, what: str = "") -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(key_file(self._keys, self._file(reader, what).name))

    def _signing(self, reader: str) -> Ed25519PrivateKey:
        return self._key(reader, "taken" if self._file(reader, "taken").exists() else "")

    def public_key(self, reader: str) -> bytes:
        return _public(self._signing(reader))

    def renew(self, reader: str) -> None:
        """A new key: the old one was taken away, or another machine holds a copy of it (T28)."""
        for what in ("offer", "taken"):
            self._file(reader, what).unlink(missing_ok=True)
        write_private(self._file(reader), os.urandom(32))

    def _offered(self, reader: str) -> Ed25519PrivateKey | None:
        """The key this agent wants next, while its own is old."""
        if reader == LOCAL or self._file(reader, "taken").exists():
            return None
        self._key(reader)
        age_ms = self._clock.now_ms() - int(self._file(reader).stat().st_mtime * 1000)
        return self._key(reader, "offer") if age_ms > KEY_MS else None

    def welcomed(self, reader: str, welcome: Welcome) -> None:
        """The hub let us in: a new key that signed is the key from now on; one it noted signs the next hello."""
        if self._file(reader, "taken").exists():
            self._file(reader, "taken").replace(self._file(reader))
        elif welcome.next_key and welcome.next_key == self._offer_made(reader):
            self._file(reader, "offer").replace(self._file(reader, "taken"))

    def _offer_made(self, reader: str) -> bytes:
        return _public(self._key(reader, "offer")) if self._file(reader, "offer").exists() else b""

    def fall_back(self, reader: str) -> bool:
        """True when a new key was refused and the old one is to be tried: the hub may be an older copy that never noted it."""
        if not self._file(reader, "taken").exists():
            return False
        self._file(reader, "taken").unlink()
        return True

    def join(self, account: Account, site: str) -> Join:
        password = self.sealer.open(account.sealed_password, "hub password").decode() if account.sealed_password else ""
        return Join(
            name=account.name, password=password, public_key=self.public_key(account.reader), site=site,
            level=LEVEL, lowest=LOWEST, boot=self.boot, machine=self.machine,
        )  # fmt: skip

    def seal_password(self, password: str) -> bytes:
        return self.sealer.seal(password.encode(), "hub password")

    def hello(self, account: Account, hub_nonce: bytes, nonce: bytes) -> Hello:
        """Signed; what the log says is filled in by the caller (it isn't signed)."""
        signed = signed_bytes(account.hub, account.host, hub_nonce, nonce, account.agent, self.boot)
        key, offered = self._signing(account.reader), self._offered(account.reader)
        hello = Hello(
            agent=account.agent, boot=self.boot, nonce=nonce, host=account.host, signature=key.sign(signed),
            level=LEVEL, lowest=LOWEST, version=self._version,
        )  # fmt: skip
        if offered is not None:
            hello.next_key = _public(offered)
            hello.next_signature = key.sign(key_bytes(account.hub, account.agent, hello.next_key))
        return hello


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class Accounts:
    """The accounts on disk: one for the local rooms, one for the central hub."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def load(self, reader: str) -> Account | None:
        return await self._memory.setting(f"account {reader}", Account)

    async def save(self, account: Account) -> None:
        await self._memory.set_setting(f"account {account.reader}", account)

    async def forget(self, reader: str) -> None:
        await self._memory.forget_setting(f"account {reader}")
