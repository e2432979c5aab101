"""The main job as a person does it, in real Chromium, against real processes. No page is ever reloaded to see a change."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser import scenes
from tests.browser.conftest import WAIT_MS, Person, look, slip
from tests.browser.scenes import MAIL, fault, first_run, hub
from tests.support.programs import Api, Program, eventually

from soundpost.wire import tape

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
NETWORK = "127.25.1.0/28"


@pytest.fixture
def simulator() -> Iterator[Program]:
    with scenes.simulated(NETWORK) as program:
        yield program


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    with scenes.started() as running:
        yield running


def agent(base: Path, programs: list[Program], name: str, **orders: object) -> Program:
    return scenes.agent(base, programs, name, NETWORK, **orders)


def test_from_nothing_to_a_muted_microphone(
    browser: Browser, simulator: Program, programs: list[Program], tmp_path: Path
) -> None:
    centre = hub(tmp_path, programs)
    ana = Person(browser, centre.ready["url"])
    first_run(ana, centre.ready["first_run_url"], MAIL)
    ana.at("account-continue").click()

    # Add a server at the hub.
    ana.at("nav-servers").click()
    ana.see("hub-fingerprint", centre.ready["fingerprint"])
    ana.at("add-server").click()
    ana.at("add-server-name").fill("London-HQ")
    ana.at("add-server-submit").click()
    expect(ana.at("result-password")).to_be_visible()
    slip(ana)
    password = ana.at("result-password").inner_text().strip()
    assert len(password) >= 10
    ana.at("result-done").click()

    # Connect a Local Agent to it, on the agent's own page.
    site = agent(tmp_path, programs, "agent")
    lee = Person(browser, site.ready["url"])
    first_run(lee, site.ready["first_run_url"], "lee")
    lee.open("/settings/external")
    lee.at("external-configure").click()
    lee.at("external-url").fill(centre.ready["tls_url"])
    lee.at("external-name").fill("London-HQ")
    lee.at("external-password").fill("not the password")
    lee.at("external-save").click()
    lee.see("check-fingerprint", centre.ready["fingerprint"])
    lee.at("check-confirm").click()
    lee.see("external", "password")  # refused, in a sentence, with the next try
    lee.at("external-configure").click()
    lee.at("external-url").fill(centre.ready["tls_url"])
    lee.at("external-name").fill("London-HQ")
    lee.at("external-password").fill(password)
    lee.at("external-save").click()
    lee.at("check-confirm").click()
    lee.see("external-status", "London-HQ")
    lee.close()

    # Its devices appear at the hub, without a reload.
    loads = ana.loads
    ana.at("nav-pro-audio").click()
    ana.see("devices-head", "3 stacks")
    ana.page.locator("[data-testid^=row-dev_]").first.get_by_role("link").first.click()
    ana.page.wait_for_url("**/devices/dev_*")
    stack = ana.page.url.rsplit("/", 1)[1]
    ana.page.get_by_test_id("chain").get_by_role("link").first.click()
    ana.page.wait_for_url(lambda url: not url.endswith(stack))
    mixer = ana.page.url.rsplit("/", 1)[1]

    # Locate: asked, then on because the reading says so; then off again.
    expect(ana.at("tool-locate")).to_have_attribute("aria-pressed", "false", timeout=WAIT_MS)
    ana.at("tool-locate").click()
    expect(ana.at("tool-locate")).to_have_attribute("aria-pressed", "true", timeout=WAIT_MS)
    ana.at("tool-locate").click()
    expect(ana.at("tool-locate")).to_have_attribute("aria-pressed", "false", timeout=WAIT_MS)

    # Mute, and undo it.
    mute = ana.at("control-mic.101.level.mute")
    expect(mute).to_have_attribute("aria-checked", "false", timeout=WAIT_MS)
    mute.click()
    expect(mute).to_have_attribute("aria-checked", "true", timeout=WAIT_MS)
    ana.page.get_by_test_id("undo-mic.101.level.mute").first.click()
    expect(mute).to_have_attribute("aria-checked", "false", timeout=WAIT_MS)

    # What went over the line, and the file of it.
    ana.at("transcript").locator("summary").click()
    ana.at("transcript-read").click()
    ana.see("transcript-text", "EP MIC 101 LEVEL MUTE")
    with ana.page.expect_download() as saved:
        ana.at("transcript-download").click()
    said = Path(saved.value.path()).read_bytes()
    assert tape.parse(said)
    assert b"converge\\r" not in said, "a password stands in the transcript"

    # The plug is pulled, and put back: the page tells by itself.
    name = ana.page.get_by_test_id("device-aside").get_by_role("link").first.inner_text()
    fault(simulator, name, "refuse")
    expect(ana.at(f"status-{mixer}").first).to_contain_text("Offline", timeout=WAIT_MS)
    expect(ana.at("device-cause")).to_contain_text("refused", timeout=WAIT_MS)
    fault(simulator, name, "refuse", on=False)
    expect(ana.at(f"status-{mixer}").first).to_contain_text("Online", timeout=90_000)
    assert ana.loads == loads, "a page was reloaded"
    ana.close()


def test_a_lost_agent_a_new_machine_and_a_hub_restarted_under_the_page(
    browser: Browser, simulator: Program, programs: list[Program], tmp_path: Path
) -> None:
    centre = hub(tmp_path, programs, make_owner=True, agents=[{"name": "London", "fresh": True}])
    join = centre.ready["agents"][0]
    first = agent(tmp_path, programs, "first", join=join)
    api = Api(centre.ready["url"], centre.ready["api_key"])
    eventually("three stacks", lambda: len(api.devices(kind="stack", status="online")) == 3)
    known = {d["id"] for d in api.devices()}
    ana = Person(browser, centre.ready["url"])
    ana.sign_in(centre.ready["owner"]["email"], centre.ready["owner"]["password"])
    ana.at("nav-pro-audio").click()
    ana.see("devices-head", "3 stacks")
    loads = ana.loads

    first.kill()
    row = ana.page.locator("[data-testid^=row-dev_]").first
    expect(row).to_contain_text("Unknown", timeout=WAIT_MS)
    ana.at("nav-dashboard").click()
    ana.see("needs", "London")

    # The machine is gone for good: hand the account over and join a new one, by hand.
    ana.at("nav-servers").click()
    ana.page.locator("[data-testid^=agent-row-]").first.get_by_role("link").first.click()
    ana.at("tool-hand-over").click()
    ana.page.get_by_role("dialog").get_by_role("button").last.click()
    expect(ana.at("result-password")).to_be_visible()
    slip(ana)
    password = ana.at("result-password").inner_text().strip()
    ana.at("result-done").click()
    agent(tmp_path, programs, "second", join={**join, "password": password})
    ana.at("nav-pro-audio").click()
    expect(row).to_contain_text("Online", timeout=90_000)
    assert {d["id"] for d in api.devices()} == known

    # The hub is killed under the open page and comes back; the page finds it again by itself.
    ports = centre.ready["url"].rsplit(":", 1)[1], centre.ready["tls_url"].rsplit(":", 1)[1]
    centre.kill()
    expect(ana.at("banner-lost")).to_be_visible(timeout=WAIT_MS)
    hub(tmp_path, programs, *ports)
    expect(ana.at("banner-lost")).to_be_hidden(timeout=90_000)
    expect(row).to_contain_text("Online", timeout=90_000)
    assert ana.loads == loads, "a page was reloaded"
    api.close()
    ana.close()


def test_every_screen_in_both_themes_wide_and_narrow(
    browser: Browser, simulator: Program, programs: list[Program], tmp_path: Path
) -> None:
    centre = hub(tmp_path, programs, make_owner=True, agents=[{"name": "London", "fresh": True}])
    local = agent(tmp_path, programs, "agent", join=centre.ready["agents"][0], make_owner=True)
    api = Api(centre.ready["url"], centre.ready["api_key"])
    eventually("three stacks", lambda: len(api.devices(kind="stack", status="online")) == 3)
    fault(simulator, api.devices(kind="stack")[0]["name"], "refuse")
    eventually("one is offline", lambda: api.devices(kind="stack", status="offline"))
    mixer, server = api.devices(kind="mixer", status="online")[0]["id"], api.get("/agents")["items"][0]["id"]
    screens = {
        "dashboard": "/", "pro-audio": "/devices/pro-audio", "device": f"/devices/{mixer}", "servers": "/servers",
        "locations-empty": "/locations", "server": f"/servers/{server}", "account": "/settings/account", "pieces": "/ui",
    }  # fmt: skip
    wrong: list[str] = []
    for theme in ("light", "dark"):
        for width in (1440, 390):
            ana = Person(browser, centre.ready["url"], width, theme)
            ana.open("/")
            expect(ana.at("sign-in-name")).to_be_visible(timeout=WAIT_MS)
            wrong += look(ana, f"sign-in-{theme}-{width}")
            ana.sign_in(centre.ready["owner"]["email"], centre.ready["owner"]["password"])
            expect(ana.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
            for name, path in screens.items():
                ana.open(path)
                expect(ana.page.locator("h1").first).to_be_visible(timeout=WAIT_MS)
                ana.page.wait_for_load_state("networkidle")
                wrong += look(ana, f"{name}-{theme}-{width}")
                if name == "device":
                    ana.at("transcript").locator("summary").click()
                    ana.at("transcript-read").click()
                    expect(ana.at("transcript-text")).to_be_visible(timeout=WAIT_MS)
                    wrong += look(ana, f"transcript-{theme}-{width}")
                across = ana.page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                assert across <= 0, f"{name} at {width} px is {across} px too wide"
            ana.close()
            lee = Person(browser, local.ready["url"], width, theme)
            lee.sign_in(local.ready["owner"]["email"], local.ready["owner"]["password"])
            expect(lee.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
            for name in ("external", "credentials", "ceiling", "discovery"):
                lee.open(f"/settings/{name}")
                expect(lee.page.locator("h1").first).to_be_visible(timeout=WAIT_MS)
                lee.page.wait_for_load_state("networkidle")
                wrong += look(lee, f"local-{name}-{theme}-{width}")
            lee.close()
    api.close()
    assert not wrong, "\n".join(wrong)
