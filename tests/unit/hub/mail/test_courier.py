"""Messages reach a real mail server on loopback, or wait, or fail with its words; none is lost, none keeps another from leaving."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
from tests.support.clock import ManualClock
from tests.support.post import PASSWORD, mail_server
from tests.unit.hub.mail.conftest import Office

from soundpost.hub import tls
from soundpost.hub.mail import repo, rules
from soundpost.hub.mail import service as mail
from soundpost.hub.mail.smtp import Speaker
from soundpost.hub.store import Store
from soundpost.kernel.errors import Invalid

pytestmark = pytest.mark.slow

DAY = 86_400


async def test_a_mail_goes_out_whole(office: Office) -> None:
    async with mail_server() as sink:
        await office.set_up(sink.port, reply_to="desk@example.org")
        id = await office.queue("bo+av@example.org")
        await office.mail.round()
    (message,) = sink.mails
    assert sink.recipients == ["bo+av@example.org"]
    assert (message["From"], message["To"], message["Reply-To"]) == (
        "Acme <av@example.org>",
        "bo+av@example.org",
        "desk@example.org",
    )
    assert (message["Message-ID"], message["Auto-Submitted"]) == (f"<{id}@example.org>", "auto-generated")
    parts = {part.get_content_type(): part.get_content() for part in message.iter_parts()}
    assert "https://av.example.org/register/abc" in parts["text/plain"]
    assert 'href="https://av.example.org/register/abc"' in parts["text/html"]
    row = await office.row(id)
    assert (row.state, row.body, row.said, row.tries) == ("sent", None, "2.0.0 queued as 42", 1)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_secured_and_signed_in(office: Office, certificate: tls.Certificate, security: str) -> None:
    context = certificate.context()
    async with mail_server(auth=True, **{security: context}) as sink:
        await office.set_up(sink.port, security, user="av@example.org", password=PASSWORD, ca_pem=certificate.ca_pem)
        id = await office.queue("bo@example.org")
        await office.mail.round()
        assert [str(one["To"]) for one in sink.mails] == ["bo@example.org"]
        assert (await office.row(id)).state == "sent"
        await office.change(mail={"ca_pem": ""}, mail_secret=PASSWORD)
        await office.queue("cy@example.org")
        await office.mail.round()
    assert len(sink.mails) == 1
    assert "not trusted" in office.post.standing("mail").words


async def test_starttls_is_never_merely_tried(office: Office) -> None:
    """A server, or somebody between, that does not offer it gets nothing."""
    async with mail_server() as sink:
        await office.set_up(sink.port, "starttls")
        id = await office.queue("bo@example.org")
        await office.mail.round()
    standing = office.post.standing("mail")
    assert (sink.tried, standing.why, (await office.row(id)).state) == ([], "down", "waiting")
    assert "STARTTLS" in standing.words


async def test_a_refused_password_waits_and_is_said_without_it(office: Office, certificate: tls.Certificate) -> None:
    async with mail_server(auth=True, starttls=certificate.context()) as sink:
        more = {"user": "av@example.org", "ca_pem": certificate.ca_pem}
        await office.set_up(sink.port, "starttls", password="not the password", **more)
        id = await office.queue("bo@example.org")
        wait = await office.mail.round()
        standing = office.post.standing("mail")
        assert (standing.why, "535" in standing.words, 0 < wait <= 60) == ("down", True, True)
        assert "not the password" not in standing.words
        assert (await office.row(id)).tries == 0
        await office.change(mail_secret=PASSWORD)
        await office.mail.round()
        assert (office.post.standing("mail").why, (await office.row(id)).state) == ("", "sent")


async def test_one_bad_address_fails_at_once_and_holds_up_no_other(office: Office) -> None:
    async with mail_server() as sink:
        sink.rcpt = lambda address: "550 5.1.1 no such user here" if "nobody" in address else "250 fine"
        await office.set_up(sink.port)
        bad = await office.queue("nobody@example.org")
        await office.queue("bo@example.org")
        await office.queue("not an address")
        await office.queue("cy@example.org")
        await office.mail.round()
    assert await office.rows() == {
        "nobody@example.org": "failed", "bo@example.org": "sent", "not an address": "failed", "cy@example.org": "sent",
    }  # fmt: skip
    row = await office.row(bad)
    assert (row.said, row.body is None) == ("550 5.1.1 no such user here", False)


async def test_greylisting_waits_and_the_same_message_goes_out_later(office: Office, clock: ManualClock) -> None:
    async with mail_server() as sink:
        sink.data = lambda message: "451 4.7.1 try again later"
        await office.set_up(sink.port)
        id = await office.queue("bo@example.org")
        wait = await office.mail.round()
        row = await office.row(id)
        assert (row.state, row.tries, row.said) == ("waiting", 1, "451 4.7.1 try again later")
        assert rules.FIRST_S / 2 <= wait <= rules.FIRST_S
        sink.data = lambda message: "250 fine"
        await office.mail.round()
        assert sink.mails == []
        await clock.advance(wait)
        await office.mail.round()
    assert [str(one["Message-ID"]) for one in sink.mails] == [f"<{id}@example.org>"]
    assert "may reach you twice" not in str(sink.mails[0])


async def test_put_off_for_days_it_is_given_up_with_the_last_words(office: Office, clock: ManualClock) -> None:
    async with mail_server() as sink:
        sink.rcpt = lambda address: "452 4.2.2 mailbox full"
        await office.set_up(sink.port)
        id = await office.queue("bo@example.org")
        tries = 0
        while (await office.row(id)).state == "waiting":
            await office.mail.round()
            clock.jump(3_601)
            tries += 1
        row = await office.row(id)
        assert (row.state, row.said, 70 <= tries <= 75) == ("failed", "452 4.2.2 mailbox full", True)
        sink.rcpt = lambda address: "250 fine"
        from soundpost.hub.audit.service import SYSTEM

        assert await office.post.retry(SYSTEM, id) == 1
        await office.mail.round()
    assert (await office.row(id)).state == "sent"


async def test_a_line_lost_within_a_message_may_repeat_it_and_says_so(office: Office, clock: ManualClock) -> None:
    async with mail_server() as sink:
        sink.data = lambda message: "" if "bo@" in str(message["To"]) else "250 fine"
        await office.set_up(sink.port)
        id = await office.queue("bo@example.org")
        await office.queue("cy@example.org")
        await office.mail.round()
        assert await office.rows() == {"bo@example.org": "waiting", "cy@example.org": "sent"}
        assert (await office.row(id)).repeats == 1
        sink.data = lambda message: "250 fine"
        clock.jump(60)
        await office.mail.round()
    assert "may reach you twice" in sink.mails[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert sink.mails[-1]["Message-ID"] == f"<{id}@example.org>"


async def test_a_crash_between_attempt_and_result_repeats_it_with_the_same_id(
    tmp_path: Path, clock: ManualClock
) -> None:
    """The process ends while the server has the message and has not answered."""
    async with mail_server() as sink:
        async with Store(tmp_path / "soundpost.db", clock, keys=tmp_path / "keys") as store:
            first = Office(store, clock)
            await first.start()
            await first.set_up(sink.port)
            id = await first.queue("bo@example.org")
            sink.hold = asyncio.Event()
            sending = asyncio.create_task(first.mail.round())
            await sink.arrived.wait()
            assert (await first.row(id)).began_ms > 0
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
        sink.hold = None
        async with Store(tmp_path / "soundpost.db", clock, keys=tmp_path / "keys") as store:
            second = Office(store, clock)
            await second.start()
            assert (await second.row(id)).repeats == 1
            await second.mail.round()
            assert (await second.row(id)).state == "sent"
    assert [str(one["Message-ID"]) for one in sink.mails] == [f"<{id}@example.org>"] * 2
    assert "may reach you twice" not in str(sink.mails[0])
    assert "may reach you twice" in str(sink.mails[1])


async def test_until_mail_is_set_up_everything_waits(office: Office, clock: ManualClock) -> None:
    id = await office.queue("bo@example.org")
    await office.mail.round()
    await office.post.count()
    standing = office.post.standing("mail")
    assert (standing.why, standing.waiting) == ("not_set_up", 1)
    async with mail_server() as sink:
        await office.set_up(sink.port)
        await office.mail.round()
    assert (await office.row(id)).state == "sent"


async def test_without_the_hubs_address_only_links_wait(office: Office) -> None:
    async with mail_server() as sink:
        await office.set_up(sink.port)
        await office.change(address="")
        await office.queue("bo@example.org")
        await office.queue(
            "cy@example.org", "password_changed", params={"name": "Cy", "time": 0, "address": "10.0.0.1"}
        )
        await office.mail.round()
        assert await office.rows() == {"bo@example.org": "waiting", "cy@example.org": "sent"}
        assert office.post.why("mail") == "address_missing"
        await office.change(address="http://hub:8000/")
        await office.mail.round()
    assert "http://hub:8000/register/abc" in str(sink.mails[-1])


async def test_a_server_that_is_away_is_asked_again_ever_more_rarely(office: Office, clock: ManualClock) -> None:
    async with mail_server() as sink:
        await office.set_up(sink.port)
    id = await office.queue("bo@example.org")
    waits = []
    for _ in range(12):
        waits.append(await office.mail.round())
        clock.jump(waits[-1])
    assert waits == sorted(waits)
    assert waits[0] < 11 < 400 < waits[-1] <= 900
    assert (await office.row(id)).state == "waiting"
    standing = office.post.standing("mail")
    assert standing.why == "down"
    assert standing.words


async def test_what_is_expired_or_taken_back_is_not_sent(office: Office, clock: ManualClock) -> None:
    async with mail_server() as sink:
        await office.set_up(sink.port)
        late = await office.queue(
            "late@example.org", "password_reset", params={"link": "/reset/x", "minutes": 30, "name": "Bo"}
        )
        gone = await office.queue("gone@example.org", person="usr_1")
        await office.queue("kept@example.org", person="usr_2")
        assert await office.store.unit_of_work(lambda tx: mail.cancel(tx, "usr_1", ("invitation",))) == 1
        clock.jump(31 * 60)
        await office.mail.round()
    assert [str(one["To"]) for one in sink.mails] == ["kept@example.org"]
    row = await office.row(late)
    assert (row.state, row.body, await office.row(gone)) == ("failed", None, None)
    assert "not sent in time" in row.said


async def test_bodies_lie_sealed(office: Office, tmp_path: Path) -> None:
    id = await office.queue("bo@example.org")
    assert b"/register/abc" not in bytes((await office.row(id)).body)
    assert b"register/abc" not in (tmp_path / "soundpost.db").read_bytes()


async def test_words_that_cannot_be_opened_fail_and_say_so(office: Office) -> None:
    async with mail_server() as sink:
        await office.set_up(sink.port)
        id = await office.queue("bo@example.org")
        other = await office.queue("cy@example.org")
        body = bytes((await office.row(other)).body)

        def move(tx: object) -> None:
            repo.end(tx.conn, id, 0, body=body)  # type: ignore[attr-defined]

        await office.store.unit_of_work(move)
        await office.mail.round()
    assert await office.rows() == {"bo@example.org": "failed", "cy@example.org": "sent"}


async def test_many_go_out_over_few_lines(office: Office) -> None:
    async with mail_server() as sink:
        await office.set_up(sink.port)
        for n in range(50):
            await office.queue(f"p{n}@example.org")
        await office.mail.round()
        assert (len(sink.mails), len(sink.servers)) == (50, 3)


async def test_a_mail_server_s_name_that_leads_to_a_link_local_address_gets_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mail_server() as sink:
        await office.set_up(sink.port)
        await office.queue("bo@example.org")

        async def resolved(*_: Any, **__: Any) -> list[Any]:
            return [(0, 0, 0, "", (address, sink.port)) for address in ("127.0.0.1", "169.254.169.254")]

        with monkeypatch.context() as patched:
            patched.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
            await office.mail.round()
        assert (office.post.standing("mail").words, sink.servers) == ("Nothing is sent to 169.254.169.254.", [])
    with pytest.raises(Invalid):
        await office.set_up(25, server="169.254.169.254")


async def test_a_name_that_led_elsewhere_while_it_was_called_gets_no_password() -> None:
    voice = Speaker(hostname="mail.example.org")
    voice.get_transport_info = lambda _key: ("169.254.1.1", 25)  # type: ignore[method-assign]
    with pytest.raises(Invalid):
        voice.check_peer()
