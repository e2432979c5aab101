"""The ground floor: ids sort by time, backoff stays in its bounds, secrets stay sealed and masked."""

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundpost.kernel import backoff, ids, log, sealed
from soundpost.kernel.clock import parse_rfc3339, rfc3339, rfc3339_us
from soundpost.kernel.errors import Corrupt
from soundpost.kernel.signal import Signal

MOMENTS = st.integers(0, 2**47)


@given(st.binary(min_size=16, max_size=16))
def test_an_id_is_its_sixteen_bytes(raw: bytes) -> None:
    text = ids.text(raw)
    assert len(text) == 26
    assert ids.raw(text) == raw


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_the_order_of_bytes_is_kept(one: bytes, other: bytes) -> None:
    assert (one < other) == (ids.text(one) < ids.text(other))


@given(MOMENTS, MOMENTS)
def test_ids_sort_by_when_they_were_minted(one: int, other: int) -> None:
    if one < other:
        assert ids.mint("dev", one) < ids.mint("dev", other)


def test_ids_have_a_known_prefix_and_shape() -> None:
    minted = ids.mint("sit", 1_795_000_000_000)
    assert ids.is_id("sit", minted)
    assert not ids.is_id("dev", minted)
    assert not ids.is_id("sit", minted[:-1])
    with pytest.raises(ValueError, match="no id prefix"):
        ids.mint("nonsense", 0)


def test_a_uid_is_a_uuid_of_version_seven() -> None:
    import uuid

    made = uuid.UUID(bytes=ids.uid(1_795_000_000_000))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)


@given(
    st.integers(-3, 500), st.floats(0, 1, exclude_max=True), st.floats(0.1, 60), st.floats(60, 600), st.floats(0, 0.1)
)
def test_backoff_stays_between_floor_and_most(
    failures: int, chance: float, first: float, most: float, floor: float
) -> None:
    wait = backoff.delay(failures, chance, first=first, most=most, floor=floor)
    assert wait == 0 if failures <= 0 else floor <= wait <= most


def test_backoff_doubles_its_ceiling() -> None:
    ceilings = [backoff.delay(n, 0.999999, first=1, most=30) for n in range(1, 8)]
    assert [round(c) for c in ceilings] == [1, 2, 4, 8, 16, 30, 30]


@given(MOMENTS)
def test_times_come_back_as_they_were_written(ms: int) -> None:
    ms %= 253_402_300_799_999  # year 9999
    assert parse_rfc3339(rfc3339(ms)) == ms


def test_times_are_written_as_the_contract_says() -> None:
    assert rfc3339(1_795_492_212_345) == "2026-11-24T03:50:12.345Z"
    assert rfc3339_us(1_795_492_212_345_678) == "2026-11-24T03:50:12.345678Z"
    with pytest.raises(ValueError, match="no time zone"):
        parse_rfc3339("2026-11-24T03:50:12")


def test_a_secret_opens_only_with_its_key_in_its_place() -> None:
    sealer, stranger = sealed.Sealer(os.urandom(32)), sealed.Sealer(os.urandom(32))
    shut = sealer.seal(b"converge", "set 1")
    assert b"converge" not in shut
    assert sealer.open(shut, "set 1") == b"converge"
    for opener, context in ((stranger, "set 1"), (sealer, "set 2")):
        with pytest.raises(Corrupt) as told:
            opener.open(shut, context)
        assert told.value.code == "sealed_key"
    with pytest.raises(Corrupt) as told:
        sealer.open(b"\x09" + shut[1:], "set 1")
    assert told.value.code == "sealed_level"


def test_a_key_file_is_private_and_kept(tmp_path: Path) -> None:
    key = sealed.key_file(tmp_path / "keys", "a.key")
    assert sealed.key_file(tmp_path / "keys", "a.key") == key
    assert (tmp_path / "keys" / "a.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "keys" / "a.key").write_bytes(b"short")
    with pytest.raises(Corrupt) as told:
        sealed.key_file(tmp_path / "keys", "a.key")
    assert told.value.code == "key_damaged"


def test_log_lines_mask_what_is_secret() -> None:
    masked = log.mask_secrets(None, "", {"event": "joined", "password": "p", "api_key": "k", "name": "London"})
    assert masked == {"event": "joined", "password": "***", "api_key": "***", "name": "London"}


def test_down_and_back_are_told_once() -> None:
    lines: list[tuple[str, str]] = []

    class Lines:
        def bind(self, **_: object) -> "Lines":
            return self

        def warning(self, text: str, **_: object) -> None:
            lines.append(("warning", text))

        def info(self, text: str, **_: object) -> None:
            lines.append(("info", text))

    line = log.UpDown(Lines(), "link")
    for _ in range(3):
        line.down("refused")
    line.up()
    line.up()
    assert lines == [("warning", "link down"), ("info", "link back")]


def test_one_listener_that_fails_keeps_nobody_from_hearing(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(stream=io.StringIO())
    heard: list[int] = []
    signal: Signal[int] = Signal("test")

    def fails(_: int) -> None:
        raise RuntimeError("no")

    signal.subscribe(fails)
    end = signal.subscribe(heard.append)
    signal.emit(1)
    end()
    signal.emit(2)
    assert heard == [1]
