"""What headless Chromium draws: the intervals between its animation frames, as the page itself counts them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page, sync_playwright
from tests import chromium

COUNT = """() => {
  window.__frames = [];
  let last = performance.now();
  const tick = now => { window.__frames.push(now - last); last = now; requestAnimationFrame(tick); };
  requestAnimationFrame(now => { last = now; requestAnimationFrame(tick); });
}"""
TAKE = "() => { const all = window.__frames; window.__frames = []; return all; }"
WAIT_MS = 60_000


@contextmanager
def list_page(url: str, owner: dict[str, str]) -> Iterator[Page]:
    """Signed in, on the list of Pro Audio devices, counting frames."""
    path = chromium.find()
    if not path:
        raise RuntimeError("No Chromium: `make test` finds or installs one, or set SOUNDPOST_CHROMIUM to its path.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB")
            page.set_default_timeout(WAIT_MS)
            page.goto(url)
            page.get_by_test_id("sign-in-name").fill(owner["email"])
            page.get_by_test_id("sign-in-password").fill(owner["password"])
            page.get_by_test_id("sign-in-submit").click()
            page.get_by_test_id("nav-pro-audio").click()
            page.locator("[data-testid^=row-dev_]").first.wait_for()
            page.evaluate(COUNT)
            yield page
        finally:
            browser.close()


def taken(page: Page) -> list[float]:
    """Milliseconds between the frames since the last look."""
    intervals: list[float] = page.evaluate(TAKE)
    return intervals


def first_row(page: Page) -> str:
    return str(page.locator("[data-testid^=row-dev_]").first.inner_text())


def shows(page: Page, word: str) -> Any:
    """Waits until the first row of the list says so."""
    page.locator("[data-testid^=row-dev_]", has_text=word).first.wait_for()
