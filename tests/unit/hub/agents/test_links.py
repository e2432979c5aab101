"""Who is lost and since when; beats; commands down; the doors; stopping."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.support.clock import settle
from tests.unit.hub.agents.peers import HUB, Everybody, House

from soundpost.hub.agents.door import FRAMES_WAITING, AgentDoor, LocalDoor, Outlet
from soundpost.hub.agents.items import AgentItems
from soundpost.hub.agents.session import UNSEEN
from soundpost.kernel.clock import rfc3339
from soundpost.kernel.errors import SoundpostError
from soundpost.link import envelope
from soundpost.link.commands import Command
from soundpost.link.envelope import Beat, Challenge, Hello, Refused, Welcome, signed_bytes

pytestmark = pytest.mark.slow


def command(number: int = 1) -> Command:
    return Command(id=f"cmd_{number}", device="dev_a", capability="locate", arguments={"on": True})


async def test_a_silent_agent_is_lost_after_three_beats_and_once(house: House) -> None:
    peer = await house.connected()
    since = house.clock.now_ms()
    await house.wait(29)
    assert house.agents.get(peer.agent).state == "connected"
    await house.wait(3)
    account = house.agents.get(peer.agent)
    assert (account.state, account.since_ms) == ("lost", since)
    assert account.reason is not None
    assert account.reason.code == "agent_silent"
    assert peer.closed
    assert house.receiver.told[-1] == ("agent_silent", peer.agent)
    await house.wait(60)
    assert await house.logged("agent.lost") == ["agent.lost"]


async def test_beats_keep_a_link_and_are_sent_when_nothing_else_is(house: House) -> None:
    peer = await house.connected()
    beats = [message for message in peer.heard if isinstance(message, Beat)]
    assert len(beats) == 1
    for _ in range(6):
        await house.wait(10)
        peer.say(Beat(now_ms=house.clock.now_ms(), echo_ms=beats[-1].now_ms))
        beats = [message for message in peer.heard if isinstance(message, Beat)]
    assert len(beats) in (6, 7)
    assert house.agents.get(peer.agent).state == "connected"


async def test_a_line_that_closed_is_lost_after_a_short_grace(house: House) -> None:
    peer = await house.connected()
    peer.session.gone()
    await house.wait(4)
    assert house.agents.get(peer.agent).state == "connected"
    await house.wait(2)
    account = house.agents.get(peer.agent)
    assert account.state == "lost"
    assert house.receiver.told[-1] == ("agent_gone", peer.agent)
    again = await house.again(peer)
    assert house.agents.get(peer.agent).state == "connected"
    assert await house.logged("agent.connected", "agent.lost") == ["agent.connected", "agent.lost", "agent.connected"]
    assert not again.closed


async def test_an_agent_that_is_back_at_once_was_never_lost(house: House) -> None:
    peer = await house.connected()
    peer.session.gone()
    await house.wait(2)
    await house.again(peer)
    await house.wait(10)
    assert await house.logged("agent.connected", "agent.lost") == ["agent.connected"]
    assert ("agent_gone", peer.agent) not in house.receiver.told


async def test_an_agent_that_says_goodbye_is_lost_at_once(house: House) -> None:
    peer = await house.connected()
    peer.session.gone(clean=True)
    await house.wait(1)
    account = house.agents.get(peer.agent)
    assert account.state == "lost"
    assert account.reason is not None
    assert account.reason.code == "agent_stopped"


@pytest.mark.parametrize(("code", "told"), [("disk_failed", "disk_failed"), ("made_up", "agent_gone")])
async def test_an_agent_that_says_why_it_leaves_is_believed_where_the_hub_knows_the_reason(
    house: House, code: str, told: str
) -> None:
    peer = await house.connected()
    peer.say(Refused(code=code, text="<b>The agent's own words</b>"))
    assert peer.closed
    await house.wait(4)
    assert house.agents.get(peer.agent).state == "connected", "it may be back at once"
    await house.wait(2)
    account = house.agents.get(peer.agent)
    assert account.state == "lost"
    assert account.reason is not None
    assert account.reason.code == told
    assert "<b>" not in account.reason.text
    assert house.receiver.told[-1] == (told, peer.agent)


async def test_a_stranger_has_no_leave_to_take(house: House) -> None:
    await house.account()
    peer = house.call()
    peer.say(Refused(code="disk_failed", text=""))
    assert await peer.refusal() == "out_of_turn"


async def test_a_store_that_takes_nothing_keeps_nobody_online(house: House) -> None:
    peer = await house.connected()
    raw: list[Any] = []
    await house.store.unit_of_work(lambda tx: raw.append(tx.conn.connection.dbapi_connection))
    raw[0].execute("pragma query_only = 1")
    peer.session.gone()
    since = house.clock.now_ms()
    await house.wait(6)
    assert house.receiver.told[-1] == ("agent_gone", peer.agent)
    shown = AgentItems(house.links).item(peer.agent, Everybody())
    assert (shown.state, shown.reason and shown.reason.code, shown.since) == ("lost", "agent_gone", rfc3339(since))
    await house.wait(60)
    assert house.receiver.told.count(("agent_gone", peer.agent)) == 1
    raw[0].execute("pragma query_only = 0")
    await house.wait(11)
    account = house.agents.get(peer.agent)
    assert (account.state, account.since_ms) == ("lost", since)
    assert await house.logged("agent.lost") == ["agent.lost"]
    assert house.receiver.told.count(("agent_gone", peer.agent)) == 1
    await house.again(peer)
    assert AgentItems(house.links).item(peer.agent, Everybody()).state == "connected"


async def test_after_a_hub_start_nobody_is_lost_for_a_minute(tmp_path: Path) -> None:
    path = tmp_path / "soundpost.db"
    async with House(path) as house:
        london = await house.connected("London")
        paris = await house.connected("Paris")
        await house.account("Madrid")
    assert isinstance(london.heard[-1], Refused)
    assert london.heard[-1].code == "stopping"
    async with House(path) as house:
        told = [code for code, _ in house.receiver.told]
        assert told == ["agent_never"]
        await house.wait(58)
        items = AgentItems(house.links)
        waited = items.item(paris.agent, Everybody())
        assert (waited.state, waited.reason and waited.reason.code) == ("awaited", "agent_awaited")
        assert house.agents.get(paris.agent).state == "connected"
        await house.again(london)
        assert (items.item(london.agent, Everybody()).state, items.states()["awaited"]) == ("connected", 1)
        await house.wait(4)
        assert house.agents.get(paris.agent).state == "lost"
        assert house.agents.get(london.agent).state == "connected"
        assert await house.logged("agent.lost") == ["agent.lost"]
        assert ("agent_not_back", paris.agent) in house.receiver.told


async def test_how_an_agent_is_shows_on_its_item(house: House) -> None:
    peer = await house.connected()
    items = AgentItems(house.links)
    now = house.clock.now_ms()
    peer.say(Beat(now_ms=now - 5_000, facts_waiting=4, values_waiting=3, dropped=2, disk_free_percent=61.23))
    scans = [envelope.RangeState("eth0", "10.20.4.0/24", asked=254, total=254, found=31, started_ms=now)]
    scans.append(envelope.RangeState("eth1", "10.20.9.0/24", swept=False))
    sets = [envelope.SetState("cred_1", "clearone")]
    peer.say(envelope.ScanState(ranges=scans, policy="ask", sets=sets))
    item = items.detail(peer.agent, Everybody(online=3))
    assert (item.state, item.waiting, item.dropped, item.disk_free_percent) == ("connected", 7, 2, 61.2)
    assert (item.clock_offset_s, item.subnets, item.devices) == (5.0, ["10.20.4.0/24"], {"online": 3})
    assert [(scan.range, scan.swept) for scan in item.scans] == [("10.20.4.0/24", True), ("10.20.9.0/24", False)]
    assert item.scans[0].ended is None
    assert (item.policy, item.credential_sets[0].subnets, item.boot) == ("ask", ["*"], "boot_1")
    assert len(item.fingerprint) == 95
    assert items.states()["connected"] == 1


async def test_scans_outlive_the_hub(tmp_path: Path) -> None:
    path = tmp_path / "soundpost.db"
    async with House(path) as house:
        peer = await house.connected()
        peer.say(envelope.ScanState(ranges=[envelope.RangeState("eth0", "10.20.4.0/24", found=31)]))
    async with House(path) as house:
        assert AgentItems(house.links).detail(peer.agent, Everybody()).scans[0].found == 31


async def test_changes_of_a_beat_are_told_at_most_once_a_second(house: House) -> None:
    peer = await house.connected()
    told: list[str] = []
    house.links.agent_changed.subscribe(told.append)
    for _ in range(50):
        peer.say(Beat(now_ms=house.clock.now_ms()))
    assert told == []
    await house.wait(1)
    assert told == [peer.agent]


# -- down


async def test_commands_plans_and_scans_go_down_a_living_link_only(house: House) -> None:
    peer = await house.connected()
    site = house.agents.get(peer.agent).site
    assert house.links.send_command(site, command())
    assert house.links.plan(site, envelope.SitePlan(revision=4))
    assert house.links.scan(site)
    assert house.links.pick(site, "f@10.0.0.1:23")
    kinds = [type(message).__name__ for message in peer.heard[-4:]]
    assert kinds == ["Ask", "Plan", "Scan", "Pick"]
    peer.session.gone()
    assert not house.links.send_command(site, command())
    assert not house.links.send_command("sit_nowhere", command())


async def test_open_commands_are_sent_again_at_hello(house: House) -> None:
    house.desk.open = [command(1), command(2)]
    peer = await house.connected()
    asks = [message.command.id for message in peer.heard if isinstance(message, envelope.Ask)]
    assert asks == ["cmd_1", "cmd_2"]


async def test_go_is_answered_by_the_desk(house: House) -> None:
    peer = await house.connected()
    house.desk.answer = (False, "aborted")
    peer.say(envelope.GoAsk(id="cmd_1"))
    peer.say(envelope.Seen(id="cmd_1"))
    answer = await peer.told(envelope.GoAnswer)
    assert (answer.id, answer.go, answer.code) == ("cmd_1", False, "aborted")
    assert house.desk.was_seen == ["cmd_1"]


async def test_a_burst_of_questions_ends_no_link(house: House) -> None:
    peer = await house.connected()
    for number in range(house.limits.questions + 5):
        peer.say(envelope.Seen(id=f"cmd_{number}"))
    peer.say(envelope.GoAsk(id="cmd_late"))
    answer = await peer.told(envelope.GoAnswer)
    assert (answer.id, answer.go, answer.code) == ("cmd_late", False, "busy"), "not yet: it asks again"
    assert not peer.session.over


async def test_many_open_commands_go_out_in_order_a_few_unseen_at_a_time(house: House) -> None:
    house.desk.open = [command(number) for number in range(300)]
    peer = await house.connected()

    def asked() -> list[str]:
        return [message.command.id for message in peer.heard if isinstance(message, envelope.Ask)]

    assert len(asked()) == UNSEEN
    for number in range(300):
        peer.say(envelope.Seen(id=f"cmd_{number}"))
        await house.idle()
    assert asked() == [f"cmd_{number}" for number in range(300)]
    assert not peer.session.over


async def test_a_session_that_can_not_be_committed_ends_and_no_newer_one(house: House) -> None:
    peer = await house.connected()
    old = type(peer.session.source)("sit_x", peer.agent, peer.session.source.epoch - 1)
    house.links.break_link(old, RuntimeError("full"))
    assert not peer.session.over
    house.links.break_link(peer.session.source, RuntimeError("full"))
    assert await peer.refusal() == "not_committed"


# -- doors


class Socket:
    """The server's side of one ASGI WebSocket."""

    def __init__(self, **scope: Any) -> None:
        self.scope = {"type": "websocket", "scheme": "wss", "client": ("10.50.0.4", 5), "path": "/agent/link", **scope}
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.inbox.put_nowait({"type": "websocket.connect"})

    async def send(self, event: dict[str, Any]) -> None:
        self.sent.append(event)

    def frames(self) -> list[envelope.Message]:
        return [envelope.decode(event["bytes"]) for event in self.sent if event["type"] == "websocket.send"]


