"""A telephone's keys (devices.md 4.3, 4.4). Each is pressed once and never again: a repeated key is another key."""

from soundpost.device.capability import TELEPHONE, CommandState
from soundpost.device.contract import Outcome
from soundpost.drivers.converge_pro2 import words
from soundpost.drivers.converge_pro2.asked import Asked, refused
from soundpost.drivers.converge_pro2.points import Address
from soundpost.drivers.converge_pro2.unit import TELEPHONES
from soundpost.wire.dialogue import Request, reading, writing

TONE_S = 0.25
"""How long a tone is held: clients hold 0.2 to 0.5 s."""
DIGITS = ("KEY_DIGIT_PRESSED", "KEY_DIGIT_RELEASED")
KEYS: dict[str, tuple[str, str]] = {
    "call": ("KEY_CALL", "number"),
    "answer": ("KEY_HOOK", "1"),
    "hang_up": ("KEY_HOOK", "0"),
    "redial": ("KEY_REDIAL", ""),
    "flash": ("KEY_HOOK_FLASH", ""),
    "reject": ("KEY_REJECT", "line"),
    "party": ("KEY_PARTY", "line"),
    "hold": ("KEY_HOLD", ""),
    "resume": ("KEY_RESUME", ""),
    "transfer": ("KEY_TRANSFER", ""),
    "blind_transfer": ("KEY_BLIND_TRANSFER", ""),
    "conference": ("KEY_CONFERENCE", ""),
    "conference_add": ("KEY_CONFERENCE", "line"),
}
"""The key of each act, and its value: a word of the wire or the argument that holds it."""
ANALOG = ("call", "answer", "hang_up", "redial", "flash", "dtmf")
"""What a plain telephone line knows; the rest is for dialers."""


CALLS = ("call", "redial")


async def telephone(asked: Asked) -> Outcome:
    """Done: the device repeated the key and complained of nothing before it told how the telephone stands. What becomes of the call
    is what the readings say, then and later."""
    if wrong := TELEPHONE.misfit(asked.arguments):
        return refused("invalid_argument", wrong[1])
    end_point, act = str(asked.arguments["end_point"]), str(asked.arguments["act"])
    state = _state_of(asked, end_point)
    if state is None:
        return refused("unknown_point", f"This device has no telephone {end_point}.")
    if state.type != "UA" and act not in ANALOG:
        return refused("invalid_argument", f"A plain telephone line can't {act.replace('_', ' ')}.")
    if wrong_device := await asked.proved():
        return wrong_device
    asked.hearing.hush(state.type, state.number)
    ended = await (_tones(asked, state) if act == "dtmf" else asked.order(_press(asked, state, act)))
    readings = await asked.now(state.question) if ended.state is CommandState.DONE else ()
    # A key is repeated even where it comes to nothing; a notification says so.
    said = asked.hearing.complaint(state.type, state.number, act in CALLS)
    if said and ended.state is not CommandState.FAILED:
        return Outcome(CommandState.FAILED, "error_answer", said, readings)
    return ended if ended.state is not CommandState.DONE else Outcome(ended.state, readings=readings)


def _state_of(asked: Asked, end_point: str) -> Address | None:
    """The point that tells the telephone's state."""
    word = "hook" if end_point.startswith("telco_rx.") else "active_parties"
    found = asked.hearing.find(asked.part, f"{end_point}.inquire.{word}")
    return found if found is not None and found.type in TELEPHONES else None


def _press(asked: Asked, phone: Address, act: str) -> Request:
    word, value = KEYS[act]
    value = str(asked.arguments.get(value, value))
    if not value:
        line = words.key(phone.type, phone.number, word)
        # The answer may be the mirrored key alone: only a second line could be told from an echo.
        return Request(line, reading(line).prefix, bare=True)
    return writing(words.key(phone.type, phone.number, word, value))


async def _tones(asked: Asked, phone: Address) -> Outcome:
    """A key that went down is let go whatever the device said to it, or the far end hears it for ever."""
    pressed, released = DIGITS
    digits = str(asked.arguments["digits"])
    for sent, digit in enumerate(digits):
        down = await asked.order(writing(words.key(phone.type, phone.number, pressed, digit)))
        await asked.clock.sleep(TONE_S)
        up = await asked.order(writing(words.key(phone.type, phone.number, released, digit)))
        ended = down if down.state is not CommandState.DONE else up
        if ended.state is not CommandState.DONE:
            said = f"{ended.text} {sent} of {len(digits)} tones were confirmed before."
            return Outcome(ended.state, ended.code, said.strip())
    return Outcome(CommandState.DONE)
