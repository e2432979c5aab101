"""The OpenAPI document, from the same structs the routes use.

Litestar's reading of msgspec structs is incomplete (unknown fields allowed, constraints lost), so the schemas come from msgspec
itself. Rights, errors and parameters come from what stands beside each route (openapi_routes.py); words and examples are added here.
"""

from typing import Any, get_args, get_origin

import msgspec
from litestar import Litestar, Response, get
from litestar._openapi.plugin import OpenAPIPlugin
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import Empty

from soundpost.hub import openapi_routes as routes
from soundpost.hub import openapi_words as words
from soundpost.hub.openapi_codes import CODES
from soundpost.hub.openapi_examples import Examples
from soundpost.hub.problems import MEDIA_TYPE, Problem, titled

REF = "#/components/schemas/{name}"
CONFIG = OpenAPIConfig(title="Soundpost", version="1", use_handler_docstrings=True)
Part = dict[str, Any]


def document(app: Litestar) -> Part:
    # Litestar's own router would answer unknown addresses in HTML and name no right; its reader of routes is all we want.
    plugin = app.plugins.get(OpenAPIPlugin)
    plugin._openapi_config = CONFIG
    made: Part = msgspec.json.decode(msgspec.json.encode(plugin.provide_openapi_schema(), enc_hook=str))
    components = made.setdefault("components", {})
    _, exact = msgspec.json.schema_components([*structs(app), Problem], ref_template=REF)
    schemas = components["schemas"] = {**components.get("schemas", {}), **exact}
    examples = Examples(schemas)
    used: set[routes.Named] = set()
    for path, method, handler in described(app):
        operation = made["paths"][path][method]
        faults = routes.faults(handler)
        complete(operation, handler, faults, examples, path)
        used |= set(faults)
    made["info"]["description"] = words.ABOUT
    made["servers"] = [{"url": "/"}]
    named = {tag for _, _, handler in described(app) for tag in handler.resolve_tags()}
    made["tags"] = [
        {"name": name, "description": text} for name, text in words.TAGS.items() if name in {*named, "Live"}
    ]
    components["securitySchemes"] = words.SECURITY
    components["examples"] = {key(fault): example(fault) for fault in sorted(used, key=key)}
    return made


def described(app: Litestar) -> list[tuple[str, str, HTTPRouteHandler]]:
    """Each operation of the document: its path, its method in lower case, its handler."""
    return [
        (getattr(route, "path_format", route.path), method.lower(), handler)
        for route in app.routes
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items()
        if handler.resolve_include_in_schema() and method != "OPTIONS"
    ]


def complete(
    operation: Part, handler: HTTPRouteHandler, faults: list[routes.Named], examples: Examples, path: str
) -> None:
    right, whole = handler.opt["right"], bool(handler.opt.get("whole"))
    operation.pop("deprecated", None)
    operation["x-right"], operation["x-whole"] = right, whole
    own = operation.get("description", "")
    operation["description"] = "\n\n".join(filter(None, (own, words.right(right, whole=whole))))
    operation["security"] = [] if right == "open" else [{name: []} for name in words.SECURITY]
    operation["parameters"] = [words.parameter(one, path) for one in operation.get("parameters", ())]
    if (body := operation.get("requestBody")) and "data" in handler.parsed_fn_signature.parameters:
        optional = handler.parsed_fn_signature.parameters["data"].has_default
        body["required"] = not optional
        for content in body["content"].values():
            content["example"] = examples.of(content["schema"])
    operation["responses"] = {**answers(operation["responses"], examples), **problems(faults)}


def answers(made: Part, examples: Examples) -> Part:
    """Those that went well; Litestar only knows of some errors, in a shape that is not ours."""
    good = {status: answer for status, answer in made.items() if status < "400"}
    for status, answer in good.items():
        answer["description"] = words.ANSWERS.get(status, answer["description"])
        answer.pop("headers", None)
        if status in ("202", "204") and is_empty(answer):
            answer.pop("content", None)
        for kind, content in answer.get("content", {}).items():
            text = words.FILES.get(kind, words.TRANSCRIPT)
            content["example"] = examples.of(content["schema"]) if kind == "application/json" else text
    return good


def is_empty(answer: Part) -> bool:
    return all(content.get("schema") in ({}, {"type": "null"}, None) for content in answer.get("content", {}).values())


def problems(faults: list[routes.Named]) -> Part:
    """By status, a problem whose code is one of those that are named."""
    by_status: dict[int, list[routes.Named]] = {}
    for fault in sorted(faults, key=lambda one: (one.status, one.code)):
        by_status.setdefault(fault.status, []).append(fault)
    return {str(status): problem(status, some) for status, some in by_status.items()}


def problem(status: int, faults: list[routes.Named]) -> Part:
    codes = [fault.code for fault in faults]
    shape: Part = {"$ref": REF.format(name="Problem")}
    if status < 500 or codes != ["internal"]:
        shape = {
            "allOf": [shape, {"type": "object", "properties": {"status": {"const": status}, "code": {"enum": codes}}}]
        }
    shown = {fault.code: {"$ref": f"#/components/examples/{key(fault)}"} for fault in faults}
    described = ", ".join(f"`{code}`" for code in codes)
    return {
        "description": f"{words.STATUS[status]} {described}",
        "content": {MEDIA_TYPE: {"schema": shape, "examples": shown}},
        **({"headers": words.RETRY_AFTER} if status in (429, 503) else {}),
    }


def key(fault: routes.Named) -> str:
    """A code with several statuses has an example for each."""
    return fault.code if fault.status == CODES[fault.code].statuses[0] else f"{fault.code}_{fault.status}"


def example(fault: routes.Named) -> Part:
    known = CODES[fault.code]
    made = Problem(titled(fault.status), fault.status, fault.code, known.text, known.params)
    return {"summary": fault.code, "value": msgspec.to_builtins(made)}


def structs(app: Litestar) -> list[Any]:
    """Every type a route takes or answers with."""
    found: list[Any] = []
    for _, _, handler in described(app):
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
