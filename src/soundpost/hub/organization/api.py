"""`/api/v1/organization`: its name, the hub's address, mail, text messages, terms.

Who asks is handed in (`Who`, `Asker`), since signing in lies above; so is how each way out is doing.
"""

from typing import Annotated, Any

from litestar import Controller, get, patch
from litestar.params import JSONBody
from msgspec import UNSET, Struct, UnsetType

from soundpost.hub.audit.service import Who
from soundpost.hub.organization import rules
from soundpost.hub.organization.rules import Asker, Standing
from soundpost.hub.organization.service import Change, Organization, Settings
from soundpost.kernel.clock import rfc3339
from soundpost.kernel.shape import one_of


class MailView(Struct):
    """`has_password`: one is stored; it is never shown. `ca_pem`: certificates trusted besides the machine's own."""

    server: str
    port: int
    security: Annotated[str, one_of(rules.SECURITIES)]
    user: str
    has_password: bool
    from_address: str
    from_name: str
    reply_to: str
    timeout_s: int
    ca_pem: str


class SmsView(Struct):
    """`headers` and `body` of a generic gateway are shown to owners only."""

    kind: Annotated[str, one_of(rules.GATEWAYS)]
    url: str
    account: str
    sender: str
    method: Annotated[str, one_of(rules.METHODS)]
    headers: dict[str, str] | None
    body: str | None
    ok_contains: str
    timeout_s: int
    has_secret: bool


class WayView(Struct):
    """How messages leave this way. `why` "": they do; else why they wait. `held`: from before the hub was put back to an older state,
    they wait for an owner's word. `words`: the server's own, with when it is tried again."""

    ready: bool
    why: Annotated[str, one_of(rules.WHY)]
    waiting: int
    failed: int
    held: int
    words: str
    since: str | None
    next: str | None


class TermsView(Struct):
    """What people accept when they join. `revision` 0: nothing was entered yet."""

    organization: str
    revision: int
    since: str | None
    terms: str
    terms_link: str
    privacy: str
    privacy_link: str


class OrganizationView(Struct):
    """`address`: what links in mails begin with, null while it is not known; `address_entered` false: it was given at the start.
    `mail`, `sms` null: not set up."""

    name: str
    address: str | None
    address_entered: bool
    language: Annotated[str, one_of(rules.LANGUAGES)]
    mail: MailView | None
    sms: SmsView | None
    terms: TermsView
    mail_way: WayView
    sms_way: WayView


class MailChange(Struct, forbid_unknown_fields=True):
    """What is left out stays. `password` is kept sealed; null forgets it. When server, port, security, user or certificates change, the
    password must be sent again."""

    server: str | UnsetType = UNSET
    port: int | UnsetType = UNSET
    security: str | UnsetType = UNSET
    user: str | UnsetType = UNSET
    password: str | UnsetType | None = UNSET
    from_address: str | UnsetType = UNSET
    from_name: str | UnsetType = UNSET
    reply_to: str | UnsetType = UNSET
    timeout_s: int | UnsetType = UNSET
    ca_pem: str | UnsetType = UNSET


class SmsChange(Struct, forbid_unknown_fields=True):
    """What is left out stays. `secret`: the token of the account, or what {secret} stands for; kept sealed; null forgets it."""

    kind: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    account: str | UnsetType = UNSET
    sender: str | UnsetType = UNSET
    method: str | UnsetType = UNSET
    headers: dict[str, str] | UnsetType = UNSET
    body: str | UnsetType = UNSET
    ok_contains: str | UnsetType = UNSET
    timeout_s: int | UnsetType = UNSET
    secret: str | UnsetType | None = UNSET


class TermsChange(Struct, forbid_unknown_fields=True):
    """Plain texts, or links to pages. What differs makes a new revision."""

    terms: str | UnsetType = UNSET
    terms_link: str | UnsetType = UNSET
    privacy: str | UnsetType = UNSET
    privacy_link: str | UnsetType = UNSET


