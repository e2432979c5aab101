"""Streams of the audit: each row reaches each receiver at least once and in order, whatever the receiver or the hub does meanwhile."""

import hashlib
import hmac
import json
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import ManualClock
from tests.support.receivers import Logs, hook, logs, unframed

from soundpost.hub import tls
from soundpost.hub.audit import cutting, receivers, service, stream_repo, syslog
from soundpost.hub.audit import stream_rules as rules
from soundpost.hub.audit.couriers import Courier
from soundpost.hub.audit.service import SYSTEM, Who
from soundpost.hub.audit.stream_rules import Target
from soundpost.hub.audit.streams import Parcel, Streams, stream_of
from soundpost.hub.store import Store, Tx
from soundpost.kernel.clock import SystemClock
from soundpost.kernel.errors import Conflict, Invalid, NotFound, TellUser

pytestmark = pytest.mark.slow

ADA = Who("person", "usr_1", 'Ada "] \\ Löwe', "192.0.2.1")
SECRET = "a secret for the webhook"
QUOTED = r"\"(?:[^\"\\\]]|\\.)*\""
LINE = re.compile(
    r"<(\d{1,3})>1 (\S+) (\S+) Soundpost - (\S+) \[origin software=\"Soundpost\" swVersion=\"1\"\]"
    rf"\[audit@(\d+)((?: \w+={QUOTED})*)\] (.*)",
    re.DOTALL,
)


