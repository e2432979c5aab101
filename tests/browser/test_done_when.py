"""The whole of it in one go: an owner builds places, invites three people of three roles by real mail, one until Friday and one for a
floor; each registers and sees exactly what the table of rights allows; the audit tells all of it, and proves itself."""

import datetime
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import create_engine, update
from tests.browser import scenes
from tests.browser.conftest import WAIT_MS, Person, look
from tests.browser.test_organization import Post, posted, set_up_mail
from tests.browser.test_places import act, add, choose, unfold
from tests.browser.test_users import PASSWORD, Building, join, row
from tests.support.programs import Program, eventually
from tests.unit.hub.app.test_matrix import MATRIX, may

from soundpost.hub.store.tables import people

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
NETWORK = "127.25.17.0/28"
LINK = re.compile(r"https?://\S+/register/\S+")
FLOOR, ROOM = "London > HQ > Fourth", "London > HQ > Fourth > 4.12"


@pytest.fixture
def simulator() -> Iterator[Program]:
    with scenes.simulated(NETWORK) as program:
        yield program


@pytest.fixture
def building(browser: Browser, simulator: Program, tmp_path: Path) -> Iterator[Building]:
    with scenes.started() as programs:
        made = Building(browser, tmp_path, programs, NETWORK)
        yield made
        made.api.close()
        for person in made.people:
            person.close()


def build(ana: Person) -> None:
    """London > HQ > Fourth > 4.12 by hand, and one stack put there from the list of those that are nowhere."""
    ana.at("nav-locations").click()
    ana.at("empty-add-place").click()
    choose(ana, "place-zone", "london", "Europe/London")
    add(ana, "London", contact="Ana, 020 7946 0958")
    for parent, name, kind in (("London", "HQ", "building"), ("HQ", "Fourth", "floor"), ("Fourth", "4.12", "room")):
        act(ana, parent, "add")
        ana.at("place-kind").select_option(kind)
        add(ana, name)
        unfold(ana, parent)
    ana.at("places-unplaced").click()
    ana.page.wait_for_url("**/devices/pro-audio?location=none")
    rows = ana.page.locator("[data-testid^=row-dev_]")
    expect(rows).to_have_count(3, timeout=WAIT_MS)
    rows.first.get_by_role("checkbox").check()
    ana.at("tool-put").click()
    choose(ana, "put-place", "12 lon", ROOM)
    ana.at("put-submit").click()
    expect(rows).to_have_count(2, timeout=WAIT_MS)


def invite(ana: Person, address: str, role: str, *, place: str = "", ends: str = "") -> None:
    ana.at("add-users").click()
    ana.at("add-users-addresses").fill(address)
    ana.at("user-role").select_option(role)
    if place:
        ana.at("user-places").fill(place)
        ana.page.get_by_role("option", name=place, exact=True).click()
        ana.page.keyboard.press("Escape")
    if ends:
        ana.at("user-ends").fill(ends)
    ana.at("add-users-submit").click()
    ana.see(f"mail-{address}", "goes out by mail")
    ana.at("add-users-close").click()


def mailed(post: Post, address: str) -> str:
    """The link of the mail that came."""
    mail = eventually(
        f"a mail to {address}", lambda: [one for one in post.sink.mails if str(one["To"]) == address], 30
    )[0]
    found = LINK.search(mail.get_body(("plain",)).get_content())
    assert found, mail
    return found[0]


def next_friday(ana: Person) -> str:
    today = datetime.date.fromisoformat(ana.page.evaluate("new Date().toLocaleDateString('sv')"))
    return str(today + datetime.timedelta(days=(4 - today.weekday()) % 7 or 7))


def asked(person: Person, route: str) -> int | str:
    """What a route says to this person's browser: its status, or that nobody may."""
    method, path = route.split(" ")
    path = re.sub(r"\{[^}]*\}", "no-such", path)
    jar = {cookie["name"]: cookie["value"] for cookie in person.context.cookies()}
    headers = {"Origin": person.url, "Content-Type": "application/json"}
    answer = httpx.request(method, person.url + path, content=b"{}", cookies=jar, headers=headers, timeout=30)
    code = answer.json().get("code", "") if answer.status_code >= 400 else ""
    return "not let" if code in ("not_allowed", "unauthenticated") else answer.status_code


def allowed(person: Person, who: str) -> list[str]:
    """Where the hub and the table differ; what reads is asked, and what changes with a body that changes nothing."""
    ends = ("DELETE /api/v1/session", "DELETE /api/v1/account/sessions", "DELETE /api/v1/account/number")
    routes = [(route, least) for route, least in MATRIX.items() if route not in ends and "export" not in route]
    return [
        f"{who}: {route} {said}"
        for route, least in routes
        if ((said := asked(person, route)) != "not let") != may(who, least)
    ]


