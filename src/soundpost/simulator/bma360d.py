"""A BMA 360D ceiling array as it speaks on its own line (devices.md 10.2, 14.3). Pure: a command in, lines out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from soundpost.kernel.errors import Invalid
from soundpost.simulator.assumptions import Assumptions
from soundpost.simulator.parameters import number
from soundpost.simulator.parts import BEAMS
from soundpost.simulator.specs import DEFAULT_SITE

T = TypeVar("T")
CHANNELS = range(1, 5)
NUMBERS = {str(beam): beam for beam in range(1, BEAMS + 1)}
LOCATE_ON, LOCATE_OFF = "1", "2"
COMMANDS = (
    "BEAMREPORT", "BFZONE", "BREPORT", "DANTEIP", "DANTEMAC", "GAIN", "HELP", "LEDBRIGHT", "LEDCOLOR", "LOCATE", "MUTE",
)  # fmt: skip


class Unfit(Exception):
    """The command is known and its words are not."""


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """`mac` and `dante_ip` belong to the Dante side; the line is at the other address. It has no serial anybody can read."""

    name: str
    mac: str
    dante_ip: str
    site: str = DEFAULT_SITE


def make_arrays(count: int, seed: int = 1, sites: Sequence[str] = ()) -> list[ArraySpec]:
    """`count` arrays in equal groups, named `<site>-BMA-NN`. The same seed makes the same ones."""
    if count < 0:
        raise Invalid("The number of arrays can't be negative.", code="arrays_invalid")
    groups = list(sites) or [DEFAULT_SITE]
    block = Random(f"bma360d {seed}").randrange(256)
    specs: list[ArraySpec] = []
    for position, site in enumerate(groups):
        for n in range(1, count // len(groups) + (position < count % len(groups)) + 1):
            ordinal = len(specs) + 1
            high, low = ordinal >> 8 & 255, ordinal & 255
            mac = f"00:1D:C1:{block:02X}:{high:02X}:{low:02X}"
            specs.append(ArraySpec(f"{site.replace(' ', '-')}-BMA-{n:02d}", mac, f"10.{block}.{high}.{low}", site))
    return specs


class Array:
    __slots__ = ("_switches", "beams", "bright", "colors", "commands", "gains", "locate", "mutes", "spec", "zones")

    def __init__(self, spec: ArraySpec, switches: Assumptions) -> None:
        self.spec, self._switches = spec, switches
        self.commands: Sequence[str] = COMMANDS  # what HELP lists
        self.beams = 0  # one bit per beam that hears somebody, beam 1 the lowest
        self.zones = dict.fromkeys(range(1, BEAMS + 1), True)
        self.gains = {(channel, group): 0.0 for group in self.gain_groups for channel in CHANNELS}
        self.mutes: set[tuple[int, str]] = set()
        self.bright: dict[str, str] = {}
        self.colors: dict[str, str] = {}
        self.locate = False

    @property
    def gain_groups(self) -> str:
        return f"VS{self._switches.bma360d_aec_group}"

    def beam_line(self) -> str:
        return f"BEAMREPORT {self.beams:0{BEAMS}b}"

    def answer(self, line: str) -> list[str]:
        """The lines of the reply; BREPORT is the line's own matter and does not come here."""
        word, *values = line.split()
        command = ANSWERS.get(word.upper())
        if command is None:
            return [self._switches.bma360d_error_command]
        try:
            return command(self, values)
        except Unfit:
            return [self._switches.bma360d_error_argument]

    # -- one command each

    def help(self, values: list[str]) -> list[str]:
        _arguments(values, 0, 0)
        return sorted(self.commands)

    def beamreport(self, values: list[str]) -> list[str]:
        _arguments(values, 0, 0)
        return [self.beam_line()]

    def bfzone(self, values: list[str]) -> list[str]:
        _arguments(values, 1, 2)
        beam = _one_of(NUMBERS, values[0])
        if len(values) == 2:
            self.zones[beam] = _one_of({"0": False, "1": True}, values[1])
        return [f"BFZONE {beam} {int(self.zones[beam])}"]

    def danteip(self, values: list[str]) -> list[str]:
        _arguments(values, 0, 0)
        return [f"DANTEIP {self.spec.dante_ip}"]

    def dantemac(self, values: list[str]) -> list[str]:
        _arguments(values, 0, 0)
        return [f"MACADDR {self.spec.mac}"]  # so documented

    def gain(self, values: list[str]) -> list[str]:
        _arguments(values, 2, 3)
        key = (_one_of(NUMBERS, values[0]), values[1].upper())
        if key not in self.gains:
            raise Unfit
        if len(values) == 3:
            wanted, low = number(values[2]), self._switches.bma360d_gain_low_db
            if wanted is None or not low <= wanted <= self._switches.bma360d_gain_high_db:
                raise Unfit
            self.gains[key] = wanted
        return self._said(values, f"GAIN {key[0]} {key[1]} {self.gains[key]:.{self._switches.decimals}f}", 3)

    def mute(self, values: list[str]) -> list[str]:
        _arguments(values, 2, 3)
        key = (_one_of(NUMBERS, values[0]), values[1].upper())
        if key[1] not in tuple(self._switches.bma360d_mute_groups) or (key[1] in self.gain_groups and key[0] > 4):
            raise Unfit
        if len(values) == 3:
            (self.mutes.add if _one_of({"0": False, "1": True}, values[2]) else self.mutes.discard)(key)
        return self._said(values, f"MUTE {key[0]} {key[1]} {int(key in self.mutes)}", 3)

    def ledbright(self, values: list[str]) -> list[str]:
        return self._word("LEDBRIGHT", self.bright, values, "100")

    def ledcolor(self, values: list[str]) -> list[str]:
        return self._word("LEDCOLOR", self.colors, values, "1")

    def _word(self, command: str, kept: dict[str, str], values: list[str], default: str) -> list[str]:
        """Which states, levels and colors there are nobody published, so any whole number is one."""
        _arguments(values, 1, 2)
        if not self._switches.bma360d_led_numbers or not all(
            value.isascii() and value.isdecimal() and len(value) < 4 for value in values
        ):
            raise Unfit
        if len(values) == 2:
            kept[values[0]] = values[1]
        return self._said(values, f"{command} {values[0]} {kept.get(values[0], default)}", 2)

    def locate_light(self, values: list[str]) -> list[str]:
        _arguments(values, 1, 2)
        if values[0] != self.spec.name:
            raise Unfit
        if len(values) == 2:
            self.locate = _one_of({LOCATE_ON: True, LOCATE_OFF: False}, values[1])
        return self._said(values, f"LOCATE {self.spec.name} {LOCATE_ON if self.locate else LOCATE_OFF}", 2)

    def _said(self, values: list[str], line: str, written: int) -> list[str]:
        return [line] if len(values) < written or self._switches.bma360d_writes_mirrored else []

    # -- at the device

    def set(self, address: str, parameter: str, value: float) -> bool:
        """`("BEAM 3", "ACTIVE", 1)`, `("BFZONE 4", "USED", 0)`, `("GAIN 1 V", "DB", -3)`. False for what it does not have."""
        word, *rest = address.upper().split() or [""]
        if (word, parameter) == ("BEAM", "ACTIVE") and len(rest) == 1 and rest[0] in NUMBERS:
            bit = 1 << (NUMBERS[rest[0]] - 1)
            self.beams = self.beams | bit if value else self.beams & ~bit
            return True
        try:
            if (word, parameter) == ("BFZONE", "USED"):
                self.bfzone([*rest, f"{value:.0f}"])
            elif (word, parameter) == ("GAIN", "DB"):
                self.gain([*rest, f"{value:f}"])
            else:
                return False
        except Unfit:
            return False
        return True


def _arguments(values: list[str], fewest: int, most: int) -> None:
    if not fewest <= len(values) <= most:
        raise Unfit


def _one_of(table: dict[str, T], value: str) -> T:
    if value not in table:
        raise Unfit
    return table[value]


ANSWERS: dict[str, Callable[[Array, list[str]], list[str]]] = {
    "HELP": Array.help,
    "BEAMREPORT": Array.beamreport,
    "BFZONE": Array.bfzone,
    "DANTEIP": Array.danteip,
    "DANTEMAC": Array.dantemac,
    "GAIN": Array.gain,
    "MUTE": Array.mute,
    "LEDBRIGHT": Array.ledbright,
    "LEDCOLOR": Array.ledcolor,
    "LOCATE": Array.locate_light,
}
