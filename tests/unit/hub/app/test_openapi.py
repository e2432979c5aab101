"""The OpenAPI document says what the routes do: schemathesis asks them all."""

from pathlib import Path
from typing import Any

import pytest
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


@pytest.mark.parametrize("seed", [1])
async def test_schemathesis_finds_nothing(owned: Hub, tmp_path: Path, seed: int) -> None:
    import asyncio

    owner = (await owned.client.get("/api/v1/session")).json()["person"]["id"]
    key = await owned.people.add_key(owner, "schemathesis", "administer")
    found = await asyncio.to_thread(asked, owned.url, await document(owned), key, seed)
    assert found == []


def asked(url: str, made: dict[str, Any], key: str, seed: int) -> list[str]:
    """Cases by property over every operation; what is no answer of the document or no problem is a finding."""
    import random

    import hypothesis
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

    schema = schemathesis.openapi.from_dict(made)
    findings: list[str] = []
    random.seed(seed)
    for result in schema.get_all_operations():
        operation = result.ok()

        @hypothesis.settings(
            max_examples=15, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )  # fmt: skip
        @hypothesis.given(case=operation.as_strategy())
        def run(case: Any) -> None:
            answer = case.call(base_url=url, headers={"X-Api-Key": key})
            case.validate_response(
                answer, checks=[not_a_server_error, status_code_conformance, response_schema_conformance]
            )

        try:
            run()
        except (BaseExceptionGroup, Exception) as error:
            findings.append(f"{operation.label}: {error}"[:2_000])
    return findings
