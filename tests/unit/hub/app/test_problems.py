"""Every error is problem JSON with a stable code, on every path and method, and tells nothing of the inside."""

from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.support.hub import Hub, problem

pytestmark = pytest.mark.slow

THINGS = "/api/v1/things"


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", "/api/v1/nothing", {}, 404, "not_found"),
        ("GET", "/api", {"headers": {"accept": "application/json"}}, 404, "not_found"),
        ("GET", "/devices", {"headers": {"accept": "application/json"}}, 404, "not_found"),
        ("GET", "/assets/gone-123.js", {}, 404, "not_found"),
        ("DELETE", "/nothing", {}, 404, "not_found"),
        ("POST", "/", {}, 405, "method_not_allowed"),
        ("PUT", THINGS, {}, 405, "method_not_allowed"),
        ("POST", THINGS, {"json": {}}, 400, "invalid_argument"),
        ("POST", THINGS, {"json": {"name": 1}}, 400, "invalid_argument"),
        ("POST", THINGS, {"json": {"name": "a", "other": 1}}, 400, "invalid_argument"),
        ("POST", THINGS, {"json": []}, 400, "invalid_argument"),
        ("POST", THINGS, {"content": b"{"}, 400, "invalid"),
        ("POST", THINGS, {"content": b"\xff\xfe"}, 400, "invalid"),
        ("POST", THINGS, {}, 400, "body_missing"),
        ("POST", THINGS, {"content": b"x" * 1_100_000}, 413, "too_large"),
        ("GET", "/api/v1/audit", {}, 401, "unauthenticated"),
        ("GET", "/api/v1/no-right", {}, 401, "unauthenticated"),
        ("GET", "/api/v1/break/bug", {}, 500, "internal"),
        ("GET", "/api/v1/break/retry", {}, 503, "retry"),
        ("GET", "/api/v1/break/unsupported", {}, 409, "unsupported"),
        ("GET", "/api/v1/break/give-up", {}, 500, "failed"),
    ],
)
async def test_each_error(home: Hub, method: str, path: str, options: dict[str, Any], status: int, code: str) -> None:
    answer = await home.client.request(method, path, **options)
    problem(answer, status, code)
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_field_is_named(home: Hub) -> None:
    body = problem(await home.client.post(THINGS, json={"name": 1}), 400, "invalid_argument")
    assert body["params"]["field"] == "name"
    body = problem(await home.client.post(THINGS, json={"name": "a", "size": "the secret"}), 400, "invalid_argument")
    assert (body["params"]["field"], "the secret" in str(body)) == ("size", False)


async def test_405_names_what_is_allowed(home: Hub) -> None:
    assert "POST" in (await home.client.get(THINGS)).headers["allow"]


@pytest.mark.parametrize("how", ["bug", "retry", "give-up"])
async def test_the_log_names_the_route_and_never_the_address(home: Hub, how: str) -> None:
    """An address may hold a secret, as that of an invitation does."""
    with capture_logs() as lines:
        await home.client.get(f"/api/v1/break/{how}")
    assert [line["path"] for line in lines if "path" in line] == ["/api/v1/break/{how}"]
