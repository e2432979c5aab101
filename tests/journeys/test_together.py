"""`soundpost up` and `soundpost demo` as a person types them: all parts start, join and end together."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.support.programs import Api, Program, eventually, folder, whole_log

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]
NETWORK = "127.24.21.0/28"
FREE = ("--port", "0", "--tls-port", "0", "--agent-port", "0")


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    running: list[Program] = []
    yield running
    for program in reversed(running):
        program.stop()


def children(program: Program) -> list[psutil.Process]:
    return psutil.Process(program.pid).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def test_up_twice_on_one_folder_and_ctrl_c(programs: list[Program], tmp_path: Path) -> None:
    simulator = Program(
        "simulate", "--stacks", "2", "--network", NETWORK, "--port", "10023", "--control-port", "0", "--quiet"
    )
    programs.append(simulator)
    environment = {"SOUNDPOST_AGENT_SUBNETS": f"{NETWORK}:10023"}
    first = Program("up", "--data", folder(tmp_path, "up"), *FREE, environment=environment)
    programs.append(first)
    api = Api(first.ready["url"], first.ready["api_key"])
    eventually(
        "both stacks are there, nothing configured", lambda: len(api.devices(kind="stack", status="online")) == 2
    )
    known = {d["id"] for d in api.devices()}
    assert first.ready["hub_pid"] in {child.pid for child in children(first)}
    api.close()

    family = children(first)
    os.kill(first.pid, signal.SIGINT)
    assert first.process.wait(30) == 0
    eventually("every part ended with it", lambda: gone(family))

    # Again: ports differ, so the agent is told the hub's new one; passwords and keys are printed only once.
    again = Program("up", "--data", folder(tmp_path, "up"), *FREE, environment=environment)
    programs.append(again)
    assert (again.ready["owner"], again.ready["api_key"]) == (None, None)
    api = Api(again.ready["url"], first.ready["api_key"])
    eventually("both stacks are there again", lambda: len(api.devices(kind="stack", status="online")) == 2)
    assert {d["id"] for d in api.devices()} == known
    api.close()

    # A supervisor that is killed takes its parts with it: nobody is left to hold ports and folders.
    family = children(again)
    again.kill()
    eventually("every part ended", lambda: gone(family))


def test_demo_shows_three_sites(programs: list[Program], tmp_path: Path) -> None:
    demo = Program(
        "demo", "--data", folder(tmp_path, "demo"), *FREE, "--control-port", "0", "--simulator-port", "10037",
        "--stacks", "6", "--scene", "calm",
    )  # fmt: skip
    programs.append(demo)
    api = Api(demo.ready["url"], demo.ready["api_key"])
    eventually("six stacks", lambda: len(api.devices(kind="stack", status="online")) == 6, 90)
    sites: dict[str, Any] = {site["name"]: site for site in api.get("/sites")["items"]}
    assert {name: site["zone"] for name, site in sites.items()} == {
        "London": "Europe/London",
        "New York": "America/New_York",
        "Sydney": "Australia/Sydney",
    }
    assert [agent["site"] for agent in demo.ready["agents"]] == ["London", "New York", "Sydney"]
    assert api.get("/summary")["agents"]["connected"] == 3
    api.close()


@pytest.mark.postgresql
def test_a_hub_on_postgresql(programs: list[Program], tmp_path: Path, postgresql_address: str) -> None:
    simulator = Program(
        "simulate", "--stacks", "2", "--network", "127.24.22.0/28", "--port", "10023", "--control-port", "0", "--quiet"
    )
    programs.append(simulator)
    ports = ("--port", "0", "--tls-port", "0")
    orders = {"make_owner": True, "agents": [{"name": "London", "fresh": True}]}
    hub = Program("hub", "--data", folder(tmp_path, "hub"), *ports, "--database", postgresql_address, orders=orders)
    programs.append(hub)
    environment = {"SOUNDPOST_AGENT_SUBNETS": "127.24.22.0/28:10023"}
    agent = Program(
        "agent",
        "--data",
        folder(tmp_path, "agent"),
        "--port",
        "0",
        environment=environment,
        orders={"join": hub.ready["agents"][0]},
    )
    programs.append(agent)
    api = Api(hub.ready["url"], hub.ready["api_key"])
    eventually("both stacks", lambda: len(api.devices(kind="stack", status="online")) == 2)
    mixer = api.devices(kind="mixer")[0]["id"]
    key = "mic.101.level.gain"

    def gain() -> Any:
        return next(p for p in api.get(f"/devices/{mixer}/points")["items"] if p["key"] == key)

    eventually("its gain was read", lambda: gain()["quality"] == "good")
    asked = api.post(f"/devices/{mixer}/commands", {"capability": "control", "arguments": {"key": key, "value": -12.5}})
    eventually("done", lambda: api.get(f"/commands/{asked['id']}")["status"] == "done")
    eventually("and read", lambda: gain()["value"] == -12.5)
    ids = [event["id"] for event in whole_log(hub.ready["url"], hub.ready["owner"])]
    assert ids == list(range(1, len(ids) + 1))
    assert api.get(f"/devices/{mixer}/history")["items"][0]["status"] == "online"
    api.close()

    # Killed and started on the same database: what was known is shown at once, with its age.
    hub.kill()
    hub = Program("hub", "--data", folder(tmp_path, "hub"), *ports, "--database", postgresql_address)
    programs.append(hub)
    api = Api(hub.ready["url"], str(api.client.headers["X-Api-Key"]))
    assert gain()["value"] == -12.5
    api.close()
