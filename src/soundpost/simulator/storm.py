"""A storm: again and again most stacks are in trouble at once, and levels move everywhere. Drawn from the seed.

What an alarm room, a reconnecting agent and a list page have to stand: one cause, hundreds of effects within seconds.
"""

import heapq
from collections.abc import Sequence
from itertools import count
from random import Random
from typing import Any

from soundpost.simulator.acts import Act
from soundpost.simulator.specs import StackSpec

ROUND_S = 120.0
CALM_S = 15.0  # at the beginning of every round
BREAKS_WITHIN_S = 5.0
LASTS_S = (20.0, 60.0)
STRUCK_SHARE = 0.6
CHANGES_PER_S = 0.5  # per stack that is not struck, while the storm lasts
MOST_CHANGES_PER_S = 200
TROUBLES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("refuse", {}),
    ("silence", {}),
    ("half_open", {}),
    ("reset", {}),
    ("reboot", {"down_s": 20.0, "empty_s": 5.0}),
    ("slow", {"delay_s": 4.0}),
    ("lost", {"every": 2}),
    ("error", {}),
    ("split", {}),
)
ONCE = frozenset({"reset", "reboot"})


class Storm:
    """A round ends with every trouble of it; reboots and resets end by themselves."""

    gentle = True

    def __init__(self, specs: Sequence[StackSpec], seed: int) -> None:
        self._specs, self._random = specs, Random(f"storm {seed}")
        self._due: list[tuple[float, int, Act]] = []
        self._order = count()
        self._round = 0
        if specs:
            self._draw()

    def next_s(self) -> float | None:
        return self._due[0][0] if self._due else None

    def acts(self, second: float) -> list[Act]:
        acts = []
        while self._due and self._due[0][0] <= second:
            acts.append(heapq.heappop(self._due)[2])
        if not self._due and self._specs:
            self._draw()
        return acts

    def _draw(self) -> None:
        """The whole next round."""
        breaks = self._round * ROUND_S + CALM_S
        self._round += 1
        struck = self._random.sample(self._specs, max(1, round(len(self._specs) * STRUCK_SHARE)))
        for spec in struck:
            fault, args = self._random.choice(TROUBLES)
            begins = breaks + self._random.uniform(0, BREAKS_WITHIN_S)
            self._add(begins, Act(spec.name, fault, True, args))
            if fault not in ONCE:
                self._add(begins + self._random.uniform(*LASTS_S), Act(spec.name, fault, False))
        spared = [spec for spec in self._specs if spec not in struck]
        if spared:
            self._changes(breaks, spared)

    def _changes(self, breaks: float, spared: Sequence[StackSpec]) -> None:
        lasts = BREAKS_WITHIN_S + LASTS_S[1]
        for _ in range(int(min(len(spared) * CHANGES_PER_S, MOST_CHANGES_PER_S) * lasts)):
            value = self._random.randrange(-40, 21) / 2
            args = {"address": f"FADER 10{self._random.randrange(1, 3)}", "parameter": "GAIN", "value": value}
            self._add(breaks + self._random.uniform(0, lasts), Act(self._random.choice(spared).name, "set", True, args))

    def _add(self, at: float, act: Act) -> None:
        heapq.heappush(self._due, (at, next(self._order), act))
