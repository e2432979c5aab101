import asyncio
from contextlib import asynccontextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.support.clock import ManualClock
from tests.unit.agent.fakes import (
    MUTE,
    FakeNet,
    FakeStack,
    HubStub,
    Switchboard,
    agent,
    body,
    calm,
    facts,
    reading,
    unit,
    until,
)
from tests.unit.agent.memory import pair

from soundpost.agent import uplink as module
from soundpost.agent.identity import PINNED, PLAIN, Account
from soundpost.agent.journal import UNCERTAIN, Entry
from soundpost.agent.settings import Bounds
from soundpost.agent.uplink import Uplink
from soundpost.device.model import Identity
from soundpost.kernel.errors import Retry
from soundpost.link import envelope
from soundpost.link.commands import Command
from soundpost.link.events import unpack

S1 = "1111"


@asynccontextmanager
async def linked(folder, *, clock=None, account=None, stacks=1):
    """An agent with one stack and an uplink to a hub the test plays."""
    net, board = FakeNet(), Switchboard()
    for number in range(stacks):
        net.put(f"10.0.0.{5 + number}", FakeStack(unit(f"{1111 * (number + 1)}")))
    async with agent(folder, net, clock=clock) as engine:
        await until(engine, lambda: len(engine.lines.watches) == stacks)
        await calm(engine)
        account = account or Account(reader="hub", host="h:8443", name="London-HQ", trust=PLAIN, agent="agt_1")
        line = Uplink(engine.engine, account, board.dial, engine.hold)
        task = asyncio.create_task(line.run())
        try:
            yield engine, line, board
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await line.close()


def watch(engine):
    return next(iter(engine.lines.watches.values()))


def mute(engine, value):
    watch(engine).readings(f"box:{S1}", [reading(value)])


async def again(engine, line):
    """Until it waits for its next try, then at once."""
    await until(engine, lambda: line.state.phase in ("failing", "refused"))
    line.try_now()


async def test_join_once_then_the_key(tmp_path):
    password = "correct horse"
    account = Account(reader="hub", host="h:8443", name="London-HQ", trust=PLAIN)
    async with linked(tmp_path, account=account) as (engine, _, board):
        account.sealed_password = engine.identity.seal_password(password)
        hub = await board.answer()
        await hub.challenge()
        join = await hub.hear(envelope.Join)
        assert (join.name, join.password, join.site) == ("London-HQ", password, engine.site)
        await hub.say(envelope.Joined(agent="agt_7", site="sit_hub", site_name="London"))
        hello = await hub.hear(envelope.Hello)
        signed = envelope.signed_bytes("hub_one", "h:8443", hub.nonce, hello.nonce, "agt_7", hello.boot)
        Ed25519PublicKey.from_public_bytes(join.public_key).verify(hello.signature, signed)
        kept = await engine.accounts.load("hub")
        assert (kept.agent, kept.site, kept.sealed_password) == ("agt_7", "sit_hub", b"")
        assert hello.zone == "Europe/Berlin"


async def test_no_password_for_a_hub_that_was_not_confirmed(tmp_path):
    account = Account(reader="hub", host="h:8443", name="London-HQ", trust=PINNED, sealed_password=b"x")
    async with linked(tmp_path, account=account) as (engine, line, board):
        hub = await board.answer()
        await hub.challenge()
        await until(engine, lambda: line.state.phase == "refused")
        assert line.state.code == "not_confirmed"


