"""What a place looks like: photos added, captioned, looked at, sent along with somebody, and deleted. Real Chromium, a real hub."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect
from tests.browser import scenes
from tests.browser.conftest import WAIT_MS, Person, look
from tests.browser.scenes import hub
from tests.support.programs import Api

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


class Drawn:
    """A hub with one room, and Ana at its page."""

    def __init__(self, browser: Browser, base: Path) -> None:
        self.browser = browser
        self.running = scenes.started()
        self.hub = hub(base, self.running.__enter__(), make_owner=True)
        self.url = self.hub.ready["url"]
        self.api = Api(self.url, self.hub.ready["api_key"])
        self.ana = self.person()
        answer = self.ana.page.request.post(
            f"{self.url}/api/v1/locations", data={"name": "4.12", "kind": "room"}, headers={"Origin": self.url}
        )
        self.room = answer.json()["id"]

    def person(self, width: int = 1440, theme: str = "light") -> Person:
        who = Person(self.browser, self.url, width, theme)
        who.sign_in(self.hub.ready["owner"]["email"], self.hub.ready["owner"]["password"])
        expect(who.at("dashboard-sentence")).to_be_visible(timeout=WAIT_MS)
        return who

    def close(self) -> None:
        self.api.close()
        self.running.__exit__(None, None, None)


@pytest.fixture
def drawn(browser: Browser, tmp_path: Path) -> Iterator[Drawn]:
    made = Drawn(browser, tmp_path)
    yield made
    made.close()


def photo(folder: Path, name: str, start: tuple[int, int, int]) -> Path:
    """Of nothing in particular, but with light and shade."""
    image = Image.linear_gradient("L").resize((2_000, 1_400))
    path = folder / name
    Image.merge("RGB", [image.point(lambda v, c=c: (v + c) // 2) for c in start]).save(path, quality=90)
    return path


def test_photos_of_a_room(drawn: Drawn, tmp_path: Path) -> None:
    ana = drawn.ana
    ana.open(f"/locations/{drawn.room}")
    ana.see("photos-none", "No photos yet")
    loads = ana.loads

    # One: it is captioned at once.
    ana.at("photos-files").set_input_files(photo(tmp_path, "door.jpg", (200, 160, 90)))
    expect(ana.at("dialog-photo")).to_be_visible(timeout=WAIT_MS)
    expect(ana.at("photo-large")).to_have_js_property("naturalWidth", 1_600, timeout=WAIT_MS)
    ana.at("photo-caption").fill("Door, from the lift")
    ana.at("photo-save").click()
    expect(ana.at("dialog-photo")).to_be_hidden(timeout=WAIT_MS)
    ana.see("photos", "Door, from the lift")

    # Several at once; somebody else's page shows them by itself.
    sam = drawn.person(390, "dark")
    sam.open(f"/locations/{drawn.room}")
    sam.see("photos", "Door, from the lift")
    ana.at("photos-files").set_input_files(
        [photo(tmp_path, "rack.png", (40, 90, 160)), photo(tmp_path, "floor.webp", (90, 40, 90))]
    )
    for who in (ana, sam):
        expect(who.at("photos").get_by_role("listitem")).to_have_count(3, timeout=WAIT_MS)
        who.page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    findings = look(ana, "place-photos") + look(sam, "place-photos-phone")
    expect(sam.at("photos-take")).to_be_visible()
    assert sam.at("photos-camera").get_attribute("capture") == "environment"

    # What is no picture says so, and so does one that is too large, before it is sent.
    (tmp_path / "note.jpg").write_text("not a picture")
    ana.at("photos-files").set_input_files(tmp_path / "note.jpg")
    ana.see("photos-error", "no JPEG, PNG or WebP")
    (tmp_path / "large.jpg").write_bytes(b"\xff" * (17 << 20))
    ana.at("photos-files").set_input_files(tmp_path / "large.jpg")
    ana.see("photos-error", "16 MiB")

    # Looked through, sent along, and one deleted.
    ana.at("photos").get_by_role("button").first.click()
    ana.at("photo-next").click()
    expect(ana.at("photo-previous")).not_to_have_attribute("aria-disabled", "true")
    expect(ana.at("photo-large")).to_have_js_property("complete", True, timeout=WAIT_MS)
    findings += look(ana, "photo")
    ana.at("photo-delete").click()
    ana.see("dialog-photo-delete", "gone for everybody")
    ana.at("dialog-photo-delete-act").click()
    for who in (ana, sam):
        expect(who.at("photos").get_by_role("listitem")).to_have_count(2, timeout=WAIT_MS)
    sam.at("tool-send").click()
    expect(sam.at("send-photos").get_by_role("link")).to_have_count(2, timeout=WAIT_MS)
    sam.page.wait_for_function("[...document.images].every((image) => image.complete)")
    findings += look(sam, "send-photos-phone")
    sam.page.keyboard.press("Escape")
    sam.at("photos").get_by_role("button").first.click()
    expect(sam.at("photo-large")).to_have_js_property("complete", True, timeout=WAIT_MS)
    findings += look(sam, "photo-phone")

    # The place goes: it is asked, and they go with it.
    ana.at("tool-place-delete").click()
    ana.at("dialog-place-delete-act").click()
    ana.see("place-hanging", "2 photos")
    ana.see("dialog-place-delete", "are deleted")
    ana.at("dialog-place-delete-act").click()
    ana.page.wait_for_url("**/locations")
    assert ana.loads == loads, "a page was reloaded"
    assert findings == []
    for who in (ana, sam):
        who.close()
