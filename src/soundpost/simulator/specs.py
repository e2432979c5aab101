"""What a simulated stack is before it runs: names, serials, boxes, peripherals. The same seed makes the same stacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from soundpost.kernel.errors import Invalid
from soundpost.simulator.models import MODELS, PERIPHERALS

MAX_BOXES = 4
FIRMWARE = ("7.0.0.1", "7.0.0.1", "7.1.2.4", "6.3.0.9")
PERIPHERAL_FIRMWARE = ("2.0.1.8", "2.1.0.3", "1.4.7.0")
BOX_COUNTS = (1, 1, 1, 1, 2, 2, 3, 4)
DEFAULT_SITE = "Stack"
# Of the sample project: its macros (what they do is the integrator's matter) and its one room.
MACROS: Mapping[str, tuple[str, ...]] = {"SYSON": (), "SYSOFF": (), "DEFAULT": ()}
ROOMS: Mapping[str, Mapping[str, tuple[str, ...]]] = {"1": {"Part_A": ("Part_A_Preset_1",)}}


@dataclass(frozen=True, slots=True)
class PeripheralSpec:
    type: str
    name: str
    serial: str
    firmware: str


@dataclass(frozen=True, slots=True)
class BoxSpec:
    name: str
    model: str
    serial: str
    mac: str
    peripherals: tuple[PeripheralSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class StackSpec:
    """`channel_names` renames end points: `{"MIC 101": "Mic1"}`; all others keep the names CONSOLE AI gives.

    `macros`: name to EP write commands. `rooms`: room number to sub-room to its configurations.
    """

    name: str
    boxes: tuple[BoxSpec, ...]
    site: str = DEFAULT_SITE
    firmware: str = FIRMWARE[0]
    user: str = "clearone"
    password: str = "converge"  # noqa: S105 - the vendor's published default
    channel_names: Mapping[str, str] = field(default_factory=dict)
    macros: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MACROS)
    rooms: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=lambda: ROOMS)


class Serials:
    """Unique numbers of the shape NNNN-YYWW-40."""

    def __init__(self, random: Random) -> None:
        self._random, self._used = random, set[str]()

    def next(self) -> str:
        while True:
            serial = f"{self._random.randrange(10_000):04d}-{self._random.randrange(17, 26)}{self._random.randrange(1, 53):02d}-40"
            if serial not in self._used:
                self._used.add(serial)
                return serial


def make_stacks(count: int, seed: int = 1, sites: Sequence[str] = ()) -> list[StackSpec]:
    """`count` stacks in equal groups, named `<site>-NN` from 01 in each group."""
    if count < 0:
        raise Invalid("The number of stacks can't be negative.", code="stacks_invalid")
    random = Random(seed)
    serials = Serials(random)
    groups = list(sites) or [DEFAULT_SITE]
    specs: list[StackSpec] = []
    for position, site in enumerate(groups):
        share = count // len(groups) + (position < count % len(groups))
        width = max(2, len(str(share)))
        before = len(specs)
        specs += [
            _stack(f"{site.replace(' ', '-')}-{number:0{width}d}", site, random, serials, before + number)
            for number in range(1, share + 1)
        ]
    return specs


def _stack(name: str, site: str, random: Random, serials: Serials, ordinal: int) -> StackSpec:
    if random.random() < 0.15:
        models = ["Huddle"]
    else:
        pro2 = [model.name for model in MODELS.values() if model.kind == "box"]
        models = [random.choice(pro2) for _ in range(random.choice(BOX_COUNTS))]
    boxes = tuple(_box(number, model, random, serials, ordinal) for number, model in enumerate(models, 1))
    return StackSpec(name, boxes, site, random.choice(FIRMWARE))


def _box(number: int, model: str, random: Random, serials: Serials, ordinal: int) -> BoxSpec:
    name = f"Name_{number}"
    low = ordinal * MAX_BOXES + number
    mac = f"00:90:79:{low >> 16 & 255:02X}:{low >> 8 & 255:02X}:{low & 255:02X}"
    types = [random.choice(tuple(PERIPHERALS)) for _ in range(random.choice((0, 0, 1, 1, 2, 3)))]
    peripherals = tuple(
        PeripheralSpec(type_, f"{type_}_{name}_{n:02d}", serials.next(), random.choice(PERIPHERAL_FIRMWARE))
        for n, type_ in enumerate(types, 1)
    )
    return BoxSpec(name, model, serials.next(), mac, peripherals)
