"""What a site does to us that nobody planned: devices that move, swap and double, wrong passwords, old copies and clones of
disks, strangers in the swept range, wrong clocks; and the two verbs that take a line away. Real processes throughout."""

import contextlib
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.journeys.conftest import Site
from tests.journeys.test_main import GAIN, ended, listed, point
from tests.support.programs import Api, Program, eventually, folder, whole_log

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]
PORT = 10023
QUICK = {"SOUNDPOST_AGENT_PERIOD_HEARTBEAT": "2"}
"""Who answers at an address is asked every 2 s here, not every 30."""
SECRETS = (b"clearone", b"converge")


def stack_at(here: Site, place: int) -> dict[str, Any]:
    """The simulator's stacks in order: 0 is a 128SRD with P-Link peripherals, the others are Huddles."""
    return here.stacks()[place]


def serial(here: Site, place: int) -> str:
    value: str = stack_at(here, place)["boxes"][0]["serial"]
    return value


def mixer(here: Site, number: str) -> dict[str, Any]:
    (found,) = [d for d in here.api.devices(kind="mixer") if d["serial_number"] == number]
    return found


def stack_of(here: Site, number: str) -> dict[str, Any]:
    (found,) = [d for d in here.api.devices(kind="stack") if number in d["boxes"]]
    return found


def identities(here: Site) -> dict[str, str]:
    return {d["id"]: d["serial_number"] or ",".join(d["boxes"]) for d in here.api.devices()}


def agent(here: Site) -> dict[str, Any]:
    (item,) = here.api.get("/agents")["items"]
    detail: dict[str, Any] = here.api.get(f"/agents/{item['id']}")
    return detail


def events(here: Site, *types: str) -> list[dict[str, Any]]:
    """All of them, in the log's order."""
    items: list[dict[str, Any]] = []
    query = {"type": ",".join(types)} if types else {}
    while page := here.api.get("/events", after=items[-1]["id"] if items else 0, limit=1000, **query)["items"]:
        items += page
    return items


