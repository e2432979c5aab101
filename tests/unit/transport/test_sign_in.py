"""Signing in on a held line: what a refusal is and what is none, and that no device is waited for without end."""

from collections.abc import AsyncIterator

import pytest
from tests.contract.harness import GOOD, WRONG
from tests.support.clock import settle
from tests.unit.transport.bench import Bench, benched

from soundpost.device.contract import Credentials, Trouble
from soundpost.transport.line import SIGN_IN_S
from soundpost.transport.signs import HUNG_UP_MOST_GOOD

USED_UP = "none of the known sign-ins is accepted; add the device's user name and password"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with benched() as made:
        yield made


async def advance(bench: Bench, seconds: float) -> None:
    """In steps, so that what the clock sets off reaches the other end in between."""
    for _ in range(round(seconds)):
        await bench.clock.advance(1.0)
        await settle(100)


async def test_a_set_behind_which_the_device_hangs_up_is_sent_twice_and_the_next_one_follows(bench: Bench) -> None:
    bench.peer.closes_after_failure = True
    bench.session(WRONG, GOOD)
    await bench.trouble(Trouble.CLOSED)
    assert bench.peer.logins == [("admin", "guess")], "the next try waits"
    await bench.come_back()
    assert bench.peer.logins == [("admin", "guess")] * 2 + [("clearone", "converge")]
    await bench.clock.advance(20.0)
    bench.peer.drop()
    await bench.sink.until(lambda: bench.sink.names().count("inventory") == 2)
    assert bench.peer.logins[3:] == [("clearone", "converge")]


async def test_who_asks_again_and_hangs_up_has_refused(bench: Bench) -> None:
    bench.peer.closes_after_failure, bench.peer.parting = True, b"\r\nPassword: "
    bench.session(WRONG)
    await bench.trouble(Trouble.SIGN_IN_REFUSED)
    await advance(bench, 120)
    assert bench.peer.logins == [("admin", "guess")]


async def test_a_changed_password_is_told_and_not_guessed_at(bench: Bench) -> None:
    session = await bench.up()
    await bench.clock.advance(20.0)
    bench.peer.password = "new"
    bench.peer.drop()
    await bench.trouble(Trouble.SIGN_IN_REFUSED)
    await bench.clock.advance(4_000.0)
    assert len(bench.peer.logins) == 2
    session.renew([Credentials("good", "clearone", "new")])
    await bench.sink.until(lambda: bench.sink.names().count("inventory") == 2)


@pytest.mark.parametrize("known", [False, True], ids=["signed in before", "known from before a restart"])
async def test_a_device_that_resets_during_the_sign_in_says_nothing_against_a_good_set(
    bench: Bench, known: bool
) -> None:
    if known:
        bench.peer.password, bench.peer.closes_after_failure = "not ready", True
        bench.session(GOOD, good=GOOD.id)
    else:
        await bench.up()
        await bench.clock.advance(20.0)
        bench.peer.password, bench.peer.closes_after_failure = "not ready", True
        bench.peer.drop()
    before = len(bench.peer.logins)
    while len(bench.peer.logins) < before + 3:
        await advance(bench, 1)
    assert set(bench.kinds) == {Trouble.CLOSED}
    bench.peer.password = GOOD.password
    await bench.come_back()


async def test_a_good_set_is_not_sent_for_ever_to_a_device_that_hangs_up_on_it(bench: Bench) -> None:
    bench.peer.password, bench.peer.closes_after_failure = "changed", True
    bench.session(GOOD, good=GOOD.id)
    await bench.trouble_while_advancing(Trouble.SIGN_IN_REFUSED)
    assert bench.sink.troubles()[-1][1] == USED_UP
    await bench.clock.advance(4_000.0)
    assert len(bench.peer.logins) == HUNG_UP_MOST_GOOD


@pytest.mark.parametrize("stage", ["user", "password"])
async def test_a_device_that_talks_on_without_a_prompt_is_given_up(bench: Bench, stage: str) -> None:
    """Each word comes before the time for it is over; all together never end."""
    if stage == "user":
        bench.peer.asks_password = b""
    else:
        bench.peer.password, bench.peer.refusal = "another", b""
    bench.session()
    began = bench.clock.monotonic()
    while not bench.sink.troubles() and bench.clock.monotonic() - began < 120.0:
        await settle(100)
        bench.peer.raw(b"one moment please \r\n")
        await settle(100)
        await bench.clock.advance(4.0)
    assert bench.sink.troubles() == [(Trouble.SILENT, f"the sign-in came to no end within {SIGN_IN_S:g} s", 1)]
    assert bench.clock.monotonic() - began <= SIGN_IN_S + 8.0
