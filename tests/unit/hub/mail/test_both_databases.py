"""A message's life and the settings, on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.clock import ManualClock
from tests.support.post import mail_server
from tests.unit.hub.mail.conftest import Office

from soundpost.hub.audit.service import SYSTEM
from soundpost.hub.mail import repo, rules
from soundpost.hub.mail import service as mail
from soundpost.hub.organization.service import Organization
from soundpost.hub.store import Store, Tx

pytestmark = pytest.mark.slow  # a whole hub and real password hashing for each


@pytest.fixture
async def anywhere(target: Path | str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Office]:
    async with Store(target, clock, keys=tmp_path / "keys") as store:
        made = Office(store, clock)
        await made.start()
        yield made


async def test_a_message_waits_fails_is_tried_again_and_goes_out(anywhere: Office, clock: ManualClock) -> None:
    office = anywhere
    async with mail_server() as sink:
        sink.rcpt = lambda address: "550 no" if address.startswith("bad") else "451 later"
        await office.set_up(sink.port)
        bad = await office.queue("bad@example.org")
        clock.jump(1)
        slow = await office.queue("slow@example.org", person="usr_1")
        gone = await office.queue("gone@example.org", person="usr_2")
        await office.store.unit_of_work(lambda tx: mail.cancel(tx, "usr_2"))
        late = await office.queue("late@example.org", expires_ms=clock.now_ms() - 1)
        await office.mail.round()
        assert await office.rows() == {
            "bad@example.org": "failed", "slow@example.org": "waiting", "late@example.org": "failed",
        }  # fmt: skip
        await office.post.count()
        standing = office.post.standing("mail")
        assert (standing.waiting, standing.failed) == (1, 2)
        sink.rcpt = lambda address: "250 fine"
        assert await office.post.retry(SYSTEM) == 2
        await office.mail.round()
        assert ((await office.row(bad)).state, (await office.row(slow)).state) == ("sent", "sent")
        assert (await office.row(slow)).first_ms > 0
        assert await office.row(gone) is None
        await office.post.drop(SYSTEM, late)
    pages = [await office.post.page(("sent",), None, 1)]
    pages.append(await office.post.page(("sent",), pages[0][0].id, 1))
    assert [row.recipient for page in pages for row in page] == ["slow@example.org", "bad@example.org"]
    trimmed = await office.store.unit_of_work(lambda tx: repo.trim(tx.conn, tx.now_ms + rules.KEPT_MS))
    assert (trimmed, await office.rows()) == (2, {})


async def test_an_attempt_found_open_is_made_again(anywhere: Office) -> None:
    id = await anywhere.queue("bo@example.org")
    begun = await anywhere.store.unit_of_work(lambda tx: repo.begin(tx.conn, id, tx.now_ms, "<a@b>"))
    assert begun is not None
    assert (begun.message_id, begun.tries, begun.first_ms) == ("<a@b>", 1, begun.began_ms)

    def again(tx: Tx) -> int:
        return repo.interrupted(tx.conn)

    assert [await anywhere.store.unit_of_work(again) for _ in range(2)] == [1, 0]
    second = await anywhere.store.unit_of_work(lambda tx: repo.begin(tx.conn, id, tx.now_ms, "<c@d>"))
    assert second is not None
    assert (second.message_id, second.repeats, second.tries) == ("<a@b>", 1, 2)


async def test_settings_are_there_after_a_start(anywhere: Office) -> None:
    await anywhere.set_up(587, "tls", user="av", password="the secret")
    await anywhere.change(terms={"terms": "Be kind."})
    await anywhere.change(terms={"terms": "Be kinder."}, language="es")
    again = Organization(anywhere.store)
    await again.start()
    assert again.settings == anywhere.organization.settings
    assert (again.secret("mail.secret"), again.settings.terms.revision) == ("the secret", 2)
