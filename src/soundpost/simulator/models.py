"""What each model has (devices.md 3.1, 9). Input counts are evidenced; the rest is an assumption, see `output_counts`."""

from dataclasses import dataclass

TYPES = (
    "BFM", "DANTE", "FADER", "GPIO", "MIC", "OUTPUT", "PROC", "SGEN", "SPEAKER", "TELCO_RX", "TELCO_TX", "UA",
    "USB_RX", "USB_TX", "VOIP_RX", "VOIP_TX",
)  # fmt: skip
TYPE_CODES = {"20": "UA"}
NAMED = (*TYPES, "SKYPE")  # a Skype line has a name and no end point type that anybody saw (4.5)
PERIPHERALS = {
    "BMA2": "Beamforming Microphone Array 2",
    "BMACT": "BMA CT",
    "BMA360": "BMA 360",
    "DIALOG20": "DIALOG 20",
    "USB_EXP": "USB Expander",
    "GPIO_EXP": "GPIO Expander",
    "BT_EXP": "Bluetooth Expander",
}


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    kind: str  # stack box or huddle: "mixer" either way on screens, but a Huddle never shares a stack
    part: str
    counts: dict[str, int]
    recalled: bool = False  # only remembered, no source names it (section 9 [R]): never drawn, but may be asked for


def _pro2(name: str, mics: int, outputs: int, serial: int, recalled: bool = False) -> Model:
    letters = name.lstrip("0123456789").removeprefix("SR")
    counts = {"MIC": mics, "OUTPUT": outputs, "PROC": 8, "FADER": 8, "SGEN": 1, "USB_RX": 2, "USB_TX": 2, "GPIO": 4}
    if "V" in letters:
        counts |= {"UA": 1, "VOIP_RX": 1, "VOIP_TX": 1, "SKYPE": 1}
    if "T" in letters:
        counts |= {"TELCO_RX": 1, "TELCO_TX": 1}
    if "D" in letters:
        counts["DANTE"] = 16
    return Model(name, "box", f"910-3200-{serial:03d}", {ept: n for ept, n in counts.items() if n}, recalled)


HUDDLE = Model(
    "Huddle", "huddle", "910-3200-401",
    {"MIC": 3, "OUTPUT": 2, "SPEAKER": 2, "PROC": 2, "FADER": 2, "USB_RX": 2, "USB_TX": 2},
)  # fmt: skip
MODELS = {
    model.name: model
    for model in (
        _pro2("128V", 12, 8, 1),
        _pro2("128VD", 12, 8, 2),
        _pro2("128VT", 12, 8, 3),
        _pro2("128TD", 12, 8, 4),
        _pro2("128D", 12, 8, 5),
        _pro2("128SR", 12, 8, 6),
        _pro2("128SRD", 12, 8, 7),
        _pro2("120", 12, 0, 8),
        _pro2("48V", 4, 8, 9),
        _pro2("48VT", 4, 8, 10),
        _pro2("48T", 4, 8, 11),
        HUDDLE,
    )
}
RECALLED = {
    model.name: model
    for model in (
        _pro2("128", 12, 8, 12, True),
        _pro2("128T", 12, 8, 13, True),
        _pro2("012", 0, 12, 14, True),
        _pro2("48VTD", 4, 8, 15, True),
        _pro2("128VTD", 12, 8, 16, True),
        _pro2("120VD", 12, 0, 17, True),
    )
}
ALL_MODELS = MODELS | RECALLED

# Channel names as CONSOLE AI gives them where the sample project shows one; the others follow the pattern.
_NAME_PATTERNS = {
    "PROC": "ProcBlk_{box}_{n:02d}",
    "FADER": "Fader_{box}_{n:02d}",
    "VOIP_RX": "VoIP_{box}_{n:02d}_Rx",
    "VOIP_TX": "VoIP_{box}_{n:02d}_Tx",
    "UA": "VoIP_{box}_{n:02d}",
    "MIC": "Mic_{box}_{n:02d}",
    "BFM": "Bfm_{box}_{n:02d}",
    "OUTPUT": "Output_{box}_{n:02d}",
    "SPEAKER": "Speaker_{box}_{n:02d}",
    "SGEN": "SigGen_{box}_{n:02d}",
    "GPIO": "GPIO_OC_Out_{box}_{n:02d}",
    "DANTE": "Dante_{box}_{n:02d}",
    "USB_RX": "USB_{box}_{n:02d}_Rx",
    "USB_TX": "USB_{box}_{n:02d}_Tx",
    "TELCO_RX": "Telco_{box}_{n:02d}_Rx",
    "TELCO_TX": "Telco_{box}_{n:02d}_Tx",
    "SKYPE": "Skype_{box}_{n:02d}",
}


def channel_name(ept: str, box: str, channel: int) -> str:
    return _NAME_PATTERNS[ept].format(box=box, n=channel)
