import asyncio

import pytest
from tests.support.clock import ManualClock
from tests.unit.agent.fakes import MUTE, UPTIME, FakeNet, FakeStack, agent, body, calm, facts, reading, unit, until

from soundpost.agent import journal
from soundpost.agent.journal import ENDED, OPEN, STARTED, UNCERTAIN, Entry
from soundpost.agent.settling import judge_uptime
from soundpost.device.capability import HANDS_OFF_MOST_MIN, VERBS, CommandState
from soundpost.device.contract import Outcome, PointReading, Trouble
from soundpost.device.model import Support
from soundpost.hub.commands.rules import check
from soundpost.kernel.errors import Invalid
from soundpost.link.commands import Command
from soundpost.link.envelope import GoAnswer
from soundpost.link.events import CommandEnded

S1 = "1111"


class Link:
    """An origin: what it says to *go?*, what it heard."""

    name = "hub_one"

    def __init__(self, answer="yes"):
        self.answer = answer
        self.heard = []
        self.asked = []

    def seen(self, key):
        self.heard.append(key)

    async def go(self, key):
        self.asked.append(key)
        if self.answer == "never":
            await asyncio.get_running_loop().create_future()
        if self.answer == "gone":
            raise ConnectionError
        return GoAnswer(id=key, go=self.answer == "yes", code="" if self.answer == "yes" else self.answer)


@pytest.fixture
async def site(tmp_path):
    net, clock = FakeNet(), ManualClock()
    stack = net.put("10.0.0.5", FakeStack(unit(S1)))
    async with agent(tmp_path, net, clock=clock) as engine:
        await until(engine, lambda: engine.lines.watches)
        await calm(engine)
        box = next(k.device.id for k in engine.registry.known.values() if k.device.kind == "mixer")
        yield engine, stack, clock, box


def control(box, key="cmd_1", value=True, **more):
    return Command(id=key, device=box, capability="control", arguments={"key": MUTE.key, "value": value}, **more)


async def ends(engine):
    return [body(fact) for fact in await facts(engine, "command.ended")]


async def test_done_with_its_reading_and_its_person(site):
    engine, stack, _, box = site
    stack.outcome = Outcome(CommandState.DONE, readings=(reading(True),))
    link = Link()
    await engine.commands.ask(control(box, person="usr_ana"), link)
    await calm(engine)
    (end,) = await ends(engine)
    assert (end.id, end.state, end.person, end.origin, end.late) == ("cmd_1", "done", "usr_ana", "hub_one", False)
    assert end.arguments == {"key": MUTE.key, "value": True}
    assert (link.heard, link.asked) == (["cmd_1"], ["cmd_1"])
    assert stack.performed == [(f"box:{S1}", "control", end.arguments, frozenset({S1}))]
    shelf = engine.board.shelves[box]
    place = shelf.schema.index[MUTE.key]
    assert (shelf.values[place], shelf.origins[place]) == (True, "cmd_1")


async def test_a_known_id_is_answered_from_the_journal(site):
    engine, stack, _, box = site
    link = Link()
    await engine.commands.ask(control(box), link)
    await calm(engine)
    await engine.commands.ask(control(box), link)
    await calm(engine)
    assert len(stack.performed) == 1
    assert link.heard == ["cmd_1", "cmd_1"]
    assert len(await ends(engine)) == 1
    await engine.spool.join("hub:hub_one")
    await engine.spool.mark("hub:hub_one", engine.spool.newest, b"u" * 16)
    await engine.commands.ask(control(box), link)
    await calm(engine)
    assert len(stack.performed) == 1
    assert [end.state for end in await ends(engine)] == ["done", "done"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [("aborted", "aborted"), ("other_holder", "other_holder"), ("gone", "no_go"), ("never", "no_go")],
)
async def test_without_go_nothing_is_started(site, answer, code):
    engine, stack, clock, box = site
    await engine.commands.ask(control(box), Link(answer))
    await calm(engine)
    await clock.advance(5.1)
    await calm(engine)
    (end,) = await ends(engine)
    assert (end.state, end.reason.code) == ("refused", code)
    assert stack.performed == []


