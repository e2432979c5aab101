"""KEY, INQUIRE and NOTIFICATION of an end point that telephones: words of the wire to the machines and back (4.3 to 4.5)."""

from soundpost.simulator.analog import Analog
from soundpost.simulator.names import Point
from soundpost.simulator.parameters import PARAMETERS
from soundpost.simulator.reply import bad_argument, bad_parameter, framed, told
from soundpost.simulator.skype import Skype
from soundpost.simulator.stack import Stack
from soundpost.simulator.voip import LINES, Impossible, Voip

PHONES = frozenset({"UA", "TELCO_RX", "SKYPE"})
KINDS = frozenset(
    {"STATE_CHANGE", "INDICATION", "ERROR", "REG_SUCCEED", "REG_FAILED", "UNREG_SUCCEED", "MAX_CALLS_PER_UA"}
)
DIGITS = frozenset("0123456789*#")
DIALLABLE = DIGITS | frozenset("+,-.@:_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
LINE_WORDS = {str(line): line for line in LINES}
DO_NOT_DISTURB, FORWARD = PARAMETERS["KEY", "KEY_DO_NOT_DISTURB"], PARAMETERS["KEY", "KEY_FORWARD"]
AUTO_ANSWER, RINGS = PARAMETERS["SETTINGS", "AUTO_ANSWER"], PARAMETERS["SETTINGS", "AUTO_ANSWER_RINGS"]
RING_ENABLE, DISCONNECT = PARAMETERS["SETTINGS", "RING_ENABLE"], PARAMETERS["SETTINGS", "AUTO_DISCONNECT_MODE"]
FAR_END = ("incoming", "answer", "busy", "hangup")
SIP_PEER = "10.0.0.9"
Phone = Voip | Analog | Skype


def phone(stack: Stack, point: Point) -> Phone:
    """Made when somebody first asks: most lines of most stacks are never used."""
    found = stack.phones.get(point)
    if found is None:
        found = Voip(SIP_PEER) if point[0] == "UA" else Analog() if point[0] == "TELCO_RX" else Skype()
        stack.phones[point] = found
    assert isinstance(found, Voip | Analog | Skype)
    return found


def shown(stack: Stack, point: Point) -> str:
    """For people: how the line stands."""
    machine = phone(stack, point)
    if isinstance(machine, Voip):
        return machine.parties(False)
    if isinstance(machine, Analog):
        return "RINGING" if machine.ringing else "OFF_HOOK" if machine.off_hook else "IDLE"
    return ";".join(machine.state(session) for session in sorted(machine.sessions)) or "IDLE"


# -- KEY


def key(stack: Stack, point: Point, address: str, rest: list[str], writer: object) -> str:
    """The command mirrored, then what happened in the words of 6.2."""
    machine = phone(stack, point)
    word = rest[1].upper()
    values = rest[2:]
    try:
        happened = _press(stack, machine, word, values)
    except Impossible as error:
        happened = [f"ERROR {error}"]
    if word == "KEY_HOOK" and values == ["2"] and not stack.switches.mirror_toggle:
        assert not isinstance(machine, Skype)
        values = [str(int(machine.off_hook))]
    _arm(stack, point, machine)
    reply = framed(stack, " ".join(["EP", address, "KEY", word, *values]))
    return told(stack, reply, _lines(stack, point, happened), writer)


def _press(stack: Stack, machine: Phone, word: str, values: list[str]) -> list[str]:
    """Keys both kinds of line have; the rest is a user agent's."""
    if isinstance(machine, Skype):
        raise bad_parameter(stack)
    value = values[0] if len(values) == 1 else ""
    if word == "KEY_HOOK":
        if value not in ("0", "1", "2"):
            raise bad_argument(stack)
        return machine.hook(not machine.off_hook if value == "2" else value == "1")
    if word == "KEY_CALL":
        if not value or not DIALLABLE.issuperset(value):
            raise bad_argument(stack)
        return machine.call(value)
    if word in ("KEY_DIGIT_PRESSED", "KEY_DIGIT_RELEASED"):
        if value not in DIGITS:
            raise bad_argument(stack)
        return machine.digit(value) if word == "KEY_DIGIT_PRESSED" else []
    if word in ("KEY_REDIAL", "KEY_HOOK_FLASH"):
        if values:
            raise bad_argument(stack)
        return machine.redial() if word == "KEY_REDIAL" else []
    if isinstance(machine, Analog):
        raise bad_parameter(stack)
    return _press_voip(stack, machine, word, values)


def _press_voip(stack: Stack, machine: Voip, word: str, values: list[str]) -> list[str]:
    line = LINE_WORDS.get(values[0]) if len(values) == 1 else None
    if word in ("KEY_REJECT", "KEY_PARTY"):
        if line is None:
            raise bad_argument(stack)
        return machine.reject(line) if word == "KEY_REJECT" else machine.select(line)
    if word == "KEY_CONFERENCE":
        if values and line is None and values != ["0"]:
            raise bad_argument(stack)
        return machine.conference(line)
    if word not in ("KEY_HOLD", "KEY_RESUME", "KEY_TRANSFER", "KEY_BLIND_TRANSFER"):
        raise bad_parameter(stack)
    if values:
        raise bad_argument(stack)
    if word in ("KEY_HOLD", "KEY_RESUME"):
        return machine.hold(word == "KEY_HOLD")
    if not stack.switches.voip_transfer:
        raise bad_parameter(stack)
    return machine.transfer(word == "KEY_BLIND_TRANSFER")


# -- INQUIRE and NOTIFICATION


def inquire(stack: Stack, point: Point, address: str, rest: list[str]) -> str:
    machine, word = phone(stack, point), rest[1].upper()
    if isinstance(machine, Skype):
        return _inquire_skype(stack, machine, address, word, rest[2:])
    if len(rest) != 2:
        raise bad_argument(stack)
    if isinstance(machine, Voip) and word == "ACTIVE_PARTIES":
        mirrored = [f"EP {address} INQUIRE ACTIVE_PARTIES"] if stack.switches.inquire_acknowledged else []
        parties = machine.parties(stack.switches.list_all_lines)
        return framed(stack, *mirrored, f"EP {address} INQUIRE_RESULT ACTIVE_PARTIES {parties}")
    value = _asked(stack, point, machine, word)
    if value is None:
        raise bad_parameter(stack)
    return framed(stack, f"EP {address} INQUIRE {word} {value}")


def _asked(stack: Stack, point: Point, machine: Voip | Analog, word: str) -> str | None:
    if word == "DIGITS_DIALED_SINCE_OFF_HOOK" and stack.switches.digits_dialed:
        return machine.dialled
    if isinstance(machine, Voip):
        known = word == "DND_STATUS" and stack.switches.dnd_status
        return str(int(stack.read(point, DO_NOT_DISTURB))) if known else None
    if word == "HOOK":
        return str(int(machine.off_hook))
    return {"CALLER_ID": machine.caller_id, "DIRECTION": str(machine.direction)}.get(word)


def _inquire_skype(stack: Stack, machine: Skype, address: str, word: str, values: list[str]) -> str:
    asked = f"EP {address} INQUIRE {' '.join([word, *values])}"
    if word == "SESSION_CALL_STATE" and len(values) == 1 and values[0] in ("0", "1", "2", "3", "4", "5"):
        return framed(stack, f"EP {address} INQUIRE_RESULT SESSION_CALL_STATE {machine.state(int(values[0]))}")
    if word == "CONTACT_SEARCH" and values:
        hits = machine.search(" ".join(values))
        head = f"EP {address} INQUIRE_RESULT CONTACT_SEARCH"
        # Two lines come before the hits; what they say nobody published.
        return framed(stack, asked, f"{head} {len(hits)}", *(f"{head} {hit}" for hit in hits))
    raise bad_parameter(stack)


def subscribe(stack: Stack, point: Point, address: str, rest: list[str]) -> str:
    kind = rest[1].upper()
    if point[0] != "UA" or len(rest) != 2 or kind not in KINDS:
        raise bad_argument(stack)
    stack.subscribed.add((point, kind))
    return framed(stack, f"EP {address} NOTIFICATION {kind}")


# -- the far end, and what comes by itself


def far_end(stack: Stack, point: Point, do: str, number: str, name: str) -> bool:
    """`incoming`, `answer`, `busy` or `hangup`. False when nothing came of it: nobody rings, the line is busy."""
    machine = phone(stack, point)
    if do == "incoming":
        happened = _incoming(stack, point, machine, number, name)
    elif do == "answer":
        happened = machine.answered()
    elif do == "busy":
        happened = machine.busy() if isinstance(machine, Voip) else []
    elif isinstance(machine, Analog):
        happened = machine.far_hangup(stack.read(point, DISCONNECT) != 0)
    else:
        happened = machine.far_hangup()
    _tell(stack, point, happened)
    return bool(happened)


def _incoming(stack: Stack, point: Point, machine: Phone, number: str, name: str) -> list[str]:
    if isinstance(machine, Skype):
        return machine.incoming(number, name)
    if isinstance(machine, Analog):
        # [P] uses RING_ENABLE 0 as "do not disturb": nothing is told of the call then.
        return machine.incoming(name or number) if stack.read(point, RING_ENABLE) else []
    if stack.read(point, DO_NOT_DISTURB) or stack.read(point, FORWARD) == 1:
        return []
    happened = machine.incoming(number, name)
    if stack.read(point, AUTO_ANSWER):
        happened += machine.answered()
    return happened


def _tell(stack: Stack, point: Point, happened: list[str]) -> None:
    _arm(stack, point, phone(stack, point))
    for line in _lines(stack, point, happened):
        stack.host.broadcast(line)


def _lines(stack: Stack, point: Point, happened: list[str]) -> list[str]:
    """NOTIFICATION lines, in the addressing the switch says, less what nobody subscribed to if that is needed."""
    name = stack.name_of(point) if stack.switches.notifications_by_name or point[0] == "SKYPE" else ""
    where = name or f"{point[0]} {point[1]}"
    if stack.switches.subscription_needed and point[0] == "UA":
        happened = [text for text in happened if (point, text.split(" ", 1)[0]) in stack.subscribed]
    return [f"EP {where} NOTIFICATION {text}" for text in happened]


def _arm(stack: Stack, point: Point, machine: Phone) -> None:
    """A timer for what comes by itself next; it begins anew with every step."""
    switches = stack.switches
    rings = stack.read(point, RINGS) if point[0] == "TELCO_RX" else 0
    seconds = {
        "dial": switches.typed_dials_s,
        "answer": switches.far_end_answers_s,
        "rings": rings * switches.ring_s,
    }.get(machine.awaits, 0.0)
    stack.host.timer(f"phone {point[0]} {point[1]}", seconds or None, lambda: _by_itself(stack, point))


def _by_itself(stack: Stack, point: Point) -> None:
    machine = phone(stack, point)
    typed = isinstance(machine, Voip) and machine.awaits == "dial"
    _tell(stack, point, machine.dial_typed() if isinstance(machine, Voip) and typed else machine.answered())
