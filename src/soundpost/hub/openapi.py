"""The OpenAPI document, from the same structs the routes use.

Litestar's reading of msgspec structs is incomplete (unknown fields allowed, constraints lost), so the schemas come from msgspec
itself, and every error is the one problem of problems.py.
"""

from typing import Any, get_args, get_origin

import msgspec
from litestar import Litestar, Response, get
from litestar._openapi.plugin import OpenAPIPlugin
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import Empty

from soundpost.hub.problems import MEDIA_TYPE, Problem

REF = "#/components/schemas/{name}"
CONFIG = OpenAPIConfig(title="Soundpost", version="1", use_handler_docstrings=True)


def document(app: Litestar) -> dict[str, Any]:
    # Litestar's own router would answer unknown addresses in HTML and name no right; its reader of routes is all we want.
    plugin = app.plugins.get(OpenAPIPlugin)
    plugin._openapi_config = CONFIG
    made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(plugin.provide_openapi_schema(), enc_hook=str))
    components = made.setdefault("components", {}).setdefault("schemas", {})
    _, exact = msgspec.json.schema_components([*structs(app), Problem], ref_template=REF)
    components.update(exact)
    for path in made.get("paths", {}).values():
        for operation in path.values():
            if isinstance(operation, dict) and "responses" in operation:
                with_problems(operation)
    made["components"]["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}}
    return made


def with_problems(operation: dict[str, Any]) -> None:
    """Any operation may answer with a problem; Litestar only knows of some, in a shape that is not ours."""
    problem = {"content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(name="Problem")}}}}
    answers = {code: answer for code, answer in operation["responses"].items() if code < "400"}
    if "204" in answers:
        answers["204"].pop("content", None)
    operation["responses"] = {**answers, "default": {"description": "A problem (RFC 9457)", **problem}}


def structs(app: Litestar) -> list[Any]:
    """Every type a route takes or answers with."""
    found: list[Any] = []
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if not isinstance(handler, HTTPRouteHandler) or not handler.resolve_include_in_schema():
                continue
            found += types_of(handler.parsed_fn_signature.return_type.raw)
            if data := handler.parsed_fn_signature.parameters.get("data"):
                found += types_of(data.raw)
    return found


def types_of(annotation: Any) -> list[Any]:
    if annotation in (None, type(None), Empty, bytes, Any):
        return []
    if get_origin(annotation) is not None and issubclass_safe(get_origin(annotation), Response):
        return [kind for part in get_args(annotation) for kind in types_of(part)]
    return [annotation]


def issubclass_safe(kind: Any, parent: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, parent)


def handler() -> HTTPRouteHandler:
    made: dict[int, bytes] = {}

    @get("/api/v1/openapi.json", opt={"right": "open"}, include_in_schema=False, sync_to_thread=False)
    def openapi(request: "Any") -> Response[bytes]:
        body = made.get(0) or made.setdefault(0, msgspec.json.encode(document(request.app)))
        return Response(body, media_type="application/json")

    return openapi
