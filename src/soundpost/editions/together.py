"""`soundpost up` and `soundpost demo`: the hub, its agents and (demo) the simulator as separate processes, joined by the real link."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from soundpost.editions import process
from soundpost.editions.supervisor import Supervisor, folder
from soundpost.kernel.clock import Clock
from soundpost.kernel.settings import data_folder, keys_folder

AGENT_PORT = 8001
SIMULATOR_PORT = 10023


class Site(Struct, frozen=True):
    """One simulated site: its agent's name, time zone and network."""

    name: str
    zone: str
    network: str


SITES = (
    Site("London", "Europe/London", "127.20.1.0/24"),
    Site("New York", "America/New_York", "127.20.2.0/24"),
    Site("Sydney", "Australia/Sydney", "127.20.3.0/24"),
)
FIRST_PORT = 20001
"""Where 127/8 is not all local (macOS) the simulated stacks share 127.0.0.1, one port each, from here on."""


class Options(Struct):
    data: Path | None = None
    ready_json: bool = False
    port: int = 8000
    tls_port: int = 8443
    agent_port: int = AGENT_PORT
    compat_port: str | None = None
    """None: as the hub's own settings say."""
    seed: int = 1
    stacks: int = 60
    scene: str = "lively"
    personality: str = "lab"
    control_port: int = 8100
    simulator_port: int = SIMULATOR_PORT
    sites: tuple[Site, ...] = field(default=SITES)


async def up(options: Options, clock: Clock, stop: asyncio.Event) -> None:
    """The hub and one agent on this machine, which sweeps what SOUNDPOST_AGENT_SUBNETS or its settings say."""
    base = data_folder("up", options.data)
    async with Supervisor(clock) as together:
        agent_folder = folder(base, "agent")
        hub = await start_hub(together, options, base, ["This site"], [not joined(agent_folder)])
        keys = {"SOUNDPOST_KEYS": str(keys_folder(base) / "agent")}
        agents = [
            await start_agent(together, "agent", agent_folder, options.agent_port, hub["agents"][0], options, keys)
        ]
        tell(options, hub, agents, None)
        await together.watch(stop)


async def demo(options: Options, clock: Clock, stop: asyncio.Event) -> None:
    """A simulated organization of several sites: every part is the real one but the devices."""
    base = data_folder("demo", options.data)
    async with Supervisor(clock) as together:
        simulator = await start_simulator(together, options)
        folders = [folder(base, "agents", slug(site.name)) for site in options.sites]
        hub = await start_hub(
            together, options, base, [site.name for site in options.sites], [not joined(at) for at in folders]
        )
        agents = await asyncio.gather(
            *(
                start_agent(
                    together,
                    site.name,
                    at,
                    options.agent_port + number if options.agent_port else 0,
                    join,
                    options,
                    environment,
                )
                for number, (site, at, join) in enumerate(zip(options.sites, folders, hub["agents"], strict=True))
                for environment in [
                    {
                        "SOUNDPOST_AGENT_SUBNETS": simulator["subnets"][site.name],
                        "SOUNDPOST_AGENT_ZONE": site.zone,
                        "SOUNDPOST_KEYS": str(keys_folder(base) / slug(site.name)),
                    }
                ]
            )
        )
        tell(options, hub, list(agents), simulator["control"])
        await together.watch(stop)


def slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def joined(agent_folder: str) -> bool:
    return (Path(agent_folder) / "agent.db").exists()


async def start_simulator(together: Supervisor, options: Options) -> dict[str, Any]:
    arguments = ["simulate", "--stacks", str(options.stacks), "--seed", str(options.seed), "--scene", options.scene]
    arguments += ["--personality", options.personality, "--control-port", str(options.control_port), "--quiet"]
    spread = sys.platform.startswith("linux") or sys.platform == "win32"
    subnets: dict[str, str] = {}
    if spread:
        arguments += ["--port", str(options.simulator_port)]
        for site in options.sites:
            arguments += ["--site", f"{site.name}={site.network}"]
            subnets[site.name] = f"{site.network}:{options.simulator_port}"
    else:
        arguments += ["--network", "127.0.0.1", "--port", str(FIRST_PORT)]
        for site in options.sites:
            arguments += ["--site", f"{site.name}=127.0.0.1"]
        share, more = divmod(options.stacks, len(options.sites))
        first = FIRST_PORT
        for number, site in enumerate(options.sites):
            count = share + (number < more)
            subnets[site.name] = f"127.0.0.1:{first}-{first + count - 1}"
            first += count
    _, ready = await together.add("simulator", arguments)
    return {**ready, "subnets": subnets}


async def start_hub(
    together: Supervisor, options: Options, base: Path, names: list[str], fresh: list[bool]
) -> dict[str, Any]:
    """`fresh[i]`: that agent's folder is empty, so its account must be freed if another machine held it."""
    keys = {"SOUNDPOST_KEYS": str(keys_folder(base) / "hub")}
    arguments = ["hub", "--data", folder(base, "hub"), "--port", str(options.port), "--tls-port", str(options.tls_port)]
    arguments += ["--compat-port", options.compat_port] if options.compat_port is not None else []
    wanted = [{"name": name, "fresh": new} for name, new in zip(names, fresh, strict=True)]
    child, ready = await together.add("hub", arguments, {"agents": wanted, "make_owner": options.ready_json}, keys)
    return {**ready, "pid": child.pid}


async def start_agent(
    together: Supervisor,
    name: str,
    at: str,
    port: int,
    join: dict[str, Any],
    options: Options,
    environment: dict[str, str],
) -> dict[str, Any]:
    arguments = ["agent", "--data", at, "--port", str(port)]
    orders = {"join": join, "make_owner": options.ready_json, "port_option": "--agent-port"}
    child, ready = await together.add(name, arguments, orders, environment)
    return {**ready, "site": join["name"], "pid": child.pid}


def tell(options: Options, hub: dict[str, Any], agents: list[dict[str, Any]], control: str | None) -> None:
    if options.ready_json:
        process.ready_line(
            {
                "url": hub["url"],
                "tls_url": hub.get("tls_url"),
                "compat_url": hub.get("compat_url"),
                "owner": hub.get("owner"),
                "api_key": hub.get("api_key"),
                "simulator_control": control,
                "agents": [{k: a.get(k) for k in ("site", "url", "pid", "owner", "api_key")} for a in agents],
                "hub_pid": hub["pid"],
            }
        )
        return
    for line in human(hub, agents, control):
        process.say(line)
    process.open_browser(hub.get("first_run_url") or hub["url"])


def human(hub: dict[str, Any], agents: list[dict[str, Any]], control: str | None) -> list[str]:
    lines = ["", f"  Soundpost hub       {hub.get('first_run_url') or hub['url']}"]
    if hub.get("first_run_url"):
        lines.append("                      (the first person to open this page becomes its owner)")
    lines += [
        f"  Local Agent         {agent.get('first_run_url') or agent['url']}   {agent['site']}" for agent in agents
    ]
    if hub.get("compat_url"):
        lines.append(f"  Existing clients    {hub['compat_url']}   plain HTTP, with an API key")
    if control:
        lines.append(f"  Simulator control   {control}/stacks")
    return [*lines, "", "  Ctrl-C stops everything.", ""]


Start = Callable[[Options, Clock, asyncio.Event], Any]
