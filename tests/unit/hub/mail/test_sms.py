"""Text messages by a real HTTP gateway on loopback."""

import asyncio
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.support.clock import ManualClock
from tests.support.post import gateway
from tests.unit.hub.mail.conftest import Office

from soundpost.hub.mail import trial
from soundpost.hub.organization.rules import SmsSettings, check_sms
from soundpost.kernel.errors import Conflict, Invalid

TOKEN = "the gateway's token & more"
NUMBER = "+442079460000"


async def code(office: Office, to: str = NUMBER) -> str:
    return await office.queue(to, "number_code", channel="sms", params={"code": "123456", "minutes": 10})


def public(url: str) -> dict[str, Any]:
    return {"kind": "twilio", "url": url, "account": "AC1", "sender": "+15005550006"}


async def test_the_public_gateways_form(office: Office) -> None:
    async with gateway() as there:
        await office.change(sms=public(there.url), sms_secret=TOKEN)
        id = await code(office)
        await office.sms.round()
    ((first, headers, body),) = there.asked
    assert first == "POST /2010-04-01/Accounts/AC1/Messages.json HTTP/1.1"
    assert headers["authorization"] == "Basic " + b64encode(f"AC1:{TOKEN}".encode()).decode()
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert form == {
        "To": NUMBER,
        "From": "+15005550006",
        "Body": "123456 is your Soundpost code. It is good for 10 minutes.",
    }
    assert ((await office.row(id)).state, (await office.row(id)).body) == ("sent", None)


async def test_any_other_gateway_by_a_template(office: Office) -> None:
    async with gateway() as there:
        template = {
            "kind": "generic", "url": there.url + "/send?to={to}", "body": '{"text": "{text}", "ref": "{id}"}',
            "headers": {"X-Key": "{secret}"}, "ok_contains": '"accepted"',
        }  # fmt: skip
        there.answer = ("200 OK", {}, b'{"status": "accepted"}')
        await office.change(name='"Quotes" & {secret}\\', sms=template, sms_secret=TOKEN)
        id = await office.queue(NUMBER, "test", channel="sms", params={"by": 'A "B" {secret}\n'})
        await office.sms.round()
        first, headers, _ = there.asked[-1]
        assert (first, headers["x-key"]) == ("POST /send?to=%2B442079460000 HTTP/1.1", TOKEN)
        assert there.json()["ref"] == id
        assert '"Quotes"' in there.json()["text"]
        assert TOKEN not in there.json()["text"]
        there.answer = ("200 OK", {}, b'{"status": "no credit"}')
        other = await code(office)
        await office.sms.round()
    assert ((await office.row(id)).state, (await office.row(other)).state) == ("sent", "failed")
    assert "no credit" in (await office.row(other)).said


@pytest.mark.parametrize(
    ("status", "state", "why"),
    [
        ("400 Bad Request", "failed", ""),
        ("422 Odd", "failed", ""),
        ("401 Unauthorized", "waiting", "down"),
        ("404 Not Found", "waiting", "down"),
        ("429 Slow Down", "waiting", ""),
        ("503 Busy", "waiting", ""),
    ],
)
async def test_what_answers_mean(office: Office, status: str, state: str, why: str) -> None:
    async with gateway() as there:
        there.answer = (status, {}, f"it says {TOKEN}".encode())
        await office.change(sms=public(there.url), sms_secret=TOKEN)
        id = await code(office)
        await office.sms.round()
    assert ((await office.row(id)).state, office.post.why("sms")) == (state, why)
    words = (await office.row(id)).said
    assert words.startswith(status[:3])
    assert TOKEN not in words


async def test_a_redirect_takes_the_token_nowhere(office: Office) -> None:
    async with gateway() as there, gateway() as elsewhere:
        there.answer = ("307 Moved", {"Location": elsewhere.url + "/steal"}, b"")
        await office.change(sms=public(there.url), sms_secret=TOKEN)
        await code(office)
        await office.sms.round()
    assert (len(there.asked), elsewhere.asked, office.post.why("sms")) == (1, [], "down")


async def test_a_gateway_that_is_away_holds_up_no_mail(office: Office, clock: ManualClock) -> None:
    async with gateway() as there:
        await office.change(sms=public(there.url), sms_secret=TOKEN)
    await code(office)
    await office.sms.round()
    assert (office.post.why("sms"), office.post.standing("sms").words[:13]) == ("down", "No connection")
    assert "mail" not in office.post.down


