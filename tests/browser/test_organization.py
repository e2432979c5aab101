"""Settings > Organization as an owner fills it in: a real mail server on loopback, real Chromium, a real hub that is killed in between."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.browser import scenes
from tests.browser.conftest import WAIT_MS, Person, look
from tests.browser.scenes import hub
from tests.support.post import Sink, mail_server
from tests.support.programs import Program, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


class Post:
    """A mail server in a loop of its own, beside the browser."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sink: Sink) -> None:
        self.loop, self.sink = loop, sink

    def do(self, what: Callable[[], Any]) -> None:
        async def now() -> None:
            what()

        asyncio.run_coroutine_threadsafe(now(), self.loop).result(10)

    def recipients(self) -> list[str]:
        return [str(mail["To"]) for mail in self.sink.mails]


@contextmanager
def posted() -> Iterator[Post]:
    started, ended = threading.Event(), asyncio.Event()
    made: list[Post] = []

    async def serve() -> None:
        async with mail_server() as sink:
            made.append(Post(asyncio.get_running_loop(), sink))
            started.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="mail server")
    thread.start()
    assert started.wait(20)
    try:
        yield made[0]
    finally:
        made[0].loop.call_soon_threadsafe(ended.set)
        thread.join(20)


class Office:
    def __init__(self, browser: Browser, base: Path, programs: list[Program]) -> None:
        self.browser, self.base, self.programs = browser, base, programs
        self.hub = hub(base, programs, make_owner=True)

    def person(self, width: int = 1440, theme: str = "light") -> Person:
        who = Person(self.browser, self.hub.ready["url"], width, theme)
        who.sign_in(self.hub.ready["owner"]["email"], self.hub.ready["owner"]["password"])
        expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
        who.open("/settings/organization")
        expect(who.at("organization-mail")).to_be_visible(timeout=WAIT_MS)
        return who

    def invite(self, who: Person, addresses: str) -> dict[str, Any]:
        url = self.hub.ready["url"]
        body = {"addresses": addresses, "role": "monitor"}
        answer = who.page.request.post(f"{url}/api/v1/users", data=body, headers={"Origin": url})
        assert answer.ok, answer.text()
        items: list[dict[str, Any]] = answer.json()["items"]
        return items[0]


@pytest.fixture
def office(browser: Browser, tmp_path: Path) -> Iterator[Office]:
    with scenes.started() as programs:
        yield Office(browser, tmp_path, programs)


def set_up_mail(who: Person, port: int) -> None:
    who.at("tool-about").click()
    who.at("about-name").fill("Acme AV")
    expect(who.at("about-address")).to_have_value(who.url)
    who.at("about-save").click()
    who.see("organization-name", "Acme AV")
    expect(who.page.get_by_role("link", name="Acme AV")).to_be_visible(timeout=WAIT_MS)
    who.at("tool-mail").click()
    who.at("mail-host").fill("localhost")
    who.at("mail-security").select_option("none")
    who.at("mail-port").fill(str(port))
    who.at("mail-from").fill("av@example.org")
    who.at("mail-save").click()
    expect(who.at("dialog-mail")).to_be_hidden(timeout=WAIT_MS)


def test_an_owner_sets_mail_up_and_what_waited_goes_out(office: Office) -> None:
    with posted() as post:
        who = office.person()
        who.see("mail-state", "Mail is not set up")
        assert office.invite(who, "bo@example.org")["mail"] == "not_set_up"
        who.see("mail-waiting", "1 message waits for it to be set up.")
        who.see("messages", "bo@example.org")
        set_up_mail(who, post.sink.port)
        who.see("mail-state", "Messages leave.")
        who.see("organization-messages", "Nothing waits, nothing failed.")
        assert post.recipients() == ["bo@example.org"]
        link = f"{who.url}/register/"
        assert link in post.sink.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
        who.at("tool-mail-test").click()
        who.at("trial-to").fill("me@example.org")
        who.at("trial-send").click()
        who.see("trial-result", "The server took it: 2.0.0 queued as 42")
        who.see("trial-dialogue", "> RCPT TO:<me@example.org>")
        post.do(lambda: setattr(post.sink, "rcpt", lambda address: "550 5.1.1 no such user"))
        who.at("trial-send").click()
        who.see("trial-result", "550 5.1.1 no such user")
        assert look(who, "organization-trial") == []
        who.at("trial-close").click()
        other = office.person(390, "dark")
        office.invite(who, "cy@example.org")
        for each in (who, other):
            each.see("mail-failed", "1 message failed.")
            each.see("messages", "550 5.1.1 no such user")
        assert look(who, "organization-1440-light") + look(other, "organization-390-dark") == []
        post.do(lambda: setattr(post.sink, "rcpt", lambda address: "250 fine"))
        other.at("message-menu").click()
        other.at("message-retry").click()
        for each in (who, other):
            each.see("organization-messages", "Nothing waits, nothing failed.")
        assert "cy@example.org" in post.recipients()
        assert (who.loads, other.loads) == (2, 2)
        other.close()
    office.invite(who, "di@example.org")
    who.see("mail-state", "Messages wait: the server does not take them.")
    expect(who.at("mail-words")).not_to_be_empty()
    who.see("messages", "di@example.org")
    who.close()


