"""What waits to be sent, what failed, and test messages: `/api/v1/organization/messages` and its neighbours. Who asks is handed in."""

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.params import JSONBody
from msgspec import Struct
from sqlalchemy import Row

from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.mail import rules, states, trial
from soundpost.hub.mail.service import Post
from soundpost.hub.organization.api import WayView, time, way_view
from soundpost.hub.organization.rules import Asker
from soundpost.hub.organization.service import Organization
from soundpost.hub.store import pages
from soundpost.kernel.clock import rfc3339
from soundpost.kernel.errors import Invalid
from soundpost.kernel.shape import one_of


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
    channel: Annotated[str, one_of(rules.CHANNELS)]
    to: str
    kind: str
    person: str | None
    state: Annotated[str, one_of(states.STATES)]
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


class WaysView(Struct):
    """The topic `messages`: figures and the servers' words, nobody's address. `name`: the organization's. `address`: whether the hub
    knows its own. `settings`, `queue`: numbers that differ after each change, so that a page knows when to ask again."""

    name: str
    mail: WayView
    sms: WayView
    address: bool
    settings: int
    queue: int


def ways(post: Post, *, words: bool = True) -> WaysView:
    """Without `words` for who may not know whom messages go to: a server's words may name an address."""
    mail, sms = (way_view(post.standing(channel)) for channel in rules.CHANNELS)
    if not words:
        mail.words = sms.words = ""
    organization = post.organization
    return WaysView(
        organization.settings.name, mail, sms, bool(organization.address), organization.changes, post.changes
    )


def message_view(row: Row[tuple[object, ...]]) -> MessageView:
    waiting = row.state == states.WAITING
    return MessageView(
        id=row.id, channel=row.channel, to=row.recipient, kind=row.kind, person=row.person or None, state=row.state,
        said=row.said, tries=row.tries, created=rfc3339(row.created_ms), next=time(row.next_ms) if waiting else None,
        ended=time(row.ended_ms), sending=row.began_ms > 0, may_repeat=bool(row.repeats),
        can_retry=row.state != states.SENT and bool(row.whole),
    )  # fmt: skip


def wanted_states(text: str | None) -> tuple[str, ...]:
    if text is None:
        return (states.HELD, states.WAITING, states.FAILED)
    if text not in states.STATES:
        raise Invalid(f"which is one of {', '.join(states.STATES)}.", code="invalid_argument", field="which")
    return (text,)


TO_MOST = 200


def tested(way: str, to: str) -> dict[str, str]:
    return {"way": way, "to": to[:TO_MOST]}


def said(done: trial.Trial) -> dict[str, str]:
    """For the audit."""
    return {} if done.ok else {"code": "test_failed", "text": done.text}


class MessagesController(Controller):
    path = "/api/v1/organization"
    tags = ("Organization",)

    @post(
        "/mail/test",
        opt={"right": "own", "whole": True, "faults": "mail_not_set_up"},
        status_code=200,
        summary="Send a test mail now",
    )
    async def test_mail(
        self, organization: Organization, post: Post, who: Who, asker: Asker, data: JSONBody[TrialBody]
    ) -> TrialView:
        to = data.to.strip() or asker.sign_in
        if not to:
            raise Invalid("Say where the test mail goes.", code="invalid_argument", field="to")
        async with audit.around(post.store, who, "message.tested", detail=tested("mail", to)) as ended:
            done = await trial.mail(organization, post.store.clock, to, asker.called)
            ended.update(said(done))
        return TrialView(done.ok, done.text, done.dialogue)

    @post(
        "/sms/test",
        opt={"right": "own", "whole": True, "faults": "number_invalid sms_not_set_up"},
        status_code=200,
        summary="Send a test text message now",
    )
    async def test_sms(
        self, organization: Organization, post: Post, who: Who, asker: Asker, data: JSONBody[TrialBody]
    ) -> TrialView:
        async with audit.around(post.store, who, "message.tested", detail=tested("sms", data.to)) as ended:
            done = await trial.text_message(organization, post.store.clock, data.to, asker.called)
            ended.update(said(done))
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
        rows = await post.page(wanted_states(which), before, wanted + 1)
        more = len(rows) > wanted
        return MessageList(
            [message_view(row) for row in rows[:wanted]], pages.cursor(rows[wanted - 1].id) if more else None
        )

    @post(
        "/messages/retry",
        opt={"right": "own", "whole": True},
        status_code=200,
        summary="Try all that are not out at once",
    )
    async def retry_all(self, who: Who, post: Post) -> Retried:
        return Retried(await post.retry(who))

    @post(
        "/messages/held/release",
        opt={"right": "own", "whole": True},
        status_code=200,
        summary="Send what was held since the hub was put back to an older state",
    )
    async def release(self, who: Who, post: Post) -> Retried:
        return Retried(await post.release(who))

    @post(
        "/messages/held/drop",
        opt={"right": "own", "whole": True},
        status_code=200,
        summary="Drop what was held since the hub was put back to an older state",
    )
    async def drop_held(self, who: Who, post: Post) -> Retried:
        return Retried(await post.drop_held(who))

    @post(
        "/messages/{message_id:str}/retry",
        opt={"right": "own", "whole": True, "faults": "message_expired message_sent message_under_way no_such_message"},
        status_code=200,
        summary="Try one message at once",
    )
    async def retry(self, who: Who, post: Post, message_id: str) -> Retried:
        return Retried(await post.retry(who, message_id))

    @delete(
        "/messages/{message_id:str}",
        opt={"right": "own", "whole": True, "faults": "no_such_message"},
        summary="Drop a message",
    )
    async def drop(self, who: Who, post: Post, message_id: str) -> None:
        await post.drop(who, message_id)
