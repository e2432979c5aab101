import pytest
from tests.support.clock import ManualClock
from tests.unit.agent.fakes import MUTE, FakeNet, FakeStack, agent, body, calm, facts, reading, unit, until

from soundpost.agent.discovery import LATE, LATE_PAUSE_S, LATE_ROUNDS, DiscoverySettings
from soundpost.agent.run import CredentialInput
from soundpost.device.contract import Look
from soundpost.device.model import Endpoint, Identity
from soundpost.kernel.errors import Conflict, Invalid, NotFound
from soundpost.link.envelope import Known, SitePlan

GAP_S = 0.002
S1, S2, S3 = "1111", "2222", "3333"


def stacks(engine):
    return {tuple(known.device.boxes): known.device for known in engine.registry.stacks()}


async def test_what_is_found_is_listed_watched_and_told(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit(S1, S2, peripherals=["p1"])))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: len(engine.registry.known) == 4)
        await calm(engine)
        found = [body(fact).device for fact in await facts(engine, "device.found")]
        assert [device.kind for device in found] == ["stack", "mixer", "mixer", "microphone"]
        stack, one, _, mic = found
        assert stack.boxes == [S1, S2]
        assert (stack.address, stack.port, stack.credential_set) == ("10.0.0.5", 23, "cred_good")
        assert (one.stack, one.parent, one.serial_number, one.box_number) == (stack.id, stack.id, S1, 1)
        assert (mic.stack, mic.parent, mic.address) == (stack.id, one.id, "")
        statuses = {fact.device: body(fact).status for fact in await facts(engine, "device.status")}
        assert statuses == {device.id: "online" for device in found}
        (done,) = [body(fact) for fact in await facts(engine, "scan.done")]
        assert (done.interface, done.asked, done.total, done.found, done.new) == ("eth0", 20, 20, 1, 1)
        state = engine.board.scan_state
        assert (state.ranges[0].asked, state.ranges[0].found, state.ranges[0].running) == (20, 1, False)
        assert [(item.id, item.user) for item in state.sets] == [("cred_good", "admin")]


async def test_a_restart_keeps_ids_and_watches_before_any_sweep(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit(S1)))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: len(engine.registry.known) == 2)
        before = set(engine.registry.known)
    net.looks.clear()
    async with agent(tmp_path, net) as engine:
        await calm(engine)
        assert set(engine.registry.known) == before
        assert Endpoint("10.0.0.5", 23) not in [endpoint for endpoint, _ in net.looks]
        assert len(await facts(engine, "device.found")) == 2
        assert len(await facts(engine, "device.status")) == 2
        shelf = engine.board.shelves[
            next(d.device.id for d in engine.registry.known.values() if d.device.kind == "mixer")
        ]
        assert MUTE in shelf.schema.descriptors


async def test_a_held_address_is_never_touched_again(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit(S1)))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: engine.registry.known)
        await calm(engine)
        engine.scan_now()
        await calm(engine)
        assert [endpoint for endpoint, _ in net.looks].count(Endpoint("10.0.0.5", 23)) == 1
        assert len(await facts(engine, "scan.done")) == 2


async def test_each_set_is_tried_once_per_device_and_change(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit(S1), password="other"))
    where = Endpoint("10.0.0.5", 23)

    def tries():
        return [sets for endpoint, sets in net.looks if endpoint == where]

    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: engine.discovery.findings.all)
        engine.scan_now()
        await calm(engine)
        (finding,) = [body(fact) for fact in await facts(engine, "found.unreadable")]
        assert (finding.id, finding.reason.code) == ("fake@10.0.0.5:23", "sign_in_refused")
        assert tries() == [("cred_good",), ()]
    async with agent(tmp_path, net) as engine:
        await calm(engine)
        assert tries()[-1] == ()
        await engine.put_credentials([CredentialInput("admin", "wrong too", id="cred_good")])
        await calm(engine)
        assert tries()[-1] == ("cred_good",)
        sets = await engine.put_credentials(
            [CredentialInput("admin", None, id="cred_good"), CredentialInput("admin", "other")]
        )
        await until(engine, lambda: engine.registry.known)
        await calm(engine)
        assert tries()[-1] == (sets[1].id,)
        assert not engine.discovery.findings.all
        assert [body(fact).id for fact in await facts(engine, "found.gone")] == ["fake@10.0.0.5:23"]


