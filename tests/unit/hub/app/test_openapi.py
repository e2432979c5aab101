"""The OpenAPI document says what the routes do; test_whole_hub.py asks them all."""

from typing import Any

from tests.support.hub import Hub


async def document(hub: Hub) -> dict[str, Any]:
    body: dict[str, Any] = (await hub.client.get("/api/v1/openapi.json")).json()
    return body


async def test_it_names_every_route_and_each_error_is_a_problem(home: Hub) -> None:
    made = await document(home)
    assert {"/api/v1/health", "/api/v1/session", "/api/v1/first-run", "/api/v1/audit"} <= made["paths"].keys()
    for path in made["paths"].values():
        for operation in path.values():
            assert operation["responses"]["default"]["content"].keys() == {"application/problem+json"}
            assert all(code < "400" or code == "default" for code in operation["responses"])


async def test_unknown_fields_are_forbidden_where_they_are(home: Hub) -> None:
    schemas = (await document(home))["components"]["schemas"]
    assert schemas["Thing"] == {
        "title": "Thing",
        "type": "object",
        "properties": {"name": {"type": "string"}, "size": {"type": "integer", "default": 1}},
        "required": ["name"],
        "additionalProperties": False,
    }


async def test_every_reference_leads_somewhere(home: Hub) -> None:
    made = await document(home)
    names = made["components"]["schemas"].keys()

    def references(part: Any) -> set[str]:
        if isinstance(part, dict):
            own = {part["$ref"].rsplit("/", 1)[1]} if isinstance(part.get("$ref"), str) else set()
            return own.union(*(references(value) for value in part.values()))
        return set().union(*(references(value) for value in part)) if isinstance(part, list) else set()

    assert references(made) <= names
