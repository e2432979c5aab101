"""An ordinary day: levels move, lights go on, now and then a stack is in trouble. Drawn from the seed."""

import heapq
from collections.abc import Sequence
from random import Random
from typing import Any

from soundpost.simulator.acts import Act
from soundpost.simulator.parameters import LEVEL_TYPES
from soundpost.simulator.specs import StackSpec

TICK_S = 1.0
CHANGE_EVERY_S = 90.0  # per stack: a gain or a mute at the device
LOCATE_EVERY_S = 1_800.0
BEAM_EVERY_S = 4.0  # per array
TROUBLE_EVERY_S = 1_800.0
MOST_PER_TICK = 20
TROUBLED_SHARE = 0.05
TROUBLES = ("silence", "refuse", "peripheral_gone")


class Lively:
    """At most one stack in twenty is in trouble at a time."""

    gentle = True

    def __init__(self, specs: Sequence[StackSpec], seed: int, arrays: Sequence[str] = ()) -> None:
        self._specs, self._random = specs, Random(seed)
        self._arrays, self._talk = arrays, Random(f"talk {seed}")  # apart: arrays change nothing for the stacks
        self._ends: list[tuple[float, str, Act]] = []
        self._troubled: set[str] = set()
        self._next = TICK_S
        self._most = max(1, int(len(specs) * TROUBLED_SHARE))

    def next_s(self) -> float:
        return self._next

    def acts(self, second: float) -> list[Act]:
        self._next = second + TICK_S
        acts = self._over(second)
        acts += self._beams()
        if not self._specs:
            return acts
        acts += [self._change() for _ in range(min(self._draw(CHANGE_EVERY_S), MOST_PER_TICK))]
        acts += [self._locate() for _ in range(min(self._draw(LOCATE_EVERY_S), 1))]
        if self._draw(TROUBLE_EVERY_S) and len(self._troubled) < self._most:
            acts += self._trouble(second)
        return acts

    def _draw(self, every_s: float) -> int:
        """How many of an event that each stack has every so many seconds fall into one tick."""
        expected = len(self._specs) * TICK_S / every_s
        return int(expected) + (self._random.random() < expected % 1)

    def _over(self, second: float) -> list[Act]:
        acts = []
        while self._ends and self._ends[0][0] <= second:
            _, stack, act = heapq.heappop(self._ends)
            self._troubled.discard(stack)
            acts.append(act)
        return acts

    def _beams(self) -> list[Act]:
        """Somebody begins to speak under an array, or stops."""
        expected = len(self._arrays) * TICK_S / BEAM_EVERY_S
        return [
            Act(
                self._talk.choice(self._arrays),
                "set",
                True,
                {
                    "address": f"BEAM {self._talk.randrange(1, 13)}",
                    "parameter": "ACTIVE",
                    "value": self._talk.randrange(2),
                },
            )
            for _ in range(min(int(expected) + (self._talk.random() < expected % 1), MOST_PER_TICK))
        ]

    def _change(self) -> Act:
        spec = self._random.choice(self._specs)
        huddle = spec.boxes[0].model == "Huddle"
        box = self._random.randrange(len(spec.boxes)) + 1
        ept = self._random.choice(("MIC", "FADER", "PROC"))
        assert ept in LEVEL_TYPES
        channel = self._random.randrange(2 if huddle else 4) + 1
        muting = self._random.random() < 0.5
        value = self._random.randrange(2) if muting else self._random.randrange(-40, 21) / 2
        point = {"address": f"{ept} {box * 100 + channel}", "parameter": "MUTE" if muting else "GAIN"}
        return Act(spec.name, "set", True, point | {"value": float(value)})

    def _locate(self) -> Act:
        spec = self._random.choice(self._specs)
        return Act(spec.name, "locate", True, {"box": self._random.choice(spec.boxes).name})

    def _trouble(self, second: float) -> list[Act]:
        spec = self._random.choice(self._specs)
        trouble = self._random.choice(TROUBLES)
        lasts = self._random.uniform(30, 120)
        args: dict[str, Any] = {}
        if trouble == "peripheral_gone":
            peripherals = [peripheral for box in spec.boxes for peripheral in box.peripherals]
            if not peripherals:
                return []
            args = {"serial": self._random.choice(peripherals).serial}
        if spec.name in self._troubled:
            return []
        self._troubled.add(spec.name)
        heapq.heappush(self._ends, (second + lasts, spec.name, Act(spec.name, trouble, False, args)))
        return [Act(spec.name, trouble, True, args)]
