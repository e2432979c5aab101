"""What stands in a mail: nothing a person wrote becomes a header, every language has its words, any address can be written to."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from typing import Any

import pytest

from soundpost.hub.mail import letters, rules, texts
from soundpost.hub.organization.rules import MailSettings, check_mail
from soundpost.kernel.errors import Invalid

SETTINGS = MailSettings(server="mail.example.org", from_address="av@example.org")
PARAMS: dict[str, Any] = {
    "by": "Ada", "role": "owner", "until_ms": 1_795_000_000_000, "link": "/register/abc", "minutes": 120, "name": "Bo", "time": 0,
    "address": "10.0.0.1", "on": True, "code": "123456",
}  # fmt: skip


def composed(
    to: str = "bo@example.org", kind: str = "invitation", settings: MailSettings = SETTINGS, **changes: Any
) -> EmailMessage:
    options = {
        "language": "en", "organization": "Acme", "address": "https://av.example.org", "message_id": "<out_1@example.org>", "now_ms": 0,
        **changes,
    }  # fmt: skip
    params = {**PARAMS, **options.pop("params", {})}
    letter = letters.compose(settings, to, kind, params, **options)
    read = message_from_bytes(letter.message.as_bytes(policy=SMTP.clone(utf8=True)), policy=default)
    assert isinstance(read, EmailMessage)
    return read


ALL = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "Content-Language",
    "MIME-Version",
    "Content-Type",
}


@pytest.mark.parametrize(
    "evil", ["Ada\r\nBcc: all@example.org", "Ada\nX: y\n\nbody", "Ada\u2028Bcc: x", "\x00\x1b[31m", "A" * 5_000]
)
def test_no_name_becomes_a_header(evil: str) -> None:
    message = composed(
        organization=evil, params={"by": evil}, settings=MailSettings(server="m", from_address="av@example.org")
    )
    assert set(message.keys()) == ALL
    assert len(str(message["Subject"])) < 400
    assert "\nBcc" not in message.as_string().split("\n\n")[0]


@pytest.mark.parametrize(
    "to",
    [
        "a@b.c\r\nBcc: d@e.f",
        "a@b.c, d@e.f",
        "<a@b.c>",
        "a b@c.d",
        '"a"@b.c',
        "a@b@c.d",
        "",
        "a@",
        "@b.c",
        "a@b..c",
        "a@-b.c",
    ],
)
def test_no_address_becomes_two(to: str) -> None:
    with pytest.raises(Invalid):
        composed(to)


@pytest.mark.parametrize(
    ("to", "envelope"),
    [
        ("bo+av@example.org", "bo+av@example.org"),
        ("bo@münchen.example", "bo@xn--mnchen-3ya.example"),
        ("bo@straße.example", "bo@xn--strae-oqa.example"),
        ("jörg@example.org", "jörg@example.org"),
        ("用户@例え.example", "用户@xn--r8jz45g.example"),
        ("o'neil_{x}@example.org", "o'neil_{x}@example.org"),
    ],
)
def test_addresses_of_the_world(to: str, envelope: str) -> None:
    letter = letters.compose(
        SETTINGS,
        to,
        "invitation",
        PARAMS,
        language="en",
        organization="Ä & Co",
        address="",
        message_id="<x@y>",
        now_ms=0,
    )
    assert (letter.to, str(composed(to)["To"])) == (envelope, envelope)


@pytest.mark.parametrize("language", ["en", "de", "es"])
@pytest.mark.parametrize("kind", sorted(texts.KINDS))
def test_every_kind_has_its_words(kind: str, language: str) -> None:
    message = composed(kind=kind, language=language)
    plain = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "{" not in plain + str(message["Subject"])
    assert (kind in rules.LINKED) == ("https://av.example.org/register/abc" in plain)
    assert message["Content-Language"] == language
    english = composed(kind=kind)
    assert language == "en" or str(english["Subject"]) != str(message["Subject"])


def test_markup_in_a_name_is_text() -> None:
    page = composed(params={"by": "<img src=x onerror=alert(1)> {organization}"}).get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "<img" not in page
    assert "&lt;img" in page


def test_an_unknown_language_is_english() -> None:
    assert str(composed(language="tlh")["Subject"]) == "Invitation to Acme in Soundpost"
    assert letters.compose(
        SETTINGS,
        "a@b.c",
        "test",
        {"by": "x"},
        language="xx",
        organization="",
        address="",
        message_id="<x@y>",
        now_ms=0,
        repeats=True,
    )


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (MailSettings(server="a b", from_address="a@b.c"), "mail.server"),
        (MailSettings(server="https://mail.example.org", from_address="a@b.c"), "mail.server"),
        (MailSettings(server="m\r\nx", from_address="a@b.c"), "mail.server"),
        (MailSettings(server="m", from_address="a@b.c\r\nBcc: x@y.z"), "mail.from_address"),
        (MailSettings(server="m", from_address="a@b.c", from_name="x\r\ny"), "mail.from_name"),
        (MailSettings(server="m", from_address="a@b.c", reply_to="nobody"), "mail.reply_to"),
        (MailSettings(server="m"), "mail.from_address"),
        (MailSettings(server="m", from_address="a@b.c", port=0), "mail.port"),
        (MailSettings(server="m", from_address="a@b.c", security="maybe"), "mail.security"),
        (MailSettings(server="m", from_address="a@b.c", security="none", user="x"), "mail.security"),
        (MailSettings(server="m", from_address="a@b.c", timeout_s=0), "mail.timeout_s"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_field(settings: MailSettings, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_mail(settings, has_password=False)
    assert refused.value.params["field"] == field


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("+44 20 7946 0000", "+442079460000"),
        ("0044 (20) 7946-0000", "+442079460000"),
        (" +1.212.555.0100 ", "+12125550100"),
    ],
)
def test_numbers_as_people_write_them(written: str, stored: str) -> None:
    assert rules.check_number(written) == stored


@pytest.mark.parametrize(
    "written",
    ["", "020 7946 0000", "+0 123 456 789", "+44", "+4420794600001234", "+44 x", "+44٠٠٠٠٠٠٠٠٠", "+1\n2125550100x"],
)
def test_numbers_that_are_none(written: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_number(written)
    assert refused.value.code == "number_invalid"


def test_the_next_try_grows_and_is_bounded() -> None:
    waits = [rules.next_ms(0, tries, 0.999) / 1_000 for tries in range(1, 20)]
    assert waits == sorted(waits)
    assert 15 <= waits[0] <= 30
    assert waits[-1] <= 3_600
    assert rules.next_ms(0, 1, 0.0) == 15_000
