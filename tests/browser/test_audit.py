"""The Audit screen in real Chromium against a real hub: what people do comes in live, is found, opened and taken away as a file."""

import contextlib
import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import WAIT_MS, Person, look, slip
from tests.browser.scenes import hub, started

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


class Office:
    """A hub, and Ana, who owns it."""

    def __init__(self, browser: Browser, base: Path, programs: list[Any]) -> None:
        self.browser = browser
        self.hub = hub(base, programs, make_owner=True)
        self.url = self.hub.ready["url"]
        self.people: list[Person] = []

    def person(self, width: int = 1440, theme: str = "light") -> Person:
        self.people.append(Person(self.browser, self.url, width, theme))
        return self.people[-1]

    def ana(self, width: int = 1440, theme: str = "light") -> Person:
        who = self.person(width, theme)
        who.sign_in(self.hub.ready["owner"]["email"], self.hub.ready["owner"]["password"])
        expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
        return who

    def say(self, who: Person, method: str, path: str, body: Any = None) -> Any:
        answer = who.page.request.fetch(
            f"{self.url}/api/v1{path}", method=method, data=body, headers={"Origin": self.url}
        )
        assert answer.ok, answer.text()
        return answer.json() if answer.body() else None


@pytest.fixture
def office(browser: Browser, tmp_path: Path) -> Iterator[Office]:
    with started() as programs:
        made = Office(browser, tmp_path, programs)
        yield made
        for person in made.people:
            person.close()


def rows(who: Person, text: str) -> Any:
    return who.page.locator("[data-testid^=act-aud_]").filter(has_text=text)


def change_a_place(office: Office, ana: Person) -> str:
    place = office.say(ana, "POST", "/locations", {"name": "HQ", "kind": "building"})["id"]
    office.say(ana, "PATCH", f"/locations/{place}", {"name": "=Head office", "contact": "Ana"})
    return str(place)


