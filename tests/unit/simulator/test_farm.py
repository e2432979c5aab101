import asyncio
from itertools import islice

import pytest
from tests.unit.simulator.peers import NETWORK, connected, logged_in, vector_stack

from soundpost.kernel.errors import Invalid, Unavailable
from soundpost.simulator import Farm, StackSpec, make_stacks
from soundpost.simulator.addresses import endpoints
from soundpost.simulator.assumptions import switches
from soundpost.simulator.models import MODELS


async def test_a_thousand_stacks() -> None:
    async with Farm(make_stacks(1_000, seed=3), network="127.20.64.0/18", port=0) as farm:
        assert len({station.endpoint for station in farm.stacks}) == 1_000
        for station in farm.stacks[::100]:
            async with logged_in(station.endpoint) as peer:
                assert await peer.value("STACK NAME") == f"STACK NAME {station.name}"


async def test_many_lines_at_once() -> None:
    async with Farm(make_stacks(50), network=NETWORK, port=0) as farm:

        async def one(endpoint: tuple[str, int]) -> str:
            async with logged_in(endpoint) as peer:
                return await peer.value("EP MIC 101 LEVEL MUTE")

        answers = await asyncio.gather(*(one(station.endpoint) for station in farm.stacks for _ in range(4)))
        assert set(answers) == {"EP MIC 101 LEVEL MUTE 0"}


def test_the_same_seed_makes_the_same_stacks() -> None:
    assert make_stacks(200, 7) == make_stacks(200, 7)
    assert make_stacks(200, 7) != make_stacks(200, 8)


def test_stacks_are_realistic() -> None:
    specs = make_stacks(600, 1, ["London", "New York", "Sydney"])
    assert [specs[0].name, specs[200].name, specs[-1].name] == ["London-001", "New-York-001", "Sydney-200"]
    assert [spec.name for spec in make_stacks(3, 1, ["London"])] == ["London-01", "London-02", "London-03"]
    assert {len(spec.boxes) for spec in specs} == {1, 2, 3, 4}
    boxes = [box for spec in specs for box in spec.boxes]
    assert {box.model for box in boxes} == set(MODELS)
    assert all(len(spec.boxes) == 1 for spec in specs if spec.boxes[0].model == "Huddle")
    peripherals = [peripheral for box in boxes for peripheral in box.peripherals]
    serials = [thing.serial for thing in (*boxes, *peripherals)]
    assert len(set(serials)) == len(serials)
    assert len({box.mac for box in boxes}) == len(boxes)
    assert {spec.boxes[0].name for spec in specs} == {"Name_1"}
    assert len({peripheral.type for peripheral in peripherals}) == 7


def test_addresses() -> None:
    assert list(islice(endpoints("127.20.1.0/24", 10023), 2)) == [("127.20.1.1", 10023), ("127.20.1.2", 10023)]
    assert next(endpoints("default", 10023)) == ("127.20.1.1", 10023)
    assert list(islice(endpoints("127.0.0.1", 20001), 2)) == [("127.0.0.1", 20001), ("127.0.0.1", 20002)]
    assert len(list(endpoints("127.20.1.0/24", 1))) == 254
    for network in ("10.0.0.0/24", "x", "127.20.1.0/99"):
        with pytest.raises(Invalid):
            next(endpoints(network, 1))


def test_what_can_not_be_built_is_said() -> None:
    with pytest.raises(Invalid, match="fewer addresses"):
        Farm(make_stacks(3), network="127.20.0.0/31")
    with pytest.raises(Invalid, match="same name"):
        Farm([vector_stack(), vector_stack()])
    with pytest.raises(Invalid, match="no network"):
        Farm(make_stacks(1, sites=["Rome"]), network={"London": "127.20.1.0/24"})
    with pytest.raises(Invalid, match="personality"):
        Farm([], personality="kind")
    with pytest.raises(Invalid, match="no_such"):
        Farm([], switches={"no_such": 1})


def test_switches_as_they_are_typed() -> None:
    typed = ["echo=true", "locate_s=5", "max_sessions=2", "line_end=\\r\\n", "banner=", "bma360d_gain_low_db=-12.5"]
    assert switches(typed) == {
        "echo": True,
        "locate_s": 5.0,
        "max_sessions": 2,
        "line_end": "\r\n",
        "banner": "",
        "bma360d_gain_low_db": -12.5,
    }
    for wrong in ("echo", "=1", "ecko=1", "echo=2", "locate_s=soon", "locate_s=nan", "max_sessions=1.5"):
        with pytest.raises(Invalid) as told:
            switches([wrong])
        assert told.value.code == "switches_invalid"


async def test_a_taken_port_is_named_and_nothing_stays_open() -> None:
    async with Farm([vector_stack()], network="127.0.0.1", port=0) as first:
        port = first.stacks[0].endpoint[1]
        second = Farm([vector_stack("X")], network="127.0.0.1", port=port)
        with pytest.raises(Unavailable) as told:
            await second.start()
        assert told.value.code == "port_taken"
        async with connected(first.stacks[0].endpoint) as peer:
            await peer.expect(b"Username: ")


async def test_each_site_has_its_network() -> None:
    specs: list[StackSpec] = make_stacks(4, sites=["London", "Sydney"])
    networks = {"London": "127.20.0.0/26", "Sydney": "127.20.0.64/26"}
    async with Farm(specs, network=networks, port=0) as farm:
        assert [station.endpoint[0] for station in farm.stacks] == [
            "127.20.0.1",
            "127.20.0.2",
            "127.20.0.64",
            "127.20.0.65",
        ]


async def test_sites_on_one_address_share_its_ports() -> None:
    specs = make_stacks(4, sites=["London", "Sydney"])
    farm = Farm(specs, network={"London": "127.0.0.1", "Sydney": "127.0.0.1"}, port=20_001)
    assert [station.endpoint[1] for station in farm.stacks] == [20_001, 20_002, 20_003, 20_004]
