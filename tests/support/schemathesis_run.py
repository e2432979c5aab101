"""Every operation of an OpenAPI document asked by property, bounded and repeatable."""

from typing import Any

import hypothesis
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


def findings(url: str, document: dict[str, Any], key: str, *, examples: int = 15) -> list[str]:
    """What broke inside, or answered what the document does not say. Blocking: run it in a thread."""
    found = []
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        try:
            ask(operation, url, key, examples)
        except (BaseExceptionGroup, Exception) as error:
            found.append(f"{operation.label}: {error}"[:2_000])
    return found


def ask(operation: Any, url: str, key: str, examples: int) -> None:
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy())
    def run(case: Any) -> None:
        answer = case.call(base_url=url, headers={"X-Api-Key": key})
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"], answer.text
        case.validate_response(answer, checks=CHECKS)

    run()