async def test_frames_through_the_websocket_door(house: House) -> None:
    socket = Socket()
    serving = asyncio.create_task(AgentDoor(house.links)(socket.scope, socket.inbox.get, socket.send))
    await settle()
    assert socket.sent[0]["type"] == "websocket.accept"
    assert isinstance(socket.frames()[0], Challenge)
    socket.inbox.put_nowait({"type": "websocket.receive", "bytes": envelope.encode(Beat(now_ms=1))})
    await settle()
    refused = socket.frames()[1]
    assert isinstance(refused, Refused)
    assert refused.code == "out_of_turn"
    assert socket.sent[-1]["type"] == "websocket.close"
    socket.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await serving


@pytest.mark.parametrize(("code", "clean"), [(1001, True), (1000, False), (1006, False)])
async def test_only_going_away_is_a_goodbye(house: House, code: int, clean: bool) -> None:
    peer = await house.connected()
    heard: list[bool] = []
    socket = Socket()
    serving = asyncio.create_task(AgentDoor(house.links)(socket.scope, socket.inbox.get, socket.send))
    await settle()
    session = next(one for one in house.links._all if one is not peer.session)
    session.gone = lambda *, clean=False: heard.append(clean)  # type: ignore[method-assign]
    socket.inbox.put_nowait({"type": "websocket.disconnect", "code": code})
    await serving
    assert heard == [clean]
    house.links._all.discard(session)


