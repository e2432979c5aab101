"""Every way of not being let in has its own code; joining, holding, handing over; two holders."""

import asyncio
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.hub.agents.peers import PASSWORD, SAM, House, Peer

from soundpost.hub.agents import rules
from soundpost.hub.agents.rules import Limits
from soundpost.link import envelope
from soundpost.link.envelope import Beat, Challenge, Joined, Refused, Welcome

pytestmark = pytest.mark.slow


async def test_the_hub_speaks_first(house: House) -> None:
    peer = house.call()
    challenge = peer.heard[0]
    assert isinstance(challenge, Challenge)
    assert (challenge.hub, challenge.name, len(challenge.nonce)) == ("hub_0123456789", "HQ", 32)
    other = house.call().heard[0]
    assert isinstance(other, Challenge)
    assert other.nonce != challenge.nonce


async def test_joining_and_being_welcomed(house: House) -> None:
    agent = await house.account()
    peer = house.call()
    joined = await peer.join()
    assert isinstance(joined, Joined)
    account = house.agents.get(agent)
    assert (joined.agent, joined.site, joined.site_name) == (agent, account.site, "London")
    welcome = await peer.hello(zone="Europe/London", version="1.2.0")
    assert isinstance(welcome, Welcome)
    assert (welcome.site, welcome.account, welcome.knows_acked, welcome.last_uid) == (account.site, "London", True, b"")
    assert [known.id for known in welcome.known] == ["dev_known"]
    assert welcome.log == house.store.log_id
    account = house.agents.get(agent)
    assert (account.state, account.version, account.address) == ("connected", "1.2.0", "10.50.0.4")
    assert house.agents.sites[account.site].zone == "Europe/London"
    assert house.receiver.told[-1] == ("attached", agent)
    assert await house.logged() == ["agent.added", "agent.joined", "agent.connected"]


async def test_a_name_nobody_has(house: House) -> None:
    peer = house.call()
    await peer.join("Nowhere")
    assert await peer.refusal() == "unknown_account"
    assert house.links.admission.unknown["Nowhere"].count == 1


async def test_a_wrong_password_and_how_often(house: House) -> None:
    agent = await house.account()
    for _ in range(3):
        peer = house.call()
        await peer.join(password="wrong horse battery")
        assert await peer.refusal() == "wrong_password"
        await house.wait(2)
    account = house.agents.get(agent)
    assert account.state == "refused"
    assert account.reason is not None
    assert account.reason.text == "Wrong password, 3 tries, last from 10.50.0.4."
    peer = house.call()
    assert isinstance(await peer.join(), Joined)
    await peer.hello()
    assert house.agents.get(agent).reason is None


async def test_too_many_wrong_passwords_from_one_place(house: House) -> None:
    await house.account()
    for _ in range(20):
        await house.call().join(password="wrong horse battery")
    refused = await house.call().join()
    assert isinstance(refused, Refused)
    assert (refused.code, refused.final) == ("too_many_tries", False)
    assert isinstance(await house.call(address="10.60.0.1").join(), Joined)


async def test_tries_are_still_counted_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "soundpost.db"
    async with House(path) as house:
        await house.account()
        await house.call().join(password="wrong horse battery")
    async with House(path) as house:
        await house.call().join(password="wrong horse battery")
        account = house.agents.by_name("london")
        assert account is not None
        assert account.reason is not None
        assert account.reason.params["tries"] == 2


async def test_a_second_machine_is_refused_while_a_key_holds_the_account(house: House) -> None:
    first = await house.connected()
    second = house.call()
    await second.join()
    assert await second.refusal() == "account_held"
    assert not first.closed
    reason = house.links.admission.tries[first.agent]
    assert (reason.code, reason.count) == ("account_held", 1)


async def test_the_same_machine_may_ask_again_when_its_answer_got_lost(house: House) -> None:
    await house.account()
    key = Ed25519PrivateKey.generate()
    first = await house.call(key).join()
    assert await house.call(key).join() == first
    assert await house.logged("agent.joined") == ["agent.joined"]


async def test_handing_over(house: House) -> None:
    old = await house.connected()
    password = await house.agents.hand_over(SAM, old.agent)
    assert await old.refusal() == "handed_over"
    assert house.agents.get(old.agent).state == "never"
    back = house.call(old.key)
    await back.hello(agent=old.agent)
    assert await back.refusal() == "key_revoked"
    refused = await house.call().join(password=PASSWORD)
    assert isinstance(refused, Refused)
    assert refused.code == "wrong_password"
    new = house.call()
    joined = await new.join(password=password)
    assert isinstance(joined, Joined)
    assert joined.agent == old.agent
    assert isinstance(await new.hello("boot_2"), Welcome)


