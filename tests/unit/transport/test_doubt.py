"""A reply that never came at connect is asked for again, on the same line, later and later."""

from collections.abc import AsyncIterator, Callable

import pytest
from tests.support.clock import settle
from tests.unit.transport.bench import Bench, benched

from soundpost.device.capability import CommandState
from soundpost.transport.session import WHOLE_S

LOCATE = "BOX Name_1 UNIT LOCATE"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with benched() as made:
        yield made


def breaks(bench: Bench, *said: str) -> None:
    table: Callable[[str], list[str]] = type(bench.peer).replies.__get__(bench.peer)
    bench.peer.replies = lambda line: list(said) if line == LOCATE else table(line)  # type: ignore[method-assign]


def can_locate(bench: Bench) -> bool:
    assert bench.sink.unit is not None
    return bench.sink.unit.parts[1].capabilities["locate"] == "assumed"


async def up_with_locate_lost(bench: Bench) -> None:
    breaks(bench)
    bench.session()
    while "inventory" not in bench.sink.names():
        await bench.clock.advance(0.5)
        await settle(100)


async def test_a_reply_that_was_lost_is_asked_for_again_on_the_same_line(bench: Bench) -> None:
    await up_with_locate_lost(bench)
    assert not can_locate(bench)
    lines = list(bench.peer.writers)
    breaks(bench, "BOX Name_1 UNIT LOCATE 0")
    for _ in range(int(2 * WHOLE_S) + 1):
        await bench.clock.advance(1.0)
        await settle(200)
    assert can_locate(bench)
    assert bench.peer.writers == lines


async def test_what_never_answers_is_asked_later_and_later(bench: Bench) -> None:
    await up_with_locate_lost(bench)
    for _ in range(600):
        await bench.clock.advance(1.0)
        await settle(60)
    readings = bench.sink.names().count("inventory")
    assert 4 <= readings <= 8, "after 5 s, 10 s, 20 s and so on, each up to twice that"


async def test_a_refusal_that_stands_is_asked_no_more_until_somebody_refreshes(bench: Bench) -> None:
    breaks(bench, "ERROR INVALID COMMAND")
    session = await bench.up()
    for _ in range(int(10 * WHOLE_S)):
        await bench.clock.advance(1.0)
        await settle(100)
    assert bench.sink.names().count("inventory") == 2
    breaks(bench, "BOX Name_1 UNIT LOCATE 0")
    assert (await bench.perform(session, "refresh")).state is CommandState.DONE
    assert can_locate(bench)
