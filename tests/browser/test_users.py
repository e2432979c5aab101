"""People come in as an owner lets them: invited, registered in browsers of their own, limited, ended; filters named and shared; somebody
sent to a room. Real Chromium, real processes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.browser import scenes
from tests.browser.conftest import WAIT_MS, Person, look, slip
from tests.browser.scenes import fault, hub
from tests.support.programs import Api, Program, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
NETWORK = "127.25.11.0/28"
PASSWORD = "four words nobody guesses"


@pytest.fixture
def simulator() -> Iterator[Program]:
    with scenes.simulated(NETWORK) as program:
        yield program


class Building:
    """A hub with three stacks, one of them on the fourth floor, and Ana, who owns it."""

    def __init__(self, browser: Browser, base: Path, programs: list[Program], network: str = NETWORK) -> None:
        self.browser = browser
        self.hub = hub(base, programs, make_owner=True, agents=[{"name": "London", "fresh": True}])
        self.url = self.hub.ready["url"]
        scenes.agent(base, programs, "agent", network, join=self.hub.ready["agents"][0])
        self.api = Api(self.url, self.hub.ready["api_key"])
        eventually("three stacks", lambda: len(self.api.devices(kind="stack", status="online")) == 3)
        self.people: list[Person] = []

    def person(self, width: int = 1440, theme: str = "light") -> Person:
        self.people.append(Person(self.browser, self.url, width, theme))
        return self.people[-1]

    def ana(self, width: int = 1440, theme: str = "light") -> Person:
        who = self.person(width, theme)
        who.sign_in(self.hub.ready["owner"]["email"], self.hub.ready["owner"]["password"])
        expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
        return who

    def draw(self, ana: Person) -> str:
        """London > HQ > 4 > 4.12 with the first stack in it; the floor's id."""
        place: dict[str, Any] = {}
        said = {"HQ": {"address": "1 High Street", "contact": "Ana, 020 7946 0958, desk@example.org"}}
        for name, kind in (("London", "city"), ("HQ", "building"), ("4", "floor"), ("4.12", "room")):
            body = {
                "name": name,
                "kind": kind,
                "parent": place.get("id"),
                "zone": "Europe/London",
                **said.get(name, {}),
            }
            place = self.say(ana, "/locations", body)
            floor = place["id"] if kind == "floor" else ""
            self.floor = floor or getattr(self, "floor", "")
        self.room = place["id"]
        self.stack = self.api.devices(kind="stack")[0]
        self.say(ana, "/locations/devices", {"devices": [self.stack["id"]], "location": place["id"]})
        return self.floor

    def say(self, who: Person, path: str, body: Any) -> Any:
        answer = who.page.request.post(f"{self.url}/api/v1{path}", data=body, headers={"Origin": self.url})
        assert answer.ok, answer.text()
        return answer.json()

    def asked(self, who: Person, path: str) -> Any:
        return who.page.request.get(f"{self.url}/api/v1{path}").json()


@pytest.fixture
def building(browser: Browser, simulator: Program, tmp_path: Path) -> Iterator[Building]:
    with scenes.started() as programs:
        made = Building(browser, tmp_path, programs)
        yield made
        made.api.close()
        for person in made.people:
            person.close()


def row(who: Person, name: str) -> Any:
    return who.page.locator("[data-testid^=user-row-]").filter(has_text=name)


def menu(who: Person, name: str, act: str) -> None:
    row(who, name).locator("[data-testid^=user-menu-]").click()
    who.at(f"user-{act}").click()


def invite(who: Person, addresses: str, role: str, *, place: str = "", ends: str = "") -> dict[str, str]:
    """By the dialog; the link of each address that was added."""
    who.at("add-users").click()
    who.at("add-users-addresses").fill(addresses)
    expect(who.at("add-users-submit")).to_be_disabled()  # no role is chosen beforehand
    who.at("user-role").select_option(role)
    if place:
        who.at("user-places").fill(place)
        who.page.get_by_role("option", name=place, exact=True).click()
        who.page.keyboard.press("Escape")
    if ends:
        who.at("user-ends").fill(ends)
    who.at("add-users-submit").click()
    expect(who.at("add-users-results")).to_be_visible(timeout=WAIT_MS)
    links = who.at("add-users-results").locator("[data-testid^=link-]:not([data-testid$=-copy])")
    return {link.get_attribute("data-testid").removeprefix("link-"): link.inner_text().strip() for link in links.all()}


def join(who: Person, link: str, name: str, before: Callable[[], object] = lambda: None) -> None:
    """`before`: with the page filled in, and not sent."""
    who.page.goto(link)
    who.at("register-name").fill(name)
    who.at("register-password").fill(PASSWORD)
    who.at("register-second").fill(PASSWORD)
    who.at("register-terms").check()
    who.at("register-privacy").check()
    before()
    who.at("register-submit").click()
    who.page.wait_for_url("**/settings/account*")
    expect(who.at("welcome")).to_be_visible(timeout=WAIT_MS)
    who.at("account-continue").click()
    expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)


