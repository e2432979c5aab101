"""What somebody does not see, and what is another's to change: a Monitor of one room, and a Local Agent whose places are the hub's.
Real Chromium, real processes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.browser import scenes
from tests.browser.conftest import WAIT_MS, Person, look
from tests.browser.scenes import fault, hub
from tests.support.programs import Api, Program, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
NETWORK = "127.25.11.0/28"
PASSWORD = "correct horse battery"


@pytest.fixture
def simulator() -> Iterator[Program]:
    with scenes.simulated(NETWORK) as program:
        yield program


class House:
    """A hub with three stacks, the first in one room, the others in another, and the site's own page."""

    def __init__(self, browser: Browser, base: Path, programs: list[Program]) -> None:
        self.browser = browser
        self.hub = hub(base, programs, make_owner=True, agents=[{"name": "London", "fresh": True}])
        account = self.hub.ready["agents"][0]
        self.local = scenes.agent(base, programs, "agent", NETWORK, join=account, make_owner=True)
        self.api = Api(self.hub.ready["url"], self.hub.ready["api_key"])
        eventually("three stacks", lambda: len(self.api.devices(kind="stack", status="online")) == 3)
        self.ana = self.person(self.hub)
        self.stacks = self.api.devices(kind="stack")
        self.rooms = [
            self.say("/locations", {"name": name, "kind": "room"})["id"] for name in ("Boardroom", "Elsewhere")
        ]
        for stack, room in zip(self.stacks, (self.rooms[0], *[self.rooms[1]] * 2), strict=True):
            self.say("/locations/devices", {"devices": [stack["id"]], "location": room})

    def person(self, program: Program, width: int = 1440, theme: str = "light") -> Person:
        who = Person(self.browser, program.ready["url"], width, theme)
        who.sign_in(program.ready["owner"]["email"], program.ready["owner"]["password"])
        expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
        return who

    def say(self, path: str, body: Any) -> Any:
        """As the owner at the page may."""
        url = self.hub.ready["url"]
        answer = self.ana.page.request.post(f"{url}/api/v1{path}", data=body, headers={"Origin": url})
        assert answer.ok, answer.text()
        return answer.json()

    def limited(self, role: str) -> Person:
        """Joined by a link, sees the first room alone."""
        mail = f"{role}@example.org"
        made = self.say("/users", {"addresses": mail, "role": role, "places": [self.rooms[0]]})
        link = made["items"][0]["link"].replace("/register/", "/registration/")
        body = {"password": PASSWORD, "terms": True}
        url = self.hub.ready["url"]
        who = Person(self.browser, url)
        answer = who.page.request.post(f"{url}/api/v1{link}", data=body, headers={"Origin": url})
        assert answer.ok, answer.text()
        who.open("/")
        expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
        return who


@pytest.fixture
def house(browser: Browser, simulator: Program, tmp_path: Path) -> Iterator[House]:
    with scenes.started() as programs:
        made = House(browser, tmp_path, programs)
        yield made
        made.ana.close()
        made.api.close()


def test_a_monitor_of_one_room_sees_nothing_of_the_others(house: House, simulator: Program) -> None:
    mine, *others = (stack["name"] for stack in house.stacks)
    secret = [*others, "Elsewhere", *(stack["address"] for stack in house.stacks[1:])]
    fault(simulator, others[0], "refuse")  # so that there is something to tell of elsewhere
    stack = house.stacks[1]["id"]
    eventually("it is offline", lambda: house.api.devices(kind="stack", status="offline"))
    mo = house.limited("monitor")
    findings = []
    # each is settled when what the socket tells stands there; what was met elsewhere is told before the list
    pages = {
        "dashboard": ("/", "dashboard-sentence"),
        "list": ("/devices/pro-audio", f"row-{house.stacks[0]['id']}"),
        "found": ("/devices/pro-audio?found=1", f"row-{house.stacks[0]['id']}"),
        "locations": ("/locations", "places-head"),
        "place": (f"/locations/{house.rooms[0]}", f"row-{house.stacks[0]['id']}"),
        "servers": ("/servers", f"agent-row-{house.stacks[0]['agent']['id']}"),
        "device": (f"/devices/{house.stacks[0]['id']}", "facts"),
    }
    for name, (path, settled) in pages.items():
        mo.open(path)
        expect(mo.at(settled)).to_be_visible(timeout=WAIT_MS)
        text = mo.page.locator("body").inner_text()
        assert not [word for word in secret if word in text], (name, text)
        if name in ("dashboard", "servers"):
            findings += look(mo, f"limited-{name}")
    for path in (f"/devices/{stack}", f"/locations/{house.rooms[1]}"):
        mo.open(path)
        expect(mo.page.locator("[data-testid$=-missing], [data-testid=error]").first).to_be_visible(timeout=WAIT_MS)
    # what a Monitor may not do is there, and says so
    mo.open(f"/devices/{house.stacks[0]['id']}")
    expect(mo.at("device-put")).to_have_attribute("aria-disabled", "true", timeout=WAIT_MS)
    mo.at("device-put").click(force=True)
    expect(mo.at("dialog-put")).to_have_count(0)
    mo.at("transcript").locator("summary").click()
    expect(mo.at("transcript-read")).to_have_attribute("aria-disabled", "true")
    mo.at("transcript-read").hover()
    expect(mo.page.get_by_text("Your role does not allow this.").first).to_be_visible(timeout=WAIT_MS)
    mo.open("/")
    mo.at("nav-search").fill(others[0])
    mo.see("nav-search-hits", "Nothing found.")
    expect(mo.page.locator("[data-testid^=hit-]")).to_have_count(0)
    mo.at("nav-search").fill(mine)
    expect(mo.page.locator("[data-testid^=hit-]").first).to_be_visible(timeout=WAIT_MS)
    assert findings == []
    mo.close()