async def test_sets_may_be_for_some_subnets_only(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit(S1)))
    async with agent(tmp_path, net, credentials=()) as engine:
        await calm(engine)
        await engine.put_credentials([CredentialInput("admin", "right", subnets=["10.0.0.6-9"])])
        await calm(engine)
        assert not engine.registry.known
        await engine.put_credentials([CredentialInput("admin", "right", subnets=["10.0.0.0/29"])])
        await until(engine, lambda: engine.registry.known)


async def test_credentials_are_sealed_on_disk_and_checked(tmp_path):
    async with agent(tmp_path, FakeNet()) as engine:
        await engine.put_credentials([CredentialInput("admin", "unmistakable-secret")])
        with pytest.raises(Invalid):
            await engine.put_credentials([CredentialInput("admin")])
        with pytest.raises(Invalid):
            await engine.put_credentials([CredentialInput("admin", "x", subnets=["nonsense"])])
        assert "unmistakable" not in repr(engine.credentials())
    written = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert b"unmistakable-secret" not in written


async def test_the_policy_ask_lists_nothing_by_itself(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit(S1)))
    async with agent(tmp_path, net, policy="ask") as engine:
        await until(engine, lambda: engine.discovery.findings.all)
        assert not engine.registry.known
        (finding,) = engine.discovery.findings.all.values()
        assert (finding.reason.code, finding.serials) == ("asks", [S1])
        await engine.pick(finding.id)
        await calm(engine)
        assert len(engine.registry.known) == 2
        assert not engine.discovery.findings.all
        with pytest.raises(NotFound):
            await engine.pick(finding.id)


async def test_the_same_serials_at_another_address_have_moved(tmp_path):
    net = FakeNet()
    stack = net.put("10.0.0.5", FakeStack(unit(S1)))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: engine.lines.watches)
        await calm(engine)
        (before,) = stacks(engine).values()
        net.take("10.0.0.5")
        net.put("10.0.0.9", stack)
        await calm(engine)
        engine.scan_now()
        await calm(engine)
        (now,) = stacks(engine).values()
        assert now.id == before.id
        assert (now.address, now.former_addresses) == ("10.0.0.9", ["10.0.0.5"])
        (moved,) = [body(fact) for fact in await facts(engine, "device.moved")]
        assert (moved.before, moved.now) == ("10.0.0.5:23", "10.0.0.9:23")
        assert engine.lines.watches[now.id].well
        assert not engine.discovery.findings.all


async def test_a_stack_that_goes_offline_is_looked_for(tmp_path):
    net, clock = FakeNet(), ManualClock()
    stack = net.put("10.0.0.5", FakeStack(unit(S1)))
    async with agent(tmp_path, net, clock=clock) as engine:
        await until(engine, lambda: engine.lines.watches)
        await calm(engine)
        await clock.advance(60)
        net.take("10.0.0.5")
        net.put("10.0.0.9", stack)
        await calm(engine)
        (now,) = stacks(engine).values()
        assert now.address == "10.0.0.9"


async def test_one_that_goes_offline_right_after_a_sweep_is_looked_for_before_the_next_interval(tmp_path):
    net, clock = FakeNet(), ManualClock()
    stack = net.put("10.0.0.5", FakeStack(unit(S1)))
    async with agent(tmp_path, net, clock=clock) as engine:
        await until(engine, lambda: engine.lines.watches)
        await calm(engine)
        await clock.advance(5)
        net.take("10.0.0.5")
        net.put("10.0.0.9", stack)
        await calm(engine)
        assert len(await facts(engine, "scan.done")) == 1  # not closer to the last sweep than 30 s
        await clock.advance(24)
        await calm(engine)
        assert len(await facts(engine, "scan.done")) == 1
        await clock.advance(2)
        await calm(engine)
        (now,) = stacks(engine).values()
        assert now.address == "10.0.0.9"
        assert len(await facts(engine, "scan.done")) == 2


