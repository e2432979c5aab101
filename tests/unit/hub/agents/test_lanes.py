"""Facts and values on their way up: order, acks that follow commits, what can't be read, what is not this site's."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.hub.agents.peers import House, fact

from soundpost.hub.agents import repo
from soundpost.hub.agents.rules import Limits
from soundpost.link import envelope, events
from soundpost.link.envelope import Beat, CaughtUp, Change, Facts, Message, Read, Refused, Values

pytestmark = pytest.mark.slow


def frame(n: int, *facts: events.Fact) -> Facts:
    return Facts(n=n, facts=[events.pack(entry) for entry in facts])


async def test_an_ack_follows_the_commit(house: House) -> None:
    peer = await house.connected()
    house.receiver.hold = True
    peer.say(frame(1, fact(1)))
    await house.idle()
    assert peer.acks() == []
    house.receiver.commit(house.receiver.deliveries[0])
    await house.idle()
    assert peer.acks() == [1]
    assert await house.logged("device.status") == ["device.status"]


async def test_an_ack_never_skips_a_frame(house: House) -> None:
    peer = await house.connected()
    house.receiver.hold = True
    for n in (1, 2, 3):
        peer.say(frame(n, fact(n)))
    one, two, three = house.receiver.deliveries
    for delivery in (two, three):
        house.receiver.commit(delivery)
    await house.idle()
    assert peer.acks() == []
    house.receiver.commit(one)
    await house.idle()
    assert peer.acks() == [3]


async def test_one_unreadable_entry_among_a_hundred(house: House) -> None:
    peer = await house.connected()
    bodies = [events.pack(fact(n)) for n in range(100)]
    bodies[40] = bodies[40][:30]
    bodies[41] = b"\x63" + bodies[41][1:]
    bodies[42] = b"junk"
    peer.say(Facts(n=1, facts=bodies))
    await house.idle()
    assert peer.acks() == [1]
    assert len(await house.logged("device.status")) == 97
    assert sorted(await house.set_aside()) == ["fact_level", "fact_level", "fact_unreadable"]
    assert not peer.closed


async def test_an_entry_set_aside_last_does_not_look_like_a_hub_that_went_back(house: House) -> None:
    peer = await house.connected()
    spoilt = events.pack(fact(2))[:30]
    peer.say(Facts(n=1, facts=[events.pack(fact(1)), spoilt]))
    await house.idle()
    again = house.call(peer.key)
    welcome = await again.hello(agent=peer.agent, last_acked=fact(2).uid)
    assert isinstance(welcome, envelope.Welcome)
    assert (welcome.knows_acked, welcome.last_uid) == (True, fact(2).uid)
    again.say(Facts(n=1, facts=[spoilt]))
    await house.idle()
    assert again.acks() == [1]
    assert await house.set_aside() == ["fact_unreadable"]
    assert "hub.restored" not in await house.logged()


async def test_a_fact_for_another_hub_is_set_aside(house: House) -> None:
    peer = await house.connected()
    peer.say(frame(1, fact(1, hub="hub_other"), fact(2, hub="hub_0123456789")))
    await house.idle()
    assert await house.set_aside() == ["other_hub"]
    assert len(await house.logged("device.status")) == 1
    assert peer.acks() == [1]


async def test_a_failed_commit_closes_the_link_and_acks_nothing(house: House) -> None:
    peer = await house.connected()
    house.receiver.failing = True
    peer.say(frame(1, fact(1)))
    peer.say(frame(2, fact(2)))
    await house.idle()
    assert await peer.refusal() == "not_committed"
    assert peer.acks() == []
    assert await house.logged("device.status") == []
    house.receiver.failing = False
    again = await house.again(peer)
    again.say(frame(1, fact(1), fact(2)))
    await house.idle()
    assert again.acks() == [1]
    assert len(await house.logged("device.status")) == 2


async def test_a_line_that_dies_between_commit_and_ack(house: House) -> None:
    peer = await house.connected()
    house.receiver.hold = True
    peer.say(frame(1, fact(1), fact(2)))
    peer.session.gone()
    house.receiver.commit(house.receiver.deliveries[0])
    await house.idle()
    assert peer.acks() == []
    house.receiver.hold = False
    again = await house.again(peer)
    again.say(frame(1, fact(1), fact(2), fact(3)))
    await house.idle()
    assert again.acks() == [1]
    assert len(await house.logged("device.status")) == 3


@pytest.mark.parametrize("numbers", [[2], [1, 1], [1, 3]])
async def test_a_missing_or_repeated_frame_ends_the_connection(house: House, numbers: list[int]) -> None:
    peer = await house.connected()
    for n in numbers:
        peer.say(frame(n, fact(n)))
    await house.idle()
    assert await peer.refusal() == "frame_gap"


async def test_more_than_the_credit_ends_the_connection(house: House) -> None:
    peer = await house.connected()
    house.receiver.hold = True
    for n in range(1, envelope.CREDIT["facts"] + 2):
        peer.say(frame(n, fact(n)))
    assert await peer.refusal() == "credit_exceeded"
    assert len(house.receiver.deliveries) == envelope.CREDIT["facts"]


async def test_what_comes_before_caught_up_is_late(house: House) -> None:
    peer = await house.connected()
    peer.say(frame(1, fact(1)))
    peer.say(CaughtUp())
    peer.say(frame(2, fact(2)))
    assert [delivery.late for delivery in house.receiver.deliveries] == [True, False]


async def test_an_unknown_message_ends_the_connection(house: House) -> None:
    peer = await house.connected()
    peer.session.feed(b"\x00\x91\xcd\x03\xe7")
    assert await peer.refusal() == "message_unknown"


# -- values


async def test_values_are_handed_up_as_they_came(house: House) -> None:
    peer = await house.connected()
    peer.schema()
    peer.declare(1, "dev_a")
    peer.declare(2, "dev_b")
    peer.say(Values(n=1, changes=[Change(1, 0, True, 5), Change(2, 0, False, 5)], reads=[Read(1, 0, 9)], snapshot=True))
    await house.idle()
    delivery = house.receiver.deliveries[-1]
    assert [(delivery.devices[change.ref], change.value) for change in delivery.values] == [
        ("dev_a", True),
        ("dev_b", False),
    ]
    assert (delivery.reads, delivery.snapshot, delivery.last_uid) == ([Read(1, 0, 9)], True, b"")
    assert peer.acks("values") == [1]


async def test_a_device_of_another_site_is_refused_and_its_values_dropped(house: House) -> None:
    peer = await house.connected()
    house.receiver.foreign["dev_theirs"] = "sit_other"
    peer.schema()
    peer.declare(1, "dev_a")
    peer.declare(2, "dev_theirs")
    peer.say(Values(n=1, changes=[Change(1, 0, 1, 5), Change(2, 0, 2, 5), Change(2, 0, 3, 5)], reads=[Read(2, 0, 9)]))
    await house.idle()
    delivery = house.receiver.deliveries[-1]
    assert [change.ref for change in delivery.values] == [1]
    assert delivery.reads == []
    assert peer.session.dropped_entries == 3
    assert peer.acks("values") == [1]
    assert not peer.closed


async def test_a_delivery_keeps_its_devices_when_one_is_refused_later(house: House) -> None:
    peer = await house.connected()
    house.receiver.hold = True
    peer.schema()
    peer.declare(1, "dev_a")
    peer.say(Values(n=1, changes=[Change(1, 0, 1, 5)]))
    house.receiver.foreign["dev_a"] = "sit_other"
    peer.declare(1, "dev_a")
    peer.say(Values(n=2, changes=[Change(1, 0, 1, 5)]))
    first, second = house.receiver.deliveries
    assert first.devices[first.values[0].ref] == "dev_a"
    assert (second.values, dict(second.devices)) == ([], {})


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([Values(n=1, changes=[Change(7, 0, 1, 5)])], "ref_unknown"),
        ([Values(n=1, changes=[Change(1, 0, 1, 5)] * 5_001)], "frame_too_large"),
        ([Facts(n=1, facts=[b"x"] * 501)], "frame_too_large"),
        (
            [envelope.Declare(ref=9, device="dev_x", identity=envelope.Identity("f", "9"), generation=1, schema=44)],
            "schema_unknown",
        ),
        ([envelope.Join(name="a", password="b", public_key=b"")], "out_of_turn"),
    ],
)
async def test_what_breaks_the_treaty_ends_the_connection(house: House, messages: list[Message], code: str) -> None:
    peer = await house.connected()
    peer.schema()
    peer.declare(1, "dev_a")
    for message in messages:
        peer.say(message)
    assert await peer.refusal() == code


async def test_one_number_for_two_devices_ends_the_connection(house: House) -> None:
    peer = await house.connected()
    peer.schema()
    peer.declare(1, "dev_a")
    peer.declare(1, "dev_b")
    assert await peer.refusal() == "ref_taken"


@pytest.mark.parametrize("limits", [Limits(devices=2), Limits(schemas=0)])
async def test_what_a_session_may_hold_is_bounded(tmp_path: Path, limits: Limits) -> None:
    async with House(tmp_path / "soundpost.db", limits=limits) as house:
        peer = await house.connected()
        peer.schema()
        for ref in range(3):
            peer.declare(ref, f"dev_{ref}")
        assert await peer.refusal() in ("too_many_devices", "too_many_schemas")


async def test_a_fault_in_the_hub_ends_the_connection_and_acks_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = await house.connected()

    def broken(delivery: object) -> None:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr(house.receiver, "deliver", broken)
    peer.say(frame(1, fact(1)))
    assert await peer.refusal() == "hub_fault"
    assert peer.acks() == []


async def test_an_agent_that_takes_nothing_is_hung_up_on(house: House) -> None:
    peer = await house.connected()
    peer.takes = False
    peer.say(frame(1, fact(1)))
    await house.idle()
    assert peer.closed


# -- clocks


async def test_a_clock_one_hour_off_is_corrected_and_never_refused(house: House) -> None:
    await house.account()
    peer = house.call()
    await peer.join()
    hour = 3_600_000
    assert isinstance(await peer.hello(now_ms=house.clock.now_ms() - hour), envelope.Welcome)
    assert peer.session.source.offset_ms == hour
    peer.say(frame(1, fact(1)))
    await house.idle()
    logged = [event for event in house.heard if event.type == "device.status"]
    assert logged[0].time_ms == 1_795_000_000_000 + hour
    assert logged[0].received_ms == house.clock.now_ms()


async def test_half_the_round_trip_is_taken_off(house: House) -> None:
    peer = await house.connected()
    now = house.clock.now_ms()
    peer.say(Beat(now_ms=now - 5_000, echo_ms=now - 200, held_ms=100))
    assert peer.session.offset.delay_ms == 50
    assert peer.session.source.offset_ms == 4_950


# -- one end went back


async def rolled_back(path: Path) -> tuple[Ed25519PrivateKey, str, str]:
    """A hub restored from a copy made before its agent's last facts. Returns key, agent and the log's id before."""
    copy = path.with_name("copy.db")
    async with House(path) as house:
        peer = await house.connected()
        peer.say(frame(1, fact(1)))
        await house.idle()
        with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(copy)) as other:
            one.backup(other)
        peer.say(frame(2, fact(2), fact(3)))
        await house.idle()
        before = house.store.log_id
    path.unlink()
    for leftover in path.parent.glob("soundpost.db-*"):
        leftover.unlink()
    copy.rename(path)
    return peer.key, peer.agent, before


async def test_a_hub_that_went_back_says_so_and_gets_everything_again(tmp_path: Path) -> None:
    path = tmp_path / "soundpost.db"
    key, agent, before = await rolled_back(path)
    async with House(path) as house:
        peer = house.call(key)
        welcome = await peer.hello(agent=agent, last_acked=fact(3).uid)
        assert isinstance(welcome, envelope.Welcome)
        assert (welcome.knows_acked, welcome.last_uid) == (False, fact(1).uid)
        assert welcome.log == house.store.log_id != before
        assert await house.logged("hub.restored") == ["hub.restored"]
        second = house.call(key)
        await second.hello(agent=agent, last_acked=fact(3).uid)
        assert await house.logged("hub.restored") == ["hub.restored"]
        assert house.store.log_id == welcome.log
        second.say(frame(1, fact(1), fact(2), fact(3)))
        await house.idle()
        assert len(await house.logged("device.status")) == 3
        third = await house.call(key).hello(agent=agent, last_acked=fact(3).uid)
        assert isinstance(third, envelope.Welcome)
        assert (third.knows_acked, third.last_uid, third.log) == (True, fact(3).uid, welcome.log)


async def test_an_agent_that_went_back_is_a_visible_fact(house: House) -> None:
    peer = await house.connected()
    back = events.Fact(
        uid=fact(9).uid, type="link.went_back", time_ms=5, data=events.data(events.WentBack(who="agent"))
    )
    peer.say(frame(1, back))
    await house.idle()
    assert await house.logged("agent.restored") == ["agent.restored"]


async def test_welcome_names_the_last_fact_the_hub_has(house: House) -> None:
    peer = await house.connected()
    peer.say(frame(1, fact(1), fact(2)))
    await house.idle()
    again = house.call(peer.key)
    welcome = await again.hello(agent=peer.agent, last_acked=fact(1).uid)
    assert isinstance(welcome, envelope.Welcome)
    assert (welcome.knows_acked, welcome.last_uid) == (True, fact(2).uid)
    row = await house.store.read(lambda conn: repo.account(conn, peer.agent))
    assert row is not None
    assert row.last_uid == fact(2).uid
    assert not isinstance(again.heard[-1], Refused)
