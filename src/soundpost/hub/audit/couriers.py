"""One courier for each receiver of the audit: none holds up another. It asks its row where it is, and moves it when the receiver has taken
what was sent; what was on its way when the hub was cut off goes out again and says so.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from soundpost.hub.audit import stream_repo, streams
from soundpost.hub.audit import stream_rules as rules
from soundpost.hub.audit.service import ADDED
from soundpost.hub.audit.streams import Down, Parcel, Stream, Streams
from soundpost.hub.store import Tx
from soundpost.kernel import backoff, log
from soundpost.kernel.errors import NotFound

ROWS_MOST, BYTES_MOST = 200, 256 * 1024
LOOK_S = 60.0
"""At least so often a row is looked at again: hints may be missed."""
GATHER_S = 0.1
"""So long is waited for what comes together."""


class Moved(Exception):
    """Another process holds this stream and was first, or it was removed."""


class Courier:
    def __init__(self, all: Streams, id: str, chance: Callable[[], float]) -> None:
        self._streams, self._id, self._chance = all, id, chance
        self._store = all.store
        self.woken = asyncio.Event()
        self._line = log.UpDown(log.get("audit"), "streaming", stream=id)

    async def run(self) -> None:
        while True:
            self.woken.clear()
            wait = LOOK_S
            try:
                wait = await self.round()
            except NotFound:
                return
            except Moved:
                wait = rules.FIRST_S
            except Exception:
                log.get("audit").exception("a round of streaming failed", stream=self._id)
            await self._until(wait)

    async def _until(self, wait: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with self._store.clock.timeout(min(max(wait, 0.0), LOOK_S)):
                await self.woken.wait()
        if self._id not in self._streams.down:
            await self._store.clock.sleep(GATHER_S)

    async def round(self) -> float:
        """Sends what waits; returns the seconds until something may be sent again."""
        while True:
            stream = await self._streams.get(self._id)
            if not stream.target.enabled:
                return LOOK_S
            if (left := self._left()) > 0:
                return left
            parcel = await self._next(stream)
            if parcel is None:
                return LOOK_S
            if not await self._carry(stream, parcel):
                return self._left()

    def _left(self) -> float:
        """A clock that was set back must not make it wait for days."""
        down = self._streams.down.get(self._id)
        left = 0.0 if down is None else (down.next_ms - self._store.clock.now_ms()) / 1_000
        return left if left <= 2 * rules.LONGEST_S else 0.0

    async def _next(self, stream: Stream) -> Parcel | None:
        rows = await self._store.read(lambda conn: stream_repo.following(conn, stream.n, ROWS_MOST))
        if not rows:
            head = self._streams.heads.get(self._id)
            return Parcel(head=head.text) if head else None
        told: list[dict[str, Any]] = []
        size = 0
        for row in rows:
            size += len(row.detail) + 400
            if told and size > BYTES_MOST:
                break
            told.append(streams.told(row))
        return Parcel(rows=told, cut=rows[0].n - stream.n - 1, repeat_upto=stream.tried)

    async def _carry(self, stream: Stream, parcel: Parcel) -> bool:
        """That it is tried is committed before it is sent, that it was taken after it (T24)."""
        if parcel.rows:
            upto = max(stream.tried, parcel.rows[-1]["n"])
            await self._store.unit_of_work(lambda tx: self._move(tx, stream, tried=upto))
        taken = await self._streams.hand_over(stream, parcel)
        if not taken.ok:
            self._now_down(taken.words, taken.wait_s)
            return False
        if parcel.rows:
            last = parcel.rows[-1]["n"]
            await self._store.unit_of_work(lambda tx: self._move(tx, stream, n=last, taken_ms=tx.now_ms))
        elif (head := self._streams.heads.get(self._id)) and head.text == parcel.head:
            del self._streams.heads[self._id]
        self._streams.down.pop(self._id, None)
        self._line.up()
        self._streams.changed.emit(self._id)
        return True

    def _move(self, tx: Tx, stream: Stream, **values: int) -> None:
        if not stream_repo.move(tx.conn, stream.id, stream.n, **values):
            raise Moved

    def _now_down(self, words: str, asked_s: float) -> None:
        before, now = self._streams.down.get(self._id), self._store.clock.now_ms()
        failures = before.failures + 1 if before else 1
        wait = rules.wait_s(failures, self._chance(), asked_s)
        since = before.since_ms if before else now
        self._streams.down[self._id] = Down(words, since, now + int(wait * 1_000), failures)
        self._line.down(words)
        self._streams.changed.emit(self._id)


class Office:
    """Keeps one courier at work for each receiver there is."""

    def __init__(self, all: Streams, seed: int) -> None:
        self._streams, self._seed = all, seed
        self._couriers: dict[str, tuple[Courier, asyncio.Task[None]]] = {}
        self._turned = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        ends = [self._streams.store.hinted.subscribe(self._hear), self._streams.changed.subscribe(self._changed)]
        try:
            while True:
                self._turned.clear()
                await self._look()
                with contextlib.suppress(TimeoutError):
                    async with self._streams.store.clock.timeout(LOOK_S):
                        await self._turned.wait()
        finally:
            for end in ends:
                end()
            await self._dismiss(list(self._couriers))

    def _hear(self, word: str) -> None:
        if word == ADDED:
            for id, (courier, _) in self._couriers.items():
                if id not in self._streams.down:  # a row more is no reason to try one that is away
                    courier.woken.set()

    def _changed(self, id: str) -> None:
        """Also told by the couriers themselves; one whose receiver is down waits its time."""
        known = self._couriers.get(id)
        if known is None:
            self._turned.set()
        elif id not in self._streams.down:
            known[0].woken.set()

    async def _look(self) -> None:
        try:
            there = {stream.id for stream in (await self._streams.all())[0]}
        except Exception as error:
            log.get("audit").warning("receivers could not be asked for", error=str(error))
            return
        done = [id for id, (_, task) in self._couriers.items() if task.done()]
        await self._dismiss([id for id in self._couriers if id not in there or id in done])
        for number, id in enumerate(sorted(there - self._couriers.keys())):
            courier = Courier(self._streams, id, backoff.Chance(self._seed + number))
            self._couriers[id] = (courier, asyncio.create_task(courier.run(), name="audit-stream"))

    async def _dismiss(self, ids: list[str]) -> None:
        tasks = [self._couriers.pop(id)[1] for id in ids]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def running(all: Streams, seed: int) -> AsyncIterator[None]:
    task = asyncio.create_task(Office(all, seed).run(), name="audit-streams")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
