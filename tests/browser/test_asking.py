"""What a person is told while something is asked, given away, restarting or out of sight: never a value that is not current, never
an instruction that waits for ever. Real Chromium, real processes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from tests.browser import scenes
from tests.browser.conftest import WAIT_MS, Person, look
from tests.browser.scenes import MAIL, PASSWORD, first_run, hub
from tests.support.programs import Api, Program, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
NETWORK = "127.25.2.0/28"
GAIN, MUTE = "mic.101.level.gain", "mic.101.level.mute"


@pytest.fixture
def simulator() -> Iterator[Program]:
    with scenes.simulated(NETWORK) as program:
        yield program


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    with scenes.started() as running:
        yield running


class Site:
    """A hub with one site whose three stacks are online, and Ana at its page. The stack with most boxes is looked at."""

    def __init__(self, browser: Browser, base: Path, programs: list[Program]) -> None:
        self.browser, self.base, self.programs = browser, base, programs
        self.hub = hub(base, programs, make_owner=True, agents=[{"name": "London", "fresh": True}])
        self.agent = scenes.agent(base, programs, "agent", NETWORK, join=self.hub.ready["agents"][0])
        self.api = Api(self.hub.ready["url"], self.hub.ready["api_key"])
        eventually("three stacks", lambda: len(self.api.devices(kind="stack", status="online")) == 3)
        self.stack = max(self.api.devices(kind="stack"), key=lambda stack: len(stack["boxes"]))
        self.box = self.api.devices(kind="mixer", stack=self.stack["id"])[0]

    def person(self, width: int = 1440, theme: str = "light") -> Person:
        who = Person(self.browser, self.hub.ready["url"], width, theme)
        who.sign_in(self.hub.ready["owner"]["email"], self.hub.ready["owner"]["password"])
        expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
        return who

    def with_twelve_inputs(self) -> tuple[str, str]:
        """A box, and its twelfth input."""
        for box in self.api.devices(kind="mixer"):
            keys = [point["key"] for point in self.api.get(f"/devices/{box['id']}/points")["items"]]
            if last := [key for key in keys if key.startswith("mic.") and key.endswith("12.level.gain")]:
                return box["id"], last[0].removesuffix(".level.gain")
        raise AssertionError("no box of this scene has twelve inputs")

    def restart_hub(self) -> None:
        ports = self.hub.ready["url"].rsplit(":", 1)[1], self.hub.ready["tls_url"].rsplit(":", 1)[1]
        self.hub = hub(self.base, self.programs, *ports)


@pytest.fixture
def site(browser: Browser, simulator: Program, programs: list[Program], tmp_path: Path) -> Iterator[Site]:
    made = Site(browser, tmp_path, programs)
    yield made
    made.api.close()


def keys_of(page: Page) -> list[str]:
    """Idempotency-Keys of all that is asked from now on."""
    keys: list[str] = []
    page.on(
        "request",
        lambda request: keys.append(request.headers.get("idempotency-key", "")) if request.method == "POST" else None,
    )
    return keys


def test_a_gain_is_never_bent_into_something_else_and_an_undo_asks_when_it_is_not_ours(site: Site) -> None:
    ana = site.person()
    ana.open(f"/devices/{site.box['id']}")
    field, note = ana.at(f"control-{GAIN}-field"), ana.at(f"control-{GAIN}-note")
    expect(field).to_be_enabled(timeout=WAIT_MS)
    asked = keys_of(ana.page)
    for typed, said in (("-99", "−65 to 20.0 dB"), ("loud", "not a number")):
        field.fill(typed)
        field.press("Enter")
        expect(note).to_contain_text(said)
        expect(field).to_have_value(typed)
    field.fill("-4")
    field.press("Tab")
    expect(note).to_contain_text("Enter sets it")  # leaving is not asking
    assert not asked
    ana.at(f"control-{GAIN}-set").click()
    expect(ana.at(f"value-{GAIN}")).to_have_text("−4.0 dB", timeout=WAIT_MS)
    field.fill("-3.26")
    field.press("Enter")
    expect(note).to_contain_text("rounded to −3.5 dB")
    expect(ana.at(f"value-{GAIN}")).to_have_text("−3.5 dB", timeout=WAIT_MS)
    expect(ana.at(f"outcome-{GAIN}")).to_have_attribute("data-phase", "done", timeout=WAIT_MS)

    # Somebody else sets it: the page says who, and undoing asks first.
    site.api.post(
        f"/devices/{site.box['id']}/commands", {"capability": "control", "arguments": {"key": GAIN, "value": -10}}
    )
    expect(ana.at(f"outcome-{GAIN}")).to_contain_text("has set it to −10.0 dB since", timeout=WAIT_MS)
    ana.at(f"undo-{GAIN}").click()
    expect(ana.at("dialog-undo")).to_contain_text(
        "was set to −3.5 dB here and now reads −10.0 dB. Undoing sets it to −4.0 dB."
    )
    ana.at("dialog-undo-act").click()
    expect(ana.at(f"value-{GAIN}")).to_have_text("−4.0 dB", timeout=WAIT_MS)

    # One line for each instruction, with what was before.
    events = ana.at("events")
    expect(events.get_by_role("listitem").filter(has_text="gain: −4.0 dB → −3.5 dB · done")).to_have_count(
        1, timeout=WAIT_MS
    )
    expect(events.get_by_role("listitem").filter(has_text="gain: −10.0 dB → −4.0 dB · done")).to_have_count(
        1, timeout=WAIT_MS
    )
    ana.close()


def test_a_line_handed_off_and_a_restart_are_told_on_every_screen(site: Site) -> None:
    ana = site.person()
    name, stack, box = site.stack["name"], site.stack["id"], site.box["id"]
    wrong: list[str] = []
    ana.open(f"/devices/{box}")
    expect(ana.at(f"control-{MUTE}")).to_be_enabled(timeout=WAIT_MS)
    ana.at("tool-hands_off").click()
    dialog = ana.at("dialog-hands-off")
    expect(dialog).to_contain_text(f"whole stack {name}")
    expect(ana.at("dialog-targets")).to_contain_text(name)
    expect(ana.at("dialog-targets")).to_contain_text(site.stack["boxes"][0][-7:])
    ana.at("dialog-hands-off-act").click()

    # On the device: until when, by whom, and nothing can be set.
    expect(ana.at("hands-off-note")).to_contain_text("Handed off until", timeout=WAIT_MS)
    expect(ana.at("hands-off-note")).to_contain_text("by Owner")
    expect(ana.at(f"status-{box}")).to_have_attribute("data-spell", "handed_off")
    expect(ana.at(f"control-{MUTE}")).to_be_disabled()
    expect(ana.at("points-off")).to_contain_text("handed off until")
    expect(ana.at(f"value-{GAIN}")).to_have_attribute("data-quality", "handed_off")
    expect(ana.at("tool-locate")).to_have_attribute("aria-disabled", "true")
    wrong += look(ana, "hands-off-device")

    # On the stack, and in a list that is filtered: the stack keeps its model, and the line is taken back from there.
    ana.page.get_by_test_id("device-aside").get_by_role("link").first.click()
    expect(ana.at("hands-off-note")).to_be_visible(timeout=WAIT_MS)
    expect(ana.at("take-back")).to_be_visible()
    ana.open(f"/devices/pro-audio?kind=stack&q={name}")
    row = ana.at(f"row-{stack}")
    expect(ana.at(f"status-{stack}")).to_contain_text("Handed off until", timeout=WAIT_MS)
    expect(row).to_contain_text("by Owner")
    expect(ana.at("devices-head")).to_have_text("1 stack matches")
    expect(row.locator("[data-column=model]")).to_contain_text(site.box["model"])
    expect(ana.at(f"locate-{stack}")).to_have_attribute("aria-disabled", "true")
    wrong += look(ana, "hands-off-list")
    phone = site.person(390, "dark")
    phone.open("/devices/pro-audio")
    expect(phone.at(f"row-{stack}")).to_contain_text("Handed off until", timeout=WAIT_MS)
    wrong += look(phone, "hands-off-list-390-dark")
    ana.at(f"take-back-{stack}").click()
    expect(ana.at(f"status-{stack}")).to_contain_text("Online", timeout=WAIT_MS)
    expect(phone.at(f"row-{stack}")).not_to_contain_text("Handed off", timeout=WAIT_MS)

    # A restart that was asked is amber, with since when and by whom, for Ana and for everybody else.
    ana.open(f"/devices/{box}")
    ana.at("tool-reboot").click()
    expect(ana.at("dialog-targets")).to_contain_text(f"{name} · London")
    ana.at("dialog-reboot-act").click()
    expect(ana.at("device-restart")).to_contain_text("Restarting since", timeout=WAIT_MS)
    expect(ana.at("device-restart")).to_contain_text("asked by Owner")
    expect(ana.at(f"status-{box}")).to_have_attribute("data-spell", "restarting")
    expect(ana.at("device-cause")).to_have_count(0)
    wrong += look(ana, "restart-device")
    expect(phone.at(f"row-{stack}")).to_contain_text("Restarting", timeout=WAIT_MS)
    wrong += look(phone, "restart-list-390-dark")
    expect(ana.at(f"status-{box}")).to_contain_text("Online", timeout=150_000)
    expect(ana.at("device-restart")).to_have_count(0)
    phone.close()
    ana.close()
    assert not wrong, "\n".join(wrong)


def test_a_hub_that_is_away_says_so_and_nothing_stays_asked(site: Site) -> None:
    ana = site.person()
    box = site.box["id"]
    wrong: list[str] = []
    ana.open(f"/devices/{box}")
    mute = ana.at(f"control-{MUTE}")
    expect(mute).to_be_enabled(timeout=WAIT_MS)
    loads = ana.loads

    # Asked in the moment in which nobody answers: not sent, and the same again under the same key.
    asked = keys_of(ana.page)

    def nobody(route: Route) -> None:
        route.abort("connectionrefused") if route.request.method == "POST" else route.continue_()

    ana.page.route("**/commands", nobody)
    mute.click()
    outcome = ana.at(f"outcome-{MUTE}")
    expect(outcome).to_have_attribute("data-phase", "not_sent")
    expect(outcome).to_contain_text("Not sent: the hub does not answer.")
    ana.page.unroute("**/commands")
    ana.at(f"retry-{MUTE}").click()
    expect(outcome).to_have_attribute("data-phase", "done", timeout=WAIT_MS)
    expect(mute).to_have_attribute("aria-checked", "true")
    assert len(asked) == 2 and len(set(asked)) == 1 and asked[0]

    # The hub and, with it, its server's line are gone: grey, off, and the reason beside it.
    site.hub.kill()
    site.agent.kill()
    expect(ana.at("banner-lost")).to_be_visible(timeout=WAIT_MS)
    expect(mute).to_be_disabled()
    expect(ana.at("points-off")).to_contain_text("The hub does not answer.")
    expect(ana.at("tool-locate")).to_have_attribute("aria-disabled", "true")
    grey = "getComputedStyle(document.documentElement).getPropertyValue('--unknown').trim()"
    word = ana.at(f"status-{box}").locator(".word")
    assert word.evaluate("word => getComputedStyle(word).color") == as_rgb(ana.page, grey)
    wrong += look(ana, "hub-away")

    # The hub is back and the server is not yet: neither green nor current, and controls say why.
    site.restart_hub()
    expect(ana.at("banner-lost")).to_be_hidden(timeout=90_000)
    expect(ana.at("device-awaited")).to_contain_text("London has not come back yet", timeout=WAIT_MS)
    expect(ana.at(f"status-{box}")).to_have_attribute("data-stale", "true")
    expect(ana.at(f"value-{GAIN}")).to_have_attribute("data-quality", "awaited")
    expect(mute).to_be_disabled()
    wrong += look(ana, "awaited-device")
    ana.at("nav-servers").click()
    server = ana.page.locator("[data-testid^=agent-row-]").first
    expect(server).to_contain_text("Not back yet")
    wrong += look(ana, "awaited-servers")
    ana.page.go_back()
    scenes.agent(site.base, site.programs, "agent", NETWORK)
    expect(ana.at(f"status-{box}")).not_to_have_attribute("data-stale", "true", timeout=90_000)
    expect(mute).to_be_enabled(timeout=90_000)
    expect(ana.page.locator("[data-phase=asked]")).to_have_count(0)
    assert ana.loads == loads, "a page was reloaded"
    ana.close()
    assert not wrong, "\n".join(wrong)


def as_rgb(page: Page, colour: str) -> Any:
    """A colour as computed styles write it."""
    return page.evaluate(
        f"() => {{ const probe = document.body.appendChild(document.createElement('i')); probe.style.color = {colour};"
        " const rgb = getComputedStyle(probe).color; probe.remove(); return rgb; }"
    )


def test_a_list_by_keyboard_names_that_are_told_apart_and_a_search_that_is_whole(site: Site) -> None:
    ana = site.person()
    ana.open("/devices/pro-audio?sort=name")
    rows = ana.page.locator("[data-testid^=row-dev_]")
    expect(rows).to_have_count(3, timeout=WAIT_MS)
    first = rows.first
    device = (first.get_attribute("data-testid") or "").removeprefix("row-")
    # Nothing has the focus: the arrows are the list's.
    ana.page.evaluate("document.activeElement.blur()")
    ana.page.keyboard.press("ArrowDown")
    expect(first).to_be_focused()
    ana.page.keyboard.press("ArrowRight")
    expect(first).to_have_attribute("aria-expanded", "true")
    ana.page.keyboard.press("ArrowRight")
    expect(rows.nth(1)).to_be_focused()
    expect(rows.nth(1)).to_have_attribute("aria-level", "2")
    ana.page.keyboard.press("ArrowLeft")
    expect(first).to_be_focused()
    ana.page.evaluate("document.activeElement.blur()")
    ana.page.keyboard.press(" ")
    expect(ana.at(f"select-{device}")).to_be_checked()
    # One stop for Tab: the row at hand and its own links; the other rows' are no stops.
    stops = "row => [...row.querySelectorAll('a, button, input')].filter(each => each.tabIndex >= 0).length"
    assert first.evaluate(stops) > 1
    assert rows.last.evaluate(stops) == 0
    ana.page.keyboard.press("ArrowUp")
    ana.page.keyboard.press("Enter")
    ana.page.wait_for_url(f"**/devices/{device}")

    # The search's list is whole, in front of everything, and says stack and serial of each.
    serial = site.box["serial_number"]
    ana.page.keyboard.press("/")
    ana.at("nav-search").fill(serial)
    hit = ana.at(f"hit-{site.box['id']}")
    expect(hit).to_contain_text(site.stack["name"], timeout=WAIT_MS)
    expect(hit).to_contain_text(serial[-7:])
    expect(hit.locator("[data-status]")).to_contain_text("Online")
    inside = """hits => { const box = hits.getBoundingClientRect();
        const corner = document.elementFromPoint(box.right - 12, box.top + 24);
        return box.left >= 0 && box.right <= innerWidth && box.bottom <= innerHeight && hits.contains(corner); }"""
    assert ana.at("nav-search-hits").evaluate(inside)
    green = as_rgb(ana.page, "getComputedStyle(document.documentElement).getPropertyValue('--online').trim()")
    assert hit.locator("svg").evaluate("dot => getComputedStyle(dot).color") == green
    wrong = look(ana, "search")
    ana.close()

    # On a phone every name keeps its number, wherever it is shown.
    phone = site.person(390)
    box, last = site.with_twelve_inputs()
    phone.open(f"/devices/{box}")
    expect(phone.at(f"endpoint-{last}")).to_contain_text("input 12", timeout=WAIT_MS)
    cut = """live => [...live.querySelectorAll('.strong')].filter(name => name.scrollWidth > name.clientWidth + 1
        && getComputedStyle(name).overflow === 'hidden').length"""
    assert phone.at("live").evaluate(cut) == 0
    phone.at(f"control-{last}.level.gain-more").click()
    subject = phone.at(f"outcome-{last}.level.gain").locator(".tail")
    expect(subject).to_have_text(" 12 gain", timeout=WAIT_MS)
    expect(subject).to_be_in_viewport()
    # What else an end point has is folded away, named without its end point again, and set there.
    more = phone.at(f"more-{last}")
    more.locator("> summary").click()
    phantom = more.get_by_test_id(f"control-{last}.level.phan_pwr")
    expect(more.get_by_text("phantom power", exact=True)).to_be_visible(timeout=WAIT_MS)
    phantom.click()
    expect(phantom).to_have_attribute("data-phase", "done", timeout=WAIT_MS)
    # A peripheral says through what it is watched.
    peripheral = next(
        device
        for device in site.api.devices(kind="microphone,expander")
        if not site.api.get(f"/devices/{device['id']}/points")["items"]
    )
    phone.open(f"/devices/{peripheral['id']}")
    expect(phone.at("peripheral-note")).to_contain_text("no values of its own", timeout=WAIT_MS)
    phone.at("peripheral-box").click()
    phone.page.wait_for_url(f"**/devices/{peripheral['parent']}")
    phone.close()
    assert not wrong, "\n".join(wrong)


def test_first_run_with_a_mistyped_code_and_the_way_to_a_hub(
    browser: Browser, simulator: Program, programs: list[Program], tmp_path: Path
) -> None:
    centre = hub(tmp_path, programs)
    wrong: list[str] = []
    link = centre.ready["first_run_url"]
    code = link.rsplit("code=", 1)[1]
    ana = Person(browser, centre.ready["url"])
    ana.page.goto(link.replace(code, "wrong-code"))
    ana.at("first-run-sign-in").fill(MAIL)
    ana.at("first-run-name").fill("Ana")
    ana.at("first-run-password").fill(PASSWORD)
    ana.at("first-run-submit").click()
    field = ana.at("first-run-code")
    expect(field).to_have_value("wrong-code", timeout=WAIT_MS)
    expect(field).to_have_attribute("aria-invalid", "true")
    wrong += look(ana, "first-run-mistyped")
    field.fill(code)
    ana.at("first-run-submit").click()
    expect(ana.at("welcome")).to_be_visible(timeout=WAIT_MS)

    # The same address once more: the owner exists, so it leads to the sign-in and says why.
    late = Person(browser, centre.ready["url"])
    late.page.goto(link)
    expect(late.at("sign-in-used")).to_contain_text("for the first start", timeout=WAIT_MS)
    wrong += look(late, "sign-in-used")
    late.close()

    # A server account: what to type, and where, at the other machine.
    ana.at("nav-servers").click()
    ana.at("add-server").click()
    ana.at("add-server-name").fill("London")
    ana.at("add-server-submit").click()
    port = centre.ready["tls_url"].rsplit(":", 1)[1]
    expect(ana.at("result-address")).to_have_text(f"127.0.0.1:{port}", timeout=WAIT_MS)
    expect(ana.at("dialog-add-server")).to_contain_text("External Services > Connect to Central Hub > Configure")
    wrong += look(ana, "add-server-result")
    password = ana.at("result-password").inner_text().strip()
    ana.close()

    site = scenes.agent(tmp_path, programs, "agent", NETWORK)
    lee = Person(browser, site.ready["url"])
    first_run(lee, site.ready["first_run_url"], "lee")
    lee.open("/settings/external")
    lee.at("external-configure").click()
    lee.at("external-name").fill("London")
    lee.at("external-password").fill(password)
    # The port of the page is the likeliest mistake: it is named.
    plain = centre.ready["url"].removeprefix("http://")
    lee.at("external-url").fill(plain)
    lee.at("external-save").click()
    expect(lee.at("error")).to_contain_text("8443", timeout=WAIT_MS)
    # Unencrypted goes only with an explicit word. No hub of ours takes servers without TLS, so the answer is played.
    answer = {"url": f"ws://{plain}/agent/link", "fingerprint": "", "trusted": "none", "hub": "hub_x", "name": "Plain"}
    lee.page.route("**/external/hub/check", lambda route: route.fulfill(json=answer))
    lee.at("external-save").click()
    expect(lee.at("check-trust")).to_contain_text("not encrypted", timeout=WAIT_MS)
    expect(lee.at("check-confirm")).to_be_disabled()
    wrong += look(lee, "external-unencrypted")
    lee.at("check-unencrypted").check()
    expect(lee.at("check-confirm")).to_be_enabled()
    lee.at("check-back").click()
    lee.page.unroute("**/external/hub/check")
    lee.at("external-url").fill(centre.ready["tls_url"])
    lee.at("external-save").click()
    lee.see("check-fingerprint", centre.ready["fingerprint"])
    wrong += look(lee, "external-compare")
    lee.close()
    assert not wrong, "\n".join(wrong)