def settled(who: Person) -> None:
    """One menu is open, and has faded in."""
    menus = who.page.get_by_role("menu")
    expect(menus).to_have_count(1, timeout=WAIT_MS)
    expect(menus).to_have_css("opacity", "1", timeout=WAIT_MS)


def shut(who: Person) -> None:
    """The open menu is closed by its key, and gone before the next is opened."""
    menus = who.page.get_by_role("menu")
    menus.press("Escape")
    expect(menus).to_have_count(0, timeout=WAIT_MS)


def test_three_people_of_three_roles_see_what_they_may(building: Building) -> None:
    ana, watching = building.ana(), building.ana()
    building.draw(ana)
    watching.at("nav-users").click()
    ana.at("nav-users").click()
    ana.see("users-head", "1 person")
    loads = watching.loads

    # One entry, each address on its own; what can't be added stays in the field.
    ana.at("add-users").focus()
    ana.page.keyboard.press("Enter")
    ana.at("add-users-addresses").fill("mo@example.org; nonsense, mo@example.org")
    ana.see("add-users-count", "1 address recognised · 2 are no addresses or stand twice")
    slip(ana)  # what was typed does not go by one
    expect(ana.at("add-users-addresses")).to_have_value("mo@example.org; nonsense, mo@example.org")
    ana.at("add-users-cancel").click()
    links = invite(ana, "mo@example.org; nonsense", "monitor", place="London > HQ > 4")
    slip(ana)
    ana.see("add-users-done", "1 added · 1 not added")
    ana.see("added-nonsense", "e-mail address")
    ana.at("add-users-more").click()
    expect(ana.at("add-users-addresses")).to_have_value("nonsense")
    ana.at("add-users-cancel").click()
    friday = ana.page.evaluate("new Date(Date.now() + 3 * 864e5).toLocaleDateString('sv')")  # a day of the browser's
    links |= invite(ana, "cy@example.org", "administrator", ends=friday)
    ana.at("add-users-close").click()
    links |= invite(ana, "bo@example.org", "owner")
    ana.at("add-users-close").click()
    expect(row(watching, "mo@example.org")).to_contain_text("Invited", timeout=WAIT_MS)
    expect(row(watching, "mo@example.org")).to_contain_text("London > HQ > 4")
    shown = ana.page.evaluate(
        "day => new Intl.DateTimeFormat('en-GB', {day: 'numeric', month: 'short', year: 'numeric'}).format(new Date(day + 'T12:00'))",
        friday,
    )
    expect(row(watching, "cy@example.org")).to_contain_text(shown)
    cys = [item for item in building.asked(ana, "/users")["items"] if item["sign_in"] == "cy@example.org"]
    assert cys[0]["ends"] == ana.page.evaluate("day => new Date(day + 'T23:59:59').toISOString()", friday)
    watching.see("users-head", "4 people · 3 invited")

    # A monitor of one floor: its stack and no other, names and no addresses, nothing to change.
    mo = building.person()
    mo.page.goto(links["mo@example.org"])
    assert mo.page.url == f"{building.url}/register"  # the link is gone from the address at once
    mo.see("register-by", "Owner")
    mo.see("register-role", "Monitor")
    mo.at("register-password").fill("short")
    expect(mo.page.get_by_text("Too short")).to_be_visible()
    mo.page.reload()
    join(mo, links["mo@example.org"], "Mo")
    assert links["mo@example.org"].rsplit("/", 1)[1] not in mo.page.evaluate("JSON.stringify({...sessionStorage})")
    expect(row(watching, "Mo")).to_contain_text("Active", timeout=WAIT_MS)
    mo.at("nav-pro-audio").click()
    expect(mo.page.locator("[data-testid^=row-dev_]")).to_have_count(1, timeout=WAIT_MS)
    mo.at("nav-users").click()
    mo.see("users-head", "4 people")
    expect(row(mo, "bo")).to_be_visible()  # somebody invited has no name yet, and the address is not for everybody
    expect(mo.page.get_by_text("bo@example.org")).to_have_count(0)
    expect(mo.at("add-users")).to_have_attribute("aria-disabled", "true")
    expect(mo.at("add-users")).to_have_attribute("aria-description", "Your role does not allow this.")
    assert {item["role"] for item in building.asked(mo, "/users")["items"] if item["name"] != "Mo"} == {None}

    # An administrator for some days: everything, but no owner.
    cy = building.person()
    join(cy, links["cy@example.org"], "Cy")
    cy.at("nav-pro-audio").click()
    expect(cy.page.locator("[data-testid^=row-dev_]")).to_have_count(3, timeout=WAIT_MS)
    cy.at("nav-users").click()
    row(cy, "owner@soundpost.local").locator("[data-testid^=user-menu-]").click()
    cy.see("user-remove", "Only an owner may change an owner.")
    cy.at("user-remove").click(force=True)
    expect(cy.at("dialog-remove")).to_have_count(0)
    cy.page.keyboard.press("Escape")
    cy.at("add-users").click()
    expect(cy.at("user-role").locator("option[value=owner]")).to_be_disabled()
    cy.page.keyboard.press("Escape")

    # A second owner: the first may be changed now, and was not before.
    bo = building.person()
    join(bo, links["bo@example.org"], "Bo")
    bo.at("nav-users").click()
    expect(row(bo, "owner@soundpost.local")).to_be_visible(timeout=WAIT_MS)

    # Another part of the places, then out: the open page follows within a moment.
    menu(ana, "Mo", "change")
    ana.at("user-role").select_option("administrator")
    ana.at("user-submit").click()
    expect(row(watching, "Mo")).to_contain_text("Administrator", timeout=WAIT_MS)
    expect(mo.at("add-users")).not_to_have_attribute("aria-disabled", "true", timeout=WAIT_MS)
    menu(ana, "Mo", "disable")
    ana.at("dialog-disable-act").click()
    expect(row(watching, "Mo")).to_contain_text("Disabled", timeout=WAIT_MS)
    expect(mo.at("sign-in-submit")).to_be_visible(timeout=WAIT_MS)
    menu(ana, "Mo", "enable")
    ana.at("dialog-enable-act").click()
    expect(row(watching, "Mo")).to_contain_text("Active", timeout=WAIT_MS)
    menu(ana, "Mo", "remove")
    ana.see("dialog-remove", "API keys")
    ana.at("dialog-remove-act").click()
    expect(row(watching, "Mo")).to_have_count(0, timeout=WAIT_MS)
    assert watching.loads == loads, "the page was loaded again"