async def test_an_old_password_proved_while_the_account_is_handed_over_opens_nothing(house: House) -> None:
    old = await house.connected()
    real = house.agents.passwords.verify

    async def slow(hashed: str | None, password: str) -> bool:
        right = await real(hashed, password)
        house.agents.passwords.verify = real  # type: ignore[method-assign]
        await house.agents.hand_over(SAM, old.agent)
        return right

    house.agents.passwords.verify = slow  # type: ignore[method-assign]
    refused = await house.call().join(password=PASSWORD)
    assert isinstance(refused, Refused)
    assert refused.code == "wrong_password"
    assert house.agents.get(old.agent).public_key is None


async def test_a_key_that_does_not_fit(house: House) -> None:
    first = await house.connected()
    stranger = house.call()
    await stranger.hello(agent=first.agent)
    assert await stranger.refusal() == "bad_signature"
    assert not first.closed


@pytest.mark.parametrize("field", ["host", "nonce", "boot"])
async def test_each_signed_field_counts(house: House, field: str) -> None:
    first = await house.connected()
    other: dict[str, object] = {"host": "evil.example.com", "nonce": b"x" * 32, "boot": "boot_9"}
    peer = house.call(first.key)
    await peer.hello("boot_1", first.agent, spoil={field: other[field]})
    assert await peer.refusal() == "bad_signature"


async def test_a_hello_can_t_be_said_again_elsewhere(house: House) -> None:
    first = await house.connected()
    challenge = first.heard[0]
    assert isinstance(challenge, Challenge)
    replay = house.call(first.key)
    replay.heard[0] = challenge
    await replay.hello("boot_1", first.agent)
    assert await replay.refusal() == "bad_signature"


async def test_a_deleted_account(house: House) -> None:
    peer = await house.connected()
    await house.agents.delete(SAM, peer.agent)
    assert await peer.refusal() == "account_deleted"
    again = house.call(peer.key)
    await again.hello(agent=peer.agent)
    assert await again.refusal() == "key_revoked"


async def test_a_person_s_name_at_the_agents_door(tmp_path: Path) -> None:
    async with House(tmp_path / "soundpost.db", person="sam@example.com") as house:
        peer = house.call()
        await peer.join("sam@example.com")
        assert await peer.refusal() == "not_an_agent"


async def test_an_agent_of_another_known_site_waits_for_a_person(house: House) -> None:
    paris = await house.connected("Paris")
    await house.account("London")
    peer = house.call()
    refused = await peer.join("London", site=house.agents.get(paris.agent).site)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.params["site"]) == ("other_site", "Paris")
    assert isinstance(await house.call().join("London", site="sit_made_at_the_site"), Joined)


@pytest.mark.parametrize(("level", "lowest", "code"), [(0, 0, "level_too_old"), (9, 9, "level_too_new"), (9, 1, "")])
async def test_levels(house: House, level: int, lowest: int, code: str) -> None:
    await house.account()
    peer = house.call()
    answer = await peer.join(level=level, lowest=lowest)
    assert (answer.code if isinstance(answer, Refused) else "") == code
    if not code:
        welcome = await peer.hello(level=level, lowest=lowest)
        assert isinstance(welcome, Welcome)
        assert welcome.level == 1


async def test_levels_at_hello(house: House) -> None:
    first = await house.connected()
    peer = house.call(first.key)
    await peer.hello("boot_1", first.agent, level=7, lowest=7)
    assert await peer.refusal() == "level_too_new"


async def test_a_key_of_another_kind(house: House) -> None:
    await house.account()
    peer = house.call()
    await peer.join(public_key=b"short")
    assert await peer.refusal() == "key_unusable"


# -- two holders


async def test_the_newest_session_of_one_key_wins(house: House) -> None:
    first = await house.connected()
    second = await house.again(first)
    assert await first.refusal() == "replaced"
    assert not second.closed
    assert house.links.sessions[first.agent] is second.session
    await house.wait(20)
    assert "agent.lost" not in await house.logged()