async def test_backlog_caught_up_declared_values_acks(tmp_path):
    async with linked(tmp_path) as (engine, line, board):
        mute(engine, False)
        hub = await board.answer()
        hello = await hub.welcome()
        assert hello.last_acked == b""
        first = await hub.hear(envelope.Facts)
        kinds = [unpack(item).type for item in first.facts]
        assert kinds[:2] == ["device.found", "device.found"]
        await hub.hear(envelope.CaughtUp)
        schema = await hub.hear(envelope.Schema)
        declares = [await hub.hear(envelope.Declare) for _ in range(2)]
        assert {item.device for item in declares} == set(engine.registry.known)
        held = await hub.hear(envelope.Values)
        assert not held.snapshot
        values = await hub.hear(envelope.Values)
        assert values.snapshot
        assert [change.value for change in values.changes] == [False]
        assert schema.number in {item.schema for item in declares}
        await hub.ack(first)
        await until(engine, lambda: line.state.confirmed_ms)
        await calm(engine)
        mark = await engine.spool.mark_of("hub:hub_one")
        assert mark.uid == unpack(first.facts[-1]).uid
        assert line.state.phase == "connected"
        assert (engine.spool.hub, engine.site) == ("hub_one", "sit_hub")
        await hub.ack(values)
        mute(engine, True)
        await engine.clock.advance(0.3)
        live = await hub.hear(envelope.Values)
        assert [(change.value, change.origin) for change in live.changes] == [(True, "device")]
        assert not live.snapshot


async def test_a_hello_stays_small_whatever_the_journal_holds(tmp_path):
    """A hub takes 16 KiB from whom it does not know yet: a longer hello would lock the site out for ever."""
    async with linked(tmp_path) as (engine, _, board):
        for number in range(50):
            command = Command(id=f"cmd_{number}", device="dev_1", capability="reboot")
            await engine.journal.put(Entry(command=command, origin="hub_one", state=UNCERTAIN))
        hub = await board.answer()
        hello = await hub.welcome()
        assert len(envelope.encode(hello)) < 1024


async def test_resume_goes_on_behind_the_last_ack(tmp_path):
    async with linked(tmp_path) as (engine, line, board):
        hub = await board.answer()
        await hub.welcome()
        first = await hub.hear(envelope.Facts)
        await hub.ack(first)
        await until(engine, lambda: line.state.confirmed_ms)
        await calm(engine)
        last = unpack(first.facts[-1]).uid
        await hub.channel.close()
        engine.spool.note("later", {})
        await again(engine, line)
        hub = await board.answer()
        hello = await hub.welcome(last_uid=last)
        assert hello.last_acked == last
        more = await hub.hear(envelope.Facts)
        assert [unpack(item).type for item in more.facts] == ["later"]
        assert more.n == 1
        await hub.hear(envelope.CaughtUp)


async def test_a_status_that_a_bound_dropped_while_apart_is_told_as_it_is_now(tmp_path):
    """Else the hub would go on showing a device as online that went away in the dropped days."""
    net = FakeNet()
    stack = net.put("10.0.0.5", FakeStack(unit(S1)))
    board, bounds = Switchboard(), Bounds(fact_bytes=20_000)
    account = Account(reader="hub", host="h:8443", name="London-HQ", trust=PLAIN, agent="agt_1")
    async with agent(tmp_path, net, bounds=bounds) as engine:
        await until(engine, lambda: engine.lines.watches)
        line = Uplink(engine.engine, account, board.dial, engine.hold)
        task = asyncio.create_task(line.run())
        hub = await board.answer()
        await hub.welcome()
        first = await hub.hear(envelope.Facts)
        await hub.ack(first)
        await until(engine, lambda: line.state.confirmed_ms)
        await calm(engine)
        last = unpack(first.facts[-1]).uid
        await hub.channel.close()
        net.take("10.0.0.5")
        await until(engine, lambda: not watch(engine).well)
        await calm(engine)
        while not engine.spool.dropped:
            for _ in range(50):
                engine.spool.note("later", {})
            await calm(engine, 1)
        assert not await facts(engine, "device.status")
        assert stack.sessions
        await again(engine, line)
        hub = await board.answer()
        hello = await hub.welcome(last_uid=last)
        assert hello.last_acked == last
        told = []
        for _ in range(20):
            frame = await hub.hear(envelope.Facts)
            told += [unpack(item) for item in frame.facts]
            await hub.ack(frame)
            if told[-1].uid == (await facts(engine))[-1].uid:
                break
        assert {body(fact).status for fact in told if fact.type == "device.status"} == {"offline"}
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await line.close()


