"""What is evidenced and what is assumed, on a device's page: both words in sight, explained to a mouse, a keyboard and a finger. Real
Chromium, real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser import scenes
from tests.browser.conftest import WAIT_MS, Person, look
from tests.support.programs import Api, Program, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
NETWORK = "127.26.16.0/28"
EVIDENCED = "A public document says how the device tells it."
ASSUMED = "Assumed, not yet proven on hardware."


class Site:
    def __init__(self, browser: Browser, base: Path, programs: list[Program]) -> None:
        self.browser = browser
        self.hub = scenes.hub(base, programs, make_owner=True, agents=[{"name": "London", "fresh": True}])
        scenes.agent(base, programs, "agent", NETWORK, join=self.hub.ready["agents"][0])
        api = Api(self.hub.ready["url"], self.hub.ready["api_key"])
        eventually("mixers", lambda: len(api.devices(kind="mixer", status="online")) >= 3)
        self.mixer = api.devices(kind="mixer")[0]
        api.close()

    def at_mixer(self, width: int = 1440, theme: str = "light") -> Person:
        who = Person(self.browser, self.hub.ready["url"], width, theme, touch=width < 500)
        who.sign_in(self.hub.ready["owner"]["email"], self.hub.ready["owner"]["password"])
        expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
        who.open(f"/devices/{self.mixer['id']}")
        expect(who.at("facts")).to_be_visible(timeout=WAIT_MS)
        return who


@pytest.fixture
def site(browser: Browser, tmp_path: Path) -> Iterator[Site]:
    with scenes.simulated(NETWORK) as simulator, scenes.started() as programs:
        assert simulator.ready
        yield Site(browser, tmp_path, programs)


def test_both_words_stand_on_the_page_and_are_explained(site: Site) -> None:
    ana = site.at_mixer()
    legend = ana.at("evidence-legend")
    expect(legend).to_contain_text("evidenced: a public document says")
    expect(legend).to_contain_text("assumed: worked out, not yet proven on hardware.")
    for field in ("serial_number", "model", "mac", "firmware_version"):
        word = "assumed" if field in site.mixer["assumed"] else "evidenced"
        expect(ana.at(f"worth-{field}")).to_have_text(word)
    for name, word in site.mixer["capabilities"].items():
        if word in ("evidenced", "assumed"):
            expect(ana.at(f"support-{name}")).to_contain_text(word)
    tip = ana.page.get_by_role("tooltip")
    # by the keyboard
    ana.at("worth-serial_number").focus()
    word = "assumed" if "serial_number" in site.mixer["assumed"] else "evidenced"
    expect(tip.filter(has_text=ASSUMED if word == "assumed" else EVIDENCED)).to_be_visible(timeout=WAIT_MS)
    findings = look(ana, "evidence-1440-light")
    ana.at("worth-serial_number").blur()
    expect(tip).to_have_count(0, timeout=WAIT_MS)
    # by pointing
    ana.at("support-control").hover()
    expect(tip.filter(has_text=EVIDENCED)).to_be_visible(timeout=WAIT_MS)
    assert findings == []
    ana.close()


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (390, "dark"), (1440, "dark")])
def test_the_words_in_each_width_and_theme(site: Site, width: int, theme: str) -> None:
    ana = site.at_mixer(width, theme)
    expect(ana.at("evidence-legend")).to_be_visible(timeout=WAIT_MS)
    ana.at("evidence-legend").scroll_into_view_if_needed()
    assert look(ana, f"evidence-{width}-{theme}") == []
    if width < 500:
        ana.at("support-control").tap()
        expect(ana.page.get_by_role("tooltip").filter(has_text=EVIDENCED)).to_be_visible(timeout=WAIT_MS)
    ana.close()
