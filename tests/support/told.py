"""What the API answers while tests run, held against what each route says it can answer."""

from collections.abc import Iterator
from typing import Any

import pytest

from soundpost.hub import problems
from soundpost.hub.openapi_routes import faults


@pytest.fixture(autouse=True)
def each_error_is_named(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test is about: an error that the route does not name is a hole in the API's document."""
    unnamed: dict[str, None] = {}

    def watched(original: Any) -> Any:
        def answer(self: Any, request: Any, error: Exception) -> Any:
            response = original(self, request, error)
            handler = request.scope.get("route_handler")
            told = response.content
            if isinstance(told, problems.Problem) and told.status != 500 and is_described(handler, request):
                named = {(one.code, one.status) for one in faults(handler)}
                if (told.code, told.status) not in named:
                    unnamed[sentence(request, told)] = None
            return response

        return answer

    for name in ("ours", "http"):
        monkeypatch.setattr(problems.Handlers, name, watched(getattr(problems.Handlers, name)))
    yield
    assert list(unnamed) == []


def sentence(request: Any, told: problems.Problem) -> str:
    return (
        f"{request.method} {request.url.path} answered {told.status} {told.code!r}, which its route does not name: "
        f'add it beside the route, opt={{…, "faults": "… {told.code}"}}, or to what follows for all (hub/openapi_routes.py)'
    )


def is_described(handler: Any, request: Any) -> bool:
    """Routes of the document; those that tests make up for themselves say nothing."""
    if handler is None or request.method not in getattr(handler, "http_methods", ()):
        return False
    return bool(handler.resolve_include_in_schema() and handler.fn.__module__.startswith("soundpost."))