@pytest.mark.parametrize(
    ("change", "state", "code"),
    [
        ({"device": "dev_elsewhere"}, "refused", "not_here"),
        ({"generation": 0}, "done", ""),
        ({"capability": "dance"}, "unsupported", "verb_unknown"),
    ],
)
async def test_what_is_answered_at_once(site, change, state, code):
    engine, _, _, box = site
    command = control(box)
    for name, value in change.items():
        setattr(command, name, value)
    await engine.commands.ask(command, Link())
    await calm(engine)
    (end,) = await ends(engine)
    assert (end.state, end.reason.code if end.reason else "") == (state, code)


async def test_an_older_generation_is_refused(site):
    engine, stack, _, box = site
    known = engine.registry.known[box]
    known.device.generation = 4
    await engine.commands.ask(control(box, generation=3), Link())
    await calm(engine)
    assert (await ends(engine))[0].reason.code == "older_generation"
    assert stack.performed == []


@pytest.mark.parametrize(
    ("ceiling", "value", "state"),
    [
        ("monitor", True, "refused"),
        ("control", True, "done"),
        ("control", False, "refused"),
        ("microphones", False, "done"),
    ],
)
async def test_a_hub_goes_no_further_than_the_site_lets_it(site, ceiling, value, state):
    engine, stack, _, box = site
    await engine.set_ceiling(ceiling)
    assert engine.board.scan_state.ceiling == ceiling
    await engine.commands.ask(control(box, value=value), Link())
    await calm(engine)
    (end,) = await ends(engine)
    assert end.state == state
    assert (end.reason.code if end.reason else "") == ("over_ceiling" if state == "refused" else "")
    assert bool(stack.performed) == (state == "done")


async def test_who_is_at_the_site_is_not_bound_by_its_ceiling(site):
    engine, stack, _, box = site
    await engine.set_ceiling("monitor")
    end = await engine.perform(control(box))
    assert (end.state, len(stack.performed)) == ("done", 1)


async def test_a_ceiling_lowered_while_a_command_waits_counts(site):
    engine, stack, clock, box = site
    link = Link("busy")
    await engine.commands.ask(control(box), link)
    await calm(engine)
    await engine.set_ceiling("monitor")
    link.answer = "yes"
    await clock.advance(1.0)
    await calm(engine)
    assert [(end.state, end.reason.code) for end in await ends(engine)] == [("refused", "over_ceiling")]
    assert stack.performed == []


async def test_the_ceiling_outlives_the_process(tmp_path):
    for expected in ("microphones", "control"):
        async with agent(tmp_path, FakeNet(), clock=ManualClock()) as engine:
            assert engine.house.ceiling == engine.board.scan_state.ceiling == expected
            with pytest.raises(Invalid):
                await engine.set_ceiling("sky")
            await engine.set_ceiling("control")


async def test_one_queue_per_stack_and_expiry_in_it(site):
    engine, stack, clock, box = site
    stack.gate = asyncio.Event()
    await engine.commands.ask(control(box, "cmd_1", left_ms=60_000), Link())
    await engine.commands.ask(control(box, "cmd_2", left_ms=2_000), Link())
    await engine.commands.ask(control(box, "cmd_3", left_ms=60_000), Link())
    await calm(engine)
    assert len(stack.performed) == 1
    await clock.advance(3)
    stack.gate.set()
    await calm(engine)
    assert [(end.id, end.state) for end in await ends(engine)] == [
        ("cmd_1", "done"), ("cmd_2", "expired"), ("cmd_3", "done"),
    ]  # fmt: skip
    assert len(stack.performed) == 2


class Desk:
    """An asker that counts a command as open until it is told of its end, which takes a while."""

    name = "hub_one"

    def __init__(self, *ids):
        self.open = list(ids)
        self.asked = []

    def seen(self, key): ...

    async def go(self, key):
        self.asked.append(key)
        ahead = [other for other in self.open if other < key]
        return GoAnswer(id=key, go=not ahead, code="busy" if ahead else "")


async def started(engine, stack, count):
    await calm(engine)
    return [arguments["value"] for _, _, arguments, _ in stack.performed] == list(range(count))


async def test_busy_means_not_yet(site):
    engine, stack, clock, box = site
    desk = Desk("cmd_0", "cmd_1", "cmd_2")
    for number in range(3):
        await engine.commands.ask(control(box, f"cmd_{number}", number), desk)
    for number in range(3):
        assert await started(engine, stack, number + 1)
        await clock.advance(2.0)
        assert await started(engine, stack, number + 1)
        desk.open.remove(f"cmd_{number}")
        await clock.advance(1.0)
    assert [(end.id, end.state) for end in await ends(engine)] == [(f"cmd_{n}", "done") for n in range(3)]
    # 0.2 s, 0.4 s, 0.8 s, then each second; cmd_2 is not asked about while it would only be told the same.
    assert desk.asked.count("cmd_1") <= 6
    assert desk.asked.index("cmd_2") > desk.asked.index("cmd_1") + 3


