"""Every row of the vocabulary is asked, read, written and refused as devices.md has it, against the scripted peer's own table."""

import pytest
from tests.contract.peer import Peer
from tests.unit.drivers.direct import Direct

from soundpost.device.capability import CommandState
from soundpost.device.model import Group
from soundpost.drivers.converge_pro2 import assumed, points, table
from soundpost.drivers.converge_pro2.models import MODELS, TYPES

EVERYTHING = {(kind, "101") for kind in TYPES}
WRITABLE = [(kind, row) for row in table.ROWS for kind in row.types if row.write is not None]
CASES = [(f"{kind}.101.{row.block}.{row.parameter}".lower(), kind, row) for kind, row in WRITABLE]


@pytest.fixture
async def direct() -> Direct:
    peer = Peer()
    peer.models = {"Name_1": "HOLO 9", "Name_2": "48V"}  # a model nobody knows is asked end point by end point
    peer.more = EVERYTHING
    made = Direct(peer)
    await made.read()
    return made


async def test_every_row_is_a_point_and_every_point_is_read(direct: Direct) -> None:
    unit = await direct.read()
    keys = {point.key for point in unit.parts[1].points}
    assert {f"{kind}.101.{row.block}.{row.parameter}".lower() for row in table.ROWS for kind in row.types} <= keys
    read = await direct.poll()
    only_told = {reading.key for _, reading in direct.talk.known().readings}
    assert only_told == {"ua.101.notification.registered", "ua.201.notification.registered"}
    assert keys - only_told <= read.keys()
    assert [key for key, reading in read.items() if reading.value is None and "10" not in reading.error] == []
    assert read["output.101.graphiceq.gain_3"].value == -2.0
    assert read["bfm.101.bf.zone_12"].value is True
    assert read["telco_rx.101.inquire.direction"].value == "incoming"
    assert read["telco_rx.101.inquire.caller_id"].value == ""
    assert read["ua.101.inquire.active_parties"].value == "IDLE"
    assert read["ua.101.inquire.hook"].value is False
    assert read["ua.101.key.key_forward"].value == 3
    assert read["mic.101.gatereport.open"].value is True
    assert read["mic.102.gatereport.open"].value is False


def value_for(row: table.Row) -> bool | float:
    if row.type == table.BOOL:
        return True
    assert row.minimum is not None and row.step is not None
    return row.minimum + row.step


@pytest.mark.parametrize(("key", "kind", "row"), CASES, ids=[case[0] for case in CASES])
async def test_every_writable_row_is_written_and_confirmed(direct: Direct, key: str, kind: str, row: table.Row) -> None:
    wanted = value_for(row)
    outcome = await direct.perform("control", key=key, value=wanted)
    assert outcome.state is CommandState.DONE, outcome
    assert [(reading.key, reading.value) for reading in outcome.readings] == [(key, wanted)]
    said = direct.asked[-1].split()
    assert said[:5] == ["EP", kind, "101", row.block, row.parameter]
    if row.type == table.NUMBER:
        assert row.maximum is not None and row.step is not None
        over = await direct.perform("control", key=key, value=row.maximum + row.step)
        assert over.code == "out_of_range"
        between = await direct.perform("control", key=key, value=value_for(row) + row.step / 3)
        assert between.code == "off_step"


async def test_the_wire_gets_numbers_as_other_clients_send_them(direct: Direct) -> None:
    await direct.perform("control", key="mic.101.level.gain_coarse", value=56)
    assert direct.asked[-1] == "EP MIC 101 LEVEL GAIN_COARSE 56"
    await direct.perform("control", key="output.101.graphiceq.gain_3", value=-4)
    assert direct.asked[-1] == "EP OUTPUT 101 GRAPHICEQ GAIN_3 -4.0"
    await direct.perform("control", key="proc.101.compressor.post_gain", value=6.1)
    assert direct.asked[-1] == "EP PROC 101 COMPRESSOR POST_GAIN 6.1"


@pytest.mark.parametrize(
    "key", ["ua.101.inquire.hook", "telco_rx.101.inquire.hook", "mic.101.gatereport.open", "unit.cpu"]
)
async def test_what_is_only_told_is_not_writable(direct: Direct, key: str) -> None:
    assert (await direct.perform("control", key=key, value=True)).code == "not_writable"


def test_a_row_without_proof_is_marked_and_has_a_switch() -> None:
    for row in table.ROWS:
        assert bool(row.switch) == ("I" in row.grade), row
        assert set(row.grade) <= set("MPFEI")
        assert not row.switch or row.switch in assumed.ASSUMED
        assert set(row.types) <= set(TYPES)


def test_keys_are_unique_and_lower_case() -> None:
    for model, counts in MODELS.items():
        ends = tuple((ept, n) for ept, count in counts.items() for n in range(1, count + 1))
        keys = [point.key for point in points.points(3, ends).descriptors]
        assert len(keys) == len(set(keys)), model
        assert all(key == key.lower() and key.split(".")[1].startswith("3") for key in keys)


