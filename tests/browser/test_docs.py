"""The page of the API's document, in real Chromium on a real hub: nothing from elsewhere, and a call made from it is answered."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import WAIT_MS, Person, look
from tests.browser.scenes import hub, started

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
LIBRARY = (
    "color-contrast",
    "nested-interactive",
    "label",
    "select-name",
    "aria-",
    "list",
    "target-size",
    "scrollable-region",
)
"""Rules the library's own parts do not keep; ours do, and a new kind of failing shows."""


def tried(person: Person, operation: str) -> Any:
    """The answer of one call made from the page."""
    block = person.page.locator(f"#operations-{operation}")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    with person.page.expect_response(lambda answer: "/api/v1/" in answer.url and "openapi" not in answer.url) as caught:
        block.get_by_role("button", name="Execute").click()
    return caught.value


def test_the_document_is_read_and_tried(browser: Browser, tmp_path: Path) -> None:
    with started() as programs:
        program = hub(tmp_path, programs, make_owner=True)
        url, owner = program.ready["url"], program.ready["owner"]
        person = Person(browser, url)
        elsewhere: list[str] = []
        person.page.on(
            "request", lambda one: elsewhere.append(one.url) if not one.url.startswith((url, "data:")) else None
        )
        person.open("/api/docs")
        expect(person.page.get_by_role("heading", name="Soundpost")).to_be_visible(timeout=WAIT_MS)
        found = look(person, "docs-1440")
        assert tried(person, "Inventory-ApiV1SummarySummary").status == 401
        person.sign_in(owner["email"], owner["password"])
        expect(person.at("sign-in-submit")).to_have_count(0, timeout=WAIT_MS)
        person.open("/api/docs")
        assert tried(person, "Inventory-ApiV1SummarySummary").status == 200
        found += look(person, "docs-open-1440")
        assert elsewhere == []
        person.close()
        for width, theme in ((1440, "dark"), (390, "light"), (390, "dark")):
            other = Person(browser, url, width, theme)
            other.open("/api/docs#/Inventory/ApiV1SummarySummary")
            expect(other.page.get_by_role("heading", name="Soundpost")).to_be_visible(timeout=WAIT_MS)
            found += look(other, f"docs-{width}-{theme}")
            other.close()
        with_key(browser, url, program.ready["api_key"])
        assert [line for line in found if not any(rule in line for rule in LIBRARY)] == []


def with_key(browser: Browser, url: str, key: str) -> None:
    person = Person(browser, url)
    person.open("/api/docs")
    person.page.get_by_role("button", name="Authorize").first.click()
    person.page.locator("input#api_key_value").last.fill(key)
    person.page.locator(".auth-container", has_text="X-Api-Key").get_by_role("button", name="Apply credentials").click()
    person.page.get_by_role("button", name="Close").last.click()
    assert tried(person, "Inventory-ApiV1SummarySummary").status == 200
    person.close()
