"""The OpenAPI document says what the routes do, in both editions; test_schemathesis.py asks them all."""

import asyncio
import copy
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from tests.support.hub import Hub
from tests.support.routes import every_route

from soundpost.editions.openapi import document, lean
from soundpost.hub.openapi_codes import CODES
from soundpost.hub.people.rules import RIGHTS

Part = dict[str, Any]
WAYS = ("cookie", "key", "bearer")


@pytest.fixture(scope="module")
def whole() -> Part:
    """Both editions' routes in one."""
    return asyncio.run(document())


def operations(made: Part) -> Iterator[tuple[str, Part]]:
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


async def test_it_is_served_to_anybody(home: Hub) -> None:
    answer = await home.page().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert {"/api/v1/health", "/api/v1/session", "/api/v1/first-run", "/api/v1/audit"} <= answer.json()["paths"].keys()


async def test_unknown_fields_are_forbidden_where_they_are(home: Hub) -> None:
    schemas = (await home.client.get("/api/v1/openapi.json")).json()["components"]["schemas"]
    assert schemas["Thing"] == {
        "title": "Thing",
        "type": "object",
        "properties": {"name": {"type": "string"}, "size": {"type": "integer", "default": 1}},
        "required": ["name"],
        "additionalProperties": False,
    }


def test_every_reference_leads_somewhere(whole: Part) -> None:
    def references(part: Any) -> set[str]:
        if isinstance(part, dict):
            own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
            return own.union(*(references(value) for value in part.values()))
        return set().union(*(references(value) for value in part)) if isinstance(part, list) else set()

    there = {f"#/components/{kind}/{name}" for kind, parts in whole["components"].items() for name in parts}
    assert references(whole) <= there


def test_each_operation_names_right_ways_in_summary_and_tag(whole: Part) -> None:
    described = {tag["name"] for tag in whole["tags"] if tag["description"]}
    for name, operation in operations(whole):
        assert operation["x-right"] in RIGHTS, name
        assert "ight *" in operation["description"] or "Nobody needs" in operation["description"], name
        assert ("part of the places" in operation["description"]) == operation["x-whole"], name
        ways = [next(iter(way)) for way in operation["security"]]
        assert ways == ([] if operation["x-right"] == "open" else list(WAYS)), name
        assert operation.get("summary"), f"{name} has no summary: give its route summary=…"
        for tag in operation.get("tags", []):
            assert tag in described, f"{name}: say what the tag {tag!r} holds, under TAGS in hub/openapi_words.py"
        assert operation.get("tags"), f"{name} has no tag: give its controller tags = (…,)"


def test_each_parameter_is_described_with_its_bounds(whole: Part) -> None:
    for name, operation in operations(whole):
        for one in operation["parameters"]:
            assert one["description"], (
                f"{name}: its parameter {one['name']!r} is not described. Give it QueryParameter(description=…), "
                f"or a line under PARAMETERS in hub/openapi_words.py."
            )
            bounds = {"enum", "maximum", "maxLength", "pattern", "examples", "const"}
            kind = one["schema"].get("type")
            assert kind == "boolean" or bounds & one["schema"].keys(), (
                f"{name}: {one['name']!r} is a {kind} without bounds"
            )


def test_each_error_is_a_problem_with_codes_and_an_example_each(whole: Part) -> None:
    for name, operation in operations(whole):
        assert "500" in operation["responses"] and "default" not in operation["responses"], name
        for status, answer in operation["responses"].items():
            if status < "400":
                continue
            content = answer["content"]["application/problem+json"]
            codes = list(content["examples"])
            assert codes, (name, status)
            for code in codes:
                assert int(status) in CODES[code].statuses, (name, code)
                assert f"`{code}`" in answer["description"], (name, code)


def test_what_is_taken_and_given_has_an_example_that_fits(whole: Part) -> None:
    defs = {"components": whole["components"]}
    for name, operation in operations(whole):
        parts = {"what is sent": operation.get("requestBody", {})}
        parts |= {f"the answer {status}": answer for status, answer in operation["responses"].items()}
        for what, part in parts.items():
            for kind, content in part.get("content", {}).items():
                if not kind.endswith("json"):
                    continue
                examples = [content["example"]] if "example" in content else examples_of(whole, content)
                check = jsonschema_rs.validator_for({**content["schema"], **defs})
                for example in examples:
                    wrong = [
                        f"{'.'.join(map(str, error.instance_path))}: {error.message}"
                        for error in check.iter_errors(example)
                    ]
                    assert wrong == [], (
                        f"{name}: the example of {what} does not fit: {wrong}. Put a whole one under SHAPES in "
                        f"hub/openapi_examples.py, or a value for the field's name under NAMES."
                    )


def examples_of(whole: Part, content: Part) -> list[Any]:
    named = whole["components"]["examples"]
    return [named[reference["$ref"].rsplit("/", 1)[1]]["value"] for reference in content["examples"].values()]


def test_each_body_has_a_shape_and_is_refused_beyond_it(whole: Part) -> None:
    """A shape that takes any field takes a misspelt one."""
    for name, operation in operations(whole):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            for shape in shapes(whole, content["schema"], set()):
                made = whole["components"]["schemas"][shape]
                assert made.get("additionalProperties") is False, (
                    f"{name}: its body {shape} takes unknown fields: make it Struct(forbid_unknown_fields=True)"
                )


def shapes(whole: Part, schema: Part, found: set[str]) -> set[str]:
    """All that a schema is made of, at any depth."""
    for name in re.findall(r"#/components/schemas/(\w+)", str(schema)):
        if name not in found:
            found.add(name)
            shapes(whole, whole["components"]["schemas"][name], found)
    return found


async def test_each_fault_that_a_route_names_has_an_entry() -> None:
    """`named` says which, and where it goes."""
    for name, handler in await every_route():
        faults = handler.opt.get("faults", "")
        for word in faults.split():
            code, _, status = word.partition(":")
            assert code in CODES, f"{name} names {code!r}: it needs a line in hub/openapi_codes.py"
            assert status or len(CODES[code].statuses) == 1, f"{name}: {code} has several statuses; write {code}:409"


def test_the_document_for_types_holds_shapes_alone(whole: Part) -> None:
    made = lean(copy.deepcopy(whole))
    assert "examples" not in made["components"]
    assert {status for _, operation in operations(made) for status in operation["responses"] if status >= "400"} == {
        "default"
    }
