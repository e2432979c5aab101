"""What the load does once its agents are in: a steady spread of changes, or one change a frame as fast as the acks allow."""

import asyncio
import random
from typing import Any

from msgspec import Struct

from bench.figures import percentile
from bench.load import fleet
from bench.load.player import CLOCK, Player
from soundpost.link.envelope import Change

READ_EVERY_S = 10.0
"""Each device's *read until* is told as often as its status is polled."""
QUIET_S = 15.0


class Spread(Struct):
    """`rate` changes a second over all links, each sending a frame every `pace_s`."""

    rate: float
    pace_s: float
    seconds: float


class Turn:
    """One player's share of a spread: the next devices and points, round and round."""

    def __init__(self, player: Player, each: float) -> None:
        self.player, self._each = player, each
        self._owed = 0.0
        self._next = random.Random(player.site.number).randrange(len(player.site.devices))
        self._round = 0

    def send(self, now_ms: int, reads: float) -> int:
        """Sends what is due; 0 when the credit is used up, and then it is owed: a real agent coalesces it, this one counts it."""
        self._owed += self._each
        if not self.player.open:
            return 0
        count, self._owed = int(self._owed), self._owed % 1.0
        size = len(self.player.site.devices)
        changes = [self._change((self._next + step) % size, step, now_ms) for step in range(count)]
        first = self._next % size
        self._next = (self._next + count) % size
        self._round += 1
        some = min(size, max(1, round(size * reads)))
        self.player.send(changes, self.player.reads(range(first, min(size, first + some)), now_ms))
        return count

    def _change(self, ref: int, step: int, now_ms: int) -> Change:
        index = fleet.NUMBERS[(self._round + step) % len(fleet.NUMBERS)]
        return Change(ref, index, (self._round * 7 + ref * 3 + step) % 120 / 2 - 40, now_ms)


async def spread(players: list[Player], order: Spread) -> dict[str, Any]:
    """Every player at its own phase, so that frames come evenly."""
    began, sent, late = CLOCK.monotonic(), 0, 0
    before = reset(players)
    turns = [Turn(player, order.rate * order.pace_s / len(players)) for player in players]
    beat, place = 0, 0
    while (now := CLOCK.monotonic() - began) < order.seconds:
        due = min(order.seconds, now) / order.pace_s * len(turns)
        now_ms = CLOCK.now_ms()
        while beat < due:
            count = turns[place].send(now_ms, order.pace_s / READ_EVERY_S)
            late += not count
            sent += count
            beat, place = beat + 1, (place + 1) % len(turns)
        await asyncio.sleep(0.002)
    took = CLOCK.monotonic() - began
    await quiet(players)
    return told(players, before, sent, took) | {"frames_held_back": late, "frames": beat}


async def single(players: list[Player], seconds: float) -> dict[str, Any]:
    """One change a frame, the next as soon as credit allows."""
    began = CLOCK.monotonic()
    before = reset(players)
    sent = 0
    turns = {id(player): Turn(player, 1.0) for player in players}

    def more(player: Player) -> None:
        nonlocal sent
        while player.open and CLOCK.monotonic() - began < seconds:
            sent += turns[id(player)].send(CLOCK.now_ms(), 0.0)

    for player in players:
        player.on_ack = lambda player=player: more(player)
        more(player)
    await asyncio.sleep(seconds)
    took = CLOCK.monotonic() - began
    await quiet(players)
    for player in players:
        player.on_ack = None
    return told(players, before, sent, took)


def reset(players: list[Player]) -> int:
    for player in players:
        player.latencies = []
    return sum(player.acked_changes for player in players)


async def quiet(players: list[Player]) -> None:
    """Until all is acked, or it will not be any more."""
    until = CLOCK.monotonic() + QUIET_S
    while CLOCK.monotonic() < until and any(not player.quiet and not player.lost for player in players):
        await CLOCK.sleep(0.01)


def told(players: list[Player], before: int, sent: int, took: float) -> dict[str, Any]:
    latencies = [latency for player in players for latency in player.latencies]
    return {
        "sent": sent,
        "acked": sum(player.acked_changes for player in players) - before,
        "seconds": took,
        "ack_p50_ms": percentile(latencies, 0.5) * 1000,
        "ack_p99_ms": percentile(latencies, 0.99) * 1000,
        "lost_links": sum(bool(player.lost) for player in players),
    }


def sample(players: list[Player], count: int) -> list[dict[str, Any]]:
    """Acked values of so many devices, as the hub must tell them."""
    chance, items = random.Random(3), []
    for _ in range(count):
        player = chance.choice(players)
        ref = chance.randrange(len(player.site.devices))
        values = {fleet.POINTS[index].key: value for index, value in player.confirmed[ref].items()}
        if values:
            items.append({"device": player.site.devices[ref].id, "values": values})
    return items
