"""Every behaviour this driver takes for granted without a public source: one named switch each (assumed.md, devices.md).

`probe` says whether a read form is asked at connect. A switch set to False is never used: what rests on it is neither asked nor
offered.
"""

from collections.abc import Mapping

from msgspec import Struct


class Assumption(Struct, frozen=True):
    name: str
    text: str
    probe: bool
    on: bool = True


_ROWS = (
    Assumption("box_list", "`BOX * UNIT SN` lists the boxes in box-number order", True),
    Assumption("box_facts", "`BOX <name> UNIT MODEL|PART|FW|MAC|IP` answers with the fact", True),
    Assumption("stack_name", "`STACK NAME` answers the stack's name", True),
    Assumption("locate", "`BOX <name> UNIT LOCATE [0|1]` reads and switches the locate light", True),
    Assumption("reset", "`RESET <name>` restarts the stack", False),
    Assumption("plink_list", "`BOX <name> PLINK LIST` lists the peripherals of a box", True),
    Assumption("plink_change", "a peripheral that comes or goes is pushed as its PLINK line", False),
    Assumption("health", "`BOX <name> UNIT TEMP|UPTIME|CPU` answers °C, seconds and per cent", True),
    Assumption("version_box", "a VERSION answer that names something other than `*` names the first box", True),
    Assumption("no_banner", "nothing stands before `Username:`; other products' telnet shows a text there", False),
    Assumption(
        "model_table", "outputs, processing blocks, faders, USB channels, dialers and generators per model", False
    ),
    Assumption("bfm_numbers", "the n-th BMA2 on a box is end point BFM <B>0n", False),
    Assumption("usb_level", "USB channels have a LEVEL block with GAIN, MUTE and their limits", False),
    Assumption("mic_preamp", "GAIN_COARSE, GAIN_FINE and PHAN_PWR belong to MIC end points", False),
    Assumption("output_settings", "MICLINE, POLARITY and GRAPHICEQ belong to OUTPUT end points", False),
    Assumption("phone_settings", "what SETTINGS of a telephone are written can be read as well", False),
    Assumption("call_direction", "a call's direction follows from the states a line went through", False),
    Assumption(
        "registration", "REG_SUCCEED, REG_FAILED and UNREG_SUCCEED of a dialer say whether it is registered", False
    ),
    Assumption("beam_numbers", "the n-th BMA360 on a box is <B>0n in a beam report", False),
    Assumption("ramp_step", "the step of a RAMP is in dB per second", False),
    Assumption("order_mirrored", "MCCF, ROOM, MT and RAMP answer with their own line", False),
)

ASSUMED = {row.name: row for row in _ROWS}

FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "locate": ("locate",),
    "reboot": ("reset",),
    "ramp": ("ramp_step", "order_mirrored"),
    "macro": ("order_mirrored",),
    "room": ("order_mirrored",),
    "crosspoint": ("order_mirrored",),
}
"""The functions that rest on assumptions, and on which. What a device page, an outcome and the report say comes from here."""


def on(name: str) -> bool:
    return ASSUMED[name].on


def rests(function: str) -> bool:
    return bool(FUNCTIONS.get(function))


def offered(function: str) -> bool:
    return all(map(on, FUNCTIONS.get(function, ())))
