"""BOX, VERSION, STACK and RESET (devices.md 4.10, assumed.md)."""

from collections.abc import Callable

from soundpost.kernel.clock import rfc3339
from soundpost.simulator import health, transfers
from soundpost.simulator.models import ALL_MODELS
from soundpost.simulator.parts import Box
from soundpost.simulator.reply import bad_argument, bad_command, bad_parameter, framed
from soundpost.simulator.stack import Stack


def box(stack: Stack, words: list[str], writer: object) -> str:
    if len(words) < 4:
        raise bad_parameter(stack)
    chapter, word = words[2].upper(), words[3].upper()
    if words[1] == "*" and (chapter, word) == ("UNIT", "SN") and stack.switches.box_list and len(words) == 4:
        return framed(stack, *(f"BOX {box.spec.name} UNIT SN {box.serial}" for box in stack.boxes))
    found = stack.by_name.get(words[1])
    if found is None:
        raise bad_parameter(stack)
    if chapter == "PLINK":
        return _plink(stack, found, words[3:])
    if chapter != "UNIT":
        raise bad_parameter(stack)
    if word == "LOCATE" and stack.switches.locate:
        return _locate(stack, found, words[4:], writer)
    if word == "FTP" and stack.switches.ftp:
        return _ftp(stack, found, words[4:], writer)
    if word == "UPDATE" and stack.switches.firmware_update and len(words) == 5:
        return transfers.update_box(stack, found, words[4], writer)
    if len(words) != 4:
        raise bad_parameter(stack)
    return framed(stack, f"BOX {found.spec.name} UNIT {word} {_fact(stack, found, word)}")


def _plink(stack: Stack, box: Box, words: list[str]) -> str:
    if [word.upper() for word in words] == ["LIST"] and stack.switches.plink_list:
        rows = (f"BOX {box.spec.name} {peripheral.words()}" for peripheral in box.peripherals)
        return framed(stack, *rows, f"BOX {box.spec.name} PLINK END")
    if len(words) != 3 or words[1].upper() != "UPDATE" or not stack.switches.firmware_update:
        raise bad_parameter(stack)
    peripheral = next((p for p in box.peripherals if str(p.number) == words[0]), None)
    if peripheral is None:
        raise bad_argument(stack)
    return transfers.update_peripheral(stack, box, peripheral, words[2])


def _state(stack: Stack, values: list[str]) -> bool | None:
    if values not in ([], ["0"], ["1"]):
        raise bad_argument(stack)
    return values == ["1"] if values else None


def _locate(stack: Stack, box: Box, values: list[str], writer: object) -> str:
    wanted = _state(stack, values)
    if wanted is not None:
        stack.set_locate(box, wanted, writer)
    return framed(stack, f"BOX {box.spec.name} UNIT LOCATE {int(box.locate)}")


def _ftp(stack: Stack, box: Box, values: list[str], writer: object) -> str:
    wanted = _state(stack, values)
    if wanted is not None and wanted != box.ftp:
        box.ftp = wanted
        stack.host.serve_files()
        stack.host.broadcast(f"BOX {box.spec.name} UNIT FTP {int(wanted)}", writer)
    return framed(stack, f"BOX {box.spec.name} UNIT FTP {int(box.ftp)}")


def _fact(stack: Stack, box: Box, word: str) -> str:
    fact = FACTS.get(word)
    if fact is None or (fact[0] and not getattr(stack.switches, fact[0])):
        raise bad_parameter(stack)
    return fact[1](stack, box)


def box_ip(stack: Stack, box: Box) -> str:
    """The first box carries the stack's address; the others are reached through it and keep a link-local one."""
    return stack.address if box.number == 1 else f"169.254.{box.number}.{int(box.spec.mac[-2:], 16)}"


def _temperature(stack: Stack, box: Box) -> str:
    now = stack.clock.monotonic()
    warm = health.temperature(box.spec.serial, now)
    since, per_s, up_to = stack.hot.get(box.spec.name, (now, 0.0, warm))
    return f"{min(warm + per_s * (now - since), max(up_to, warm)):.1f}"


# word -> the assumed.md row it belongs to ("" = evidenced), and its text.
FACTS: dict[str, tuple[str, Callable[[Stack, Box], str]]] = {
    "SN": ("", lambda stack, box: box.serial),
    "MODEL": ("box_facts", lambda stack, box: box.spec.model),
    "PART": ("box_facts", lambda stack, box: ALL_MODELS[box.spec.model].part),
    "FW": ("box_facts", lambda stack, box: box.firmware),
    "MAC": ("box_facts", lambda stack, box: box.spec.mac),
    "IP": ("box_facts", box_ip),
    "TEMP": ("health", _temperature),
    "CPU": ("health", lambda stack, box: str(health.load(box.spec.serial, stack.clock.monotonic()))),
    "UPTIME": ("health", lambda stack, box: str(stack.uptime(box))),
}


# -- the stack as a whole


def version(stack: Stack, words: list[str], _writer: object) -> str:
    if len(words) != 4 or words[2].upper() != "FW" or words[3] != "1":
        raise bad_parameter(stack)
    if words[1] != "*" and words[1] not in stack.by_name:
        raise bad_parameter(stack)
    if stack.starting:
        end = stack.switches.line_end.lstrip(" ")
        return f"VERSION {words[1]} FW 1\0{end}{stack.switches.prompt}"
    asked = stack.boxes[0] if words[1] == "*" else stack.by_name[words[1]]
    name = asked.spec.name if words[1] != "*" or stack.switches.version_names_box else "*"
    return framed(stack, f"VERSION {name} FW 1 {asked.firmware}")


def stack_verb(stack: Stack, words: list[str], writer: object) -> str:
    word = words[1].upper() if len(words) > 1 else ""
    switches = stack.switches
    if word == "NAME" and len(words) == 2 and switches.stack_name:
        return framed(stack, f"STACK NAME {stack.spec.name}")
    if word == "TIME" and len(words) == 2 and switches.clock:
        return framed(stack, f"STACK TIME {rfc3339(stack.clock.now_ms() + round(stack.clock_off_s * 1_000))}")
    if word == "USER" and len(words) == 4 and switches.credentials:
        stack.user, stack.password = words[2], words[3]
        return framed(stack, f"STACK USER {stack.user}")
    if word == "LOAD" and len(words) == 3 and switches.project_load:
        return transfers.load_project(stack, words[2], writer)
    raise bad_parameter(stack)


def reset(stack: Stack, words: list[str], _writer: object) -> str:
    if not stack.switches.reset:
        raise bad_command(stack)
    if len(words) != 2 or words[1] not in stack.by_name:
        raise bad_parameter(stack)
    stack.restart()
    return ""
