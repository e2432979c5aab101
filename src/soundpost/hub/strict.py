"""What every route refuses before its own rules are asked: parameters it does not name, a body that is no JSON, values no database keeps.

A guard looks at the address, after the rights; a hook looks at the body, before it is read into a shape.
"""

import re
from typing import Any

import msgspec
from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import ClientException, HTTPException
from litestar.handlers import BaseRouteHandler

from soundpost.kernel.errors import Invalid, NotFound

QUERY = "soundpost.query"
VALUE_MOST = 1_000
"""Characters of one parameter in the address."""
DEPTH_MOST = 32
INT_LEAST, INT_MOST = -(2**63), 2**63 - 1
JSON = re.compile(r"application/(json|[\w.+-]+\+json)\s*(;|$)", re.ASCII | re.IGNORECASE)


def address_guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Litestar's guard for the whole application; it comes after the one of the rights."""
    known: frozenset[str] | None = handler.opt.get(QUERY)
    if known is None or connection.scope["type"] != ScopeType.HTTP:
        return
    seen: set[str] = set()
    for name, value in connection.query_params.multi_items():
        if name not in known:
            raise Invalid(
                f"There is no parameter {name[:40]!r} here. There are: {', '.join(sorted(known)) or 'none'}.",
                code="unknown_parameter",
                field=name[:40],
                allowed=sorted(known),
            )
        if name in seen:
            raise wrong(name, "may be given once only")
        seen.add(name)
        check_text(name, value)
    if any(not is_text(str(value)) for value in connection.path_params.values()):
        raise NotFound("There is nothing at this address.")


def note_parameters(app: Litestar) -> None:
    """Once, when the application is made: what each route takes in the address after the question mark, by Litestar's own reading."""
    for route in app.routes:
        for handler, model in getattr(route, "route_handler_map", {}).values():
            if handler.resolve_include_in_schema():
                handler.opt[QUERY] = frozenset(one.field_alias for one in model.expected_query_params)


def check_text(name: str, value: str) -> None:
    if len(value) > VALUE_MOST:
        raise wrong(name, f"may have at most {VALUE_MOST} characters")
    if not is_text(value):
        raise wrong(name, "must be text in UTF-8 without NUL")


def is_text(value: str) -> bool:
    """Bytes that are no UTF-8 come as the sign for what can't be read."""
    return "\0" not in value and "\ufffd" not in value


def wrong(name: str, what: str) -> Invalid:
    return Invalid(f"{name[:40]} {what}.", code="invalid_argument", field=name[:40])


async def body_hook(request: "Request[Any, Any, Any]") -> None:
    """Litestar's hook before a handler."""
    handler = request.route_handler
    if QUERY not in handler.opt or "data" not in handler.parsed_fn_signature.parameters:
        return
    kind = request.headers.get("content-type", "application/json")
    if not JSON.match(kind):
        raise HTTPException(status_code=415)
    body = await request.body()
    if body:
        check_body(body)


def check_body(body: bytes) -> None:
    """Any JSON that the rooms may then trust: no deeper than DEPTH_MOST, its integers in 64 bits, its texts without NUL."""
    try:
        waiting = [(msgspec.json.decode(body), 0)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ClientException from None
    while waiting:
        part, depth = waiting.pop()
        if depth > DEPTH_MOST:
            raise Invalid(f"The body is nested deeper than {DEPTH_MOST} levels.", code="invalid")
        if isinstance(part, str) and "\0" in part:
            raise Invalid("A text in the body holds NUL, which can't be kept.", code="invalid")
        if isinstance(part, int) and not INT_LEAST <= part <= INT_MOST:
            raise Invalid("A number in the body is beyond 64 bits.", code="invalid")
        if isinstance(part, dict):
            waiting += [(each, depth + 1) for pair in part.items() for each in pair]
        elif isinstance(part, list):
            waiting += [(each, depth + 1) for each in part]
