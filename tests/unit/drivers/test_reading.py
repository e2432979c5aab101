"""What is asked of a stack when it is read, and what is not: against the scripted peer, without a socket."""

import pytest
from tests.contract.peer import Peer
from tests.unit.drivers.direct import Direct

from soundpost.drivers.converge_pro2 import assumed
from soundpost.transport.talk import Starting


@pytest.fixture
def direct() -> Direct:
    return Direct(Peer())


async def test_only_read_forms_are_asked(direct: Direct) -> None:
    await direct.read()
    orders = ("RESET", "STACK USER", "STACK LOAD", "FACTORYDEFAULT")
    assert not [
        line for line in direct.asked if line.startswith(orders) or (line[-2:] in (" 0", " 1") and "FW" not in line)
    ]


async def test_a_starting_stack_is_asked_nothing_but_its_version(direct: Direct) -> None:
    direct.peer.starting = True
    with pytest.raises(Starting):
        await direct.read()
    assert direct.asked == ["VERSION * FW 1"]


async def test_without_assumed_functions_the_unit_is_what_end_points_prove(direct: Direct) -> None:
    direct.peer.lab = False
    unit = await direct.read()
    assert [(part.part, part.model, part.serial_number, part.firmware_version) for part in unit.parts] == [
        ("stack", "", "", "7.0.0.1"),
        ("box:1", "", "", "7.0.0.1"),
        ("box:2", "", "", "7.0.0.1"),
    ]
    gains = [point.key for point in unit.parts[1].points if point.key.endswith(".gain")]
    assert gains == ["mic.101.level.gain", "mic.102.level.gain", "output.101.level.gain"]
    assert unit.serials == frozenset()
    assert len(direct.asked) < 60
    told = {reading.key: reading for _, reading in direct.talk.known().readings}
    assert all(reading.unsupported and reading.error for reading in told.values())


async def test_a_version_that_names_the_box_gives_its_serial_by_the_evidenced_form(direct: Direct) -> None:
    direct.peer.lab = False
    version = f"VERSION Name_1 FW 1 {direct.peer.firmware}"
    table = direct.peer.replies
    direct.peer.replies = lambda line: [version] if line.startswith("VERSION") else table(line)  # type: ignore[method-assign]
    unit = await direct.read()
    assert [part.part for part in unit.parts] == ["stack", "box:1234-2334-40", "box:2"]


async def test_a_model_nobody_knows_is_asked_end_point_by_end_point(direct: Direct) -> None:
    direct.peer.models["Name_1"] = "HOLO 9"
    unit = await direct.read()
    keys = [point.key for point in unit.parts[1].points]
    assert "mic.102.level.mute" in keys
    assert "mic.103.level.mute" not in keys
    assert unit.parts[1].model == "HOLO 9"


async def test_beamforming_arrays_bring_their_end_points(direct: Direct) -> None:
    direct.peer.peripheral = "1 BMA2 Table 9000-2401-40 2.0 1"
    unit = await direct.read()
    assert "bfm.101.level.mute" in [point.key for point in unit.parts[1].points]


async def test_names_the_wire_cant_carry_are_not_used(direct: Direct) -> None:
    direct.peer.serials = {"Na\x07me": "1", "Name_2": "1234-2335-40"}
    unit = await direct.read()
    assert [part.name for part in unit.parts[1:]] == ["Name_2"]


def test_every_switch_can_be_looked_up() -> None:
    assert all(assumed.on(name) for name in assumed.ASSUMED)


async def test_a_switch_that_is_off_is_never_asked(direct: Direct, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(assumed.ASSUMED, "health", assumed.Assumption("health", "", True, on=False))
    unit = await direct.read()
    assert not [line for line in direct.asked if "TEMP" in line or "CPU" in line]
    assert unit.parts[1].capabilities["health"] == "unsupported"


async def test_a_stack_that_is_remembered_proves_its_serials_and_tells_who_hangs_from_it(direct: Direct) -> None:
    whole = await direct.read()
    again = Direct(direct.peer, memory=whole.memory)
    recalled = await again.read()
    assert (recalled.parts, recalled.memory, recalled.recalled) == (whole.parts, whole.memory, True)
    assert not [line for line in again.asked if line.split()[-1] in ("MODEL", "MAC", "PART", "NAME")]
    assert len(again.asked) < len(direct.asked) / 3
    assert again.talk.polls() == direct.talk.polls()
    anew = await again.read()
    assert (anew.parts, anew.recalled, again.asked) == (whole.parts, False, direct.asked)


@pytest.mark.parametrize("change", ["firmware", "serial", "box", "form"])
async def test_a_stack_that_is_not_as_remembered_is_read_whole(direct: Direct, change: str) -> None:
    memory = (await direct.read()).memory
    if change == "firmware":
        direct.peer.firmware = "8.0.0.0"
    elif change == "serial":
        direct.peer.serials["Name_1"] = "9999-2334-40"
    elif change == "box":
        direct.peer.serials.popitem()
    else:
        memory = b"\x93" + memory
    again, fresh = Direct(direct.peer, memory=memory), Direct(direct.peer)
    unit, expected = await again.read(), await fresh.read()
    assert (unit, again.asked) == (expected, fresh.asked)


async def test_a_stack_without_serials_leaves_no_memory(direct: Direct) -> None:
    direct.peer.lab = False
    assert (await direct.read()).memory == b""


async def test_a_peripheral_that_came_while_nobody_looked_is_there_at_once(direct: Direct) -> None:
    memory = (await direct.read()).memory
    direct.peer.peripheral = "1 BMA2 Table 9000-2401-40 2.0 1"
    again = Direct(direct.peer, memory=memory)
    unit = await again.read()
    assert unit.recalled
    assert "plink:9000-2401-40" in [part.part for part in unit.parts]