def test_a_link_that_fits_no_more_and_one_for_somebody_else(building: Building) -> None:
    ana = building.ana()
    ana.at("nav-users").click()
    links = invite(ana, "lee@example.org", "monitor")
    ana.at("add-users-close").click()
    menu(ana, "lee@example.org", "again")
    ana.at("dialog-again-act").click()
    expect(ana.at("again-link")).to_be_visible(timeout=WAIT_MS)
    slip(ana)
    fresh = ana.at("again-link").inner_text().strip()
    assert fresh != links["lee@example.org"]
    ana.at("again-close").click()

    # The one before, and one that was made up, say the same.
    lee = building.person()
    for link in (links["lee@example.org"], f"{building.url}/register/made-up", f"{building.url}/register/%E0%A4%A"):
        lee.page.goto(link)
        lee.see("register-gone", "withdrawn or is too old")
    lee.at("register-leave").click()
    expect(lee.at("sign-in-submit")).to_be_visible(timeout=WAIT_MS)
    lee.page.goto(f"{building.url}/register")
    lee.see("register-gone", "Open the link")

    # Who is signed in as somebody else is asked to sign out, and goes on with the same link.
    ana.page.goto(fresh)
    ana.see("register-signed-in", "lee@example.org")
    ana.at("register-sign-out").click()
    ana.at("register-name").fill("Lee")
    ana.at("register-password").fill(PASSWORD)
    ana.at("register-second").fill(PASSWORD + "x")
    expect(ana.page.get_by_text("The two are not the same.")).to_be_visible()
    ana.at("register-second").fill(PASSWORD)
    expect(ana.at("register-submit")).to_be_disabled()
    ana.at("register-terms").check()
    ana.at("register-privacy").check()
    ana.at("register-submit").click()
    ana.page.wait_for_url("**/settings/account*")
    lee.page.goto(fresh)
    lee.see("register-gone", "It was used")


