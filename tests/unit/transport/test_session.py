"""A held line over time: a scripted peer on loopback, a clock the test moves."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
from tests.contract.harness import GOOD
from tests.contract.peer import Peer, framed
from tests.support.clock import settle
from tests.unit.transport.bench import PERIODS, Bench, benched

from soundpost.device.capability import CommandState
from soundpost.device.contract import Periods, PointReading, Trouble
from soundpost.device.model import Endpoint
from soundpost.drivers.converge_pro2.driver import Conversation
from soundpost.transport.session import SILENT_LIMIT, STARTING_S, WHOLE_S, LineSession
from soundpost.transport.talk import Heard, Poll

MUTE = {"key": "mic.101.level.mute", "value": True}


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with benched() as made:
        yield made


async def test_the_unit_is_read_and_told_once(bench: Bench) -> None:
    await bench.up()
    unit = bench.sink.unit
    assert unit is not None
    assert [part.part for part in unit.parts] == [
        "stack",
        "box:1234-2334-40",
        "plink:9000-2401-40",
        "box:1234-2335-40",
    ]
    stack, box, plink, other = unit.parts
    assert (stack.name, stack.firmware_version) == ("Boardroom", "7.0.0.1")
    assert (box.model, box.mac, box.box_number, box.parent) == ("48V", "00:90:79:00:00:01", 1, "stack")
    assert "model" in box.assumed
    assert (plink.kind, plink.parent, plink.model) == ("microphone", box.part, "BMA360")
    assert other.box_number == 2
    assert {point.key for point in other.points} >= {"mic.201.level.mute", "fader.208.level.gain", "unit.locate"}
    assert bench.sink.names()[:2] == ["connected", "inventory"]


GAIN_LINE, GAIN_KEY = "EP MIC 101 LEVEL GAIN", "mic.101.level.gain"


@pytest.mark.parametrize("refused", [False, True], ids=["reply", "error"])
async def test_a_push_right_behind_an_answer_is_the_newer_word(bench: Bench, refused: bool) -> None:
    """Both lie in one segment: whoever asked wakes later than the push is read, and must not have the last word all the same."""
    peer = bench.peer

    def told() -> list[PointReading]:
        return [r for what in bench.sink.told if what[0] == "readings" for r in what[2:] if r.key == GAIN_KEY]

    def answer(line: str) -> bytes:
        behind = framed(f"{GAIN_LINE} -52.5") if peer.lines[-1] == GAIN_LINE else b""
        return framed("ERROR BUSY" if refused and behind else line) + behind

    await bench.up()
    while not told():
        await bench.clock.advance(1.0)
        await settle(100)
    peer.frame, bench.sink.told = answer, []
    while len(told()) < 2:
        await bench.clock.advance(1.0)
        await settle(100)
    peer.frame = framed
    assert [(bool(r.error), r.value if r.pushed else None) for r in told()][:2] == [(refused, None), (False, -52.5)]


async def test_polling_waits_while_the_stack_starts(bench: Bench) -> None:
    bench.peer.starting = True
    bench.session()
    await bench.trouble(Trouble.STARTING)
    await bench.clock.advance(35.0)
    assert set(bench.peer.lines) == {"VERSION * FW 1"}
    assert bench.sink.troubles()[-1][2] == 4
    assert "connected" not in bench.sink.names()
    bench.peer.starting = False
    bench.peer.push("STACK NOTIFICATION HW_RESYNC")
    await bench.sink.until(lambda: "inventory" in bench.sink.names())


async def test_a_stack_that_never_starts_is_given_up(bench: Bench) -> None:
    bench.peer.starting = True
    bench.session()
    await bench.trouble(Trouble.STARTING)
    await bench.clock.advance(STARTING_S + 11)
    await bench.sink.until(lambda: "still starting" in bench.sink.troubles()[-1][1])


async def test_first_reconnect_at_once_then_five_to_sixty_seconds(bench: Bench) -> None:
    await bench.up()
    await bench.clock.advance(60.0)
    await bench.peer.stop()
    await bench.trouble(Trouble.REFUSED)
    assert bench.kinds == [Trouble.CLOSED, Trouble.REFUSED]
    for failures in range(2, 9):
        before = len(bench.sink.troubles())
        await bench.clock.advance(4.9)
        assert len(bench.sink.troubles()) == before
        while len(bench.sink.troubles()) == before:
            await bench.clock.advance(0.5)
        assert bench.sink.troubles()[-1][2] == failures
    await bench.peer.start()
    await bench.come_back()


async def test_a_line_that_keeps_dropping_is_not_stormed(bench: Bench) -> None:
    await bench.up()
    bench.peer.drop()
    await bench.sink.until(lambda: bench.sink.names().count("inventory") == 2)
    bench.peer.drop(reset=True)
    await bench.sink.until(lambda: bench.kinds == [Trouble.CLOSED] * 2)
    await bench.clock.advance(4.9)
    await settle(300)
    assert bench.sink.names().count("inventory") == 2
    await bench.come_back()


async def test_another_device_behind_the_address_is_not_read_as_the_old_one(bench: Bench) -> None:
    await bench.up()
    await bench.clock.advance(20.0)
    bench.sink.forget()
    bench.peer.serials = {"Name_1": "7777-2401-40"}
    bench.peer.drop()
    await bench.trouble(Trouble.NOT_THE_DEVICE)
    assert "inventory" not in bench.sink.names()
    assert "connected" not in bench.sink.names()


async def test_a_box_that_left_makes_the_stack_another_unit(bench: Bench) -> None:
    await bench.up()
    await bench.clock.advance(20.0)
    del bench.peer.serials["Name_2"]
    bench.peer.drop()
    await bench.sink.until(lambda: bench.sink.names().count("inventory") == 2)
    assert bench.sink.unit is not None
    assert bench.sink.unit.serials == {"1234-2334-40"}


async def test_the_heartbeat_notices_another_serial(bench: Bench) -> None:
    await bench.up()
    bench.peer.serials["Name_1"] = "7777-2401-40"
    await bench.clock.advance(31.0)
    await bench.trouble(Trouble.NOT_THE_DEVICE)


async def test_silence_is_counted_and_in_the_end_the_connection_is_doubted(bench: Bench) -> None:
    await bench.up()
    bench.peer.silent = True
    await bench.clock.advance(10.0)
    assert [t[2] for t in bench.sink.troubles()] == list(range(1, len(bench.kinds) + 1))
    assert 3 <= len(bench.kinds) <= 5
    await bench.clock.advance(2.0 * SILENT_LIMIT)
    assert bench.sink.troubles()[-1][1] in (
        f"{SILENT_LIMIT} requests in a row were not answered",
        "connected, but no sign-in prompt within 5 s",
    )
    bench.peer.silent = False
    await bench.come_back()


async def test_a_point_the_device_does_not_have_is_asked_again_only_with_the_facts(bench: Bench) -> None:
    await bench.up()
    await bench.clock.advance(200.0)
    asked = [line for line in bench.peer.lines if line == "EP FADER 101 LEVEL GAIN"]
    assert len(asked) == 2, "asked once more at once, then left alone"
    reading = bench.sink.values["box:1234-2334-40", "fader.101.level.gain"]
    assert (reading.value, reading.error, reading.unsupported) == (None, "ERROR INVALID COMMAND", True)
    assert bench.peer.lines.count("EP MIC 101 LEVEL GAIN") >= 6
    assert bench.kinds == []
    assert ("covered", "box:1234-2334-40", "levels") in bench.sink.told


async def test_a_point_passed_over_in_silence_twice_is_left_alone(bench: Bench) -> None:
    table = bench.peer.replies
    bench.peer.replies = lambda line: [] if "PHAN_PWR" in line else table(line)  # type: ignore[method-assign]
    await bench.up()
    for _ in range(700):  # in steps: a silence leaves no other timer than the next question's own
        await bench.clock.advance(1.0)
        await settle(100)
    reading = bench.sink.values["box:1234-2334-40", "mic.101.level.phan_pwr"]
    assert (reading.value, reading.unsupported) == (None, True)
    assert "EP MIC 101 LEVEL PHAN_PWR" in reading.error
    assert bench.peer.lines.count("EP MIC 101 LEVEL PHAN_PWR") == 2
    assert set(bench.kinds) == {Trouble.SILENT}, bench.sink.troubles()
    assert max(t[2] for t in bench.sink.troubles()) == 1, "each time the next question was answered"
    assert ("covered", "box:1234-2334-40", "settings") in bench.sink.told


async def test_a_stack_is_never_asked_more_than_the_gap_allows(bench: Bench) -> None:
    at: list[float] = []
    bench.peer.on_line = lambda line: at.append(bench.clock.monotonic())
    periods = Periods(gap=0.05, status=0.5, levels=0.5, settings=0.5)
    endpoint = Endpoint("127.0.0.1", bench.peer.port)
    session = LineSession(Conversation(bench.clock), endpoint, (GOOD,), bench.sink, bench.clock, periods, 3)
    bench.tasks.append(asyncio.ensure_future(session.run()))
    while "inventory" not in bench.sink.names():
        await bench.clock.advance(0.05)
    at.clear()
    await bench.clock.advance(10.0)
    assert 100 < len(at) <= 201
    assert min(b - a for a, b in itertools.pairwise(at)) >= 0.0499


async def test_pushes_are_heard_at_any_time(bench: Bench) -> None:
    await bench.up()
    bench.sink.forget()
    bench.peer.push("EP MIC 102 LEVEL MUTE 1")
    bench.peer.push("BOX Name_2 UNIT LOCATE 1")
    bench.peer.push("BOX Name_1 PLINK 1 BMA360 Ceiling 9000-2401-40 2.0.1.8 0")
    bench.peer.push("EP MIC 102 LEVEL MUTE 2")
    bench.peer.push("EP Some_Name LEVEL MUTE 1")
    await bench.sink.until(lambda: len(bench.sink.told) == 3)
    assert [w[:2] for w in bench.sink.told] == [
        ("readings", "box:1234-2334-40"),
        ("readings", "box:1234-2335-40"),
        ("presence", "plink:9000-2401-40"),
    ]
    assert bench.sink.told[0][2].pushed
    assert bench.sink.told[2][2] is False


async def test_a_new_peripheral_and_a_resync_are_read_anew(bench: Bench) -> None:
    await bench.up()
    bench.peer.peripheral = "1 DIALOG20 Desk 9000-2402-40 1.0 1"
    bench.peer.push("BOX Name_1 PLINK 1 DIALOG20 Desk 9000-2402-40 1.0 1")
    await bench.sink.until(lambda: bench.sink.names().count("inventory") == 2)
    assert bench.sink.unit is not None
    assert "plink:9000-2402-40" in [part.part for part in bench.sink.unit.parts]
    bench.peer.push("STACK NOTIFICATION HW_RESYNC")
    await bench.sink.until(lambda: bench.sink.names().count("inventory") == 3)


async def test_refresh_reads_everything_again(bench: Bench) -> None:
    session = await bench.up()
    outcome = await bench.perform(session, "refresh")
    assert outcome.state is CommandState.DONE
    assert bench.sink.names().count("inventory") == 2


async def test_a_refresh_that_meets_another_device_gives_the_line_up(bench: Bench) -> None:
    session = await bench.up()
    bench.peer.serials = {"Name_1": "7777-2401-40"}
    outcome = await bench.perform(session, "refresh")
    assert (outcome.state, outcome.code) == (CommandState.FAILED, "another_device")
    await bench.trouble(Trouble.NOT_THE_DEVICE)


async def test_a_refresh_while_the_device_starts_leaves_nobody_waiting_for_good(bench: Bench) -> None:
    """Both the poller and the refresh rest; the line must still be polled, and its loss be seen."""
    session = await bench.up()
    bench.peer.starting = True
    asked = asyncio.ensure_future(bench.perform(session, "refresh"))
    await bench.sink.until(lambda: "starting" in [name for name, *_ in bench.sink.troubles()])
    await bench.clock.advance(3.0)
    bench.peer.starting = False
    await bench.clock.advance(30.0)
    assert (await asked).state is CommandState.DONE
    before = len(bench.peer.lines)
    await bench.clock.advance(60.0)
    assert len(bench.peer.lines) > before, "nothing is asked any more"
    assert (await bench.perform(session, "control", MUTE)).state is CommandState.DONE
    bench.peer.drop()
    await bench.sink.until(lambda: "connection_closed" in [name for name, *_ in bench.sink.troubles()])


async def test_a_refresh_that_fails_while_the_device_starts_locks_nothing(bench: Bench) -> None:
    session = await bench.up()
    bench.peer.starting = True
    asked = asyncio.ensure_future(bench.perform(session, "refresh"))
    await bench.sink.until(lambda: "starting" in [name for name, *_ in bench.sink.troubles()])
    bench.peer.starting, bench.peer.error = False, "ERROR NO"
    await bench.clock.advance(15.0)
    assert (await asked).state is CommandState.FAILED
    bench.peer.error = ""
    await bench.clock.advance(60.0)
    assert (await bench.perform(session, "control", MUTE)).state is CommandState.DONE


async def test_a_resync_while_everything_is_read_is_not_lost(bench: Bench) -> None:
    await bench.up()
    bench.peer.on_line = lambda line: bench.peer.push("STACK NOTIFICATION HW_RESYNC") if line == "STACK NAME" else None
    bench.peer.push("STACK NOTIFICATION HW_RESYNC")
    await bench.sink.until(lambda: bench.sink.names().count("inventory") == 2)
    bench.peer.on_line = lambda line: None
    await bench.clock.advance(5.0)
    await bench.sink.until(lambda: bench.sink.names().count("inventory") == 3)


async def test_an_echo_is_no_confirmation(bench: Bench) -> None:
    bench.peer.echo = True
    session = await bench.up()
    assert (await bench.perform(session, "control", MUTE)).state is CommandState.DONE
    bench.peer.on_line = lambda line: setattr(bench.peer, "error", "ERROR NO" if line.endswith("MUTE 0") else "")
    outcome = await bench.perform(session, "control", MUTE | {"value": False})
    assert (outcome.state, outcome.text) == (CommandState.FAILED, "ERROR NO")


async def test_a_device_that_keeps_its_value_is_not_confirmed(bench: Bench) -> None:
    session = await bench.up()
    bench.peer.frozen = True
    outcome = await bench.perform(session, "control", MUTE)
    assert (outcome.state, outcome.code) == (CommandState.FAILED, "not_taken")
    assert outcome.readings[0].value is False
    assert bench.peer.lines.count("EP MIC 101 LEVEL MUTE 1") == 1


async def test_a_foreign_push_of_the_same_point_is_told_from_the_reply_by_asking(bench: Bench) -> None:
    session = await bench.up()
    bench.peer.on_line = lambda line: setattr(
        bench.peer, "before_reply", ["EP MIC 101 LEVEL MUTE 0"] if line.endswith("MUTE 1") else []
    )
    assert (await bench.perform(session, "control", MUTE)).state is CommandState.DONE
    assert bench.peer.lines.count("EP MIC 101 LEVEL MUTE 1") == 1


async def test_a_write_in_silence_is_settled_by_reading_back_and_never_repeated(bench: Bench) -> None:
    session = await bench.up()
    bench.peer.on_line = lambda line: setattr(bench.peer, "silent", line.endswith("MUTE 1"))
    verb = asyncio.ensure_future(bench.perform(session, "control", MUTE))
    await bench.clock.advance(2.0)
    outcome = await verb
    assert outcome.state is CommandState.FAILED
    assert outcome.code == "not_taken"
    assert bench.peer.lines.count("EP MIC 101 LEVEL MUTE 1") == 1


async def test_a_line_lost_after_the_write_leaves_it_uncertain(bench: Bench) -> None:
    session = await bench.up()
    bench.peer.on_line = lambda line: bench.peer.drop() if line.endswith("MUTE 1") else None
    outcome = await bench.perform(session, "control", MUTE)
    assert outcome.state is CommandState.UNCERTAIN
    assert bench.peer.lines.count("EP MIC 101 LEVEL MUTE 1") == 1


async def test_a_cancelled_verb_leaves_the_line_usable(bench: Bench) -> None:
    session = await bench.up()
    bench.peer.silent = True
    verb = asyncio.ensure_future(bench.perform(session, "control", MUTE))
    await settle()
    verb.cancel()
    await asyncio.wait({verb})
    bench.peer.silent = False
    assert (await bench.perform(session, "control", MUTE)).state is CommandState.DONE


@pytest.mark.parametrize(("uptime", "state"), [("3", CommandState.DONE), ("1100", CommandState.UNCERTAIN)])
async def test_a_restart_is_proved_by_an_uptime_that_began_anew(bench: Bench, uptime: str, state: CommandState) -> None:
    session = await bench.up()
    await bench.clock.advance(20.0)

    def reset(line: str) -> None:
        if line.startswith("RESET"):
            bench.peer.values["UPTIME"] = uptime
            bench.peer.drop()

    bench.peer.on_line = reset
    outcome = await bench.perform(session, "reboot", {"confirm_assumed": True})
    assert outcome.state is state
    assert outcome.assumed
    assert bench.peer.lines.count("RESET Name_1") == 1


async def test_a_restart_the_device_does_not_come_back_from_is_uncertain(bench: Bench) -> None:
    session = await bench.up()
    await bench.clock.advance(20.0)
    bench.peer.on_line = lambda line: setattr(bench.peer, "silent", line.startswith("RESET"))
    verb = asyncio.ensure_future(bench.perform(session, "reboot", {"confirm_assumed": True}))
    while "RESET Name_1" not in bench.peer.lines:
        await settle()
    await bench.peer.stop()
    await bench.clock.advance(400.0)
    assert (await verb).state is CommandState.UNCERTAIN


async def test_a_restart_wants_to_be_confirmed_and_an_error_means_unsupported(bench: Bench) -> None:
    session = await bench.up()
    assert (await bench.perform(session, "reboot")).code == "assumed_not_confirmed"
    outcome = await bench.perform(session, "reboot", {"confirm_assumed": True})
    assert (outcome.state, outcome.text) == (CommandState.UNSUPPORTED, "ERROR INVALID COMMAND")


async def test_a_defect_of_ours_ends_the_line_and_is_told(bench: Bench) -> None:
    class Broken(Conversation):
        def answered(self, poll: Poll, answer: list[str]) -> Heard:
            raise ZeroDivisionError

    bench.session(talk=Broken(bench.clock))
    await bench.trouble(Trouble.CLOSED)
    assert "ZeroDivisionError" in bench.sink.troubles()[0][1]


async def test_a_reader_that_dies_ends_the_line(bench: Bench) -> None:
    class Deaf(Conversation):
        def heard(self, text: str) -> Heard:
            if text == "boom":
                raise ZeroDivisionError
            return super().heard(text)

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    await bench.up(bench.session(talk=Deaf(bench.clock)))
    bench.peer.push("boom")
    await bench.trouble(Trouble.CLOSED)


async def test_retarget_goes_to_the_new_address(bench: Bench) -> None:
    session = await bench.up()
    other = Peer()
    await other.start()
    session.retarget(Endpoint("127.0.0.1", other.port))
    await bench.sink.until(lambda: bench.sink.names().count("inventory") == 2)
    assert other.writers
    await other.stop()


async def test_a_restart_without_a_dropped_line_is_noticed_and_its_end_told(bench: Bench) -> None:
    session = await bench.up()
    bench.sink.forget()
    bench.peer.starting = True
    bench.peer.push("STACK NOTIFICATION HW_RESYNC")
    await bench.trouble(Trouble.STARTING)
    assert (await bench.perform(session, "control", MUTE)).code == "starting"
    bench.peer.starting = False
    bench.peer.push("STACK NOTIFICATION HW_RESYNC")
    await bench.sink.until(lambda: "recovered" in bench.sink.names())
    assert bench.kinds == [Trouble.STARTING]
    assert "connected" not in bench.sink.names()


async def test_without_a_sign_in_nothing_is_connected_and_that_is_told(bench: Bench) -> None:
    talk = Conversation(bench.clock)
    session = LineSession(talk, Endpoint("127.0.0.1", bench.peer.port), [], bench.sink, bench.clock, PERIODS, 3)
    bench.tasks.append(asyncio.ensure_future(session.run()))
    await bench.trouble(Trouble.SIGN_IN_REFUSED)
    assert bench.peer.writers == []
    session.renew([GOOD])
    await bench.sink.until(lambda: "inventory" in bench.sink.names())


async def test_a_slow_device_stays_at_its_second_failure_and_recovers(bench: Bench) -> None:
    await bench.up()
    await bench.clock.advance(10.0)
    bench.sink.forget()
    bench.peer.silent = True
    late: list[tuple[float, str]] = []
    bench.peer.on_line = lambda line: late.append((bench.clock.monotonic() + 3.0, line))
    for _ in range(24):
        await bench.clock.advance(0.5)
        while late and late[0][0] <= bench.clock.monotonic():
            for reply in bench.peer.replies(late.pop(0)[1]):
                bench.peer.push(reply)
        await settle()
    failures = [t[2] for t in bench.sink.troubles()]
    assert len(failures) >= 4
    assert max(failures) <= 2
    bench.peer.silent = False
    await bench.clock.advance(3.0)
    assert "recovered" in bench.sink.names()


async def test_another_product_at_the_address_gets_no_password(bench: Bench) -> None:
    bench.peer.greeting = b"\r\nUser Access Verification\r\n\r\nUsername: "
    bench.session()
    await bench.trouble(Trouble.NOT_THE_DEVICE)
    assert bench.peer.logins == []


async def test_hands_off_on_a_line_that_is_down_is_told_and_ends_by_itself(bench: Bench) -> None:
    session = await bench.up()
    await bench.clock.advance(20.0)
    await bench.peer.stop()
    await bench.trouble(Trouble.REFUSED)
    await session.hands_off(600)
    await bench.trouble(Trouble.HANDS_OFF)
    await bench.peer.start()
    bench.sink.forget()
    await bench.clock.advance(590.0)
    assert bench.sink.told == []
    await bench.come_back()


async def test_hands_off_is_the_agents_word_and_no_verb_of_the_line(bench: Bench) -> None:
    session = await bench.up()
    outcome = await bench.perform(session, "hands_off", {"seconds": 60})
    assert outcome.state is CommandState.UNSUPPORTED
    assert Trouble.HANDS_OFF not in bench.kinds


async def test_a_drop_in_the_middle_of_an_answer_leaves_no_task_behind(bench: Bench) -> None:
    await bench.up()
    bench.peer.on_line = lambda line: bench.peer.drop() if line.startswith("EP MIC 101") else None
    bench.sink.forget()
    await bench.clock.advance(35.0)
    assert bench.kinds[0] is Trouble.CLOSED
    bench.peer.on_line = lambda line: None
    await bench.come_back()


async def test_a_stack_that_is_remembered_is_up_at_once_and_read_whole_later(bench: Bench) -> None:
    def read(word: str) -> int:
        return sum(line.endswith(f"UNIT {word}") for line in bench.peer.lines)

    await bench.up()
    assert bench.sink.unit is not None
    memory = bench.sink.unit.memory
    bench.tasks.pop().cancel()
    bench.peer.lines.clear()
    bench.sink.forget()
    await bench.up(bench.session(memory=memory))
    assert (bench.sink.unit.recalled, read("MODEL")) == (True, 0)
    await bench.clock.advance(2 * WHOLE_S)
    await bench.sink.until(lambda: bench.sink.names().count("inventory") == 2)
    assert (bench.sink.unit.recalled, read("MODEL")) == (False, 2)
    await bench.clock.advance(10 * WHOLE_S)
    await settle(300)
    assert read("MODEL") == 2


async def test_a_device_that_is_silent_while_it_is_read_whole_keeps_its_line(bench: Bench) -> None:
    await bench.up()
    assert bench.sink.unit is not None
    memory = bench.sink.unit.memory
    bench.tasks.pop().cancel()
    bench.sink.forget()
    slow = Periods(status=3600.0, levels=3600.0, settings=3600.0, heartbeat=3600.0, gap=0.0)
    await bench.up(bench.session(memory=memory, periods=slow))
    for _ in range(51):  # the first round of polls is over
        await bench.clock.advance(0.1)
        await settle(30)
    lines, bench.peer.silent = list(bench.peer.writers), True
    await bench.trouble_while_advancing(Trouble.SILENT)
    bench.peer.silent = False
    while bench.sink.unit.recalled:
        await bench.clock.advance(1.0)
        await settle(100)
    assert bench.peer.writers == lines
    assert set(bench.kinds) == {Trouble.SILENT}
