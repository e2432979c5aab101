"""The fuzz target over its corpus, and over whatever hypothesis thinks of; `make fuzz` is the long run."""

from pathlib import Path

import pytest
from fuzz.target import SUBJECTS, once
from hypothesis import given
from hypothesis import strategies as st

CORPUS = sorted((Path(__file__).parents[3] / "fuzz/corpus").glob("*/*"))
LOGIN = b"Username: \r\nPassword: \r\n=> "
PIECES = st.one_of(
    st.sampled_from(
        [
            *(
                b"EP ",
                b"MIC 101 ",
                b"UA 101 ",
                b"TELCO_RX 101 ",
                b"OUTPUT 101 ",
                b"LEVEL ",
                b"GAIN ",
                b"MUTE ",
                b"1 ",
                b"-5.0 ",
            ),
            *(
                b"INQUIRE ",
                b"INQUIRE_RESULT ",
                b"ACTIVE_PARTIES ",
                b"NOTIFICATION ",
                b"STATE_CHANGE ",
                b"PL 1;",
                b"ACTIVE:",
            ),
            *(b"BOX ", b"Name_1 ", b"UNIT ", b"SN ", b"PLINK ", b"END ", b"VERSION * FW 1 ", b"ERROR ", b"STACK "),
            *(b"GATEREPORT Name_1 0 1 1 0001 ", b"BEAMREPORT Name_1 1 1 48 101 000000000100 "),
            *(
                b"\r\n",
                b"\r",
                b"\n\r",
                b"=> ",
                b"\0",
                b"\xff\xfd\x01",
                b"\xff\xfa",
                b"\xff",
                b"\x1a",
                b"\x1b",
                b'"',
                b"<",
            ),
        ]
    ),
    st.binary(max_size=8),
)


ARRAY_PIECES = st.one_of(
    st.sampled_from(
        [
            *(b"BEAMREPORT ", b"100000000000", b"BFZONE ", b"GAIN ", b"MACADDR ", b"DANTEIP ", b"HELP", b"ERROR "),
            *(
                b"1 ",
                b"12 ",
                b"S ",
                b"-6 ",
                b"00:90:79:00:00:01",
                b"10.0.0.7",
                b"=",
                b"\r\n",
                b"\n\r",
                b"\r",
                b"\0",
                b"\x1a",
            ),
        ]
    ),
    st.binary(max_size=8),
)


def test_there_is_a_corpus_for_each_family() -> None:
    assert {path.parent.name for path in CORPUS} == set(SUBJECTS)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_corpus(path: Path) -> None:
    once(path.read_bytes(), path.parent.name)


@given(st.integers(0, 255), st.lists(ARRAY_PIECES, max_size=40).map(b"".join))
def test_whatever_a_microphone_array_says(step: int, stream: bytes) -> None:
    once(bytes([step]) + stream, "bma360d")


@given(st.integers(0, 255), st.booleans(), st.lists(PIECES, max_size=40).map(b"".join))
def test_whatever_a_device_says(step: int, signed_in: bool, stream: bytes) -> None:
    once(bytes([step]) + (LOGIN if signed_in else b"") + stream)
