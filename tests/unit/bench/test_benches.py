"""The pure parts of single benches."""

import json
from typing import Any

import msgspec
import pytest
from bench import crowd, farm, fault, outage, poll, soak, storm
from bench.browser import micro
from bench.figures import Options
from bench.load import fleet, runs

from soundpost.editions import bench as edition
from soundpost.kernel.errors import Invalid
from soundpost.link import events


def test_a_farm_fills_whole_networks() -> None:
    assert farm.blocks(1) == ["127.29.0.0/24"]
    assert farm.blocks(254) == ["127.29.0.0/24"]
    assert len(farm.blocks(5_000)) == 20
    with pytest.raises(ValueError, match="127"):
        farm.blocks(70_000)


def test_a_falling_rate_is_not_level_and_a_bunched_one_is() -> None:
    rates = [1219.0, 773, 521, 419, 301, 277, 143, 86, 108, 112]
    assert not any(farm.levelled(rates[:n]) for n in range(len(rates)))
    assert farm.levelled([*rates, 86, 110, 101])
    assert not farm.levelled([0.0] * 5)


def test_the_control_api_tells_microseconds() -> None:
    assert micro("2026-11-24T00:00:00.000001Z") - micro("2026-11-23T23:59:59.999999Z") == 2


def test_a_pace_asks_each_value_so_often_that_a_stack_is_asked_as_wanted() -> None:
    pace = poll.pace(100, 2.0, 60)
    asked = sum(poll.polls_of(box.model)[0] for spec in poll.make_stacks(100, 1, []) for box in spec.boxes)
    assert asked / pace.period_s == pytest.approx(100 / 2.0)


def test_faults_are_timed_from_the_injection_or_from_the_first_request() -> None:
    seen = fault.Injected("silence", "London-01", "dev_1", began_us=0, asked_us=1_500_000, readable_us=3_500_000)
    unseen = fault.Injected("silence", "London-02", "dev_2", began_us=0)
    assert fault.delays_s("silence", [seen, unseen]) == [3.5]
    assert fault.delays_s("silence", [seen, unseen], from_request=True) == [2.0]
    rows = fault.held_figures("silence", [seen, unseen], 2)
    assert [row.met for row in rows if row.aim] == [False, True]


def test_the_worst_second_is_found_where_frames_are_missing() -> None:
    assert storm.worst_second([16.0] * 60 + [500.0] + [16.0] * 120) == pytest.approx(32, abs=1)
    assert storm.worst_second([16.0] * 10) == 10
    assert storm.rate([20.0] * 100) == pytest.approx(50)
    assert storm.rate([]) == 0


def test_only_the_expected_event_is_no_other_state_change() -> None:
    assert storm.others({"agent.lost": 1, "device.status": 4}, "agent.lost") == 4


def test_growth_leaves_the_warm_up_out() -> None:
    looks = [soak.Look(n * 10.0, 100.0 + (50 if n < 3 else 0), 40, 70, 4.0) for n in range(12)]
    told = {figure.name: figure for figure in soak.grown("hub", soak.settled(looks))}
    assert told["hub: memory, growth"].value == pytest.approx(0)
    assert told["hub: memory, growth"].met


def test_a_leak_is_growth() -> None:
    looks = [soak.Look(n * 10.0, 100.0 + n, 40 + n, 70, 4.0) for n in range(20)]
    told = {figure.name: figure for figure in soak.grown("hub", soak.settled(looks))}
    assert told["hub: memory, slope"].value == pytest.approx(360)
    assert told["hub: tasks, growth"].met is False


def test_a_played_site_is_whole_and_its_facts_are_a_spools() -> None:
    site = fleet.site(7, 50, 1_000)
    assert len({device.id for device in site.devices}) == 50
    assert len({device.identity.key for device in site.devices if device.serial_number}) == 40
    told = [events.unpack(body) for body in fleet.facts(site, 1_000)]
    assert [fact.type for fact in told[:2]] == ["device.found", "device.status"]
    assert len({fact.uid for fact in told}) == 100
    for fact in told:
        msgspec.msgpack.decode(fact.data, type=events.BODIES[fact.type])


class Silent:
    """A player whose frames go nowhere."""

    def __init__(self, *, credit: bool) -> None:
        self.site, self.open = fleet.site(3, 10, 0), credit
        self.sent: list[Any] = []

    def reads(self, refs: range, now_ms: int) -> list[int]:
        return list(refs)

    def send(self, changes: list[Any], reads: list[Any]) -> None:
        self.sent += changes


def test_what_has_no_credit_is_owed_and_sent_later() -> None:
    player = Silent(credit=False)
    turn = runs.Turn(player, 2.5)  # type: ignore[arg-type]
    assert [turn.send(0, 0.1), turn.send(0, 0.1)] == [0, 0]
    player.open = True
    assert turn.send(0, 0.1) == 7
    assert turn.send(0, 0.1) == 3  # the half that was left over
    assert len(player.sent) == 10
    assert {change.index for change in player.sent} <= set(fleet.NUMBERS)


def test_acked_values_that_are_not_told_are_named() -> None:
    class Api:
        def get(self, path: str) -> dict[str, Any]:
            return {"items": [{"key": "a", "value": 1.0}, {"key": "b", "value": 3.0}]}

    items = [{"device": "dev_1", "values": {"a": 1.0, "b": 2.0}}, {"device": "dev_2", "values": {"a": 1.0}}]
    bad = crowd.wrong(Api(), items)  # type: ignore[arg-type]
    assert bad == [f"dev_1 {json.dumps({'b': [2.0, 3.0]})}"]


def test_a_changed_point_has_enough_values_for_an_outage() -> None:
    last = outage.LOWEST + (outage.MOST_EACH - 1) * outage.STEP
    assert -65 <= outage.LOWEST < last <= 20


def test_the_scale_comes_from_the_option_else_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(edition.SCALE, raising=False)
    assert edition.chosen(None) == 1.0
    monkeypatch.setenv(edition.SCALE, "0.2")
    assert edition.chosen(None) == 0.2
    assert edition.chosen(0.5) == 0.5
    for wrong in (0.0, -1.0, 11.0):
        with pytest.raises(Invalid):
            edition.chosen(wrong)


def test_every_named_benchmark_is_there() -> None:
    assert all((edition.ROOT / "bench" / f"{name}.py").exists() for name in edition.NAMES)


def test_an_unknown_benchmark_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert edition.run("nothing", as_json=False) == 2
    assert "There is no benchmark 'nothing'" in capsys.readouterr().err


def test_a_scaled_number_stays_workable() -> None:
    assert Options(scale=0.02).of(40, 4) == 4
