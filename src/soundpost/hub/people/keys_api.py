"""`/api/v1/keys`: API keys, shown once and revocable."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post
from litestar.params import JSONBody
from msgspec import Struct

from soundpost.hub.people import http, key_rules, rules
from soundpost.hub.people.keys import Key, Keys, Wanted
from soundpost.hub.people.rules import Principal
from soundpost.hub.people.users_api import moment
from soundpost.kernel.clock import rfc3339
from soundpost.kernel.shape import one_of

AnyRequest = Request[Any, Any, Any]
ScopeWord = Annotated[str, one_of(rules.SCOPES)]


class KeyPerson(Struct):
    id: str
    name: str


class KeyItem(Struct, kw_only=True):
    """`prefix`: how the key begins ("" for the oldest ones). `scope_now` and `weaker`: what is left of the scope (null: nothing), and why
    it is less. `places` empty: all that its person sees. `mine`: the reader's own. `used`: null where it never was."""

    id: str
    name: str
    prefix: str
    scope: ScopeWord
    scope_now: ScopeWord | None
    weaker: Annotated[str, one_of(key_rules.WEAKER)] | None
    places: list[str]
    person: KeyPerson
    mine: bool
    created: str
    expires: str | None
    used: str | None
    used_from: str


class KeyList(Struct):
    items: list[KeyItem]


class NewKey(Struct, forbid_unknown_fields=True):
    """`places`: limits it to a part of the places, with all below. `expires`: until when, a time."""

    name: str
    scope: str = "read"
    places: list[str] = []
    expires: str | None = None


class MadeKey(Struct):
    """`key` is told once, here: only its hash is kept."""

    key: str
    item: KeyItem


def item(key: Key, reader: Principal) -> KeyItem:
    return KeyItem(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        scope=key.scope,
        scope_now=key.scope_now or None,
        weaker=key.weaker,
        places=sorted(key.places),
        person=KeyPerson(key.person, key.person_name),
        mine=key.person == reader.id,
        created=rfc3339(key.created_ms),
        expires=rfc3339(key.expires_ms) if key.expires_ms else None,
        used=rfc3339(key.used_ms) if key.used_ms else None,
        used_from=key.used_from,
    )


class KeysController(Controller):
    path = "/api/v1/keys"
    tags = ("API keys",)

    @get(
        "",
        opt={"right": "see", "faults": "not_a_person"},
        summary="One's own keys, and those of the people one may manage",
    )
    async def all(self, request: AnyRequest, keys: Keys) -> KeyList:
        reader = http.signed_in(request)
        return KeyList([item(key, reader) for key in await keys.all(reader)])

    @post(
        "",
        opt={
            "right": "administer",
            "faults": "key_scope location_gone no_such_key not_a_person not_allowed too_many_keys",
        },
        summary="Make a key of one's own; an administrator's reads only",
    )
    async def add(self, request: AnyRequest, keys: Keys, data: JSONBody[NewKey]) -> MadeKey:
        reader = http.signed_in(request)
        wanted = Wanted(data.name, data.scope, frozenset(data.places), moment(data.expires, "expires"))
        made, text = await keys.add(reader, http.who(request), wanted)
        return MadeKey(text, item(made, reader))

    @delete(
        "/{key_id:str}",
        opt={"right": "see", "faults": "no_such_key not_a_person"},
        summary="Revoke a key: it works no more, at once",
    )
    async def revoke(self, request: AnyRequest, keys: Keys, key_id: str) -> None:
        await keys.revoke(http.signed_in(request), http.who(request), key_id)


CONTROLLERS = (KeysController,)
