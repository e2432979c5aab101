"""Facts: what agents report, and how one is kept on disk (truth T1, T16, T19).

A stored fact is one level byte, then msgpack. Its uid alone is its identity; `time_ms` is the agent's clock when it
happened (the hub adds the measured offset, T25). `hub` is the hub it is for; the empty string means the local rooms and
the first hub that is joined. A fact of an older `generation` than the hold given out goes to history only (T6).
"""

from typing import Any

import msgspec
from msgspec import Struct, field

from soundpost.device.model import Device, Reason
from soundpost.kernel.errors import Corrupt

STORED_LEVEL = 1


class Fact(Struct, array_like=True, kw_only=True):
    uid: bytes
    type: str
    time_ms: int
    device: str = ""
    generation: int = 0
    hub: str = ""
    data: msgspec.Raw = msgspec.Raw(b"\x80")


def pack(fact: Fact) -> bytes:
    return bytes([STORED_LEVEL]) + msgspec.msgpack.encode(fact)


def unpack(body: bytes) -> Fact:
    """Raises Corrupt; one bad entry never takes its neighbours with it."""
    if not body or body[0] > STORED_LEVEL:
        raise Corrupt("A fact was written by a newer version.", code="fact_level")
    try:
        return msgspec.msgpack.decode(memoryview(body)[1:], type=Fact)
    except (msgspec.DecodeError, ValueError, RecursionError) as cause:
        raise Corrupt("A fact can't be read.", code="fact_unreadable", cause=str(cause)) from None


def uid_of(body: bytes) -> bytes:
    """The uid of a stored fact of any level, even when the rest of it can't be read; b"" when there is none.

    It stands at one place for ever (level byte, array header, then 16 bytes of bin), so that an entry the hub has to set aside
    still has its identity: the agent names it as its last acked one, and a repeat is known as a repeat."""
    if len(body) < 20 or body[1] & 0xF0 != 0x90 or body[2:4] != b"\xc4\x10":
        return b""
    return body[4:20]


def data(body: Struct | dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(body))


class DeviceFound(Struct):
    """`device.found` and `device.changed`: the whole record; the hub replaces its copy when the revision is higher."""

    device: Device
    changed: list[str] = field(default_factory=list)


class DeviceMoved(Struct):
    """`device.moved`: the same serials answer at another address. The record's new copy follows as `device.changed`."""

    before: str
    now: str


class DeviceStatus(Struct):
    """`device.status`. `since_ms` is the agent's clock like the fact's own time."""

    status: str
    since_ms: int
    reason: Reason | None = None


class Unreadable(Struct):
    """`found.unreadable`: a banner that fits, but nothing that can be listed. `id` names the finding (family@address:port).
    Codes: sign_in_refused, duplicate_serial, not_known (not signed in to any stack), asks (policy *ask*)."""

    id: str
    address: str
    port: int
    family: str
    reason: Reason
    serials: list[str] = field(default_factory=list)


class FoundGone(Struct):
    """`found.gone`: the finding no longer stands (read, listed, or nothing answers there)."""

    id: str


class ScanDone(Struct):
    """`scan.done`: one sweep of one range."""

    interface: str
    range: str
    asked: int
    total: int
    found: int
    refused: int
    new: int
    gone: int
    started_ms: int
    ended_ms: int


class DeviceRenamed(Struct):
    """`device.renamed`: a hub that was joined knows this device by another id, which the agent uses from now on. The fact
    names the new id; local rooms move what they have under `before` to it. A hub that never saw `before` ignores it."""

    before: str


class WentBack(Struct):
    """`link.went_back`: after a hello one end was found to have lost what the other remembers (T9). `who`: hub or agent."""

    who: str


class CommandEnded(Struct):
    """`command.ended`. `state` is a CommandState end; `late` = after its deadline. `person` and `origin` name who asked
    (origin: the hub's id, or "local")."""

    id: str
    capability: str
    state: str
    reason: Reason | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    assumed: bool = False
    person: str = ""
    origin: str = ""
    late: bool = False


class SpoolDropped(Struct):
    """`spool.dropped`: what a bound made the agent forget: kind (facts or values), how many, from when to when."""

    kind: str
    count: int
    from_ms: int
    to_ms: int


BODIES: dict[str, type[Struct]] = {
    "device.found": DeviceFound,
    "device.changed": DeviceFound,
    "device.moved": DeviceMoved,
    "device.status": DeviceStatus,
    "device.renamed": DeviceRenamed,
    "link.went_back": WentBack,
    "found.unreadable": Unreadable,
    "found.gone": FoundGone,
    "scan.done": ScanDone,
    "command.ended": CommandEnded,
    "spool.dropped": SpoolDropped,
}
"""Every fact type an agent sends and the struct its data decodes to. A type not listed here is kept as an event, unread."""