def facts(items: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """What a site said, without what the hub adds: when it came, and whether it came late."""
    return sorted(
        (e["device"] or "", e["type"], str({k: v for k, v in e["data"].items() if k != "late"}), e["time"])
        for e in items
        if e["type"].startswith(("device.", "found.", "scan."))
    )


def missing(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Facts of `before` that do not stand in `after` exactly once. The offset of the clocks is measured anew on each connection,
    so times differ by some milliseconds."""
    there = facts(after)
    return [
        fact
        for fact in facts(before)
        if sum(fact[:3] == f[:3] and abs((at(fact[3]) - at(f[3])).total_seconds()) < 0.2 for f in there) != 1
    ]


def nothing_twice(here: Site) -> None:
    items = whole_log(here.hub.ready["url"], here.owner)
    ids = [e["id"] for e in items]
    assert ids == list(range(1, len(ids) + 1)), "the log has a hole"
    told = facts(items)
    assert len(told) == len(set(told)), "a fact stands in the log twice"
    assert not [e for e in items if e["type"] == "entry.rejected"], "an entry was set aside"


@contextlib.contextmanager
def owner_at(program: Program, owner: dict[str, str] | None = None) -> Iterator[httpx.Client]:
    """Signed in as a browser is: a cookie, and the page's own Origin."""
    url, owner = program.ready["url"], owner or program.ready["owner"]
    assert owner
    with httpx.Client(base_url=f"{url}/api/v1", headers={"Origin": url}, timeout=20) as client:
        told = {"sign_in": owner["email"], "password": owner["password"]}
        client.post("/session", json=told).raise_for_status()
        yield client


def restart(here: Site) -> None:
    """Starts the agent anew in its folder, and returns when the hub has let that process in."""
    boot = agent(here)["boot"]
    here.agent = here.start_agent()
    eventually("it is back", lambda: (a := agent(here))["state"] == "connected" and a["boot"] != boot)


def link(here: Site) -> dict[str, Any]:
    """The line to the hub as the agent's own page shows it."""
    page = Api(here.agent.ready["url"], here.agent_key)
    try:
        shown: dict[str, Any] = page.get("/external/hub")
        return shown
    finally:
        page.close()


def confirmed(here: Site) -> None:
    eventually("the hub has all", lambda: (s := link(here))["state"] == "connected" and s["waiting"] == 0)


def scan(here: Site) -> None:
    """Sweeps now, and returns when that sweep is over."""
    before = len(events(here, "scan.done"))
    with owner_at(here.hub, here.owner) as owner:
        owner.post(f"/agents/{agent(here)['id']}/scan").raise_for_status()
    eventually("the sweep is over", lambda: len(events(here, "scan.done")) > before)


def swept(here: Site) -> None:
    eventually("the first sweep is over", lambda: events(here, "scan.done"))


def set_gain(here: Site, device: str, value: float) -> dict[str, Any]:
    asked = here.api.post(
        f"/devices/{device}/commands", {"capability": "control", "arguments": {"key": GAIN, "value": value}}
    )
    return ended(here.api, asked["id"])


def readable(here: Site, device: str) -> None:
    eventually("its gain was read", lambda: point(here.api, device, GAIN)["quality"] == "good")


def refreshed(here: Site, device: str) -> bool:
    """Reading anew works only while the line is up."""
    asked = here.api.post(f"/devices/{device}/commands", {"capability": "refresh", "arguments": {}})
    return ended(here.api, asked["id"])["status"] == "done"


def gain_at(here: Site, stack: str) -> float | None:
    said = here.state(stack)["values"].get("MIC 101 LEVEL GAIN")
    return None if said is None else float(said)


class Copy:
    """A data folder and its keys as they were. Taken while the program is down, as a backup of a stopped machine would be."""

    def __init__(self, base: Path, name: str, *, keys: bool = True) -> None:
        self._base, self._names = base, [name, f"{name}.keys"] if keys else [name]
        for each in self._names:
            shutil.copytree(base / each, base / f"{each}.copy")

    def put_back(self) -> None:
        for each in self._names:
            shutil.rmtree(self._base / each)
            shutil.copytree(self._base / f"{each}.copy", self._base / each)


# --- devices


def test_a_stack_that_moves_keeps_its_id(site: Callable[..., Site]) -> None:
    here = site("127.26.1.0/28", 2)
    listed(here, 2)
    swept(here)
    number, home = serial(here, 0), stack_at(here, 0)["address"]
    before = identities(here)
    stack, box = stack_of(here, number), mixer(here, number)
    here.fault(stack_at(here, 0)["name"], "move", address="127.26.1.9")
    eventually("its line is down", lambda: here.api.get(f"/devices/{stack['id']}")["status"] == "offline")
    scan(here)
    moved = eventually(
        "it is back at its new address",
        lambda: (
            (d := here.api.get(f"/devices/{stack['id']}"))["status"] == "online" and d["address"] == "127.26.1.9" and d
        ),
    )
    assert moved["former_addresses"] == [home]
    assert here.api.get(f"/devices/{box['id']}")["address"] == "127.26.1.9"
    (told,) = events(here, "device.moved")
    assert (told["device"], told["data"]["before"], told["data"]["now"]) == (
        stack["id"],
        f"{home}:{PORT}",
        f"127.26.1.9:{PORT}",
    )
    assert identities(here) == before, "an id changed, or a device was listed twice"
    assert here.api.get("/found")["items"] == []
    assert stack["id"] in {d["id"] for d in here.api.devices(q=home)}, "its former address no longer finds it"
    assert set_gain(here, box["id"], -9.5)["status"] == "done"
    assert gain_at(here, stack_at(here, 0)["name"]) == -9.5


def test_two_stacks_swap_addresses_and_ids_follow_serials(site: Callable[..., Site]) -> None:
    here = site("127.26.2.0/28", 2, environment=QUICK)
    listed(here, 2)
    first, second = stack_at(here, 0), stack_at(here, 1)
    numbers = serial(here, 0), serial(here, 1)
    before = identities(here)
    boxes = [mixer(here, number)["id"] for number in numbers]
    for box in boxes:
        readable(here, box)
    here.fault(first["name"], "move", address=second["address"], swap=True)
    here.fault(second["name"], "move", address=first["address"])
    at_once = set_gain(here, boxes[0], -13.5)  # while nobody has noticed yet: to the right one, or to nobody
    assert at_once["status"] in ("done", "failed")
    assert gain_at(here, second["name"]) is None, "the write went to the device that took the other's address"
    assert (gain_at(here, first["name"]) == -13.5) == (at_once["status"] == "done")

    def settled() -> Any:
        shown = {tuple(d["boxes"]): (d["status"], d["address"]) for d in here.api.devices(kind="stack")}
        assert shown == {
            (numbers[0],): ("online", second["address"]),
            (numbers[1],): ("online", first["address"]),
        }
        return True

    eventually("each stack is known at the other's address", settled, 90)
    assert identities(here) == before
    assert here.api.get("/found")["items"] == []
    for box, name, value in ((boxes[0], first["name"], -21.5), (boxes[1], second["name"], -4.5)):
        assert set_gain(here, box, value)["status"] == "done"
        assert gain_at(here, name) == value
        eventually("it is read there", lambda box=box, value=value: point(here.api, box, GAIN)["value"] == value)
    assert gain_at(here, first["name"]) == -21.5
    moved = {(e["data"]["before"], e["data"]["now"]) for e in events(here, "device.moved")}
    ends = [f"{s['address']}:{PORT}" for s in (first, second)]
    assert moved == {(ends[0], ends[1]), (ends[1], ends[0])}


@pytest.mark.parametrize("late", [1, 0], ids=["genuine-first", "double-first"])
def test_a_serial_seen_twice_is_shown_and_never_merged(site: Callable[..., Site], late: int) -> None:
    """The one that answers first is held, be it the genuine one or the double; `late` answers only afterwards."""

    def double(here: Site) -> None:
        here.fault(stack_at(here, 1)["name"], "serial", serial=serial(here, 0))
        here.fault(stack_at(here, late)["name"], "refuse")

    here = site("127.26.3.0/28", 3, before=double, environment=QUICK)
    listed(here, 2)
    swept(here)
    here.fault(stack_at(here, late)["name"], "refuse", on=False)
    scan(here)
    number, other = serial(here, 0), serial(here, 2)
    held = stack_of(here, number)
    assert held["address"] == stack_at(here, 1 - late)["address"]
    (found,) = eventually("the duplicate is shown", lambda: here.api.get("/found")["items"])
    assert {held["address"], found["address"]} == {stack_at(here, 0)["address"], stack_at(here, 1)["address"]}
    assert (found["reason"]["code"], found["serials"]) == ("duplicate_serial", [number])
    assert found["reason"]["params"]["device"] == held["id"]
    assert here.api.get("/summary")["found"] == {"duplicate_serial": 1}
    before = identities(here)

    scan(here)  # looked at again: still one device, still the same, still shown
    assert here.api.get(f"/devices/{held['id']}")["address"] == held["address"]
    assert (identities(here), [f["id"] for f in here.api.get("/found")["items"]]) == (before, [found["id"]])

    # A device that is held begins to answer with another's serial: it is not taken for it, and nobody else's word changes.
    third, box = stack_of(here, other), mixer(here, other)
    here.fault(stack_at(here, 2)["name"], "serial", serial=number)
    lost = eventually(
        "it is not itself any more",
        lambda: (d := here.api.get(f"/devices/{third['id']}"))["status"] == "offline" and d,
    )
    assert lost["reason"]["code"] == "another_device"
    scan(here)
    eventually("both doubles are shown", lambda: here.api.get("/summary")["found"] == {"duplicate_serial": 2})
    assert here.api.get(f"/devices/{held['id']}")["status"] == "online"
    assert identities(here) == before
    assert set_gain(here, box["id"], -3.5)["status"] == "failed"
    assert gain_at(here, stack_at(here, 2)["name"]) is None

    # The doubles get their own serials back.
    for place in (1, 2):
        here.fault(stack_at(here, place)["name"], "serial", on=False)
    scan(here)
    eventually("all three are listed", lambda: len(here.api.devices(kind="stack", status="online")) == 3)
    eventually("no double is left", lambda: here.api.get("/found")["items"] == [])
    assert stack_of(here, other)["id"] == third["id"]
    assert (stack_of(here, number)["id"], stack_of(here, number)["address"]) == (
        held["id"],
        stack_at(here, 0)["address"],
    )
    # Each peripheral is counted with the stack it hangs from now, and with that one alone.
    for place in range(3):
        mine = {d["serial_number"] for d in here.api.devices(stack=stack_of(here, serial(here, place))["id"])}
        plugged = {p["serial"] for b in stack_at(here, place)["boxes"] for p in b["peripherals"]}
        assert mine == plugged | {serial(here, place)}


def test_a_wrong_device_password_is_said_and_mended_at_the_site(site: Callable[..., Site]) -> None:
    def changed(here: Site) -> None:
        here.fault(stack_at(here, 1)["name"], "credentials", password="correct-horse-7")

    here = site("127.26.4.0/28", 2, before=changed)
    listed(here, 1)
    swept(here)
    first, second = stack_at(here, 0), stack_at(here, 1)
    (found,) = eventually("it is shown as found", lambda: here.api.get("/found")["items"])
    assert (found["address"], found["reason"]["code"]) == (second["address"], "sign_in_refused")
    assert found["remedy"]["text"]
    tries = here.state(second["name"])["connects_seen"]
    scan(here)
    assert here.state(second["name"])["logged_in"] == 0
    assert here.state(second["name"])["connects_seen"] - tries <= 1, "a refused pair is tried again and again"

    # A password changed at a device that is held: said on the device itself.
    stack = stack_of(here, serial(here, 0))
    here.fault(first["name"], "credentials", password="battery-staple-8")
    here.fault(first["name"], "reset")
    refused = eventually(
        "the device says so",
        lambda: (d := here.api.get(f"/devices/{stack['id']}"))["status"] == "offline" and d,
    )
    assert refused["reason"]["code"] == "sign_in_refused"

    with owner_at(here.agent) as owner:
        sets = owner.get("/local/credentials").json()["items"]
        fresh = [{"user": "clearone", "password": p} for p in ("battery-staple-8", "correct-horse-7")]
        keep = [{"id": s["id"], "user": s["user"], "subnets": s["subnets"]} for s in sets]
        answer = owner.put("/local/credentials", json={"items": [*keep, *fresh]})
        answer.raise_for_status()
        assert "horse" not in answer.text, "a password came back"
    listed(here, 2)
    eventually("nothing is left unread", lambda: here.api.get("/found")["items"] == [])
    assert here.api.get(f"/devices/{stack['id']}")["reason"] is None
    assert len(agent(here)["credential_sets"]) == 3
    everything = str([*events(here), agent(here), here.api.devices()])
    assert "horse" not in everything
    assert "staple" not in everything


# --- copies of disks


def test_an_agent_from_an_older_copy_is_told_and_nothing_is_doubled(site: Callable[..., Site]) -> None:
    here = site("127.26.5.0/28", 2)
    listed(here, 2)
    swept(here)
    first, second = stack_at(here, 0), stack_at(here, 1)
    stacks = [stack_of(here, serial(here, place))["id"] for place in (0, 1)]
    box = mixer(here, serial(here, 0))["id"]
    readable(here, box)
    here.agent.stop()
    old = Copy(here.base, "agent")
    restart(here)

    for number in (serial(here, 0), serial(here, 1)):
        eventually("its line is up", lambda number=number: refreshed(here, mixer(here, number)["id"]))
    # After the copy: one stack loses a microphone for a while, the other goes for good, a value changes by a command.
    here.fault(first["name"], "peripheral_gone", index=1)
    here.fault(second["name"], "refuse")
    for stack, status in zip(stacks, ("degraded", "offline"), strict=True):
        shown = lambda stack=stack: here.api.get(f"/devices/{stack}")["status"]  # noqa: E731
        eventually(f"it is {status}", lambda shown=shown, status=status: shown() == status)
    here.fault(first["name"], "peripheral_gone", on=False, index=1)
    eventually("back", lambda: here.api.get(f"/devices/{stacks[0]}")["status"] == "online")
    assert set_gain(here, box, -17.5)["status"] == "done"
    since = here.api.get(f"/devices/{stacks[0]}")["since"]
    before = events(here)
    here.agent.kill()
    old.put_back()
    restart(here)
    eventually("the hub says so", lambda: events(here, "agent.restored"))

    def right() -> Any:
        assert [here.api.get(f"/devices/{s}")["status"] for s in stacks] == ["online", "offline"]
        assert point(here.api, box, GAIN)["value"] == -17.5
        assert point(here.api, box, GAIN)["quality"] == "good"
        return True

    eventually("statuses and values are what is true", right)
    assert here.api.get(f"/devices/{stacks[0]}")["since"] >= since, "it was not well after the copy was made"
    history = here.api.get(f"/devices/{stacks[0]}/history")["items"]
    starts = [entry["since"] for entry in history]
    assert starts == sorted(starts, reverse=True), "the history runs backwards"
    # Once: another start finds nothing wrong.
    here.agent.stop()
    restart(here)
    confirmed(here)
    after = events(here)
    assert len([e for e in after if e["type"] == "agent.restored"]) == 1
    assert [e for e in after if e["type"] == "hub.restored"] == []
    assert after[: len(before)] == before
    nothing_twice(here)


def test_a_cloned_agent_keeps_both_out_until_somebody_decides(site: Callable[..., Site]) -> None:
    here = site("127.26.6.0/28", 2)
    listed(here, 2)
    before = identities(here)
    here.agent.stop()
    for name in ("agent", "agent.keys"):
        shutil.copytree(here.base / name, here.base / name.replace("agent", "clone"))
    one = here.agent = here.start_agent()
    eventually("the first is back", lambda: agent(here)["state"] == "connected")
    boot = agent(here)["boot"]
    two = here.start_agent(name="clone")
    eventually("the newest wins", lambda: agent(here)["boot"] not in ("", boot))

    # The first comes back by itself, and that proves two holders.
    shown = eventually("both are kept out", lambda: (a := agent(here))["state"] == "held_twice" and a)
    assert shown["reason"]["code"] == "held_twice"
    pages = {name: Api(program.ready["url"], here.agent_key) for name, program in (("one", one), ("two", two))}
    for name, page in pages.items():
        told = eventually(
            f"{name} says why", lambda page=page: (s := page.get("/external/hub"))["state"] == "refused" and s
        )
        assert told["reason"]["code"] == "held_twice"
        assert len(page.devices(kind="stack", status="online")) == 2, "the site goes on by itself"
    eventually("its devices are unknown", lambda: all(d["status"] == "unknown" for d in here.api.devices()))
    assert len(events(here, "agent.held_twice")) == 1

    # An owner picks the first, which takes the new password and a new key; the other stays out.
    with owner_at(here.hub, here.owner) as owner:
        answer = owner.post(f"/agents/{shown['id']}/hand-over")
        answer.raise_for_status()
        password = answer.json()["password"]
    with owner_at(one, here.agent_owner) as owner:
        told = {
            "url": here.join["url"],
            "name": here.join["name"],
            "password": password,
            "fingerprint": here.hub.ready["fingerprint"],
        }
        owner.put("/external/hub", json=told).raise_for_status()
    with owner_at(two, here.agent_owner) as owner:
        owner.post("/external/hub/try").raise_for_status()
    eventually("the first is let in", lambda: agent(here)["state"] == "connected")
    listed(here, 2)
    assert identities(here) == before
    refused = eventually(
        "the other is told", lambda: (s := pages["two"].get("/external/hub"))["reason"]["code"] == "key_revoked" and s
    )
    assert refused["state"] == "refused"
    assert agent(here)["state"] == "connected", "the other one's tries throw nobody out"
    nothing_twice(here)
    for page in pages.values():
        page.close()


def test_a_hub_from_yesterdays_copy_is_told_all_again(site: Callable[..., Site]) -> None:
    here = site("127.26.7.0/28", 2)
    listed(here, 2)
    swept(here)
    first, second = stack_at(here, 0), stack_at(here, 1)
    stacks = [stack_of(here, serial(here, place))["id"] for place in (0, 1)]
    box = mixer(here, serial(here, 0))["id"]
    readable(here, box)
    since = link(here)["since"]
    here.hub.stop()
    yesterday = Copy(here.base, "hub", keys=False)
    here.hub = here.start_hub()
    eventually("its agent is back", lambda: (s := link(here))["state"] == "connected" and s["since"] > since)
    here.fault(first["name"], "peripheral_gone", index=1)
    here.fault(second["name"], "refuse")
    for stack, status in zip(stacks, ("degraded", "offline"), strict=True):
        shown = lambda stack=stack: here.api.get(f"/devices/{stack}")["status"]  # noqa: E731
        eventually(f"it is {status}", lambda shown=shown, status=status: shown() == status)
    here.fault(first["name"], "peripheral_gone", on=False, index=1)
    eventually("back", lambda: here.api.get(f"/devices/{stacks[0]}")["status"] == "online")
    done = set_gain(here, box, -18.5)
    assert done["status"] == "done"
    log = here.api.get("/events", limit=1)["log"]
    confirmed(here)
    before = events(here)
    here.hub.kill()
    yesterday.put_back()
    here.hub = here.start_hub()

    eventually("it finds out", lambda: events(here, "hub.restored"))
    eventually("every fact is back, once", lambda: not missing(before, events(here)))
    fresh = here.api.get("/events", limit=1)["log"]
    assert fresh != log
    stale = here.api.client.get("/events", params={"after": before[-1]["id"], "log": log})
    assert (stale.status_code, stale.json()["code"]) == (409, "log_changed")
    assert here.api.client.get("/events", params={"log": fresh}).status_code == 200

    def right() -> Any:
        assert [here.api.get(f"/devices/{s}")["status"] for s in stacks] == ["online", "offline"]
        assert point(here.api, box, GAIN)["value"] == -18.5
        assert point(here.api, box, GAIN)["quality"] == "good"
        return True

    eventually("statuses and values are what is true", right)
    again = here.api.get(f"/commands/{done['id']}")
    assert (again["status"], again["arguments"]) == ("done", done["arguments"]), "the command's end was lost"
    starts = [entry["since"] for entry in here.api.get(f"/devices/{stacks[0]}/history")["items"]]
    assert starts == sorted(starts, reverse=True), "the history runs backwards"
    assert len(events(here, "hub.restored")) == 1
    assert events(here, "agent.restored") == []
    nothing_twice(here)
    # Another start of the restored hub is an ordinary one.
    since = link(here)["since"]
    here.hub.stop()
    here.hub = here.start_hub()
    eventually("its agent is back", lambda: (s := link(here))["state"] == "connected" and s["since"] > since)
    confirmed(here)
    assert len(events(here, "hub.restored")) == 1
    assert here.api.get("/events", limit=1)["log"] == fresh


# --- strangers


class Stranger:
    """A listener that is no device. `heard` is every byte that was sent to it."""

    def __init__(self, address: str, greeting: bytes, *, hold: bool = True) -> None:
        self._greeting, self._hold = greeting, hold
        self.heard = bytearray()
        self.visits = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server((address, PORT))
        threading.Thread(target=self._serve, daemon=True, name=f"stranger {address}").start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = self._listener.accept()
                self._open.append(visitor)
                self.visits += 1
                threading.Thread(target=self._meet, args=(visitor,), daemon=True).start()

    def _meet(self, visitor: socket.socket) -> None:
        with contextlib.suppress(OSError), visitor:
            if self._greeting:
                visitor.sendall(self._greeting)
            if not self._hold:
                return
            while data := visitor.recv(4096):
                self.heard += data

    def close(self) -> None:
        self._listener.close()
        for visitor in self._open:
            with contextlib.suppress(OSError):
                visitor.shutdown(socket.SHUT_RDWR)


GREETINGS = {
    5: (b"SSH-2.0-OpenSSH_9.6\r\n", True),
    6: (b"\r\nWelcome to SomeSwitch 4.2\r\n\r\nUsername: ", True),  # another product that asks the same way
    7: (b"Usern", True),  # half a line, then nothing
    8: (b"", False),  # closes at once
    9: (b"\xff\xfb\x01\xff\xfb\x03login: ", True),
    10: (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", False),
    11: (bytes(range(256)) * 512, True),  # 128 KiB of anything
    12: (b"", True),  # says nothing at all
    13: (b"U", False),
}


def test_strangers_are_not_listed_and_get_no_password(site: Callable[..., Site]) -> None:
    network = "127.26.8"
    strangers = {n: Stranger(f"{network}.{n}", greeting, hold=hold) for n, (greeting, hold) in GREETINGS.items()}
    try:
        here = site(f"{network}.0/28", 2, environment=QUICK)
        listed(here, 2)
        swept(here)
        scan(here)
        for n, stranger in strangers.items():
            assert stranger.visits, f"{network}.{n} was never looked at"
            assert not any(secret in stranger.heard for secret in SECRETS), f"{network}.{n} got a password"
        assert b"".join(bytes(s.heard) for s in strangers.values()).strip() == b"", "a stranger was spoken to"
        assert here.api.get("/found")["items"] == []
        assert {d["address"] for d in here.api.devices(kind="stack")} == {f"{network}.1", f"{network}.2"}

        # One of them takes a device's address.
        moving = stack_at(here, 1)
        stack = stack_of(here, serial(here, 1))
        here.fault(moving["name"], "move", address=f"{network}.4")
        strangers[2] = Stranger(f"{network}.2", GREETINGS[6][0])
        eventually("it is offline", lambda: here.api.get(f"/devices/{stack['id']}")["status"] == "offline")
        eventually("somebody was there", lambda: strangers[2].visits)
        scan(here)
        eventually(
            "it is found again where it is",
            lambda: (
                (d := here.api.get(f"/devices/{stack['id']}"))["status"] == "online" and d["address"] == f"{network}.4"
            ),
        )
        assert bytes(strangers[2].heard).strip() == b""
        assert here.agent.process.poll() is None
        faults = [line for line in here.agent.log if "Traceback" in line or "driver fault" in line]
        assert not faults, faults
    finally:
        for stranger in strangers.values():
            stranger.close()


# --- clocks


CLOCK_OFF = """
import time

real_ns, real = time.time_ns, time.time
time.time_ns = lambda: real_ns() + {seconds} * 1_000_000_000
time.time = lambda: real() + {seconds}

import outside

outside.install()
"""


@pytest.mark.parametrize("hours", [1, -1])
def test_an_agent_whose_clock_is_an_hour_off(site: Callable[..., Site], tmp_path: Path, hours: int) -> None:
    """Its Python tells another time than the machine; the hub is told so and puts its facts where they belong (T25)."""
    shifted = Path(folder(tmp_path, "shifted"))
    (shifted / "sitecustomize.py").write_text(CLOCK_OFF.format(seconds=hours * 3600))
    path = os.pathsep.join([str(shifted), os.environ["PYTHONPATH"]])
    here = site(f"127.26.{9 if hours > 0 else 12}.0/28", 2, environment={"PYTHONPATH": path})
    listed(here, 2)
    shown = agent(here)
    assert shown["state"] == "connected"
    assert abs(shown["clock_offset_s"] + hours * 3600) < 2
    box = mixer(here, serial(here, 0))
    readable(here, box["id"])
    here.fault(stack_at(here, 0)["name"], "peripheral_gone", index=1)
    eventually("not well", lambda: here.api.get(f"/devices/{box['id']}")["status"] == "degraded")
    here.fault(stack_at(here, 0)["name"], "peripheral_gone", on=False, index=1)
    eventually("back", lambda: here.api.get(f"/devices/{box['id']}")["status"] == "online")
    assert set_gain(here, box["id"], -6.5)["status"] == "done"
    read = eventually("it is read", lambda: (p := point(here.api, box["id"], GAIN))["value"] == -6.5 and p)
    assert 0 <= read["age_s"] < 40
    told = [e for e in events(here) if e["type"] in ("device.found", "device.status", "command.ended")]
    off = max(abs((at(e["received"]) - at(e["time"])).total_seconds()) for e in told)
    assert off < 30, "facts stand an hour away from when they happened"
    now = at(here.api.get("/summary")["as_of"])
    for device in here.api.devices():
        assert abs((now - at(device["since"])).total_seconds()) < 120
        assert abs((now - at(device["first_seen"])).total_seconds()) < 120
    (view,) = eventually("a sweep is over", lambda: [s for s in agent(here)["scans"] if s["swept"] and s["ended"]])
    assert abs((now - at(view["started"])).total_seconds()) < 120


def at(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


# --- verbs that take the line away


def test_a_restart_is_confirmed_first_and_proved_afterwards(site: Callable[..., Site]) -> None:
    here = site("127.26.10.0/28", 2)
    listed(here, 2)
    box = mixer(here, serial(here, 0))
    name = stack_at(here, 0)["name"]
    path = f"/devices/{box['id']}/commands"
    for arguments in ({}, {"confirm_assumed": False}):
        refused = here.api.client.post(path, json={"capability": "reboot", "arguments": arguments})
        assert refused.status_code == 400
        assert refused.json()["code"] == "assumed_not_confirmed"
        assert refused.json()["detail"]
    assert here.state(name)["restarting"] is False
    assert events(here, "command.accepted") == []

    asked = here.api.post(path, {"capability": "reboot", "arguments": {"confirm_assumed": True}})
    eventually("it restarts", lambda: here.state(name)["restarting"])
    here.fault(name, "reboot", down_s=4, empty_s=2)  # the same again, but quicker than a device's 20 s and 5 s
    again = here.api.post(path, {"capability": "control", "arguments": {"key": GAIN, "value": -2.5}})
    eventually("the page shows it", lambda: here.api.get(f"/devices/{box['id']}")["status"] != "online")
    done: dict[str, Any] = eventually(
        "the restart is over",
        lambda: (c := here.api.get(f"/commands/{asked['id']}"))["status"] not in ("accepted", "sent") and c,
        120,
    )
    assert (done["status"], done["assumed"], done["undo"]) == ("done", True, None)
    assert here.state(name)["forbidden_seen"] == 0
    eventually("and it is well", lambda: here.api.get(f"/devices/{box['id']}")["status"] == "online")
    # What was asked meanwhile waited its turn, and then did what it says.
    last = ended(here.api, again["id"])
    assert last["status"] in ("done", "failed", "expired", "refused"), last
    assert (gain_at(here, name) == -2.5) == (last["status"] == "done"), last
    restarts = [e for e in events(here, "command.ended") if e["data"]["capability"] == "reboot"]
    assert [e["data"]["status"] for e in restarts] == ["done"]


def test_hands_off_gives_the_line_up_and_takes_it_back(site: Callable[..., Site]) -> None:
    here = site("127.26.11.0/28", 2)
    listed(here, 2)
    box, stack = mixer(here, serial(here, 0)), stack_of(here, serial(here, 0))
    name = stack_at(here, 0)["name"]
    path = f"/devices/{box['id']}/commands"
    assert here.state(name)["logged_in"] == 1
    asked = here.api.post(path, {"capability": "hands_off", "arguments": {"minutes": 1}})
    assert ended(here.api, asked["id"])["status"] == "done"
    eventually("the line is closed", lambda: here.state(name)["sessions"] == 0, 5)
    connects = here.state(name)["connects_seen"]
    shown = eventually(
        "the page says so",
        lambda: (d := here.api.get(f"/devices/{box['id']}"))["reason"] and d["reason"]["code"] == "hands_off" and d,
        5,
    )
    assert shown["status"] == "online", "nobody is called for it"
    assert here.api.get("/summary")["needs"] == []
    scan(here)  # not even a sweep goes there
    assert here.state(name)["connects_seen"] == connects
    assert here.api.get("/found")["items"] == []
    # A write has no line to go by, and says so.
    failed = set_gain(here, box["id"], -5.5)
    assert failed["status"] == "failed"
    assert gain_at(here, name) is None

    back = here.api.post(path, {"capability": "hands_off", "arguments": {"minutes": 0}})
    assert ended(here.api, back["id"])["status"] == "done"
    eventually("the line is back", lambda: here.state(name)["logged_in"] == 1, 15)
    eventually("and the reason gone", lambda: here.api.get(f"/devices/{box['id']}")["reason"] is None, 15)
    statuses = [e for e in events(here, "device.status") if e["device"] in (box["id"], stack["id"])]
    assert {e["data"]["status"] for e in statuses} == {"online"}
    assert set_gain(here, box["id"], -5.5)["status"] == "done"
    assert gain_at(here, name) == -5.5
    for minutes in (-1, 481, 1.5, True, "1"):
        wrong = here.api.client.post(path, json={"capability": "hands_off", "arguments": {"minutes": minutes}})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_argument")