async def test_what_was_not_acked_is_sent_again(tmp_path):
    async with linked(tmp_path) as (engine, line, board):
        hub = await board.answer()
        await hub.welcome()
        first = await hub.hear(envelope.Facts)
        await hub.channel.close()
        await again(engine, line)
        hub = await board.answer()
        await hub.welcome()
        assert (await hub.hear(envelope.Facts)).facts[: len(first.facts)] == first.facts


async def test_a_hub_that_went_back_gets_everything_again_and_a_snapshot(tmp_path):
    async with linked(tmp_path) as (engine, line, board):
        mute(engine, True)
        hub = await board.answer()
        await hub.welcome()
        first = await hub.hear(envelope.Facts)
        await hub.ack(first)
        await hub.ack(await hub.hear(envelope.Values))
        await calm(engine)
        await hub.channel.close()
        await again(engine, line)
        hub = await board.answer()
        hello = await hub.welcome(knows_acked=False)
        assert hello.last_acked == unpack(first.facts[-1]).uid
        resent = await hub.hear(envelope.Facts)
        assert resent.facts[: len(first.facts)] == first.facts
        types = [unpack(item).type for item in resent.facts]
        assert "link.went_back" in types
        assert types.count("device.changed") == 2
        while not (await hub.hear(envelope.Values)).snapshot:
            pass
        assert (await engine.spool.mark_of("hub:hub_one")).uid == b""


async def test_an_agent_that_went_back_says_so(tmp_path):
    async with linked(tmp_path) as (engine, _, board):
        hub = await board.answer()
        await hub.welcome(last_uid=b"\x01" * 16)
        await hub.hear(envelope.CaughtUp)
        (back,) = [body(fact) for fact in await facts(engine, "link.went_back")]
        assert back.who == "agent"


async def test_values_of_the_time_apart_come_first_and_in_order(tmp_path):
    clock = ManualClock()
    async with linked(tmp_path, clock=clock) as (engine, line, board):
        hub = await board.answer()
        await hub.welcome()
        await hub.hear(envelope.CaughtUp)
        mute(engine, False)
        await clock.advance(0.5)
        sent = await hub.hear(envelope.Values)
        await calm(engine)
        await hub.channel.close()
        await until(engine, lambda: line.state.phase == "failing")
        await clock.advance(0.01)
        mute(engine, True)
        mute(engine, False)
        await clock.advance(0.01)
        mute(engine, True)
        line.try_now()
        hub = await board.answer()
        await hub.welcome()
        values = await hub.hear(envelope.Values)
        assert not values.snapshot
        assert sent.changes
        assert [change.value for change in values.changes] == [False, False, True]
        assert line.values.waiting == 3
        await hub.ack(values)
        await until(engine, lambda: line.values.waiting == 0)


async def test_read_until_once_a_second(tmp_path):
    clock = ManualClock()
    async with linked(tmp_path, clock=clock) as (engine, _, board):
        hub = await board.answer()
        await hub.welcome()
        await hub.hear(envelope.CaughtUp)
        await clock.advance(1.5)
        for _ in range(5):
            watch(engine).covered(f"box:{S1}", "levels")
        await clock.advance(1.3)
        frames = []
        while not frames or not frames[-1].reads:
            frames.append(await hub.hear(envelope.Values))
        assert [(read.group, read.time_ms > 0) for read in frames[-1].reads] == [(1, True)]


async def test_credit_holds_facts_back(tmp_path):
    async with linked(tmp_path) as (engine, _, board):
        hub = await board.answer()
        await hub.welcome()
        await hub.hear(envelope.CaughtUp)
        for _ in range(12):
            engine.spool.note("more", {})
            await calm(engine, 2)
        got = [await hub.hear(envelope.Facts) for _ in range(envelope.CREDIT["facts"])]
        assert [frame.n for frame in got] == list(range(1, 9))
        await hub.ack(got[-1])
        assert (await hub.hear(envelope.Facts)).n == 9


