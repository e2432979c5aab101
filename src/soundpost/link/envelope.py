"""Every message of the link, and its bytes.

A frame is one flag byte (0 raw, 1 zstd), then msgpack of one tagged array. The transport is any ordered, reliable
channel of whole frames (a WebSocket; an in-memory pair inside a Local Agent). Unknown trailing fields are ignored,
missing ones take their defaults, so a level can grow at the end of a struct.

    hub   → Challenge                      who the hub is, its nonce, its level
    agent → Join      (first time only)    name, password, public key
    hub   → Joined | Refused
    agent → Hello                          signed; what it holds and what it last had confirmed
    hub   → Welcome   | Refused            site, plan, known devices, the hub's last uid
    agent → Schema, Declare, Facts, Values, CaughtUp, Seen, GoAsk, Beat, ScanState, Fetched
    hub   → Ack, Ask, GoAnswer, Plan, Generation, Scan, Pick, Beat, Busy, Fetch

Each lane (facts, values) numbers its frames of this connection from 1 and is acked after the hub's commit. Facts go first.
"""

from typing import Any

import msgspec
import zstandard
from msgspec import Struct, field

from soundpost.device.model import Descriptor, Identity, Value
from soundpost.kernel.errors import Corrupt
from soundpost.link.commands import Command

FRAME_CAP = 1 << 20
"""Bytes of one frame on the wire; a larger one ends the connection with `frame_too_large`."""
BODY_CAP = 8 << 20
COMPRESS_OVER = 256
BEAT_S = 10.0
"""Each end sends a Beat when it has sent nothing for so long, and calls the line lost after three of them."""

FACTS, VALUES = "facts", "values"
CREDIT = {FACTS: 8, VALUES: 4}
"""Frames of a lane that may be under way unacked."""
FACTS_PER_FRAME = 500
CHANGES_PER_FRAME = 5_000


class Message(Struct, array_like=True, tag_field="t", kw_only=True):
    """Common base; each message has a number as its tag."""


class Challenge(Message, tag=1):
    hub: str
    nonce: bytes
    level: int
    lowest: int
    version: str = ""
    name: str = ""


class Join(Message, tag=2):
    """Name and password work once: afterwards the key does. `site` is the id the agent uses now ("" when new)."""

    name: str
    password: str
    public_key: bytes
    site: str = ""
    level: int = 1
    lowest: int = 1
    boot: str = ""
    machine: str = ""

    def __repr__(self) -> str:
        return f"Join(name={self.name!r}, password=***)"


class Joined(Message, tag=3):
    agent: str
    site: str
    site_name: str


class Refused(Message, tag=4):
    """Ends the connection. `final`: trying again unchanged is useless, ask a person; else after `retry_after_s`."""

    code: str
    text: str
    params: dict[str, str | int | float] = field(default_factory=dict)
    final: bool = False
    retry_after_s: float = 0.0


class Hello(Message, tag=5):
    """`signature` is Ed25519 over `signed_bytes`. `last_acked` is the uid of the last fact this hub acked (T9).
    `now_ms` is the agent's wall clock, `zone` its IANA time zone. `values_kept`: resume may go on without a snapshot."""

    agent: str
    boot: str
    nonce: bytes
    host: str
    signature: bytes
    level: int = 1
    lowest: int = 1
    last_acked: bytes = b""
    now_ms: int = 0
    zone: str = ""
    version: str = ""
    facts_waiting: int = 0
    dropped: int = 0
    next_key: bytes = b""
    """The public key this agent wants to use from now on, and `key_bytes` signed by the present one (T27)."""
    next_signature: bytes = b""


def signed_bytes(hub: str, host: str, hub_nonce: bytes, nonce: bytes, agent: str, boot: str) -> bytes:
    """What a Hello signs (T27). Fields are length-prefixed so that no two meanings share their bytes."""
    parts = [b"soundpost hello 1", hub.encode(), host.encode(), hub_nonce, nonce, agent.encode(), boot.encode()]
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def key_bytes(hub: str, agent: str, next_key: bytes) -> bytes:
    """What the old key signs to vouch for the new one."""
    parts = [b"soundpost key 1", hub.encode(), agent.encode(), next_key]
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


