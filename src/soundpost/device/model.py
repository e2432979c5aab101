"""What every room means by a device, a point, a reading and a status."""

from enum import StrEnum

from msgspec import Struct, field

Value = bool | int | float | str


class Kind(StrEnum):
    STACK = "stack"
    MIXER = "mixer"
    MICROPHONE = "microphone"
    EXPANDER = "expander"
    CODEC = "codec"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> "Kind":
        return cls.OTHER


COUNTED = (Kind.MIXER, Kind.MICROPHONE, Kind.EXPANDER, Kind.CODEC, Kind.OTHER)
"""Totals and licence count boxes and peripherals, never stacks (contracts.md)."""


class Status(StrEnum):
    ONLINE = "online"
    DEGRADED = "degraded"
    OFFLINE = "offline"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "Status":
        return cls.UNKNOWN


class Quality(StrEnum):
    """How far a value may be believed, judged when it is looked at (T11)."""

    GOOD = "good"
    OLD = "old"
    SILENT = "silent"
    DEVICE_LOST = "device_lost"
    AGENT_LOST = "agent_lost"
    UNSUPPORTED = "unsupported"
    ERROR = "error"

    @classmethod
    def _missing_(cls, value: object) -> "Quality":
        return cls.OLD


class Group(StrEnum):
    """Points polled together, at one period (contracts.md, poll periods)."""

    STATUS = "status"
    LEVELS = "levels"
    FACTS = "facts"
    SETTINGS = "settings"


GROUPS = (Group.STATUS, Group.LEVELS, Group.FACTS, Group.SETTINGS)
"""Their places travel over the link and lie in stored values: a new group goes to the end."""


class PointType(StrEnum):
    BOOL = "bool"
    NUMBER = "number"
    STRING = "string"


class Reason(Struct, frozen=True, omit_defaults=True):
    """Why something is as it is: a stable code, what fills its sentence, and the English sentence itself."""

    code: str
    text: str
    params: dict[str, str | int | float] = field(default_factory=dict)


class Descriptor(Struct, frozen=True, array_like=True, gc=False):
    """What is fixed about a point. `key` as in contracts.md (`mic.302.level.mute`); `unit` is UCUM or empty."""

    key: str
    type: str
    label: str = ""
    unit: str = ""
    group: str = Group.LEVELS
    writable: bool = False
    assumed: bool = False
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None


class Support(StrEnum):
    """How a capability stands on one device (assumed.md): proved by a public source, answered though only assumed,
    refused by the device, or a write-only assumption that nobody has tried."""

    EVIDENCED = "evidenced"
    ASSUMED = "assumed"
    UNSUPPORTED = "unsupported"
    UNTRIED = "untried"


class Endpoint(Struct, frozen=True, order=True):
    """Where a device answers: an IP address and a TCP port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


class Identity(Struct, frozen=True):
    """What proves it is the same box: family and serial; without a serial, provisional by where it answers (T3)."""

    family: str
    serial: str = ""
    endpoint: Endpoint | None = None

    @property
    def provisional(self) -> bool:
        return not self.serial

    @property
    def key(self) -> str:
        return f"{self.family}/{self.serial}" if self.serial else f"{self.family}@{self.endpoint}"


class Device(Struct, kw_only=True):
    """One box, stack or peripheral as the site knows it: the copy that goes to the hub whole, replaced by a higher `revision` (T4).

    `boxes` is filled for a stack: the serials of its boxes, which are its identity. `assumed` names the facts among
    these fields that only an assumed command gave. `capabilities` maps a capability's name to a Support word.
    """

    id: str
    kind: str
    family: str
    revision: int = 1
    generation: int = 1
    serial_number: str = ""
    stack: str = ""
    parent: str = ""
    name: str = ""
    model: str = ""
    part_number: str = ""
    firmware_version: str = ""
    mac: str = ""
    address: str = ""
    port: int = 0
    box_number: int = 0
    position: int = 0
    boxes: list[str] = field(default_factory=list)
    capabilities: dict[str, str] = field(default_factory=dict)
    assumed: list[str] = field(default_factory=list)
    credential_set: str = ""
    first_seen_ms: int = 0
    former_addresses: list[str] = field(default_factory=list)

    @property
    def identity(self) -> Identity:
        return Identity(self.family, self.serial_number, Endpoint(self.address, self.port) if self.address else None)
