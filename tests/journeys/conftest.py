"""Real processes: a hub, agents and a simulator, on free ports, in a folder of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.programs import Api, Program, folder


class Site:
    """One simulator network, one hub, one agent joined to it; each can be killed and started again in its folder."""

    def __init__(
        self,
        base: Path,
        network: str,
        stacks: int,
        seed: int = 7,
        *,
        before: Callable[["Site"], object] = lambda site: None,
        environment: dict[str, str] | None = None,
    ) -> None:
        """`before` is called when the simulator runs and nobody looks at it yet; `environment` is every agent's."""
        self.base, self.network, self.environment = base, network, environment or {}
        self.programs: list[Program] = []
        try:
            self._open(stacks, seed, before)
        except BaseException:  # what did start must not keep its address until somebody finds it
            for program in reversed(self.programs):
                program.stop()
            raise

    def _open(self, stacks: int, seed: int, before: Callable[["Site"], object]) -> None:
        self.simulator = self.start(
            "simulate", "--stacks", str(stacks), "--seed", str(seed), "--network", self.network, "--port", "10023",
            "--control-port", "0", "--scene", "calm", "--quiet",
        )  # fmt: skip
        self.control = httpx.Client(base_url=self.simulator.ready["control"], timeout=20)
        before(self)
        self.hub = self.start_hub(fresh=True)
        self.tls_port = self.hub.ready["tls_url"].rsplit(":", 1)[1]
        self.http_port = self.hub.ready["url"].rsplit(":", 1)[1]
        self.join = self.hub.ready["agents"][0]
        self.owner, self.key = self.hub.ready["owner"], self.hub.ready["api_key"]
        self.agent = self.start_agent(self.join)
        self.agent_owner, self.agent_key = self.agent.ready["owner"], self.agent.ready["api_key"]
        self.api = Api(self.hub.ready["url"], self.key)

    def start(self, *arguments: str, **options: Any) -> Program:
        program = Program(*arguments, **options)
        self.programs.append(program)
        return program

    def start_hub(self, *, fresh: bool = False) -> Program:
        """A later start takes the ports of the first, as agents and pages remember them."""
        ports = ("0", "0") if fresh else (self.http_port, self.tls_port)
        orders = {"make_owner": True, "agents": [{"name": "London", "fresh": fresh}]}
        return self.start(
            "hub", "--data", folder(self.base, "hub"), "--port", ports[0], "--tls-port", ports[1], orders=orders
        )

    def start_agent(self, join: dict[str, Any] | None = None, name: str = "agent", **environment: str) -> Program:
        settings = {
            "SOUNDPOST_AGENT_SUBNETS": f"{self.network}:10023",
            "SOUNDPOST_AGENT_ZONE": "Europe/London",
            **self.environment,
            **environment,
        }
        orders: dict[str, Any] = {"make_owner": True}
        if join:
            orders["join"] = join
        return self.start(
            "agent", "--data", folder(self.base, name), "--port", "0", environment=settings, orders=orders
        )

    def fault(self, stack: str, fault: str, on: bool = True, **args: Any) -> str:
        answer = self.control.post(f"/stacks/{stack}/faults", json={"fault": fault, "on": on, "args": args})
        answer.raise_for_status()
        time: str = answer.json()["time"]
        return time

    def stacks(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.control.get("/stacks").json()["items"]
        return items

    def state(self, stack: str) -> dict[str, Any]:
        """The simulator's own word about one stack."""
        shown: dict[str, Any] = self.control.get(f"/stacks/{stack}").json()
        return shown

    def close(self) -> None:
        self.control.close()
        self.api.close()
        for program in reversed(self.programs):
            program.stop()
            print(f"--- {program.process.args[3]}", *program.log[-25:], sep="\n")  # shown only when the test fails


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    opened: list[Site] = []

    def make(network: str, stacks: int = 3, **more: Any) -> Site:
        opened.append(Site(tmp_path, network, stacks, **more))
        return opened[-1]

    yield make
    for one in opened:
        one.close()