def test_acts_come_in_and_are_found_opened_and_taken(office: Office) -> None:
    ana = office.ana()
    ana.at("nav-audit").click()
    expect(rows(ana, "Signed in").first).to_be_visible(timeout=WAIT_MS)
    ana.see("audit-proof", "Verified up to row")

    # live: what happens now is at the top, without a reload
    change_a_place(office, ana)
    ana.page.mouse.move(0, 0)
    expect(rows(ana, "Place changed")).to_contain_text("Name: HQ → =Head office", timeout=WAIT_MS)
    assert ana.loads == 1
    assert look(ana, "audit-1440-light") == []

    # one act: before and after
    rows(ana, "Place changed").click()
    expect(ana.at("change-name")).to_contain_text("HQ")
    expect(ana.at("change-contact")).to_contain_text("Ana")
    assert look(ana, "audit-act-1440-light") == []
    ana.at("act-all-subject").click()
    expect(rows(ana, "Signed in")).to_have_count(0, timeout=WAIT_MS)
    expect(rows(ana, "Place")).to_have_count(2)
    assert "subject=loc_" in ana.page.url

    # in the address: the same after a reload; and what is filtered is what is taken
    ana.page.reload()
    expect(rows(ana, "Place")).to_have_count(2, timeout=WAIT_MS)
    with ana.page.expect_download() as taken:
        ana.at("audit-csv").click()
    text = Path(taken.value.path()).read_text("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [line["act"] for line in lines] == ["location.changed", "location.added"]
    assert json.loads(lines[0]["after"])["name"] == "=Head office"
    ana.at("filter-clear").click()
    expect(rows(ana, "Audit taken as a file").first).to_be_visible(timeout=WAIT_MS)

    # words, groups, results
    ana.at("filter-q").fill("head office")
    expect(rows(ana, "Place changed")).to_have_count(1, timeout=WAIT_MS)
    expect(rows(ana, "Signed in")).to_have_count(0)
    ana.at("filter-q").fill("")
    ana.at("filter-acts").click()
    ana.at("filter-acts-session").check()
    expect(rows(ana, "Place changed")).to_have_count(0, timeout=WAIT_MS)
    ana.page.keyboard.press("Escape")
    ana.at("filter-result").click()
    ana.at("filter-result-expired").check()
    ana.page.keyboard.press("Escape")
    expect(ana.at("audit-empty")).to_be_visible(timeout=WAIT_MS)
    ana.at("audit-verify").click()
    ana.see("audit-proof", "Verified up to row")


def test_a_read_that_fails_takes_nothing_away(office: Office) -> None:
    ana = office.ana()
    place = change_a_place(office, ana)
    ana.open("/audit")
    rows(ana, "Place changed").click()
    expect(ana.at("change-contact")).to_be_visible(timeout=WAIT_MS)
    ana.page.route("**/api/v1/audit?*", lambda route: route.abort())
    floor = {"name": "4", "kind": "floor", "parent": place}
    moved = office.say(ana, "POST", "/locations", floor)["id"]
    expect(ana.at("audit-error")).to_be_visible(timeout=WAIT_MS)
    expect(ana.at("change-contact")).to_be_visible()  # the act that was open is open
    ana.page.keyboard.press("Escape")
    expect(rows(ana, "Place changed")).to_have_count(1)
    ana.page.unroute("**/api/v1/audit?*")
    ana.at("audit-error").get_by_role("button").click()
    expect(ana.at("audit-error")).to_have_count(0, timeout=WAIT_MS)
    expect(rows(ana, "Place added")).to_have_count(2)
    # a place is said by its path, in the line and in the dialog
    office.say(ana, "PATCH", f"/locations/{moved}", {"parent": None})
    expect(rows(ana, "Lies in: =Head office → –")).to_have_count(1, timeout=WAIT_MS)


@pytest.mark.parametrize(("width", "theme"), [(1440, "dark"), (390, "light"), (390, "dark")])
def test_it_reads_well(office: Office, width: int, theme: str) -> None:
    ana = office.ana(width, theme)
    change_a_place(office, ana)
    ana.open("/audit")
    expect(rows(ana, "Place changed")).to_be_visible(timeout=WAIT_MS)
    assert look(ana, f"audit-{width}-{theme}") == []
    rows(ana, "Place changed").click()
    expect(ana.at("change-name")).to_be_visible()
    assert look(ana, f"audit-act-{width}-{theme}") == []


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_what_was_done_to_it_by_hand_shows(office: Office, tmp_path: Path, width: int, theme: str) -> None:
    ana = office.ana(width, theme)
    change_a_place(office, ana)
    ana.open("/audit")
    ana.see("audit-proof", "Verified up to row")
    with contextlib.closing(sqlite3.connect(tmp_path / "hub" / "soundpost.db")) as table:
        table.execute("UPDATE audit SET who_name = 'Eve' WHERE n = 3")
        table.execute("DELETE FROM audit WHERE n IN (5, 6)")
        table.commit()
    ana.at("audit-verify").click()
    ana.see("audit-broken", "The audit does not prove itself.")
    assert look(ana, f"audit-broken-{width}-{theme}") == []
    ana.at("audit-broken").click()
    ana.see("dialog-proof", "Row 3 Changed after it was written.")
    ana.see("dialog-proof", "Rows 5 to 6 Missing: removed by hand.")
    assert look(ana, f"audit-findings-{width}-{theme}") == []


def test_a_monitor_has_no_entry_and_is_told_why(office: Office) -> None:
    ana = office.ana()
    invited = office.say(ana, "POST", "/users", {"addresses": "bob@example.org", "role": "monitor"})["items"][0]
    office.say(
        ana,
        "POST",
        invited["link"].replace("/register/", "/registration/"),
        {"terms": True, "password": "four words nobody guesses", "name": "Bob"},
    )
    bob = office.person()
    bob.sign_in("bob@example.org", "four words nobody guesses")
    expect(bob.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
    expect(bob.at("nav-audit")).to_have_count(0)
    bob.open("/audit")
    expect(bob.at("audit-not-allowed")).to_be_visible(timeout=WAIT_MS)


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_the_access_review(office: Office, width: int, theme: str) -> None:
    ana = office.ana(width, theme)
    office.say(ana, "POST", "/users", {"addresses": "bob@example.org, eve@example.org", "role": "administrator"})
    ana.open("/reports")
    ana.see("access-head", "3 people")
    ana.see("look-owner_alone", "Only one owner")
    assert look(ana, f"access-{width}-{theme}") == []
    office.say(ana, "POST", "/users", {"addresses": "zoe@example.org", "role": "monitor"})
    ana.see("access-head", "4 people")  # live
    ana.at("look-no_second_factor-show").click()
    expect(ana.page.locator("[data-testid^=access-usr_]")).to_have_count(1)
    assert "look=no_second_factor" in ana.page.url
    with ana.page.expect_download() as taken:
        ana.at("access-csv").click()
    lines = csv.DictReader(io.StringIO(Path(taken.value.path()).read_text("utf-8-sig"), newline=""))
    assert {line["kind"] for line in lines} == {"person", "key"}


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_receivers_of_the_audit(office: Office, width: int, theme: str) -> None:
    ana = office.ana(width, theme)
    ana.open("/settings/services")
    expect(ana.at("streams-none")).to_be_visible(timeout=WAIT_MS)
    ana.at("streams-add").click()
    ana.at("stream-kind-webhook").check()
    ana.at("stream-name").fill("Records")
    ana.at("stream-url").fill("http://127.0.0.1:9/audit")  # nobody listens there
    assert look(ana, f"stream-add-{width}-{theme}") == []
    ana.at("stream-save").click()
    expect(ana.at("stream-secret")).not_to_be_empty(timeout=WAIT_MS)
    slip(ana)
    ana.at("stream-secret-done").click()
    made = office.say(ana, "GET", "/audit/streams")["items"][0]["id"]
    ana.see(f"state-{made}", "Nothing can be handed over.")
    ana.see(f"waiting-{made}", "nothing is lost")
    assert look(ana, f"streams-{width}-{theme}") == []
    ana.at(f"tool-test-{made}").click()
    ana.at("stream-test-send").click()
    ana.see("stream-test-result", "It was not taken:")
    ana.page.keyboard.press("Escape")
    ana.at(f"tool-remove-{made}").click()
    ana.at("dialog-stream-remove-act").click()
    expect(ana.at("streams-none")).to_be_visible(timeout=WAIT_MS)
