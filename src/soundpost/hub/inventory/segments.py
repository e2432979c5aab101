"""The bytes of the redo log and of a device's blob (T17, T19): a level byte, then zstd over msgpack.

A segment holds what its commit told of values, in order: declarations and frames. It is read at start only, never by a screen.
"""

from array import array
from collections.abc import Mapping, Sequence

import msgspec
import zstandard
from msgspec import Struct, field

from soundpost.device.model import GROUPS, Value
from soundpost.hub.inventory.state import DeviceState, Schema
from soundpost.kernel.errors import Corrupt
from soundpost.link.envelope import Change

LEVEL = b"\x01"


class Declared(Struct, array_like=True, tag=0, gc=False):
    """From here on the device's changes count into this schema."""

    device: str
    site: str
    schema: bytes


class Frame(Struct, array_like=True, tag=1):
    """One delivery's changes, as the agent sent them; `offset_ms` turns its clock into the hub's."""

    site: str
    offset_ms: int
    devices: dict[int, str]
    values: list[Change]


Entry = Declared | Frame


class Blob(Struct, array_like=True):
    site: str
    schema: bytes
    values: list[Value | None]
    times: bytes
    codes: bytes
    reads: list[int]
    origins: dict[int, str] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)


_compressor = zstandard.ZstdCompressor(level=3)
"""The loop's own, since making one takes three times as long as packing a small body; it must not be used on two threads at once."""
_encoder = msgspec.msgpack.Encoder()
_DECLARED = _encoder.encode(Declared("", "", b""))[:2]
_raw: msgspec.msgpack.Decoder[list[msgspec.Raw]] = msgspec.msgpack.Decoder(list[msgspec.Raw])
_one: msgspec.msgpack.Decoder[Entry] = msgspec.msgpack.Decoder(Entry)
_segments: msgspec.msgpack.Decoder[list[Entry]] = msgspec.msgpack.Decoder(list[Entry])
_blobs: msgspec.msgpack.Decoder[Blob] = msgspec.msgpack.Decoder(Blob)


def frame(site: str, offset_ms: int, devices: Mapping[int, str], values: list[Change]) -> Frame:
    """Keeps only the refs that occur: `devices` may be all that the session declared."""
    refs = {change.ref for change in values}
    return Frame(site, offset_ms, {ref: devices[ref] for ref in refs if ref in devices}, values)


def pack_segment(entries: Sequence[Entry]) -> bytes:
    """Runs on the writer's thread, so each call has a compressor of its own."""
    return LEVEL + zstandard.ZstdCompressor(level=3).compress(_encoder.encode(entries))


def unpack_segment(body: bytes) -> list[Entry]:
    return _segments.decode(_unpacked(body))


def entries_naming(body: bytes, device: str) -> list[Entry]:
    """Those that may tell of this device, in order. Most segments don't, and a frame is decoded only when its bytes name it."""
    told, name = _unpacked(body), device.encode()
    if name not in told:
        return []
    return [_one.decode(entry) for entry in _raw.decode(told) if name in bytes(entry)]


def described_in(body: bytes) -> set[str]:
    """The devices a segment has declarations of; its frames are not decoded."""
    entries = (bytes(entry) for entry in _raw.decode(_unpacked(body)))
    declared = (_one.decode(entry) for entry in entries if entry.startswith(_DECLARED))
    return {entry.device for entry in declared if isinstance(entry, Declared)}


def pack_blob(device: DeviceState) -> bytes:
    blob = Blob(
        device.site.id,
        device.schema.id,
        device.values,
        device.times.tobytes(),
        bytes(device.codes),
        list(device.reads),
        device.origins,
        device.texts,
    )
    return LEVEL + compressed(_encoder.encode(blob))


def compressed(body: bytes) -> bytes:
    """For the event loop's thread alone."""
    return _compressor.compress(body)


def unpack_blob(body: bytes) -> Blob:
    return _blobs.decode(_unpacked(body))


def fill(device: DeviceState, blob: Blob, schema: Schema) -> None:
    """Takes a blob's values; one that doesn't fit its schema is refused whole."""
    if not len(blob.values) == len(blob.codes) == len(blob.times) // 8 == schema.size:
        raise Corrupt("A device's stored values don't fit their description.", code="blob_shape", device=device.id)
    device.shape(schema)
    device.values = list(blob.values)
    device.times = array("q", blob.times)
    device.codes = bytearray(blob.codes)
    # Written before a group was added, it has fewer; by a newer version, more.
    device.reads = array("q", [*blob.reads, *[0] * len(GROUPS)][: len(GROUPS)])
    device.origins, device.texts = dict(blob.origins), dict(blob.texts)


def _unpacked(body: bytes) -> bytes:
    if body[:1] != LEVEL:
        raise Corrupt("Stored values were written by a newer version.", code="values_level")
    try:
        return zstandard.decompress(body[1:])
    except zstandard.ZstdError as cause:
        raise Corrupt("Stored values can't be read.", code="values_unreadable", cause=str(cause)) from None
