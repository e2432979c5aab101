"""A message as mail servers take it: headers no name can break out of, plain text and simple HTML, the same Message-ID in each try."""

import html
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from msgspec import Struct

from soundpost.hub.mail import texts
from soundpost.hub.organization import rules as checks
from soundpost.hub.organization.rules import MailSettings

NAME_MOST = 200


class Letter(Struct, frozen=True):
    """`sender` and `to`: the envelope's addresses."""

    sender: str
    to: str
    message: EmailMessage


def one_line(text: str) -> str:
    return " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())[:NAME_MOST]


def clean(params: texts.Params) -> texts.Params:
    """Names and such as one line of printable text each: they come from people."""
    return {
        name: one_line(value) if isinstance(value, str) and name != "link" else value for name, value in params.items()
    }


def message_id(id: str, settings: MailSettings) -> str:
    domain = checks.envelope(settings.from_address, "mail.from_address").rpartition("@")[2]
    return f"<{id}@{domain}>"


def compose(
    settings: MailSettings,
    to: str,
    kind: str,
    params: texts.Params,
    *,
    language: str,
    organization: str,
    address: str,
    message_id: str,
    now_ms: int,
    repeats: bool = False,
) -> Letter:
    """`address`: of this hub, before a link's path. Raises Invalid for an address no mail can go to, KeyError for an unknown kind."""
    spoken = language if language in texts.ROLES else "en"
    said = texts.words(kind, spoken, clean(params), one_line(organization))
    recipient = checks.envelope(checks.check_mailbox(to, "to"), "to")
    sender = checks.envelope(settings.from_address, "mail.from_address")
    message = EmailMessage(policy=SMTP)
    message["From"] = mailbox(settings.from_name or one_line(organization) or "Soundpost", sender)
    message["To"] = mailbox("", recipient)
    if settings.reply_to:
        message["Reply-To"] = mailbox("", checks.envelope(settings.reply_to, "mail.reply_to"))
    message["Subject"] = one_line(said.subject)
    message["Date"] = formatdate(now_ms / 1_000)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    link = f"{address}{said.link}" if said.link else ""
    paragraphs = [*([texts.REPEATED[spoken]] if repeats else []), *said.paragraphs]
    foot = texts.FOOT[spoken].format(organization=one_line(organization).replace("{", "(") or "Soundpost")
    message.set_content(plain(paragraphs, link, foot), cte="quoted-printable")
    message.add_alternative(page(paragraphs, link, said.label, foot, spoken), subtype="html", cte="quoted-printable")
    message["Content-Language"] = spoken  # last: an alternative takes such headers to its first part
    return Letter(sender, recipient, message)


def mailbox(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(one_line(name), local, domain)


def plain(paragraphs: list[str], link: str, foot: str) -> str:
    first, *rest = paragraphs
    return "\n\n".join([first, *([link] if link else []), *rest, "-- \n" + foot]) + "\n"


def page(paragraphs: list[str], link: str, label: str, foot: str, language: str) -> str:
    first, *rest = (f"<p>{html.escape(text)}</p>" for text in paragraphs)
    button = f'<p><a href="{html.escape(link)}">{html.escape(label)}</a><br>{html.escape(link)}</p>' if link else ""
    body = "\n".join([first, button, *rest, f"<p><small>{html.escape(foot)}</small></p>"])
    return f'<!doctype html>\n<html lang="{language}"><meta charset="utf-8"><body>\n{body}\n</body></html>\n'
