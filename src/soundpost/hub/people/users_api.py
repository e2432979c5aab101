"""`/api/v1/users` and `/api/v1/registration`: who may come in, and how they do."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.params import JSONBody
from msgspec import UNSET, Struct, UnsetType

from soundpost.hub.people import http, rules
from soundpost.hub.people.api import About, SessionView, answer
from soundpost.hub.people.rules import Principal
from soundpost.hub.people.service import People
from soundpost.hub.people.users import Asked, Grant, User, Users
from soundpost.kernel.clock import parse_rfc3339, rfc3339
from soundpost.kernel.errors import Invalid
from soundpost.kernel.shape import one_of

AnyRequest = Request[Any, Any, Any]
MAIL_STATES = ("queued", "not_set_up", "address_missing", "down", "none")
RoleWord = Annotated[str, one_of(rules.RANKS)]


class UserItem(Struct, kw_only=True):
    """Whoever may only see, or is limited to another part of the places, is told names. `places` empty: everywhere.
    `invited_until`: a link waits until then. `locked`: why the reader can't change this person."""

    id: str
    name: str
    sign_in: str | None
    role: RoleWord | None
    state: Annotated[str, one_of(rules.STATES)] | None
    places: list[str]
    ends: str | None
    ended: bool
    created: str | None
    last_seen: str | None
    invited_by: str
    invited_until: str | None
    second_factor: bool | None
    locked: Annotated[str, one_of(rules.LOCKS)] | None


class UserList(Struct):
    items: list[UserItem]


class AddUsers(Struct, forbid_unknown_fields=True):
    """`addresses`: one or many, with commas, semicolons, spaces or line ends between. `ends`: until when, a time."""

    addresses: str
    role: str
    places: list[str] = []
    ends: str | None = None


class AddedUser(Struct):
    """`link` is the path of the registration page; it is shown once, and fits once. `mail`: `queued` (it goes out now), or why it waits
    (`not_set_up`, `address_missing`, `down`); `none` where there is no mail. `code` and `text` say why an address was not added."""

    address: str
    id: str | None
    link: str | None
    mail: Annotated[str, one_of(MAIL_STATES)]
    code: str
    text: str


class AddedUsers(Struct):
    items: list[AddedUser]


class ChangeUser(Struct, forbid_unknown_fields=True):
    """What is left out stays. `ends` null: never."""

    role: str | UnsetType = UNSET
    places: list[str] | UnsetType = UNSET
    ends: str | UnsetType | None = UNSET
    disabled: bool | UnsetType = UNSET


class InvitationView(Struct):
    sign_in: str
    role: RoleWord
    invited_by: str
    expires: str
    ends: str | None
    """The last moment of the person's access; none where it has no end."""


class Registration(Struct, forbid_unknown_fields=True):
    """`terms`: the terms and the privacy policy were accepted; `terms_revision`: those that were shown."""

    password: str
    name: str = ""
    terms: bool = False
    terms_revision: int | None = None


def items(everybody: list[User], users: Users, reader: Principal) -> list[UserItem]:
    every_owner = owners(everybody)
    return [item(user, users, reader, every_owner) for user in everybody]


def owners(everybody: list[User]) -> list[User]:
    return [user for user in everybody if user.role == "owner"]


def item(user: User, users: Users, reader: Principal, every_owner: list[User]) -> UserItem:
    now_ms = users.now_ms()
    whole = user.id == reader.id or ("administer" in reader.rights and users.reaches(reader, user))
    return UserItem(
        id=user.id,
        name=user.name if whole else short_name(user),
        sign_in=user.sign_in if whole else None,
        role=user.role if whole else None,
        state=user.state if whole else None,
        places=sorted(user.places) if whole else [],
        ends=_time(user.ends_ms) if whole else None,
        ended=0 < user.ends_ms <= now_ms,
        created=_time(user.created_ms) if whole else None,
        last_seen=_time(user.seen_ms) if whole else None,
        invited_by=user.invited_by if whole else "",
        invited_until=_time(user.invited_until_ms) if whole and user.state == rules.INVITED else None,
        second_factor=user.second_factor if whole else None,
        locked=users.locked(reader, user, every_owner),
    )


