"""A real Chromium for the browser tests: SOUNDPOST_CHROMIUM, else Debian's, else apt as root, else Playwright's own download.

Run as a program it makes sure there is one, and says in one sentence what to do when it can't be had. Never a skip.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-domain-reliability",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
"""The last one keeps the browser on this machine: no name but localhost resolves."""


def find() -> str | None:
    named = os.environ.get("SOUNDPOST_CHROMIUM")
    if named:
        return named
    for name in NAMES:
        if path := shutil.which(name):
            return path
    if MAC.exists():
        return str(MAC)
    return playwrights()


def playwrights() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def ensure() -> str:
    if path := find():
        return path
    if sys.platform.startswith("linux") and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium with apt-get ...", flush=True)
        quiet = {
            "stdout": subprocess.DEVNULL,
            "stdin": subprocess.DEVNULL,
            "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        }
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium", "fonts-dejavu-core"], check=False, **quiet)
    else:
        print("Downloading Chromium with playwright ...", flush=True)
        subprocess.run(
            [sys.executable, "-m", "playwright", "install", "chromium"], check=False, stdin=subprocess.DEVNULL
        )
    if path := find():
        return path
    sys.exit(
        "No Chromium could be had: install it (Debian: apt-get install chromium) or set SOUNDPOST_CHROMIUM to its path. "
        "The browser tests are never skipped."
    )


if __name__ == "__main__":
    ensure()