async def test_a_trial_says_what_the_gateway_says(office: Office) -> None:
    with pytest.raises(Conflict):
        await trial.text_message(office.organization, office.clock, NUMBER, "Ada")
    async with gateway() as there:
        await office.change(sms=public(there.url), sms_secret=TOKEN)
        there.answer = ("400 Bad Request", {}, b'{"code": 21211, "message": "not a valid phone number"}')
        done = await trial.text_message(office.organization, office.clock, "0044 20 7946 0000", "Ada")
    assert (done.ok, "not a valid phone number" in done.text, len(done.dialogue)) == (False, True, 2)
    assert TOKEN not in str(done)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "ftp://x.example"}, "sms.url"),
        ({"url": "https://user:pw@x.example"}, "sms.url"),
        ({"url": "https://x.example/{secret}", "body": "{to}{text}"}, "sms.url"),
        ({"url": "https://x.example/", "body": "{to}"}, "sms.body"),
        ({"url": "https://x.example/", "body": "{to}{text}{password}"}, "sms.body"),
        ({"url": "https://x.example/", "body": "{to}{text}", "headers": {"a b": "c"}}, "sms.headers"),
        ({"url": "https://x.example/", "body": "{to}{text}", "headers": {"A": "c\r\nB: d"}}, "sms.headers"),
        ({"url": "http://sms.example.org/", "body": "{to}{text}"}, "sms.url"),
        ({"url": "http://10.0.0.4/", "body": "{to}{text}"}, "sms.url"),
        ({"url": "http://169.254.169.254/latest", "body": "{to}{text}"}, "sms.url"),
        ({"url": "https://169.254.169.254/latest", "body": "{to}{text}"}, "sms.url"),
        ({"url": "https://[::ffff:169.254.169.254]/", "body": "{to}{text}"}, "sms.url"),
        ({"url": "https://[fe80::1]/", "body": "{to}{text}"}, "sms.url"),
        ({"kind": "twilio", "url": "http://sms.example.org/"}, "sms.url"),
        ({"kind": "pigeon"}, "sms.kind"),
        ({"method": "DELETE"}, "sms.method"),
    ],
)
def test_templates_that_make_no_sense(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_sms(SmsSettings(**{"kind": "generic", **changes}))
    assert refused.value.params["field"] == field


@pytest.mark.parametrize(
    "url", ["https://192.168.1.4/", "http://localhost:9/", "http://[::1]:9/", "https://b\u00fccher.example/"]
)
def test_gateways_that_may_be_reached(url: str) -> None:
    assert check_sms(SmsSettings(kind="generic", url=url, body="{to}{text}")).url == url


@pytest.mark.parametrize(
    ("scheme", "leads_to", "words"),
    [
        ("https", "169.254.169.254", "Nothing is sent to 169.254.169.254."),
        ("http", "169.254.169.254", "Nothing is sent to 169.254.169.254."),
        ("http", "10.0.0.4", "Without TLS only this machine is sent to; use https://."),
    ],
)
async def test_a_name_that_leads_where_nothing_may_be_sent_gets_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch, scheme: str, leads_to: str, words: str
) -> None:
    """Also where one of its addresses is the gateway, and where settings were saved before this was checked."""
    async with gateway() as there:
        port = int(there.url.rpartition(":")[2])

        async def resolved(*_: Any, **__: Any) -> list[Any]:
            return [(0, 0, 0, "", (address, port)) for address in ("127.0.0.1", leads_to)]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
        await office.change(sms=public(f"{scheme}://localhost:{port}"), sms_secret=TOKEN)
        done = await trial.text_message(office.organization, office.clock, NUMBER, "Ada")
    assert (done.ok, done.text, there.asked) == (False, words, [])


async def test_the_gateway_is_called_by_the_name_that_was_entered(office: Office) -> None:
    async with gateway() as there:
        where = there.url.replace("127.0.0.1", "localhost")
        await office.change(sms=public(where), sms_secret=TOKEN)
        await code(office)
        await office.sms.round()
    ((_, headers, _),) = there.asked
    assert headers["host"] == where.removeprefix("http://")
