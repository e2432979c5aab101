"""The door for existing clients, an application of its own on a listener of its own; and where that is, for the pages.

Plain HTTP, GET, JSON on every answer, no redirect, no cookie: they can do nothing else.
"""

from typing import Any

import msgspec
from litestar import Controller, get
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from soundpost.hub.compat import rules
from soundpost.hub.compat.rules import NotAllowed, Search
from soundpost.hub.compat.service import Compat, Listener
from soundpost.hub.people import http
from soundpost.hub.people.rules import Principal
from soundpost.hub.people.service import People
from soundpost.kernel import log
from soundpost.kernel.errors import Forbidden, SoundpostError, TellUser, Unauthenticated, Unavailable

JSON, PROBLEM = b"application/json", b"application/problem+json"


class Internal(TellUser):
    default_code = "internal"
    status = 500


class Door:
    """ASGI. `sources`: who may ask at all; none named: anybody with a key."""

    def __init__(self, people: People, compat: Compat, sources: rules.Networks = ()) -> None:
        self._people, self._compat, self._sources = people, compat, sources
        self._log = log.get("compat")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            return  # this listener speaks no WebSocket
        try:
            body = await self._answer(scope)
        except TellUser as error:
            await _send(send, scope, error.status, PROBLEM, rules.problem(error), _more(error))
        except Exception as error:
            await self._broke(scope, send, error)
        else:
            await _send(send, scope, 200, JSON, body)

    async def _answer(self, scope: Any) -> bytes:
        http.believe_proxy(scope, self._people.proxies)
        peer = scope["client"][0] if scope.get("client") else ""
        if not rules.may_ask(peer, self._sources):
            raise Forbidden(
                "This address may not ask here; compat_sources names those that may.", code="source_refused"
            )
        asked = rules.asked(scope["method"], scope["raw_path"], scope["query_string"])
        reader = await self._reader(scope, peer)
        if isinstance(asked, Search):
            return msgspec.json.encode(self._compat.search(asked.words, reader))
        return msgspec.json.encode(self._compat.one(asked.id, reader))

    async def _reader(self, scope: Scope, peer: str) -> Principal:
        key = http.given_key(scope)
        if not key:
            raise Unauthenticated("Give an API key in X-Api-Key.")
        principal = await self._people.principal_of_key(key, peer)
        if principal is None:
            raise self._people.keyring.refusal(peer)
        return principal

    async def _broke(self, scope: Any, send: Send, error: Exception) -> None:
        self._log.error("a request broke", path=rules.shape(scope["raw_path"]), exc_info=error)
        told: TellUser = Internal("Something went wrong inside; the log of this program says what.")
        if isinstance(error, SoundpostError):
            told = Unavailable("This can't be done now. Try again later.")
        await _send(send, scope, told.status, PROBLEM, rules.problem(told))


def _more(error: TellUser) -> list[tuple[bytes, bytes]]:
    if isinstance(error, NotAllowed):
        return [(b"allow", b"GET")]
    seconds = error.params.get("retry_after_s")
    return [(b"retry-after", str(seconds).encode())] if seconds else []


async def _send(
    send: Send, scope: Any, status: int, kind: bytes, body: bytes, more: list[tuple[bytes, bytes]] | None = None
) -> None:
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *(more or ()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body, "more_body": False})


class CompatController(Controller):
    path = "/api/v1/compat"
    tags = ("API keys",)

    @get("", opt={"right": "administer"}, summary="Where existing clients are answered, over plain HTTP")
    async def listener(self, compat: Compat) -> Listener:
        return compat.listener


CONTROLLERS = (CompatController,)
