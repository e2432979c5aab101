"""The values lane of one connection: what was held first, then the snapshot, then what changes, within its credit (T8, T11)."""

from typing import Protocol

from soundpost.agent.values import Sent, ValueLane, frame
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import Corrupt
from soundpost.link.envelope import CHANGES_PER_FRAME, CREDIT, VALUES, Change, Read, Values, encode
from soundpost.link.ledger import Lane

COALESCE_S = 0.2
HURRY_RATE, HURRY_BURST = 10.0, 20.0
"""Frames a second, and at once, that need not wait for the others: cost at the hub is per frame, so there is an end to it."""


class Sender(Protocol):
    async def send(self, frame: bytes) -> None: ...


class ValuesOut:
    """`reads_due`: how far was read may go with the next frame; set once a second by whoever keeps time."""

    def __init__(self, clock: Clock, values: ValueLane, channel: Sender) -> None:
        self._clock, self._values, self._channel = clock, values, channel
        self._lane = Lane(CREDIT[VALUES])
        self._held_sent = 0
        self.reads_due = True
        self._quiet_until = 0.0
        self._allowed, self._counted = HURRY_BURST, clock.monotonic()

    def quiet(self, seconds: float) -> None:
        """The hub sheds load."""
        self._quiet_until = self._clock.monotonic() + seconds

    async def run(self) -> None:
        """At once after quiet or when somebody changed something, else each 200 ms. Ends only with the connection."""
        values = self._values
        while True:
            await values.wake.wait()
            values.wake.clear()
            await self._quiet()
            for message in values.declares():
                await self._channel.send(encode(message))
            if not await self._send_held():
                continue
            sent = False
            while self._lane.open and (due := values.take(self.reads_due)):
                self.reads_due = False
                for changes, reads, snapshot in due:
                    await self._send_values(changes, reads, snapshot)
                sent = True
                if not values.snapshot_due:
                    break
            if sent:
                await self._pause()

    async def _pause(self) -> None:
        now = self._clock.monotonic()
        self._allowed = min(HURRY_BURST, self._allowed + (now - self._counted) * HURRY_RATE)
        self._counted = now
        if self._allowed < 1:
            await self._clock.sleep(COALESCE_S)
            return
        try:
            async with self._clock.timeout(COALESCE_S):
                await self._values.hurry.wait()
        except TimeoutError:
            return
        self._allowed -= 1

    async def _quiet(self) -> None:
        wait = self._quiet_until - self._clock.monotonic()
        if wait > 0:
            await self._clock.sleep(wait)

    async def _send_held(self) -> bool:
        """What was held while apart, in its order. False while some of it waits for credit."""
        hold = self._values.hold
        if hold is None or not hold.waiting:
            return True
        while self._lane.open:
            kept = await hold.read(self._held_sent, CHANGES_PER_FRAME)
            if not kept:
                return True
            self._held_sent = kept[-1].number
            await self._send_changes(self._values.held(kept), self._held_sent)
        return False

    async def _send_changes(self, changes: list[Change], upto: int) -> None:
        """Halved until it fits a frame: texts can be long."""
        message = Values(n=self._lane.n + 1, changes=changes)
        try:
            body = encode(message)
        except Corrupt:
            if len(changes) < 2:
                raise
            middle = len(changes) // 2
            await self._send_changes(changes[:middle], 0)
            await self._send_changes(changes[middle:], upto)
            return
        await self._credit()
        self._lane.send(upto)
        await self._channel.send(body)

    async def _send_values(self, sent: list[Sent], reads: list[Read], snapshot: bool) -> None:
        message = frame(self._lane.n + 1, sent, reads, snapshot)
        try:
            body = encode(message)
        except Corrupt:
            if len(sent) < 2:
                raise
            middle = len(sent) // 2
            await self._send_values(sent[:middle], [], snapshot)
            await self._send_values(sent[middle:], reads, snapshot)
            return
        await self._credit()
        self._values.flown(self._lane.send(0), sent)
        await self._channel.send(body)

    async def _credit(self) -> None:
        """Only a frame that had to be halved can find the lane full."""
        while not self._lane.open:
            await self._clock.sleep(COALESCE_S)

    async def _whole(self) -> None:
        """Once the snapshot is confirmed, what follows is complete again."""
        values = self._values
        if values.hold is not None and values.hold.gap and not values.snapshot_due and not values.in_flight:
            await values.hold.set_gap(False)

    async def acked(self, n: int) -> None:
        number = 0
        while self._lane.under_way and self._lane.under_way[0][0] <= n:
            number = max(number, self._lane.under_way[0][1])
            self._lane.acked(self._lane.under_way[0][0])
        self._lane.acked(n)
        values = self._values
        values.confirmed(n)
        if number and values.hold is not None:
            await values.hold.sent(number)
        await self._whole()
        values.wake.set()
