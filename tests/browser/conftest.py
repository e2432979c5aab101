"""One real Chromium for this folder's tests, and the words a test says to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from tests import chromium

WAIT_MS = 60_000
SHOTS = Path(__file__).parent / "shots"
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    assert path, "No Chromium: run `make test`, which finds or installs one."
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        yield started
        started.close()


class Person:
    """Somebody at a browser. Reading the console is part of looking: an error there fails the test."""

    def __init__(
        self, browser: Browser, url: str, width: int = 1440, theme: Any = "light", touch: bool = False
    ) -> None:
        self.url = url
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            locale="en-GB",
            timezone_id="Europe/London",
            has_touch=touch,
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self.said)
        self.loads = 0
        self.page.on("load", lambda _: setattr(self, "loads", self.loads + 1))

    def said(self, message: ConsoleMessage) -> None:
        """What an error boundary catches is only said here. A request refused or a socket lost is said here too: no error of the page's."""
        if message.type == "error" and not any(
            word in message.text for word in ("Failed to load resource", "WebSocket connection")
        ):
            self.errors.append(message.text)

    def at(self, testid: str) -> Any:
        return self.page.get_by_test_id(testid)

    def see(self, testid: str, text: str) -> None:
        expect(self.at(testid)).to_contain_text(text, timeout=WAIT_MS)

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)

    def sign_in(self, name: str, password: str) -> None:
        self.open("/")
        self.at("sign-in-name").fill(name)
        self.at("sign-in-password").fill(password)
        self.at("sign-in-submit").click()

    def close(self) -> None:
        self.context.close()
        assert not self.errors, self.errors


def slip(person: Person) -> None:
    """A stray Escape, and a stray click beside the dialog."""
    person.page.keyboard.press("Escape")
    person.page.mouse.click(4, 4)
    person.page.keyboard.press("Escape")


def look(person: Person, name: str) -> list[str]:
    """A picture of the screen, and what axe finds wrong with it."""
    SHOTS.mkdir(exist_ok=True)
    person.page.screenshot(path=SHOTS / f"{name}.png")
    # Through the debugger, not as a script tag: the page's own rules for scripts stay as strict as they are.
    person.page.evaluate(AXE.read_text())
    found = person.page.evaluate(
        "async () => (await axe.run(document, {runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa']})).violations"
        ".map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).slice(0, 4).join(', '))"
    )
    return [f"{name}: {line}" for line in found]
