"""An owner helps others to come in again: a link for a new password, signed out everywhere, a lost second factor; and who may not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser, expect
from tests.browser import scenes
from tests.browser.conftest import WAIT_MS, Person, look, slip
from tests.browser.test_users import menu, row, settled, shut

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
NEW = "quite another long one"


class Help:
    def __init__(self, browser: Browser, base: Path, programs: list[Any]) -> None:
        self.browser = browser
        self.hub = scenes.hub(base, programs, make_owner=True)
        self.url: str = self.hub.ready["url"]
        self.people: list[Person] = []
        self.owner = httpx.Client(base_url=f"{self.url}/api/v1", headers={"Origin": self.url}, timeout=30)
        owner = self.hub.ready["owner"]
        self.owner.post("/session", json={"sign_in": owner["email"], "password": owner["password"]}).raise_for_status()

    def add(self, name: str, role: str) -> httpx.Client:
        body = {"addresses": f"{name.lower()}@example.org", "role": role}
        (item,) = self.owner.post("/users", json=body).json()["items"]
        client = httpx.Client(base_url=f"{self.url}/api/v1", headers={"Origin": self.url}, timeout=30)
        joined = {"password": scenes.PASSWORD, "name": name, "terms": True}
        client.post(item["link"].replace("/register/", "/registration/"), json=joined).raise_for_status()
        return client

    def at(self, name: str, password: str = scenes.PASSWORD, width: int = 1440, theme: str = "light") -> Person:
        who = Person(self.browser, self.url, width, theme)
        self.people.append(who)
        who.sign_in(name, password)
        expect(who.page.locator("#main")).to_be_visible(timeout=WAIT_MS)
        return who

    def ana(self, width: int = 1440, theme: str = "light") -> Person:
        owner = self.hub.ready["owner"]
        ana = self.at(owner["email"], owner["password"], width, theme)
        ana.open("/users")
        return ana


@pytest.fixture
def house(browser: Browser, tmp_path: Path) -> Iterator[Help]:
    with scenes.started() as programs:
        made = Help(browser, tmp_path, programs)
        yield made
        made.owner.close()
        for person in made.people:
            person.close()


def test_an_owner_helps_and_others_are_told_why_they_can_not(house: Help) -> None:
    lee, admin = house.add("Lee", "monitor"), house.add("Cy", "administrator")
    ana = house.ana()
    owner = house.hub.ready["owner"]["email"]

    # One's own account: what asks for the password elsewhere is not done here.
    row(ana, owner).locator("[data-testid^=user-menu-]").click()
    settled(ana)
    for act in ("reset", "factor"):
        ana.see(f"user-{act}", "Your own is changed under My Account.")
    shut(ana)

    # No mail is set up: the link is shown once, and handed over.
    open_page = house.at("lee@example.org")
    open_page.open("/servers")
    menu(ana, "Lee", "reset")
    ana.see("dialog-reset", "shown once")
    expect(ana.at("reset-by-hand")).to_have_count(0)
    ana.at("dialog-reset-act").click()
    expect(ana.at("reset-link")).to_be_visible(timeout=WAIT_MS)
    slip(ana)
    link = ana.at("reset-link").inner_text().strip()
    assert look(ana, "users-reset-link") == []
    ana.at("reset-close").click()
    guest = Person(house.browser, house.url)
    house.people.append(guest)
    guest.page.goto(link)
    assert link.rsplit("/", 1)[1] not in guest.page.url
    guest.at("reset-password").fill(NEW)
    guest.at("reset-again").fill(NEW)
    guest.at("reset-submit").click()
    guest.see("sign-in-reset", "new password")
    expect(open_page.at("sign-in-submit")).to_be_visible(timeout=WAIT_MS)

    # Signed out everywhere, within a moment.
    guest.at("sign-in-name").fill("lee@example.org")
    guest.at("sign-in-password").fill(NEW)
    guest.at("sign-in-submit").click()
    expect(guest.page.locator("#main")).to_be_visible(timeout=WAIT_MS)
    guest.open("/servers")
    expect(guest.page.locator("h1")).to_be_visible()
    menu(ana, "Lee", "sign-out")
    ana.see("dialog-sign-out", "within a second")
    ana.at("dialog-sign-out-act").click()
    expect(ana.at("dialog-sign-out")).to_have_count(0)
    expect(guest.at("sign-in-submit")).to_be_visible(timeout=WAIT_MS)

    # A lost second factor.
    row(ana, "Lee").locator("[data-testid^=user-menu-]").click()
    settled(ana)
    ana.see("user-factor", "There is no second factor.")
    shut(ana)
    signed = lee.post("/session", json={"sign_in": "lee@example.org", "password": NEW})
    assert signed.status_code == 200, signed.text
    begun = lee.post("/account/second-factor", json={"password": NEW}).json()
    code = pyotp.TOTP(begun["secret"]).now()
    lee.post("/account/second-factor/confirm", json={"code": code}).raise_for_status()

    # An administrator makes links, and leaves the rest to owners.
    cy = house.at("cy@example.org")
    cy.open("/users")
    row(cy, "Lee").locator("[data-testid^=user-menu-]").click()
    settled(cy)
    for act in ("sign-out", "factor"):
        cy.see(f"user-{act}", "Only an owner may do this.")
    cy.at("user-sign-out").click(force=True)
    expect(cy.at("dialog-sign-out")).to_have_count(0)
    assert look(cy, "users-menu-administrator") == []
    shut(cy)
    row(cy, owner).locator("[data-testid^=user-menu-]").click()
    cy.see("user-reset", "Only an owner may change an owner.")
    shut(cy)
    id = row(cy, "Lee").get_attribute("data-testid").removeprefix("user-row-")
    assert admin.post(f"/users/{id}/sign-out").json()["code"] == "not_allowed"

    menu(ana, "Lee", "factor")
    ana.see("dialog-factor", "told by mail")
    assert look(ana, "users-factor") == []
    ana.at("dialog-factor-act").click()
    expect(ana.at("dialog-factor")).to_have_count(0)
    back = house.at("lee@example.org", NEW)
    expect(back.page.locator("h1")).to_be_visible(timeout=WAIT_MS)
    acts = {item["act"] for item in house.owner.get("/audit").json()["items"]}
    assert {"person.reset_made", "person.password", "session.all_ended", "person.second_factor_removed"} <= acts
    lee.close()
    admin.close()


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1440, "dark"), (390, "light")])
def test_the_menu_and_its_dialogs_hold(house: Help, width: int, theme: str) -> None:
    house.add("Lee", "monitor").close()
    ana = house.ana(width, theme)
    name, found = f"{theme}-{width}", []
    row(ana, "Lee").locator("[data-testid^=user-menu-]").click()
    settled(ana)
    found += look(ana, f"helping-menu-{name}")
    ana.at("user-reset").click()
    expect(ana.page.get_by_role("menu")).to_have_count(0, timeout=WAIT_MS)
    found += look(ana, f"helping-reset-{name}")
    ana.page.keyboard.press("Escape")
    menu(ana, "Lee", "sign-out")
    expect(ana.page.get_by_role("menu")).to_have_count(0, timeout=WAIT_MS)
    found += look(ana, f"helping-sign-out-{name}")
    wide = ana.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{wide} px too wide"
    assert not found, "\n".join(found)