async def test_two_that_swap_addresses_both_keep_their_ids(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit(S1)))
    net.put("10.0.0.6", FakeStack(unit(S2)))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: len(engine.lines.watches) == 2)
        await calm(engine)
        before = {boxes: device.id for boxes, device in stacks(engine).items()}
        net.swap("10.0.0.5", "10.0.0.6")
        await calm(engine, 20)
        after = stacks(engine)
        assert {boxes: device.id for boxes, device in after.items()} == before
        assert after[(S1,)].address == "10.0.0.6"
        assert after[(S2,)].address == "10.0.0.5"
        assert all(watch.well for watch in engine.lines.watches.values())
        assert len(await facts(engine, "device.moved")) == 2
        assert not engine.discovery.findings.all


async def test_one_serial_at_two_addresses_is_shown_and_the_held_one_stays(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit(S1)))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: engine.lines.watches)
        await calm(engine)
        net.put("10.0.0.9", FakeStack(unit(S1)))
        engine.scan_now()
        await until(engine, lambda: engine.discovery.findings.all)
        (finding,) = engine.discovery.findings.all.values()
        assert (finding.address, finding.reason.code, finding.serials) == ("10.0.0.9", "duplicate_serial", [S1])
        assert len(engine.lines.watches) == 1
        assert next(iter(stacks(engine).values())).address == "10.0.0.5"
        net.take("10.0.0.9")
        engine.scan_now()
        await until(engine, lambda: not engine.discovery.findings.all)


async def test_a_stack_survives_while_one_box_remains(tmp_path):
    net = FakeNet()
    stack = net.put("10.0.0.5", FakeStack(unit(S1, S2)))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: engine.lines.watches)
        await calm(engine)
        (before,) = stacks(engine).values()
        watch = engine.lines.watches[before.id]
        watch.inventory(unit(S2, S3))
        await calm(engine)
        (now,) = stacks(engine).values()
        assert now.id == before.id
        assert now.boxes == [S2, S3]
        gone = next(k for k in engine.registry.known.values() if k.device.serial_number == S1)
        assert gone.status.status == "offline"
        assert gone.status.reason.code == "box_gone"
        assert stack.sessions


async def test_another_stack_at_a_known_address_is_not_the_known_one(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit(S1)))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: engine.lines.watches)
        await calm(engine)
        net.take("10.0.0.5")
        net.put("10.0.0.5", FakeStack(unit(S2)))
        await calm(engine, 12)
        found = stacks(engine)
        assert set(found) == {(S1,), (S2,)}
        assert found[(S1,)].id != found[(S2,)].id
        lost = engine.registry.known[found[(S1,)].id].status
        assert (lost.status, lost.reason.code) == ("offline", "another_device")


async def test_a_provisional_stack_is_joined_once_its_serial_is_known(tmp_path):
    net = FakeNet()
    nameless = unit("")
    stack = net.put("10.0.0.5", FakeStack(nameless))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: engine.lines.watches)
        await calm(engine)
        before = {known.device.kind: known.device for known in engine.registry.known.values()}
        assert before["stack"].boxes == []
        assert before["mixer"].identity.provisional
        stack.unit = unit(S1)
        engine.lines.watches[before["stack"].id].inventory(stack.unit)
        await calm(engine)
        after = {known.device.kind: known.device for known in engine.registry.known.values()}
        assert after["stack"].id == before["stack"].id
        assert after["mixer"].id == before["mixer"].id
        assert after["mixer"].serial_number == S1
        assert len(engine.registry.known) == 2


async def test_a_hub_s_ids_are_used_for_what_it_knows(tmp_path):
    net = FakeNet()
    async with agent(tmp_path, net) as engine:
        await calm(engine)
        known = [
            Known("dev_hub_stack", "stack", Identity("fake"), 3, [S1], 7),
            Known("dev_hub_box", "mixer", Identity("fake", S1), 3, [], 7),
        ]
        await engine.house.adopt(known, "hub:hub_one")
        net.put("10.0.0.5", FakeStack(unit(S1)))
        engine.scan_now()
        await until(engine, lambda: engine.registry.known)
        assert set(engine.registry.known) == {"dev_hub_stack", "dev_hub_box"}
        box = engine.registry.known["dev_hub_box"].device
        assert (box.generation, box.revision) == (3, 8)


