"""Stored facts: read one by one, by old and new programs alike."""

import msgspec
import pytest

from soundpost.kernel import ids
from soundpost.kernel.errors import Corrupt
from soundpost.link import events

FACT = events.Fact(
    uid=ids.uid(1_795_000_000_000),
    type="device.status",
    time_ms=5,
    device="dev_1",
    data=events.data(events.DeviceStatus("offline", 4)),
)


def test_a_fact_comes_back_as_it_went() -> None:
    fact = events.unpack(events.pack(FACT))
    assert fact == FACT
    assert msgspec.msgpack.decode(fact.data, type=events.DeviceStatus).status == "offline"


def test_a_fact_of_a_newer_level_is_told_apart_from_a_broken_one() -> None:
    with pytest.raises(Corrupt) as newer:
        events.unpack(b"\x63" + events.pack(FACT)[1:])
    with pytest.raises(Corrupt) as broken:
        events.unpack(events.pack(FACT)[:-3])
    assert (newer.value.code, broken.value.code) == ("fact_level", "fact_unreadable")


def test_fields_a_later_program_adds_are_ignored() -> None:
    body = events.pack(FACT)
    grown = body[:1] + bytes([body[1] + 1]) + body[2:] + b"\xc3"
    assert events.unpack(grown) == FACT


@pytest.mark.parametrize("spoil", [lambda b: b"\x63" + b[1:], lambda b: b[:25], lambda b: b[:20] + b"\xc1" + b[21:]])
def test_the_uid_of_an_unreadable_fact_is_still_its_uid(spoil) -> None:  # type: ignore[no-untyped-def]
    spoilt = spoil(events.pack(FACT))
    with pytest.raises(Corrupt):
        events.unpack(spoilt)
    assert events.uid_of(spoilt) == FACT.uid


@pytest.mark.parametrize("body", [b"", b"\x01", b"garbage that is long enough to hold a uid"])
def test_what_has_no_uid_has_none(body: bytes) -> None:
    assert events.uid_of(body) == b""


def test_every_type_reads_its_own_data() -> None:
    assert all(issubclass(kind, msgspec.Struct) for kind in events.BODIES.values())
