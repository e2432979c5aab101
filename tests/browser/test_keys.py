"""API keys: made in one browser and seen in another, used by programs, less as soon as their person is, ended at once. Real Chromium, real
processes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect
from tests.browser import scenes
from tests.browser.conftest import WAIT_MS, Person, look
from tests.browser.scenes import hub
from tests.support.programs import Program
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
PASSWORD = "four words nobody guesses"


class House:
    """A hub with its first key, Ana, who owns it, and Bo, who owns it too."""

    def __init__(self, browser: Browser, program: Program) -> None:
        self.browser, self.program, self.url = browser, program, program.ready["url"]
        self.people: list[Person] = []

    def person(self, width: int = 1440, theme: str = "light") -> Person:
        self.people.append(Person(self.browser, self.url, width, theme))
        return self.people[-1]

    def ana(self, width: int = 1440, theme: str = "light") -> Person:
        who, owner = self.person(width, theme), self.program.ready["owner"]
        who.sign_in(owner.get("email") or owner["sign_in"], owner["password"])
        expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
        return who

    def say(self, who: Person, path: str, body: Any, method: str = "POST") -> Any:
        headers = {"Origin": self.url}
        answer = who.page.request.fetch(f"{self.url}/api/v1{path}", method=method, data=body, headers=headers)
        assert answer.ok, answer.text()
        return answer.json()

    def joined(self, ana: Person, address: str, role: str, places: list[str] | None = None) -> tuple[str, Person]:
        """Somebody new and the browser they sit at; their id."""
        asked = {"addresses": address, "role": role, "places": places or []}
        made = self.say(ana, "/users", asked)["items"][0]
        who = self.person()
        name = address.partition("@")[0].title()
        token = made["link"].rsplit("/", 1)[1]
        self.say(who, f"/registration/{token}", {"name": name, "password": PASSWORD, "terms": True})
        return made["id"], who

    def ask(self, key: str, path: str = "/session", *, bearer: bool = False, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if bearer else {"x-api-key": key}
        return httpx.request("POST" if body else "GET", f"{self.url}/api/v1{path}", headers=headers, json=body)

    def socket(self, key: str) -> ClientConnection:
        return connect(
            self.url.replace("http", "ws", 1) + "/api/v1/live", additional_headers={"X-Api-Key": key}, proxy=None
        )


@pytest.fixture
def house(browser: Browser, tmp_path: Path) -> Iterator[House]:
    with scenes.started() as programs:
        made = House(browser, hub(tmp_path, programs, make_owner=True))
        yield made
        for person in made.people:
            person.close()


def keys(who: Person) -> None:
    who.at("nav-settings").click()
    who.at("nav-keys").click()
    expect(who.at("keys")).to_be_visible(timeout=WAIT_MS)


def row(who: Person, name: str) -> Any:
    return who.page.locator("[data-testid^=key-row-]").filter(has_text=name)


def add(who: Person, name: str, scope: str = "read", *, expires: str = "", place: str = "") -> str:
    """By the dialog, which closes; the key as it was copied."""
    who.at("add-key").click()
    who.at("key-name").fill(name)
    who.at(f"key-scope-{scope}").check()
    if place:
        who.at("key-places").fill(place)
        who.page.get_by_role("option", name=place, exact=True).click()
        who.page.keyboard.press("Escape")
    if expires:
        who.at("key-expires").select_option(expires)
    who.at("key-submit").click()
    expect(who.at("key-text")).to_be_visible(timeout=WAIT_MS)
    who.page.keyboard.press("Escape")  # what is never shown again does not go by a slip
    text: str = who.at("key-text").inner_text().strip()
    who.at("key-copy").click()
    expect(who.at("key-copy")).to_have_text("Copied")
    who.at("key-close").click()
    expect(who.at("dialog-made-key")).to_have_count(0)
    return text


def revoke(who: Person, name: str) -> None:
    row(who, name).locator("[data-testid^=key-menu-]").click()
    who.at("key-revoke").click()


def closed(socket: ClientConnection) -> int:
    """The code it was closed with; what was said before is read over."""
    try:
        while True:
            socket.recv(timeout=10)
    except ConnectionClosed as end:
        return end.rcvd.code if end.rcvd else 0


def test_a_key_is_made_used_weakened_and_revoked(house: House) -> None:
    ana = house.ana()
    ana.context.grant_permissions(["clipboard-read", "clipboard-write"])
    watching = house.ana()
    for who in (ana, watching):
        keys(who)
    expect(row(ana, "made at the first start")).to_contain_text("Control", timeout=WAIT_MS)
    loads = watching.loads

    # Made here, it is there; the copied text is the key.
    key = add(ana, "Wall panel", "administer")
    assert ana.page.evaluate("navigator.clipboard.readText()") == key
    expect(row(watching, "Wall panel")).to_contain_text("Administer", timeout=WAIT_MS)
    expect(row(watching, "Wall panel")).to_contain_text("never")
    expect(row(watching, "Wall panel")).to_contain_text(key[:11])
    assert key not in watching.page.content() and key not in ana.page.content()

    # Both headers; when and from where it was used is seen without a reload.
    assert house.ask(key, "/devices").is_success
    assert house.ask(key, "/devices", bearer=True).is_success
    expect(row(watching, "Wall panel")).to_contain_text("from 127.0.0.1", timeout=WAIT_MS)

    # Somebody's key does less as soon as they may do less.
    bo_id, bo = house.joined(ana, "bo@example.org", "owner")
    made = house.say(bo, "/keys", {"name": "Bo's script", "scope": "administer"})
    expect(row(watching, "Bo's script")).to_contain_text("Administer", timeout=WAIT_MS)
    place = {"name": "London", "kind": "city"}
    assert house.ask(made["key"], "/locations", body=place).status_code == 201
    house.say(ana, f"/users/{bo_id}", {"role": "monitor"}, "PATCH")
    expect(row(watching, "Bo's script")).to_contain_text("now: Read", timeout=WAIT_MS)
    expect(row(watching, "Bo's script")).to_contain_text("Bo may do no more")
    assert house.ask(made["key"], "/locations", body={"name": "Paris", "kind": "city"}).status_code == 403
    house.say(ana, f"/users/{bo_id}", {"disabled": True}, "PATCH")
    expect(row(watching, "Bo's script")).to_contain_text("now: nothing", timeout=WAIT_MS)
    assert house.ask(made["key"], "/devices").status_code == 401

    # Revoked: refused from then on, and what it held open closes.
    with house.socket(key) as socket:
        revoke(ana, "Wall panel")
        ana.see("revoke-key-used", "from 127.0.0.1")
        ana.at("dialog-revoke-key-act").click()
        expect(row(watching, "Wall panel")).to_have_count(0, timeout=WAIT_MS)
        assert house.ask(key, "/devices").json()["code"] == "key_refused"
        assert house.ask(key, "/devices", bearer=True).status_code == 401
        assert closed(socket)
    assert watching.loads == loads, "the page was loaded again"


def test_who_may_make_which_and_what_is_said_to_the_others(house: House) -> None:
    ana = house.ana()
    london = house.say(ana, "/locations", {"name": "London", "kind": "city"})["id"]
    house.say(ana, "/locations", {"name": "Paris", "kind": "city"})
    _, cy = house.joined(ana, "cy@example.org", "administrator", [london])
    _, mo = house.joined(ana, "mo@example.org", "monitor")

    # A monitor makes none, and is told who does.
    mo.open("/settings/keys")
    mo.see("keys-none", "Keys are made by administrators and owners")
    expect(mo.at("add-key")).to_have_attribute("aria-disabled", "true")
    expect(mo.at("add-key")).to_have_attribute(
        "aria-description", "Administrators and owners make keys; your role is Monitor."
    )
    assert not look(mo, "keys-monitor-1440-light")

    # An administrator of a part: such as read, of the own part; the owner's are not seen.
    cy.open("/settings/keys")
    cy.at("keys-none-add").click()
    expect(cy.at("key-scope-control")).to_be_disabled()
    expect(cy.page.get_by_text("ask an owner for more").first).to_be_visible()
    cy.at("key-places").click()
    cy.at("key-places").fill("Par")
    expect(cy.page.get_by_text("Nothing found")).to_be_visible(timeout=WAIT_MS)
    cy.page.keyboard.press("Escape")
    cy.page.keyboard.press("Escape")
    add(cy, "Lobby screen", place="London", expires="30")
    expect(row(cy, "Lobby screen")).to_contain_text("London")
    expect(cy.page.locator("[data-testid^=key-row-]")).to_have_count(1)

    # The owner sees it apart from the own ones, opens it, and revokes it.
    keys(ana)
    expect(ana.at("group-others")).to_contain_text("Of people you manage", timeout=WAIT_MS)
    row(ana, "Lobby screen").click()
    ana.see("dialog-key", "Cy")
    ana.see("dialog-key", "London")
    ana.at("key-details-revoke").click()
    ana.see("revoke-key-used", "never used")
    ana.see("dialog-revoke-key", "It belongs to Cy.")
    ana.at("dialog-revoke-key-act").click()
    expect(cy.at("keys-none")).to_be_visible(timeout=WAIT_MS)


def filled(house: House, ana: Person) -> None:
    """Keys of every sort: limited, expiring soon, weaker than they say."""
    london = house.say(ana, "/locations", {"name": "London", "kind": "city"})
    floor = house.say(ana, "/locations", {"name": "Headquarters", "kind": "building", "parent": london["id"]})
    soon = ana.page.evaluate("new Date(Date.now() + 3 * 864e5).toISOString()")
    panel = {"name": "Wall panel, boardroom 4.12", "scope": "control", "places": [floor["id"]], "expires": soon}
    house.ask(house.say(ana, "/keys", panel)["key"], "/devices")
    bo_id, bo = house.joined(ana, "bo@example.org", "owner")
    house.say(bo, "/keys", {"name": "Night report", "scope": "administer"})
    house.say(ana, f"/users/{bo_id}", {"role": "monitor"}, "PATCH")
    dee_id, dee = house.joined(ana, "dee@example.org", "administrator")
    house.say(dee, "/keys", {"name": "Monitoring", "scope": "read"})
    house.say(ana, f"/users/{dee_id}", {"disabled": True}, "PATCH")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_screen_is_looked_at(house: House, width: int, theme: str) -> None:
    ana = house.ana()
    filled(house, ana)
    who = house.ana(width, theme)
    who.open("/settings/keys")
    expect(row(who, "Night report")).to_contain_text("now: Read", timeout=WAIT_MS)
    here = f"{width}-{theme}"
    wrong = look(who, f"keys-{here}")
    row(who, "Monitoring").click()
    who.see("key-weaker", "Dee is disabled")
    wrong += look(who, f"keys-details-{here}")
    who.at("key-details-close").click()
    who.at("add-key").click()
    expect(who.at("key-submit")).to_be_visible()
    wrong += look(who, f"keys-add-{here}")
    who.at("key-name").fill("Control system")
    who.at("key-submit").click()
    expect(who.at("key-text")).to_be_visible(timeout=WAIT_MS)
    # a picture shows no key, not even one of a test
    who.page.evaluate("document.querySelector('[data-testid=key-text]').textContent = 'sp_0123abcv_' + 'x'.repeat(43)")
    wrong += look(who, f"keys-made-{here}")
    who.at("key-close").click()
    revoke(who, "Wall panel")
    expect(who.at("revoke-key-used")).to_be_visible()
    wrong += look(who, f"keys-revoke-{here}")
    assert not wrong
    assert who.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the window"
