"""`/api/v1/views`: filters of lists that people named."""

from typing import Any

from litestar import Controller, Request, delete, get, patch, post
from litestar.params import JSONBody
from msgspec import UNSET, Struct, UnsetType

from soundpost.hub.people import http
from soundpost.hub.people.rules import Principal
from soundpost.hub.people.views import View, Views, Wanted
from soundpost.kernel.clock import rfc3339

AnyRequest = Request[Any, Any, Any]


class ViewItem(Struct, kw_only=True):
    """`own`: the reader made it. `maker`: who did; "" where the person is gone. `may_change`: the reader may."""

    id: str
    path: str
    name: str
    query: str
    shared: bool
    own: bool
    maker: str
    may_change: bool
    created: str


class ViewList(Struct):
    items: list[ViewItem]


class NewView(Struct, forbid_unknown_fields=True):
    """`path`: the page of the list. `query`: its filter, as it stands in the page's address."""

    path: str
    name: str
    query: str = ""
    shared: bool = False


class ChangeView(Struct, forbid_unknown_fields=True):
    """What is left out stays."""

    name: str | UnsetType = UNSET
    query: str | UnsetType = UNSET
    shared: bool | UnsetType = UNSET


def item(view: View, reader: Principal) -> ViewItem:
    return ViewItem(
        id=view.id,
        path=view.path,
        name=view.name,
        query=view.query,
        shared=view.shared,
        own=view.person == reader.id,
        maker=view.maker,
        may_change=view.may_change(reader),
        created=rfc3339(view.created_ms),
    )


class ViewsController(Controller):
    path = "/api/v1/views"
    tags = ("Views",)

    @get("", opt={"right": "see"}, summary="One's own views, and those that are shared")
    async def all(self, request: AnyRequest, views: Views) -> ViewList:
        reader = http.signed_in(request)
        return ViewList([item(view, reader) for view in await views.all(reader)])

    @post(
        "",
        opt={"right": "see", "faults": "no_such_view not_a_person too_many_views view_named"},
        summary="Name a filter",
    )
    async def add(self, request: AnyRequest, views: Views, data: JSONBody[NewView]) -> ViewItem:
        reader = http.signed_in(request)
        made = await views.add(reader, http.who(request), data.path, data.name, data.query, data.shared)
        return item(made, reader)

    @patch(
        "/{view_id:str}",
        opt={"right": "see", "faults": "no_such_view not_allowed view_named"},
        summary="Another name or filter, shared or not",
    )
    async def change(self, request: AnyRequest, views: Views, view_id: str, data: JSONBody[ChangeView]) -> ViewItem:
        reader = http.signed_in(request)
        changed = await views.change(reader, http.who(request), view_id, Wanted(data.name, data.query, data.shared))
        return item(changed, reader)

    @delete(
        "/{view_id:str}",
        opt={"right": "see", "faults": "no_such_view not_allowed"},
        summary="Delete one's own view; a shared one, as administrator",
    )
    async def remove(self, request: AnyRequest, views: Views, view_id: str) -> None:
        await views.remove(http.signed_in(request), http.who(request), view_id)


CONTROLLERS = (ViewsController,)
