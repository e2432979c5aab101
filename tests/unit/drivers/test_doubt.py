"""What a stack did not answer: when that is a refusal, and when one reply was lost. Against the scripted peer, without a socket."""

from collections.abc import Callable

import pytest
from tests.contract.peer import Peer
from tests.unit.drivers.direct import BOX, Direct

from soundpost.device.contract import Unit
from soundpost.transport.line import Silence

ERROR = "ERROR INVALID COMMAND"
LIST, LOCATE, PLINKS = "BOX * UNIT SN", "BOX Name_1 UNIT LOCATE", "BOX Name_1 PLINK LIST"


class Faulty(Direct):
    """`broken` maps a line to what it is answered instead; "" is silence."""

    def __init__(self, memory: bytes = b"", peer: Peer | None = None) -> None:
        super().__init__(peer or Peer(), memory=memory)
        self.broken: dict[str, str] = {}
        table: Callable[[str], list[str]] = type(self.peer).replies.__get__(self.peer)

        def answer(line: str) -> list[str]:
            said = self.broken.get(line)
            return table(line) if said is None else [said] if said else []

        self.peer.replies = answer  # type: ignore[method-assign]

    def refused(self) -> set[str]:
        told = {reading.key for _, reading in self.talk.known().readings if reading.unsupported}
        return {key for key in told if key.startswith("unit.")}


@pytest.fixture
def direct() -> Faulty:
    return Faulty()


def can_locate(unit: Unit) -> bool:
    return unit.parts[1].capabilities["locate"] != "unsupported"


def words(unit: Unit) -> list[str]:
    return [part.part for part in unit.parts]


async def test_silence_is_never_remembered(direct: Faulty) -> None:
    direct.broken = {LOCATE: ""}
    for _ in range(3):
        unit = await direct.read()
        assert (can_locate(unit), direct.refused(), unit.doubtful) == (False, {"unit.locate"}, True)
        assert LOCATE in direct.asked
    direct.broken = {}
    unit = await direct.read()
    assert (can_locate(unit), direct.refused(), unit.doubtful) == (True, set(), False)


async def test_an_error_is_remembered_once_a_later_reading_met_it_again(direct: Faulty) -> None:
    direct.broken = {LOCATE: ERROR}
    assert (await direct.read()).doubtful
    unit = await direct.read()
    assert (can_locate(unit), unit.doubtful) == (False, False)
    await direct.read()
    assert LOCATE not in direct.asked
    direct.peer.firmware = "8.0.0.0"
    await direct.read()
    assert LOCATE in direct.asked


async def test_an_error_that_ends_costs_nothing(direct: Faulty) -> None:
    direct.broken = {LOCATE: ERROR}
    await direct.read()
    direct.broken = {}
    assert can_locate(await direct.read())


async def test_forgetting_has_what_was_refused_asked_again(direct: Faulty) -> None:
    direct.broken = {LOCATE: ERROR}
    await direct.read()
    await direct.read()
    direct.broken = {}
    direct.talk.forget()
    assert can_locate(await direct.read())


@pytest.mark.parametrize("said", ["", ERROR])
async def test_what_was_answered_before_stays_as_it_was_told(direct: Faulty, said: str) -> None:
    whole = await direct.read()
    lines = [f"BOX Name_1 UNIT {word}" for word in ("MODEL", "FW", "MAC", "TEMP")]
    direct.broken = dict.fromkeys((LOCATE, PLINKS, "STACK NAME", *lines), said)
    for _ in range(3):
        unit = await direct.read()
        assert (unit.parts, direct.refused(), unit.doubtful) == (whole.parts, set(), True)
    assert {poll.key for poll in direct.talk.polls()} >= {"unit.locate", "unit.temperature"}


@pytest.mark.parametrize("said", ["", ERROR])
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_list_that_once_answered_is_not_refused(direct: Faulty, said: str, restarted: bool) -> None:
    whole = await direct.read()
    if restarted:
        direct = Faulty(whole.memory, direct.peer)
    direct.broken = {LIST: said}
    for _ in range(3):
        unit = await direct.read()
        assert (words(unit), unit.memory) == (words(whole), whole.memory)
        assert LIST in direct.asked
    direct.broken = {}
    assert not (await direct.read()).doubtful


async def test_a_box_that_says_nothing_has_not_left(direct: Faulty) -> None:
    await direct.read()
    direct.broken = {LIST: "", "BOX Name_2 UNIT SN": ""}
    with pytest.raises(Silence):
        await direct.read()


async def test_a_box_that_is_not_known_any_more_has(direct: Faulty) -> None:
    await direct.read()
    direct.broken = {LIST: ""}
    del direct.peer.serials["Name_2"]
    assert words(await direct.read()) == ["stack", BOX, "plink:9000-2401-40"]


async def test_one_lost_list_of_a_stack_never_read_is_asked_for_again(direct: Faulty) -> None:
    ask, lost = direct.ask, [LIST, PLINKS]

    async def once_lost(request):  # type: ignore[no-untyped-def]
        if request.line in lost:
            lost.remove(request.line)
            raise Silence("lost")
        return await ask(request)

    unit = await direct.talk.identify(once_lost)
    assert words(unit) == ["stack", BOX, "plink:9000-2401-40", "box:1234-2335-40"]
    assert (unit.doubtful, lost) == (False, [])


async def test_a_refusal_survives_a_restart_and_a_doubt_is_asked_again(direct: Faulty) -> None:
    direct.broken = {LOCATE: ERROR}
    await direct.read()
    doubtful = await direct.read()
    firm = Faulty(doubtful.memory, direct.peer)
    firm.broken = direct.broken
    await firm.read()
    assert firm.refused() == direct.refused() == {"unit.locate"}
    await firm.read()
    assert LOCATE not in firm.asked

    direct.broken = {LOCATE: ""}
    direct.talk.forget()
    open_still = Faulty((await direct.read()).memory, direct.peer)
    await open_still.read()
    assert can_locate(await open_still.read())


async def test_a_stack_without_assumed_functions_is_settled_after_two_readings(direct: Faulty) -> None:
    direct.peer.lab = False
    assert (await direct.read()).doubtful
    assert not (await direct.read()).doubtful
    await direct.read()
    assert set(direct.asked) == {"VERSION * FW 1"}
