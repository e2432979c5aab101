"""Run inside a network namespace of its own (`unshare -rn`): an agent, its simulated stacks, and an interface that goes down and up.

Everything lives on the namespace's own loopback, which can be taken down like any interface. Prints one JSON line.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from soundpost.agent.run import Agent
from soundpost.agent.settings import AgentSettings
from soundpost.device.contract import Credentials, Periods
from soundpost.kernel.clock import SystemClock
from soundpost.simulator.farm import Farm
from soundpost.simulator.specs import make_stacks

STACKS = 3
QUICK = Periods(status=0.3, levels=0.5, facts=5.0, heartbeat=0.4, answer=0.5, gap=0.0)


def link(state: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


async def until(clock: SystemClock, true: Callable[[], bool]) -> None:
    async with clock.timeout(60):
        while not true():
            await clock.sleep(0.02)


def told(agent: Agent) -> set[tuple[str, str]]:
    """Status and the reason's code of every stack, as it is told."""
    statuses = [watch.parts["stack"].known.status for watch in agent.lines.watches.values()]
    return {(status.status, status.reason.code if status.reason else "") for status in statuses if status}


async def main() -> dict[str, Any]:
    clock = SystemClock()
    link("up")
    with tempfile.TemporaryDirectory() as folder:
        async with Farm(make_stacks(STACKS), network="127.24.77.0/24") as farm:
            settings = AgentSettings(
                data=Path(folder) / "data", keys=Path(folder) / "keys", zone="Europe/London", periods=QUICK,
                subnets=tuple("{}:{}".format(*station.endpoint) for station in farm.stacks),
                credentials=(Credentials("cred_default", "clearone", "converge"),),
            )  # fmt: skip
            async with Agent(settings, clock, networks=list) as agent:
                await agent.begin()
                watches = agent.lines.watches
                await until(clock, lambda: len(watches) == STACKS and all(w.well for w in watches.values()))
                before = sorted(watches)
                link("down")
                await until(clock, lambda: not any(w.well for w in watches.values()))
                await until(clock, lambda: {status for status, _ in told(agent)} == {"offline"})
                down = sorted(code for _, code in told(agent))
                link("up")
                await until(clock, lambda: all(w.well for w in watches.values()))
                await until(clock, lambda: told(agent) == {("online", "")})
                return {"same": sorted(watches) == before, "down": down, "found": len(agent.discovery.findings.all)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main())) + "\n")