def test_terms_are_read_by_everybody_and_changed_by_owners(office: Office) -> None:
    who = office.person()
    who.see("organization-terms", "No texts of your own yet.")
    who.at("tool-terms").click()
    who.at("terms-terms").fill("Be kind.\nLock the rack.")
    who.at("terms-privacy-link").fill("nonsense")
    who.at("terms-save").click()
    expect(who.at("error")).to_contain_text("web address", timeout=WAIT_MS)
    who.at("terms-privacy-link").fill("https://example.org/privacy")
    who.at("terms-save").click()
    who.see("terms-revision", "1")
    assert look(who, "organization-terms") == []

    # Whoever joins reads them.
    guest = Person(office.browser, who.url)
    guest.page.goto(f"{who.url}{office.invite(who, 'bo@example.org')['link']}")
    guest.page.get_by_text("Terms of use", exact=True).click()
    expect(guest.page.get_by_text("Lock the rack.")).to_be_visible(timeout=WAIT_MS)
    expect(guest.page.get_by_role("link", name="https://example.org/privacy")).to_be_visible()
    assert look(guest, "register-terms") == []
    guest.close()

    # Whoever was here before accepts them at the next sign-in, and works on until then.
    who.open("/servers")
    expect(who.page.locator("h1")).to_be_visible(timeout=WAIT_MS)
    other = Person(office.browser, who.url, 390, "dark")
    other.sign_in(office.hub.ready["owner"]["email"], office.hub.ready["owner"]["password"])
    other.see("accept-first", "changed")
    expect(other.at("accept-submit")).to_be_disabled()
    assert look(other, "accept-first-390-dark") == []
    for box in ("register-terms", "register-privacy"):
        other.at(box).check()
    other.at("accept-submit").click()
    expect(other.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
    other.close()
    who.close()


def test_a_hub_killed_while_it_sends_sends_again(office: Office) -> None:
    """kill -9 between the attempt and its result: the same message again, with the words that it may be the second."""
    with posted() as post:
        who = office.person()
        set_up_mail(who, post.sink.port)
        post.do(lambda: setattr(post.sink, "hold", asyncio.Event()))
        office.invite(who, "bo@example.org")
        eventually("the message is at the server", lambda: post.sink.mails)
        who.see("messages", "Is being sent")
        office.hub.kill()
        post.do(lambda: setattr(post.sink, "hold", None))
        office.hub = hub(office.base, office.programs, office.hub.ready["url"].rpartition(":")[2], "0")
        eventually("it is there twice", lambda: len(post.sink.mails) == 2)
        first, second = post.sink.mails
        assert first["Message-ID"] == second["Message-ID"]
        assert "may reach you twice" not in str(first)
        assert "may reach you twice" in str(second)
        who.see("organization-messages", "Nothing waits, nothing failed.")
        who.close()


def test_what_waited_before_a_restore_goes_out_on_an_owners_word_alone(office: Office) -> None:
    """The database is put back from a copy: what waited then is held, whatever has come of it since."""
    who = office.person()
    office.invite(who, "bo@example.org")
    office.invite(who, "cy@example.org")
    who.see("mail-waiting", "2 messages wait")
    port = office.hub.ready["url"].rpartition(":")[2]
    data, copy = office.base / "hub" / "soundpost.db", office.base / "copy.db"
    office.hub.stop()
    shutil.copy(data, copy)
    office.hub = hub(office.base, office.programs, port, "0")
    office.invite(who, "later@example.org")  # the log goes on
    office.hub.stop()
    shutil.copy(copy, data)
    office.hub = hub(office.base, office.programs, port, "0")
    who.open("/settings/organization")
    who.see("held-text", "2 messages from before")
    who.see("messages", "Held since")
    assert look(who, "organization-held") == []
    with posted() as post:
        set_up_mail(who, post.sink.port)
        office.invite(who, "di@example.org")
        eventually("what is new goes out", lambda: post.recipients() == ["di@example.org"])
        who.at("tool-held-send").click()
        who.see("dialog-held", "second time")
        who.at("dialog-held-act").click()
        eventually("what was held", lambda: len(post.recipients()) == 3)
        assert sorted(post.recipients()) == ["bo@example.org", "cy@example.org", "di@example.org"]
        expect(who.at("held")).to_have_count(0, timeout=WAIT_MS)
    who.close()
