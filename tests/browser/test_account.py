"""My Account and signing in, in a real browser: second factor, forgotten password, sessions, number, the own clock."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pyotp
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import create_engine, select, update
from tests.browser import scenes
from tests.browser.conftest import Person, look, slip
from tests.support.programs import Program

from soundpost.hub.store.tables import outgoing, second_factors
from soundpost.kernel.sealed import Secrets
from soundpost.kernel.settings import named_keys

pytestmark = pytest.mark.slow
SOON_MS = 1_000
NEW = "a quite new password"


class Running:
    def __init__(self, base: Path, programs: list[Program]) -> None:
        self.data = base / "hub"
        self.program = scenes.hub(base, programs)
        self.url: str = self.program.ready["url"]
        self.first = self.program.ready["first_run_url"]
        self.engine = create_engine(f"sqlite:///{self.data}/soundpost.db")

    def age(self) -> None:
        """As if the code that was used last were an old one: no test waits for the next."""
        with self.engine.begin() as conn:
            conn.execute(update(second_factors).values(last_step=0))

    def messages(self, kind: str) -> list[dict[str, Any]]:
        sealer = Secrets(named_keys(self.data)).sealer
        with self.engine.connect() as conn:
            rows = list(conn.execute(select(outgoing).where(outgoing.c.kind == kind)))
        return [msgspec.msgpack.decode(sealer.open(bytes(row.body), f"outgoing {row.id}")) for row in rows]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with scenes.started() as programs:
        yield Running(tmp_path_factory.mktemp("account"), programs)


@pytest.fixture(scope="module")
def ana(hub: Running, browser: Browser) -> Iterator[Person]:
    person = Person(browser, hub.url)
    scenes.first_run(person, hub.first, scenes.MAIL)
    person.at("account-continue").click()
    yield person
    person.close()


def api(person: Person, method: str, path: str, body: Any = None) -> httpx.Response:
    jar = {cookie["name"]: cookie["value"] for cookie in person.context.cookies()}
    return httpx.request(
        method, f"{person.url}/api/v1{path}", json=body, cookies=jar, headers={"Origin": person.url}, timeout=30
    )


def come_in(person: Person, name: str) -> None:
    person.sign_in(name, scenes.PASSWORD)
    expect(person.page.locator("#main")).to_be_visible()


def test_the_screen_in_both_themes_and_widths(ana: Person, hub: Running, browser: Browser) -> None:
    ana.open("/settings/account")
    expect(ana.at("session")).to_have_count(1)
    found = look(ana, "account-1440-light")
    for width, theme in ((390, "light"), (1440, "dark"), (390, "dark")):
        other = Person(browser, hub.url, width, theme)
        other.context.add_cookies(ana.context.cookies())  # type: ignore[arg-type]
        other.open("/settings/account")
        expect(other.at("session")).to_have_count(1)
        found += look(other, f"account-{width}-{theme}")
        wide = other.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            found.append(f"{width}: {wide} px too wide")
        other.close()
    assert found == []


def test_a_number_is_changed_refused_and_cleared(ana: Person) -> None:
    ana.open("/settings/account")
    ana.at("number-change").click()
    ana.at("number-field").fill("12")
    ana.at("number-submit").click()
    ana.see("dialog-number", "with + and the country")
    ana.at("number-field").fill("+44 20 7946 0958")
    ana.page.keyboard.press("Enter")
    expect(ana.at("dialog-number")).to_have_count(0)
    ana.see("number", "+442079460958")
    ana.see("number", "not verified")
    ana.at("number-clear").click()
    ana.see("number-shown", "None")


def test_a_session_ends_in_another_browser_within_a_second(ana: Person, hub: Running, browser: Browser) -> None:
    other = Person(browser, hub.url)
    come_in(other, scenes.MAIL)
    other.open("/servers")
    expect(other.page.locator("h1")).to_be_visible()
    expect(other.page.locator(".frame.lost")).to_have_count(0)
    ana.open("/settings/account")
    expect(ana.at("session")).to_have_count(2)
    with other.page.expect_response(
        lambda answer: answer.url.endswith("/api/v1/session") and answer.request.method == "GET"
    ):
        ana.at("sessions-end-others").click()
    expect(other.at("sign-in-name")).to_be_visible(timeout=SOON_MS)
    expect(ana.at("session")).to_have_count(1)
    other.close()


def test_the_zone_and_the_language_follow_the_person(ana: Person, hub: Running, browser: Browser) -> None:
    assert api(ana, "PATCH", "/account", {"zone": "Asia/Tokyo", "language": "de"}).status_code == 204
    other = Person(browser, hub.url)
    come_in(other, scenes.MAIL)
    other.open("/settings/account")
    other.see("sessions", "Angemeldet")
    own = other.at("session").locator("time").first
    hour = other.page.evaluate(
        "iso => new Intl.DateTimeFormat('de', {hour: '2-digit', minute: '2-digit', timeZone: 'Asia/Tokyo'}).format(new Date(iso))",
        own.get_attribute("datetime"),
    )
    expect(own).to_contain_text(hour)
    other.close()
    assert api(ana, "PATCH", "/account", {"zone": "", "language": "en"}).status_code == 204


def test_a_second_factor_from_set_up_to_recovery_code(ana: Person, hub: Running, browser: Browser) -> None:
    ana.open("/settings/account")
    ana.at("factor-set-up").click()
    ana.at("factor-password").fill("not this one")
    ana.at("factor-next").click()
    ana.see("dialog-factor", "wrong")
    ana.at("factor-password").fill(scenes.PASSWORD)
    ana.at("factor-next").click()
    totp = pyotp.TOTP(ana.at("factor-secret").inner_text().strip())
    expect(ana.page.get_by_role("img", name="QR code")).to_be_visible()
    assert look(ana, "account-factor") == []
    ana.at("factor-code").fill(totp.now())
    ana.at("factor-confirm-act").click()
    expect(ana.at("recovery-codes")).to_be_visible()
    slip(ana)
    codes = ana.at("recovery-codes").inner_text().split()
    assert len(codes) == 10
    ana.at("recovery-kept").click()
    ana.see("factor-state", "10 recovery codes left")
    ana.at("account-sign-out").click()

    ana.at("sign-in-name").fill(scenes.MAIL)
    ana.at("sign-in-password").fill(scenes.PASSWORD)
    ana.page.keyboard.press("Enter")
    ana.at("second-code").fill("12345")
    ana.page.keyboard.press("Enter")
    ana.see("second-step", "does not fit")
    assert look(ana, "sign-in-second") == []
    hub.age()
    ana.at("second-code").fill(totp.now())
    ana.page.keyboard.press("Enter")
    expect(ana.at("second-step")).to_have_count(0)
    expect(ana.page.locator("h1")).to_be_visible()

    other = Person(browser, hub.url, 390, "dark")
    other.sign_in(scenes.MAIL, scenes.PASSWORD)
    other.at("second-code").fill(codes[0].lower())
    other.at("second-submit").click()
    expect(other.at("second-step")).to_have_count(0)
    other.open("/settings/account")
    other.see("factor-state", "9 recovery codes left")
    other.at("factor-codes").click()
    other.at("proof-password").fill(scenes.PASSWORD)
    other.at("proof-code").fill(codes[2])
    other.at("codes-act").click()
    expect(other.at("recovery-codes")).to_be_visible()
    slip(other)
    codes = other.at("recovery-codes").inner_text().split()
    other.at("recovery-kept").click()
    other.see("factor-state", "10 recovery codes left")
    other.at("factor-disable").click()
    other.at("proof-password").fill(scenes.PASSWORD)
    other.at("proof-code").fill(codes[1])
    other.at("disable-act").click()
    other.see("factor-state", "Off.")
    other.close()
    assert {told["name"] for told in hub.messages("second_factor_changed")} == {"Ana"}


def test_who_must_have_one_sets_it_up_before_anything_else(ana: Person, hub: Running, browser: Browser) -> None:
    answer = api(ana, "POST", "/users", {"addresses": "lee@example.com", "role": "administrator"})
    link = answer.json()["items"][0]["link"].removeprefix("/register/")
    body = {"password": scenes.PASSWORD, "name": "Lee", "terms": True}
    assert httpx.post(f"{hub.url}/api/v1/registration/{link}", json=body).status_code == 201
    lee = Person(browser, hub.url)
    come_in(lee, "lee@example.com")
    lee.open("/servers")
    assert api(ana, "PUT", "/policy/second-factor", {"demanded_of": "administrators"}).status_code == 200
    expect(lee.at("set-up-first")).to_be_visible()
    assert look(lee, "set-up-first") == []
    lee.at("factor-password").fill(scenes.PASSWORD)
    lee.at("factor-next").click()
    lee.at("factor-code").fill(pyotp.TOTP(lee.at("factor-secret").inner_text().strip()).now())
    lee.at("factor-confirm-act").click()
    lee.at("recovery-kept").click()
    expect(lee.at("set-up-first")).to_have_count(0)
    expect(lee.page.locator("h1")).to_be_visible()
    lee.close()


def test_a_forgotten_password_by_a_link(ana: Person, hub: Running, browser: Browser) -> None:
    """No mail is set up here: the page says whom to ask, and an owner hands a link over."""
    guest = Person(browser, hub.url)
    answer = httpx.get(f"{hub.url}/api/v1/session").json()
    assert answer["forgotten"] == "owner"
    guest.open("/")
    guest.at("sign-in-forgot").click()
    guest.see("forgot-owner", "Ask an owner")
    assert look(guest, "forgot") == []
    # the owner is held back by now: the demand holds for owners as well
    expect(ana.at("set-up-first")).to_be_visible()
    ana.at("factor-password").fill(scenes.PASSWORD)
    ana.at("factor-next").click()
    ana.at("factor-code").fill(pyotp.TOTP(ana.at("factor-secret").inner_text().strip()).now())
    ana.at("factor-confirm-act").click()
    ana.at("recovery-kept").click()
    assert api(ana, "PUT", "/policy/second-factor", {"demanded_of": "nobody"}).status_code == 200
    answer = api(ana, "POST", "/users", {"addresses": "max@example.com", "role": "monitor"})
    item = answer.json()["items"][0]
    body = {"password": scenes.PASSWORD, "name": "Max", "terms": True}
    path = item["link"].replace("/register/", "/api/v1/registration/")
    assert httpx.post(hub.url + path, json=body).status_code == 201
    link = api(ana, "POST", f"/users/{item['id']}/reset").json()["link"]
    guest.open(link)
    guest.see("reset", "max@example.com")
    assert re.fullmatch(re.escape(hub.url) + "/", guest.page.url)  # the token is gone from the address bar
    assert look(guest, "reset") == []
    guest.at("reset-password").fill(NEW)
    guest.at("reset-again").fill(NEW + "x")
    guest.see("reset", "do not match")
    guest.at("reset-again").fill(NEW)
    guest.at("reset-submit").click()
    guest.see("sign-in-reset", "new password holds")
    guest.at("sign-in-name").fill("max@example.com")
    guest.at("sign-in-password").fill(NEW)
    guest.page.keyboard.press("Enter")
    expect(guest.at("sign-in")).to_have_count(0)
    guest.open(link)
    guest.see("reset-gone", "does not fit any more")
    assert hub.messages("password_changed")
    guest.close()


def test_an_address_in_the_url_is_not_followed(hub: Running, browser: Browser) -> None:
    stranger = Person(browser, hub.url)
    for path in ("/?next=https://evil.example/", "/?redirect=//evil.example", "//evil.example/%2f.."):
        stranger.open(path)
        expect(stranger.at("sign-in-name")).to_be_visible()
        assert stranger.page.url.startswith(hub.url)
    stranger.at("sign-in-name").fill("max@example.com")
    stranger.at("sign-in-password").fill(NEW)
    stranger.page.keyboard.press("Enter")
    expect(stranger.at("sign-in")).to_have_count(0)
    assert stranger.page.url.startswith(hub.url)
    stranger.close()
