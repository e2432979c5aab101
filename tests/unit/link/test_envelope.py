"""Every message there and back, and what must never be believed about a frame."""

import contextlib
import typing

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from soundpost.device.model import Descriptor, Endpoint, Identity
from soundpost.kernel.errors import Corrupt
from soundpost.link import envelope as e
from soundpost.link.commands import Command

IDENTITY = Identity("converge_pro2", "1234-5678-90", Endpoint("10.0.0.4", 23))
MESSAGES: list[e.Message] = [
    e.Challenge(hub="hub_x", nonce=b"n" * 32, level=1, lowest=1, version="0.1.0", name="Headquarters"),
    e.Join(name="London-HQ", password="a long password", public_key=b"k" * 32, boot="boot_1"),
    e.Joined(agent="agt_1", site="sit_1", site_name="London-HQ"),
    e.Refused(code="busy", text="Later.", params={"n": 1}, retry_after_s=2.5),
    e.Hello(agent="agt_1", boot="boot_1", nonce=b"m" * 32, host="av.example.com", signature=b"s" * 64, zone="Europe/London"),
    e.Welcome(
        level=1,
        hub="hub_x",
        site="sit_1",
        site_name="London",
        account="London-HQ",
        now_ms=5,
        known=[e.Known(id="dev_1", kind="stack", identity=IDENTITY, boxes=["1"])],
        plan=e.SitePlan(revision=3, subnets=["10.0.0.0/24"]),
    ),
    e.Schema(number=1, descriptors=[Descriptor("mic.302.level.mute", "bool", writable=True)]),
    e.Declare(ref=1, device="dev_1", identity=IDENTITY, generation=1, schema=1),
    e.Facts(n=1, facts=[b"one", b"two"]),
    e.Values(n=1, changes=[e.Change(1, 0, True, 5), e.Change(1, 1, -3.5, 5, "error", "device", "BUSY")], reads=[e.Read(1, 0, 9)]),
    e.CaughtUp(),
    e.Ack(lane="facts", n=7),
    e.Ask(command=Command(id="cmd_1", device="dev_1", capability="locate", arguments={"on": True})),
    e.Seen(id="cmd_1"),
    e.GoAsk(id="cmd_1"),
    e.GoAnswer(id="cmd_1", go=False, code="aborted"),
    e.Beat(now_ms=1, echo_ms=2, held_ms=3),
    e.Plan(plan=e.SitePlan(revision=2)),
    e.Scan(),
    e.ScanState(ranges=[e.RangeState("eth0", "10.0.0.0/24", 3)], sets=[e.SetState("cred_1", "clearone")]),
    e.Pick(id="converge_pro2@10.0.0.4:23"),
    e.Busy(retry_after_s=1.0),
    e.Fetch(id=1, device="dev_1"),
    e.Fetched(id=1, data=b"> VERSION * FW 1"),
]  # fmt: skip


def code_of(frame: bytes, **caps: int) -> str:
    with pytest.raises(Corrupt) as caught:
        e.decode(frame, **caps)
    return caught.value.code


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_comes_back_as_it_went(message: e.Message) -> None:
    assert e.decode(e.encode(message)) == message


def test_no_message_is_missing_above() -> None:
    assert {type(message) for message in MESSAGES} == set(typing.get_args(e.AnyMessage))


def test_tags_are_never_given_twice() -> None:
    tags = [kind.__struct_config__.tag for kind in typing.get_args(e.AnyMessage)]
    assert len(tags) == len(set(tags))


def test_a_password_is_never_printed() -> None:
    assert "a long password" not in repr(MESSAGES[1])


def test_large_messages_are_compressed() -> None:
    frame = e.encode(e.Values(n=1, changes=[e.Change(ref, 0, 1.0, 5) for ref in range(5_000)]))
    assert frame[0] == 1
    assert len(frame) < 30_000


# -- growing


def test_fields_a_later_level_adds_at_the_end_are_ignored() -> None:
    body = msgspec.msgpack.decode(e.encode(e.Ack(lane="facts", n=7))[1:])
    assert e.decode(b"\x00" + msgspec.msgpack.encode([*body, "new", {"more": 1}])) == e.Ack(lane="facts", n=7)


def test_fields_an_earlier_level_does_not_send_take_their_defaults() -> None:
    assert e.decode(b"\x00" + msgspec.msgpack.encode([17, 123])) == e.Beat(now_ms=123)
    assert e.Beat(now_ms=123).held_ms == -1


def test_an_unknown_tag_is_named_as_such() -> None:
    assert code_of(b"\x00" + msgspec.msgpack.encode([999, 1])) == "message_unknown"


# -- what must never be believed


def test_caps_hold_at_both_ends() -> None:
    assert code_of(b"\x00" * (e.FRAME_CAP + 1)) == "frame_too_large"
    incompressible = [bytes(zstandard.ZstdCompressor().compress(str(n).encode() * 9)) * 40 for n in range(50)]
    with pytest.raises(Corrupt) as caught:
        e.encode(e.Facts(n=1, facts=[b"x" * (e.BODY_CAP + 1)]))
    assert caught.value.code == "frame_too_large"
    assert len(e.encode(e.Facts(n=1, facts=incompressible))) < e.FRAME_CAP


def test_strangers_get_smaller_caps() -> None:
    frame = e.encode(e.Facts(n=1, facts=[bytes(20_000)]))
    assert e.decode(frame)
    assert code_of(frame, body_cap=10_000) == "frame_too_large"
    assert code_of(b"\x00" + bytes(500), frame_cap=100) == "frame_too_large"


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = b"\x01" + zstandard.ZstdCompressor().compress(bytes(200 << 20))
    assert len(bomb) < 100_000
    assert code_of(bomb) == "frame_too_large"


def test_a_bomb_that_hides_its_size_is_refused() -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    assert code_of(b"\x01" + compressor.compress(bytes(1 << 20)) + compressor.flush()) == "frame_too_large"


@pytest.mark.parametrize("frame", [b"", b"\x02abc", b"\x01not zstd", b"\x01"], ids=repr)
def test_what_is_no_frame_is_named_as_such(frame: bytes) -> None:
    assert code_of(frame) == "frame_unreadable"


def test_deep_nesting_does_not_take_the_program_down() -> None:
    assert code_of(b"\x00" + b"\x91" * 200_000) == "message_unknown"
    deep = b"\x94" + msgspec.msgpack.encode(13) + b"\x91" * 200_000
    assert code_of(b"\x00" + deep) == "message_unknown"


@given(st.binary(max_size=300))
@settings(max_examples=500, deadline=None)
def test_whatever_comes_is_a_message_or_corrupt(frame: bytes) -> None:
    with contextlib.suppress(Corrupt):
        assert isinstance(e.decode(frame), e.Message)


def test_the_signature_covers_every_field_and_where_it_ends() -> None:
    base = ["hub", "host", b"a", b"b", "agt", "boot"]
    signed = {e.signed_bytes(*base)}  # type: ignore[arg-type]
    for place, other in enumerate(["hu", "hos", b"", b"bb", "agtb", "oot"]):
        signed.add(e.signed_bytes(*[*base[:place], other, *base[place + 1 :]]))  # type: ignore[arg-type]
    assert len(signed) == 7
    assert e.signed_bytes("a", "bc", b"", b"", "", "") != e.signed_bytes("ab", "c", b"", b"", "", "")