async def test_a_restarted_agent_is_nobody_s_clone(house: House) -> None:
    peer = await house.connected()
    for boot in ("boot_2", "boot_3", "boot_4"):
        peer = await house.again(peer, boot)
        peer.agent = peer.session.agent
    assert house.agents.get(peer.agent).past.boots == ["boot_1", "boot_2", "boot_3"]


async def test_a_replaced_boot_that_comes_back_proves_two_holders(house: House) -> None:
    first = await house.connected()
    clone = await house.again(first, "boot_2")
    back = house.call(first.key)
    await back.hello("boot_1", first.agent)
    assert await back.refusal() == "held_twice"
    assert await clone.refusal() == "held_twice"
    assert house.agents.get(first.agent).state == "held_twice"
    for boot in ("boot_1", "boot_2", "boot_3"):
        peer = house.call(first.key)
        await peer.hello(boot, first.agent)
        assert await peer.refusal() == "held_twice"
    assert await house.logged("agent.held_twice") == ["agent.held_twice"]
    assert house.receiver.told[-1] == ("held_twice", first.agent)
    await _picked(house, first)


async def _picked(house: House, one: Peer) -> None:
    """A person hands the account over: the chosen machine joins anew, the other stays out."""
    password = await house.agents.hand_over(SAM, one.agent)
    chosen = house.call()
    assert isinstance(await chosen.join(password=password), Joined)
    assert isinstance(await chosen.hello("boot_1"), Welcome)
    other = house.call(one.key)
    await other.hello("boot_2", one.agent)
    assert await other.refusal() == "key_revoked"
    assert not chosen.closed


async def test_held_twice_also_keeps_out_by_password_until_handed_over(house: House) -> None:
    first = await house.connected()
    await house.again(first, "boot_2")
    await house.call(first.key).hello("boot_1", first.agent)
    peer = house.call()
    await peer.join()
    assert await peer.refusal() == "held_twice"


# -- out of turn, too many, too slow


async def test_lanes_are_closed_to_strangers(house: House) -> None:
    for message in (Beat(now_ms=1), envelope.Facts(n=1, facts=[])):
        peer = house.call()
        peer.say(message)
        assert await peer.refusal() == "out_of_turn"


async def test_a_stranger_may_not_send_large_frames(house: House) -> None:
    peer = house.call()
    peer.session.feed(b"\x00" + bytes(20_000))
    assert await peer.refusal() == "frame_too_large"


async def test_speaking_while_the_hub_thinks_is_out_of_turn(house: House) -> None:
    await house.account()
    peer = house.call()
    public = peer.key.public_key().public_bytes_raw()
    for _ in range(2):
        peer.say(envelope.Join(name="London", password=PASSWORD, public_key=public))
    assert await peer.refusal() == "out_of_turn"


async def test_a_stranger_who_says_nothing_is_hung_up_on(house: House) -> None:
    peer = house.call()
    await house.wait(14)
    assert not peer.closed
    await house.wait(2)
    assert await peer.refusal() == "too_slow"


async def test_too_many_at_once_are_told_when_to_come_again(tmp_path: Path) -> None:
    async with House(tmp_path / "soundpost.db", limits=Limits(admit_rate=10, admit_burst=5)) as house:
        peers = [house.call() for _ in range(8)]
        refused = [peer.heard[0] for peer in peers[5:]]
        assert all(isinstance(message, Refused) and message.code == "busy" for message in refused)
        waits = [message.retry_after_s for message in refused if isinstance(message, Refused)]
        assert waits == sorted(waits)
        assert waits[0] >= 1.0
        await house.wait(1)
        assert isinstance(house.call().heard[0], Challenge)


async def test_argon2_is_not_queued_for_without_end(tmp_path: Path) -> None:
    async with House(tmp_path / "soundpost.db", limits=Limits(hashes_waiting=2)) as house:
        await house.account()
        answers = await asyncio.gather(*(house.call(address=f"10.0.0.{n}").join() for n in range(4)))
        codes = sorted(answer.code if isinstance(answer, Refused) else "joined" for answer in answers)
        assert codes == ["account_held", "busy", "busy", "joined"]


def test_every_refusal_says_what_to_do() -> None:
    params = dict.fromkeys(("name", "site", "own_site", "theirs", "ours"), "X")
    for code in rules.SENTENCES:
        refused = rules.refusal(code, **params)
        assert refused.text.endswith(".")
        assert "{" not in refused.text
