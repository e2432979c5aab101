"""`/api/v1/audit/streams`: to whom the audit is sent as it grows."""

from typing import Annotated, Any

from litestar import Controller, delete, get, patch, post
from litestar.params import JSONBody
from msgspec import UNSET, Struct, UnsetType

from soundpost.hub.audit import stream_rules as rules
from soundpost.hub.audit.search import Asker
from soundpost.hub.audit.stream_rules import Target
from soundpost.hub.audit.streams import Stream, Streams
from soundpost.kernel.clock import rfc3339
from soundpost.kernel.shape import one_of

STATES = ("works", "waiting", "down", "off")
Kind = Annotated[str, one_of(rules.KINDS)]
Facility = Annotated[str, one_of(rules.FACILITIES)]


class StreamItem(Struct):
    """One receiver. Of a syslog server `host` to `confirm` mean something, of a webhook `url`. `state`: it has all rows; some are on their
    way; nothing can be handed over, `words` say why, tried again at `next`; switched off. `upto`: the last row it took, at `taken`;
    `waiting`: rows it has not got."""

    id: str
    kind: Kind
    name: str
    enabled: bool
    where: str
    host: str
    port: int
    tls: bool
    facility: Facility
    enterprise: int
    confirm: bool
    url: str
    ca_pem: str
    timeout_s: int
    has_secret: bool
    state: Annotated[str, one_of(STATES)]
    waiting: int
    upto: int
    taken: str | None
    words: str
    since: str | None
    next: str | None
    created: str


class StreamList(Struct):
    items: list[StreamItem]


class StreamChange(Struct, forbid_unknown_fields=True):
    """What is left out stays. `confirm`: a syslog server shows by closing the line that it read everything; without, what it was
    handed counts as taken. `enterprise`: the private enterprise number that structured data is named by. `secret`: a new one of a
    webhook; kept sealed."""

    name: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    host: str | UnsetType = UNSET
    port: int | UnsetType = UNSET
    tls: bool | UnsetType = UNSET
    facility: str | UnsetType = UNSET
    enterprise: int | UnsetType = UNSET
    confirm: bool | UnsetType = UNSET
    url: str | UnsetType = UNSET
    ca_pem: str | UnsetType = UNSET
    timeout_s: int | UnsetType = UNSET
    secret: str | UnsetType = UNSET


class NewStream(StreamChange, forbid_unknown_fields=True, kw_only=True):
    """`start`: with what happens from now on, or with the oldest row there is. A webhook without a `secret` gets one."""

    kind: Kind
    start: Annotated[str, one_of(rules.STARTS)] = "now"


class AddedStream(Struct):
    """`secret`: made here for a webhook, shown this once; null where it was given, or needs none."""

    item: StreamItem
    secret: str | None


class StreamTrial(Struct):
    """`text`: what the receiver said."""

    ok: bool
    text: str


def item(streams: Streams, stream: Stream, head: int) -> StreamItem:
    down, target, waiting = streams.down.get(stream.id), stream.target, max(0, head - stream.n)
    state = "off" if not target.enabled else "down" if down else "waiting" if waiting else "works"
    names = (
        "kind",
        "name",
        "enabled",
        "where",
        "host",
        "port",
        "tls",
        "facility",
        "enterprise",
        "confirm",
        "url",
        "ca_pem",
        "timeout_s",
    )
    return StreamItem(
        id=stream.id, **{name: getattr(target, name) for name in names}, has_secret=stream.secret is not None, state=state,
        waiting=waiting, upto=stream.n, taken=stamp(stream.taken_ms), words=down.words if down else "",
        since=stamp(down.since_ms) if down else None, next=stamp(down.next_ms) if down else None, created=rfc3339(stream.created_ms),
    )  # fmt: skip


def stamp(ms: int) -> str | None:
    return rfc3339(ms) if ms else None


def given(data: StreamChange) -> tuple[dict[str, Any], str | None]:
    """The fields that were sent, and the secret by itself."""
    names = StreamChange.__struct_fields__
    fields = {name: getattr(data, name) for name in names if getattr(data, name) is not UNSET}
    return fields, fields.pop("secret", None)


async def shown(streams: Streams, id: str) -> StreamItem:
    found, head = await streams.all()
    return next(item(streams, stream, head) for stream in found if stream.id == id)


class StreamsController(Controller):
    """An owner sets them; loopback, private and public addresses may be sent to, link-local ones not, and no redirect is followed."""

    path = "/api/v1/audit/streams"
    tags = ("Audit",)

    @get("", opt={"right": "administer", "whole": True}, summary="To whom the audit is sent, and how far each is")
    async def streams(self, streams: Streams) -> StreamList:
        found, head = await streams.all()
        return StreamList([item(streams, stream, head) for stream in found])

    @post("", opt={"right": "own", "whole": True, "faults": "too_many_streams"}, summary="Send it to one more")
    async def add(self, streams: Streams, asker: Asker, data: JSONBody[NewStream]) -> AddedStream:
        fields, secret = given(data)
        target = rules.changed(Target(kind=data.kind), fields)
        stream, made = await streams.add(asker.who, target, secret, data.start)
        return AddedStream(await shown(streams, stream.id), made)

    @patch(
        "/{stream_id:str}",
        opt={"right": "own", "whole": True, "faults": "no_such_stream"},
        summary="Change what was sent, leave the rest",
    )
    async def change(self, streams: Streams, asker: Asker, stream_id: str, data: JSONBody[StreamChange]) -> StreamItem:
        fields, secret = given(data)
        await streams.change(asker.who, stream_id, fields, secret)
        return await shown(streams, stream_id)

    @delete(
        "/{stream_id:str}",
        opt={"right": "own", "whole": True, "faults": "no_such_stream"},
        summary="Send it there no more",
    )
    async def remove(self, streams: Streams, asker: Asker, stream_id: str) -> None:
        await streams.remove(asker.who, stream_id)

    @post(
        "/{stream_id:str}/test",
        opt={"right": "own", "whole": True, "faults": "no_such_stream"},
        status_code=200,
        summary="Send a test now, and hear what the receiver says",
    )
    async def test(self, streams: Streams, asker: Asker, stream_id: str) -> StreamTrial:
        taken = await streams.test(asker.who, stream_id)
        return StreamTrial(taken.ok, taken.words)


CONTROLLERS = (StreamsController,)
