import subprocess
import sys

CODE = """
import sys
for name in ("fcntl", "resource", "pwd", "grp", "termios", "uvloop", "posix_ipc", "syslog"):
    sys.modules[name] = None
import asyncio, pathlib, pkgutil, importlib, tempfile
import soundpost.agent, soundpost.link
for package in (soundpost.agent, soundpost.link):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
from soundpost.agent.run import Agent
from soundpost.agent.settings import AgentSettings
from soundpost.kernel.clock import SystemClock

async def main():
    folder = pathlib.Path(tempfile.mkdtemp())
    settings = AgentSettings(data=folder / "data", keys=folder / "keys", subnets=("127.20.0.200:1",))
    async with Agent(settings, SystemClock(), families={}, networks=list) as agent:
        await agent.begin()
        await agent.spool.settled()
asyncio.run(main())
for storey in ("soundpost.hub", "soundpost.simulator", "soundpost.drivers.converge_pro2"):
    assert storey not in sys.modules, storey
print("well")
"""


def test_the_agent_runs_without_any_posix_only_module():
    done = subprocess.run([sys.executable, "-W", "error", "-c", CODE], check=False, capture_output=True, text=True)
    assert done.stdout == "well\n", done.stderr