@pytest.mark.parametrize(("final", "phase"), [(True, "refused"), (False, "failing")])
async def test_each_refusal_keeps_its_code_and_sentence(tmp_path, final, phase):
    async with linked(tmp_path) as (engine, line, board):
        hub = await board.answer()
        await hub.challenge()
        await hub.hear(envelope.Hello)
        await hub.say(envelope.Refused(code="held_twice", text="Two machines.", final=final, retry_after_s=7.0))
        await until(engine, lambda: line.state.phase == phase)
        assert (line.state.code, line.state.text) == ("held_twice", "Two machines.")
        assert line.state.next_ms - engine.clock.now_ms() >= 7_000


async def test_another_hub_at_the_address_gets_nothing(tmp_path):
    account = Account(reader="hub", host="h", name="n", trust=PLAIN, agent="agt_1", hub="hub_other")
    async with linked(tmp_path, account=account) as (engine, line, board):
        hub = await board.answer()
        await hub.challenge()
        await until(engine, lambda: line.state.phase == "refused")
        assert line.state.code == "another_hub"


async def test_a_hub_that_calls_itself_as_this_machine_does_is_none(tmp_path):
    """Commands from here are bound by no ceiling, and known by that name."""
    async with linked(tmp_path, account=Account(reader="hub", host="h", name="n", trust=PLAIN)) as (
        engine,
        line,
        board,
    ):
        hub = await board.answer()
        hub.hub = "local"
        await hub.challenge()
        await until(engine, lambda: line.state.phase == "refused")
        assert (line.state.code, line.account.hub) == ("another_hub", "")


async def test_a_level_nobody_shares(tmp_path):
    async with linked(tmp_path) as (engine, line, board):
        hub = await board.answer()
        await hub.challenge(level=0)
        await until(engine, lambda: line.state.phase == "refused")
        assert line.state.code == "level_unsupported"


async def test_what_is_not_a_hub(tmp_path):
    async with linked(tmp_path) as (engine, line, board):
        hub = await board.answer()
        await hub.channel.send(b"HTTP/1.1 200 OK")
        await until(engine, lambda: line.state.phase == "refused")
        assert line.state.code == "not_a_hub"


async def test_it_tries_again_with_jitter_and_at_once_when_told(tmp_path):
    clock = ManualClock()
    async with linked(tmp_path, clock=clock) as (engine, line, board):
        hub = await board.answer()
        board.refuse = Retry("h refuses.", code="refused")
        await hub.channel.close()
        await again(engine, line)
        await until(engine, lambda: line.state.code == "refused")
        for _ in range(12):
            await until(engine, lambda: line.state.next_ms > clock.now_ms())
            left = line.state.next_ms - clock.now_ms()
            # The clock stands a moment after the try that was planned then.
            assert 980 <= left <= module.MOST_S * 1_000
            await clock.advance(left / 1000 + 0.01)
        board.refuse = None
        line.try_now()
        await (await board.answer()).welcome()
        await until(engine, lambda: line.state.phase == "connected")


async def test_a_hub_that_refuses_is_tried_each_second_or_two_for_a_minute(tmp_path):
    clock = ManualClock()
    async with linked(tmp_path, clock=clock) as (engine, line, board):
        hub = await board.answer()
        await hub.welcome()
        await until(engine, lambda: line.state.phase == "connected")
        board.refuse = Retry("h refuses.", code="refused")
        await hub.channel.close()
        await again(engine, line)
        await until(engine, lambda: line.state.code == "refused")
        lost, pauses = clock.monotonic(), []
        while clock.monotonic() < lost + 4 * module.REFUSED_S:
            await until(engine, lambda: line.state.next_ms > clock.now_ms())
            left = (line.state.next_ms - clock.now_ms()) / 1000
            pauses.append((clock.monotonic() - lost, left))
            await clock.advance(left + 0.01)
        # The clock stands a moment after the try that was planned then.
        assert all(0.98 <= left <= 2.0 for at, left in pauses if at < module.REFUSED_S - 3)
        assert max(left for _, left in pauses) > 4.0, "then it backs off"


