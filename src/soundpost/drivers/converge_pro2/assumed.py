"""Every behaviour this driver takes for granted without a public source: one named switch each (assumed.md, devices.md).

`probe` says whether a read form is asked at connect. A switch set to False is never used.
"""

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
    Assumption("model_table", "outputs, processing blocks, faders and USB channels per model (devices.md 9)", False),
    Assumption("bfm_numbers", "the n-th BMA2 on a box is end point BFM <B>0n", False),
)

ASSUMED = {row.name: row for row in _ROWS}


def on(name: str) -> bool:
    return ASSUMED[name].on
