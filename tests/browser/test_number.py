"""A number for text messages is proved by the code that went there: real Chromium, a real hub, and a gateway for texts on loopback."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser import scenes
from tests.browser.conftest import WAIT_MS, Person, look
from tests.support.post import Gateway, gateway
from tests.support.programs import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
NUMBER = "+442079460958"


@pytest.fixture
def texts() -> Iterator[Gateway]:
    with scenes.beside(gateway) as made:
        yield made


@pytest.fixture
def ana(browser: Browser, texts: Gateway, tmp_path: Path) -> Iterator[Person]:
    with scenes.started() as programs:
        program = scenes.hub(tmp_path, programs, make_owner=True)
        who = Person(browser, program.ready["url"])
        who.sign_in(program.ready["owner"]["email"], program.ready["owner"]["password"])
        expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
        set_up_texts(who, texts.url)
        who.open("/settings/account")
        yield who
        who.close()


def set_up_texts(who: Person, url: str) -> None:
    who.open("/settings/organization")
    who.at("tool-sms").click()
    who.at("sms-kind").select_option("generic")
    who.at("sms-url").fill(f"{url}/send")
    who.at("sms-headers").fill("Content-Type: application/json")
    who.at("sms-body").fill('{"to": "{to}", "text": "{text}"}')
    who.at("sms-save").click()
    expect(who.at("dialog-sms")).to_be_hidden(timeout=WAIT_MS)
    who.see("sms-state", "Messages leave.")


def code(texts: Gateway, n: int) -> str:
    """Of the message with this number, counted from 1."""
    eventually(f"{n} messages", lambda: len(texts.asked) >= n)
    body = texts.asked[n - 1][2].decode()
    assert NUMBER in body
    found = re.search(r"\b\d{6}\b", body)
    assert found, body
    return found[0]


def test_a_number_is_proved_by_the_newest_code(ana: Person, texts: Gateway) -> None:
    ana.at("number-change").click()
    ana.at("number-field").fill("+44 20 7946 0958")
    ana.at("number-submit").click()
    ana.see("number-sent", f"A code is on its way to {NUMBER}.")
    ana.see("number", "not verified")
    findings = look(ana, "number-sent")
    old = code(texts, 1)
    ana.at("number-send").click()
    new = code(texts, 2)
    ana.see("number-sent", f"A code is on its way to {NUMBER}.")
    if old != new:
        ana.at("number-code").fill(old)
        ana.at("number-verify-act").click()
        ana.see("number", "not the code that was sent")
    ana.at("number-code").fill(new)
    ana.at("number-verify-act").click()
    expect(ana.at("number-verify")).to_have_count(0, timeout=WAIT_MS)
    expect(ana.at("number-sent")).to_have_count(0)
    expect(ana.at("number")).not_to_contain_text("not verified")
    ana.see("number", "verified")
    assert findings == []


def test_a_code_that_can_not_be_asked_for_is_not_said_to_be_on_its_way(ana: Person, texts: Gateway) -> None:
    ana.at("number-change").click()
    ana.at("number-field").fill(NUMBER)
    ana.at("number-submit").click()
    ana.see("number-sent", NUMBER)
    ana.page.route("**/api/v1/account/number/code", lambda route: route.abort())
    ana.at("number-send").click()
    expect(ana.at("number").get_by_role("alert")).to_be_visible(timeout=WAIT_MS)
    expect(ana.at("number-sent")).to_have_count(0)