def test_what_changes_fast_is_the_small_part() -> None:
    ends = tuple((ept, n) for ept, count in MODELS["48V"].items() for n in range(1, count + 1))
    groups = [address.row.group for address, _ in points.points(1, ends).polled]
    assert groups.count(Group.LEVELS) <= 100
    assert groups.count(Group.SETTINGS) > groups.count(Group.LEVELS)


def test_boxes_of_one_kind_share_their_points() -> None:
    ends = (("MIC", 1), ("UA", 1))
    assert points.points(1, ends) is points.points(1, (*ends,))
    assert points.points(1, ends) is not points.points(2, ends)


async def test_pushes_of_calls_gates_and_beams_reach_their_points(direct: Direct) -> None:
    def told(line: str) -> dict[str, object]:
        heard = direct.talk.heard(line)
        assert all(reading.pushed for _, reading in heard.readings)
        return {reading.key: reading.value for _, reading in heard.readings}

    incoming = told("EP UA 101 NOTIFICATION STATE_CHANGE PL 1;INCOMING:1000 <sip:1000@192.168.15.41> ")
    assert incoming["ua.101.inquire.active_parties"] == "INCOMING"
    assert incoming["ua.101.inquire.caller_id"] == "1000"
    assert incoming["ua.101.inquire.direction"] == "incoming"
    assert told("EP UA 101 NOTIFICATION INDICATION PL NA;RINGING:OFF") == {}
    assert told("EP UA 101 NOTIFICATION STATE_CHANGE PL 1;NEVER_HEARD") == {}
    assert told("EP UA 101 NOTIFICATION INDICATION PL 1;PARTY_LINE:OFF")["ua.101.inquire.hook"] is False
    assert told("EP TELCO_RX 101 NOTIFICATION HOOK 1") == {"telco_rx.101.inquire.hook": True}
    assert told("EP TELCO_RX 101 NOTIFICATION CALLER_ID 5551234") == {"telco_rx.101.inquire.caller_id": "5551234"}
    assert told("EP TELCO_RX 101 NOTIFICATION INCOMING_CALL 1") == {"telco_rx.101.inquire.direction": "incoming"}
    assert told("EP TELCO_RX 101 NOTIFICATION HOOK maybe") == {}
    assert told("EP UA 101 NOTIFICATION REG_FAILED 403") == {"ua.101.notification.registered": False}
    assert told("EP UA 101 NOTIFICATION REG_SUCCEED") == {"ua.101.notification.registered": True}
    assert told("EP TELCO_RX 101 NOTIFICATION REG_FAILED") == {}
    assert told("EP UA 901 NOTIFICATION STATE_CHANGE PL 1;IDLE") == {}
    assert told("EP Voip1 NOTIFICATION STATE_CHANGE PL 1;IDLE") == {}
    assert told("GATEREPORT Name_1 0 1 1 0010")["mic.102.gatereport.open"] is True
    assert told("GATEREPORT Nobody 0 1 1 0010") == {}
    beams = told("BEAMREPORT Name_1 1 1 48 101 000000000100 48 109 000000000001")
    assert [key for key, value in beams.items() if value] == ["bma360.101.beamreport.beam_3"]


async def test_a_ceiling_array_is_asked_for_its_beams_and_covered(direct: Direct) -> None:
    read = await direct.poll("plink:9000-2401-40")
    assert len(read) == 12
    assert read["bma360.101.beamreport.beam_3"].value is True


async def test_an_unknown_state_word_is_told_with_the_words(direct: Direct) -> None:
    direct.peer.values["UA 101 ACTIVE_PARTIES"] = "PL 1;WHO_KNOWS;"
    poll = next(poll for poll in direct.talk.polls() if poll.key == "ua.101.inquire.active_parties")
    heard = direct.talk.answered(poll, await direct.ask(poll.request))
    assert heard.readings == []
    assert "WHO_KNOWS" in heard.garbage


@pytest.mark.parametrize(
    ("line", "due"),
    [
        ("EP Mic1 LEVEL GAIN -3.0", (".level.gain",)),
        ("EP Out1 GRAPHICEQ GAIN_3 -4.0", (".graphiceq.gain_3",)),
        ('EP Voip1 INQUIRE_RESULT ACTIVE_PARTIES PL 1;ACTIVE:"Ann";', (".inquire.active_parties",)),
        ("EP Voip1 NOTIFICATION STATE_CHANGE PL 1;IDLE", (".inquire.active_parties",)),
        ("EP Telco1 NOTIFICATION INCOMING_CALL 1", (".inquire.direction",)),
        ("EP Telco1 NOTIFICATION HOOK 1", (".inquire.hook",)),
        ("EP Mic1 LEVEL NOBODY_KNOWS 1", ()),
        ("EP Voip1 NOTIFICATION REG_FAILED", ()),
        ("EP MIC 101 LEVEL GAIN -3.0", ()),
    ],
)
async def test_a_push_that_names_a_channel_says_what_to_ask(direct: Direct, line: str, due: tuple[str, ...]) -> None:
    heard = direct.talk.heard(line)
    assert heard.due == due
    assert bool(heard.readings) == line.startswith("EP MIC 101")
    keys = [poll.key for poll in direct.talk.polls()]
    assert all(any(key.endswith(end) for key in keys) for end in due)
