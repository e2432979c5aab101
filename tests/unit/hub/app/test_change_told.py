"""Acts have words on the screens, and those that change something say what was before and what is after."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from tests.unit.hub.app.test_matrix import World
from tests.unit.hub.app.test_matrix import world as _world

from soundpost.agent.discovery import DiscoverySettings
from soundpost.hub.audit.service import SYSTEM
from soundpost.hub.audit.stream_rules import Target
from soundpost.hub.locations.tree import Location
from soundpost.hub.organization.rules import MailSettings

SOURCE = Path(__file__).parents[4] / "src/soundpost"
CHANGES = (
    "added",
    "changed",
    "removed",
    "renamed",
    "invited",
    "deleted",
    "placed",
    "merged",
    "configured",
    "forgotten",
)
world = _world


def acts() -> set[str]:
    """Each act that is named where it is audited."""
    found: set[str] = set()
    for file in SOURCE.rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                words = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                if call.func.attr in ("recorded", "opened", "around", "_told") and words and "." in words[0]:
                    found.add(words[0])
    return found


def test_each_act_has_words_in_each_language() -> None:
    assert {"person.changed", "location.removed", "agent.renamed", "view.added", "organization.changed"} <= acts()
    for language in ("en", "de", "es"):
        words = "".join(
            (SOURCE.parents[1] / f"web/src/words/{name}{language}.ts").read_text() for name in ("", "audit.")
        )
        missing = sorted(act for act in acts() if f'"act.{act}"' not in words and f'"event.{act}"' not in words)
        assert not missing, f"audit.{language}.ts has no words for these acts: add act.<act> for {missing}"


def test_each_field_that_a_change_carries_has_a_word() -> None:
    """As acts name them before and after; settings that lie in one another by their own names."""
    carried = {
        *Location.__struct_fields__, *Target.__struct_fields__, *MailSettings.__struct_fields__, *DiscoverySettings.__struct_fields__,
        *("kind", "url", "account", "sender", "method"), *("mail", "sms", "terms", "second_factor", "language", "address"),
        *("role", "state", "places", "ends_ms", "sign_in"), *("path", "query", "shared"), *("location", "subnet", "site"),
    } - {"id", "created_ms", "ca_pem"}  # fmt: skip
    listed = (SOURCE.parents[1] / "web/src/rooms/audit/fields.ts").read_text()
    known = set(re.findall(r'^  (\w+): "[a-z_.]+",$', listed, re.MULTILINE))
    assert carried <= known, f"web/src/rooms/audit/fields.ts: add {sorted(carried - known)} to FIELDS"


@pytest.mark.slow
async def test_each_change_says_before_and_after(world: World) -> None:
    async def ask(method: str, path: str, body: Any = None) -> Any:
        answer = await world.ask("owner", method, f"/api/v1{path}", body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    place = (await ask("POST", "/locations", {"name": "HQ", "kind": "building"}))["id"]
    other = (await ask("POST", "/locations", {"name": "Old HQ", "kind": "building"}))["id"]
    await ask("PATCH", f"/locations/{place}", {"name": "Head office"})
    await ask("POST", f"/locations/{other}/merge", {"into": place})
    await ask("POST", "/locations/devices", {"devices": ["dev_in"], "location": place})
    rule = (await ask("POST", "/locations/rules", {"location": place, "name": "HQ-*"}))["id"]
    await ask("DELETE", f"/locations/rules/{rule}")
    await ask("DELETE", f"/locations/{place}?hanging=lift")
    await ask("PATCH", f"/agents/{world.agent}", {"name": "London 2"})
    view = (await ask("POST", "/views", {"path": "/users", "name": "All", "query": "q=a"}))["id"]
    await ask("PATCH", f"/views/{view}", {"name": "Everybody"})
    await ask("DELETE", f"/views/{view}")
    people = {item["sign_in"]: item["id"] for item in (await ask("GET", "/users"))["items"]}
    await ask("PATCH", f"/users/{people['monitor@example.org']}", {"role": "administrator"})
    await ask("DELETE", f"/users/{people['monitor@example.org']}")
    await world.hub.agents.delete(SYSTEM, world.agent)
    items = (await ask("GET", "/audit?limit=1000"))["items"]
    changed = [item for item in items if item["act"].endswith(CHANGES)]
    assert len({item["act"] for item in changed}) >= 15
    silent = {item["act"] for item in changed if item["before"] is None and item["after"] is None}
    assert silent == set(), "give their detail before and after: audit.changing"
    told = {item["act"]: (item["before"], item["after"]) for item in reversed(items)}
    assert told["agent.renamed"] == ({"name": "London"}, {"name": "London 2"})
    assert told["location.changed"] == ({"name": "HQ"}, {"name": "Head office"})
    placed = [(item["before"], item["after"]) for item in reversed(items) if item["act"] == "device.placed"]
    assert placed[-2] == ({"path": "Room in"}, {"path": "Head office"})
    assert placed[-1][0] == {"path": "Head office"}  # the place went
    assert told["view.changed"][1]["name"] == "Everybody"
    before, after = told["person.changed"]
    assert (before["role"], after["role"]) == ("monitor", "administrator")
    assert told["agent.deleted"][0] == {"name": "London 2", "site": "London 2"}
    assert told["person.removed"][0]["role"] == "administrator"
