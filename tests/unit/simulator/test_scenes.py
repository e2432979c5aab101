import asyncio

from tests.unit.simulator.peers import NETWORK, StillClock, fact

from soundpost.simulator import Farm, make_stacks
from soundpost.simulator.lively import TROUBLES, Lively
from soundpost.simulator.scenes import Scene


def test_the_plan_repeats_with_its_seed() -> None:
    specs = make_stacks(60)
    one, same, other = Lively(specs, 1), Lively(specs, 1), Lively(specs, 2)
    plans = [[plan.acts(float(second)) for second in range(600)] for plan in (one, same, other)]
    assert plans[0] == plans[1] != plans[2]


def test_most_stacks_are_well_and_every_trouble_ends() -> None:
    plan, troubled, seen = Lively(make_stacks(60), 5), dict[str, int](), set[str]()
    for second in range(7_200):
        acts = plan.acts(float(second))
        assert len(acts) <= 25
        for act in acts:
            seen.add(act.what)
            if act.what in TROUBLES:
                if act.on:
                    assert act.stack not in troubled
                    troubled[act.stack] = second
                else:
                    assert 30 <= second - troubled.pop(act.stack) <= 121
        assert len(troubled) <= 3
    assert seen == {"set", "locate", *TROUBLES}


def test_people_speak_under_arrays_and_nothing_else_changes() -> None:
    specs = make_stacks(20)
    alone, beside = Lively(specs, 1), Lively(specs, 1, ["Ceiling"])
    beams = 0
    for second in range(1, 400):
        acts = beside.acts(float(second))
        beams += len(heard := [act for act in acts if act.stack == "Ceiling"])
        assert [act for act in acts if act not in heard] == alone.acts(float(second))
    assert 60 < beams < 140
    assert all(Lively([], 1).acts(float(second)) == [] for second in range(60))


async def test_lively_plays_and_leaves_other_peoples_faults_alone(clock: StillClock) -> None:
    async with Farm(make_stacks(20), network=NETWORK, port=0, clock=clock) as farm:
        for station in farm.stacks:
            await farm.fault(station.name, "slow")
        scene = asyncio.create_task(Scene(farm, "lively").run(clock))
        for _ in range(60):
            await fact(lambda: clock.sleepers > 0)
            await clock.advance(10)
        scene.cancel()
        await asyncio.gather(scene, return_exceptions=True)
        assert any(station.stack.changed_values() for station in farm.stacks)
        assert all(list(station.faults) == ["slow"] for station in farm.stacks)


async def test_lively_troubles_come_and_go(clock: StillClock) -> None:
    async with Farm(make_stacks(20), network=NETWORK, port=0, clock=clock, seed=4) as farm:
        scene = asyncio.create_task(Scene(farm, "lively").run(clock))
        most = 0
        for _ in range(200):
            await fact(lambda: clock.sleepers > 0)
            await clock.advance(10)
            most = max(most, sum(bool(station.faults) for station in farm.stacks))
        scene.cancel()
        await asyncio.gather(scene, return_exceptions=True)
        assert most == 1


async def test_calm_needs_no_loop(clock: StillClock) -> None:
    async with Farm(make_stacks(1), network=NETWORK, port=0, clock=clock) as farm:
        await Scene(farm, "calm").run(clock)
        assert clock.sleepers == 0
