"""The access review says who may come in, and what of it to look at."""

import csv
import io
import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import insert
from tests.support.hub import problem
from tests.unit.hub.app.test_matrix import World
from tests.unit.hub.app.test_matrix import world as _world

from soundpost.hub.reports import repo, rules, service
from soundpost.hub.reports.rules import DAY_MS, Key, Person
from soundpost.hub.store import Store, Tx
from soundpost.hub.store.tables import api_keys, people, second_factors, sessions
from soundpost.kernel import csvfile

world = _world
NOW = 1_795_000_000_000
OLD = NOW - 91 * DAY_MS


def person(**more: Any) -> Person:
    plain = Person("usr_1", "Ada", "ada@example.org", "owner", "active", frozenset(), OLD, NOW, 0, "", True, 1, 0)
    return Person(**{name: more.get(name, getattr(plain, name)) for name in Person.__struct_fields__})


def key(**more: Any) -> Key:
    plain = Key("key_1", "panel", "read", "usr_1", frozenset(), OLD, NOW, "192.0.2.1", NOW + DAY_MS)
    return Key(**{name: more.get(name, getattr(plain, name)) for name in Key.__struct_fields__})


@pytest.mark.parametrize(
    ("more", "look"),
    [
        ({}, []),
        ({"seen_ms": 0}, ["never_signed_in"]),
        ({"seen_ms": OLD}, ["idle"]),
        ({"seen_ms": NOW - 90 * DAY_MS}, []),
        ({"second_factor": False}, ["no_second_factor"]),
        ({"seen_ms": OLD, "second_factor": False}, ["idle", "no_second_factor"]),
        ({"state": "disabled", "second_factor": False, "seen_ms": OLD}, []),
        ({"state": "disabled", "keys": 1}, ["out_with_key"]),
        ({"ends_ms": NOW, "keys": 2}, ["out_with_key"]),
        ({"ends_ms": NOW + 1}, []),
        ({"state": "invited", "seen_ms": 0, "second_factor": False}, ["invitation_waits"]),
        ({"state": "invited", "seen_ms": 0, "second_factor": False, "created_ms": NOW - DAY_MS}, []),
    ],
)  # fmt: skip
def test_what_to_look_at_of_a_person(more: dict[str, Any], look: list[str]) -> None:
    assert rules.of_person(person(**more), NOW) == look


@pytest.mark.parametrize(
    ("more", "owner", "look"),
    [
        ({}, {}, []),
        ({"expires_ms": 0}, {}, ["key_never_expires"]),
        ({"expires_ms": 0, "used_ms": OLD}, {}, ["key_never_expires", "key_idle"]),
        ({"used_ms": 0}, {}, ["key_never_used"]),
        ({"used_ms": 0, "created_ms": NOW}, {}, []),
        ({}, {"state": "disabled"}, ["key_of_nobody"]),
        ({}, None, ["key_of_nobody"]),
        ({"expires_ms": NOW, "used_ms": OLD}, None, []),
    ],
)  # fmt: skip
def test_what_to_look_at_of_a_key(more: dict[str, Any], owner: dict[str, Any] | None, look: list[str]) -> None:
    assert rules.of_key(key(**more), None if owner is None else person(**owner), NOW) == look


def test_owners() -> None:
    some = [person(), person(state="disabled"), person(ends_ms=NOW), person(role="monitor")]
    assert rules.owners(some, NOW) == 1
    assert [rules.of_owners(n) for n in (1, 2, 5, 6)] == [["owner_alone"], [], [], ["owners_many"]]


async def test_rows_of_both_databases(any_store: Store) -> None:
    def work(tx: Tx) -> None:
        who = {
            "sign_in": "ada@example.org",
            "name": "Ada",
            "role": "owner",
            "password_hash": "",
            "places": "loc_1,loc_2",
        }
        tx.conn.execute(insert(people), [{"id": "usr_1", "created_ms": 1, **who}])
        tx.conn.execute(insert(second_factors), [{"person": "usr_1", "secret": b"x", "created_ms": 1, "enabled_ms": 1}])
        tx.conn.execute(insert(sessions), [
            {"token_hash": bytes([n]), "person": "usr_1", "created_ms": 1, "seen_ms": 1, "expires_ms": NOW + n} for n in (0, 1)
        ])  # fmt: skip
        row = {"id": "key_1", "key_hash": b"k", "scope": "read", "person": "usr_1", "created_ms": 1}
        tx.conn.execute(insert(api_keys), [row])

    await any_store.unit_of_work(work)
    (ada,) = await any_store.read(lambda conn: repo.everybody(conn, NOW))
    assert (bool(ada.factor), ada.sessions, ada.keys) == (True, 1, 1)
    made = await service.review(any_store, "nobody")
    assert made.people[0][0].places == {"loc_1", "loc_2"}
    ((found, looks),) = made.keys
    assert (found.person, found.places, looks) == ("usr_1", frozenset(), ["key_never_expires", "key_never_used"])