async def test_a_silent_hub_is_lost_after_three_beats(tmp_path):
    clock = ManualClock()
    async with linked(tmp_path, clock=clock) as (engine, line, board):
        hub = await board.answer()
        await hub.welcome()
        await until(engine, lambda: line.state.phase == "connected")
        await clock.advance(29)
        await calm(engine)
        assert line.state.phase == "connected"
        beats = await hub.hear(envelope.Beat)
        assert beats.now_ms
        board.refuse = Retry("h refuses.", code="refused")
        await clock.advance(1.5)
        await until(engine, lambda: line.state.phase != "connected")


async def test_commands_ask_go_through_their_own_link(tmp_path):
    async with linked(tmp_path) as (engine, _, board):
        hub = await board.answer()
        await hub.welcome()
        await hub.hear(envelope.CaughtUp)
        box = next(k.device.id for k in engine.registry.known.values() if k.device.kind == "mixer")
        command = Command(id="cmd_1", device=box, capability="control", arguments={"key": MUTE.key, "value": True})
        await hub.say(envelope.Ask(command=command))
        assert (await hub.hear(envelope.Seen)).id == "cmd_1"
        assert (await hub.hear(envelope.GoAsk)).id == "cmd_1"
        await hub.say(envelope.GoAnswer(id="cmd_1", go=True))
        while True:
            frame = await hub.hear(envelope.Facts)
            ended = [body(unpack(item)) for item in frame.facts if unpack(item).type == "command.ended"]
            if ended:
                break
        assert (ended[0].id, ended[0].state, ended[0].origin) == ("cmd_1", "done", "hub_one")


async def test_plan_scan_and_known_ids_are_taken(tmp_path):
    async with linked(tmp_path) as (engine, _, board):
        hub = await board.answer()
        known = [envelope.Known("dev_theirs", "mixer", Identity("fake", S1), 2, [], 0)]
        await hub.welcome(known=known, plan=envelope.SitePlan(3, ["10.0.0.7"], "ask", 60.0))
        first = await hub.hear(envelope.Facts)
        named = [unpack(item).device for item in first.facts if unpack(item).type == "device.found"]
        assert "dev_theirs" in named
        assert "dev_theirs" in engine.registry.known
        assert engine.discovery_settings().subnets == ["10.0.0.7"]
        await hub.say(envelope.Plan(plan=envelope.SitePlan(4, ["10.0.0.8"])))
        await until(engine, lambda: engine.discovery_settings().subnets == ["10.0.0.8"])
        assert (await hub.hear(envelope.ScanState)).policy == "ask"


async def test_the_local_rooms_are_the_other_reader(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit(S1)))

    class Room:
        """As hub.agents.door.LocalChannel: `receive`, None at the end."""

        def __init__(self, channel):
            self.channel = channel
            self.send = channel.send

        async def receive(self):
            try:
                return await self.channel.recv()
            except Retry:
                return None

        async def close(self, *, goodbye=False):
            await self.channel.close(goodbye=goodbye)

    async with agent(tmp_path, net) as engine:
        ours, theirs = pair()
        line = await engine.attach_local(lambda: Room(ours), "agt_local")
        hub = HubStub(theirs, "hub_local")
        hello = await hub.welcome(hub="hub_local", site=engine.site)
        assert (hello.agent, hello.host) == ("agt_local", "local")
        frame = await hub.hear(envelope.Facts)
        await hub.ack(frame)
        await until(engine, lambda: line.state.confirmed_ms)
        await calm(engine)
        assert (await engine.spool.mark_of("local")).position == len(frame.facts)
        assert engine.spool.hub == ""


async def test_a_transcript_goes_up_when_it_is_asked_for(tmp_path):
    async with linked(tmp_path) as (engine, _, board):
        hub = await board.answer()
        await hub.welcome()
        (session,) = engine.lines.sessions.values()
        session.said = b"> VERSION * FW 1"
        device = next(iter(engine.registry.known))
        await hub.say(envelope.Fetch(id=7, device=device))
        fetched = await hub.hear(envelope.Fetched)
        assert (fetched.id, fetched.data, fetched.code) == (7, b"> VERSION * FW 1", "")
        await hub.say(envelope.Fetch(id=8, device="dev_nobody"))
        assert (await hub.hear(envelope.Fetched)).code == "no_transcript"
