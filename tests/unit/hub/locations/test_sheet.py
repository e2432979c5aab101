"""A table of rooms: read in the encodings people have, planned without touching anything, wrong rows told by line and column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundpost.hub.locations.sheet import Act, plan, read
from soundpost.hub.locations.tree import Location, Tree
from soundpost.kernel.errors import Invalid

TABLE = "Path;Zone;Serial;Address\nUK > Zürich > 4.12;Europe/Zurich;4471-2338-40;\nUK > Zürich > 4.14;;;10.0.0.9\n"
DEVICES = {"4471-2338-40": ["dev_a"], "10.0.0.9": ["dev_b"], "twice": ["dev_c", "dev_d"]}


def find(serial: str, address: str) -> list[str]:
    return DEVICES.get(serial or address, [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", ";,\t")
def test_encodings_and_delimiters(encoding, delimiter):
    rows = read(TABLE.replace(";", delimiter).encode(encoding))
    assert [row.line for row in rows] == [2, 3]
    assert rows[0].cells["path"] == "UK > Zürich > 4.12"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "sheet_empty"),
        (b"room;zone\n4.12;", "sheet_columns"),
        (b"path,colour\n4.12,red", "sheet_columns"),
        (b"path,zone,zone\na,b,c", "sheet_columns"),
        (b'path\n"never closed', "sheet_unreadable"),
        (b"PK\3\4\0\0\0", "sheet_unreadable"),
        (b"path\n" + b"x\n" * 20_001, "sheet_too_long"),
        (b"x" * (4 << 20) + b"x", "sheet_too_large"),
    ],
)
def test_what_is_no_such_table_is_refused_with_a_sentence(data, code):
    with pytest.raises(Invalid) as caught:
        read(data)
    assert caught.value.code == code


def test_a_plan_says_every_change_and_touches_nothing():
    tree = Tree([Location("uk", "", "UK", "region")])
    made = plan(tree, read(TABLE.encode()), find)
    assert made.wrong == []
    assert [(step.line, step.act, step.path) for step in made.steps] == [
        (2, Act.ADD, "UK > Zürich"),
        (2, Act.ADD, "UK > Zürich > 4.12"),
        (2, Act.CHANGE, "UK > Zürich > 4.12"),
        (2, Act.PUT, "UK > Zürich > 4.12"),
        (3, Act.ADD, "UK > Zürich > 4.14"),
        (3, Act.PUT, "UK > Zürich > 4.14"),
    ]
    assert [step.fields["kind"] for step in made.steps if step.act is Act.ADD] == ["city", "room", "room"]
    assert made.steps[2].fields == {"zone": "Europe/Zurich"}
    assert made.steps[2].before == {"zone": ""}
    assert [step.device for step in made.steps if step.act is Act.PUT] == ["dev_a", "dev_b"]
    assert list(tree.places) == ["uk"]


def test_what_is_there_already_is_no_change():
    tree = Tree([Location("uk", "", "UK", "region", zone="Europe/London")])
    assert plan(tree, read(b"path,zone,kind\nuk,Europe/London,Region\n"), find).steps == []


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ("UK > ,,", "path", "location_name"),
        (" > ".join("abcdefghijklmnopqrstu") + ",,", "path", "location_too_deep"),
        ("UK,Mars/Base,", "zone", "zone_unknown"),
        ("UK,,0000", "serial", "sheet_device_unknown"),
        ("UK,,twice", "serial", "sheet_device_unclear"),
    ],
)
def test_a_wrong_row_is_told_by_line_and_column_and_the_others_are_still_looked_at(row, column, code):
    made = plan(Tree(), read(f"path,zone,serial\nFR,,\n{row}\nDE,,\n".encode()), find)
    assert [(wrong.line, wrong.column, wrong.code) for wrong in made.wrong] == [(3, column, code)]
    assert [step.line for step in made.steps if step.act is Act.ADD and step.path in ("FR", "DE")] == [2, 4]


def test_one_device_in_two_rooms_is_wrong():
    made = plan(Tree(), read(b"path,serial\nA,4471-2338-40\nB,4471-2338-40\n"), find)
    assert [(wrong.line, wrong.code) for wrong in made.wrong] == [(3, "sheet_device_twice")]


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_a_sentence(data):
    rows, code = [], ""
    try:
        rows = read(b"path,zone,serial\n" + data)
    except Invalid as error:
        code = error.code
    assert not code or code.startswith("sheet_")
    made = plan(Tree(), rows, find)
    assert made.rows == len(rows)
    assert {step.line for step in made.steps}.isdisjoint(wrong.line for wrong in made.wrong)
