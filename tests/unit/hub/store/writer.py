"""A process that commits as fast as it can and prints each number once it is acknowledged. Killed from outside."""

import asyncio
import sys
from pathlib import Path

from soundpost.hub.store import Store, Tx, meta
from soundpost.kernel.clock import SystemClock


async def main(path: Path) -> None:
    async with Store(path, SystemClock()) as store:
        n = store.head
        while True:
            n += 1

            def work(tx: Tx, n: int = n) -> None:
                tx.log("device.changed", {"n": n})
                meta.put(tx, "last", str(n).encode())

            await store.unit_of_work(work)
            print(n, flush=True)


asyncio.run(main(Path(sys.argv[1])))
