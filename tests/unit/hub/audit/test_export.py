"""The audit as a file: the same acts as the list, whatever stands in them, and itself on record."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.hub import Hub, problem

from soundpost.hub.audit import asked as asking
from soundpost.hub.audit import export, service
from soundpost.hub.audit.asked import Asked
from soundpost.hub.audit.search import Asker
from soundpost.hub.audit.service import Who
from soundpost.hub.store import Store, Tx
from soundpost.kernel import csvfile

ADA = Who("person", "usr_1", '=HYPERLINK("http://evil.example")', "192.0.2.1")


def read(text: str) -> list[dict[str, str]]:
    assert text.startswith(csvfile.BOM)
    return list(csv.DictReader(io.StringIO(text.removeprefix(csvfile.BOM), newline="")))


async def acts(hub: Hub, count: int) -> None:
    def work(tx: Tx) -> None:
        for n in range(count):
            detail = {"before": {"name": 'Räume, "1"\n2'}, "after": {"name": f"@SUM({n})"}}
            service.recorded(tx, ADA, "location.changed", device=f"dev_{n % 2}", subject="loc_1", detail=detail)

    await hub.store.unit_of_work(work)


async def test_csv(owned: Hub) -> None:
    await acts(owned, 1_203)
    answer = await owned.client.get("/api/v1/audit/export.csv?act=location.*")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="soundpost-audit-2')
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    lines = read(answer.text)
    assert len(lines) == 1_203
    first = lines[0]
    assert first.keys() == set(export.COLUMNS)
    assert (first["act"], first["who"], first["result"]) == ("location.changed", "'" + ADA.name, "done")
    assert json.loads(first["before"]) == {"name": 'Räume, "1"\n2'}
    assert (json.loads(first["after"]), first["arguments"]) == ({"name": "@SUM(1202)"}, "")


async def test_json_lines_are_what_the_list_shows(owned: Hub) -> None:
    await acts(owned, 3)
    answer = await owned.client.get("/api/v1/audit/export.jsonl?device=dev_0")
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    listed = (await owned.client.get("/api/v1/audit?device=dev_0")).json()["items"]
    assert [line["id"] for line in lines] == [item["id"] for item in listed]
    assert [line["after"] for line in lines] == [item["after"] for item in listed]


async def test_it_is_on_record_itself(owned: Hub) -> None:
    await acts(owned, 2)
    before = (await owned.client.get("/api/v1/audit/export.csv?act=location.*&q=1")).text
    assert "audit.exported" not in before
    (item,) = (await owned.client.get("/api/v1/audit?act=audit.exported")).json()["items"]
    assert item["arguments"] == {"format": "csv", "act": "location.*", "q": "1"}
    assert (item["result"], item["reason"], item["who"]["name"]) == ("done", {"acts": 2}, "Ada")


async def test_one_broken_off_says_so(store: Store) -> None:
    await store.unit_of_work(lambda tx: [service.recorded(tx, ADA, "act.done") for _ in range(3)])
    asker = Asker(ADA, frozenset(), None, lambda _: "")
    parts = await export.Export(store, asker, Asked(), {"format": "jsonl"}).begin()
    assert await anext(parts) == b""
    await parts.aclose()  # type: ignore[attr-defined]
    ended = await store.read(lambda conn: export.repo_search.ends(conn, [open_id(conn)]))
    (row,) = ended.values()
    assert (row.result, export.search.repo.detail(row)) == ("failed", {"acts": 0, "code": "broken_off"})


def open_id(conn: Any) -> str:
    asked = asking.Asked(acts=("audit.exported",))
    return str(export.repo_search.window(conn, asked, ["audit.exported"], None, 1, 10).rows[0].id)


@pytest.mark.parametrize("query", ["act=%25", "from=x"])
async def test_what_can_not_be_had(owned: Hub, query: str) -> None:
    problem(await owned.client.get(f"/api/v1/audit/export.csv?{query}"), 400, "invalid_argument")


CELLS = st.lists(
    st.lists(st.one_of(st.text(), st.integers(), st.none(), st.floats(allow_nan=False)), min_size=2, max_size=4),
    max_size=5,
)


@given(CELLS)
@example([["=1+1", "\t=1", " =1", "-3", "-3+1", "+49 30", 'a\r\nb,"c"', "\x00=1", "\ufeff=1", "＝1"]])
def test_a_reader_gets_back_what_was_written_and_runs_none_of_it(rows: list[list[object]]) -> None:
    back = list(csv.reader(io.StringIO(csvfile.lines(rows), newline="")))
    assert len(back) == len(rows)
    for row, line in zip(rows, back, strict=True):
        assert len(line) == len(row)
        for cell, text in zip(row, line, strict=True):
            plain = csvfile.CONTROL.sub("", "" if cell is None else str(cell))
            assert text in (plain, "'" + plain)
            assert not text.lstrip(" \u00a0\ufeff").startswith(csvfile.RISKY) or csvfile.NUMBER.fullmatch(text)


@given(CELLS)
def test_each_row_ends_with_crlf(rows: list[list[object]]) -> None:
    text = csvfile.lines(rows)
    assert text == "" or text.endswith("\r\n")