def test_three_people_come_in_and_see_what_is_theirs(building: Building, tmp_path: Path) -> None:
    with posted() as post:
        ana = building.ana()
        ana.open("/settings/organization")
        set_up_mail(ana, post.sink.port)
        build(ana)
        found = look(ana, "done-places")
        ana.at("nav-users").click()
        friday = next_friday(ana)
        invite(ana, "mo@example.org", "monitor", place=FLOOR)
        invite(ana, "cy@example.org", "administrator", ends=friday)
        invite(ana, "bo@example.org", "owner")
        found += look(ana, "done-users-1440-light")

        # A monitor of a floor.
        mo = building.person(390, "dark")
        join(mo, mailed(post, "mo@example.org"), "Mo", before=lambda: found.extend(look(mo, "done-register-390-dark")))
        assert building.asked(mo, "/devices?kind=stack")["total"] == 1
        assert {item["path"] for item in building.asked(mo, "/locations")["items"]} == {
            "London", "London > HQ", FLOOR, ROOM,
        }  # fmt: skip
        kinds = building.asked(mo, "/summary")["kinds"]
        assert sum(kinds["mixer"].values()) < sum(building.asked(ana, "/summary")["kinds"]["mixer"].values())
        mo.open("/devices/pro-audio")
        expect(mo.page.locator("[data-testid^=row-dev_]")).to_have_count(1, timeout=WAIT_MS)
        found += look(mo, "done-pro-audio-390-dark")
        elsewhere = next(
            d["id"] for d in building.api.devices(kind="stack") if d["id"] not in str(building.asked(mo, "/devices"))
        )
        assert [building.asked(mo, path)["code"] for path in (f"/devices/{elsewhere}", "/devices/dev_none")] == [
            "not_found"
        ] * 2
        assert "@" not in str([event["data"] for event in building.asked(mo, "/events?limit=1000")["items"]])

        # An administrator until Friday, and an owner.
        cy, bo = building.person(1440, "dark"), building.person()
        join(cy, mailed(post, "cy@example.org"), "Cy")
        join(bo, mailed(post, "bo@example.org"), "Bo")
        assert {building.asked(who, "/devices?kind=stack")["total"] for who in (cy, bo)} == {3}
        cy.at("nav-users").click()
        day = cy.page.evaluate(
            "day => new Intl.DateTimeFormat('en-GB', {day: 'numeric', month: 'short', year: 'numeric'}).format(new Date(day + 'T12:00'))",
            friday,
        )
        expect(row(cy, "Cy")).to_contain_text(day)
        found += look(cy, "done-users-1440-dark")
        assert len(post.recipients()) == 3

        # The table, in the browser's own sessions.
        wrong = allowed(mo, "monitor of a floor") + allowed(cy, "administrator") + allowed(bo, "owner")
        assert wrong == []

        # Friday comes: the page that is open is out within a moment, and so is the password.
        engine = create_engine(f"sqlite:///{tmp_path}/hub/soundpost.db")
        with engine.begin() as conn:
            conn.execute(update(people).where(people.c.sign_in == "cy@example.org").values(ends_ms=1))
        engine.dispose()
        expect(cy.at("sign-in-submit")).to_be_visible(timeout=WAIT_MS)
        cy.at("sign-in-name").fill("cy@example.org")
        cy.at("sign-in-password").fill(PASSWORD)
        cy.at("sign-in-submit").click()
        cy.see("error", "wrong")
        assert found == []

    # The audit tells all of it, and proves itself.
    told = building.asked(ana, "/audit?limit=1000")["items"]
    acts = {(item["act"], item["who"]["name"]) for item in told}
    owner = building.hub.ready["owner"]["email"]
    name = next(item["name"] for item in building.asked(ana, "/users")["items"] if item["sign_in"] == owner)
    assert acts >= {
        ("organization.changed", name), ("location.added", name), ("person.invited", name), ("person.joined", "Mo"),
        ("person.joined", "Cy"), ("person.joined", "Bo"), ("session.opened", "Cy"), ("person.ended", "Soundpost"),
    }  # fmt: skip
    invitations = {json.dumps([item["arguments"], item["after"]]) for item in told if item["act"] == "person.invited"}
    assert len(invitations) == 3
    assert any("mo@example.org" in one and "loc_" in one for one in invitations)
    command = [sys.executable, "-m", "soundpost.cli.main", "audit", "verify", "--data", f"{tmp_path}/hub"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path", ["/?next=https://evil.example/", "/sign-in?next=//evil.example", "/?first=1&next=javascript:alert(1)"]
)
def test_no_address_leads_elsewhere_after_signing_in(building: Building, path: str) -> None:
    ana = building.person()
    ana.open(path)
    ana.at("sign-in-name").fill(building.hub.ready["owner"]["email"])
    ana.at("sign-in-password").fill(building.hub.ready["owner"]["password"])
    ana.at("sign-in-submit").click()
    expect(ana.page.locator("#main")).to_be_visible(timeout=WAIT_MS)
    assert ana.page.url.startswith(building.url + "/")
