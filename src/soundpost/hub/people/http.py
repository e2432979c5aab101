"""Signing in over HTTP and WebSocket: who stands behind a connection, and whether a route's right is theirs.

Every route names its right with `opt={"right": "see"}`; one that names none is closed to everybody.
"""

import ipaddress
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from litestar import Controller, Litestar, Request, Router
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.exceptions import WebSocketException
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Method, Receive, Scope, Send

from soundpost.hub.audit.service import Who
from soundpost.hub.organization.rules import Asker
from soundpost.hub.people.rules import RIGHTS, Networks, Principal, is_trusted, told_address
from soundpost.hub.people.service import Client, People
from soundpost.kernel.errors import Forbidden, TellUser, Unauthenticated

Connection = ASGIConnection[Any, Any, Any, Any]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
KNOWN, BROWSER = "soundpost.known", "_browser"
"""Where the middleware leaves what the browser is known by, and how that cookie's name ends."""
REFUSED = "soundpost.refused"
"""Where it leaves why the key that was given is not good; a route that is open to everybody does not ask."""


class SignInMiddleware:
    """Puts the Principal (or None) into `scope["user"]`. A cookie counts only with a matching Origin where something may change."""

    def __init__(self, app: ASGIApp, people: People) -> None:
        self._app, self._people = app, people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        believe_proxy(scope, self._people.proxies)
        try:
            scope["user"] = await self._principal(scope)
        except TellUser as refusal:
            if scope["type"] == ScopeType.HTTP:
                raise
            raise WebSocketException(detail=refusal.code, code=4403) from refusal
        await self._app(scope, receive, send)

    async def _principal(self, scope: Scope) -> Principal | None:
        jar = cookies(scope)
        name = cookie_name(self._people, scope)
        scope[KNOWN] = jar.get(name + BROWSER, "")  # type: ignore[literal-required]
        if key := given_key(scope):
            peer = scope.get("client")
            address = peer[0] if peer else ""
            holder = await self._people.principal_of_key(key, address)
            if holder is None:
                scope[REFUSED] = self._people.keyring.refusal(address)  # type: ignore[literal-required]
            return holder
        token = jar.get(name, "")
        if not token:
            return None
        found = await self._people.principal_of_token(token)
        unsafe = scope.get("method", "CONNECT") not in SAFE  # a WebSocket has no method, and may do anything
        if found and unsafe and not same_origin(scope, self._people):
            raise foreign_page()
        return found


def given_key(scope: Scope) -> str:
    """X-Api-Key, else Authorization: Bearer. Of both, X-Api-Key counts and the other is not looked at: a proxy may have its own. A key
    counts before a cookie."""
    if key := header(scope, b"x-api-key").strip():
        return key
    scheme, _, token = header(scope, b"authorization").strip().partition(" ")
    return token.strip() if scheme.casefold() == "bearer" else ""


def cookies(scope: Scope) -> dict[str, str]:
    jar = SimpleCookie()
    try:
        jar.load(header(scope, b"cookie"))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}


def believe_proxy(scope: Scope, trusted: Networks) -> None:
    """Who asks and over what, as a proxy of the setting says; anybody else could write anything (decision 0007)."""
    peer = scope.get("client")
    if not peer or not is_trusted(peer[0], trusted):
        return
    forwarded = ",".join(headers(scope, b"x-forwarded-for"))
    scope["client"] = (told_address(peer[0], forwarded, trusted), peer[1])
    if header(scope, b"x-forwarded-proto").casefold() == "https":
        scope["scheme"] = "https" if scope["type"] == ScopeType.HTTP else "wss"


def same_origin(scope: Scope, people: People) -> bool:
    origin = header(scope, b"origin")
    return origin in people.origins or same_host(origin, header(scope, b"host"))


def refuse_foreign_page(connection: Connection, people: People) -> None:
    """Signing in sets a cookie, so no other site's page may do it; a program without an Origin may."""
    if header(connection.scope, b"origin") and not same_origin(connection.scope, people):
        raise foreign_page()


def foreign_page() -> Forbidden:
    return Forbidden(
        "This request came from another site's page; open Soundpost's own page and try again.", code="origin"
    )


def same_host(origin: str, host: str) -> bool:
    """A page's origin is ours when it names the very host and port that was asked."""
    if not origin or not host:
        return False
    return urlsplit(origin).netloc.casefold() == host.casefold()


