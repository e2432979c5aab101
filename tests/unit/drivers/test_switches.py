"""Turning an assumption off changes what is asked, offered or believed: a switch that nothing reads would be a lie."""

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from tests.contract.harness import HARNESSES, Array
from tests.contract.peer import Peer
from tests.unit.drivers.direct import BOX, Direct
from tests.unit.drivers.test_grades import EXAMPLES

from soundpost.drivers import bma360d, collaborate_live
from soundpost.drivers.bma360d import assumed as array_assumed
from soundpost.drivers.bma360d import points as array_points
from soundpost.drivers.bma360d import replies as array_replies
from soundpost.drivers.bma360d.driver import Conversation as Array360
from soundpost.drivers.collaborate_live import assumed as codec_assumed
from soundpost.drivers.converge_pro2 import assumed
from soundpost.kernel.clock import SystemClock
from soundpost.wire.dialogue import Request

pytestmark = pytest.mark.slow


def off(monkeypatch: pytest.MonkeyPatch, where: ModuleType, name: str) -> None:
    monkeypatch.setitem(where.ASSUMED, name, where.Assumption(name, "", False, on=False))


@pytest.fixture
def fresh() -> Iterator[None]:
    """What was made from the tables with other switches is forgotten, before and after."""
    forget()
    yield
    forget()


def forget() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("soundpost.drivers."):
            for made in vars(module).values():
                if callable(clear := getattr(made, "cache_clear", None)):
                    clear()


async def stack(lab: bool = True) -> list[object]:
    """Everything that is asked of a stack that has everything, offered for it, done to it and heard from it."""
    peer = Peer()
    peer.lab, peer.peripheral = lab, "1 BMA2 Table 9000-2401-40 2.0.1.8 1"
    table = peer.replies
    named = f"VERSION Name_1 FW 1 {peer.firmware}"
    peer.replies = lambda line: [named] if line.startswith("VERSION") else table(line)  # type: ignore[method-assign]
    direct = Direct(peer)
    unit = await direct.read()
    seen: list[object] = [direct.talk.prompt_first(), list(direct.asked), unit.parts, list(direct.talk.polls())]
    for verb, arguments in (EXAMPLES | {"reboot": {}}).items():
        where = "stack" if verb in ("macro", "room", "crosspoint") else BOX
        seen.append(await direct.talk.perform(direct.ask, where, verb, arguments, frozenset()))
    seen.append(direct.talk.heard("BOX Name_1 PLINK 1 BMA2 Table 9000-2401-40 2.0.1.8 0"))
    peer.peripheral = "1 BMA360 Ceiling 9000-2401-40 2.0.1.8 1"
    seen.append((await direct.read()).parts)
    return [*seen, list(direct.talk.polls())]


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("name", assumed.ASSUMED)
async def test_a_stack_is_dealt_with_otherwise(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = name != "version_box"  # which matters only without a box list
    before = await stack(lab)
    assert await stack(lab) == before
    forget()
    off(monkeypatch, assumed, name)
    assert await stack(lab) != before


async def array() -> list[object]:
    async def refuses(request: Request) -> list[str]:
        return ["MACADDR 00:1D:C1:00:00:02"] if request == array_points.MACADDR else ["BFZONE 4 1"]

    harness = Array()
    await harness.start()
    try:
        look = await bma360d.FAMILY.look(harness.endpoint, (), SystemClock(), 2.0)
    finally:
        await harness.stop()
    talk = Array360()
    told = await talk.perform(refuses, array_points.MIC, "control", {"key": "bfzone.4", "value": True}, frozenset())
    return [look, list(array_points.polls()), told, array_replies.is_error("ERROR")]


@pytest.mark.parametrize("name", array_assumed.ASSUMED)
async def test_an_array_is_dealt_with_otherwise(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await array()
    assert await array() == before
    off(monkeypatch, array_assumed, name)
    assert await array() != before


@pytest.mark.parametrize("name", codec_assumed.ASSUMED)
async def test_a_codec_is_dealt_with_otherwise(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = next(iter(HARNESSES["collaborate_live"].values()))()
    await harness.start()
    try:
        before = await collaborate_live.FAMILY.look(harness.endpoint, (), SystemClock(), 2.0)
        off(monkeypatch, codec_assumed, name)
        assert await collaborate_live.FAMILY.look(harness.endpoint, (), SystemClock(), 2.0) != before
    finally:
        await harness.stop()