async def test_a_hub_s_ids_replace_ours_in_what_it_has_not_confirmed(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit(S1)))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: engine.lines.watches)
        await calm(engine)
        ours = {known.device.kind: known.device.id for known in engine.registry.known.values()}
        engine.lines.watches[ours["stack"]].readings(f"box:{S1}", [reading(True)])
        await engine.spool.join("hub:hub_one")
        await engine.house.adopt(
            [
                Known("dev_hub_stack", "stack", Identity("fake"), 2, [S1]),
                Known("dev_hub_box", "mixer", Identity("fake", S1)),
            ],
            "hub:hub_one",
        )
        await calm(engine)
        assert set(engine.registry.known) == {"dev_hub_stack", "dev_hub_box"}
        box = engine.registry.known["dev_hub_box"].device
        assert (box.stack, box.parent) == ("dev_hub_stack", "dev_hub_stack")
        assert engine.board.shelves["dev_hub_box"].value(MUTE.key) is True
        found = [body(fact).device.id for fact in await facts(engine, "device.found")]
        assert found == ["dev_hub_stack", "dev_hub_box"]
        renamed = {fact.device: body(fact).before for fact in await facts(engine, "device.renamed")}
        assert renamed == {"dev_hub_stack": ours["stack"], "dev_hub_box": ours["mixer"]}
        watch = engine.lines.watches["dev_hub_stack"]
        watch.presence(f"box:{S1}", False)
        await calm(engine)
        assert (await facts(engine, "device.status"))[-1].device in ("dev_hub_box", "dev_hub_stack")
    async with agent(tmp_path, net) as engine:
        assert set(engine.registry.known) == {"dev_hub_stack", "dev_hub_box"}


async def test_hands_off_keeps_the_status_and_says_why(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit(S1)))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: engine.lines.watches)
        await calm(engine)
        session = net.sessions[0]
        await session.hands_off(60)
        await calm(engine)
        last = body((await facts(engine, "device.status"))[-1])
        assert (last.status, last.reason.code) == ("online", "hands_off")
        session.sink.connected()
        await calm(engine)
        last = body((await facts(engine, "device.status"))[-1])
        assert (last.status, last.reason) == ("online", None)


async def test_a_change_knows_whose_it_is(tmp_path):
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit(S1)))
    async with agent(tmp_path, net) as engine:
        await until(engine, lambda: engine.lines.watches)
        (watch,) = engine.lines.watches.values()
        part = f"box:{S1}"
        shelf = watch.parts[part].shelf

        def origin():
            return shelf.origins[shelf.schema.index[MUTE.key]]

        watch.readings(part, [reading(False)])
        assert origin() == ""
        watch.readings(part, [reading(True)])
        assert origin() == "device"
        watch.claim(part, "cmd_1", MUTE.key)
        watch.readings(part, [reading(False)])
        assert origin() == "cmd_1"
        watch.release("cmd_1")
        watch.readings(part, [reading(False, error="", unsupported=False)])
        assert origin() == "cmd_1"


async def test_settings_are_kept_and_the_environment_wins(tmp_path):
    net = FakeNet()
    async with agent(tmp_path, net) as engine:
        with pytest.raises(Invalid):
            await engine.set_discovery(DiscoverySettings(["nonsense"], "list", 60.0))
        await engine.set_discovery(DiscoverySettings(["10.0.0.7"], "ask", 60.0))
    async with agent(tmp_path, net) as engine:
        assert engine.discovery_settings() == DiscoverySettings(["10.0.0.7"], "ask", 60.0)
        await engine.house.take_plan(SitePlan(2, ["10.0.0.8"], None, None), "hub:hub_one")
        assert engine.discovery_settings().subnets == ["10.0.0.8"]
        await engine.house.take_plan(SitePlan(1, ["10.0.0.9"], None, None), "hub:hub_one")
        assert engine.discovery_settings().subnets == ["10.0.0.8"]
        with pytest.raises(Conflict):
            await engine.set_discovery(DiscoverySettings(["10.0.0.7"], "ask", 60.0))
    async with agent(tmp_path, net, "10.0.0.3", subnets_fixed=True) as engine:
        assert engine.discovery_settings().subnets == ["10.0.0.3"]


