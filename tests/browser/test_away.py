"""The hub goes away, or hangs, while somebody has typed into a dialog; and two edit the same thing at once. Real Chromium, a real hub."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.browser import scenes
from tests.browser.conftest import WAIT_MS, Person, look
from tests.browser.scenes import hub
from tests.support.programs import Program

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
TABLE = "path,kind\nLondon > HQ > 4 > 4.12,room\n"


class House:
    def __init__(self, browser: Browser, base: Path, programs: list[Program]) -> None:
        self.browser, self.base, self.programs = browser, base, programs
        self.program = hub(base, programs, make_owner=True)
        self.url, self.owner = self.program.ready["url"], self.program.ready["owner"]
        self.people: list[Person] = []

    def ana(self, width: int = 1440, theme: str = "light") -> Person:
        who = Person(self.browser, self.url, width, theme)
        self.people.append(who)
        who.sign_in(self.owner["email"], self.owner["password"])
        expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
        return who

    def back(self) -> None:
        """The hub again, at its old address."""
        port = self.url.rstrip("/").rsplit(":", 1)[1]
        self.program = hub(self.base, self.programs, port, "0", make_owner=True)

    def say(self, who: Person, method: str, path: str, body: Any = None) -> Any:
        answer = who.page.request.fetch(
            f"{self.url}/api/v1{path}", method=method, data=body, headers={"Origin": self.url}
        )
        assert answer.ok, answer.text()
        return answer.json()


@pytest.fixture
def house(browser: Browser, tmp_path: Path) -> Iterator[House]:
    with scenes.started() as programs:
        made = House(browser, tmp_path, programs)
        yield made
        for person in made.people:
            person.close()


def test_an_import_stays_with_its_table_while_the_hub_is_gone(house: House) -> None:
    ana = house.ana()
    ana.open("/locations")
    ana.at("empty-import").click()
    ana.at("import-text").fill(TABLE)
    house.program.kill()
    expect(ana.at("banner-lost")).to_be_visible(timeout=WAIT_MS)
    expect(ana.at("import-text")).to_have_value(TABLE)
    ana.at("import-preview").click()
    ana.see("error", "Not done: the hub does not answer. Try again.")
    findings = look(ana, "away-import")
    house.back()
    expect(ana.at("banner-lost")).to_have_count(0, timeout=WAIT_MS)
    ana.at("import-preview").click()
    ana.at("import-act").click()
    ana.see("import-done", "4 places added")
    assert findings == []


def test_a_server_and_a_rule_being_added_stay_while_the_hub_is_gone(house: House) -> None:
    ana, lee = house.ana(), house.ana()
    house.say(ana, "POST", "/locations", {"name": "Boardroom"})
    ana.open("/servers?add=1")
    ana.at("add-server-name").fill("london")
    lee.open("/locations?rules=1")
    lee.at("rule-name").fill("4.12*")
    house.program.kill()
    for who in (ana, lee):
        expect(who.at("banner-lost")).to_be_visible(timeout=WAIT_MS)
    expect(ana.at("add-server-name")).to_have_value("london")
    expect(lee.at("rule-name")).to_have_value("4.12*")


def test_a_save_that_nobody_answered_says_so_and_keeps_what_was_typed(house: House) -> None:
    ana = house.ana()
    place = house.say(ana, "POST", "/locations", {"name": "Boardroom", "kind": "room"})["id"]
    ana.open("/locations")
    ana.at(f"place-menu-{place}").click()
    ana.at("place-edit").click()
    ana.at("place-notes").fill("Key at the desk")
    house.program.kill()
    ana.at("place-submit").click()
    ana.see("error", "Not saved: the hub does not answer. Press Save again.")
    findings = look(ana, "away-save")
    house.back()
    ana.at("place-submit").click()
    expect(ana.at("dialog-place")).to_have_count(0, timeout=WAIT_MS)
    assert house.say(ana, "GET", f"/locations/{place}")["notes"] == "Key at the desk"
    assert findings == []


def test_a_hub_that_hangs_is_said_to_be_away_and_a_save_ends_with_a_sentence(house: House) -> None:
    ana = house.ana()
    place = house.say(ana, "POST", "/locations", {"name": "Boardroom", "kind": "room"})["id"]
    editing(ana, place)
    ana.at("place-notes").fill("Key at the desk")
    os.kill(house.program.pid, signal.SIGSTOP)
    try:
        ana.at("place-submit").click()
        expect(ana.at("banner-lost")).to_be_visible(timeout=WAIT_MS)
        ana.see("error", "Not saved: the hub does not answer. Press Save again.")
        expect(ana.at("place-notes")).to_have_value("Key at the desk")
        findings = look(ana, "away-hung")
    finally:
        os.kill(house.program.pid, signal.SIGCONT)
    expect(ana.at("banner-lost")).to_have_count(0, timeout=WAIT_MS)
    ana.at("place-submit").click()
    expect(ana.at("dialog-place")).to_have_count(0, timeout=WAIT_MS)
    assert house.say(ana, "GET", f"/locations/{place}")["notes"] == "Key at the desk"
    assert findings == []


def editing(who: Person, place: str) -> None:
    who.open("/locations")
    who.at(f"place-menu-{place}").click()
    who.at("place-edit").click()
    expect(who.at("place-submit")).to_be_visible(timeout=WAIT_MS)


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_two_who_edit_a_place_lose_nothing_of_each_other(house: House, width: int, theme: str) -> None:
    ana, lee = house.ana(width, theme), house.ana()
    place = house.say(ana, "POST", "/locations", {"name": "Boardroom", "contact": "Old", "notes": "Old"})["id"]
    for who in (ana, lee):
        editing(who, place)
    ana.at("place-notes").fill("Key at the desk")
    lee.at("place-contact").fill("Lee")
    lee.at("place-submit").click()
    expect(lee.at("dialog-place")).to_have_count(0, timeout=WAIT_MS)
    ana.at("place-submit").click()
    expect(ana.at("dialog-place")).to_have_count(0, timeout=WAIT_MS)
    told = house.say(ana, "GET", f"/locations/{place}")
    assert (told["contact"], told["notes"]) == ("Lee", "Key at the desk")

    # the same field twice: both values are shown, and nothing is overwritten before somebody chose
    editing(ana, place)
    ana.at("place-contact").fill("Ana")
    house.say(lee, "PATCH", f"/locations/{place}", {"contact": "Kim"})
    ana.see("clash-contact", "Somebody changed Contact meanwhile to “Kim”. Here it says “Ana”.")
    findings = look(ana, f"clash-{width}-{theme}")
    ana.at("place-submit").click(force=True)
    expect(ana.at("place-contact")).to_have_value("Ana")
    assert house.say(ana, "GET", f"/locations/{place}")["contact"] == "Kim"
    ana.at("clash-contact-mine").click()
    ana.at("place-submit").click()
    expect(ana.at("dialog-place")).to_have_count(0, timeout=WAIT_MS)
    assert house.say(ana, "GET", f"/locations/{place}")["contact"] == "Ana"
    assert findings == []


def test_two_who_change_a_person_are_told_of_each_other(house: House) -> None:
    ana = house.ana()
    body = {"addresses": "bo@example.org", "role": "monitor"}
    bo = house.say(ana, "POST", "/users", body)["items"][0]["id"]
    ana.open(f"/users?user={bo}")
    ana.at("user-ends").fill("2099-12-01")
    house.say(ana, "PATCH", f"/users/{bo}", {"role": "administrator"})
    expect(ana.at("user-role")).to_have_value("administrator", timeout=WAIT_MS)
    house.say(ana, "PATCH", f"/users/{bo}", {"ends": "2099-11-01T00:00:00Z"})
    ana.see("clash-ends", "meanwhile")
    findings = look(ana, "clash-person")
    ana.at("clash-ends-mine").click()
    ana.at("user-submit").click()
    expect(ana.at("dialog-user")).to_have_count(0, timeout=WAIT_MS)
    told = next(each for each in house.say(ana, "GET", "/users")["items"] if each["id"] == bo)
    assert (told["role"], told["ends"][:10]) == ("administrator", "2099-12-01")
    assert findings == []
