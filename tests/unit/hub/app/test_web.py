from pathlib import Path

import pytest
from tests.support.hub import Hub, hub

from soundpost.hub.web import POLICY

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("path", ["/", "/index.html", "/devices/dev_1", "/first-run", "/servers?x=1"])
async def test_the_clients_own_addresses_are_the_page(home: Hub, path: str) -> None:
    answer = await home.client.get(path, headers={"accept": "text/html,*/*"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<title>Soundpost" in answer.text
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_assets_are_kept_and_packed(home: Hub) -> None:
    answer = await home.client.get("/assets/index-abc123.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text.startswith("export const page")
    plain = await home.client.get("/assets/index-abc123.js", headers={"accept-encoding": "identity"})
    assert (plain.text, "content-encoding" in plain.headers) == (answer.text, False)
    again = await home.client.get("/assets/index-abc123.js", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_nothing_outside_the_build_is_served(home: Hub) -> None:
    for path in ("/../soundpost.db", "/%2e%2e/soundpost.db", "/assets/..%2f..%2fsoundpost.db"):
        assert b"SQLite" not in (await home.client.get(path)).content


async def test_head_and_api_caching(home: Hub) -> None:
    assert (await home.client.head("/")).status_code == 200
    assert (await home.client.get("/api/v1/health")).headers["cache-control"] == "no-store"


async def test_a_missing_build_says_what_to_do(tmp_path: Path) -> None:
    async with hub(tmp_path) as running:
        answer = await running.client.get("/")
    assert (answer.status_code, "make setup" in answer.text) == (200, True)
