"""Orders that are no point: what is said, what is believed, and what stays uncertain."""

import asyncio

import pytest
from tests.contract.peer import Peer
from tests.support.clock import ManualClock
from tests.unit.drivers.direct import BOX, Direct

from soundpost.device.capability import CommandState
from soundpost.drivers.converge_pro2 import assumed
from soundpost.drivers.converge_pro2.calls import KEYS, TONE_S

S = CommandState


class Bench(Direct):
    def __init__(self) -> None:
        self.clock = ManualClock()
        super().__init__(Peer(), self.clock)
        self.peer.more = {("UA", "101"), ("TELCO_RX", "101"), ("FADER", "101")}
        self.peer.models["Name_1"] = "48VT"

    def answers(self, start: str, *replies: str) -> None:
        table = self.peer.replies
        self.peer.replies = lambda line: list(replies) if line.startswith(start) else table(line)  # type: ignore[method-assign]


@pytest.fixture
async def bench() -> Bench:
    made = Bench()
    await made.read()
    made.asked.clear()
    return made


ROOM = {"room": 1, "sub_room": "Part_A", "configuration": "Part_A_Preset_1"}
CROSS = {"input": "In", "output": "Out", "on": True, "type": "pre_aec"}
RAMP = {"end_point": "fader.101", "target": -10, "step": 2}


@pytest.mark.parametrize(
    ("verb", "part", "arguments", "line"),
    [
        ("macro", "stack", {"name": "SYSON"}, "MCCF SYSON"),
        ("room", "stack", ROOM, "ROOM 1 7 Part_A Part_A_Preset_1"),
        ("crosspoint", "stack", CROSS, "MT In Out 1 0 5"),
        ("ramp", BOX, RAMP, "RAMP FADER 101 -10.0 2.0"),
    ],
)
async def test_orders(bench: Bench, verb: str, part: str, arguments: dict[str, object], line: str) -> None:
    done = await bench.perform(verb, part, **arguments)
    assert (done.state, done.assumed) == (S.DONE, True)
    assert bench.asked.count(line) == 1
    assert bench.asked[0] == "BOX Name_1 UNIT SN", "the serial is proved before anything is written"
    bench.answers(line, "ERROR INVALID PARAMETER(S)")
    refused = await bench.perform(verb, part, **arguments)
    assert (refused.state, refused.text) == (S.FAILED, "ERROR INVALID PARAMETER(S)")
    bench.answers(line)
    bench.asked.clear()
    silent = await bench.perform(verb, part, **arguments)
    assert silent.state is S.UNCERTAIN
    assert bench.asked.count(line) == 1, "never sent twice"


async def test_a_ramp_nobody_confirmed_is_done_once_the_gain_is_there(bench: Bench) -> None:
    bench.answers("RAMP")
    bench.peer.values["FADER 101 GAIN"] = "-10.0"
    outcome = await bench.perform("ramp", **RAMP)
    assert outcome.state is S.DONE
    assert [(r.key, r.value) for r in outcome.readings] == [("fader.101.level.gain", -10.0)]


@pytest.mark.parametrize(
    ("verb", "arguments", "code"),
    [
        ("ramp", RAMP | {"end_point": "ua.101"}, "unknown_point"),
        ("ramp", RAMP | {"end_point": "fader.201"}, "unknown_point"),
        ("ramp", RAMP | {"target": 21}, "invalid_argument"),
        ("macro", {"name": "two words"}, "invalid_argument"),
        ("room", {}, "invalid_argument"),
        ("crosspoint", CROSS | {"type": 1}, "invalid_argument"),
        ("telephone", {"end_point": "ua.101"}, "invalid_argument"),
        ("telephone", {"end_point": "ua.102", "act": "answer"}, "unknown_point"),
        ("telephone", {"end_point": "telco_rx.101", "act": "hold"}, "invalid_argument"),
    ],
)
async def test_impossible_orders_are_refused_and_nothing_is_sent(
    bench: Bench, verb: str, arguments: dict[str, object], code: str
) -> None:
    outcome = await bench.perform(verb, **arguments)
    assert (outcome.state, outcome.code) == (S.REFUSED, code)
    assert outcome.text.endswith(".")
    assert bench.asked == []


