"""The shapes of live state: sites with their link, devices with their points as columns over a shared schema."""

from array import array
from collections import defaultdict
from collections.abc import Sequence

from msgspec import Struct, field

from soundpost.device.model import GROUPS, Descriptor, Device, Reason

AHEAD_MS = 5_000
"""How far ahead of the hub's clock a time may be, by a measured offset that is a little off, and still count."""
UP, WAITING, LOST = "up", "waiting", "lost"
"""How a site's link stands; *waiting* is the time a starting hub gives it (T6)."""
GROUP_INDEX = {group.value: index for index, group in enumerate(GROUPS)}


def locate_index(descriptors: Sequence[Descriptor]) -> int:
    """Which point tells whether the locate light is on; -1 when none does."""
    for index, point in enumerate(descriptors):
        if point.key == "locate" or point.key.endswith(".locate"):
            return index
    return -1


class Schema:
    """A list of descriptors shared by all devices that have just these points. Kept once, by hash."""

    __slots__ = ("descriptors", "groups", "id", "index", "locate", "size")

    def __init__(self, id: bytes, descriptors: tuple[Descriptor, ...]) -> None:
        self.id, self.descriptors, self.size = id, descriptors, len(descriptors)
        self.index = {point.key: place for place, point in enumerate(descriptors)}
        self.groups = bytes(GROUP_INDEX.get(point.group, 1) for point in descriptors)
        self.locate = locate_index(descriptors)


EMPTY = Schema(b"", ())


class AgentInfo(Struct):
    id: str
    name: str
    state: str
    since_ms: int = 0
    reason: Reason | None = None


class Link:
    """How a site's agent stands, as its sessions told. Not stored: after a start every site is waited for (T6)."""

    __slots__ = ("agent", "epoch", "reason", "since_ms", "state")

    def __init__(self, since_ms: int, state: str = WAITING) -> None:
        self.state, self.since_ms = state, since_ms
        self.agent, self.epoch = "", -1
        self.reason = Reason("agent_lost", "The server of this site is out of contact.")

    @property
    def counts_as_up(self) -> bool:
        return self.state != LOST


class SiteState:
    """`counts[kind][status]` counts the site's devices by the status their agent last reported."""

    __slots__ = ("agent", "counts", "devices", "id", "link", "name", "search", "zone")

    def __init__(self, id: str, link: Link, name: str = "", zone: str = "") -> None:
        self.id, self.link, self.name, self.zone = id, link, name, zone
        self.agent: AgentInfo | None = None
        self.search: str | None = None
        self.devices: dict[str, DeviceState] = {}
        self.counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    @property
    def up(self) -> bool:
        """Connected, or still within the time a starting hub waits."""
        return self.link.counts_as_up

    def lost(self) -> tuple[int, Reason] | None:
        return None if self.link.counts_as_up else (self.link.since_ms, self.link.reason)


class DeviceState:
    """`record` is None while only a declaration is known: such a device has values but is not listed.

    `times[i]` is when point i took its value (hub clock: offset added), `reads[g]` until when group g was read.
    `place` is where it is in people's tree ("" = nowhere), `placed_by` how it came there (locations.service.where).
    `restarts`: it is away because a restart was asked, and counted as that.
    `dirty_n` is the first segment not in the blob (0 = none), `blob_n` the segment the blob includes.
    """

    __slots__ = (
        "blob_n", "codes", "dirty_n", "first_seen_ms", "generation", "id", "old", "origins", "place", "placed_by",
        "reads", "reason", "record", "restarts", "schema", "search", "since_ms", "site", "status", "status_time_ms",
        "texts", "times", "values", "watchers",
    )  # fmt: skip

    def __init__(self, id: str, site: SiteState) -> None:
        self.id, self.site = id, site
        self.record: Device | None = None
        self.status, self.since_ms, self.status_time_ms, self.first_seen_ms = "unknown", 0, 0, 0
        self.generation = 1
        self.reason: Reason | None = None
        self.restarts = False
        self.search: str | None = None
        self.place = self.placed_by = ""
        self.dirty_n = self.blob_n = self.watchers = self.old = 0
        self.reads = array("q", bytes(8 * len(GROUPS)))
        self.shape(EMPTY)

    def shape(self, schema: Schema) -> None:
        """Empty columns for this schema."""
        self.schema = schema
        self.values: list[bool | int | float | str | None] = [None] * schema.size
        self.times = array("q", bytes(8 * schema.size))
        self.codes = bytearray(schema.size)
        self.origins: dict[int, str] = {}
        self.texts: dict[int, str] = {}

    def reshape(self, schema: Schema) -> None:
        """Points that the new schema still has keep their values."""
        old = self.schema, self.values, self.times, self.codes, self.origins, self.texts
        self.shape(schema)
        for key, before in old[0].index.items():
            now = schema.index.get(key)
            if now is None:
                continue
            self.values[now], self.times[now], self.codes[now] = old[1][before], old[2][before], old[3][before]
            if origin := old[4].get(before):
                self.origins[now] = origin
            if text := old[5].get(before):
                self.texts[now] = text

    def heard_ms(self, now_ms: int) -> int:
        """When anything of it was last read; 0 when never. A time ahead of now is some clock's mistake and proves nothing."""
        latest = now_ms + AHEAD_MS
        return max((ms for times in (self.reads, self.times) for ms in times if ms <= latest), default=0)

    def read_ms(self, index: int, now_ms: int) -> int:
        read, changed = self.reads[self.schema.groups[index]], self.times[index]
        return max(read, changed) if changed <= now_ms + AHEAD_MS else read


class Restart(Struct, frozen=True):
    """A restart that was asked of a device, and so of its whole stack. `asked_ms` and `ended_ms` (0 = open) on the hub's clock;
    `came_back`: it ended well, rather than that nobody saw how."""

    command: str
    asked_ms: int
    ended_ms: int = 0
    came_back: bool = False


class Found(Struct, kw_only=True):
    """Found, not readable. `id` is unique at its site; people see `<site>.<id>`."""

    site: str
    id: str
    address: str
    port: int
    family: str
    reason: Reason
    serials: list[str] = field(default_factory=list)
    time_ms: int = 0

    @property
    def shown_id(self) -> str:
        return f"{self.site}.{self.id}"


class Delta:
    """What one commit, one link change or one tick changed: `faces` = item fields by device (`*` = all of them), `values` =
    point places of watched devices, `judged` = watched devices whose points' quality may differ now,
    `places` = the tree of places is another one."""

    __slots__ = ("faces", "found", "found_gone", "gone", "judged", "places", "reset", "sites", "values")

    def __init__(self) -> None:
        self.faces: dict[str, set[str]] = {}
        self.values: dict[str, set[int]] = {}
        self.judged: set[str] = set()
        self.gone: set[str] = set()
        self.found: set[str] = set()
        self.found_gone: set[str] = set()
        self.sites: set[str] = set()
        self.reset = self.places = False

    def __bool__(self) -> bool:
        return (
            self.reset
            or self.places
            or any((self.faces, self.values, self.judged, self.gone, self.found, self.found_gone, self.sites))
        )

    def face(self, device: str, *fields: str) -> None:
        known = self.faces.get(device)
        if known is None:
            self.faces[device] = set(fields)
        else:
            known.update(fields)