class Known(Struct, array_like=True):
    """A device the hub knows at this site, so that an agent with an empty disk keeps its id."""

    id: str
    kind: str
    identity: Identity
    generation: int = 1
    boxes: list[str] = field(default_factory=list)
    revision: int = 0


class PlaceCopy(Struct, array_like=True):
    """One of the hub's places, as the site may show it."""

    id: str
    parent: str
    name: str
    kind: str
    zone: str = ""
    address: str = ""
    contact: str = ""
    notes: str = ""


class SitePlaces(Struct, array_like=True):
    """The places of a site's devices and those above them, parents first; and which device is where. The hub's alone to change."""

    places: list[PlaceCopy]
    devices: dict[str, str]


class SitePlan(Struct, array_like=True):
    """The hub's settings for the site, replaced whole by a higher revision. None = the hub leaves it to the site."""

    revision: int = 0
    subnets: list[str] | None = None
    policy: str | None = None
    interval_s: float | None = None
    places: SitePlaces | None = None


class Welcome(Message, tag=6):
    """`knows_acked`: the hub has the fact the agent believes was acked last; false = the hub went back, everything kept
    is sent again. `last_uid` is the last fact the hub has of this agent; unknown to the agent = the agent went back."""

    level: int
    hub: str
    site: str
    site_name: str
    account: str
    now_ms: int
    log: str = ""
    knows_acked: bool = True
    last_uid: bytes = b""
    known: list[Known] = field(default_factory=list)
    plan: SitePlan = field(default_factory=SitePlan)
    next_key: bytes = b""
    """The new key the hub has noted: either is good until it was used once."""


class Schema(Message, tag=7):
    """A list of descriptors used by one or more devices of this connection; `number` is the agent's, small."""

    number: int
    descriptors: list[Descriptor]


class Declare(Message, tag=8):
    """A device gets its `ref` for this connection (T2). `schema` is a Schema number sent before. Declaring again with
    another schema replaces the device's points. The hub takes an id that is new or of that site, refuses any other."""

    ref: int
    device: str
    identity: Identity
    generation: int
    schema: int


class Facts(Message, tag=9):
    """Stored facts, byte for byte as they lie on the agent's disk (events.unpack)."""

    n: int
    facts: list[bytes]


class Change(Struct, frozen=True, array_like=True, gc=False):
    """A point took a value. `index` is its place in the schema; `time_ms` the agent's clock; `quality` good, error or
    unsupported; `origin` "" (as read), "device" (changed there by someone else) or a command's id; `text` the device's words."""

    ref: int
    index: int
    value: Value | None
    time_ms: int
    quality: str = "good"
    origin: str = ""
    text: str = ""


class Read(Struct, frozen=True, array_like=True, gc=False):
    """All points of that group (index into device.model.GROUPS) were read until then (T11); not logged."""

    ref: int
    group: int
    time_ms: int


class Values(Message, tag=10):
    n: int
    changes: list[Change] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    snapshot: bool = False
    """First frame(s) of a full snapshot: everything the agent knows now."""


class CaughtUp(Message, tag=11):
    """Facts sent before this were the backlog (T10): recorded and applied, nobody is told."""


class Ack(Message, tag=12):
    """Everything of that lane up to frame `n` of this connection is committed."""

    lane: str
    n: int


class Ask(Message, tag=13):
    command: Command


class Seen(Message, tag=14):
    """The command is in the agent's journal."""

    id: str


class GoAsk(Message, tag=15):
    """Before the first byte to the device (T22)."""

    id: str


class GoAnswer(Message, tag=16):
    id: str
    go: bool
    code: str = ""


