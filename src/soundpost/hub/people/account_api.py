"""`/api/v1/account`, what an owner does with others' sign-in, and `/api/v1/password-resets`."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, patch, post, put
from litestar.params import JSONBody
from msgspec import UNSET, Struct, UnsetType

from soundpost.hub.organization.rules import POLICIES
from soundpost.hub.people import http, rules
from soundpost.hub.people.account import Account, OpenSession, Profile
from soundpost.hub.people.api import About, SessionView, answer
from soundpost.hub.people.factors import Factors
from soundpost.hub.people.resets import Resets
from soundpost.hub.people.service import People
from soundpost.kernel.clock import rfc3339
from soundpost.kernel.shape import one_of

AnyRequest = Request[Any, Any, Any]
Policy = Annotated[str, one_of(POLICIES)]


class FactorView(Struct):
    """`since` null: not set up. `demanded`: one can't do without. `codes_left`: recovery codes that were not used."""

    since: str | None
    codes_left: int
    demanded: bool


class AccountView(Struct):
    """`language`, `zone` empty: as the browser says. `can_text`: a code can be sent to the number."""

    id: str
    sign_in: str
    name: str
    role: Annotated[str, one_of(rules.RANKS)]
    language: str
    zone: str
    number: str
    number_verified: bool
    can_text: bool
    second_factor: FactorView


class ChangeAccount(Struct, forbid_unknown_fields=True):
    name: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    zone: str | UnsetType = UNSET


class OpenSessionItem(Struct):
    """`browser` is what the browser calls itself; `here`: the one that asks."""

    id: str
    address: str
    browser: str
    since: str
    last_seen: str
    here: bool


class OpenSessions(Struct):
    items: list[OpenSessionItem]


class Ended(Struct):
    ended: int


class NumberBody(Struct, forbid_unknown_fields=True):
    number: str


class TermsBody(Struct, forbid_unknown_fields=True):
    """Those that were read."""

    revision: int


class CodeBody(Struct, forbid_unknown_fields=True):
    code: str


class BeginBody(Struct, forbid_unknown_fields=True):
    password: str


class ProofBody(Struct, forbid_unknown_fields=True):
    password: str
    code: str


class BegunView(Struct):
    """`uri` is what the QR code carries; both are shown this once."""

    secret: str
    uri: str


class RecoveryCodes(Struct):
    """Shown this once."""

    codes: list[str]


class SecondStep(Struct, forbid_unknown_fields=True):
    ticket: str
    code: str


class AskReset(Struct, forbid_unknown_fields=True):
    sign_in: str


class TokenBody(Struct, forbid_unknown_fields=True):
    token: str


class UseReset(Struct, forbid_unknown_fields=True):
    token: str
    password: str


class ResetFor(Struct):
    sign_in: str


class ResetLink(Struct):
    """`mailed`: the person gets it by mail. Else `link` is the path of the page to hand over, shown this once. It fits once, for
    `minutes`."""

    link: str | None
    minutes: int
    mailed: bool


class PolicyBody(Struct, forbid_unknown_fields=True):
    demanded_of: Policy