def short_name(user: User) -> str:
    """Somebody who has not joined yet is called by the address, which is not for everybody's eyes."""
    return user.name.partition("@")[0] if user.name == user.sign_in else user.name


def _time(ms: int) -> str | None:
    return rfc3339(ms) if ms else None


def moment(text: str | None, field: str = "ends") -> int:
    if text is None:
        return 0
    try:
        return parse_rfc3339(text)
    except ValueError:
        said = f"{field} must be a time like 2026-11-27T18:00:00Z."
        raise Invalid(said, code="invalid_argument", field=field) from None


def added(asked: Asked) -> AddedUser:
    link = f"/register/{asked.token}" if asked.token else None
    return AddedUser(asked.address, asked.user or None, link, asked.mail or "none", asked.code, asked.text)


class UsersController(Controller):
    path = "/api/v1/users"
    tags = ("Users",)

    @get("", opt={"right": "see"}, summary="Everybody; those who may only see are told names")
    async def all(self, request: AnyRequest, users: Users) -> UserList:
        return UserList(items(await users.all(), users, http.signed_in(request)))

    @post(
        "",
        opt={"right": "administer", "faults": "location_gone not_allowed too_many"},
        status_code=200,
        summary="Invite one or many",
    )
    async def invite(self, request: AnyRequest, users: Users, data: JSONBody[AddUsers]) -> AddedUsers:
        grant = Grant(data.role, frozenset(data.places), moment(data.ends))
        users.check_places(http.signed_in(request), grant)
        asked = await users.invite(http.signed_in(request), http.who(request), data.addresses, grant)
        return AddedUsers([added(one) for one in asked])

    @patch(
        "/{user_id:str}",
        opt={"right": "administer", "faults": "last_owner location_gone no_such_person not_allowed still_invited"},
        summary="Another role, part of the places, end, or none of it",
    )
    async def change(self, request: AnyRequest, users: Users, user_id: str, data: JSONBody[ChangeUser]) -> UserItem:
        principal = http.signed_in(request)
        places = UNSET if data.places is UNSET else frozenset(data.places)
        ends = UNSET if data.ends is UNSET else moment(data.ends)
        grant = Grant(data.role, places, ends, data.disabled)
        users.check_places(principal, grant)
        changed = await users.change(principal, http.who(request), user_id, grant)
        return item(changed, users, principal, owners(await users.all()))

    @post(
        "/{user_id:str}/invitation",
        opt={"right": "administer", "faults": "no_such_person not_allowed not_invited"},
        status_code=200,
        summary="A new link for somebody invited",
    )
    async def again(self, request: AnyRequest, users: Users, user_id: str) -> AddedUser:
        return added(await users.invite_again(http.signed_in(request), http.who(request), user_id))

    @delete(
        "/{user_id:str}",
        opt={"right": "administer", "faults": "last_owner no_such_person not_allowed"},
        summary="Remove somebody, or withdraw an invitation",
    )
    async def remove(self, request: AnyRequest, users: Users, user_id: str) -> None:
        await users.remove(http.signed_in(request), http.who(request), user_id)


class RegistrationController(Controller):
    path = "/api/v1/registration"
    tags = ("Users",)

    @get("/{token:str}", opt={"right": "open", "faults": "link_gone"}, summary="Whom a link invites")
    async def invited(self, users: Users, token: str) -> InvitationView:
        found = await users.invited(token)
        return InvitationView(
            found.sign_in,
            found.role,
            found.by,
            rfc3339(found.expires_ms),
            _time(found.ends_ms),
        )

    @post(
        "/{token:str}",
        opt={"right": "open", "faults": "busy link_gone no_such_person terms_changed terms_needed weak_password"},
        summary="Join: choose a password, and be signed in",
    )
    async def register(
        self, request: AnyRequest, users: Users, people: People, about: About, token: str, data: JSONBody[Registration]
    ) -> Response[SessionView]:
        http.refuse_foreign_page(request, people)
        client = http.client(request)
        done = await users.register(token, data.name, data.password, data.terms, client, data.terms_revision)
        return answer(request, people, about, done, 201)


CONTROLLERS = (UsersController, RegistrationController)
