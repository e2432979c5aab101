"""Every operation of an OpenAPI document asked by property, bounded and repeatable.

What would end the run, or leave the machine, is asked all the same, but tamed: addresses of other programs are this machine's, and
what takes the asker's own way in comes last (`LAST`).
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

import hypothesis
import schemathesis
from msgspec import Struct
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from soundpost.hub.people.rules import RIGHTS

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
LAST = (
    "PUT /api/v1/policy/second-factor",  # who lacks a second factor could do nothing more
    "DELETE /api/v1/account/sessions",
    "DELETE /api/v1/account/sessions/{session_id}",
    "DELETE /api/v1/session",
)
ORDER = {"GET": 0, "POST": 1, "PUT": 2, "PATCH": 3, "DELETE": 4}
NOWHERE = "127.0.0.1:9"
PROOFS: tuple[dict[str, str], ...] = (
    {},
    {"X-Api-Key": "sp_made_up"},
    {"Authorization": "Bearer sp_made_up"},
    {"Cookie": "soundpost=made-up"},
)
TAMED: dict[str, Any] = {"server": "127.0.0.1", "port": 9, "url": f"http://{NOWHERE}", "address": f"http://{NOWHERE}"}
"""Fields that name another program: what is sent for them reaches nobody."""


def findings(
    url: str,
    document: dict[str, Any],
    headers: dict[str, str],
    *,
    examples: int = 8,
    rights: Collection[str] = RIGHTS,
    known: Mapping[str, str] | None = None,
) -> list[str]:
    """`known`: ids that are there, by the parameter of the path.

    Returns what broke inside, or answered what the document does not say: status, code, shape or type. Blocking: run it in a thread."""
    found = []
    for operation in in_order(document):
        if operation.definition.raw["x-right"] not in rights:
            continue
        try:
            ask(operation, Asker(url, headers, known or {}), examples)
        except (BaseExceptionGroup, Exception) as error:
            found.append(f"{operation.label}: {told(error)}"[:3_000])
    return found


def told(error: BaseException) -> str:
    """All that a group holds, in a few lines each."""
    inner = getattr(error, "exceptions", None)
    return "\n".join(map(told, inner)) if inner else f"{type(error).__name__}: {error}"[:1_200]


def in_order(document: dict[str, Any]) -> list[Any]:
    """Reading before writing before deleting, so that there is something to read; what ends the asker's own way in is last."""
    every = [result.ok() for result in schemathesis.openapi.from_dict(document).get_all_operations()]
    labels = {f"{one.method.upper()} {one.path}" for one in every}
    assert labels >= set(LAST) & labels
    return sorted(every, key=lambda one: (label(one) in LAST, ORDER[one.method.upper()], one.path))


def label(operation: Any) -> str:
    return f"{operation.method.upper()} {operation.path}"


def ask(operation: Any, asker: "Asker", examples: int) -> None:
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        strategy = operation.as_strategy(generation_mode=mode)
        there = asker.known if mode is GenerationMode.POSITIVE else {}
        try:
            each(strategy, lambda case, there=there: asker.check(case, there), examples)  # type: ignore[misc]
        except hypothesis.errors.Unsatisfiable:  # nothing could be wrong: it takes neither a body nor a parameter
            if mode is GenerationMode.POSITIVE:
                raise


def each(strategy: Any, act: Callable[[Any], None], examples: int) -> None:
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=strategy)
    def run(case: Any) -> None:
        act(case)

    run()


class Asker(Struct):
    """Who asks, and of what it knows."""

    url: str
    headers: dict[str, str]
    known: Mapping[str, str]

    def check(self, case: Any, there: Mapping[str, str]) -> None:
        tame(case.body)
        for made_up in ("X-Api-Key", "Authorization"):  # of such guesses the gate would soon have enough
            if case.headers:
                case.headers.pop(made_up, None)
        if case.cookies:
            case.cookies.clear()
        for name in case.path_parameters or {}:
            if name in there:
                case.path_parameters[name] = there[name]
        answer = case.call(base_url=self.url, headers=self.headers)
        assert answer.status_code not in (500, 502), answer.text  # 503 is no fault where it is named
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"], answer.text
        seen = ANSWERED.setdefault(label(case.operation), Counter())
        seen[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS, headers=self.headers)


ANSWERED: dict[str, Counter[int]] = {}
"""How often each operation was answered with which status in this process."""


def tame(body: Any) -> None:
    """In place; only where a text or number stood that could be taken."""
    if isinstance(body, dict):
        for name, value in body.items():
            if name in TAMED and isinstance(value, type(TAMED[name])):
                body[name] = TAMED[name]
            else:
                tame(value)


def auth_findings(url: str, document: dict[str, Any]) -> list[str]:
    """Operations that do not answer 401 where nothing, or something made up, says who asks; whatever else is right with what is sent."""
    found: list[str] = []

    def refused(case: Any) -> None:
        for proof in PROOFS:
            answer = case.call(base_url=url, headers=proof)
            # whoever tries keys is slowed down, and told so before a key is looked at
            assert answer.status_code == 401 or (answer.status_code == 429 and "sp_" in str(proof)), (
                proof,
                answer.text,
            )
            case.validate_response(answer, checks=CHECKS, headers=proof)

    for operation in in_order(document):
        if operation.definition.raw["x-right"] == "open":
            continue
        try:
            each(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), refused, 1)
        except (BaseExceptionGroup, Exception) as error:
            found.append(f"{operation.label}: {told(error)}"[:3_000])
    return found
