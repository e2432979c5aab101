"""`/api/v1/reports`: what an owner or administrator looks through from time to time."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get
from msgspec import Struct

from soundpost.hub.inventory.service import Inventory
from soundpost.hub.locations.tree import Tree, text
from soundpost.hub.people import http
from soundpost.hub.people.key_rules import WEAKER
from soundpost.hub.people.rules import SCOPES
from soundpost.hub.people.service import People
from soundpost.hub.reports import rules, service
from soundpost.hub.store import Store
from soundpost.kernel import csvfile
from soundpost.kernel.clock import rfc3339
from soundpost.kernel.shape import one_of

AnyRequest = Request[Any, Any, Any]
READ = {"right": "administer", "whole": True}
Looks = list[Annotated[str, one_of(rules.LOOKS)]]


class AccessLine(Struct, rename={"from_": "from"}):
    """A person, or an API key. `role`: of a key its scope; `scope_now`: what is left of it now, "" nothing, and `weaker` why. `state` of a
    key: what it can do now, with its person. `everywhere`: limited to no places, so that `places` is empty; a key sees what both it and
    its person may, and nowhere where it has neither. `last_used`: the last sign-in, or the key's last use, with where it came from.
    `by`: who invited, or whose key it is. `look`: what to look at."""

    kind: Annotated[str, one_of(("person", "key"))]
    id: str
    name: str
    sign_in: str | None
    role: str
    scope_now: Annotated[str, one_of(("", *SCOPES))] | None
    weaker: Annotated[str, one_of(WEAKER)] | None
    state: Annotated[str, one_of(("invited", "active", "disabled", "ended"))]
    everywhere: bool
    places: list[str]
    last_used: str | None
    from_: str | None
    second_factor: bool | None
    sessions: int | None
    keys: int | None
    ends: str | None
    added: str | None
    by: str | None
    look: Looks


class LookItem(Struct):
    code: Annotated[str, one_of(rules.LOOKS)]
    count: int


class AccessReview(Struct):
    """`look`: what to look at in all, and how often it is there. `owners`: who can come in as one."""

    as_of: str
    owners: int
    look: list[LookItem]
    items: list[AccessLine]


class Paths(Struct, frozen=True):
    """The places of a tree, as a review asks for them."""

    tree: Tree

    def path(self, id: str) -> str:
        return text(self.tree.path(id)) if id in self.tree.places else id

    def is_under(self, id: str, top: str) -> bool:
        return self.tree.is_under(id, top)


def lines(found: service.Review, inventory: Inventory) -> list[dict[str, Any]]:
    return service.lines(found, Paths(inventory.locations.tree))


def line(found: dict[str, Any]) -> AccessLine:
    return AccessLine(**{("from_" if name == "from" else name): value for name, value in found.items()})


class ReportsController(Controller):
    path = "/api/v1/reports"
    tags = ("Reports",)

    @get("/access", opt=READ, summary="Who may come in, with which keys, and what of it to look at")
    async def access(self, store: Store, people: People, inventory: Inventory) -> AccessReview:
        found = await service.review(store, people.policy)
        items = [line(one) for one in lines(found, inventory)]
        looks = [LookItem(code, count) for code, count in found.looks().items()]
        return AccessReview(rfc3339(found.now_ms), found.owners, looks, items)

    @get("/access.csv", opt=READ, summary="The access review as a table", media_type=csvfile.FORMATS["csv"])
    async def table(self, request: AnyRequest, store: Store, people: People, inventory: Inventory) -> Response[bytes]:
        return await file(request, store, people, inventory, "csv")

    @get("/access.jsonl", opt=READ, summary="The access review, one a line", media_type=csvfile.FORMATS["jsonl"])
    async def rows(self, request: AnyRequest, store: Store, people: People, inventory: Inventory) -> Response[bytes]:
        return await file(request, store, people, inventory, "jsonl")


async def file(request: AnyRequest, store: Store, people: People, inventory: Inventory, format: str) -> Response[bytes]:
    found = await service.review(store, people.policy)
    await service.taken(store, http.who(request), found, format)
    made = service.as_csv if format == "csv" else service.as_jsonl
    headers = {
        "Content-Disposition": f'attachment; filename="soundpost-access-{rfc3339(found.now_ms)[:10]}.{format}"',
        "Cache-Control": "no-store",
    }
    return Response(made(lines(found, inventory)), media_type=csvfile.FORMATS[format], headers=headers)


CONTROLLERS = (ReportsController,)
