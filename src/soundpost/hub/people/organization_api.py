"""`/api/v1/organization`: its name, the hub's address, mail, text messages, terms; and what waits to be sent.

It stands in this room since it asks who is signed in; what it shows lies in the rooms below.
"""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, patch, post
from litestar.params import JSONBody
from msgspec import UNSET, Struct, UnsetType
from sqlalchemy import Row

from soundpost.hub.mail import rules as mail_rules
from soundpost.hub.mail import states as mail_states
from soundpost.hub.mail import trial
from soundpost.hub.mail.service import Post, Standing
from soundpost.hub.organization import rules
from soundpost.hub.organization.service import Change, Organization, Settings
from soundpost.hub.people import http
from soundpost.hub.store import pages
from soundpost.kernel.clock import rfc3339
from soundpost.kernel.errors import Invalid
from soundpost.kernel.shape import one_of

AnyRequest = Request[Any, Any, Any]
WHY = ("", "not_set_up", "address_missing", "down")


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
    """How messages leave this way. `why` "": they do; else why they wait. `words`: the server's own, with when it is tried again."""

    ready: bool
    why: Annotated[str, one_of(WHY)]
    waiting: int
    failed: int
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


class TrialBody(Struct, forbid_unknown_fields=True):
    """`to`: an e-mail address, or a number like +442079460000. Left out, a test mail goes to who asks."""

    to: str = ""


class TrialView(Struct):
    """`text`: the server's last words. `dialogue`: lines that begin with > (we), < (the server), * (what happened), no password."""

    ok: bool
    text: str
    dialogue: list[str]


class MessageView(Struct):
    """`kind` says which text it is; the text itself is not shown, since a link in it lets somebody in. `may_repeat`: it may have gone out
    before. `can_retry` false: what it said is gone."""

    id: str
    channel: Annotated[str, one_of(mail_rules.CHANNELS)]
    to: str
    kind: str
    person: str | None
    state: Annotated[str, one_of(mail_states.STATES)]
    said: str
    tries: int
    created: str
    next: str | None
    ended: str | None
    sending: bool
    may_repeat: bool
    can_retry: bool


class MessageList(Struct):
    items: list[MessageView]
    next: str | None


class Retried(Struct):
    count: int


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
        standing.why != "not_set_up", standing.why, standing.waiting, standing.failed, standing.words,
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


def view(organization: Organization, post: Post, *, owner: bool) -> OrganizationView:
    settings = organization.settings
    return OrganizationView(
        name=settings.name,
        address=organization.address or None,
        address_entered=bool(settings.address),
        language=settings.language,
        mail=mail_view(settings),
        sms=sms_view(settings, owner=owner),
        terms=terms_view(settings),
        mail_way=way_view(post.standing("mail")),
        sms_way=way_view(post.standing("sms")),
    )


class WaysView(Struct):
    """The topic `messages`: figures and the servers' words, nobody's address. `name`: the organization's. `address`: whether the hub
    knows its own. `settings`, `queue`: numbers that differ after each change, so that a page knows when to ask again."""

    name: str
    mail: WayView
    sms: WayView
    address: bool
    settings: int
    queue: int


def ways(post: Post) -> WaysView:
    mail, sms = (way_view(post.standing(channel)) for channel in mail_rules.CHANNELS)
    organization = post.organization
    return WaysView(
        organization.settings.name, mail, sms, bool(organization.address), organization.changes, post.changes
    )


def message_view(row: Row[Any]) -> MessageView:
    waiting = row.state == mail_states.WAITING
    return MessageView(
        id=row.id, channel=row.channel, to=row.recipient, kind=row.kind, person=row.person or None, state=row.state,
        said=row.said, tries=row.tries, created=rfc3339(row.created_ms), next=time(row.next_ms) if waiting else None,
        ended=time(row.ended_ms), sending=row.began_ms > 0, may_repeat=bool(row.repeats),
        can_retry=row.state != mail_states.SENT and bool(row.whole),
    )  # fmt: skip