class Flat:
    """A house with a floor with a room; nothing else lies in anything."""

    above: ClassVar = {
        "room": ("room", "floor", "house"),
        "floor": ("floor", "house"),
        "house": ("house",),
        "yard": ("yard",),
    }

    def path(self, id: str) -> str:
        return id.title()

    def is_under(self, id: str, top: str) -> bool:
        return top in self.above[id]


@pytest.mark.parametrize(
    ("own", "persons", "everywhere", "places"),
    [
        ("", "", True, []),
        ("", "room", False, ["Room"]),
        ("house", "", False, ["House"]),
        ("house yard", "room", False, ["Room"]),
        ("room", "house yard", False, ["Room"]),
        ("room", "room", False, ["Room"]),
        ("yard", "house", False, []),
    ],
)
def test_a_key_is_where_both_it_and_its_person_are(own: str, persons: str, everywhere: bool, places: list[str]) -> None:
    made = one_key(key(places=frozenset(own.split())), person(places=frozenset(persons.split())))
    assert (made["everywhere"], made["places"]) == (everywhere, places)


@pytest.mark.parametrize(
    ("more", "owner", "policy", "state", "left"),
    [
        ({}, {}, "nobody", "active", ("read", None)),
        ({"scope": "administer"}, {"role": "monitor"}, "nobody", "active", ("read", "role")),
        ({"scope": "control"}, {"state": "disabled"}, "nobody", "disabled", ("", "disabled")),
        ({}, {"ends_ms": NOW}, "nobody", "ended", ("", "ended")),
        ({"expires_ms": NOW}, {"state": "disabled"}, "nobody", "ended", ("", "expired")),
        ({}, {"second_factor": False}, "everybody", "active", ("", "second_factor")),
        ({}, {"second_factor": False}, "nobody", "active", ("read", None)),
        ({}, None, "nobody", "disabled", ("", "disabled")),
    ],
)  # fmt: skip
def test_a_key_can_do_what_its_person_can(
    more: dict[str, Any], owner: dict[str, Any] | None, policy: str, state: str, left: tuple[str, str | None]
) -> None:
    made = one_key(key(**more), None if owner is None else person(**owner), policy)
    assert (made["state"], (made["scope_now"], made["weaker"])) == (state, left)
    assert list(made) == service.FIELDS


def one_key(one: Key, owner: Person | None, policy: str = "nobody") -> dict[str, Any]:
    found = service.Review(NOW, policy, [] if owner is None else [(owner, [])], [(one, [])], 1)
    return service.lines(found, Flat())[-1]


def test_a_table_runs_nothing() -> None:
    made = service.Review(
        NOW, "nobody", [(person(name="=cmd|' /C calc'!A0"), ["idle"])], [(key(name="@SUM(1)"), [])], 1
    )
    text = service.as_csv(service.lines(made, Flat())).decode()
    first, second = csv.DictReader(io.StringIO(text.removeprefix(csvfile.BOM), newline=""))
    assert (first["name"], first["second_factor"], first["look"], first["ends"]) == (
        "'=cmd|' /C calc'!A0",
        "yes",
        "idle",
        "",
    )
    assert (second["kind"], second["name"], second["role"], second["by"]) == (
        "key",
        "'@SUM(1)",
        "read",
        "'=cmd|' /C calc'!A0",
    )


@pytest.mark.slow
async def test_over_http(world: World) -> None:
    asked = (await world.ask("administrator", "GET", "/api/v1/reports/access")).json()
    lines = {item["sign_in"]: item for item in asked["items"]}
    assert asked["owners"] == 1
    assert {"code": "owner_alone", "count": 1} in asked["look"]
    assert lines["monitor-of-a-room@example.org"]["places"] == ["Room in"]
    assert (lines["o@example.org"]["role"], lines["o@example.org"]["sessions"]) == ("owner", 1)
    assert "no_second_factor" in lines["o@example.org"]["look"]
    answer = await world.ask("owner", "GET", "/api/v1/reports/access.jsonl")
    assert [json.loads(text)["id"] for text in answer.text.splitlines()] == [item["id"] for item in asked["items"]]
    assert answer.headers["content-disposition"].startswith('attachment; filename="soundpost-access-')
    assert "hash" not in answer.text
    table = await world.ask("owner", "GET", "/api/v1/reports/access.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    taken = (await world.ask("owner", "GET", "/api/v1/audit?act=access.exported")).json()["items"]
    assert [item["arguments"]["format"] for item in taken] == ["csv", "jsonl"]
    problem(await world.ask("administrator of a room", "GET", "/api/v1/reports/access"), 403, "not_allowed")
    problem(await world.ask("monitor", "GET", "/api/v1/reports/access.csv"), 403, "not_allowed")


def test_each_look_has_words() -> None:
    for language in ("en", "de", "es"):
        words = (Path(__file__).parents[4] / f"web/src/words/audit.{language}.ts").read_text()
        missing = [look for look in rules.LOOKS if f'"look.{look}"' not in words or f'"look.{look}_do"' not in words]
        assert not missing, f"audit.{language}.ts: add look.<code> and look.<code>_do for {missing}"
