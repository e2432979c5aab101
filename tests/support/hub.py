"""A hub's application inside the test process: real sockets, a real store, no agents."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar

from soundpost.hub import app, serve
from soundpost.hub.people.api import About
from soundpost.hub.people.service import People
from soundpost.hub.store import Store
from soundpost.kernel.clock import Clock, SystemClock

OWNER = {"sign_in": "ada@example.org", "name": "Ada", "password": "a long enough password"}


class Hub:
    """`client` speaks to the plain listener and keeps cookies; unsafe methods carry the page's Origin."""

    def __init__(self, application: Litestar, store: Store, people: People, code: str, port: int) -> None:
        self.app, self.store, self.people, self.code, self.port = application, store, people, code, port
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.AsyncClient(base_url=self.url, headers={"Origin": self.url})
        self._pages: list[httpx.AsyncClient] = []

    def page(self, **headers: str) -> httpx.AsyncClient:
        """Another browser, with no cookies; closed with the hub."""
        self._pages.append(httpx.AsyncClient(base_url=self.url, headers=headers))
        return self._pages[-1]

    async def close(self) -> None:
        for page in (self.client, *self._pages):
            await page.aclose()

    async def first_run(self, **changes: str) -> httpx.Response:
        return await self.client.post("/api/v1/first-run", json={"code": self.code, **OWNER, **changes})

    async def sign_in(self, client: httpx.AsyncClient | None = None, **changes: str) -> httpx.Response:
        body = {"sign_in": OWNER["sign_in"], "password": OWNER["password"], **changes}
        return await (client or self.client).post("/api/v1/session", json=body)

    async def event_types(self) -> list[str]:
        from soundpost.hub.store import outbox

        return [entry.type for entry in await self.store.read(lambda conn: outbox.read(conn, limit=1_000))]


@asynccontextmanager
async def hub(
    folder: Path,
    *,
    clock: Clock | None = None,
    rooms: app.Rooms | Callable[[Store, People], app.Rooms] | None = None,
    edition: app.Edition | None = None,
    target: Path | str | None = None,
    **people_options: Any,
) -> AsyncIterator[Hub]:
    """`target`: the store's, SQLite in `folder` when left out."""
    now = clock or SystemClock()
    async with Store(target or folder / "soundpost.db", SystemClock()) as store:
        people = People(store, now, **people_options)
        code = await people.start()
        what = edition or app.Edition("enterprise", web_folder=folder / "web")
        about = About(what.code, what.version, what.name)
        opened = rooms(store, people) if callable(rooms) else rooms or app.Rooms()
        application = app.build(what, store, people, opened, about=about)
        try:
            async with serve.Serving(application, SystemClock(), plain=serve.Plain(0)) as serving:
                made = Hub(application, store, people, code or "", serving.port)
                try:
                    yield made
                finally:
                    await made.close()
        finally:
            people.close()


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The answer is problem JSON of this status and code, and tells no secrets of the inside."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    body: dict[str, Any] = json.loads(answer.text)
    assert body.keys() == {"type", "title", "status", "code", "detail", "params"}
    assert (body["status"], body["code"]) == (status, code), body
    assert body["detail"].endswith("."), body
    assert "Traceback" not in answer.text
    assert OWNER["password"] not in answer.text
    return body
