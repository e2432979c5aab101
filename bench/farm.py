"""A farm, a hub and one agent, as real processes on loopback, gone afterwards; and the machine they ran on."""

import contextlib
import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from msgspec import Struct, field

from bench.programs import CLOCK, Api, Probed, Program, eventually
from soundpost.kernel.clock import sleep_blocking

NETWORK = 127, 29
"""127.29.0.0/16 is the benches' own: nothing else on this machine listens there."""
PER_BLOCK = 254
MOST = 0.98


class Order(Struct):
    """What a bench wants of its world."""

    stacks: int
    environment: dict[str, str] = field(default_factory=dict)
    scene: str = "calm"
    unanswered: bool = False
    """The simulator notes when a silent stack first left a request unanswered."""
    found_s: float = 300.0


class World(Struct):
    """A simulator, a hub and one agent, joined and having found everything."""

    base: Path
    simulator: Probed
    hub: Probed
    agent: Probed
    api: Api
    control: httpx.Client
    unanswered: Path
    restart_hub: Callable[[], None] = lambda: None
    restart_agent: Callable[[], None] = lambda: None

    def cpu_s(self) -> dict[str, float]:
        return {name: cpu(program.pid) for name, program in self.programs().items()}

    def programs(self) -> dict[str, Program]:
        return {"hub": self.hub, "agent": self.agent, "simulator": self.simulator}


def cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def machine() -> dict[str, Any]:
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_1min": round(os.getloadavg()[0], 2),
    }


def free_port() -> int:
    """Free on the farm's addresses: nobody else's are there, so any high port of the first one will do for all."""
    with socket.socket() as probe:
        probe.bind((f"{NETWORK[0]}.{NETWORK[1]}.0.1", 0))
        return int(probe.getsockname()[1])


def blocks(stacks: int) -> list[str]:
    """The /24 networks so many stacks fill, in the order the simulator fills them."""
    count = -(-stacks // PER_BLOCK)
    if count > 256:
        raise ValueError(f"{stacks} stacks need more than {NETWORK[0]}.{NETWORK[1]}.0.0/16")
    return [f"{NETWORK[0]}.{NETWORK[1]}.{number}.0/24" for number in range(count)]


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="soundpost-bench-") as name:
        yield Path(name)


@contextmanager
def world(order: Order) -> Iterator[World]:
    """Ready once every stack is listed and online at the hub. Everything is stopped at the end, whatever happened."""
    with ExitStack() as after:
        base = after.enter_context(folder())
        port = free_port()
        programs: list[Program] = []

        def start(*arguments: str, orders: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Probed:
            program = Probed(*arguments, orders=orders, environment=environment)
            programs.append(program)
            after.callback(stop, program)
            return program

        unanswered = base / "unanswered"
        unanswered.touch()
        simulator = start(
            "simulate", "--stacks", str(order.stacks), "--network", f"{NETWORK[0]}.{NETWORK[1]}.0.0/16",
            "--port", str(port), "--control-port", "0", "--scene", order.scene, "--quiet", orders={},
            environment={"SOUNDPOST_PROBE_UNANSWERED": str(unanswered)} if order.unanswered else None,
        )  # fmt: skip
        hub = start(
            "hub", "--data", str(base / "hub"), "--port", "0", "--tls-port", "0",
            orders={"make_owner": True, "agents": [{"name": "Bench", "fresh": True}]},
        )  # fmt: skip
        subnets = ",".join(f"{block}:{port}" for block in blocks(order.stacks))
        agent_arguments = ("agent", "--data", str(base / "agent"), "--port", "0")
        environment = {"SOUNDPOST_AGENT_SUBNETS": subnets, **order.environment}
        agent = start(
            *agent_arguments, environment=environment, orders={"join": hub.ready["agents"][0], "make_owner": False}
        )
        api = Api(hub.ready["url"], hub.ready["api_key"])
        after.callback(api.close)
        control = httpx.Client(base_url=simulator.ready["control"], timeout=30)
        after.callback(control.close)
        here = World(base, simulator, hub, agent, api, control, unanswered)

        def restart_hub() -> None:
            """On the same data and ports, so that agent and browsers find it again."""
            ports = [str(int(url.rsplit(":", 1)[1])) for url in (hub.ready["url"], hub.ready["tls_url"])]
            arguments = ("hub", "--data", str(base / "hub"), "--port", ports[0], "--tls-port", ports[1])
            here.hub = start(*arguments, orders={"make_owner": False})

        def restart_agent() -> None:
            here.agent = start(*agent_arguments, environment=environment, orders={"make_owner": False})

        here.restart_hub, here.restart_agent = restart_hub, restart_agent
        try:
            eventually("every stack is listed and online", lambda: found(api, order), order.found_s)
            yield here
        except BaseException:
            complain(here)
            raise


def polls(here: World) -> int:
    """Requests the devices have seen."""
    return int(here.control.get("/health").json()["commands_seen"])


def settle(here: World, look_s: float = 2.0, wait_s: float = 600.0) -> None:
    """Until the first reading of everything is over: the devices are asked no more seldom than a moment ago."""
    until, rates = CLOCK.monotonic() + wait_s, list[float]()
    while CLOCK.monotonic() < until and not levelled(rates):
        first, start = polls(here), CLOCK.monotonic()
        sleep_blocking(look_s)
        rates.append((polls(here) - first) / (CLOCK.monotonic() - start))


def levelled(rates: list[float]) -> bool:
    """Polls come in bunches, so two looks are compared with the two before them; nothing asked yet is no level."""
    return len(rates) >= 4 and sum(rates[-2:]) >= 0.9 * sum(rates[-4:-2]) > 0


def found(api: Api, order: Order) -> bool:
    """All online. In a scene with faults some never are, and who misbehaves while it is first looked at waits for the next sweep."""
    if order.scene == "calm":
        return online(api) == order.stacks
    return sum(api.get("/summary")["stacks"].values()) >= MOST * order.stacks


def online(api: Api) -> int:
    return int(api.get("/summary")["stacks"]["online"])


def stop(program: Program) -> None:
    """A program that does not stop in time is killed and told of; the others are still stopped."""
    try:
        program.stop()
    except AssertionError as slow:
        sys.stderr.write(f"{slow}\n")


def complain(here: World) -> None:
    """What a program said last, when the bench failed."""
    for name, program in here.programs().items():
        state = "runs" if program.process.poll() is None else f"ended with {program.process.returncode}"
        sys.stderr.write("\n".join([f"{name} {state}", *program.log[-15:], ""]))


def room(path: Path) -> int:
    """Bytes free where the data lies."""
    return shutil.disk_usage(path).free


def sizes(base: Path) -> dict[str, int]:
    """The write-ahead logs under a data folder, by name."""
    found: dict[str, int] = {}
    for path in base.rglob("*-wal"):
        with contextlib.suppress(OSError):
            found[path.name] = path.stat().st_size
    return found
