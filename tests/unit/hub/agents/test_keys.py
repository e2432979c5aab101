"""A new key is vouched for by the old one; either is good until the new one was used (T27)."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.hub.agents.peers import HUB, House, Peer

from soundpost.link.envelope import Refused, Welcome, key_bytes


def offer(old: Peer, new: Ed25519PrivateKey, signer: Ed25519PrivateKey | None = None) -> dict[str, bytes]:
    public = new.public_key().public_bytes_raw()
    return {"next_key": public, "next_signature": (signer or old.key).sign(key_bytes(HUB, old.agent, public))}


async def says(house: House, key: Ed25519PrivateKey, agent: str, **more: bytes) -> Welcome | Refused:
    peer = house.call(key)
    answer = await peer.hello(agent=agent, **more)
    peer.session.gone()
    await house.idle()
    return answer


async def test_the_new_key_takes_over_when_it_is_used(house: House) -> None:
    first = await house.connected()
    new = Ed25519PrivateKey.generate()
    taken = await says(house, first.key, first.agent, **offer(first, new))
    assert isinstance(taken, Welcome)
    assert taken.next_key == new.public_key().public_bytes_raw()
    # Either is good: the answer may have got lost on the way.
    assert isinstance(await says(house, first.key, first.agent), Welcome)
    assert isinstance(await says(house, new, first.agent), Welcome)
    gone = await says(house, first.key, first.agent)
    assert isinstance(gone, Refused)
    assert gone.code == "key_revoked"
    assert await house.logged("agent.key_changed") == ["agent.key_changed"]


async def test_a_key_nobody_vouched_for_is_not_noted(house: House) -> None:
    first = await house.connected()
    new, thief = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    forged = offer(first, new, signer=thief)
    for bad in (forged, {**forged, "next_key": b"short"}, {"next_key": new.public_key().public_bytes_raw()}):
        answer = await says(house, first.key, first.agent, **bad)
        assert isinstance(answer, Welcome)
        assert answer.next_key == b""
    refused = await says(house, new, first.agent)
    assert isinstance(refused, Refused)
    assert refused.code == "bad_signature"


async def test_a_hand_over_forgets_both_keys(house: House) -> None:
    from tests.unit.hub.agents.test_admission import SAM

    first = await house.connected()
    new = Ed25519PrivateKey.generate()
    await says(house, first.key, first.agent, **offer(first, new))
    await house.agents.hand_over(SAM, first.agent)
    for key in (first.key, new):
        answer = await says(house, key, first.agent)
        assert isinstance(answer, Refused)
