"""The tree of places as people draw and use it: by hand, by a table, by rules; devices put there; counts that follow by themselves.
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
NETWORK = "127.25.7.0/28"


@pytest.fixture
def simulator() -> Iterator[Program]:
    with scenes.simulated(NETWORK) as program:
        yield program


class Drawn:
    """A hub with three stacks online, and Ana at its page."""

    def __init__(self, browser: Browser, base: Path, programs: list[Program]) -> None:
        self.browser = browser
        self.hub = hub(base, programs, make_owner=True, agents=[{"name": "London", "fresh": True}])
        scenes.agent(base, programs, "agent", NETWORK, join=self.hub.ready["agents"][0])
        self.api = Api(self.hub.ready["url"], self.hub.ready["api_key"])
        eventually("three stacks", lambda: len(self.api.devices(kind="stack", status="online")) == 3)

    def person(self, width: int = 1440, theme: str = "light") -> Person:
        who = Person(self.browser, self.hub.ready["url"], width, theme)
        who.sign_in(self.hub.ready["owner"]["email"], self.hub.ready["owner"]["password"])
        expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
        return who

    def say(self, who: Person, path: str, body: Any) -> None:
        """As the person at the page may, which the key of the tests may not."""
        url = self.hub.ready["url"]
        answer = who.page.request.post(f"{url}/api/v1{path}", data=body, headers={"Origin": url})
        assert answer.ok, answer.text()

    def places(self) -> dict[str, dict[str, Any]]:
        return {item["path"]: item for item in self.api.get("/locations")["items"]}


@pytest.fixture
def drawn(browser: Browser, simulator: Program, tmp_path: Path) -> Iterator[Drawn]:
    with scenes.started() as programs:
        made = Drawn(browser, tmp_path, programs)
        yield made
        made.api.close()


def choose(who: Person, field: str, text: str, option: str) -> None:
    """Types into a field with many choices and takes one."""
    who.at(field).fill(text)
    who.page.get_by_role("option", name=option, exact=True).click()
    expect(who.at(field)).to_have_value(option, timeout=WAIT_MS)


def add(who: Person, name: str, **said: str) -> None:
    who.at("place-name").fill(name)
    for field, text in said.items():
        who.at(f"place-{field}").fill(text)
    who.at("place-submit").click()
    expect(who.at("dialog-place")).to_be_hidden(timeout=WAIT_MS)


def row(who: Person, name: str) -> Any:
    return who.page.locator("[data-testid^=place-row-]").filter(has=who.page.get_by_role("link", name=name)).first


def act(who: Person, name: str, what: str) -> None:
    """One of the acts in the menu at a row."""
    row(who, name).locator("[data-testid^=place-menu-]").click()
    who.at(f"place-{what}").click()


def unfold(who: Person, name: str) -> None:
    twist = row(who, name).locator("[data-testid^=twist-]")
    if twist.get_attribute("data-open") == "false":
        twist.click()


def test_a_tree_by_hand_and_the_devices_in_it(drawn: Drawn, simulator: Program) -> None:
    ana = drawn.person()
    loads = ana.loads
    total = len([device for device in drawn.api.devices() if device["kind"] != "stack"])
    ana.see("todo", f"No location{total}")

    # From nothing: a city with its zone and contact, a building that inherits both, two rooms.
    ana.at("nav-locations").click()
    ana.see("empty", "import a table")
    ana.at("empty-add-place").click()
    choose(ana, "place-zone", "london", "Europe/London")
    add(ana, "London", contact="Ana, 555-0100")
    act(ana, "London", "add")
    expect(ana.at("place-zone")).to_have_attribute("placeholder", "Europe/London, from London")
    add(ana, "HQ", address="1 High Street")
    unfold(ana, "London")
    for room in ("4.12", "4.14"):
        act(ana, "HQ", "add")
        ana.at("place-kind").select_option("room")
        add(ana, room)
    unfold(ana, "HQ")
    expect(row(ana, "4.12")).to_contain_text("room", timeout=WAIT_MS)
    ana.see("places-head", "4 places · 2 rooms")
    row(ana, "London").focus()
    ana.page.keyboard.press("ArrowLeft")
    expect(row(ana, "HQ")).to_be_hidden(timeout=WAIT_MS)
    ana.page.keyboard.press("ArrowRight")
    expect(row(ana, "HQ")).to_be_visible(timeout=WAIT_MS)
    act(ana, "London", "add")
    ana.at("place-name").fill("hq")
    ana.at("place-submit").click()
    ana.see("error", "already")  # the hub's own sentence
    ana.at("place-cancel").click()

    # Those that are nowhere are put somewhere at once; the list they were in empties by itself.
    ana.at("places-unplaced").click()
    ana.page.wait_for_url("**/devices/pro-audio?location=none")
    expect(ana.at("tool-put")).to_have_attribute("aria-disabled", "true")
    expect(ana.page.locator("[data-testid^=row-dev_]")).to_have_count(3, timeout=WAIT_MS)
    ana.at("select-all").check()
    ana.at("tool-put").click()
    ana.see("put-targets", "No location")
    choose(ana, "put-place", "12 lon", "London > HQ > 4.12")
    ana.at("put-submit").click()
    expect(ana.at("empty-clear")).to_be_visible(timeout=WAIT_MS)
    ana.at("empty-clear").click()
    ana.at("group-by").select_option("location")
    ana.see(f"group-group:{drawn.places()['London > HQ > 4.12']['id']}", "London > HQ > 4.12")

    # One of them to the other room, on its own page, which says how it came to be where it is.
    stack = drawn.api.devices(kind="stack")[0]
    box = drawn.api.devices(kind="mixer", stack=stack["id"])[0]
    ana.open(f"/devices/{box['id']}")
    loads += 1
    ana.see("fact-location", "by its stack")
    ana.open(f"/devices/{stack['id']}")
    loads += 1
    ana.see("fact-location", "by hand")
    ana.at("device-put").click()
    choose(ana, "put-place", "4.14", "London > HQ > 4.14")
    ana.at("put-submit").click()
    ana.see("device-location", "London > HQ > 4.14")

    # It fails: the room says so, and what lies above it, without a reload.
    ana.at("nav-locations").click()
    fault(simulator, stack["name"], "refuse")
    expect(row(ana, "4.14")).to_contain_text("Offline", timeout=WAIT_MS)
    expect(row(ana, "London")).to_contain_text("Offline", timeout=WAIT_MS)
    expect(row(ana, "4.12")).to_contain_text("Online", timeout=WAIT_MS)
    ana.at("nav-dashboard").click()
    expect(row(ana, "4.14")).to_contain_text("Offline", timeout=WAIT_MS)  # the worst opened by itself
    row(ana, "4.14").get_by_role("link", name="4.14").first.click()
    ana.page.wait_for_url("**/locations/loc_*")
    room = drawn.places()["London > HQ > 4.14"]
    ana.see(f"status-{room['id']}", "Offline")
    ana.see("place-fact-contact", "from London")
    ana.see("place-changes", "Offline")
    expect(ana.at("place-devices").locator("[data-testid^=row-dev_]")).to_have_count(1, timeout=WAIT_MS)
    fault(simulator, stack["name"], "refuse", on=False)
    expect(ana.at(f"status-{room['id']}")).to_contain_text("Online", timeout=90_000)

    # The label's code is this page's address, as big as the paper lets it be.
    ana.at("tool-label").click()
    expect(ana.at("labels").get_by_role("img")).to_have_count(1)
    ana.see("labels", "London > HQ")
    ana.page.keyboard.press("Escape")

    # Moved, and deleted with what hangs there lifted to the place above.
    ana.at("tool-place-move").click()
    choose(ana, "place-move-parent", "lon", "London")
    ana.at("place-move-submit").click()
    expect(ana.at("dialog-place-move")).to_be_hidden(timeout=WAIT_MS)
    assert "London > 4.14" in drawn.places()
    ana.at("nav-locations").click()
    act(ana, "HQ", "delete")
    ana.at("dialog-place-delete-act").click()
    ana.see("place-hanging", "1 place, 2 devices put there by hand")
    expect(ana.at("place-hanging-what-lift")).to_be_checked()
    ana.at("dialog-place-delete-act").click()
    expect(row(ana, "HQ")).to_be_hidden(timeout=WAIT_MS)
    assert sorted(drawn.places()) == ["London", "London > 4.12", "London > 4.14"]
    placed = {device["location"]["path"] for device in drawn.api.devices(kind="stack")}
    assert placed == {"London > 4.12", "London > 4.14"}
    assert ana.loads == loads, "a page was reloaded"
    ana.close()


def test_a_table_with_an_error_then_right_then_a_rule(drawn: Drawn) -> None:
    ana = drawn.person()
    stack = drawn.api.devices(kind="stack")[0]
    box = drawn.api.devices(kind="mixer", stack=stack["id"])[0]
    table = (
        "path,zone,contact,serial\n"
        f"London > HQ > 4 > 4.12,Europe/London,Ana,{box['serial_number']}\n"
        "Sydney > Harbour > 1 > Bondi,Mars/Base,Lee,\n"
    )
    ana.at("nav-locations").click()
    ana.at("empty-import").click()
    with ana.page.expect_download() as saved:
        ana.at("import-template").click()
    assert Path(saved.value.path()).read_text().startswith("path,")
    ana.at("import-text").fill("room\n4.12\n")
    ana.at("import-preview").click()
    ana.see("error", "one must be path")

    ana.at("import-text").fill(table)
    ana.at("import-preview").click()
    ana.see("import-wrong-3", "zone")
    ana.see("import-wrong-3", "Mars/Base")
    expect(ana.at("import-act")).to_be_disabled()
    assert not drawn.places(), "nothing is imported while a line is wrong"

    right = table.replace("Mars/Base", "Australia/Sydney").encode("utf-16")
    ana.at("import-file").set_input_files({"name": "rooms.csv", "mimeType": "text/csv", "buffer": right})
    ana.see("import-count", "8 places added")
    ana.see("dialog-import", "device put")
    ana.at("import-act").click()
    ana.see("import-done", "1 device put")
    ana.at("import-close").click()
    ana.see("places-head", "8 places · 2 rooms")
    ana.at("places-q").fill("bondi")
    expect(row(ana, "Bondi")).to_contain_text("Lee", timeout=WAIT_MS)
    ana.at("places-q").fill("")

    # A rule for the rest; what a hand put somewhere stays there.
    ana.at("tool-rules").click()
    ana.see("rules-none", "No rules yet")
    ana.at("rule-subnet").fill(NETWORK)
    choose(ana, "rule-place", "bondi", "Sydney > Harbour > 1 > Bondi")
    ana.at("rule-add").click()
    entry = ana.page.locator("[data-testid^=rule-rul_]")
    expect(entry).to_contain_text(NETWORK, timeout=WAIT_MS)
    eventually("nobody is nowhere", lambda: all(device["location"] for device in drawn.api.devices()))
    ways = [device["location"]["by"] for device in drawn.api.devices()]
    expect(entry.get_by_role("cell", name=str(ways.count("rule")), exact=True)).to_be_visible(timeout=WAIT_MS)
    assert drawn.api.get(f"/devices/{box['id']}")["location"]["by"] == "hand"
    entry.get_by_role("button").click()
    ana.see("rule-delete-what", f"{ways.count('rule')} device")
    ana.at("dialog-rule-delete-cancel").click()
    expect(entry).to_be_visible(timeout=WAIT_MS)
    entry.get_by_role("button").click()
    ana.at("dialog-rule-delete-act").click()
    ana.see("rules-none", "No rules yet")
    ana.close()


def test_every_screen_of_places_in_both_themes_wide_and_narrow(drawn: Drawn, simulator: Program) -> None:
    stacks = drawn.api.devices(kind="stack")
    table = (
        "path,kind,zone,street,contact,notes\n"
        'United Kingdom > London > HQ > 4 > 4.12 Boardroom,room,Europe/London,"1 High Street, London",Ana 555-0100,Key at the desk\n'
        "United Kingdom > London > HQ > 4 > 4.14,room,,,,\n"
        "United Kingdom > London > HQ > 5 > Auditorium,room,,,,\n"
        "United Kingdom > Leeds > North > 1 > Training,room,,,,\n"
        "Australia > Sydney > Harbour > 2 > Bondi,room,Australia/Sydney,,Lee,\n"
    )
    ana = drawn.person()
    drawn.say(ana, "/locations/import", {"text": table, "dry_run": False})
    places = drawn.places()
    room = places["United Kingdom > London > HQ > 4 > 4.12 Boardroom"]["id"]
    bondi = places["Australia > Sydney > Harbour > 2 > Bondi"]["id"]
    for stack, place in zip(stacks[:2], (bondi, room), strict=True):
        drawn.say(ana, "/locations/devices", {"devices": [stack["id"]], "location": place})
    drawn.say(ana, "/locations/rules", {"location": room, "name": "4.12*"})
    ana.close()
    hurt = stacks[1]["name"]
    fault(simulator, hurt, "refuse")
    eventually("one is offline", lambda: drawn.api.devices(kind="stack", status="offline"))
    floor, building = places["United Kingdom > London > HQ > 4"]["id"], places["United Kingdom > London > HQ"]["id"]
    screens = {
        "locations": "/locations", "location-room": f"/locations/{room}", "location-building": f"/locations/{building}",
        "pro-audio-located": "/devices/pro-audio?group=location", "dashboard-located": "/",
        "locations-import": "/locations?import=1", "locations-rules": "/locations?rules=1",
        "locations-found": "/locations?q=4",
    }  # fmt: skip
    wrong: list[str] = []
    for theme in ("light", "dark"):
        for width in (1440, 390):
            ana = drawn.person(width, theme)
            for name, path in screens.items():
                ana.open(path)
                expect(ana.page.locator("h1").first).to_be_visible(timeout=WAIT_MS)
                ana.page.wait_for_load_state("networkidle")
                if name == "locations-import":
                    ana.at("import-text").fill("path,zone\nUK > Leeds,Mars/Base\nUK > York,Europe/London\n")
                    ana.at("import-preview").click()
                    expect(ana.at("import-wrong-2")).to_be_visible(timeout=WAIT_MS)
                wrong += look(ana, f"{name}-{theme}-{width}")
                across = ana.page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                assert across <= 0, f"{name} at {width} px is {across} px too wide"
            ana.open(f"/locations/{floor}")
            ana.at("tool-label").click()
            ana.at("label-which-rooms").check()
            expect(ana.at("labels").get_by_role("img")).to_have_count(2)
            wrong += look(ana, f"location-label-{theme}-{width}")
            ana.page.keyboard.press("Escape")
            ana.at("tool-place-edit").click()
            expect(ana.at("place-submit")).to_be_visible(timeout=WAIT_MS)
            wrong += look(ana, f"location-edit-{theme}-{width}")
            ana.page.keyboard.press("Escape")
            ana.at("tool-place-delete").click()
            ana.at("dialog-place-delete-act").click()
            expect(ana.at("place-hanging")).to_be_visible(timeout=WAIT_MS)
            wrong += look(ana, f"location-delete-{theme}-{width}")
            ana.open(f"/devices/{stacks[0]['id']}")
            ana.at("device-put").click()
            ana.at("put-place").click()
            expect(ana.page.get_by_role("option").first).to_be_visible(timeout=WAIT_MS)
            wrong += look(ana, f"device-put-{theme}-{width}")
            ana.close()
    assert not wrong, "\n".join(wrong)