class AccountController(Controller):
    path = "/api/v1/account"
    tags = ("Account",)
    opt = {"first": True}  # noqa: RUF012 - what somebody needs to set a demanded second factor up

    @get("", opt={"right": "see", "faults": "no_such_person not_a_person"}, summary="One's own account")
    async def account(self, request: AnyRequest, people: People, account: Account, factors: Factors) -> AccountView:
        principal = http.signed_in(request)
        row = await account.row(principal)
        factor = await factors.of(principal)
        return AccountView(
            id=row.id,
            sign_in=row.sign_in,
            name=row.name,
            role=row.role,
            language=row.language,
            zone=row.zone,
            number=row.number,
            number_verified=row.number_verified_ms > 0,
            can_text=people.can_text(),
            second_factor=FactorView(
                rfc3339(factor.since_ms) if factor.since_ms else None, factor.codes_left, factor.demanded
            ),
        )

    @patch(
        "",
        opt={"right": "see", "faults": "not_a_person"},
        status_code=204,
        summary="Change one's name, language or time zone",
    )
    async def change(self, request: AnyRequest, account: Account, data: JSONBody[ChangeAccount]) -> None:
        wanted = Profile(data.name, data.language, data.zone)
        await account.change(http.signed_in(request), http.who(request), wanted)

    @put(
        "/terms",
        opt={"right": "see", "faults": "not_a_person terms_changed"},
        status_code=204,
        summary="Accept the terms as they are now",
    )
    async def terms(self, request: AnyRequest, account: Account, data: JSONBody[TermsBody]) -> None:
        await account.accept(http.signed_in(request), http.who(request), data.revision)

    @get("/sessions", opt={"right": "see", "faults": "not_a_person"}, summary="Where one is signed in")
    async def sessions(self, request: AnyRequest, account: Account) -> OpenSessions:
        return OpenSessions([item(session) for session in await account.sessions(http.signed_in(request))])

    @delete(
        "/sessions",
        opt={"right": "see", "faults": "no_such_person not_a_person"},
        status_code=200,
        summary="End all one's sessions but this one",
    )
    async def end_others(self, request: AnyRequest, account: Account) -> Ended:
        return Ended(await account.end_others(http.signed_in(request), http.who(request)))

    @delete(
        "/sessions/{session_id:str}",
        opt={"right": "see", "faults": "no_such_session not_a_person"},
        summary="End one of one's sessions",
    )
    async def end_session(self, request: AnyRequest, account: Account, session_id: str) -> None:
        await account.end_session(http.signed_in(request), http.who(request), session_id)

    @put(
        "/number",
        opt={"right": "see", "faults": "invalid_number no_number no_text_gateway not_a_person too_many_attempts"},
        status_code=204,
        summary="Change one's number for text messages",
    )
    async def number(self, request: AnyRequest, account: Account, data: JSONBody[NumberBody]) -> None:
        await account.change_number(http.signed_in(request), http.who(request), data.number)

    @delete("/number", opt={"right": "see", "faults": "not_a_person"}, summary="Clear one's number")
    async def clear_number(self, request: AnyRequest, account: Account) -> None:
        await account.clear_number(http.signed_in(request), http.who(request))

    @post(
        "/number/code",
        opt={"right": "see", "faults": "no_number no_text_gateway not_a_person too_many_attempts"},
        status_code=204,
        summary="Send a code to one's number",
    )
    async def send_code(self, request: AnyRequest, account: Account) -> None:
        await account.send_code(http.signed_in(request))

    @post(
        "/number/verify",
        opt={"right": "see", "faults": "code_gone not_a_person wrong_number_code"},
        status_code=204,
        summary="Verify one's number with the code",
    )
    async def verify_number(self, request: AnyRequest, account: Account, data: JSONBody[CodeBody]) -> None:
        await account.verify_number(http.signed_in(request), http.who(request), data.code)

    @post(
        "/second-factor",
        opt={"right": "see", "faults": "busy not_a_person second_factor_there too_many_attempts wrong_password"},
        status_code=200,
        summary="Begin to set up a second factor",
    )
    async def begin(self, request: AnyRequest, about: About, factors: Factors, data: JSONBody[BeginBody]) -> BegunView:
        begun = await factors.begin(http.signed_in(request), data.password, about.name or "Soundpost")
        return BegunView(begun.secret, begun.uri)

    @post(
        "/second-factor/confirm",
        opt={"right": "see", "faults": "second_factor_not_begun too_many_attempts wrong_first_code"},
        status_code=200,
        summary="Prove the second factor with a code",
    )
    async def confirm(self, request: AnyRequest, factors: Factors, data: JSONBody[CodeBody]) -> RecoveryCodes:
        principal, who = http.signed_in(request), http.who(request)
        return RecoveryCodes(await factors.confirm(principal, who, data.code, http.client(request)))

    @post(
        "/second-factor/codes",
        opt={"right": "see", "faults": "busy not_a_person too_many_attempts wrong_code wrong_password"},
        status_code=200,
        summary="New recovery codes",
    )
    async def codes(self, request: AnyRequest, factors: Factors, data: JSONBody[ProofBody]) -> RecoveryCodes:
        principal, who = http.signed_in(request), http.who(request)
        client = http.client(request)
        return RecoveryCodes(await factors.renew_codes(principal, who, data.password, data.code, client))

    @post(
        "/second-factor/disable",
        opt={
            "right": "see",
            "faults": (
                "busy no_second_factor not_a_person second_factor_needed:409 too_many_attempts "
                "wrong_code wrong_password"
            ),
        },
        status_code=204,
        summary="Do without a second factor",
    )
    async def disable(self, request: AnyRequest, factors: Factors, data: JSONBody[ProofBody]) -> None:
        client = http.client(request)
        await factors.disable(http.signed_in(request), http.who(request), data.password, data.code, client)


