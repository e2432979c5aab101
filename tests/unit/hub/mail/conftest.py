from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.clock import ManualClock

from soundpost.hub import tls
from soundpost.hub.audit.service import SYSTEM
from soundpost.hub.mail import jobs, repo
from soundpost.hub.mail import service as mail
from soundpost.hub.mail.service import Post
from soundpost.hub.organization.service import Change, Organization
from soundpost.hub.store import Store
from soundpost.kernel.clock import SystemClock


class Office:
    """A queue and the couriers of one store. A round ends when nothing is due."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store, self.clock = store, clock
        self.organization = Organization(store)
        self.post = Post(store, self.organization)
        self.mail = jobs.Courier(self.post, "mail", clock, lambda: 0.5)
        self.sms = jobs.Courier(self.post, "sms", clock, lambda: 0.5)

    async def start(self) -> None:
        await self.organization.start()
        await self.store.unit_of_work(lambda tx: repo.interrupted(tx.conn))
        await self.post.count()

    async def change(self, **fields: Any) -> None:
        await self.organization.change(SYSTEM, Change(**fields))

    async def set_up(self, port: int, security: str = "none", **more: Any) -> None:
        server = {
            "server": "localhost",
            "port": port,
            "security": security,
            "from_address": "av@example.org",
            "timeout_s": 5,
        }
        secret = {"mail_secret": more.pop("password")} if "password" in more else {}
        await self.change(name="Acme", address="https://av.example.org", mail={**server, **more}, **secret)

    async def queue(self, to: str, kind: str = "invitation", *, channel: Any = "mail", **more: Any) -> str:
        params = more.pop("params", {"by": "Ada", "role": "monitor", "until_ms": 0, "link": "/register/abc"})
        return await self.store.unit_of_work(lambda tx: mail.queue(tx, channel, to, kind, params, **more))

    async def row(self, id: str) -> Any:
        return await self.store.read(lambda conn: repo.one(conn, id))

    async def rows(self) -> dict[str, str]:
        found = await self.post.page(("waiting", "sent", "failed", "held"), None, 1_000)
        return {row.recipient: row.state for row in found}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def office(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Office]:
    async with Store(tmp_path / "soundpost.db", clock, keys=tmp_path / "keys") as store:
        made = Office(store, clock)
        await made.start()
        yield made


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tls.Certificate:
    """Of `localhost`, under a CA of its own."""
    return tls.ensure(tmp_path_factory.mktemp("keys"), SystemClock().now_ms(), label="A test authority")
