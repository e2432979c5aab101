"""What the agent remembers besides facts and values: settings, devices, findings, tries, credential sets."""

import sqlite3
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from soundpost.agent.disk import Disk, Record
from soundpost.device.contract import Credentials
from soundpost.device.model import Descriptor, Device, Endpoint
from soundpost.kernel.sealed import Sealer
from soundpost.link.events import DeviceStatus, Unreadable

T = TypeVar("T")
_encode = msgspec.msgpack.Encoder().encode


class KnownDevice(Struct, kw_only=True):
    """A device with all that must outlive a restart: `part` is its driver's word for it, `status` what was last told. Devices
    with the same points share one tuple of them (`Alike`). `memory`: a stack's driver's own (contract.Unit)."""

    device: Device
    part: str
    points: tuple[Descriptor, ...] = ()
    status: DeviceStatus | None = None
    memory: bytes = b""


class Alike:
    """Makes one of what is equal in many records: those of a thousand boxes of one model are read from as many rows of a table,
    and their points, capabilities and assumptions are the same."""

    def __init__(self) -> None:
        self._points: dict[Descriptor, Descriptor] = {}
        self._rows: dict[tuple[Descriptor, ...], tuple[Descriptor, ...]] = {}
        self._capabilities: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
        self._assumed: dict[tuple[str, ...], list[str]] = {}

    def __call__(self, known: KnownDevice) -> KnownDevice:
        row = tuple(self._points.setdefault(point, point) for point in known.points)
        known.points = self._rows.setdefault(row, row)
        device = known.device
        key = tuple(device.capabilities.items())
        device.capabilities = self._capabilities.setdefault(key, device.capabilities)
        device.assumed = self._assumed.setdefault(tuple(device.assumed), device.assumed)
        return known


class CredentialSet(Struct, frozen=True):
    """`subnets` empty = everywhere; sets are tried in their order. `revision` grows with each change, so that it is tried anew."""

    id: str
    user: str
    password: str
    subnets: list[str] = field(default_factory=list)
    revision: int = 1

    def __repr__(self) -> str:
        return f"CredentialSet(id={self.id!r}, revision={self.revision}, password=***)"

    @property
    def trial(self) -> str:
        return f"{self.id}#{self.revision}"

    def credentials(self) -> Credentials:
        return Credentials(self.id, self.user, self.password)


def save_device(known: KnownDevice) -> Record:
    return Record("insert or replace into device values (?, ?)", (known.device.id, _encode(known)))


def delete_device(key: str) -> Record:
    return Record("delete from device where id = ?", (key,))


def save_finding(finding: Unreadable) -> Record:
    return Record("insert or replace into finding values (?, ?)", (finding.id, _encode(finding)))


def delete_finding(key: str) -> Record:
    return Record("delete from finding where id = ?", (key,))


class Memory:
    def __init__(self, disk: Disk, sealer: Sealer) -> None:
        self._disk, self._sealer = disk, sealer

    async def setting(self, name: str, kind: type[T]) -> T | None:
        def job(connection: sqlite3.Connection) -> T | None:
            row = connection.execute("select body from setting where name = ?", (name,)).fetchone()
            return msgspec.msgpack.decode(row[0], type=kind) if row else None

        return await self._disk.run(job)

    async def set_setting(self, name: str, value: Any) -> None:
        body = _encode(value)
        await self._disk.run(lambda c: c.execute("insert or replace into setting values (?, ?)", (name, body)))

    async def forget_setting(self, name: str) -> None:
        await self._disk.run(lambda c: c.execute("delete from setting where name = ?", (name,)))

    async def devices(self) -> list[KnownDevice]:
        alike = Alike()

        def job(connection: sqlite3.Connection) -> list[KnownDevice]:
            # Row by row: what is alike is gone before the next is read.
            rows = connection.execute("select body from device order by id")
            return [alike(msgspec.msgpack.decode(row[0], type=KnownDevice)) for row in rows]

        return await self._disk.run(job)

    async def findings(self) -> list[Unreadable]:
        return await self._all("finding", Unreadable)

    async def _all(self, table: str, kind: type[T]) -> list[T]:
        def job(connection: sqlite3.Connection) -> list[T]:
            rows = connection.execute(f"select body from {table} order by id")  # noqa: S608
            return [msgspec.msgpack.decode(row[0], type=kind) for row in rows]

        return await self._disk.run(job)

    # --- tries: each set once per device and change (contracts.md)

    async def tries(self) -> dict[Endpoint, set[str]]:
        rows = await self._disk.run(lambda c: c.execute("select endpoint, credential from trial").fetchall())
        tries: dict[Endpoint, set[str]] = {}
        for endpoint, credential in rows:
            address, _, port = endpoint.rpartition(":")
            tries.setdefault(Endpoint(address, int(port)), set()).add(credential)
        return tries

    async def note_tries(self, endpoint: Endpoint, trials: Sequence[str]) -> None:
        rows = [(str(endpoint), trial) for trial in trials]
        await self._disk.run(lambda c: c.executemany("insert or ignore into trial values (?, ?)", rows))

    async def forget_tries(self, endpoint: Endpoint) -> None:
        await self._disk.run(lambda c: c.execute("delete from trial where endpoint = ?", (str(endpoint),)))

    # --- credential sets

    async def credential_sets(self) -> list[CredentialSet]:
        rows = await self._disk.run(
            lambda c: c.execute(
                "select id, user, sealed, subnets, revision from credential order by position"
            ).fetchall()
        )
        return [
            CredentialSet(
                row[0], row[1], self._sealer.open(row[2], f"credential {row[0]}").decode(),
                msgspec.msgpack.decode(row[3], type=list[str]), row[4],
            )
            for row in rows
        ]  # fmt: skip

    async def put_credential_sets(self, sets: Sequence[CredentialSet]) -> None:
        rows = [
            (item.id, place, item.revision, item.user, _encode(item.subnets),
             self._sealer.seal(item.password.encode(), f"credential {item.id}"))
            for place, item in enumerate(sets)
        ]  # fmt: skip

        def job(connection: sqlite3.Connection) -> None:
            connection.execute("delete from credential")
            connection.executemany("insert into credential values (?,?,?,?,?,?)", rows)

        await self._disk.run(job)
