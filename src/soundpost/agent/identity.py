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
from soundpost.link.envelope import Hello, Join, signed_bytes
from soundpost.link.level import LEVEL, LOWEST

PINNED, PUBLIC, PLAIN, LOCAL = "pinned", "public", "plain", "local"
"""Why a hub is trusted: its CA was compared and pinned; public CAs; loopback without TLS; it is in this process."""


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
        self._keys, self._version = keys, version
        self.sealer = Sealer(key_file(keys, "agent.seal"))
        self.boot = ids.mint("boot", clock.now_ms())
        self.machine = platform.node()

    def _key(self, reader: str) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(key_file(self._keys, f"{reader}.key"))

    def public_key(self, reader: str) -> bytes:
        return self._key(reader).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def renew(self, reader: str) -> None:
        """A new key: the old one was taken away, or another machine holds a copy of it (T28)."""
        write_private(self._keys / f"{reader}.key", os.urandom(32))

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
        return Hello(
            agent=account.agent, boot=self.boot, nonce=nonce, host=account.host, signature=self._key(account.reader).sign(signed),
            level=LEVEL, lowest=LOWEST, version=self._version,
        )  # fmt: skip


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
