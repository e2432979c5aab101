"""Settings > Organization over the API: who may, what is never told, and invitations that arrive."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.hub import problem
from tests.support.post import PASSWORD, Sink, mail_server
from tests.unit.hub.app.test_matrix import World
from tests.unit.hub.app.test_whole_hub import house, served

from soundpost.editions import rooms
from soundpost.hub import tls
from soundpost.hub.app import Edition
from soundpost.hub.people.service import People
from soundpost.hub.store import Store
from soundpost.kernel.clock import SystemClock

pytestmark = pytest.mark.slow  # a whole hub and real password hashing for each

ORGANIZATION = "/api/v1/organization"


class Place(World):
    """An owner, an administrator and a monitor of a whole hub; `mails` waits for what its couriers tell."""

    async def make(self) -> None:
        code = self.hub.first_run_code
        await self.sign_in("owner", "/first-run", {"code": code, "sign_in": "o@example.org", "name": "Ada"})
        await self.join("administrator", "administrator")
        await self.join("monitor", "monitor")

    async def own(self, method: str, path: str = "", body: Any = None, who: str = "owner") -> httpx.Response:
        return await self.ask(who, method, ORGANIZATION + path, body)

    async def set_up(self, sink: Sink, **more: Any) -> None:
        mail = {"server": "localhost", "port": sink.port, "security": "none", "from_address": "av@example.org", **more}
        body = {"name": "Acme", "address": "https://av.example.org", "mail": mail}
        answer = await self.own("PATCH", "", body)
        assert answer.status_code == 200, answer.text

    async def messages(self, which: str = "") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (
            await self.own("GET", "/messages" + (f"?which={which}" if which else ""))
        ).json()["items"]
        return items

    async def until(self, state: str, count: int = 1) -> None:
        """Waits until so many messages are in that state."""
        seen = asyncio.Event()

        end = self.hub.store.hinted.subscribe(lambda _: seen.set())
        try:
            while len(await self.messages(state)) < count:
                async with SystemClock().timeout(20):
                    await seen.wait()
                seen.clear()
        finally:
            end()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with house(tmp_path, Edition("enterprise")) as hub, served(hub) as client:
        made = Place(hub, client)
        await made.make()
        yield made


async def test_name_and_address_are_everywhere_at_once(place: Place) -> None:
    answer = await place.own(
        "PATCH", "", {"name": "  Acme AV ", "address": "HTTPS://AV.example.org:8443/", "language": "de"}
    )
    body = answer.json()
    assert (body["name"], body["address"], body["language"]) == ("Acme AV", "https://av.example.org:8443", "de")
    assert (await place.ask("nobody", "GET", "/api/v1/session")).json()["name"] == "Acme AV"
    for address in (
        "av.example.org",
        "javascript:alert(1)",
        "https://a.b/c",
        "https://u:p@a.b",
        "https://a b",
        "https://a\r\nb",
        "http://",
    ):
        problem(await place.own("PATCH", "", {"address": address}), 400, "invalid_argument")
    problem(await place.own("PATCH", "", {"name": "A\r\nBcc: x"}), 400, "invalid_argument")
    problem(await place.own("PATCH", "", {"nonsense": 1}), 400, "invalid_argument")
    problem(await place.own("PATCH", "", {"mail": {"port": 99_999}}), 400, "invalid_argument")
    assert (await place.own("GET")).json()["address"] == "https://av.example.org:8443"


async def test_a_password_is_kept_and_never_told(place: Place, tmp_path: Path) -> None:
    mail = {
        "server": "mail.example.org", "security": "tls", "port": 465, "user": "av", "password": PASSWORD, "from_address": "av@example.org",
    }  # fmt: skip
    sms = {
        "kind": "generic", "url": "https://sms.example.org/", "body": "{to} {text}", "headers": {"X-Key": "{secret}"}, "secret": PASSWORD,
    }  # fmt: skip
    answers = [await place.own("PATCH", "", {"mail": mail, "sms": sms})]
    answers += [
        await place.own("GET"),
        await place.own("GET", who="administrator"),
        await place.ask("owner", "GET", "/api/v1/audit"),
    ]
    answers += [await place.ask("owner", "GET", "/api/v1/events?limit=1000")]
    assert all(answer.status_code == 200 and PASSWORD not in answer.text for answer in answers)
    assert (answers[1].json()["mail"]["has_password"], answers[1].json()["sms"]["has_secret"]) == (True, True)
    assert (answers[1].json()["sms"]["body"], answers[2].json()["sms"]["body"]) == ("{to} {text}", None)
    assert "organization.changed" in answers[3].text
    assert all(PASSWORD.encode() not in file.read_bytes() for file in tmp_path.rglob("*.db*"))
    # It can't be had by pointing the settings at a server of one's own.
    for moved in ({"server": "evil.example.org"}, {"port": 2_525}, {"user": "other"}, {"ca_pem": "x"}):
        problem(await place.own("PATCH", "", {"mail": moved}), 400, "secret_needed")
    problem(await place.own("PATCH", "", {"sms": {"url": "https://evil.example.org/"}}), 400, "secret_needed")
    problem(await place.own("PATCH", "", {"mail": {"security": "none", "password": "new"}}), 400, "mail_unsecured")
    assert (await place.own("PATCH", "", {"mail": {"from_name": "AV"}})).json()["mail"]["has_password"] is True
    assert (await place.own("PATCH", "", {"mail": {"password": None}})).json()["mail"]["has_password"] is False
    assert (await place.own("PATCH", "", {"mail": None, "sms": None})).json()["mail"] is None


async def test_terms_have_revisions_and_whoever_joins_accepts_one(place: Place) -> None:
    open_terms = (await place.ask("nobody", "GET", ORGANIZATION + "/terms")).json()
    assert (open_terms["revision"], open_terms["terms"]) == (0, "")
    first = (
        await place.own("PATCH", "", {"terms": {"terms": "Be kind.", "privacy_link": "https://example.org/privacy"}})
    ).json()
    same = (await place.own("PATCH", "", {"terms": {"terms": "Be kind."}})).json()
    assert (first["terms"]["revision"], same["terms"]["revision"]) == (1, 1)
    assert (await place.ask("nobody", "GET", ORGANIZATION + "/terms")).json()[
        "privacy_link"
    ] == "https://example.org/privacy"
    body = {"addresses": "bo@example.org", "role": "monitor"}
    (item,) = (await place.ask("owner", "POST", "/api/v1/users", body)).json()["items"]
    where = item["link"].replace("/register/", "/api/v1/registration/")
    await place.own("PATCH", "", {"terms": {"terms": "Be very kind."}})
    join = {"password": "another long password", "terms": True}
    problem(await place.ask("nobody", "POST", where, {**join, "terms_revision": 1}), 409, "terms_changed")
    assert (await place.ask("nobody", "POST", where, {**join, "terms_revision": 2})).status_code == 201
    place.client.cookies.clear()
    accepted = await place.hub.store.read(
        lambda conn: conn.exec_driver_sql("select terms_revision from people where sign_in = 'bo@example.org'").scalar()
    )
    assert accepted == 2
    problem(await place.own("PATCH", "", {"terms": {"terms_link": "javascript:alert(1)"}}), 400, "invalid_argument")
    problem(await place.own("PATCH", "", {"terms": {"terms": "x" * 100_001}}), 400, "too_long")


async def test_an_invitation_waits_arrives_and_lets_its_person_in(place: Place) -> None:
    body = {"addresses": "bo+av@example.org, cy@example.org", "role": "administrator"}
    items = (await place.ask("owner", "POST", "/api/v1/users", body)).json()["items"]
    assert [item["mail"] for item in items] == ["not_set_up", "not_set_up"]
    waiting = [one for one in await place.messages() if one["to"].startswith(("bo", "cy"))]
    assert len(waiting) == 2
    assert items[0]["link"].removeprefix("/register/") not in str(waiting)
    assert (await place.ask("owner", "DELETE", f"/api/v1/users/{items[1]['id']}")).status_code == 204
    again = (await place.ask("owner", "POST", f"/api/v1/users/{items[0]['id']}/invitation")).json()
    async with mail_server() as sink:
        await place.set_up(sink)
        await place.until("sent")
        assert [str(mail["To"]) for mail in sink.mails] == ["bo+av@example.org"]
        text = sink.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert "https://av.example.org" + again["link"] in text
        assert items[0]["link"] not in text
        assert "Ada invites you" in text
        body = {"addresses": "di@example.org", "role": "monitor"}
        (item,) = (await place.ask("owner", "POST", "/api/v1/users", body)).json()["items"]
        assert item["mail"] == "queued"
        await place.until("sent", 2)
    link = text.split("https://av.example.org/register/")[1].split()[0]
    joined = await place.ask(
        "nobody", "POST", f"/api/v1/registration/{link}", {"password": "another long password", "terms": True}
    )
    assert joined.status_code == 201


async def test_the_queue_is_shown_retried_and_dropped(place: Place) -> None:
    async with mail_server() as sink:
        sink.rcpt = lambda address: "550 5.1.1 nobody of that name"
        await place.set_up(sink)
        body = {"addresses": "bo@example.org cy@example.org", "role": "monitor"}
        await place.ask("owner", "POST", "/api/v1/users", body)
        await place.until("failed", 2)
        failed = await place.messages("failed")
        assert {(one["to"], one["said"], one["can_retry"]) for one in failed} == {
            ("bo@example.org", "550 5.1.1 nobody of that name", True),
            ("cy@example.org", "550 5.1.1 nobody of that name", True),
        }
        ways = (await place.own("GET")).json()["mail_way"]
        assert ways["why"] == ""
        problem(await place.own("POST", f"/messages/{failed[0]['id']}/retry", who="administrator"), 403, "not_allowed")
        sink.rcpt = lambda address: "250 fine"
        assert (await place.own("POST", f"/messages/{failed[0]['id']}/retry")).json() == {"count": 1}
        await place.until("sent")
        assert (await place.own("DELETE", f"/messages/{failed[1]['id']}")).status_code == 204
        problem(await place.own("POST", f"/messages/{failed[0]['id']}/retry"), 409, "message_sent")
    for made_up in ("none", "out_x", "%00", "../x"):
        assert (await place.own("DELETE", f"/messages/{made_up}")).status_code == 404
    problem(await place.own("GET", "/messages?which=odd"), 400, "invalid_argument")
    problem(await place.own("GET", "/messages?cursor=odd"), 400, "invalid_cursor")
    assert await place.messages() == []
    first = (await place.own("GET", "/messages?which=sent&limit=1")).json()
    assert (len(first["items"]), first["next"]) == (1, None)


async def test_a_trial_shows_the_whole_dialogue_without_the_password(
    place: Place, certificate: tls.Certificate
) -> None:
    problem(await place.own("POST", "/mail/test", {}), 409, "mail_not_set_up")
    async with mail_server(auth=True, starttls=certificate.context()) as sink:
        settings = {"security": "starttls", "user": "av@example.org", "ca_pem": certificate.ca_pem}
        await place.set_up(sink, **settings, password=PASSWORD)
        done = (await place.own("POST", "/mail/test", {})).json()
        assert (done["ok"], done["text"]) == (True, "2.0.0 queued as 42")
        assert sink.recipients == ["o@example.org"]
        told = "\n".join(done["dialogue"])
        for words in ("< 220 mail.test", "> EHLO example.org", "> AUTH ", "***", "> RCPT TO:<o@example.org>"):
            assert words in told, told
        for secret in (
            PASSWORD,
            b64encode(PASSWORD.encode()).decode(),
            b64encode(f"\0av@example.org\0{PASSWORD}".encode()).decode(),
        ):
            assert secret not in told
        sink.rcpt = lambda address: "550 5.7.1 relaying denied"
        refused = (await place.own("POST", "/mail/test", {"to": "elsewhere@example.net"})).json()
        assert (refused["ok"], refused["text"]) == (False, "550 5.7.1 relaying denied")
        acts = (await place.ask("owner", "GET", "/api/v1/audit?act=message.tested")).json()["items"]
        assert [(act["result"], act["arguments"]["to"]) for act in acts] == [
            ("failed", "elsewhere@example.net"), ("done", "o@example.org"), ("failed", "o@example.org"),
        ]  # fmt: skip
        assert acts[0]["reason"]["text"] == "550 5.7.1 relaying denied"
        await place.own("PATCH", "", {"mail": {"password": "wrong"}})
        wrong = (await place.own("POST", "/mail/test", {})).json()
        assert (wrong["ok"], wrong["text"][:3]) == (False, "535")
        assert "wrong" not in str(wrong["dialogue"])
    gone = (await place.own("POST", "/mail/test", {})).json()
    assert gone["ok"] is False
    problem(await place.own("POST", "/mail/test", {"to": "a@b.c\r\nBcc: d@e.f"}), 400, "invalid_argument")


async def test_others_may_see_but_not_touch(place: Place) -> None:
    assert (await place.own("GET", who="administrator")).status_code == 200
    problem(await place.own("GET", who="monitor"), 403, "not_allowed")
    problem(await place.own("PATCH", "", {"name": "Mine"}, who="administrator"), 403, "not_allowed")
    problem(await place.own("GET", "/messages", who="nobody"), 401, "unauthenticated")


async def test_a_local_agent_has_no_mail(tmp_path: Path) -> None:
    clock = SystemClock()
    async with Store(tmp_path / "soundpost.db", clock) as store:
        people = People(store, clock, mail=False)
        async with rooms.opened(Edition("local_agent"), store, people, clock) as hub, served(hub) as client:
            assert (await client.get(ORGANIZATION)).status_code == 404
            assert (await client.get(ORGANIZATION + "/terms")).json()["revision"] == 0


NASTY = (
    "",
    " ",
    "\x00",
    "\u2028",
    "é" * 300,
    "xn--",
    "a" * 70 + ".example",
    "[::1]",
    "[::1",
    "http://[",
    "http://a:99999",
    "{secret}",
    "💥@💥.example",
)


@pytest.mark.slow
async def test_nothing_an_owner_can_write_breaks_it(place: Place) -> None:
    """Each text field with each odd text, and numbers beyond all bounds: refused or taken, never an error of ours."""
    fields = {
        "mail": ("server", "user", "from_address", "from_name", "reply_to", "ca_pem", "security"),
        "sms": ("kind", "url", "account", "sender", "method", "body", "ok_contains"),
        "terms": ("terms", "terms_link", "privacy", "privacy_link"),
    }
    bodies: list[dict[str, Any]] = [{name: odd} for name in ("name", "address", "language") for odd in NASTY]
    bodies += [{part: {name: odd}} for part, names in fields.items() for name in names for odd in NASTY]
    bodies += [{"mail": {name: n}} for name in ("port", "timeout_s") for n in (-1, 2**63, 2**70, 1.5, None, True)]
    bodies += [{"sms": {"headers": odd}} for odd in ({"": ""}, {"é": "x"}, {"A": "\r\n"}, [], None)]
    for body in bodies:
        answer = await place.own("PATCH", "", body)
        assert answer.status_code in (200, 400), (body, answer.status_code, answer.text)
    assert (await place.own("GET")).status_code == 200
