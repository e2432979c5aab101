"""What one route can answer with: the errors that follow from its right, its body and its address, and those it names beside itself.

A route names the codes of its own with `opt={"right": …, "faults": "location_gone name_taken agent_lost:409"}`; each must stand in
openapi_codes.py.
"""

from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from soundpost.hub.openapi_codes import CODES

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Named(Struct, frozen=True):
    code: str
    status: int


def named(text: str) -> list[Named]:
    """From what stands beside a route. Raises KeyError for a code without an entry, ValueError where its status is not clear."""
    found = []
    for word in text.split():
        code, _, status = word.partition(":")
        statuses = CODES[code].statuses
        chosen = int(status) if status else statuses[0]
        if chosen not in statuses or (len(statuses) > 1 and not status):
            raise ValueError(f"{word} stands for one of {statuses}: write it as {code}:{statuses[0]}")
        found.append(Named(code, chosen))
    return found


def faults(handler: HTTPRouteHandler) -> list[Named]:
    return sorted(
        {*named(handler.opt.get("faults", "")), *named(general(handler))}, key=lambda one: (one.status, one.code)
    )


def general(handler: HTTPRouteHandler) -> str:
    """Those no route names, since they follow from what it is."""
    opt, right = handler.opt, handler.opt.get("right")
    taken = handler.parsed_fn_signature.parameters
    found = ["unknown_parameter", "invalid_argument", "internal", "key_refused", "too_many_attempts"]
    if any("{" in path for path in handler.paths) or has_place(handler):
        found.append("not_found")
    if "data" in taken:
        found += ["invalid", "body_missing", "too_large", "unsupported_media_type"]
    if right != "open":
        found.append("unauthenticated")
        if not opt.get("first"):
            found += ["second_factor_needed:403", "terms_due"]
    if right not in ("open", "see") or opt.get("whole"):
        found.append("not_allowed")
    if not handler.http_methods <= SAFE:
        found.append("origin")
    return " ".join(found)


def has_place(handler: HTTPRouteHandler) -> bool:
    """The controller's own path may hold the id."""
    owner = handler.owner
    return "{" in str(getattr(owner, "path", "") or "")
