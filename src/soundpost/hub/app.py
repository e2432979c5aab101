"""Composes the rooms of an edition into one application. What a lower room must hear from a higher one is handed in here."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from litestar import Litestar, Request, asgi, get
from litestar.di import Provide
from litestar.exceptions.base_exceptions import LitestarDeprecationWarning
from litestar.middleware import DefineMiddleware
from litestar.types import ControllerRouterHandler, Receive, Scope, Send
from msgspec import Struct, field

from soundpost import __version__
from soundpost.hub import openapi, problems, strict, web
from soundpost.hub.audit.api import AuditController
from soundpost.hub.audit.proving import Prover
from soundpost.hub.audit.search import Asker
from soundpost.hub.people import account_api, http
from soundpost.hub.people.account import Account
from soundpost.hub.people.api import About, SessionController
from soundpost.hub.people.factors import Factors
from soundpost.hub.people.resets import Resets
from soundpost.hub.people.rules import Principal
from soundpost.hub.people.service import People
from soundpost.hub.store import Store
from soundpost.link.level import LEVEL

BODY_CAP = 1024 * 1024
AGENT_DOOR = "/agent/link"


class Health(Struct):
    status: Literal["ok"]
    edition: str
    version: str
    link_level: int


class Edition(Struct, frozen=True):
    """Which program this is. `name` is the name people gave this hub or site; `web_folder`: the built client."""

    code: Literal["enterprise", "local_agent"]
    name: str = "Soundpost"
    version: str = __version__
    web_folder: Path = web.FOLDER


def no_part(person: Principal) -> Callable[[str], bool] | None:
    return (lambda _device: False) if person.places else None


class Rooms(Struct):
    """The open rooms above people and audit. `controllers`: their routes; `services`: what those routes ask for by parameter name;
    `agent_door`: the ASGI application of the agents' WebSocket, None in an edition without one. For the audit: `part_of` says of which
    devices somebody is told (None: all), `device_name` how one is called now."""

    controllers: Sequence[ControllerRouterHandler] = ()
    services: Mapping[str, object] = field(default_factory=dict)
    agent_door: Any = None
    part_of: Callable[[Principal], Callable[[str], bool] | None] = no_part
    device_name: Callable[[str], str] = lambda _id: ""


def build(edition: Edition, store: Store, people: People, rooms: Rooms, *, about: About | None = None) -> Litestar:
    """`people` must have started. `about` may be kept by the caller, to name the site or the CA's fingerprint."""
    described = about or About(edition.code, edition.version, edition.name)
    pages = web.Web(edition.web_folder)
    services = {
        "store": store, "people": people, "about": described, "prover": Prover(store), **own_account(people, store), **rooms.services
    }  # fmt: skip
    door = [agent_door(rooms.agent_door)] if rooms.agent_door else []
    app = litestar(
        route_handlers=[
            health(edition),
            SessionController,
            *account_api.CONTROLLERS,
            AuditController,
            *rooms.controllers,
            *door,
            openapi.handler(),
            pages.handler(),
        ],
        dependencies={**{name: always(service) for name, service in services.items()}, "asker": asker(rooms)},
        middleware=[DefineMiddleware(http.SignInMiddleware, people=people)],
        guards=[http.rights_guard, strict.address_guard],
        before_request=strict.body_hook,
        exception_handlers=problems.Handlers(pages.page).map(),
        before_send=[web.guard_headers],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=BODY_CAP,
    )
    strict.note_parameters(app)
    return app


def asker(rooms: Rooms) -> Provide:
    """Who asks the audit, a room below people and inventory, and what they may see of it (T34)."""

    def ask(request: Request[Any, Any, Any]) -> Asker:
        found = http.signed_in(request)
        # a key that is limited itself is not shown its person's acts: those reach beyond its part
        own = frozenset(filter(None, (found.id, "" if found.places else found.owner)))
        return Asker(http.who(request), own, rooms.part_of(found), rooms.device_name)

    return Provide(ask, sync_to_thread=False)


def own_account(people: People, store: Store) -> dict[str, object]:
    return {"account": Account(people, store), "factors": Factors(people, store), "resets": Resets(people, store)}


def litestar(**options: Any) -> Litestar:
    """Litestar 3 will want every parameter marked as path, query or dependency. We stay below 3, where names say it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LitestarDeprecationWarning)
        return Litestar(**options)


def always(service: object) -> Provide:
    return Provide(lambda: service, use_cache=True, sync_to_thread=False)


def health(edition: Edition) -> ControllerRouterHandler:
    answer = Health("ok", edition.code, edition.version, LEVEL)

    @get("/api/v1/health", opt={"right": "open"}, tags=["Session"], summary="Is it up?", sync_to_thread=False)
    def ask() -> Health:
        return answer

    return ask


def agent_door(door: Any) -> ControllerRouterHandler:
    @asgi(AGENT_DOOR, opt={"right": "open"}, copy_scope=True)
    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        await door(scope, receive, send)

    return enter
