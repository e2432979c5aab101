"""A key that grew old is replaced by one it vouches for; whatever is cut off in between, one of the two opens the account (T27)."""

import os
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.support.clock import ManualClock

from soundpost.agent.identity import KEY_MS, LOCAL, Account, Identity
from soundpost.link.envelope import Hello, Welcome, key_bytes, signed_bytes

NONCE = b"n" * 32


class Hub:
    """What hub.agents.admission keeps of one account."""

    def __init__(self, key: bytes) -> None:
        self.key, self.next_key = key, b""

    def admits(self, hello: Hello) -> bool:
        signed = signed_bytes("hub_1", "h:1", NONCE, hello.nonce, hello.agent, hello.boot)
        for key in (self.key, self.next_key):
            if key and fits(key, hello.signature, signed):
                if key == self.next_key:
                    self.key, self.next_key = key, b""
                elif hello.next_key and fits(
                    key, hello.next_signature, key_bytes("hub_1", hello.agent, hello.next_key)
                ):
                    self.next_key = hello.next_key
                return True
        return False

    @property
    def welcome(self) -> Welcome:
        return Welcome(level=1, hub="hub_1", site="s", site_name="S", account="a", now_ms=0, next_key=self.next_key)


def fits(key: bytes, signature: bytes, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except InvalidSignature:
        return False
    return True


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def identity(tmp_path: Path, clock: ManualClock) -> Identity:
    return Identity(tmp_path, clock, "1")


def hello(identity: Identity, reader: str = "hub") -> Hello:
    return identity.hello(Account(reader=reader, hub="hub_1", host="h:1", agent="agt_1"), NONCE, os.urandom(32))


def old(identity: Identity, clock: ManualClock, folder: Path) -> Hub:
    hub = Hub(identity.public_key("hub"))
    grown = (clock.now_ms() - KEY_MS - 1_000) / 1000
    os.utime(folder / "hub.key", (grown, grown))
    return hub


def test_a_young_key_and_the_local_one_offer_nothing(identity: Identity, clock: ManualClock, tmp_path: Path) -> None:
    identity.public_key("hub")
    os.utime(tmp_path / "hub.key", (clock.now_ms() / 1000, clock.now_ms() / 1000))
    assert hello(identity).next_key == b""
    identity.public_key(LOCAL)
    os.utime(tmp_path / "local.key", (1, 1))
    assert hello(identity, LOCAL).next_key == b""


def test_the_new_key_takes_over(identity: Identity, clock: ManualClock, tmp_path: Path) -> None:
    hub = old(identity, clock, tmp_path)
    before = hub.key
    for _ in range(3):
        assert hub.admits(hello(identity))
        identity.welcomed("hub", hub.welcome)
    assert hub.key != before
    assert hub.key == identity.public_key("hub")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["agent.seal", "hub.key"]


def test_an_answer_that_got_lost_locks_nobody_out(identity: Identity, clock: ManualClock, tmp_path: Path) -> None:
    hub = old(identity, clock, tmp_path)
    assert hub.admits(hello(identity))  # noted, but the Welcome never arrived
    assert hub.admits(hello(identity)), "the old key is still good, and offers the same one"
    identity.welcomed("hub", hub.welcome)
    assert hub.admits(hello(identity))  # used, and this Welcome got lost as well
    assert hub.admits(hello(identity)), "the new key signs until it is welcomed"
    identity.welcomed("hub", hub.welcome)
    assert hub.key == identity.public_key("hub")


def test_a_hub_from_an_older_copy_gets_the_old_key_again(
    identity: Identity, clock: ManualClock, tmp_path: Path
) -> None:
    hub = old(identity, clock, tmp_path)
    yesterday = Hub(hub.key)
    assert hub.admits(hello(identity))
    identity.welcomed("hub", hub.welcome)
    assert not yesterday.admits(hello(identity))
    assert identity.fall_back("hub")
    assert yesterday.admits(hello(identity))
    assert not identity.fall_back("hub"), "a second refusal is one"


def test_a_key_that_was_taken_away_takes_its_successors_along(
    identity: Identity, clock: ManualClock, tmp_path: Path
) -> None:
    hub = old(identity, clock, tmp_path)
    assert hub.admits(hello(identity))
    identity.welcomed("hub", hub.welcome)
    identity.renew("hub")
    assert not hub.admits(hello(identity))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["agent.seal", "hub.key"]
