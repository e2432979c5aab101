"""Run inside a mount namespace of its own (`unshare -rm`): a Local Agent's engine and its page's rooms on a small file system that is
filled to the last byte, a stack whose plug is pulled meanwhile, a hub elsewhere. Prints one JSON line.
"""

import asyncio
import contextlib
import errno
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from soundpost.agent.channel import Channel, RoomsChannel
from soundpost.agent.identity import LOCAL, Account
from soundpost.agent.run import Agent
from soundpost.agent.settings import AgentSettings
from soundpost.agent.uplink import Uplink
from soundpost.device.contract import Credentials, Periods
from soundpost.editions import rooms
from soundpost.hub.agents.door import LocalDoor
from soundpost.hub.app import Edition
from soundpost.hub.inventory import views
from soundpost.hub.people.service import People
from soundpost.hub.store import Store
from soundpost.kernel.clock import SystemClock
from soundpost.simulator.farm import Farm
from soundpost.simulator.specs import make_stacks

SIZE = "24m"
NETWORK = "127.26.78.0/24"
QUICK = Periods(status=0.3, levels=0.5, facts=5.0, heartbeat=0.4, answer=0.5, gap=0.0)
CLOCK = SystemClock()


async def until(what: str, true: Callable[[], bool]) -> None:
    try:
        async with CLOCK.timeout(60):
            while not true():
                await CLOCK.sleep(0.05)
    except TimeoutError:
        raise AssertionError(what) from None


def fill(folder: Path) -> Path:
    """To the last byte; what others free meanwhile is taken too."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    return filler


def is_full(folder: Path) -> bool:
    try:
        (folder / "more").write_bytes(b"x")
    except OSError as error:
        return error.errno == errno.ENOSPC
    return False


@contextlib.asynccontextmanager
async def hub_on(folder: Path, engine: Agent, reader: str) -> AsyncIterator[tuple[rooms.House, str]]:
    folder.mkdir()
    async with Store(folder / "soundpost.db", CLOCK) as store:
        people = People(store, CLOCK, mail=False)
        async with rooms.opened(Edition("local_agent"), store, people, CLOCK) as house:
            account = await house.agents.adopt_local(engine.site, "Here", engine.public_key(reader), engine.zone)
            yield house, account.id


def shown(house: rooms.House) -> set[tuple[str, str]]:
    told = [views.shown(device) for device in house.inventory.memory.devices.values() if device.record]
    return {(str(one.status), str((one.reason.params if one.reason else {}).get("cause", ""))) for one in told}


def statuses(house: rooms.House) -> set[str]:
    return {status for status, _ in shown(house)}


async def scene(small: Path, large: Path, farm: Farm) -> dict[str, Any]:
    settings = AgentSettings(
        data=small / "agent", keys=large / "keys", zone="Europe/London", periods=QUICK,
        subnets=tuple("{}:{}".format(*station.endpoint) for station in farm.stacks),
        credentials=(Credentials("cred_default", "clearone", "converge"),),
    )  # fmt: skip
    async with (
        Agent(settings, CLOCK, networks=list) as engine,
        hub_on(small / "page", engine, "local") as (page, own),
        hub_on(large / "hub", engine, "hub") as (hub, account),
    ):

        async def dial() -> Channel:
            return RoomsChannel(LocalDoor(hub.links).connect())

        said = Account(reader="hub", host="h", name="Here", trust=LOCAL, agent=account, site=engine.site)
        line = Uplink(engine.engine, said, dial, engine.hold)
        await engine.attach_local(LocalDoor(page.links).connect, own, page.links.hub)
        running = asyncio.create_task(line.run())
        try:
            await engine.begin()
            await until("all are online", lambda: statuses(page) == {"online"} == statuses(hub))
            filler = fill(small)
            assert is_full(small)
            for station in farm.stacks:
                await farm.fault(station.stack.spec.name, "refuse")
            await until("no fact can be written", lambda: fill(small) == filler and engine.spool.failing)
            await until(
                "nobody sees them online", lambda: not {"online", "degraded"} & (statuses(page) | statuses(hub))
            )
            full = {"page": sorted(shown(page)), "hub": sorted(shown(hub)), "code": line.state.code}
            filler.unlink()
            await until("there is room", lambda: statuses(page) == {"offline"} == statuses(hub))
            for station in farm.stacks:
                await farm.fault(station.stack.spec.name, "refuse", on=False)
            await until("all are back", lambda: statuses(page) == {"online"} == statuses(hub))
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await line.close()
            if engine.local is not None:
                await engine.local.close()
                engine.local = None
        return full


async def main() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small", Path(folder) / "large"
        small.mkdir()
        large.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(small)], check=True)
        try:
            async with Farm(make_stacks(1), network=NETWORK) as farm:
                return await scene(small, large, farm)
        finally:
            subprocess.run(["umount", "-l", str(small)], check=True)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main())) + "\n")
