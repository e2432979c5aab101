"""What a screen shows while the hub can't answer, or answers without a pause; whom the search finds, and what the account menu says. Real
Chromium, a real hub whose answers are held back on their way."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect
from tests.browser import scenes
from tests.browser.conftest import WAIT_MS, Person, look
from tests.browser.scenes import hub
from tests.support.programs import Program

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
PASSWORD = "four words nobody guesses"
# The summary is told again every 50 ms, as in a storm of changes; what is told is what the hub said last.
STORM = """
const Real = window.WebSocket;
let stormed = 0;
window.WebSocket = class extends Real {
  constructor(...rest) {
    super(...rest);
    let last = null;
    this.addEventListener('message', (event) => {
      const said = JSON.parse(event.data);
      if (said.topic === 'summary' && said.type === 'snapshot') last = event.data;
    });
    setInterval(() => {
      if (!last || this.readyState !== 1) return;
      stormed += 1;
      document.documentElement.dataset.storm = stormed > 20 ? 'blows' : 'begins';
      this.dispatchEvent(new MessageEvent('message', { data: last }));
    }, 50);
  }
};
"""


class House:
    def __init__(self, browser: Browser, program: Program) -> None:
        self.browser, self.program, self.url = browser, program, program.ready["url"]
        self.people: list[Person] = []

    def person(self, width: int = 1440, theme: str = "light") -> Person:
        self.people.append(Person(self.browser, self.url, width, theme))
        return self.people[-1]

    def ana(self, width: int = 1440, theme: str = "light", script: str = "") -> Person:
        who = self.person(width, theme)
        if script:
            who.context.add_init_script(script)
        who.sign_in(self.program.ready["owner"]["email"], self.program.ready["owner"]["password"])
        expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
        return who

    def joined(self, ana: Person, address: str, role: str) -> tuple[str, Person]:
        """Somebody new and the browser they sit at; their id."""
        made = self.say(ana, "/users", {"addresses": address, "role": role})["items"][0]
        who = self.person()
        name = address.partition("@")[0].title()
        body = {"name": name, "password": PASSWORD, "terms": True}
        self.say(who, f"/registration/{made['link'].rsplit('/', 1)[1]}", body)
        who.open("/")
        expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
        return made["id"], who

    def say(self, who: Person, path: str, body: Any) -> Any:
        answer = who.page.request.post(f"{self.url}/api/v1{path}", data=body, headers={"Origin": self.url})
        assert answer.ok, answer.text()
        return answer.json()


@pytest.fixture
def house(browser: Browser, tmp_path: Path) -> Iterator[House]:
    with scenes.started() as programs:
        made = House(browser, hub(tmp_path, programs, make_owner=True))
        yield made
        for person in made.people:
            person.close()


class Broken:
    """Paths the hub can't answer for as long as a test says."""

    def __init__(self, who: Person, pattern: str) -> None:
        self.who, self.pattern = who, pattern

    def __enter__(self) -> None:
        def refuse(route: Route) -> None:
            problem = {
                "status": 503,
                "code": "busy",
                "title": "Busy",
                "detail": "The hub is busy.",
                "message": "The hub is busy.",
            }
            route.fulfill(status=503, json=problem, content_type="application/problem+json")

        self.who.page.route(self.pattern, refuse)

    def __exit__(self, *_: object) -> None:
        self.who.page.unroute(self.pattern)


def test_recent_changes_are_well_again_after_one_answer_that_failed(house: House) -> None:
    ana = house.ana()
    with Broken(ana, "**/api/v1/events?*"):
        ana.open("/")
        note = ana.at("recent").get_by_role("alert")
        expect(note).to_be_visible(timeout=WAIT_MS)
        findings = look(ana, "holding-recent")
    note.get_by_role("button", name="Try again").click()
    expect(note).to_have_count(0, timeout=WAIT_MS)
    assert findings == []


def test_what_was_read_stays_beside_the_error_and_an_open_dialog_with_it(house: House) -> None:
    ana = house.ana()
    house.say(ana, "/keys", {"name": "Monitoring", "scope": "read", "places": [], "expires": None})
    ana.open("/settings/keys")
    row = ana.page.locator("[data-testid^=key-row-]").filter(has_text="Monitoring")
    expect(row).to_be_visible(timeout=WAIT_MS)
    row.locator("[data-testid^=key-menu-]").click()
    ana.at("key-revoke").click()
    dialog = ana.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    with Broken(ana, "**/api/v1/keys"):
        # the list is asked again every five seconds
        expect(ana.at("keys").get_by_role("alert", include_hidden=True)).to_have_count(1, timeout=WAIT_MS)
        expect(row).to_have_count(1)
        expect(dialog).to_be_visible()
        findings = look(ana, "holding-keys")
    expect(ana.at("keys").get_by_role("alert", include_hidden=True)).to_have_count(0, timeout=WAIT_MS)
    assert findings == []


def test_views_that_could_not_be_read_are_not_called_none(house: House) -> None:
    ana = house.ana()
    with Broken(ana, "**/api/v1/views"):
        ana.open("/users")
        ana.at("views").click()
        expect(ana.at("views-error")).to_contain_text("busy", timeout=WAIT_MS)
        expect(ana.page.get_by_text("No views yet")).to_have_count(0)
        findings = look(ana, "holding-views")
    ana.at("views-retry").click()
    expect(ana.page.get_by_text("No views yet")).to_be_visible(timeout=WAIT_MS)
    expect(ana.at("views-error")).to_have_count(0)
    assert findings == []


def test_a_search_is_applied_while_the_hub_tells_without_a_pause(house: House) -> None:
    ana = house.ana(script=STORM)
    ana.open("/devices/pro-audio")
    expect(ana.page.locator("html")).to_have_attribute("data-storm", "blows", timeout=WAIT_MS)
    ana.at("filter-q").fill("boardroom")
    ana.page.wait_for_url("**/devices/pro-audio?q=boardroom", timeout=WAIT_MS)
    ana.at("filter-q").fill("")
    ana.page.wait_for_url("**/devices/pro-audio", timeout=WAIT_MS)


def test_the_search_finds_people_for_who_manages_them(house: House) -> None:
    ana = house.ana()
    user, bo = house.joined(ana, "bo@example.org", "monitor")
    ana.open("/")
    ana.at("nav-search").fill("bo exam")
    expect(ana.at(f"hit-{user}")).to_contain_text("bo@example.org", timeout=WAIT_MS)
    findings = look(ana, "search-people")
    ana.page.keyboard.press("Enter")
    ana.page.wait_for_url(f"**/users?user={user}")
    expect(ana.at("dialog-user")).to_be_visible(timeout=WAIT_MS)
    bo.at("nav-search").fill("bo exam")
    expect(bo.at("nav-search-hits")).to_contain_text("Nothing found.", timeout=WAIT_MS)
    expect(bo.page.locator("[data-testid^=hit-usr]")).to_have_count(0)
    assert findings == []


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_the_account_menu_says_the_role_and_the_edition(house: House, width: int, theme: str) -> None:
    ana = house.ana(width, theme)
    ana.at("account-menu").click()
    expect(ana.at("account-menu-head")).to_have_text("Owner · Enterprise", timeout=WAIT_MS)
    expect(ana.page.get_by_role("menu")).to_have_css("opacity", "1", timeout=WAIT_MS)
    assert look(ana, f"account-menu-{width}-{theme}") == []
