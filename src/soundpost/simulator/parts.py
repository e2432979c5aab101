"""What a stack is made of: boxes and the peripherals on their P-Link."""

from soundpost.simulator.assumptions import Assumptions
from soundpost.simulator.models import ALL_MODELS
from soundpost.simulator.names import shape
from soundpost.simulator.specs import BoxSpec, PeripheralSpec

EVIDENCED_TYPES = frozenset({"MIC", "UA", "VOIP_RX", "VOIP_TX", "TELCO_RX", "TELCO_TX"})
BEAMS = 12


class Peripheral:
    __slots__ = ("beams", "firmware", "number", "present", "spec")

    def __init__(self, number: int, spec: PeripheralSpec) -> None:
        self.number, self.spec, self.firmware, self.present = number, spec, spec.firmware, True
        self.beams = 0  # one bit per beam that hears somebody, beam 1 the lowest

    def words(self) -> str:
        spec = self.spec
        return f"PLINK {self.number} {spec.type} {spec.name} {spec.serial} {self.firmware} {int(self.present)}"


class Box:
    __slots__ = (
        "booted",
        "counts",
        "firmware",
        "ftp",
        "gated",
        "locate",
        "number",
        "peripherals",
        "serial",
        "shape",
        "spec",
    )

    def __init__(self, number: int, spec: BoxSpec, booted: float, firmware: str, counts: dict[str, int]) -> None:
        self.number, self.spec, self.serial, self.booted = number, spec, spec.serial, booted
        self.firmware = firmware
        self.locate = self.ftp = False
        self.gated = 0  # one bit per microphone whose gate is open, channel 1 the lowest
        self.peripherals = [Peripheral(n, peripheral) for n, peripheral in enumerate(spec.peripherals, 1)]
        arrays = sum(peripheral.type == "BMA2" for peripheral in spec.peripherals)
        self.counts = counts | {"BFM": arrays} if arrays else counts
        self.shape = shape(self.counts)


def counts_of(name: str, switches: Assumptions) -> dict[str, int]:
    """Shared by all boxes of a model: nobody writes into it."""
    model = ALL_MODELS[name]
    if model.kind == "huddle" and not switches.huddle_points:
        return {}
    if model.kind != "huddle" and not switches.assumed_counts:
        return {ept: count for ept, count in model.counts.items() if ept in EVIDENCED_TYPES}
    if not switches.skype_line and "SKYPE" in model.counts:
        return {ept: count for ept, count in model.counts.items() if ept != "SKYPE"}
    return model.counts