@pytest.mark.parametrize(
    ("plain", "client", "let_in"),
    [
        ("never", "127.0.0.1", False),
        ("loopback", "127.0.0.1", True),
        ("loopback", "10.0.0.1", False),
        ("any", "10.0.0.1", True),
    ],
)
async def test_without_tls_only_where_it_is_allowed(house: House, plain: Any, client: str, let_in: bool) -> None:
    socket = Socket(scheme="ws", client=(client, 5))
    socket.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await AgentDoor(house.links, plain=plain)(socket.scope, socket.inbox.get, socket.send)
    await settle()
    refused = [message.code for message in socket.frames() if isinstance(message, Refused)]
    assert refused == ([] if let_in else ["tls_needed"])


async def test_a_browser_at_the_agents_door(house: House) -> None:
    sent: list[dict[str, Any]] = []

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    await AgentDoor(house.links)({"type": "http"}, None, send)
    assert sent[0]["status"] == 426
    assert b"websocket_only" in sent[1]["body"]


async def test_what_waits_for_one_agent_is_bounded() -> None:
    outlet = Outlet()
    assert all(outlet.put(b"frame") for _ in range(FRAMES_WAITING))
    assert not outlet.put(b"one more")
    outlet.close()
    assert [await outlet.get() for _ in range(FRAMES_WAITING + 1)][-2:] == [b"frame", None]


