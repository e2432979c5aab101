"""Test messages: sent at once, past the queue, with all that the server said."""

from msgspec import Struct

from soundpost.hub.mail import letters, rules, sms, smtp, texts
from soundpost.hub.organization.service import MAIL_SECRET, SMS_SECRET, Organization
from soundpost.kernel import ids
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import Conflict, Corrupt, TellUser


class Trial(Struct, frozen=True):
    """`dialogue`: lines that begin with > (we), < (the server) or * (what happened). No passwords in it."""

    ok: bool
    text: str
    dialogue: list[str]


async def mail(organization: Organization, clock: Clock, to: str, by: str, language: str = "") -> Trial:
    """Raises Conflict while mail is not set up, Invalid for an address that is none."""
    settings = organization.settings
    if not settings.mail.ready:
        raise not_set_up("mail")
    id = ids.mint("out", clock.now_ms())
    letter = letters.compose(
        settings.mail, to, "test", {"by": by}, language=language or settings.language, organization=settings.name,
        address=organization.address, message_id=letters.message_id(id, settings.mail), now_ms=clock.now_ms(),
    )  # fmt: skip
    told: list[str] = []
    try:
        secret = organization.secret(MAIL_SECRET)  # before anything waits: of these settings, not of the next
        async with clock.timeout(4.0 * settings.mail.timeout_s), smtp.line(settings.mail, secret, told) as line:
            outcome = await line.send(letter)
    except smtp.Unreachable as error:
        return Trial(False, error.words, told)
    except TimeoutError:
        return Trial(False, "The server did not answer in time.", told)
    except Corrupt as error:
        return Trial(False, f"{error.text} Or enter the password again.", told)
    return Trial(outcome.kind == "sent", outcome.words, told)


async def text_message(organization: Organization, clock: Clock, to: str, by: str, language: str = "") -> Trial:
    settings = organization.settings
    if not settings.sms.ready:
        raise not_set_up("sms")
    number, told = rules.check_number(to), list[str]()
    words = texts.short(
        "test", language or settings.language, letters.clean({"by": by}), letters.one_line(settings.name)
    )
    try:
        secret = organization.secret(SMS_SECRET)
        async with clock.timeout(4.0 * settings.sms.timeout_s):
            outcome = await sms.send(settings.sms, secret, number, words, ids.mint("out", clock.now_ms()), told)
    except TimeoutError:
        return Trial(False, "The gateway did not answer in time.", told)
    except Corrupt as error:
        return Trial(False, f"{error.text} Or enter the password again.", told)
    return Trial(outcome.kind == "sent", outcome.words, told)


def not_set_up(channel: str) -> TellUser:
    what = "Mail is" if channel == "mail" else "Text messages are"
    return Conflict(f"{what} not set up yet; enter the server and save first.", code=f"{channel}_not_set_up")