async def test_busy_until_its_deadline_is_expired_and_says_why(site):
    engine, stack, clock, box = site
    await engine.commands.ask(control(box, "cmd_1", left_ms=5_000), Desk("cmd_0"))
    await calm(engine)
    await clock.advance(4.9)
    await calm(engine)
    assert await ends(engine) == []
    await clock.advance(0.2)
    await calm(engine)
    (end,) = await ends(engine)
    assert (end.state, end.reason.code) == ("expired", "expired")
    assert "earlier command" in end.reason.text
    assert stack.performed == []


async def test_what_is_taken_back_while_it_waits_is_refused(site):
    engine, stack, clock, box = site
    link = Link("busy")
    await engine.commands.ask(control(box), link)
    await calm(engine)
    link.answer = "aborted"
    await clock.advance(1.0)
    await calm(engine)
    assert [(end.state, end.reason.code) for end in await ends(engine)] == [("refused", "aborted")]
    assert stack.performed == []


async def test_what_a_command_waits_for_may_come_after_it_and_others_pass(site):
    """The first could not be sent and comes with the next hello: it must not stand behind the one that waits for it."""
    engine, stack, clock, box = site
    desk = Desk("cmd_0", "cmd_1")
    await engine.commands.ask(control(box, "cmd_1", 2), desk)
    await calm(engine)
    assert stack.performed == []
    assert (await engine.perform(control(box, "cmd_local", 0))).state == "done"
    await engine.commands.ask(control(box, "cmd_0", 1), desk)
    assert await started(engine, stack, 2)
    desk.open.remove("cmd_0")
    await clock.advance(1.0)
    assert await started(engine, stack, 3)


async def test_a_late_result_amends_expired(site):
    engine, stack, clock, box = site
    stack.gate = asyncio.Event()
    await engine.commands.ask(control(box, left_ms=2_000), Link())
    await calm(engine)
    await clock.advance(2.5)
    await calm(engine)
    assert [end.state for end in await ends(engine)] == ["expired"]
    stack.gate.set()
    await calm(engine)
    assert [(end.state, end.late) for end in await ends(engine)] == [("expired", False), ("done", True)]


@pytest.mark.parametrize("capability", ["reboot", "refresh", "locate"])
async def test_a_change_at_the_device_stays_one_while_a_command_is_carried_out(site, capability):
    engine, stack, _, box = site
    stack.gate = asyncio.Event()
    (watch,) = engine.lines.watches.values()
    shelf, part = engine.board.shelves[box], f"box:{S1}"
    watch.readings(part, [reading(False)])
    await engine.commands.ask(Command(id="cmd_1", device=box, capability=capability), Link())
    await calm(engine)
    assert len(stack.performed) == 1
    watch.readings(part, [reading(True)])
    assert shelf.origins[shelf.schema.index[MUTE.key]] == "device"
    stack.gate.set()
    await calm(engine)


async def test_a_command_claims_what_it_writes_and_what_its_answer_tells(site):
    engine, stack, clock, box = site
    stack.gate = asyncio.Event()
    stack.outcome = Outcome(CommandState.DONE, readings=(PointReading(UPTIME.key, 5.0),))
    (watch,) = engine.lines.watches.values()
    shelf, part = engine.board.shelves[box], f"box:{S1}"

    def origins():
        return [shelf.origins[shelf.schema.index[key]] for key in (MUTE.key, UPTIME.key)]

    watch.readings(part, [reading(False), PointReading(UPTIME.key, 3.0)])
    await engine.commands.ask(control(box), Link())
    await calm(engine)
    watch.readings(part, [PointReading(UPTIME.key, 4.0), reading(True)])
    assert origins() == ["cmd_1", ""]
    stack.gate.set()
    await calm(engine)
    assert origins() == ["cmd_1", "cmd_1"]
    await clock.advance(1.1)
    watch.readings(part, [reading(False)])
    assert origins() == ["device", "cmd_1"]
    assert watch.claims == {}


