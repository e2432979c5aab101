"""A telephone repeats a key that comes to nothing, and complains beside it; a dialer tells whether it is registered, unasked."""

import asyncio

import pytest
from tests.contract.peer import Peer
from tests.support.clock import ManualClock
from tests.unit.drivers.direct import BOX, Direct
from tests.unit.drivers.test_report import Played

from soundpost.device.capability import CommandState
from soundpost.drivers.converge_pro2.calls import TONE_S

S = CommandState
UA = "EP UA 101 NOTIFICATION"
REGISTERED = "ua.101.notification.registered"


class Complaining(Direct):
    """`beside` maps the beginning of a line to what is pushed behind its answer."""

    def __init__(self, clock: ManualClock | None = None) -> None:
        super().__init__(Peer(), clock)
        self.peer.more = {("UA", "101"), ("TELCO_RX", "101")}
        self.peer.models["Name_1"] = "48VT"
        self.beside: dict[str, str] = {}
        table = self.peer.replies

        def answer(line: str) -> list[str]:
            return [*table(line), *(push for start, push in self.beside.items() if line.startswith(start))]

        self.peer.replies = answer  # type: ignore[method-assign]

    def registered(self) -> tuple[object, bool]:
        told = [reading for _, reading in self.talk.known().readings if reading.key == REGISTERED]
        return told[0].value, told[0].unsupported


@pytest.fixture
async def direct() -> Complaining:
    made = Complaining()
    await made.read()
    return made


CALL: dict[str, object] = {"end_point": "ua.101", "act": "call", "number": "5551234"}


async def test_a_complaint_fails_the_key_in_the_devices_words(direct: Complaining) -> None:
    direct.beside["EP UA 101 KEY"] = f"{UA} ERROR ERROR_CALL_ACTIVE"
    ended = await direct.perform("telephone", **CALL)
    assert (ended.state, ended.code, ended.text) == (S.FAILED, "error_answer", "ERROR_CALL_ACTIVE")
    assert "ua.101.inquire.active_parties" in {reading.key for reading in ended.readings}


async def test_tones_can_come_to_nothing_too(direct: Complaining) -> None:
    clock = ManualClock()
    made = Complaining(clock)
    await made.read()
    made.beside["EP UA 101 KEY KEY_DIGIT_PRESSED"] = f"{UA} ERROR"
    verb = asyncio.ensure_future(made.perform("telephone", end_point="ua.101", act="dtmf", digits="5"))
    await clock.advance(TONE_S)
    ended = await verb
    assert (ended.state, ended.text) == (S.FAILED, "ERROR")


@pytest.mark.parametrize(
    "beside",
    [
        {"VERSION": f"{UA} ERROR ERROR_CALL_ACTIVE"},
        {"EP UA 101 KEY": "EP TELCO_RX 101 NOTIFICATION ERROR ERROR_CALL_ACTIVE"},
        {"EP UA 101 KEY": f"{UA} REG_FAILED 403"},
    ],
    ids=["before the key", "another telephone", "no complaint"],
)
async def test_what_is_not_about_the_key_does_not_fail_it(direct: Complaining, beside: dict[str, str]) -> None:
    direct.beside = beside
    await direct.read()
    assert (await direct.perform("telephone", **CALL)).state is S.DONE


async def test_that_no_more_calls_fit_fails_a_call_and_nothing_else(direct: Complaining) -> None:
    direct.beside["EP UA 101 KEY"] = f"{UA} MAX_CALLS_PER_UA"
    ended = await direct.perform("telephone", **CALL)
    assert (ended.state, ended.text) == (S.FAILED, "MAX_CALLS_PER_UA")
    assert (await direct.perform("telephone", end_point="ua.101", act="hang_up")).state is S.DONE


async def test_a_dialer_is_registered_as_it_told_last_on_this_line(direct: Complaining) -> None:
    assert direct.registered() == (None, True)
    direct.talk.heard(f"{UA} REG_SUCCEED")
    assert direct.registered() == (True, False)
    await direct.read()
    assert direct.registered() == (True, False), "read anew on the same line"
    direct.talk.heard(f"{UA} UNREG_SUCCEED")
    assert direct.registered() == (False, False)
    await direct.talk.identify(Complaining().ask)
    assert direct.registered() == (None, True), "what was told while the line was down is not known"


async def test_a_call_within_a_call_fails_at_the_simulators_phone() -> None:
    direct = Direct(Played("48V"))  # type: ignore[arg-type]
    unit = await direct.read()
    assert BOX in [part.part for part in unit.parts]

    async def press(**arguments: object) -> tuple[object, str]:
        ended = await direct.talk.perform(direct.ask, BOX, "telephone", arguments, frozenset())
        return ended.state, ended.text  # type: ignore[union-attr]

    assert await press(**CALL) == (S.DONE, "")
    assert await press(**CALL) == (S.FAILED, "ERROR_CALL_ACTIVE")
    assert await press(end_point="ua.101", act="reject", line=1) == (S.FAILED, "ERROR_NO_INCOMING_CALL")
    assert await press(end_point="ua.101", act="hang_up") == (S.DONE, "")
