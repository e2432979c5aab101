"""What the benches share: real processes, their CPU seconds, percentiles, and the machine they ran on."""

import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from msgspec import Struct

from bench.programs import Api, Program, eventually


class Figure(Struct, frozen=True):
    """One line of the table. `unit` says what one of it is."""

    name: str
    value: float
    unit: str
    aim: str = ""
    met: bool | None = None


class World(Struct):
    """A simulator, a hub and one agent, joined and having found everything."""

    simulator: Program
    hub: Program
    agent: Program
    api: Api
    control: httpx.Client

    def cpu_s(self) -> dict[str, float]:
        return {
            name: cpu(program.pid)
            for name, program in (("hub", self.hub), ("agent", self.agent), ("simulator", self.simulator))
        }


def cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: list[float]) -> float:
    return statistics.median(values)


def machine() -> dict[str, Any]:
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


@contextmanager
def world(stacks: int, environment: dict[str, str], network: str = "127.21.0.0/20") -> Iterator[World]:
    """Everything on loopback, on free ports, gone afterwards."""
    with ExitStack() as after:
        base = Path(after.enter_context(tempfile.TemporaryDirectory(prefix="soundpost-bench-")))

        def start(*arguments: str, **options: Any) -> Program:
            program = Program(*arguments, **options)
            after.callback(program.stop)
            return program

        simulator = start(
            "simulate",
            "--stacks",
            str(stacks),
            "--network",
            network,
            "--port",
            "10023",
            "--control-port",
            "0",
            "--scene",
            "calm",
            "--quiet",
        )
        hub = start(
            "hub", "--data", str(base / "hub"), "--port", "0", "--tls-port", "0",
            orders={"make_owner": True, "agents": [{"name": "Bench", "fresh": True}]},
        )  # fmt: skip
        agent = start(
            "agent", "--data", str(base / "agent"), "--port", "0",
            orders={"join": hub.ready["agents"][0], "make_owner": False},
            environment={"SOUNDPOST_AGENT_SUBNETS": f"{network}:10023", **environment},
        )  # fmt: skip
        api = Api(hub.ready["url"], hub.ready["api_key"])
        after.callback(api.close)
        control = httpx.Client(base_url=simulator.ready["control"], timeout=20)
        after.callback(control.close)
        eventually(
            "every stack listed and online", lambda: api.devices(kind="stack", status="online").__len__() == stacks, 240
        )
        try:
            yield World(simulator, hub, agent, api, control)
        finally:
            for program in (simulator, hub, agent):
                if program.process.poll() is not None:
                    sys.stderr.write("\n".join([f"{program.process.args} ended by itself", *program.log[-40:], ""]))