def test_the_point_a_verb_writes():
    arguments = {"key": MUTE.key}
    written = {name: verb.written(arguments) for name, verb in VERBS.items() if verb.written(arguments)}
    assert {name: point for name, point in written.items() if name != "ramp"} == {
        "control": MUTE.key,
        "locate": "unit.locate",
    }


async def test_started_is_on_disk_before_the_first_byte(site):
    engine, stack, _, box = site
    states = []
    perform = type(stack.sessions[0]).perform

    async def spy(self, *args):
        states.append((await engine.journal.find("cmd_1")).state)
        return await perform(self, *args)

    type(stack.sessions[0]).perform = spy
    try:
        await engine.commands.ask(control(box), Link())
        await calm(engine)
    finally:
        type(stack.sessions[0]).perform = perform
    assert states == [STARTED]


async def test_hands_off_takes_whole_minutes_up_to_the_limit_the_hub_has_too(site):
    engine, stack, _, box = site
    asked = (
        {"minutes": HANDS_OFF_MOST_MIN},
        {"minutes": HANDS_OFF_MOST_MIN + 1},
        {"minutes": "x"},
        {"minutes": 1.5},
        {},
    )
    off = []
    for number, arguments in enumerate(asked):
        command = Command(id=f"cmd_{number}", device=box, capability="hands_off", arguments=arguments)
        end = await engine.perform(command)
        off.append((end.state, stack.sessions[0].off))
        stack.sessions[0].off = 0
    assert off == [("done", HANDS_OFF_MOST_MIN * 60), ("refused", 0), ("refused", 0), ("refused", 0), ("done", 3600)]
    assert check("hands_off", asked[0], Support.EVIDENCED, lambda _: None) == asked[0]
    with pytest.raises(Invalid):
        check("hands_off", asked[1], Support.EVIDENCED, lambda _: None)


async def test_hands_off_knows_no_seconds(site):
    engine, stack, _, box = site
    command = Command(id="cmd_1", device=box, capability="hands_off", arguments={"seconds": 60})
    assert (await engine.perform(command)).state == "refused"
    assert stack.sessions[0].off == 0


async def test_a_provisional_device_has_nothing_to_prove(tmp_path):
    net = FakeNet()
    stack = net.put("10.0.0.5", FakeStack(unit("")))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: engine.lines.watches)
        await calm(engine)
        box = next(k.device.id for k in engine.registry.known.values() if k.device.kind == "mixer")
        await engine.commands.ask(control(box), Link())
        await calm(engine)
        assert stack.performed[0][3] == frozenset()
        assert (await ends(engine))[0].result == {"identity_proved": False}


async def test_asked_here_and_waited_for(site):
    engine, _, _, box = site
    assert (await engine.perform(control(box))).state == "done"


async def test_an_uncertain_restart_is_settled_by_the_uptime_and_not_by_the_line(site):
    engine, stack, clock, box = site
    stack.outcome = Outcome(CommandState.UNCERTAIN, "line_lost", "lost")
    await engine.commands.ask(Command(id="cmd_1", device=box, capability="reboot"), Link())
    await calm(engine)
    (watch,) = engine.lines.watches.values()
    await clock.advance(600)
    watch.trouble(Trouble.CLOSED, "a cable was pulled", 1)
    watch.connected()
    await calm(engine)
    assert [end.state for end in await ends(engine)] == ["uncertain"]
    watch.readings(f"box:{S1}", [PointReading(UPTIME.key, 40.0)])
    watch.covered(f"box:{S1}", "status")
    await calm(engine)
    assert [(end.state, end.late) for end in await ends(engine)] == [("uncertain", False), ("done", True)]


async def test_a_line_that_dropped_does_not_make_a_restart_of_what_stayed_up(site):
    engine, stack, clock, box = site
    stack.outcome = Outcome(CommandState.UNCERTAIN, "line_lost", "lost")
    await engine.commands.ask(Command(id="cmd_1", device=box, capability="reboot"), Link())
    await calm(engine)
    (watch,) = engine.lines.watches.values()
    watch.trouble(Trouble.CLOSED, "a cable was pulled", 1)
    await clock.advance(60)
    watch.connected()
    watch.readings(f"box:{S1}", [PointReading(UPTIME.key, 90_000.0)])
    watch.covered(f"box:{S1}", "status")
    await calm(engine)
    assert [end.state for end in await ends(engine)] == ["uncertain", "failed"]


