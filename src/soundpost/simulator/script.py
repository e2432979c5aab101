"""A scripted scene as a plan: its steps in order of time, who they happen to drawn from the seed. Pure."""

import heapq
from collections.abc import Mapping
from fnmatch import fnmatchcase
from itertools import count
from random import Random
from typing import Any

import msgspec

from soundpost.simulator.acts import Act
from soundpost.simulator.faults import FAULTS
from soundpost.simulator.listener import Listener

Kinds = Mapping[str, type[Listener]]
"""Each device's name and what it is."""


class Set(msgspec.Struct, forbid_unknown_fields=True):
    address: str
    parameter: str
    value: float | bool


class Call(msgspec.Struct, forbid_unknown_fields=True):
    do: str
    address: str = ""
    number: str = "1000"
    name: str = ""


class Locate(msgspec.Struct, forbid_unknown_fields=True):
    box: str
    on: bool = True


class Step(msgspec.Struct, forbid_unknown_fields=True, rename={"lasts": "for", "pattern": "stack"}):
    """Times in seconds since the scene began. `every` repeats the step until `until`, each time up to `jitter` early or late.

    Of the devices whose name fits `stack`, `pick` are drawn each time; all of them when it is left out. One of `fault`, `set`,
    `push`, `locate` and `call` says what happens; a fault ends after `for` seconds, and `on: false` ends one.
    """

    at: float | None = None
    every: float | None = None
    until: float | None = None
    jitter: float = 0.0
    pattern: str = "*"
    pick: int | None = None
    fault: str | None = None
    args: dict[str, Any] | None = None
    on: bool = True
    lasts: float | None = None
    set: Set | None = None
    push: str | None = None
    locate: Locate | None = None
    call: Call | None = None

    def of(self, kinds: Kinds) -> list[str]:
        """The names of the devices it can happen to."""
        fits = FAULTS[self.fault].of if self.fault in FAULTS else Listener
        return [name for name, kind in kinds.items() if fnmatchcase(name, self.pattern) and issubclass(kind, fits)]


class ScriptFile(msgspec.Struct, forbid_unknown_fields=True):
    """`repeat`: after so many seconds the steps with a time begin anew. `seed` wins over the simulator's."""

    steps: list[Step]
    name: str = ""
    seed: int | None = None
    repeat: float | None = None


class Script:
    gentle = False

    def __init__(self, file: ScriptFile, kinds: Kinds, seed: int) -> None:
        self._file, self._kinds = file, kinds
        self._random = Random(seed if file.seed is None else file.seed)
        self._order = count()
        self._due: list[tuple[float, int, Step | Act, float]] = []
        for step in file.steps:
            begins = step.at if step.at is not None else step.every
            assert begins is not None
            self._add(self._jittered(begins, step), step, begins)

    def next_s(self) -> float | None:
        return self._due[0][0] if self._due else None

    def acts(self, second: float) -> list[Act]:
        acts: list[Act] = []
        while self._due and self._due[0][0] <= second:
            at, _, what, meant = heapq.heappop(self._due)
            if isinstance(what, Act):
                acts.append(what)
            else:
                acts += self._begun(what, at)
                self._again(what, meant)
        return acts

    def _add(self, at: float, what: Step | Act, meant: float = 0.0) -> None:
        heapq.heappush(self._due, (at, next(self._order), what, meant))

    def _jittered(self, at: float, step: Step) -> float:
        return max(0.0, at + self._random.uniform(-step.jitter, step.jitter)) if step.jitter else at

    def _again(self, step: Step, meant: float) -> None:
        """Counted from when it was meant to be, so that jitter does not add up."""
        period = step.every or self._file.repeat
        if period is None or (step.until is not None and meant + period > step.until):
            return
        self._add(self._jittered(meant + period, step), step, meant + period)

    def _begun(self, step: Step, at: float) -> list[Act]:
        names = step.of(self._kinds)
        if step.pick is not None:
            names = self._random.sample(names, min(step.pick, len(names)))
        acts = [_act(step, name) for name in names]
        if step.lasts is not None:
            for act in acts:
                self._add(at + step.lasts, Act(act.stack, act.what, not act.on, act.args))
        return acts


def _act(step: Step, name: str) -> Act:
    if step.fault is not None:
        return Act(name, step.fault, step.on, step.args or {})
    if step.set is not None:
        return Act(name, "set", True, {**msgspec.to_builtins(step.set), "value": float(step.set.value)})
    if step.locate is not None:
        return Act(name, "locate", step.locate.on, {"box": step.locate.box})
    if step.call is not None:
        return Act(name, "call", True, msgspec.to_builtins(step.call))
    return Act(name, "push", True, {"line": step.push})
