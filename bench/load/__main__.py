"""`python -m bench.load`: the first line is the fleet, each later one an order; each is answered by one line.

First: {"host", "port", "ca_pem", "accounts": [{"name", "password"}], "devices_each"} → how many are in.
Then: {"do": "spread", "rate", "pace_s", "seconds"} · {"do": "single", "links", "seconds"} · {"do": "sample", "count"} ·
{"do": "again", "port"} (all connect anew, as after a hub's restart).
"""

import asyncio
import json
import resource
import ssl
import sys
import time
from typing import Any

import msgspec
import uvloop

from bench.load import runs
from bench.load.player import CLOCK, Account, Player

AT_ONCE = 8
"""Below the hub's own bounds for joining, so that a refusal is news."""
TRIES = 40


class Fleet:
    def __init__(self, order: dict[str, Any]) -> None:
        self._host, self._port = order["host"], order["port"]
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname = False
        self._context.load_verify_locations(cadata=order["ca_pem"])
        accounts = [msgspec.convert(account, Account) for account in order["accounts"]]
        self.players = [Player(account, number, order["devices_each"]) for number, account in enumerate(accounts)]

    async def enter(self, *, tell: bool = True, port: int = 0) -> dict[str, Any]:
        self._port = port or self._port
        began, gate = CLOCK.monotonic(), asyncio.Semaphore(AT_ONCE)

        async def one(player: Player) -> None:
            async with gate:
                await self._in(player)
                player.declare()
                if tell:
                    await player.tell()

        async with asyncio.TaskGroup() as group:
            for player in self.players:
                group.create_task(one(player))
        devices = sum(len(player.site.devices) for player in self.players)
        return {"links": len(self.players), "devices": devices, "seconds": CLOCK.monotonic() - began}

    async def _in(self, player: Player) -> None:
        """A hub that is busy says so; an agent tries again."""
        for number in range(TRIES):
            try:
                await player.connect(self._host, self._port, self._context)
                return
            except (OSError, TimeoutError) as error:
                if number + 1 == TRIES:
                    raise RuntimeError(f"{player.account.name} was not let in: {error!r}") from error
                await asyncio.sleep(0.5 + number * 0.25)

    async def carry_out(self, order: dict[str, Any]) -> dict[str, Any]:
        before = time.process_time()
        match order.pop("do"):
            case "spread":
                answer = await runs.spread(self.players, msgspec.convert(order, runs.Spread))
            case "single":
                answer = await runs.single(self.players[: order["links"]], order["seconds"])
            case "sample":
                answer = {"items": runs.sample(self.players, order["count"])}
            case "again":
                answer = await self.enter(tell=False, port=order["port"])
            case what:
                answer = {"error": f"no order {what}"}
        return answer | {"load_cpu_s": time.process_time() - before}


def say(body: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(body) + "\n")
    sys.stdout.flush()


async def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    loop = asyncio.get_running_loop()
    fleet = Fleet(json.loads(await loop.run_in_executor(None, sys.stdin.readline)))
    say(await fleet.enter())
    # Between orders the links live: beats are answered here while standard input is waited for in a thread.
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        say(await fleet.carry_out(json.loads(line)))
    for player in fleet.players:
        player.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