def test_a_filter_is_named_shared_and_opened_by_others(building: Building) -> None:
    ana = building.ana()
    building.draw(ana)
    ana.at("nav-users").click()
    links = invite(ana, "mo@example.org", "monitor", place="London > HQ > 4")
    ana.at("add-users-close").click()
    mo = building.person()
    join(mo, links["mo@example.org"], "Mo")
    mo.at("nav-pro-audio").click()

    ana.at("nav-pro-audio").click()
    ana.at("views").click()
    ana.see("view-save", "Set a filter first.")
    ana.page.keyboard.press("Escape")
    ana.at("filter-kind").click()
    ana.at("filter-kind-stack").check()
    ana.page.keyboard.press("Escape")
    ana.at("views").click()
    ana.at("view-save").click()
    ana.at("view-name").fill("All stacks")
    ana.at("view-submit").click()
    ana.see("views", "Views: All stacks")
    ana.see("devices-head", "All stacks · 3 stacks match")
    mo.at("views").click()
    expect(mo.page.get_by_text("No views yet.")).to_be_visible(timeout=WAIT_MS)

    # Shared: it appears in the other's open menu, and shows there what is theirs.
    ana.at("views").click()
    ana.at("view-edit").click()
    ana.at("view-shared").check()
    ana.at("view-submit").click()
    mo.at("view-All stacks").click(timeout=WAIT_MS)
    mo.page.wait_for_url("**kind=stack*")
    mo.see("devices-head", "All stacks · 1 stack matches")
    mo.at("views").click()
    mo.see("view-delete", "Only its maker or an administrator")
    mo.page.keyboard.press("Escape")
    ana.at("filter-clear").click()
    ana.at("views").click()
    ana.at("view-All stacks").click()
    ana.page.wait_for_url("**kind=stack*")
    ana.at("views").click()
    ana.at("view-delete").click()
    ana.at("dialog-view-delete-act").click()
    expect(mo.at("views")).to_have_text("Views", timeout=WAIT_MS)


def test_somebody_is_sent_to_the_room(building: Building, simulator: Program) -> None:
    ana = building.ana()
    building.draw(ana)
    fault(simulator, building.stack["name"], "refuse")
    ana.open(f"/locations/{building.room}")
    expect(ana.at(f"status-{building.room}")).to_contain_text("Offline", timeout=WAIT_MS)
    ana.at("tool-send").click()
    ana.see("send-path", "London > HQ > 4 > 4.12")
    ana.see("send-address", "1 High Street")
    ana.see("send-floor", "4")
    ana.see("send-wrong", "Offline")
    expect(ana.at("send-contact").get_by_role("link", name="020 7946 0958")).to_have_attribute(
        "href", "tel:02079460958"
    )
    mail = ana.at("send-mail").get_attribute("href")
    assert mail.startswith("mailto:desk@example.org?subject=") and "4.12" in mail
    ana.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=building.url)
    ana.at("send-copy").click()
    expect(ana.at("send-copy")).to_have_text("Copied")
    text = ana.page.evaluate("navigator.clipboard.readText()")
    assert "London > HQ > 4 > 4.12" in text and "Offline" in text and f"/locations/{building.room}" in text
    ana.page.keyboard.press("Escape")

    # From the device that failed, and from the tree.
    box = building.api.devices(kind="mixer", stack=building.stack["id"])[0]
    ana.open(f"/devices/{box['id']}")
    ana.at("tool-send").click()
    expect(ana.at("send-wrong").locator("li")).to_have_count(1, timeout=WAIT_MS)
    ana.page.keyboard.press("Escape")
    ana.at("nav-locations").click()
    ana.page.locator("[data-testid^=place-menu-]").first.click()
    ana.at("place-send").click()
    ana.see("dialog-send", "Offline")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_screens_hold_at_both_widths_in_both_themes(building: Building, width: int, theme: str) -> None:
    ana = building.ana(width, theme)
    floor = building.draw(ana)
    ahead = "2030-01-04T23:59:59Z"
    lee = building.say(ana, "/users", {"addresses": "lee@example.org", "role": "monitor", "places": [floor]})["items"][
        0
    ]
    building.say(
        ana, "/users", {"addresses": "chris.with.a.long.name@example.org", "role": "administrator", "ends": ahead}
    )
    building.say(ana, "/views", {"path": "/users", "name": "Waiting", "query": "state=invited", "shared": True})
    name = f"{theme}-{width}"
    found = []
    ana.open("/users?state=invited")
    expect(row(ana, "lee@example.org")).to_be_visible(timeout=WAIT_MS)
    found += look(ana, f"users-{name}")
    ana.at("views").click()
    settled(ana)
    found += look(ana, f"users-views-{name}")
    shut(ana)
    row(ana, "lee@example.org").locator("[data-testid^=user-menu-]").click()
    settled(ana)
    found += look(ana, f"users-menu-{name}")
    shut(ana)
    links = invite(ana, "dee@example.org; nonsense", "monitor", place="London > HQ > 4")
    assert links
    found += look(ana, f"users-added-{name}")
    ana.at("add-users-more").click()
    found += look(ana, f"users-add-{name}")
    ana.at("add-users-cancel").click()
    ana.open(f"/locations/{building.room}")
    ana.at("tool-send").click()
    expect(ana.at("dialog-send").get_by_role("img")).to_be_visible(timeout=WAIT_MS)
    found += look(ana, f"send-{name}")
    guest = building.person(width, theme)
    guest.page.goto(building.url + lee["link"])
    expect(guest.at("register-submit")).to_be_visible(timeout=WAIT_MS)
    found += look(guest, f"register-{name}")
    for person in (ana, guest):
        wide = person.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{wide} px too wide"
    assert not found, "\n".join(found)
