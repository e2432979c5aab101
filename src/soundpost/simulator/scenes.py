"""Scenes: what happens in a simulated house by itself. A plan says what is due; the clock decides when that is."""

from pathlib import Path
from typing import Any

from soundpost.kernel import log
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import Invalid, SoundpostError
from soundpost.simulator.acts import Act, Plan
from soundpost.simulator.farm import Farm
from soundpost.simulator.lively import Lively
from soundpost.simulator.script import Script
from soundpost.simulator.scriptfile import SUFFIXES, read
from soundpost.simulator.storm import Storm

SCENES = ("calm", "lively", "storm")
LOG = log.get("simulator")


def plan_of(farm: Farm, scene: str) -> Plan | None:
    """Of a named scene, or of a file `*.yaml`. Raises Invalid `scene_unknown`, or what is wrong with the file."""
    specs = [station.stack.spec for station in farm.stacks]
    if scene == "calm":
        return None
    if scene == "lively":
        return Lively(specs, farm.seed, list(farm.arrays))
    if scene == "storm":
        return Storm(specs, farm.seed)
    if Path(scene).suffix.lower() in SUFFIXES:
        script = read(Path(scene), {name: type(device) for name, device in farm.devices.items()})
        return Script(script, {name: type(device) for name, device in farm.devices.items()}, farm.seed)
    raise Invalid(
        f"There is no scene {scene!r}; there are {', '.join(SCENES)}, and files that end in .yaml.",
        code="scene_unknown",
    )


class Scene:
    """Plays a plan on a farm."""

    def __init__(self, farm: Farm, name: str) -> None:
        self._farm = farm
        self._plan = plan_of(farm, name)
        self._mine: set[tuple[str, str]] = set()

    async def run(self, clock: Clock) -> None:
        """Until cancelled or over. `calm` needs no loop: health figures drift with the clock by themselves."""
        began = clock.monotonic()
        while self._plan is not None and (due := self._plan.next_s()) is not None:
            if (wait := began + due - clock.monotonic()) > 0:
                await clock.sleep(wait)
            for act in self._plan.acts(due):
                await self._play(act)

    async def _play(self, act: Act) -> None:
        try:
            await self._do(act, dict(act.args))
        except SoundpostError as error:
            LOG.warning("scene could not go on", stack=act.stack, act=act.what, reason=error.text)
        except Exception:
            LOG.exception("an act of the scene failed; it goes on", stack=act.stack, act=act.what)

    async def _do(self, act: Act, args: dict[str, Any]) -> None:
        farm, name = self._farm, act.stack
        match act.what:
            case "set":
                farm.set(name, **args)
            case "push":
                farm.push(name, **args)
            case "call":
                farm.call(name, args["do"], args["address"], args["number"], args["name"])
            case "locate":
                farm.press_locate(name, args["box"], act.on)
            case fault if self._may(act):
                (self._mine.add if act.on else self._mine.discard)((name, fault))
                await farm.fault(name, fault, act.on, args)

    def _may(self, act: Act) -> bool:
        """A gentle scene ends what it began and touches nobody whom somebody else put in trouble."""
        assert self._plan is not None
        if not self._plan.gentle:
            return True
        if not act.on:
            return (act.stack, act.what) in self._mine
        return all((act.stack, fault) in self._mine for fault in self._farm.device(act.stack).faults)