def item(session: OpenSession) -> OpenSessionItem:
    return OpenSessionItem(
        id=session.id,
        address=session.address,
        browser=session.browser,
        since=rfc3339(session.created_ms),
        last_seen=rfc3339(session.seen_ms),
        here=session.here,
    )


class SecondStepController(Controller):
    path = "/api/v1/session/second-factor"
    tags = ("Session",)

    @post(
        "",
        opt={"right": "open", "faults": "ticket_gone too_many_attempts wrong_code"},
        status_code=200,
        summary="Sign in, second step: a code of the app, or a recovery code",
    )
    async def second(
        self, request: AnyRequest, people: People, about: About, factors: Factors, data: JSONBody[SecondStep]
    ) -> Response[SessionView]:
        http.refuse_foreign_page(request, people)
        signed = await factors.sign_in(data.ticket, data.code, http.client(request))
        return answer(request, people, about, signed, 200)


class ResetController(Controller):
    path = "/api/v1/password-resets"
    tags = ("Session",)

    @post(
        "",
        opt={"right": "open", "faults": "busy no_mail_here too_many_attempts"},
        status_code=204,
        summary="Ask for a link by mail; the answer is always the same",
    )
    async def ask(self, request: AnyRequest, people: People, resets: Resets, data: JSONBody[AskReset]) -> None:
        http.refuse_foreign_page(request, people)
        await resets.ask(data.sign_in, http.client(request))

    @post("/check", opt={"right": "open", "faults": "link_gone"}, status_code=200, summary="Whose link this is")
    async def check(self, request: AnyRequest, people: People, resets: Resets, data: JSONBody[TokenBody]) -> ResetFor:
        http.refuse_foreign_page(request, people)
        return ResetFor(await resets.check(data.token))

    @put(
        "",
        opt={"right": "open", "faults": "busy link_gone weak_password"},
        status_code=204,
        summary="Set the new password",
    )
    async def use(self, request: AnyRequest, people: People, resets: Resets, data: JSONBody[UseReset]) -> None:
        http.refuse_foreign_page(request, people)
        await resets.use(data.token, data.password, http.client(request))


class SignInOfOthersController(Controller):
    path = "/api/v1/users/{user_id:str}"
    tags = ("Users",)

    @post(
        "/reset",
        opt={"right": "administer", "faults": "no_such_person not_active not_allowed own_sign_in"},
        status_code=200,
        summary="A link for somebody who forgot the password: by mail, or to hand over",
    )
    async def reset(self, request: AnyRequest, resets: Resets, user_id: str, hand_over: bool = False) -> ResetLink:
        """`hand_over`: the link is shown, also where mail could carry it."""
        token = await resets.make(http.signed_in(request), http.who(request), user_id, hand_over=hand_over)
        return ResetLink(f"/reset/{token}" if token else None, rules.LASTS_MS[rules.RESET] // 60_000, not token)

    @post(
        "/sign-out",
        opt={"right": "own", "whole": True, "faults": "no_such_person"},
        status_code=200,
        summary="End all of somebody's sessions",
    )
    async def sign_out(self, request: AnyRequest, account: Account, user_id: str) -> Ended:
        return Ended(await account.sign_out(http.who(request), user_id))

    @delete(
        "/second-factor",
        opt={"right": "own", "whole": True, "faults": "no_second_factor no_such_person own_sign_in"},
        summary="Remove somebody's second factor",
    )
    async def second_factor(self, request: AnyRequest, factors: Factors, user_id: str) -> None:
        await factors.remove(http.signed_in(request), http.who(request), user_id)


class PolicyController(Controller):
    path = "/api/v1/policy/second-factor"
    tags = ("Users",)

    @get("", opt={"right": "administer"}, summary="Of whom a second factor is demanded")
    async def policy(self, people: People) -> PolicyBody:
        return PolicyBody(people.policy)

    @put("", opt={"right": "own", "whole": True}, summary="Demand a second factor")
    async def demand(self, request: AnyRequest, factors: Factors, data: JSONBody[PolicyBody]) -> PolicyBody:
        await factors.demand(http.who(request), data.demanded_of)
        return data


CONTROLLERS = (AccountController, SecondStepController, ResetController, SignInOfOthersController, PolicyController)
