"""Places and devices from a table people keep in a spreadsheet: read, and turned into a plan to be looked at first. Pure.

Columns, in any order and case: `path` ("London > HQ > 4 > 4.12") is needed; `kind`, `zone`, `street`, `contact`, `notes` say
something of the place; `serial` or `address` names a device that belongs there.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct, field, structs

from soundpost.hub.locations import rules
from soundpost.hub.locations.tree import ROOT, Location, Tree, text
from soundpost.kernel.errors import Invalid, TellUser

MOST_BYTES, MOST_ROWS = 4 << 20, 20_000
MOST_BODY = 3 * MOST_BYTES + 65_536
"""As JSON: every letter beyond ASCII may be written as an escape."""
COLUMNS = {"path": "path", "kind": "kind", "zone": "zone", "street": "address", "contact": "contact", "notes": "notes"}
"""Which field of a place a column is."""
DEVICE_COLUMNS = ("serial", "address")
Find = Callable[[str, str], Sequence[str]]
"""The devices with that serial, or at that address."""


class Row(Struct, frozen=True):
    """`line` counts as a spreadsheet does: the heading is 1."""

    line: int
    cells: dict[str, str]


class Act(StrEnum):
    ADD = "add"
    CHANGE = "change"
    PUT = "put"


class Step(Struct, frozen=True):
    """What one row does. ADD: the place `id` (a stand-in until it is made) comes to be, `fields` say what it is. CHANGE: `fields` of
    it change from what `before` says. PUT: `device` belongs at it then."""

    line: int
    act: Act
    id: str
    path: str
    fields: dict[str, str] = field(default_factory=dict)
    device: str = ""
    before: dict[str, str] = field(default_factory=dict)


class Wrong(Struct, frozen=True):
    line: int
    column: str
    code: str
    text: str


class Plan(Struct):
    """Nothing of it may be carried out while `wrong` holds something."""

    rows: int
    steps: list[Step] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)


def read(data: bytes) -> list[Row]:
    """Comma, semicolon or tab; UTF-8, UTF-16 with its mark, or Windows-1252. Raises Invalid for what is no such table."""
    if len(data) > MOST_BYTES:
        raise Invalid(f"The file is larger than {MOST_BYTES >> 20} MiB.", code="sheet_too_large")
    content = decoded(data)
    if "\0" in content:
        raise Invalid("This is no text file. Save the table as CSV.", code="sheet_unreadable")
    heading = content.split("\n", 1)[0]
    delimiter = max(",;\t", key=heading.count)
    try:
        table = list(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise Invalid(f"The table can't be read: {error}.", code="sheet_unreadable") from None
    if not table:
        raise Invalid("The file is empty.", code="sheet_empty")
    names = [name.strip().casefold() for name in table[0]]
    refuse_columns(names)
    rows = [
        Row(line, {name: cell.strip() for name, cell in zip(names, cells, strict=False)})
        for line, cells in enumerate(table[1:], 2)
        if any(cell.strip() for cell in cells)
    ]
    if len(rows) > MOST_ROWS:
        raise Invalid(f"The table has more than {MOST_ROWS:,} rows; split it.", code="sheet_too_long", most=MOST_ROWS)
    return rows


def decoded(data: bytes) -> str:
    marks = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
    for mark, encoding in marks.items():
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def refuse_columns(names: Sequence[str]) -> None:
    known = (*COLUMNS, *DEVICE_COLUMNS)
    if "path" not in names:
        raise Invalid(
            f"The first line must name the columns, and one must be path. Columns are {', '.join(known)}.",
            code="sheet_columns",
        )
    if unknown := [name for name in names if name and name not in known]:
        raise Invalid(
            f"There is no column {unknown[0]!r}. Columns are {', '.join(known)}.",
            code="sheet_columns",
            column=unknown[0],
        )
    if len(set(names)) < len(names):
        raise Invalid("Two columns have the same name.", code="sheet_columns")


def plan(tree: Tree, rows: Sequence[Row], find: Find) -> Plan:
    """What the rows would do to this tree, which stays as it is."""
    trial, made = Tree(tree.places.values()), Plan(len(rows))
    put: dict[str, tuple[str, int]] = {}
    for row in rows:
        try:
            made.steps += _row(trial, row, find, put)
        except _Bad as bad:
            made.wrong.append(Wrong(row.line, bad.column, bad.error.code, bad.error.text))
    return made


class _Bad(Exception):
    def __init__(self, column: str, error: TellUser) -> None:
        super().__init__(error.text)
        self.column, self.error = column, error


def _row(tree: Tree, row: Row, find: Find, put: dict[str, tuple[str, int]]) -> Iterator[Step]:
    fields = dict(_fields(row))
    device = _device(row, find)
    steps = list(_places(tree, row, fields))
    place = tree.places[steps[-1].id] if steps else _there(tree, row)
    news = {name: value for name, value in fields.items() if getattr(place, name) != value}
    if news:
        before_it = {name: getattr(place, name) for name in news}
        tree.put(structs.replace(place, **news))
        steps.append(Step(row.line, Act.CHANGE, place.id, text(tree.path(place.id)), news, before=before_it))
    if device:
        before, line = put.setdefault(device, (place.id, row.line))
        if before != place.id:
            raise _Bad("serial", Invalid(f"Line {line} puts this device elsewhere.", code="sheet_device_twice"))
        steps.append(Step(row.line, Act.PUT, place.id, text(tree.path(place.id)), device=device))
    yield from steps


def _fields(row: Row) -> Iterator[tuple[str, str]]:
    """What a row says of its place; an empty cell says nothing."""
    for column, name in COLUMNS.items():
        if column != "path" and (cell := row.cells.get(column, "")):
            try:
                yield name, rules.checked(name, cell.casefold() if name == "kind" else cell)
            except TellUser as error:
                raise _Bad(column, error) from None


def _device(row: Row, find: Find) -> str:
    serial, address = (row.cells.get(column, "") for column in DEVICE_COLUMNS)
    if not serial and not address:
        return ""
    found = find(serial, address)
    column = "serial" if serial else "address"
    if not found:
        raise _Bad(column, Invalid(f"No device is known by {serial or address}.", code="sheet_device_unknown"))
    if len(found) > 1:
        raise _Bad(column, Invalid(f"More than one device has {serial or address}.", code="sheet_device_unclear"))
    return found[0]


def _places(tree: Tree, row: Row, fields: Mapping[str, str]) -> Iterator[Step]:
    """The places of the path that are not there yet, made in the trial tree on the way."""
    names, parent = _names(row), ROOT
    for depth, name in enumerate(names):
        known = tree.child(parent, name)
        if known is None:
            left = len(names) - depth - 1
            kind = rules.guess_kind(tree.places[parent].kind if parent else "", left)
            place = Location(f"new-{len(tree)}", parent, name, kind if left else fields.get("kind", kind))
            tree.put(place)
            known = place
            yield Step(
                row.line,
                Act.ADD,
                place.id,
                text(tree.path(place.id)),
                {"parent": parent, "name": name, "kind": place.kind},
            )
        parent = known.id


def _names(row: Row) -> list[str]:
    try:
        names = rules.split_path(row.cells.get("path", ""))
        rules.check_depth(len(names))
    except TellUser as error:
        raise _Bad("path", error) from None
    return names


def _there(tree: Tree, row: Row) -> Location:
    parent = ROOT
    for name in _names(row):
        found = tree.child(parent, name)
        assert found is not None
        parent = found.id
    return tree.places[parent]