async def test_a_fault_of_ours_behind_the_start_says_nothing_of_the_device(site, monkeypatch):
    engine, _, _, box = site
    (session,) = engine.lines.sessions.values()

    async def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(session, "perform", broken)
    await engine.commands.ask(control(box), Link())
    await calm(engine)
    assert [(end.state, end.reason.code) for end in await ends(engine)] == [("uncertain", "agent_fault")]


async def test_what_a_device_says_behind_its_reply_is_the_last_word(site, monkeypatch):
    engine, _, _, box = site
    (session,), (watch,) = engine.lines.sessions.values(), engine.lines.watches.values()

    async def perform(part, *_):
        asyncio.get_running_loop().call_soon(watch.readings, part, [reading(False, pushed=True)])
        return Outcome(CommandState.DONE, readings=(reading(True),))

    monkeypatch.setattr(session, "perform", perform)
    await engine.commands.ask(control(box), Link())
    await calm(engine)
    assert [end.state for end in await ends(engine)] == ["done"]
    assert engine.board.shelves[box].value(MUTE.key) is False


async def test_what_the_hub_ended_by_time_is_expired_here_too(site):
    engine, _, _, box = site
    await engine.commands.ask(control(box), Link("expired"))
    await calm(engine)
    assert [end.state for end in await ends(engine)] == ["expired"]


async def test_an_uncertain_safe_command_has_ended_in_the_journal(site):
    engine, stack, _, box = site
    stack.outcome = Outcome(CommandState.UNCERTAIN, "line_lost", "lost")
    await engine.commands.ask(control(box), Link())
    await calm(engine)
    assert [end.state for end in await ends(engine)] == ["uncertain"]
    assert await engine.journal.unended() == []


async def test_the_journal_is_bounded_by_age_and_by_number(site, monkeypatch):
    engine, _, clock, box = site

    async def kept():
        entries = [await engine.journal.find(f"cmd_{n}") for n in range(8)]
        return [n for n, entry in enumerate(entries) if entry is not None]

    for number, state in enumerate([UNCERTAIN, ENDED, OPEN, ENDED, UNCERTAIN, ENDED, ENDED, ENDED]):
        entry = Entry(
            command=control(box, f"cmd_{number}"), origin="hub_one", state=state, received_ms=clock.now_ms() + number
        )
        await engine.journal.put(entry)
    await engine.journal.trim(clock.now_ms())
    assert await kept() == list(range(8))
    await engine.journal.trim(clock.now_ms() + journal.KEPT_MS + 2)
    assert await kept() == [2, 3, 4, 5, 6, 7]
    monkeypatch.setattr(journal, "KEPT_MOST", 3)
    monkeypatch.setattr(journal, "TRIMMED_AT_ONCE", 1)
    await engine.journal.trim(clock.now_ms())
    assert await kept() == [2, 4, 5, 6, 7]
    await engine.journal.trim(clock.now_ms())
    assert await kept() == [2, 5, 6, 7]


@pytest.mark.parametrize(
    ("seconds", "since_s", "verdict"),
    [(20.0, 60, True), (500.0, 60, False), (62.0, 60, True), (-1.0, 60, None), (1.0, 2, None), (1.0, -5, None)],
)
def test_what_an_uptime_says(seconds, since_s, verdict):
    assert judge_uptime(seconds, 1_000_000, 1_000_000 + since_s * 1000) is verdict


async def restarted(tmp_path, command, state, then, ended=None, begun=True):
    """An agent that stopped while `command` was in that state; `then` looks at the next one."""
    net, clock = FakeNet(), ManualClock()
    stack = net.put("10.0.0.5", FakeStack(unit(S1)))
    async with agent(tmp_path, net, clock=clock) as engine:
        await until(engine, lambda: engine.lines.watches)
        await calm(engine)
        command.device = next(k.device.id for k in engine.registry.known.values() if k.device.kind == "mixer")
        entry = Entry(
            command=command, origin="hub_one", state=state, received_ms=clock.now_ms(), ended=ended,
            started_ms=clock.now_ms() if state == STARTED else 0,
        )  # fmt: skip
        await engine.journal.put(entry)
    await clock.advance(20)
    async with agent(tmp_path, net, clock=clock, begun=begun) as engine:
        await calm(engine)
        await then(engine, stack, clock)


