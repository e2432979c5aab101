"""Which line is the answer, which an error, a push, an echo or noise."""

import pytest

from soundpost.wire.dialogue import Dialogue, Fate, Request, SignIn, SignInState, reading, writing
from soundpost.wire.lines import Line, Prompt

MUTE = "EP MIC 103 LEVEL MUTE"


def dialogue() -> Dialogue:
    return Dialogue(lambda text: "ERROR" in text and "NOTIFICATION" not in text)


def fates(request: Request, *lines: str | Line, to: Dialogue | None = None) -> list[Fate]:
    talk = to or dialogue()
    talk.begin(request)
    return [talk.take(line if isinstance(line, Line) else Line(line)) for line in lines]


@pytest.mark.parametrize(
    ("request_", "lines", "expected"),
    [
        (reading(MUTE), [f"{MUTE} 0"], [Fate.REPLY]),
        (reading(MUTE), ["EP MIC 104 LEVEL MUTE 1", f"{MUTE} 0"], [Fate.PUSH, Fate.REPLY]),
        (reading(MUTE), ["EP UA 101 NOTIFICATION ERROR x", f"{MUTE} 0"], [Fate.PUSH, Fate.REPLY]),
        (reading(MUTE), ["ERROR", f"{MUTE} 0"], [Fate.ERROR, Fate.PUSH]),
        (reading(MUTE), [MUTE, f"{MUTE} 0"], [Fate.ECHO, Fate.REPLY]),
        (reading(MUTE.lower()), [f"{MUTE} 0"], [Fate.REPLY]),
        (writing(f"{MUTE} 1"), [f"{MUTE} 1"], [Fate.REPLY]),
        (writing(f"{MUTE} 1"), [f"{MUTE} 0"], [Fate.REPLY]),
        (reading("BOX * UNIT SN"), ["BOX Name_1 UNIT SN 1", "BOX Name_2 UNIT SN 2"], [Fate.REPLY, Fate.PUSH]),
        (reading("VERSION * FW 1", bare=True), [Line("VERSION * FW 1", empty_value=True)], [Fate.REPLY]),
        (reading("VERSION * FW 1", bare=True), ["VERSION Name_1 FW 1"], [Fate.REPLY]),
        (reading("VERSION * FW 1", bare=True), ["VERSION * FW 1", "VERSION * FW 1 7"], [Fate.ECHO, Fate.REPLY]),
        (
            reading("BOX A PLINK LIST", end="BOX A PLINK END"),
            ["BOX A PLINK 1 x", "EP A B C 1", "BOX A PLINK END", "BOX A PLINK 1 x"],
            [Fate.MORE, Fate.PUSH, Fate.REPLY, Fate.PUSH],
        ),
    ],
)
def test_fates(request_: Request, lines: list[str | Line], expected: list[Fate]) -> None:
    assert fates(request_, *lines) == expected


def test_an_acknowledgement_of_a_question_answered_in_other_words_teaches_no_echo() -> None:
    """Whether ACTIVE_PARTIES is mirrored before its INQUIRE_RESULT is open (devices.md 4.4)."""
    talk = dialogue()
    line = "EP UA 101 INQUIRE ACTIVE_PARTIES"
    asked = Request(line, ("EP", "UA", "101", "INQUIRE_RESULT", "ACTIVE_PARTIES"))
    answer = "EP UA 101 INQUIRE_RESULT ACTIVE_PARTIES PL 1;IDLE;"
    assert fates(asked, line, answer, to=talk) == [Fate.ECHO, Fate.REPLY]
    assert not talk.echoes
    assert fates(writing(f"{MUTE} 1"), f"{MUTE} 1", to=talk) == [Fate.REPLY]


def test_an_error_nobody_asked_for_is_noise() -> None:
    assert dialogue().take(Line("ERROR")) is Fate.NOISE


def test_on_a_line_that_echoes_the_mirrored_order_counts_only_the_second_time() -> None:
    talk = dialogue()
    fates(reading(MUTE), MUTE, f"{MUTE} 0", to=talk)
    assert talk.echoes
    assert fates(writing(f"{MUTE} 1"), f"{MUTE} 1", f"{MUTE} 1", to=talk) == [Fate.ECHO, Fate.REPLY]
    assert fates(writing(f"{MUTE} 1"), f"{MUTE} 1", "ERROR", to=talk) == [Fate.ECHO, Fate.ERROR]


def test_a_version_without_value_stands_as_the_answer_once_its_time_is_up() -> None:
    talk = dialogue()
    assert fates(reading("VERSION * FW 1", bare=True), "VERSION * FW 1", to=talk) == [Fate.ECHO]
    assert talk.expire()


def test_a_late_error_is_not_blamed_on_the_next_request() -> None:
    talk = dialogue()
    talk.begin(reading("EP FOO 1 LEVEL MUTE"))
    assert not talk.expire()
    assert fates(reading(MUTE), "ERROR", f"{MUTE} 0", to=talk) == [Fate.NOISE, Fate.REPLY]
    assert fates(reading(MUTE), "ERROR", to=talk) == [Fate.ERROR]


def test_a_late_answer_is_known_as_late() -> None:
    talk = dialogue()
    talk.begin(reading(MUTE))
    talk.expire()
    assert fates(reading("VERSION * FW 1"), f"{MUTE} 1", f"{MUTE} 1", to=talk) == [Fate.LATE, Fate.PUSH]


def test_two_requests_at_once_are_a_defect() -> None:
    talk = dialogue()
    talk.begin(reading(MUTE))
    with pytest.raises(RuntimeError):
        talk.begin(reading(MUTE))


@pytest.mark.parametrize(
    ("segments", "end", "sent"),
    [
        ([[Prompt.USERNAME], [Prompt.PASSWORD], [Prompt.READY]], SignInState.IN, ["u", "p"]),
        ([[Prompt.USERNAME], [Prompt.PASSWORD], [Prompt.USERNAME]], SignInState.REFUSED, ["u", "p"]),
        ([[Prompt.USERNAME], [Prompt.PASSWORD], [Prompt.PASSWORD]], SignInState.DOUBTFUL, ["u", "p"]),
        ([[Prompt.USERNAME] * 2, [Prompt.PASSWORD] * 2, [Prompt.READY]], SignInState.IN, ["u", "p"]),
        ([[Prompt.USERNAME], [Prompt.USERNAME], [Prompt.PASSWORD], [Prompt.READY]], SignInState.IN, ["u", "p"]),
        ([[Prompt.USERNAME], [Prompt.PASSWORD], [Line("Login incorrect")]], SignInState.WAIT, ["u", "p"]),
        ([[Prompt.READY]], SignInState.IN, []),
    ],
)
def test_sign_in(segments: list[list[Line | Prompt]], end: SignInState, sent: list[str]) -> None:
    attempt, said = SignIn("u", "p"), []
    for segment in segments:
        state = attempt.take(segment)
        if state is SignInState.ASK:
            said.append(attempt.send)
    assert state is end
    assert said == sent