def test_a_limited_administrator_is_told_before_what_reaches_further(house: House) -> None:
    ad = house.limited("administrator")
    ad.open("/locations")
    expect(ad.at("places-head")).to_be_visible(timeout=WAIT_MS)
    for tool in ("add-place", "tool-import"):
        expect(ad.at(tool)).to_have_attribute("aria-disabled", "true")
    ad.open(f"/locations/{house.rooms[0]}")
    expect(ad.at("tool-place-rename")).not_to_have_attribute("aria-disabled", "true", timeout=WAIT_MS)
    ad.open("/servers")
    expect(ad.page.get_by_text("London").first).to_be_visible(timeout=WAIT_MS)
    expect(ad.at("add-server")).to_have_attribute("aria-disabled", "true")
    ad.at("add-server").hover()
    expect(ad.page.get_by_text("Only who sees all places may do this").first).to_be_visible(timeout=WAIT_MS)
    ad.page.locator("[data-testid^=agent-menu-]").click()
    ad.see("agent-delete", "Only who sees all places")
    ad.at("agent-delete").click(force=True)
    expect(ad.at("dialog-delete")).to_have_count(0)
    ad.page.keyboard.press("Escape")
    ad.page.locator("[data-testid^=open-agt_]").click()
    for tool in ("scan", "rename", "new-password", "hand-over", "delete"):
        expect(ad.at(f"tool-{tool}")).to_have_attribute("aria-disabled", "true", timeout=WAIT_MS)
    # the part of the places is what hinders, not the role: it is called so
    for path, told in (("/reports", "reports-not-allowed"), ("/settings/services", "streams-not-allowed")):
        ad.open(path)
        ad.see(told, "people who see all places")
        expect(ad.page.get_by_text("Your role does not allow this")).to_have_count(0)
    ad.open("/settings/organization")
    ad.see("organization-locked", "administrators and owners who see all places")
    ad.close()


def test_a_joined_local_agent_says_that_the_hub_manages_its_places(house: House) -> None:
    lee = house.person(house.local)
    lee.open("/locations")
    lee.see("places-head", "2 places")
    for tool in ("add-place", "tool-import", "tool-rules"):
        expect(lee.at(tool)).to_have_attribute("aria-disabled", "true")
    lee.at("tool-rules").hover()
    expect(lee.page.get_by_text("Managed by the hub").first).to_be_visible(timeout=WAIT_MS)
    findings = look(lee, "managed-locations")
    lee.open(f"/locations/{house.rooms[0]}")
    expect(lee.at("tool-label")).to_have_attribute("aria-disabled", "true", timeout=WAIT_MS)
    expect(lee.at("place-photos")).to_have_count(0)
    findings += look(lee, "managed-place")
    lee.open("/devices/pro-audio")
    lee.at("select-all").check()
    expect(lee.at("tool-put")).to_have_attribute("aria-disabled", "true", timeout=WAIT_MS)
    lee.at("tool-put").hover()
    expect(lee.page.get_by_text("Managed by the hub").first).to_be_visible(timeout=WAIT_MS)
    findings += look(lee, "managed-put")
    lee.open(f"/devices/{house.stacks[0]['id']}")
    lee.see("fact-location", "Managed by the hub")
    expect(lee.at("device-put")).to_have_count(0)
    phone = house.person(house.local, 390, "dark")
    phone.open(f"/locations/{house.rooms[0]}")
    expect(phone.at("tool-label")).to_have_attribute("aria-disabled", "true", timeout=WAIT_MS)
    findings += look(phone, "managed-place-phone")
    assert findings == []
    lee.close()
    phone.close()