async def test_after_a_restart_a_never_verb_is_uncertain_until_read_back(tmp_path):
    async def then(engine, stack, clock):
        assert [end.state for end in await ends(engine)] == ["uncertain"]
        (watch,) = engine.lines.watches.values()
        watch.readings(f"box:{S1}", [PointReading(UPTIME.key, 12.0)])
        watch.covered(f"box:{S1}", "status")
        await calm(engine)
        assert [(end.state, end.late) for end in await ends(engine)] == [("uncertain", False), ("done", True)]
        assert stack.performed == []
        assert await engine.journal.unended() == []

    await restarted(tmp_path, Command(id="cmd_1", device="", capability="reboot"), STARTED, then)


async def test_a_device_that_was_up_all_along_has_not_restarted(tmp_path):
    async def then(engine, stack, clock):
        (watch,) = engine.lines.watches.values()
        watch.readings(f"box:{S1}", [PointReading(UPTIME.key, 9_000.0)])
        watch.covered(f"box:{S1}", "status")
        await calm(engine)
        assert [end.state for end in await ends(engine)] == ["uncertain", "failed"]

    await restarted(tmp_path, Command(id="cmd_1", device="", capability="reboot"), STARTED, then)


async def test_after_a_restart_a_safe_verb_runs_when_sent_again(tmp_path):
    async def then(engine, stack, clock):
        assert await ends(engine) == []
        link = Link()
        command = control(next(k.device.id for k in engine.registry.known.values() if k.device.kind == "mixer"))
        await engine.commands.ask(command, link)
        await calm(engine)
        assert [end.state for end in await ends(engine)] == ["done"]
        assert len(stack.performed) == 1

    await restarted(tmp_path, control("", left_ms=60_000), STARTED, then)


async def test_before_the_lines_are_opened_commands_find_their_device_and_their_journal(tmp_path):
    """The pages are up first: what their readers ask meanwhile, or ask again, is not told of a device that is not here."""

    async def then(engine, stack, clock):
        device = next(k.device.id for k in engine.registry.known.values() if k.device.kind == "mixer")
        assert not engine.lines._tasks
        await engine.commands.ask(control(device), Link())
        await calm(engine)
        (end,) = await ends(engine)
        assert (end.state, end.reason.code) == ("failed", "line_down")
        await engine.begin()
        await calm(engine)
        again = control(device)
        again.id = "cmd_after"
        await engine.commands.ask(again, Link())
        await calm(engine)
        assert [end.state for end in await ends(engine)] == ["failed", "done"]
        assert len(stack.performed) == 1

    await restarted(tmp_path, control("", left_ms=60_000), "open", then, begun=False)


async def test_after_a_restart_what_nobody_sends_again_expires(tmp_path):
    async def then(engine, stack, clock):
        assert await ends(engine) == []
        await clock.advance(41)
        await calm(engine)
        assert [end.state for end in await ends(engine)] == ["expired"]
        assert stack.performed == []

    await restarted(tmp_path, control("", left_ms=60_000), "open", then)


async def test_after_a_restart_what_is_past_its_time_has_expired(tmp_path):
    async def then(engine, stack, clock):
        assert [end.state for end in await ends(engine)] == ["expired"]

    await restarted(tmp_path, control("", left_ms=10_000), "open", then)


@pytest.mark.parametrize("left_ms", [10_000, 60_000])
async def test_after_a_restart_what_was_started_did_not_expire_before_it_was_started(tmp_path, left_ms):
    """Past its time at once, and past it later because nobody sends it again."""

    async def then(engine, stack, clock):
        await clock.advance(41)
        await calm(engine)
        (end,) = await ends(engine)
        assert (end.state, end.reason.code) == ("uncertain", "agent_restarted")
        assert await engine.journal.unended() == []

    await restarted(tmp_path, control("", left_ms=left_ms), STARTED, then)


async def test_after_a_restart_a_refusal_does_not_take_back_what_was_started(tmp_path):
    async def then(engine, stack, clock):
        command = control(next(k.device.id for k in engine.registry.known.values() if k.device.kind == "mixer"))
        await engine.commands.ask(command, Link("not_wanted"))
        await calm(engine)
        assert [end.state for end in await ends(engine)] == ["uncertain"]

    await restarted(tmp_path, control("", left_ms=60_000), STARTED, then)


async def test_after_a_restart_what_was_told_as_expired_is_not_told_again(tmp_path):
    told = CommandEnded(id="cmd_1", capability="control", state="expired")

    async def then(engine, stack, clock):
        assert await ends(engine) == []
        assert await engine.journal.unended() == []

    await restarted(tmp_path, control("", left_ms=10_000), STARTED, then, ended=told)
