"""Every described route of both editions: a Local Agent has all of the hub's, and some of its own."""

from litestar.handlers import HTTPRouteHandler

from soundpost.editions.openapi import with_application
from soundpost.hub.openapi import described


async def every_route() -> list[tuple[str, HTTPRouteHandler]]:
    """`GET /api/v1/devices` and its handler."""
    async with with_application() as app:
        return [(f"{method.upper()} {path}", handler) for path, method, handler in described(app)]