class OrganizationChange(Struct, forbid_unknown_fields=True):
    """What is left out stays. `mail` or `sms` null: it is taken away, with its password."""

    name: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    mail: MailChange | UnsetType | None = UNSET
    sms: SmsChange | UnsetType | None = UNSET
    terms: TermsChange | UnsetType = UNSET


def time(ms: int) -> str | None:
    return rfc3339(ms) if ms else None


def mail_view(settings: Settings) -> MailView | None:
    if not settings.mail.server:
        return None
    names = ("server", "port", "security", "user", "from_address", "from_name", "reply_to", "timeout_s", "ca_pem")
    return MailView(**{n: getattr(settings.mail, n) for n in names}, has_password=settings.has_mail_secret)


def sms_view(settings: Settings, *, owner: bool) -> SmsView | None:
    sms = settings.sms
    if not sms.url:
        return None
    names = ("kind", "url", "account", "sender", "method", "ok_contains", "timeout_s")
    return SmsView(
        **{name: getattr(sms, name) for name in names},
        headers=sms.headers if owner else None,
        body=sms.body if owner else None,
        has_secret=settings.has_sms_secret,
    )


def way_view(standing: Standing) -> WayView:
    return WayView(
        standing.why != "not_set_up", standing.why, standing.waiting, standing.failed, standing.held, standing.words,
        time(standing.since_ms), time(standing.next_ms),
    )  # fmt: skip


def terms_view(settings: Settings) -> TermsView:
    terms = settings.terms
    return TermsView(
        settings.name,
        terms.revision,
        time(terms.since_ms),
        terms.terms,
        terms.terms_link,
        terms.privacy,
        terms.privacy_link,
    )


def view(organization: Organization, *, owner: bool) -> OrganizationView:
    settings = organization.settings
    return OrganizationView(
        name=settings.name,
        address=organization.address or None,
        address_entered=bool(settings.address),
        language=settings.language,
        mail=mail_view(settings),
        sms=sms_view(settings, owner=owner),
        terms=terms_view(settings),
        mail_way=way_view(organization.standing("mail")),
        sms_way=way_view(organization.standing("sms")),
    )


def change_of(data: OrganizationChange) -> Change:
    mail, mail_secret = apart(data.mail, "password")
    sms, sms_secret = apart(data.sms, "secret")
    terms = UNSET if data.terms is UNSET else given(data.terms)
    return Change(
        data.name, data.address, data.language, mail, sms, terms, mail_secret=mail_secret, sms_secret=sms_secret
    )


def given(data: Struct) -> dict[str, Any]:
    """The fields that were sent."""
    fields = {name: getattr(data, name) for name in data.__struct_fields__}
    return {name: value for name, value in fields.items() if value is not UNSET}


def apart(data: Struct | UnsetType | None, secret: str) -> tuple[Any, Any]:
    """The fields, and the secret by itself."""
    if data is UNSET or data is None:
        return data, UNSET
    fields = given(data)
    return fields, fields.pop(secret, UNSET)


class TermsController(Controller):
    """In each edition: where people register, they read what they accept."""

    path = "/api/v1/organization/terms"
    tags = ("Organization",)

    @get("", opt={"right": "open"}, summary="What people accept when they join, and whose it is", sync_to_thread=False)
    def terms(self, organization: Organization) -> TermsView:
        return terms_view(organization.settings)


class OrganizationController(Controller):
    path = "/api/v1/organization"
    tags = ("Organization",)

    @get(
        "",
        opt={"right": "administer", "whole": True},
        summary="Name, address, mail, text messages, terms",
        sync_to_thread=False,
    )
    def show(self, organization: Organization, asker: Asker) -> OrganizationView:
        return view(organization, owner="own" in asker.rights)

    @patch(
        "",
        opt={"right": "own", "whole": True, "faults": "mail_unsecured secret_needed too_long"},
        summary="Change what was sent, leave the rest",
    )
    async def change(
        self, organization: Organization, who: Who, data: JSONBody[OrganizationChange]
    ) -> OrganizationView:
        await organization.change(who, change_of(data))
        return view(organization, owner=True)
