"""What the tests of this folder start before somebody looks: hub, agent and simulator as real processes."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.browser.conftest import Person
from tests.support.programs import Program, folder

MAIL, PASSWORD = "ana@example.com", "correct horse battery"


@contextmanager
def simulated(network: str) -> Iterator[Program]:
    """Three stacks; each test file has a network of its own, since two files may run at once."""
    orders = ("--stacks", "3", "--seed", "5", "--network", network, "--port", "10023", "--control-port", "0", "--quiet")
    program = Program("simulate", *orders)
    yield program
    program.stop()


@contextmanager
def beside(server: Callable[[], AbstractAsyncContextManager[Any]]) -> Iterator[Any]:
    """A server of tests.support in a thread and a loop of its own: the browser's words wait, and it must answer meanwhile."""
    ready, made = threading.Event(), list[Any]()
    loop, ended = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with server() as told:
            made.append(told)
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="beside")
    thread.start()
    try:
        assert ready.wait(20)
        yield made[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(20)
        loop.close()


@contextmanager
def started() -> Iterator[list[Program]]:
    running: list[Program] = []
    yield running
    for program in reversed(running):
        program.stop()


def hub(base: Path, programs: list[Program], *ports: str, **orders: Any) -> Program:
    port, tls = ports or ("0", "0")
    program = Program(
        "hub", "--data", folder(base, "hub"), "--port", port, "--tls-port", tls, orders={"make_owner": False, **orders}
    )
    programs.append(program)
    return program


def agent(base: Path, programs: list[Program], name: str, network: str, **orders: Any) -> Program:
    environment = {"SOUNDPOST_AGENT_SUBNETS": f"{network}:10023", "SOUNDPOST_AGENT_ZONE": "Europe/London"}
    program = Program(
        "agent",
        "--data",
        folder(base, name),
        "--port",
        "0",
        orders={"make_owner": False, **orders},
        environment=environment,
    )
    programs.append(program)
    return program


def first_run(person: Person, url: str, mail: str) -> None:
    person.page.goto(url)
    person.at("first-run-sign-in").fill(mail)
    person.at("first-run-name").fill("Ana")
    person.at("first-run-password").fill(PASSWORD)
    person.at("first-run-submit").click()
    person.page.wait_for_url("**/settings/account*")
    assert "code=" not in person.page.url


def fault(simulator: Program, stack: str, name: str, on: bool = True) -> None:
    httpx.post(
        f"{simulator.ready['control']}/stacks/{stack}/faults", json={"fault": name, "on": on, "args": {}}
    ).raise_for_status()