def change_of(data: OrganizationChange) -> Change:
    mail, mail_secret = apart(data.mail, "password")
    sms, sms_secret = apart(data.sms, "secret")
    terms = UNSET if data.terms is UNSET else given(data.terms)
    return Change(data.name, data.address, data.language, mail, sms, terms, mail_secret, sms_secret)


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


def states(text: str | None) -> tuple[str, ...]:
    if text is None:
        return (mail_states.WAITING, mail_states.FAILED)
    if text not in mail_states.STATES:
        raise Invalid(f"which is one of {', '.join(mail_states.STATES)}.", code="invalid_argument", field="which")
    return (text,)


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
    def show(self, request: AnyRequest, organization: Organization, post: Post) -> OrganizationView:
        return view(organization, post, owner="own" in http.signed_in(request).rights)

    @patch(
        "",
        opt={"right": "own", "whole": True, "faults": "mail_unsecured secret_needed too_long"},
        summary="Change what was sent, leave the rest",
    )
    async def change(
        self, request: AnyRequest, organization: Organization, post: Post, data: JSONBody[OrganizationChange]
    ) -> OrganizationView:
        await organization.change(http.who(request), change_of(data))
        return view(organization, post, owner=True)

    @post(
        "/mail/test",
        opt={"right": "own", "whole": True, "faults": "mail_not_set_up"},
        status_code=200,
        summary="Send a test mail now",
    )
    async def test_mail(
        self, request: AnyRequest, organization: Organization, post: Post, data: JSONBody[TrialBody]
    ) -> TrialView:
        who = http.signed_in(request)
        to = data.to.strip() or who.sign_in
        if not to:
            raise Invalid("Say where the test mail goes.", code="invalid_argument", field="to")
        done = await trial.mail(organization, post.store.clock, to, who.name or who.sign_in)
        return TrialView(done.ok, done.text, done.dialogue)

    @post(
        "/sms/test",
        opt={"right": "own", "whole": True, "faults": "number_invalid sms_not_set_up"},
        status_code=200,
        summary="Send a test text message now",
    )
    async def test_sms(
        self, request: AnyRequest, organization: Organization, post: Post, data: JSONBody[TrialBody]
    ) -> TrialView:
        who = http.signed_in(request)
        done = await trial.text_message(organization, post.store.clock, data.to, who.name or who.sign_in)
        return TrialView(done.ok, done.text, done.dialogue)

    @get(
        "/messages",
        opt={"right": "administer", "whole": True, "faults": "invalid_cursor"},
        summary="What waits and what failed, newest first",
    )
    async def messages(
        self, post: Post, which: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> MessageList:
        wanted = pages.limited(limit)
        before = str(pages.place(cursor, str)[0]) if cursor is not None else None
        rows = await post.page(states(which), before, wanted + 1)
        more = len(rows) > wanted
        return MessageList(
            [message_view(row) for row in rows[:wanted]], pages.cursor(rows[wanted - 1].id) if more else None
        )

    @post(
        "/messages/retry",
        opt={"right": "own", "whole": True, "faults": "message_expired message_sent message_under_way no_such_message"},
        status_code=200,
        summary="Try all that are not out at once",
    )
    async def retry_all(self, request: AnyRequest, post: Post) -> Retried:
        return Retried(await post.retry(http.who(request)))

    @post(
        "/messages/{message_id:str}/retry",
        opt={"right": "own", "whole": True, "faults": "message_expired message_sent message_under_way no_such_message"},
        status_code=200,
        summary="Try one message at once",
    )
    async def retry(self, request: AnyRequest, post: Post, message_id: str) -> Retried:
        return Retried(await post.retry(http.who(request), message_id))

    @delete(
        "/messages/{message_id:str}",
        opt={"right": "own", "whole": True, "faults": "no_such_message"},
        summary="Drop a message",
    )
    async def drop(self, request: AnyRequest, post: Post, message_id: str) -> None:
        await post.drop(http.who(request), message_id)


CONTROLLERS = (OrganizationController,)
"""For an edition with mail."""
