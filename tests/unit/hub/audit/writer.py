"""A process that audits acts as fast as it can, several at once, and prints the head's row once it is acknowledged. Killed from
outside."""

import asyncio
import sys
from pathlib import Path

from soundpost.hub.audit import repo, service
from soundpost.hub.audit.service import SYSTEM
from soundpost.hub.store import Store, Tx
from soundpost.kernel.clock import SystemClock


async def main(path: Path, keys: Path) -> None:
    async with Store(path, SystemClock(), keys=keys) as store:

        def act(tx: Tx) -> int:
            service.recorded(tx, SYSTEM, "act")
            return repo.head(tx.conn).n  # of the act before this one

        async def caller() -> None:
            while True:
                print(await store.unit_of_work(act), flush=True)

        await asyncio.gather(*(caller() for _ in range(8)))


asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