class Office:
    """One hub's streams, its store and a clock that stands."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store, self.clock = store, clock
        self.streams = Streams(store, hub="hub_1", host="av.example.org", version="1")

    async def act(self, *acts: str, **more: Any) -> None:
        await self.store.unit_of_work(lambda tx: [service.recorded(tx, ADA, act, **more) for act in acts])

    async def syslog(self, port: int, **more: Any) -> Courier:
        target = Target(kind="syslog", port=port, **{"host": "127.0.0.1", "tls": False, "timeout_s": 5, **more})
        return await self.added(target)

    async def webhook(self, port: int, **more: Any) -> Courier:
        target = Target(kind="webhook", **{"url": f"http://127.0.0.1:{port}/audit?from=av", "timeout_s": 5, **more})
        return await self.added(target, SECRET)

    async def added(self, target: Target, secret: str | None = None, start: str = "now") -> Courier:
        stream, _ = await self.streams.add(SYSTEM, target, secret, start)
        await self.store.unit_of_work(
            lambda tx: stream_repo.change(tx.conn, stream.id, n=0, tried=0) if start == "now" else None
        )
        head = await self.store.read(stream_repo.head)
        await self.store.unit_of_work(
            lambda tx: stream_repo.change(tx.conn, stream.id, n=head if start == "now" else 0)
        )
        return Courier(self.streams, stream.id, lambda: 0.0)

    async def at(self, courier: Courier) -> Any:
        return await self.streams.get(courier._id)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def office(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Office]:
    async with Store(tmp_path / "soundpost.db", clock, keys=tmp_path / "keys") as store:
        yield Office(store, clock)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tls.Certificate:
    """Of `localhost`, under a CA of its own."""
    return tls.ensure(tmp_path_factory.mktemp("keys"), SystemClock().now_ms(), label="A test authority")


def acts(messages: list[str]) -> list[str]:
    return [LINE.fullmatch(message)[4] for message in messages]  # type: ignore[index]


# --- syslog


async def test_rows_as_syslog_messages(office: Office) -> None:
    async with logs() as server:
        courier = await office.syslog(server.port, facility="local3", enterprise=99)
        await office.act("person.invited", subject="usr_2", detail={"name": "Zoë"}, result="refused")
        await courier.round()
        ((first, second),) = server.lines
        opened, ended = (LINE.fullmatch(message.decode()) for message in (first, second))
        assert opened
        assert ended
        assert opened[1] == str(19 * 8 + 6)
        assert ended[1] == str(19 * 8 + 4)
        assert opened.group(3, 4, 5) == ("av.example.org", "person.invited", "99")
        assert ' who="Ada \\"\\] \\\\ Löwe"' in opened[6]
        assert ' phase="opened"' in opened[6]
        assert ' result="refused"' in ended[6]
        body = json.loads(opened[7])
        assert body["detail"] == {"name": "Zoë"}
        assert re.fullmatch("[0-9a-f]{64}", body["mac"])
        stream = await office.at(courier)
        assert (stream.n, stream.taken_ms) == (await office.store.read(stream_repo.head), office.clock.now_ms())


async def test_over_tls_under_an_authority_of_ones_own(office: Office, certificate: tls.Certificate) -> None:
    async with logs(certificate.context()) as server:
        courier = await office.syslog(server.port, host="localhost", tls=True, ca_pem=certificate.ca_pem)
        await office.act("a.one", "a.two")
        await courier.round()
        assert acts(server.messages) == ["a.one", "a.one", "a.two", "a.two"]
        assert office.streams.down == {}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "not trusted: "),
        ({"host": "127.0.0.1", "ca_pem": "own"}, None),
        ({"ca_pem": "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----"}, "can't be read"),
    ],
)  # fmt: skip
async def test_a_certificate_that_is_not_trusted_gets_nothing(
    office: Office, certificate: tls.Certificate, more: dict[str, str], words: str | None
) -> None:
    own = {"ca_pem": certificate.ca_pem} if more.get("ca_pem") == "own" else {}
    async with logs(certificate.context()) as server:
        courier = await office.syslog(server.port, **{"host": "localhost", "tls": True, **more, **own})
        await office.act("a.one")
        await courier.round()
        if words is None:
            return  # the hub's own certificate also names this address
        assert server.messages == []
        assert words in office.streams.down[courier._id].words


async def test_a_receiver_that_is_away_loses_nothing(office: Office) -> None:
    async with logs() as server:
        port = server.port
    courier = await office.syslog(port)
    await office.act("a.one")
    waits = []
    for _ in range(3):
        waits.append(await courier.round())
        await office.clock.advance(waits[-1])
    assert waits == [0.5, 0.5, 0.5]
    down = office.streams.down[courier._id]
    assert (down.failures, down.words) == (3, "The receiver refused the connection.")
    await office.act("a.two")
    async with logs(port=port) as server:
        await courier.round()
        assert acts(server.messages) == ["a.one", "a.one", "a.two", "a.two"]
    assert office.streams.down == {}


async def test_one_that_breaks_off_in_the_middle_gets_it_again_and_is_told(office: Office) -> None:
    async with logs() as server:
        courier = await office.syslog(server.port)
        await office.act("a.one", detail={"text": "x" * 300_000})
        await office.act("a.two")
        server.mode = "cut"
        await courier.round()
        assert courier._id in office.streams.down
        assert server.fragments
        assert (await office.at(courier)).n < (await office.at(courier)).tried
        server.mode = "read"
        await office.clock.advance(1)
        await courier.round()
        assert acts(server.messages) == ["a.one", "a.one", "a.two", "a.two"]
        assert ' repeat="1"' in server.messages[0]
        assert '{"left_out":"too long"}' in server.messages[0]


async def test_one_that_never_closes(office: Office) -> None:
    async with logs() as server:
        server.mode = "hold"
        courier = await office.syslog(server.port, timeout_s=1)
        await office.act("a.one")
        await courier.round()
        assert office.streams.down[courier._id].words == receivers.UNCONFIRMED
        await office.streams.change(SYSTEM, courier._id, {"confirm": False}, None)
        await courier.round()
        assert office.streams.down == {}
        assert (await office.at(courier)).n > 0


async def test_one_that_hears_nothing_is_given_up_for_now(office: Office) -> None:
    async with logs() as server:
        server.mode = "deaf"
        courier = await office.syslog(server.port, timeout_s=1)
        await office.act("a.one")
        await courier.round()
        assert courier._id in office.streams.down


# --- webhook


async def test_rows_as_a_webhook(office: Office) -> None:
    async with hook() as server:
        courier = await office.webhook(server.port)
        await office.act("a.one", "a.two", detail={"name": "Zoë"})
        await courier.round()
        ((headers, body),) = server.heard
        told = json.loads(body)
        assert server.paths == ["/audit?from=av"]
        assert [(row["act"], row["phase"]) for row in told["rows"]] == [
            ("a.one", "opened"), ("a.one", "completed"), ("a.two", "opened"), ("a.two", "completed"),
        ]  # fmt: skip
        numbers = [row["n"] for row in told["rows"]]
        assert numbers == list(range(numbers[0], numbers[0] + 4))
        assert (told["type"], told["hub"], told["log"], told["cut_before"]) == (
            "audit.rows",
            "hub_1",
            office.store.log_id,
            0,
        )
        assert (told["first"], told["last"], told["may_repeat_upto"]) == (numbers[0], numbers[-1], None)
        assert told["rows"][0]["detail"] == {"name": "Zoë"}
        seconds, _, proof = headers["soundpost-signature"].removeprefix("t=").partition(",v1=")
        assert proof == hmac.new(SECRET.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
        assert headers["soundpost-delivery"] == f"{office.store.log_id}:{numbers[0]}-{numbers[-1]}"
        assert headers["host"] == f"127.0.0.1:{server.port}"


async def test_over_https_by_its_name(office: Office, certificate: tls.Certificate) -> None:
    async with hook(certificate.context()) as server:
        courier = await office.webhook(server.port, url=f"https://localhost:{server.port}/", ca_pem=certificate.ca_pem)
        await office.act("a.one")
        await courier.round()
        assert len(server.bodies) == 1
        await office.streams.change(SYSTEM, courier._id, {"ca_pem": ""}, None)
        await office.act("a.two")
        await courier.round()
        assert len(server.bodies) == 1
        assert "not trusted" in office.streams.down[courier._id].words


@pytest.mark.parametrize(
    ("status", "headers", "words", "wait"),
    [
        (500, {}, "500 thanks", 0.5),
        (404, {}, "404 thanks", 0.5),
        (302, {"Location": "http://127.0.0.1:9/"}, "302 (redirects are not followed)", 0.5),
        (429, {"Retry-After": "30"}, "429 thanks", 30.0),
        (503, {"Retry-After": "999999999"}, "503 thanks", rules.LONGEST_S),
        (503, {"Retry-After": "Tue, 24 Nov 2026 12:00:30 GMT", "Date": "Tue, 24 Nov 2026 12:00:00 GMT"}, "503 thanks", 30.0),
        (503, {"Retry-After": "soon"}, "503 thanks", 0.5),
    ],
)  # fmt: skip
async def test_one_that_refuses_is_tried_again_later(
    office: Office, status: int, headers: dict[str, str], words: str, wait: float
) -> None:
    async with hook() as server:
        server.status, server.headers = status, headers
        courier = await office.webhook(server.port)
        await office.act("a.one")
        assert await courier.round() == wait
        assert office.streams.down[courier._id].words == words
        assert (await office.at(courier)).n == server.bodies[0]["first"] - 1
        assert await courier.round() == wait  # not before
        assert len(server.heard) == 1
        server.status, server.headers = 204, {}
        await office.clock.advance(wait)
        await courier.round()
        assert [body["may_repeat_upto"] for body in server.bodies] == [None, server.bodies[0]["last"]]
        assert server.heard[0][0]["soundpost-delivery"] == server.heard[1][0]["soundpost-delivery"]
        assert office.streams.down == {}


@pytest.mark.parametrize("mode", ["silent", "cut"])
async def test_one_that_says_nothing_gets_it_again(office: Office, mode: str) -> None:
    async with hook() as server:
        server.mode = mode
        courier = await office.webhook(server.port, timeout_s=1)
        await office.act("a.one")
        await courier.round()
        assert courier._id in office.streams.down
        server.mode = "answer"
        await office.clock.advance(1)
        await courier.round()
        assert server.bodies[-1]["may_repeat_upto"] == server.bodies[-1]["last"]


async def test_a_hub_that_is_cut_off_between_sending_and_noting_it_repeats_it_and_says_so(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hook() as server:
        courier = await office.webhook(server.port)
        await office.act("a.one")
        original = office.store.unit_of_work
        calls = []

        async def dies(work: Any, **more: Any) -> Any:
            calls.append(work)
            if len(calls) == 2:  # the first says that it is tried, the second that it was taken
                raise ConnectionAbortedError
            return await original(work, **more)

        monkeypatch.setattr(office.store, "unit_of_work", dies)
        with pytest.raises(ConnectionAbortedError):
            await courier.round()
        monkeypatch.undo()
        again = Courier(office.streams, courier._id, lambda: 0.0)
        await office.act("a.two")
        await again.round()
        first, second = server.bodies
        assert first["may_repeat_upto"] is None
        assert second["may_repeat_upto"] == first["last"]
        assert (second["first"], second["last"]) == (first["first"], first["last"] + 2)


async def test_in_parcels_of_bounded_size(office: Office) -> None:
    async with hook() as server:
        courier = await office.webhook(server.port)
        await office.act(*["a.one"] * 150, detail={"text": "x"})
        await office.act(*["a.big"] * 4, detail={"text": "x" * 200_000})
        await courier.round()
        numbers = [row["n"] for body in server.bodies for row in body["rows"]]
        assert numbers == list(range(numbers[0], numbers[0] + 308))
        assert all(len(body["rows"]) <= 200 for body in server.bodies)
        assert all(len(raw) < 1_000_000 for _, raw in server.heard)


async def test_rows_that_retention_took_are_said(office: Office) -> None:
    async with hook() as server, logs() as syslogs:
        first = await office.added(Target(kind="webhook", url=f"http://127.0.0.1:{server.port}/"), SECRET, "beginning")
        second = await office.added(
            Target(kind="syslog", host="127.0.0.1", port=syslogs.port, tls=False), None, "beginning"
        )
        await office.act("a.old", "a.old")
        gone = await office.store.read(stream_repo.head)
        await office.clock.advance(86_400)
        await cutting.cut(office.store, office.clock.now_ms() - 1_000)
        await office.act("a.new")
        await first.round()
        await second.round()
        assert server.bodies[0]["cut_before"] == server.bodies[0]["first"] - 1 >= gone
        assert acts(syslogs.messages)[0] == "audit.cut"


async def test_the_head_leaves_after_the_rows_before_it(office: Office) -> None:
    async with hook() as server, logs() as syslogs:
        first, second = await office.webhook(server.port), await office.syslog(syslogs.port)
        await office.act("a.one")
        head = await service.head(office.store)
        await office.store.unit_of_work(lambda tx: office.streams.carry_head(tx, head))
        await first.round()
        await second.round()
        assert [body["type"] for body in server.bodies] == ["audit.rows", "audit.head"]
        assert server.bodies[1]["head"] == head.text
        assert acts(syslogs.messages)[-1] == "audit.head"
        assert head.text in syslogs.messages[-1]
        await first.round()
        assert len(server.bodies) == 2


# --- settings


async def test_new_ones_begin_now_or_with_the_oldest_row(office: Office) -> None:
    await office.act("a.one")
    now, made = await office.streams.add(ADA, Target(kind="webhook", url="https://hooks.example.org/a"), None, "now")
    assert now.n >= 2
    assert made
    assert made not in repr(await office.streams.all())
    old, none = await office.streams.add(ADA, Target(kind="syslog", host="logs.example.org"), None, "beginning")
    assert (old.n, none, old.target.port, old.secret) == (0, None, 6514, None)
    await office.streams.remove(ADA, old.id)
    with pytest.raises(NotFound):
        await office.streams.get(old.id)
    rows = await office.store.read(lambda conn: stream_repo.following(conn, 0, 100))
    assert [row.act for row in rows if row.phase == "opened"] == [
        "a.one", "audit.stream_added", "audit.stream_added", "audit.stream_removed",
    ]  # fmt: skip
    assert all(made.encode() not in row.detail for row in rows)


async def test_no_more_than_ten(office: Office) -> None:
    for n in range(rules.MOST):
        await office.streams.add(ADA, Target(kind="syslog", host=f"logs{n}.example.org"), None, "now")
    with pytest.raises(Conflict) as refused:
        await office.streams.add(ADA, Target(kind="syslog", host="logs.example.org"), None, "now")
    assert refused.value.code == "too_many_streams"


@pytest.mark.parametrize(
    "target",
    [
        Target(kind="pigeon"), Target(kind="syslog"), Target(kind="syslog", host="a b"), Target(kind="syslog", host="a", port=70_000),
        Target(kind="syslog", host="a", facility="kern"), Target(kind="syslog", host="a", timeout_s=0),
        Target(kind="syslog", host="169.254.169.254"), Target(kind="syslog", host="fe80::1"), Target(kind="syslog", host="::"),
        Target(kind="syslog", host="a", enterprise=0), Target(kind="syslog", host="a", ca_pem="x" * 100_001),
        Target(kind="webhook"), Target(kind="webhook", url="ftp://a/"), Target(kind="webhook", url="http://10.0.0.4/"),
        Target(kind="webhook", url="https://user:secret@a/"), Target(kind="webhook", url="https://[::ffff:169.254.169.254]/"),
        Target(kind="webhook", url="https://a/\r\nX: y"), Target(kind="webhook", url="https://a b/"), Target(kind="webhook", url="http://[::1/"),
    ],
)  # fmt: skip
def test_targets_that_make_no_sense(target: Target) -> None:
    with pytest.raises(Invalid):
        rules.checked(target)


@pytest.mark.parametrize(
    "target",
    [
        Target(kind="syslog", host="10.0.0.4"), Target(kind="syslog", host="[::1]", tls=False),
        Target(kind="syslog", host="bücher.example"),
        Target(kind="webhook", url="http://127.0.0.1:9/x"), Target(kind="webhook", url="http://localhost/"), Target(kind="webhook", url="https://192.168.1.4/a?b=c"),
    ],
)  # fmt: skip
def test_targets_that_do(target: Target) -> None:
    assert rules.checked(rules.checked(target)) == rules.checked(target)


async def test_a_name_that_leads_to_a_link_local_address_gets_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    courier = await office.webhook(9, url="https://innocent.example/")
    await office.act("a.one")

    async def resolved(*_: Any, **__: Any) -> list[Any]:
        return [(0, 0, 0, "", ("127.0.0.1", 9)), (0, 0, 0, "", ("169.254.169.254", 9))]

    import asyncio

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
    await courier.round()
    assert office.streams.down[courier._id].words == "Nothing is sent to 169.254.169.254."


async def test_both_databases(any_store: Store) -> None:
    streams = Streams(any_store, hub="hub_1", host="-", version="1")
    async with logs() as server:
        target = Target(kind="syslog", host="127.0.0.1", port=server.port, tls=False)
        stream, _ = await streams.add(ADA, target, None, "beginning")
        await Courier(streams, stream.id, lambda: 0.0).round()
        assert acts(server.messages) == ["audit.stream_added"] * 2
        (row,) = await any_store.read(stream_repo.everything)
        assert stream_of(row).target == rules.checked(target)

    def twice(tx: Tx) -> tuple[bool, bool]:
        at = stream_repo.one(tx.conn, stream.id).n  # type: ignore[union-attr]
        return stream_repo.move(tx.conn, stream.id, at, n=at + 1), stream_repo.move(tx.conn, stream.id, at, n=at + 1)

    assert await any_store.unit_of_work(twice) == (True, False)


# --- the words themselves


@given(st.text(), st.text(), st.text(max_size=80), st.dictionaries(st.text(max_size=5), st.text(), max_size=3))
def test_whatever_stands_in_a_row_is_one_well_formed_message(
    who: str, device: str, act: str, detail: dict[str, str]
) -> None:
    row = dict.fromkeys(syslog.FIELDS, "") | {
        "n": 7,
        "who": who,
        "device": device,
        "act": act,
        "time": "2026-11-24T12:00:00.000Z",
    }
    target = Target(kind="syslog", host="a")
    made = syslog.of_row(target, who, "1", {**row, "detail": detail, "mac": None}, repeat=False)
    assert len(made) <= syslog.MESSAGE_MOST
    found = LINE.fullmatch(made.decode())
    assert found, made
    assert json.loads(found[7])["detail"] in (detail, {"left_out": "too long"})
    assert "\n" not in found[6]
    whole, rest = unframed(syslog.framed([made, made]))
    assert (whole, rest) == ([made, made], b"")


@given(st.integers(1, 60), st.floats(0, 0.999), st.floats(0, 1e6))
def test_the_wait_stays_within_its_bounds(failures: int, chance: float, asked: float) -> None:
    assert rules.FIRST_S / 2 <= rules.wait_s(failures, chance, asked) <= rules.LONGEST_S


def test_nothing_but_our_own_errors() -> None:
    assert issubclass(Invalid, TellUser)
    assert receivers.said(ssl.SSLEOFError()) == "The receiver broke the line off."
    assert Parcel(test=True).name == "test"
    assert Logs(1).messages == []