async def test_a_local_agent_s_own_engine(house: House) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    account = await house.agents.adopt_local("sit_local", "Here", public, "Europe/London")
    assert await house.agents.adopt_local("sit_local", "Here", public, "Europe/London") == account
    channel = LocalDoor(house.links).connect()
    challenge = envelope.decode(await channel.receive() or b"")
    assert isinstance(challenge, Challenge)
    signature = key.sign(signed_bytes(HUB, "local", challenge.nonce, b"n", account.id, "boot_1"))
    hello = Hello(agent=account.id, boot="boot_1", nonce=b"n", host="local", signature=signature)
    await channel.send(envelope.encode(hello))
    welcome = envelope.decode(await channel.receive() or b"")
    assert isinstance(welcome, Welcome)
    assert (welcome.site, welcome.account) == ("sit_local", "Here")
    stranger = house.call()
    await stranger.join("Here", "")
    assert await stranger.refusal() == "wrong_password"
    await channel.close(goodbye=True)
    await house.wait(1)
    assert house.agents.get(account.id).state == "lost"


async def test_nothing_is_left_running(house: House) -> None:
    peer = await house.connected()
    await house.links.stop()
    assert await peer.refusal() == "stopping"
    assert house.agents.get(peer.agent).state == "connected"
    assert house.links.sessions == {}
    late = house.call()
    assert isinstance(late.heard[0], Refused)


async def test_a_transcript_is_asked_for_and_comes_back_or_says_why(house: House) -> None:
    peer = await house.connected()
    site = house.agents.get(peer.agent).site
    asked = asyncio.create_task(house.links.transcript(site, "dev_a"))
    await settle(3)
    fetch = peer.heard[-1]
    assert isinstance(fetch, envelope.Fetch)
    assert fetch.device == "dev_a"
    peer.say(envelope.Fetched(id=99, data=b"of another question"))
    peer.say(envelope.Fetched(id=fetch.id, data=b"> EP MIC 101 LEVEL MUTE"))
    assert await asked == b"> EP MIC 101 LEVEL MUTE"
    for end, code in (("nothing", "no_transcript"), ("silence", "timed_out"), ("loss", "agent_lost")):
        asked = asyncio.create_task(house.links.transcript(site, "dev_a"))
        await settle(3)
        if end == "nothing":
            peer.say(envelope.Fetched(id=peer.heard[-1].id, code="no_transcript"))
        elif end == "silence":
            await house.clock.advance(house.links.limits.fetch_s)
        else:
            peer.session.gone()
        with pytest.raises(SoundpostError) as caught:
            await asked
        assert caught.value.code == code
    with pytest.raises(SoundpostError):
        await house.links.transcript("sit_nowhere", "dev_a")