class Beat(Message, tag=17):
    """Kept small and never logged: clocks for the offset, and how the other end is. `echo_ms` returns the last `now_ms` heard."""

    now_ms: int
    echo_ms: int = 0
    facts_waiting: int = 0
    values_waiting: int = 0
    dropped: int = 0
    disk_free_percent: float = -1.0
    held_ms: int = -1
    """Milliseconds since the Beat that `echo_ms` returns was heard; -1: not said."""


class Plan(Message, tag=18):
    plan: SitePlan


class Scan(Message, tag=19):
    """Sweep now."""


class RangeState(Struct, array_like=True):
    interface: str
    range: str
    asked: int = 0
    total: int = 0
    found: int = 0
    refused: int = 0
    running: bool = False
    started_ms: int = 0
    ended_ms: int = 0
    next_ms: int = 0
    swept: bool = True
    note: str = ""
    note_code: str = ""


class SetState(Struct, array_like=True):
    """A credential set as the hub may know it: never the password."""

    id: str
    user: str
    subnets: list[str] = field(default_factory=list)


class ScanState(Message, tag=20):
    """How discovery stands, whole; sent when it changes, at most once a second. Not a fact."""

    ranges: list[RangeState]
    policy: str = "list"
    sets: list[SetState] = field(default_factory=list)
    ceiling: str = ""
    """The most a hub may do here (device.ceiling); "" = an agent that knows of none."""


class Pick(Message, tag=21):
    """Policy *ask*: a person chose to list this finding."""

    id: str


class Busy(Message, tag=22):
    """The hub sheds load: stop sending values for so long."""

    retry_after_s: float


class Fetch(Message, tag=23):
    """What went over a device's line of late. `id` names the question."""

    id: int
    device: str


class Fetched(Message, tag=24):
    """`data`: the transcript as the transport keeps it, secrets masked; empty with a `code` when there is none. Not a fact."""

    id: int
    data: bytes = b""
    code: str = ""


AnyMessage = (
    Challenge | Join | Joined | Refused | Hello | Welcome | Schema | Declare | Facts | Values | CaughtUp | Ack | Ask | Seen
    | GoAsk | GoAnswer | Beat | Plan | Scan | ScanState | Pick | Busy | Fetch | Fetched
)  # fmt: skip

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(AnyMessage)
_compressor = zstandard.ZstdCompressor(level=3)
_decompressor = zstandard.ZstdDecompressor()


def encode(message: Message) -> bytes:
    """Raises Corrupt `frame_too_large` for what the other end would refuse: it must be sent in smaller parts."""
    body = _encoder.encode(message)
    flag = b"\x00"
    if len(body) > BODY_CAP:
        raise _too_large(len(body))
    if len(body) > COMPRESS_OVER:
        packed = _compressor.compress(body)
        if len(packed) < len(body):
            flag, body = b"\x01", packed
    if len(body) >= FRAME_CAP:
        raise _too_large(len(body))
    return flag + body


def _too_large(size: int) -> Corrupt:
    return Corrupt("A frame on the link is larger than allowed.", code="frame_too_large", size=size)


def decode(frame: bytes, *, frame_cap: int = FRAME_CAP, body_cap: int = BODY_CAP) -> Message:
    """Raises Corrupt with code `frame_too_large`, `frame_unreadable` or `message_unknown`. Strangers get smaller caps."""
    if len(frame) > frame_cap:
        raise _too_large(len(frame))
    if not frame or frame[0] > 1:
        raise Corrupt("A frame on the link can't be read.", code="frame_unreadable")
    body: bytes | memoryview = memoryview(frame)[1:]
    if frame[0] == 1:
        try:
            params = zstandard.get_frame_parameters(body)
            if params.content_size > body_cap:  # unknown sizes read as 2**64 - 1: refused too
                raise _too_large(params.content_size)
            body = _decompressor.decompress(body, max_output_size=body_cap)
        except zstandard.ZstdError as cause:
            raise Corrupt("A frame on the link can't be read.", code="frame_unreadable", cause=str(cause)) from None
    try:
        message: Message = _decoder.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as cause:
        raise Corrupt("A message on the link can't be read.", code="message_unknown", cause=str(cause)) from None
    return message
