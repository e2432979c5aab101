"""`/api/v1/session` and `/api/v1/first-run`."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, post, put
from litestar.datastructures import Cookie
from msgspec import Struct

from soundpost.hub.people import http
from soundpost.hub.people.rules import METHODS, PASSWORD_LEAST, RIGHTS, SECOND_METHODS, Principal
from soundpost.hub.people.service import BROWSER_MS, People, SecondAsked, SignedIn, browser_token
from soundpost.kernel.errors import Forbidden
from soundpost.kernel.shape import one_of

AnyRequest = Request[Any, Any, Any]


class PersonView(Struct):
    id: str
    sign_in: str
    name: str
    role: str
    language: str = ""
    zone: str = ""


class SiteView(Struct):
    id: str
    name: str
    zone: str


class DoorView(Struct):
    """Where servers dial in: the TLS port, and the whole address when the hub was given a name."""

    port: int
    url: str | None


class SecondAskedView(Struct):
    """The password was right: a code must follow, with this ticket, within `lasts_s` seconds."""

    ticket: str
    lasts_s: int
    methods: list[str]


class SessionView(Struct):
    """`forgotten`: how a forgotten password is helped here: by mail, by an owner, or by the command line of this machine.
    `set_up_first`: a second factor is demanded of the person, who can do nothing else before.
    `accept_first`: so it is with terms that changed since they were accepted.
    `limited`: a part of the places is all the person sees.
    `password_least`: how many characters a password needs. `methods`: how one can sign in here; more may come.
    `fingerprint`: of the hub's CA, when TLS is on. `agents`: where servers dial in, on a hub. `site`: on a Local Agent."""

    edition: Annotated[str, one_of(("enterprise", "local_agent"))]
    version: str
    instance: str
    name: str
    first_run: bool
    person: PersonView | None
    site: SiteView | None
    rights: list[Annotated[str, one_of(right for right in RIGHTS if right != "open")]]
    fingerprint: str | None
    agents: DoorView | None
    password_least: int
    methods: list[Annotated[str, one_of(METHODS)]]
    forgotten: Annotated[str, one_of(("mail", "owner", "command"))] = "owner"
    set_up_first: bool = False
    accept_first: bool = False
    limited: bool = False
    second_factor: SecondAskedView | None = None


class About:
    """What the page is told about this program before anybody signs in; an edition fills it."""

    def __init__(self, edition: str, version: str, name: str) -> None:
        self.edition, self.version, self.name = edition, version, name
        self.site: SiteView | None = None
        self.fingerprint: str | None = None
        self.door: DoorView | None = None


class SignInBody(Struct, forbid_unknown_fields=True):
    sign_in: str
    password: str


class FirstRunBody(Struct, forbid_unknown_fields=True):
    code: str
    sign_in: str
    password: str
    name: str = ""


class PasswordBody(Struct, forbid_unknown_fields=True):
    password: str
    new_password: str


def view(about: About, people: People, principal: Principal | None, asked: SecondAsked | None = None) -> SessionView:
    person = None
    if principal and principal.kind == "person":
        person = PersonView(
            principal.id, principal.sign_in, principal.name, principal.role, principal.language, principal.zone
        )
    held = principal.rights if principal else frozenset()
    return SessionView(
        edition=about.edition,
        version=about.version,
        instance=people.instance,
        name=about.name,
        first_run=people.first_run_open,
        person=person,
        site=about.site,
        rights=[right for right in RIGHTS if right in held and right != "open"],
        fingerprint=about.fingerprint,
        agents=about.door,
        password_least=PASSWORD_LEAST,
        methods=list(METHODS),
        forgotten="command" if not people.mail else "mail" if people.can_mail() else "owner",
        set_up_first=principal is not None and principal.held_back == "factor",
        accept_first=principal is not None and principal.held_back == "terms",
        limited=bool(principal and principal.places),
        second_factor=SecondAskedView(asked.ticket, asked.lasts_s, list(SECOND_METHODS)) if asked else None,
    )


class SessionController(Controller):
    path = "/api/v1"
    tags = ("Session",)

    @get("/session", opt={"right": "open"}, summary="What this is, and who is signed in")
    async def session(self, request: AnyRequest, people: People, about: About) -> SessionView:
        return view(about, people, http.principal(request))

    @post(
        "/session",
        opt={"right": "open", "faults": "agent_account busy sign_in_failed too_many_attempts"},
        status_code=200,
        summary="Sign in",
    )
    async def sign_in(
        self, request: AnyRequest, data: SignInBody, people: People, about: About
    ) -> Response[SessionView]:
        http.refuse_foreign_page(request, people)
        done = await people.sign_in(data.sign_in, data.password, http.client(request))
        if isinstance(done, SecondAsked):
            return Response(view(about, people, None, done), status_code=200)
        return answer(request, people, about, done, 200)

    @delete("/session", opt={"right": "open"}, summary="Sign out")
    async def sign_out(self, request: AnyRequest, people: People) -> Response[None]:
        principal = http.principal(request)
        if principal and principal.session:
            await people.sign_out(http.who(request), principal.session)
        response: Response[None] = Response(None, status_code=204)
        response.set_cookie(cookie(request, people, "", 0))
        return response

    @put(
        "/session/password",
        opt={
            "right": "see",
            "first": True,
            "faults": "busy not_a_person too_many_attempts weak_password wrong_password",
        },
        status_code=204,
        summary="Change one's own password",
    )
    async def password(self, request: AnyRequest, data: PasswordBody, people: People) -> None:
        principal = http.signed_in(request)
        if principal.kind != "person":
            raise Forbidden("An API key has no password; sign in as a person.", code="not_a_person")
        await people.change_password(principal, http.who(request), data.password, data.new_password)

    @post(
        "/first-run",
        opt={
            "right": "open",
            "faults": "busy first_run_code first_run_done first_run_elsewhere too_many_attempts weak_password",
        },
        summary="Make the first owner with the code of the start-up address",
    )
    async def first_run(
        self, request: AnyRequest, data: FirstRunBody, people: People, about: About
    ) -> Response[SessionView]:
        http.refuse_foreign_page(request, people)
        done = await people.first_run(data.code, data.sign_in, data.name, data.password, http.client(request))
        return answer(request, people, about, done, 201)


def answer(request: AnyRequest, people: People, about: About, signed: SignedIn, status: int) -> Response[SessionView]:
    response = Response(view(about, people, signed.principal), status_code=status)
    response.set_cookie(cookie(request, people, signed.token, signed.lasts_s))
    response.set_cookie(cookie(request, people, browser_token(signed.token), BROWSER_MS // 1000, http.BROWSER))
    return response


def cookie(request: AnyRequest, people: People, token: str, lasts_s: int, end: str = "") -> Cookie:
    return Cookie(
        key=http.cookie_name(people, request.scope) + end,
        value=token,
        max_age=lasts_s,
        path="/",
        httponly=True,
        samesite="strict",
        secure=http.secure(request.scope),
    )