async def test_nothing_is_ordered_from_another_device(bench: Bench) -> None:
    bench.peer.serials["Name_1"] = "7777-2401-40"
    orders = {"macro": {"name": "A"}, "room": ROOM, "crosspoint": CROSS, "ramp": RAMP}
    orders["telephone"] = {"end_point": "ua.101", "act": "answer"}
    bench.peer.on_line = lambda line: None
    for verb, arguments in orders.items():
        outcome = await bench.talk.perform(bench.ask, BOX, verb, arguments, frozenset({"1234-2334-40"}))
        assert outcome.code == "another_device"  # type: ignore[union-attr]
    assert set(bench.asked) == {"BOX Name_1 UNIT SN"}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"act": "call", "number": "5551234"}, "EP UA 101 KEY KEY_CALL 5551234"),
        ({"act": "answer"}, "EP UA 101 KEY KEY_HOOK 1"),
        ({"act": "hang_up"}, "EP UA 101 KEY KEY_HOOK 0"),
        ({"act": "reject", "line": 1}, "EP UA 101 KEY KEY_REJECT 1"),
        ({"act": "party", "line": 2}, "EP UA 101 KEY KEY_PARTY 2"),
        ({"act": "redial"}, "EP UA 101 KEY KEY_REDIAL"),
        ({"act": "flash"}, "EP UA 101 KEY KEY_HOOK_FLASH"),
        ({"act": "hold"}, "EP UA 101 KEY KEY_HOLD"),
        ({"act": "resume"}, "EP UA 101 KEY KEY_RESUME"),
        ({"act": "transfer"}, "EP UA 101 KEY KEY_TRANSFER"),
        ({"act": "blind_transfer"}, "EP UA 101 KEY KEY_BLIND_TRANSFER"),
        ({"act": "conference"}, "EP UA 101 KEY KEY_CONFERENCE"),
        ({"act": "conference_add", "line": 2}, "EP UA 101 KEY KEY_CONFERENCE 2"),
    ],
)
async def test_keys(bench: Bench, arguments: dict[str, object], line: str) -> None:
    bench.peer.values["UA 101 ACTIVE_PARTIES"] = "PL 1;DIALING;5551234;"
    outcome = await bench.perform("telephone", end_point="ua.101", **arguments)
    assert outcome.state is S.DONE
    assert bench.asked.count(line) == 1
    assert {r.key: r.value for r in outcome.readings}["ua.101.inquire.active_parties"] == "DIALING"


def test_every_act_has_a_key() -> None:
    from soundpost.device.capability import ACTS

    assert set(KEYS) | {"dtmf"} == set(ACTS)


async def test_an_analog_line_is_dialled_too(bench: Bench) -> None:
    bench.peer.values["TELCO_RX 101 HOOK"] = "1"
    outcome = await bench.perform("telephone", end_point="telco_rx.101", act="call", number="5551234")
    assert [(r.key, r.value) for r in outcome.readings] == [("telco_rx.101.inquire.hook", True)]


@pytest.mark.parametrize("answers", [True, False])
async def test_tones_are_held_and_always_let_go(bench: Bench, answers: bool) -> None:
    if not answers:
        bench.answers("EP UA 101 KEY KEY_DIGIT_PRESSED")
    verb = asyncio.ensure_future(bench.perform("telephone", end_point="ua.101", act="dtmf", digits="5#"))
    await bench.clock.advance(TONE_S - 0.01)
    assert bench.asked[-1] == "EP UA 101 KEY KEY_DIGIT_PRESSED 5"
    await bench.clock.advance(1.0)
    outcome = await verb
    keys = [line.split()[-2:] for line in bench.asked if "DIGIT" in line]
    both = [["KEY_DIGIT_PRESSED", "5"], ["KEY_DIGIT_RELEASED", "5"]]
    if answers:
        assert outcome.state is S.DONE
        assert keys == [*both, ["KEY_DIGIT_PRESSED", "#"], ["KEY_DIGIT_RELEASED", "#"]]
    else:
        assert (outcome.state, outcome.text.endswith("0 of 2 tones were confirmed before.")) == (S.UNCERTAIN, True)
        assert keys == both


async def test_a_switch_that_is_off_takes_its_function_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("reset", "ramp_step"):
        monkeypatch.setitem(assumed.ASSUMED, name, assumed.Assumption(name, "", False, on=False))
    for verb, arguments in (("reboot", {"confirm_assumed": True}), ("ramp", RAMP)):
        assert (await bench.perform(verb, **arguments)).state is S.UNSUPPORTED
    assert bench.asked == []
