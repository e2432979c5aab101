"""Every behaviour that no public source proves, one named switch each (devices.md, assumed.md).

Passing against the simulator says nothing about the points in this table: the start-up report prints them, so that
nobody takes a green run for a proof. `strict` turns off what assumed.md adds and keeps what has to be decided anyhow.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from soundpost.kernel.errors import Invalid

PERSONALITIES = ("lab", "strict")


def assume(default: Any, text: str, *, lab_only: bool = False) -> Any:
    return dataclasses.field(default=default, metadata={"text": text, "lab_only": lab_only})


@dataclass(frozen=True, slots=True)
class Assumptions:
    # Login (devices.md 1.1).
    option_bytes: bool = assume(False, "the greeting opens with twelve telnet option bytes (old BusyBox telnetd)")
    answer_options: bool = assume(True, "a telnet option the peer asks for is refused with WONT or DONT")
    echo: bool = assume(False, "the device echoes command lines on telnet")
    banner: str = assume("", "text before the first `Username: `")
    login_tries: int = assume(6, "failed logins before the line is closed; at least five are certain enough")
    login_resync: bool = assume(
        True, "the user name typed at `Password: ` after foreign text starts that try anew: type-ahead is forgiven"
    )
    max_sessions: int = assume(16, "sessions at once per stack; one more is closed at once. At least four are assumed")
    line_limit: int = assume(1024, "characters in a command line; a longer one is dropped and answers an ERROR line")
    # Replies (2, 4, 5, 6).
    line_end: str = assume(" \r\n", "what ends a line of the device: one space, CR LF")
    prompt: str = assume("=> ", "prompt after every line")
    empty_line_prompt: bool = assume(False, "an empty command line prints another prompt")
    codes_mirrored: bool = assume(False, "a command in numeric codes is answered in codes, not in words")
    decimals: int = assume(1, "decimals of a dB value; whole numbers everywhere else")
    rel_clamps: bool = assume(True, "a relative write beyond a limit stops there (else it is refused)")
    macro_mirrored: bool = assume(True, "`MCCF <name>` of a known macro is mirrored (else it answers nothing)")
    mirror_toggle: bool = assume(False, "`MUTE 2` answers 2 instead of the state it led to")
    off_step: str = assume("round", "a value between two steps is rounded to the nearest one (`error` refuses it)")
    list_all_lines: bool = assume(False, "ACTIVE_PARTIES lists all five party lines, idle ones too")
    inquire_acknowledged: bool = assume(False, "an INQUIRE is mirrored before its INQUIRE_RESULT line")
    version_names_box: bool = assume(True, "`VERSION *` answers with the first box's name, not with `*`")
    push_changes: bool = assume(True, "a change goes to every session except its writer, in the writer's addressing")
    error_command: str = assume("ERROR INVALID COMMAND", "text for a command the device does not know")
    error_parameter: str = assume("ERROR INVALID PARAMETER(S)", "text for an end point, block or name it does not have")
    error_argument: str = assume("ERROR INVALID ARGUMENT", "text for a value out of range; the old value stays")
    limits_pull_gain: bool = assume(False, "a MAX_GAIN below the gain (MIN_GAIN above it) takes the gain along")
    # Telephone (4.3 to 4.5, 6.2). The outgoing and incoming sequences themselves are evidenced.
    subscription_needed: bool = assume(False, "only NOTIFICATION kinds that somebody subscribed to are sent")
    notifications_by_name: bool = assume(False, "telephone notifications use the channel name, not type and number")
    far_end_answers_s: float = assume(4.0, "a call that goes out is answered after so many seconds; 0: by order only")
    typed_dials_s: float = assume(4.0, "digits typed on a dial tone are dialled after so many quiet seconds")
    ring_s: float = assume(6.0, "seconds of one ring, for AUTO_ANSWER_RINGS")
    voip_transfer: bool = assume(True, "how transfer keys lead from state to state; only the state words are known")
    digits_dialed: bool = assume(True, "`INQUIRE DIGITS_DIALED_SINCE_OFF_HOOK` answers the digits, maybe none")
    dnd_status: bool = assume(True, "`INQUIRE DND_STATUS` answers 0 or 1")
    label: bool = assume(True, "`LEVEL LABEL` and `SETTINGS LOCAL_NUMBER` read and write one word", lab_only=True)
    # Ramps, matrix, rooms, reports (4.6 to 4.9).
    ramp_mirrored: bool = assume(True, "RAMP is mirrored at once; a LEVEL GAIN line with the target follows at its end")
    ramp_db_per_s: bool = assume(True, "the step of a RAMP is dB per second (else dB per tenth of a second)")
    matrix_mirrored: bool = assume(True, "MT and CLRMATRIX are mirrored (else they answer nothing)")
    room_mirrored: bool = assume(True, "`ROOM <n> 7 <sub-room> <configuration>` is mirrored (else it answers nothing)")
    reports_on_change: bool = assume(True, "GATE and BEAM with a last 1 turn reports on, with 0 off; both answer one")
    reports_per_s: float = assume(5.0, "gate and beam reports at most so often")
    # Models (9, 3.3).
    default_names: bool = assume(True, "channels have names of the project file's pattern: `Mic_Name_1_01`")
    assumed_counts: bool = assume(
        True, "outputs, processing, faders, USB per model; only inputs and lines are evidenced"
    )
    huddle_points: bool = assume(True, "a Huddle is a one-box stack with the same grammar and fewer end points")
    skype_line: bool = assume(True, "boxes with VoIP have a Skype line as well")
    # Restart (4.10, 6.3).
    restart_down_s: float = assume(20.0, "telnet is refused this long after a reset; a real unit may need 165 s")
    restart_empty_s: float = assume(5.0, "VERSION answers an empty value this long, then HW_RESYNC is pushed")
    restart_keeps_values: bool = assume(True, "gains and mutes are the same after a restart")
    # BMA 360D (10.2, 14.3). Its commands from A to M are vendor text; how it errs and what it answers to a write is not.
    bma360d_greeting: str = assume("", "a BMA 360D says nothing before the first command and asks for no login")
    bma360d_error_command: str = assume("ERROR UNKNOWN COMMAND", "its text for a command it does not know")
    bma360d_error_argument: str = assume("ERROR INVALID ARGUMENT", "its text for words that don't fit the command")
    bma360d_writes_mirrored: bool = assume(
        True, "GAIN, MUTE, LEDBRIGHT, LEDCOLOR, LOCATE and BREPORT 0 answer with the resulting state (else nothing)"
    )
    bma360d_aec_group: str = assume("R", "the letter of its third gain group, the AEC reference")
    bma360d_mute_groups: str = assume("MBSR", "its letters for MUTE: microphone, beam, speaker, AEC reference")
    bma360d_gain_low_db: float = assume(-65.0, "its lowest gain")
    bma360d_gain_high_db: float = assume(20.0, "its highest gain")
    bma360d_led_numbers: bool = assume(True, "its LED states, levels and colours are whole numbers and any is taken")
    bma360d_report_s: float = assume(0.5, "seconds between the reports of BREPORT 1, to the line that asked")
    bma360d_fast_report_s: float = assume(0.1, "seconds between the reports of BREPORT 2")
    # assumed.md: the management profile.
    box_list: bool = assume(True, "`BOX * UNIT SN` lists all boxes in box-number order", lab_only=True)
    box_facts: bool = assume(True, "`BOX <name> UNIT MODEL|PART|FW|MAC|IP`", lab_only=True)
    stack_name: bool = assume(True, "`STACK NAME`", lab_only=True)
    locate: bool = assume(True, "`BOX <name> UNIT LOCATE [0|1]`, pushed when it changes", lab_only=True)
    locate_s: float = assume(30.0, "the locate light goes out by itself after this many seconds")
    credentials: bool = assume(True, "`STACK USER <name> <password>`; other sessions stay", lab_only=True)
    reset: bool = assume(True, "`RESET <name>` restarts the stack", lab_only=True)
    plink_list: bool = assume(True, "`BOX <name> PLINK LIST`", lab_only=True)
    plink_change: bool = assume(True, "a peripheral that comes or goes is pushed as its PLINK line", lab_only=True)
    health: bool = assume(True, "`BOX <name> UNIT TEMP|UPTIME|CPU`", lab_only=True)
    clock: bool = assume(True, "`STACK TIME` answers ISO 8601", lab_only=True)
    meters: bool = assume(True, "`METER <EPT> <EPN> <0|1>` answers and starts METERREPORT lines", lab_only=True)
    meters_per_s: float = assume(10.0, "meter reports of an end point at most so often, to the session that asked")
    ftp: bool = assume(True, "`BOX <name> UNIT FTP [0|1]` opens and closes the file service", lab_only=True)
    ftp_limit_mb: int = assume(
        64, "a larger file is refused by the file service, which has two folders and makes no others"
    )
    project_load: bool = assume(
        True, "`STACK LOAD <file>` loads an uploaded project file, then restarts", lab_only=True
    )
    project_sets_credentials: bool = assume(False, "a loaded project brings its user and password along")
    firmware_update: bool = assume(True, "`BOX <name> UNIT|PLINK <n> UPDATE <file>`, then a restart", lab_only=True)
    firmware_named: bool = assume(True, "the version of a firmware file is the one in its name: `x_7.1.2.4.bin`")
    progress_step: int = assume(
        20, "per cent between two progress lines of LOAD and UPDATE; the first says 0, the last 100"
    )
    peripheral_restart_s: float = assume(2.0, "a peripheral is gone so long when its firmware has changed")
    restart_after_s: float = assume(1.0, "seconds between DONE of LOAD or UPDATE and the restart")
    progress_s: float = assume(1.0, "seconds between two progress lines of LOAD and UPDATE")

    def report(self) -> list[dict[str, Any]]:
        """One row per switch: what it is set to, its default, and what it takes for granted."""
        return [
            {"name": field.name, "value": getattr(self, field.name), "default": field.default, **field.metadata}
            for field in dataclasses.fields(self)
        ]


def switches(entries: Sequence[str]) -> dict[str, Any]:
    """`["locate_s=5", "echo=true", "line_end= \\r\\n"]` as switches of the right types. Raises Invalid `switches_invalid`."""
    kinds = {field.name: type(field.default) for field in dataclasses.fields(Assumptions)}
    found: dict[str, Any] = {}
    for entry in entries:
        name, mark, text = entry.partition("=")
        if name not in kinds or not mark:
            text = (
                f"{entry!r} sets no switch: write NAME=VALUE; the list at the start and GET /assumptions name them all."
            )
            raise Invalid(text, code="switches_invalid")
        try:
            found[name] = _typed(kinds[name], text)
        except (KeyError, ValueError):
            raise Invalid(f"{name} takes a {kinds[name].__name__}, not {text!r}.", code="switches_invalid") from None
    return found


def _typed(kind: type, text: str) -> Any:
    if kind is bool:
        return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
    if kind is str:
        return text.replace("\\r", "\r").replace("\\n", "\n")
    value = kind(text)
    if not math.isfinite(value) or (value < 0 and not text.startswith("-")):
        raise ValueError
    return value


def of_personality(personality: str, **switches: Any) -> Assumptions:
    """`lab` is the table as it stands; `strict` has no row of assumed.md. Single switches win over both."""
    if personality not in PERSONALITIES:
        raise ValueError(f"no personality {personality!r}; there are {', '.join(PERSONALITIES)}")
    off = {
        field.name: False
        for field in dataclasses.fields(Assumptions)
        if personality == "strict" and field.metadata["lab_only"]
    }
    return Assumptions(**(off | switches))