async def test_a_sweep_comes_again_after_its_interval(tmp_path):
    net, clock = FakeNet(), ManualClock()
    async with agent(tmp_path, net, clock=clock, interval_s=300.0) as engine:
        await calm(engine)
        assert len(await facts(engine, "scan.done")) == 1
        await clock.advance(301)
        await calm(engine)
        assert len(await facts(engine, "scan.done")) == 2


BUSY = [Look(ours=False, mute=True), Look(ours=True, problem="it hung up")]


@pytest.mark.parametrize("answer", BUSY, ids=["mute", "broken off"])
async def test_one_that_is_too_busy_to_answer_is_asked_once_more_in_the_same_sweep(tmp_path, answer):
    net, clock = FakeNet(), ManualClock()
    net.put("10.0.0.5", FakeStack(unit("1111"), first=[answer]))
    async with agent(tmp_path, net, clock=clock) as engine:
        await until(engine, lambda: engine.lines.watches)
        assert len([endpoint for endpoint, _ in net.looks if endpoint.address == "10.0.0.5"]) == 2
        assert len([endpoint for endpoint, _ in net.looks if endpoint.address == "10.0.0.6"]) == 1
        await calm(engine)
        (done,) = await facts(engine, "scan.done")
        assert body(done).found == 1
        assert engine.discovery.findings.all == {}


@pytest.mark.parametrize(("answer", "shown"), [(BUSY[0], []), (BUSY[1], ["not_known"])], ids=["mute", "broken off"])
async def test_what_stays_silent_is_not_asked_a_third_time(tmp_path, answer, shown):
    """Something silent may be anything; what greeted as ours and broke off is shown."""
    net = FakeNet()
    net.put("10.0.0.5", FakeStack(unit("1111"), first=[answer] * 9))
    async with agent(tmp_path, net) as engine:
        await calm(engine)
        assert len([endpoint for endpoint, _ in net.looks if endpoint.address == "10.0.0.5"]) == 2
        assert [finding.reason.code for finding in engine.discovery.findings.all.values()] == shown


@pytest.mark.parametrize(("times", "found"), [(3, 1), (99, 0)])
async def test_where_the_agent_itself_was_too_late_it_asks_again_and_again_but_not_for_ever(tmp_path, times, found):
    net, clock = FakeNet(), ManualClock()
    late = Look(ours=False, problem=LATE, mute=True)
    net.put("10.0.0.5", FakeStack(unit("1111"), first=[late] * times))
    async with agent(tmp_path, net, clock=clock) as engine:
        for _ in range(LATE_ROUNDS):
            await calm(engine)
            await clock.advance(LATE_PAUSE_S)
        await calm(engine)
        asked = len([endpoint for endpoint, _ in net.looks if endpoint.address == "10.0.0.5"])
        assert asked == min(times, LATE_ROUNDS) + 1
        (done,) = await facts(engine, "scan.done")
        assert (body(done).found, len(engine.lines.watches)) == (found, found)


class LateClock(ManualClock):
    """The timers of the sweep come `late` seconds after they were due, as in a program that has too much to do."""

    def __init__(self, late: float) -> None:
        super().__init__()
        self.late = late
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await super().sleep(seconds)
        self._now += self.late if seconds == GAP_S else 0.0


@pytest.mark.parametrize(("late", "pauses"), [(0.0, 0), (0.17, 0), (0.73, 3)])
async def test_a_sweep_waits_while_the_agent_itself_is_behind(tmp_path, late, pauses):
    clock = LateClock(late)
    async with agent(tmp_path, FakeNet(), "10.0.0.1-3", clock=clock, sweep_gap_s=GAP_S) as engine:
        for _ in range(8):
            await calm(engine)
            await clock.advance(1.0)
        assert clock.slept.count(GAP_S) == 3
        assert len([seconds for seconds in clock.slept if late and abs(seconds - late) < 0.001]) == pauses
