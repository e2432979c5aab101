"""The whole of it over real lines: frozen bytes, a client as those in the field, and everything that goes wrong in JSON."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.support.clock import ManualClock
from tests.unit.hub.compat.client import BASE, Failed, asked, raw, request, variables
from tests.unit.hub.inventory.fabric import LOCATE, LONDON, POINTS, Session, add_sites, change, found, status
from tests.unit.hub.live.house import House, lived_in

from soundpost.hub import serve
from soundpost.hub.audit.service import SYSTEM
from soundpost.hub.compat import protocol, rules
from soundpost.hub.compat.api import Door
from soundpost.hub.compat.protocol import JsonProtocol
from soundpost.hub.compat.service import Compat
from soundpost.hub.inventory.state import Restart
from soundpost.hub.locations.service import Wanted
from soundpost.hub.organization.service import Change
from soundpost.hub.store import Store
from soundpost.kernel.clock import SystemClock
from soundpost.kernel.errors import Retry

pytestmark = pytest.mark.slow

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\ncache-control: no-store\r\n"
    b"x-content-type-options: nosniff\r\nconnection: close"
)
FIRST = (
    b'{"id":"dev_a","productModel":"128VD","serialNumber":"4471-2338-40","firmwareVersion":"7.0.0.1","hasNewFirmware":false,'
    b'"locateMode":true,"relativeStatus":"Online - 3 d 4 h","location":"HQ > Boardroom"'
)
DAYS_MS = (3 * 24 + 4) * 3_600_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def house(tmp_path: Path, clock: ManualClock) -> AsyncIterator[House]:
    async with Store(tmp_path / "hub.db", clock) as store:
        await store.unit_of_work(add_sites)
        async with lived_in(store) as opened:
            await furnished(opened)
            yield opened


async def furnished(house: House) -> None:
    """A mixer at 10.0.0.5 in a boardroom, one at 10.0.0.50, and a stack with a box and an array behind it at 10.0.0.7."""
    house.inventory.attached(LONDON)
    london = Session(house.inventory, LONDON)
    since = house.inventory.clock.now_ms() - DAYS_MS
    mixer = {
        "model": "128VD",
        "serial_number": "4471-2338-40",
        "firmware_version": "7.0.0.1",
        "part_number": "910-3200-009",
    }
    london.send(
        found("dev_z", name="Other", address="10.0.0.50", serial_number="10-0-0-5"),
        status("dev_z", "online"),
        found("dev_a", name="Name_1", address="10.0.0.5", **mixer),
        status("dev_a", "online", since=since),
        found("dev_s", name="Stack", kind="stack", address="10.0.0.7", serial_number="", boxes=["S-dev_b"]),
        found("dev_p", name="Array", kind="microphone", stack="dev_s", parent="dev_b", position=1),
        found("dev_b", name="Box", stack="dev_s", box_number=1),
        status("dev_b", "offline", since=since),
    )
    london.declare("dev_a", POINTS)
    london.values(change(LOCATE, True))
    await london.settled()
    places = house.inventory.locations
    hq = await places.add(SYSTEM, Wanted(name="HQ", kind="building"))
    boardroom = await places.add(SYSTEM, Wanted(name="Boardroom", kind="room", parent=hq.id))
    await places.put(SYSTEM, ["dev_a"], boardroom.id)


@pytest.fixture
async def key(house: House) -> str:
    starter = await house.people.ready_owner("owner@example.com")
    assert starter is not None
    return starter.api_key


@asynccontextmanager
async def listening(house: House, *sources: str, host: str = "127.0.0.1") -> AsyncIterator[int]:
    door = Door(house.people, Compat(house.inventory), rules.sources(sources))
    plain = serve.Plain(0, host=host, insecure=True)
    async with serve.Serving(door, SystemClock(), plain=plain, protocol=JsonProtocol) as serving:
        yield serving.port


@pytest.fixture
async def port(house: House) -> AsyncIterator[int]:
    async with listening(house) as port:
        yield port


async def test_each_byte_of_both_answers(port: int, key: str) -> None:
    code, head, body = await asked(port, f"{BASE}/search?q=10.0.0.5", key)
    assert body == b'{"avDevices":[' + FIRST + b"}]}"
    assert (code, head) == (200, HEAD % len(body))
    code, head, body = await asked(port, f"{BASE}/dev_a", key)
    assert body == FIRST + b',"partNumber":"910-3200-009"}'
    assert (code, head) == (200, HEAD % len(body))


async def test_a_client_of_the_field_gets_its_seven_variables(port: int, key: str) -> None:
    wanted = {
        "productModel": "128VD",
        "serialNumber": "4471-2338-40",
        "firmwareVersion": "7.0.0.1",
        "locateMode": "True",
        "relativeStatus": "Online - 3 d 4 h",
        "location": "HQ > Boardroom",
        "partNumber": "910-3200-009",
    }
    assert await variables(port, "10.0.0.5", key) == wanted
    assert await variables(port, "10.0.0.5", key, prefix="/") == wanted  # its address was typed with a slash at the end
    for wrong, prefix, failure in (
        ("", "", "authentication"),
        ("sp_wrong", "", "authentication"),
        (key, "/x", "resource"),
    ):
        with pytest.raises(Failed, match=failure):
            await variables(port, "10.0.0.5", wrong, prefix)
    with pytest.raises(Failed, match="generic"):
        await variables(port, "10.0.0.6", key)


async def ids(port: int, key: str, words: str) -> list[str]:
    code, _, body = await asked(port, f"{BASE}/search?q={words}", key)
    assert code == 200
    return [item["id"] for item in json.loads(body)["avDevices"]]


async def test_what_is_found(port: int, key: str, house: House) -> None:
    assert await ids(port, key, "10.0.0.5") == ["dev_a"]
    assert await ids(port, key, "10.0.0.50") == ["dev_z"]
    assert await ids(port, key, "10.0.0.6") == []
    assert (await asked(port, f"{BASE}/search?q=10.0.0.6", key))[2] == b'{"avDevices":[]}'
    # a box before what hangs from it, and the stack that is no device of its own last
    assert await ids(port, key, "10.0.0.7") == ["dev_b", "dev_p", "dev_s"]
    assert sorted(await ids(port, key, "10.0.0.")) == ["dev_a", "dev_b", "dev_p", "dev_z"]
    assert await ids(port, key, "Boardroom") == ["dev_a"]
    assert await ids(port, key, "4471233840") == ["dev_a"]
    assert await ids(port, key, "name%5F1%20boardroom") == ["dev_a"]
    assert await ids(port, key, "nothing-like-it") == []
    # an address that it had before is somebody else's now
    london = Session(house.inventory, LONDON)
    london.send(found("dev_z", revision=2, name="Other", address="10.0.0.51", former_addresses=["10.0.0.50"]))
    await london.settled()
    assert await ids(port, key, "10.0.0.50") == []


async def test_header_names_in_any_case_and_nothing_else_counts(port: int, key: str) -> None:
    path = f"{BASE}/search?q=10.0.0.5"
    for name in ("X-Api-Key", "x-api-key", "X-API-KEY", "x-Api-keY"):
        assert (await asked(port, path, key, name=name))[0] == 200
    assert (await asked(port, path, f"Bearer {key}", name="Authorization"))[0] == 200
    cookie = f"soundpost_x={key}"
    code, head, _ = await asked(port, path, cookie, name="Cookie")
    assert code == 401
    assert b"set-cookie" not in head.lower()
    assert (await asked(port, f"{path}&x-api-key={key}"))[0] == 401


async def test_every_error_is_json(port: int, key: str, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the secret inside")

    def busy(*_: Any) -> None:
        raise Retry("The line is down.", cause="the secret inside")

    cases: list[tuple[int, str, bytes]] = [
        (404, "not_found", request("/", key)),
        (404, "not_found", request(f"{BASE}/dev_none", key)),
        (404, "not_found", request(f"{BASE}/search/", key)),
        (404, "not_found", request(f"{BASE}/..%2fsearch", key)),
        (404, "not_found", request("/dashboard-back/api/../api/devices/pro-audio/search?q=1", key)),
        (405, "method_not_allowed", request(f"{BASE}/search?q=x", key, method="POST")),
        (405, "method_not_allowed", request(f"{BASE}/search?q=x", key, method="DELETE")),
        (400, "invalid_argument", request(f"{BASE}/search", key)),
        (400, "invalid_argument", request(f"{BASE}/search?q=%00", key)),
        (401, "unauthenticated", request(f"{BASE}/search?q=x")),
        (401, "key_refused", request(f"{BASE}/search?q=x", "sp_made-up")),
        (414, "too_long", request(f"{BASE}/search?q={'x' * 5_000}", key)),
        (431, "too_large", request(f"{BASE}/search?q=x", key, more=f"X-Long: {'x' * 40_000}\r\n")),
        (400, "invalid", b"GARBAGE\r\n\r\n"),
        (400, "invalid", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        (400, "invalid", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "invalid", request("\xe9\xff", key)),
    ]
    for wanted, code, sent in cases:
        answer = await raw(port, sent)
        head, _, body = answer.partition(b"\r\n\r\n")
        told = json.loads(body)
        assert (int(head.split()[1]), told["status"], told["code"]) == (wanted, wanted, code), (sent[:80], answer[:300])
        assert told["detail"].endswith(".")
        assert b"application/problem+json" in head
        assert b"location:" not in head.lower()
    for method, wanted, code in ((broken, 500, "internal"), (busy, 503, "unavailable")):
        with monkeypatch.context() as patched, capture_logs() as lines:
            patched.setattr(house.inventory, "at_address", method)
            status, _, body = await asked(port, f"{BASE}/search?q=10.0.0.5", key)
            assert (status, json.loads(body)["code"]) == (wanted, code)
            assert b"secret" not in body
            assert [line["path"] for line in lines] == [f"{BASE}/search"]
    assert await ids(port, key, "10.0.0.5") == ["dev_a"]


async def test_odd_forms_of_the_same_request(port: int, key: str) -> None:
    path = f"{BASE}/search?q=10.0.0.5"
    assert (await asked(port, f"http://elsewhere:1{path}", key))[0] == 200  # as through a proxy
    assert (await asked(port, path.replace("/", "///"), key))[0] == 200
    assert (await asked(port, path, key, more="Upgrade: websocket\r\nConnection: Upgrade\r\n"))[0] == 200
    status, head, body = await asked(port, path, key, method="HEAD")
    assert (status, body) == (405, b"")
    assert b"allow: GET" in head
    sent = f"GET {path} HTTP/1.0\r\nX-Api-Key: {key}\r\n\r\n".encode()
    assert FIRST in await raw(port, sent)
    body = "x" * 100
    more = f"Content-Length: {len(body)}\r\n"
    assert FIRST in await raw(port, request(path, key, more=more) + body.encode())


async def test_a_key_reads_whatever_it_may_and_only_its_part(port: int, house: House, key: str) -> None:
    people, places = house.people, house.inventory.locations
    (boardroom,) = [place.id for place in places.tree.places.values() if place.name == "Boardroom"]
    owner = (await people.principal_of_key(key)).owner  # type: ignore[union-attr]
    whole = await people.add_key(owner, "all", "administer")
    part = await people.add_key(owner, "part", "administer")
    await house.store.unit_of_work(
        lambda tx: tx.conn.exec_driver_sql(f"update api_keys set places = '{boardroom}' where name = 'part'") and None
    )
    assert await ids(port, whole, "10.0.0.50") == ["dev_z"]
    assert await ids(port, part, "10.0.0.5") == ["dev_a"]
    assert await ids(port, part, "10.0.0.50") == []
    assert (await asked(port, f"{BASE}/dev_z", part))[0] == 404
    await people.organization.change(SYSTEM, Change(second_factor="everybody"))
    status, _, body = await asked(port, f"{BASE}/search?q=10.0.0.5", whole)
    assert (status, json.loads(body)["code"]) == (403, "second_factor_needed")


async def test_only_named_sources_may_ask(house: House, key: str) -> None:
    async with listening(house, "10.0.0.0/8") as port:
        status, _, body = await asked(port, f"{BASE}/search?q=10.0.0.5", key)
        assert (status, json.loads(body)["code"]) == (403, "source_refused")
    async with listening(house, "10.0.0.0/8", "127.0.0.1") as port:
        assert await ids(port, key, "10.0.0.5") == ["dev_a"]


async def test_there_is_an_end_to_how_many_at_once(house: House, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "CONNECTIONS_MOST", 2)
    async with listening(house) as port:
        lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for _, writer in lines:
            writer.write(b"GET ")
            await writer.drain()
        answer = await raw(port, request(f"{BASE}/search?q=10.0.0.5", key))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "busy"
        for _, writer in lines:
            writer.close()


async def test_a_codec_is_none_of_pro_audio(port: int, key: str, house: House) -> None:
    london = Session(house.inventory, LONDON)
    london.send(found("dev_codec", name="Codec", kind="codec", address="10.0.0.60"))
    await london.settled()
    assert await ids(port, key, "10.0.0.60") == []
    unknown, codec = [await asked(port, f"{BASE}/{id}", key) for id in ("dev_other", "dev_codec")]
    assert (codec[0], codec[2]) == (404, unknown[2].replace(b"dev_other", b"dev_codec"))


async def test_a_device_that_restarts_as_asked_is_not_told_as_offline(port: int, key: str, house: House) -> None:
    now_ms = house.inventory.clock.now_ms()
    london = Session(house.inventory, LONDON)
    house.inventory.restart_told("dev_a", Restart("cmd_1", now_ms - 90_000), "cmd_1")
    london.send(status("dev_a", "offline", since=now_ms - 61_000))
    await london.settled()
    for path in (f"{BASE}/search?q=10.0.0.5", f"{BASE}/dev_a"):
        assert b'"relativeStatus":"Restarting - 1 min"' in (await asked(port, path, key))[2]


@pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_a_head_that_never_ends_is_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", 0.05)
    answers = (await raw(port, before + b"GET / HTTP/1.1\r\nHost:")).split(b"HTTP/1.1 ")[1:]
    assert len(answers) == (2 if before else 1)
    assert json.loads(answers[-1].partition(b"\r\n\r\n")[2])["status"] == 408


async def test_a_body_that_never_ends_is_not_waited_for(port: int, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", 0.05)
    sent = request(f"{BASE}/dev_a", key, more="Content-Length: 100\r\n").replace(b"Connection: close\r\n", b"")
    answer = await raw(port, sent + b"x")
    assert (answer.count(b"HTTP/1.1 "), FIRST in answer) == (1, True)