def headers(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def header(scope: Scope, name: bytes) -> str:
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


def secure(scope: Scope) -> bool:
    return scope["scheme"] in ("https", "wss")


def cookie_name(people: People, scope: Scope) -> str:
    """One cookie jar serves all ports of a host, so the name carries the instance. Over TLS the name differs: browsers refuse
    to let plain HTTP replace a Secure cookie of the same name, which would lock the loopback page out."""
    return f"soundpost_{people.instance[:8]}" + ("_tls" if secure(scope) else "")


def principal(connection: Connection) -> Principal | None:
    """Who is signed in on this request or WebSocket, None when nobody is."""
    user = connection.scope.get("user")
    return user if isinstance(user, Principal) else None


def signed_in(connection: Connection) -> Principal:
    found = principal(connection)
    if found is None:
        raise Unauthenticated("Sign in first.")
    return found


def address(connection: Connection) -> str:
    return connection.client.host if connection.client else ""


def client(connection: Connection) -> Client:
    return Client(
        address=address(connection),
        browser=header(connection.scope, b"user-agent")[:200],
        own_machine=own_machine(connection.scope),
        known=str(connection.scope.get(KNOWN, "")),
    )


def own_machine(scope: Scope) -> bool:
    """True when the connection comes from the machine this program runs on."""
    peer, server = scope.get("client"), scope.get("server")
    if not peer:
        return True  # no address at all: a socket file, or a test inside the process
    try:
        loopback = ipaddress.ip_address(peer[0]).is_loopback
    except ValueError:
        return False
    return loopback or (server is not None and peer[0] == server[0])


def who(connection: Connection) -> Who:
    """For the audit: who acts through this connection."""
    found = principal(connection)
    if found is None:
        return Who("system", name="nobody", address=address(connection))
    return Who(found.kind, found.id, said_name(found), address(connection))


def said_name(principal: Principal) -> str:
    """A key is called by its name and its person's."""
    name = principal.name or principal.sign_in
    return f"{name} ({principal.owner_name})" if principal.owner_name else name


def asker(connection: Connection) -> Asker:
    """For the rooms below, which know rights and names but not how people sign in."""
    found = principal(connection)
    return Asker(found.rights, found.sign_in, found.name) if found else Asker(frozenset())


def handing_in(*controllers: type[Controller]) -> Router:
    """Routes of the rooms below, which are handed `who` acts (for the audit) and the `asker`."""

    def acting(request: Request[Any, Any, Any]) -> Who:
        return who(request)

    def asking(request: Request[Any, Any, Any]) -> Asker:
        return asker(request)

    given = {"who": Provide(acting, sync_to_thread=False), "asker": Provide(asking, sync_to_thread=False)}
    return Router("/", route_handlers=controllers, dependencies=given)


def rights_guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """Litestar's guard for the whole application."""
    try:
        check_right(handler.opt.get("right"), connection, whole=bool(handler.opt.get("whole")))
        check_held_back(connection, first=bool(handler.opt.get("first")) or handler.opt.get("right") == "open")
    except TellUser as refusal:
        if connection.scope["type"] == ScopeType.HTTP:
            raise
        code = 4401 if isinstance(refusal, Unauthenticated) else 4403
        raise WebSocketException(detail=refusal.code, code=code) from refusal


def check_right(right: str | None, connection: Connection, *, whole: bool = False) -> None:
    """`whole`: it reaches beyond any part of the tree of places, so that who is limited to one may not."""
    if right == "open" or connection.scope.get("method") == "OPTIONS":
        return
    found = principal(connection)
    if found is None:
        raise refusal(connection) or Unauthenticated("Sign in first.")
    if right not in RIGHTS or right not in found.rights:
        raise Forbidden(_may_not(found), code="not_allowed", right=right)
    if whole and found.places:
        raise Forbidden("Only who sees all places may do this; ask an owner.", code="not_allowed", right=right)


def _may_not(found: Principal) -> str:
    """A key may less than its person: asking an owner would not help."""
    return (
        "This key may not do this; make one that may more."
        if found.kind == "key"
        else "You may not do this; ask an owner."
    )


def refusal(connection: Connection) -> TellUser | None:
    """Why the key that was given is not good; None where none was given."""
    refused = connection.scope.get(REFUSED)
    return refused if isinstance(refused, TellUser) else None


def check_held_back(connection: Connection, *, first: bool) -> None:
    """`first`: it may be asked before the terms are accepted, or the second factor that is demanded is set up."""
    found = principal(connection)
    if found is None or not found.held_back or first:
        return
    if found.held_back == "terms":
        raise Forbidden("The terms changed: read and accept them first.", code="terms_due")
    if found.held_back == "factor":
        raise Forbidden(
            "A second factor is demanded of you: set it up under My Account first.", code="second_factor_needed"
        )


def routes_without_right(app: Litestar) -> list[str]:
    """Must be empty: a test asks it of every edition."""
    missing: list[str] = []
    for route in app.routes:
        handlers = getattr(route, "route_handlers", None) or [route.route_handler]  # type: ignore[union-attr]
        for handler in handlers:
            methods: set[Method] = getattr(handler, "http_methods", set())
            if methods != {"OPTIONS"} and handler.opt.get("right") not in RIGHTS:
                missing.append(f"{' '.join(sorted(methods))} {route.path}")
    return missing
