"""The ceiling array's own line, byte by byte (devices.md 10.2, 14.3)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.simulator.peers import NETWORK, Peer, StillClock, connected, fact, logged_in, vector_stack

from soundpost.kernel.errors import Invalid, NotFound
from soundpost.simulator import ArraySpec, Farm, make_arrays, make_stacks
from soundpost.simulator.arraystation import ArrayStation
from soundpost.simulator.assumptions import Assumptions
from soundpost.simulator.bma360d import Array
from soundpost.simulator.control import serving
from soundpost.simulator.faults import FAULTS
from soundpost.simulator.listener import Listener
from soundpost.simulator.run import Settings, run

NAME = "Ceiling"
SPEC = ArraySpec(NAME, "00:1D:C1:00:00:01", "10.0.0.7")
COMMAND, ARGUMENT = b"ERROR UNKNOWN COMMAND\r\n", b"ERROR INVALID ARGUMENT\r\n"


@pytest.fixture
async def farm(clock: StillClock) -> AsyncIterator[Farm]:
    async with Farm([vector_stack()], arrays=[SPEC], network=NETWORK, port=0, clock=clock) as running:
        yield running


@pytest.fixture
def array(farm: Farm) -> ArrayStation:
    return farm.array(NAME)


@pytest.fixture
async def line(array: ArrayStation) -> AsyncIterator[Peer]:
    async with connected(array.endpoint) as peer:
        yield peer


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"BEAMREPORT\r\n", b"BEAMREPORT 000000000000\r\n"),
        (b"beamreport\r", b"BEAMREPORT 000000000000\r\n"),
        (b"BFZONE 4\r\n", b"BFZONE 4 1\r\n"),
        (b"BFZONE 4 0\r\nBFZONE 4\r\n", b"BFZONE 4 0\r\nBFZONE 4 0\r\n"),
        (b"DANTEIP\r\n", b"DANTEIP 10.0.0.7\r\n"),
        (b"DANTEMAC\r\n", b"MACADDR 00:1D:C1:00:00:01\r\n"),
        (b"GAIN 1 v\r\n", b"GAIN 1 V 0.0\r\n"),
        (b"GAIN 4 S -6.5\r\n", b"GAIN 4 S -6.5\r\n"),
        (b"GAIN 2 R 20\r\n", b"GAIN 2 R 20.0\r\n"),
        (b"MUTE 12 M 1\r\nMUTE 12 M\r\n", b"MUTE 12 M 1\r\nMUTE 12 M 1\r\n"),
        (b"MUTE 4 S\r\n", b"MUTE 4 S 0\r\n"),
        (b"LEDCOLOR 1 3\r\nLEDCOLOR 1\r\n", b"LEDCOLOR 1 3\r\nLEDCOLOR 1 3\r\n"),
        (b"LEDBRIGHT 1 40\r\n", b"LEDBRIGHT 1 40\r\n"),
        (b"LOCATE Ceiling 1\r\nLOCATE Ceiling\r\n", b"LOCATE Ceiling 1\r\nLOCATE Ceiling 1\r\n"),
        (b"LOCATE Ceiling 2\r\n", b"LOCATE Ceiling 2\r\n"),
        (b"\r\nDANTEIP\r\n", b"DANTEIP 10.0.0.7\r\n"),
        (b"VERSION\r\n", COMMAND),
        (b"EP MIC 101 LEVEL MUTE\r\n", COMMAND),
        (b"x" * 2_000 + b"\r\n", COMMAND),
        *[
            (command + b"\r\n", ARGUMENT)
            for command in (
                *(b"HELP ME", b"BEAMREPORT 1", b"BFZONE", b"BFZONE 13", b"BFZONE 0", b"BFZONE 4 2", b"DANTEIP x"),
                *(b"GAIN 1", b"GAIN 5 V", b"GAIN 1 X", b"GAIN 1 V 21", b"GAIN 1 V loud", b"MUTE 13 M", b"MUTE 5 S"),
                *(b"MUTE 1 X", b"MUTE 1 M 2", b"LEDCOLOR red", b"LOCATE Other", b"LOCATE Ceiling 0", b"BREPORT 3"),
            )
        ],
    ],
)
async def test_commands(line: Peer, command: bytes, answer: bytes) -> None:
    await line.ask(command, answer)


async def test_help_lists_the_commands_in_their_order(line: Peer) -> None:
    line.send(b"HELP\r\n")
    for word in [
        "BEAMREPORT",
        "BFZONE",
        "BREPORT",
        "DANTEIP",
        "DANTEMAC",
        "GAIN",
        "HELP",
        "LEDBRIGHT",
        "LEDCOLOR",
        "LOCATE",
        "MUTE",
    ]:
        await line.expect(f"{word}\r\n".encode())


async def test_it_says_nothing_before_it_is_asked(line: Peer, array: ArrayStation) -> None:
    await fact(lambda: len(array.sessions) == 1)
    await line.ask(b"DANTEIP\r\n", b"DANTEIP 10.0.0.7\r\n")


async def test_beam_reports_until_off(farm: Farm, line: Peer, array: ArrayStation, clock: StillClock) -> None:
    farm.set(NAME, "BEAM 1", "ACTIVE", 1)
    await line.ask(b"BREPORT\r\n", b"BEAMREPORT 000000000001\r\n")
    await line.ask(b"BREPORT 1\r\n", b"BEAMREPORT 000000000001\r\n")
    farm.set(NAME, "BEAM 12", "ACTIVE", 1)
    farm.set(NAME, "BEAM 1", "ACTIVE", 0)
    await clock.advance(1)
    await line.expect(b"BEAMREPORT 100000000000\r\n" * 2)
    await line.ask(b"BREPORT 2\r\n", b"BEAMREPORT 100000000000\r\n")
    await clock.advance(0.35)
    await line.expect(b"BEAMREPORT 100000000000\r\n" * 3)
    await line.ask(b"BREPORT 0\r\n", b"BREPORT 0\r\n")
    await clock.advance(5)
    await line.ask(b"DANTEIP\r\n", b"DANTEIP 10.0.0.7\r\n")
    await line.ask(b"BREPORT 1\r\n", b"BEAMREPORT 100000000000\r\n")
    await line.close()
    await fact(lambda: not array.reporting)


async def test_what_happens_at_the_device(farm: Farm, line: Peer) -> None:
    farm.set(NAME, "BFZONE 4", "used", 0)
    farm.set(NAME, "GAIN 1 V", "dB", -3)
    await line.ask(b"BFZONE 4\r\nGAIN 1 V\r\n", b"BFZONE 4 0\r\nGAIN 1 V -3.0\r\n")
    for address, parameter, value in (("BEAM 13", "ACTIVE", 1), ("GAIN 1 V", "DB", 99), ("MIC 101", "MUTE", 1)):
        with pytest.raises(Invalid):
            farm.set(NAME, address, parameter, value)
    farm.push(NAME, "BFZONE 4 0")
    await line.expect(b"BFZONE 4 0\r\n")


async def test_writes_may_answer_nothing(clock: StillClock) -> None:
    switches = {"bma360d_writes_mirrored": False}
    async with (
        Farm([], arrays=[SPEC], network=NETWORK, port=0, clock=clock, switches=switches) as farm,
        connected(farm.array(NAME).endpoint) as line,
    ):
        await line.ask(b"GAIN 1 V -3\r\nBREPORT 0\r\nGAIN 1 V\r\n", b"GAIN 1 V -3.0\r\n")


async def test_faults_of_a_line_happen_to_it_too(farm: Farm, array: ArrayStation, line: Peer) -> None:
    for fault, args, answer in (
        ("lf_cr", {}, b"DANTEIP 10.0.0.7\n\r"),
        ("nul", {}, b"DANTEIP 10.0.0.7\0\r\n"),
        ("echo", {}, b"DANTEIP\r\nDANTEIP 10.0.0.7\r\n"),
        ("split", {}, b"DANTEIP 10.0.0.7\r\n"),
        ("error", {}, COMMAND),
        ("chatter", {}, b"BFZONE 9 1\r\nDANTEIP 10.0.0.7\r\n"),
        ("garbage", {"hex": "fe"}, b"\xfe\r\nDANTEIP 10.0.0.7\r\n"),
    ):
        await farm.fault(NAME, fault, True, args)
        await line.ask(b"DANTEIP\r\n", answer)
        await farm.fault(NAME, fault, False)
    await farm.fault(NAME, "refuse")
    assert await line.gone() is ConnectionResetError
    assert array.faults == {"refuse": {}}
    for fault, row in FAULTS.items():
        if row.of is not Listener:
            with pytest.raises(Invalid) as told:
                await farm.fault(NAME, fault)
            assert told.value.code == "fault_unfit"


@given(st.one_of(st.text(max_size=60), st.from_regex(r"(BFZONE|GAIN|MUTE|LEDCOLOR|LOCATE)( [\\w.+-]{1,6}){0,4}")))
def test_any_line_is_answered_in_whole_lines(text: str) -> None:
    unit = Array(SPEC, Assumptions())
    lines = unit.answer(text) if text.split() else []
    assert all("\r" not in line and "\n" not in line and line.isascii() for line in lines)


async def test_the_control_api_shows_arrays_and_puts_them_in_trouble(farm: Farm, line: Peer) -> None:
    await line.ask(b"MUTE 3 M 1\r\n", b"MUTE 3 M 1\r\n")
    async with serving(farm, port=0) as url, httpx.AsyncClient(base_url=url) as api:
        (item,) = (await api.get("/arrays")).json()["items"]
        assert (item["name"], item["model"], item["mac"]) == (NAME, "BMA 360D", SPEC.mac)
        assert (await api.post(f"/arrays/{NAME}/faults", json={"fault": "lf_cr"})).status_code == 200
        body = {"address": "BEAM 2", "parameter": "ACTIVE", "value": 1}
        assert (await api.post(f"/arrays/{NAME}/set", json=body)).status_code == 200
        assert (await api.post(f"/arrays/{NAME}/push", json={"line": "BFZONE 1 1"})).status_code == 200
        await line.expect(b"BFZONE 1 1\n\r")
        detail = (await api.get(f"/arrays/{NAME}")).json()
        assert (detail["beams"], detail["mutes"], detail["heard"]) == ([2], ["3 M"], ["MUTE 3 M 1"])
        assert detail["faults"] == {"lf_cr": {}}
        assert (await api.get("/faults")).json()["items"] == [{"stack": NAME, "fault": "lf_cr", "args": {}}]
        assert [item["name"] for item in (await api.get("/stacks")).json()["items"]] == ["Vectors-01"]
        stack = (await api.get("/stacks")).json()["items"]
        for other in [item["name"] for item in stack] or ["Nobody"]:
            answer = await api.post(f"/arrays/{other}/faults", json={"fault": "reset"})
            assert (answer.status_code, answer.json()["code"]) == (404, "array_not_found")
        for path, code in ((f"/stacks/{NAME}", "stack_not_found"), ("/arrays/Nobody", "array_not_found")):
            answer = await api.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, code)
        answer = await api.post(f"/arrays/{NAME}/faults", json={"fault": "heat"})
        assert (answer.status_code, answer.json()["code"]) == (400, "fault_unfit")


async def test_a_run_of_arrays_alone(tmp_path: Path) -> None:
    scene = tmp_path / "talk.yaml"
    scene.write_text("steps: [{at: 0, stack: '*', set: {address: BEAM 1, parameter: ACTIVE, value: 1}}]")
    stop, told = asyncio.Event(), asyncio.get_running_loop().create_future()
    settings = Settings(stacks=0, bma360d=2, scene=str(scene), network=NETWORK, port=0, control_port=0)
    task = asyncio.create_task(run(settings, told.set_result, stop))
    ready = await told
    assert (ready["stacks"], ready["arrays"]) == (0, 2)
    async with httpx.AsyncClient(base_url=ready["control"]) as api:
        for item in (await api.get("/arrays")).json()["items"]:
            async with connected((item["address"], item["port"])) as peer:
                await peer.ask(b"BEAMREPORT\r\n", b"BEAMREPORT 000000000001\r\n")
    stop.set()
    await task
    for wrong in (Settings(stacks=0), Settings(stacks=-1, bma360d=3)):
        with pytest.raises(Invalid):
            await run(wrong, lambda _: None, stop)


async def test_a_farm_holds_both(farm: Farm, array: ArrayStation) -> None:
    async with logged_in(farm.stacks[0].endpoint) as peer:
        assert await peer.value("STACK NAME") == "STACK NAME Vectors-01"
    assert array.endpoint[0] == "127.20.0.2"
    with pytest.raises(NotFound):
        farm.stack(NAME)
    with pytest.raises(NotFound):
        farm.array("Vectors-01")
    with pytest.raises(Invalid, match="same name"):
        Farm([vector_stack(NAME)], arrays=[SPEC], network=NETWORK)


def test_arrays_stand_behind_the_stacks_of_their_site() -> None:
    sites = {"London": "127.20.1.0/24", "Rome": "127.20.2.0/24"}
    farm = Farm(make_stacks(3, sites=list(sites)), arrays=make_arrays(3, 1, list(sites)), network=sites)
    assert [(name, array.endpoint) for name, array in farm.arrays.items()] == [
        ("London-BMA-01", ("127.20.1.3", 3603)),
        ("London-BMA-02", ("127.20.1.4", 3603)),
        ("Rome-BMA-01", ("127.20.2.2", 3603)),
    ]
    alone = Farm(make_stacks(2), arrays=make_arrays(2), network="127.0.0.1", port=20_001)
    assert [array.endpoint[1] for array in alone.arrays.values()] == [3605, 3606]
    assert make_arrays(5, 3) == make_arrays(5, 3) != make_arrays(5, 4)
    with pytest.raises(Invalid):
        make_arrays(-1)
