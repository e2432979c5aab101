"""Plays devices on loopback addresses: the witness against the drivers, written from devices.md and not from a parser.

`async with Farm(make_stacks(60, seed=1)) as farm:` for tests and other rooms, `run(settings, ready, stop)` for the CLI.
"""

from soundpost.simulator.assumptions import switches
from soundpost.simulator.bma360d import ArraySpec, make_arrays
from soundpost.simulator.farm import Farm
from soundpost.simulator.replayer import ReplaySettings, refuse_beside_replay, refuse_pace, run_replay
from soundpost.simulator.run import Settings, run, sites
from soundpost.simulator.specs import BoxSpec, PeripheralSpec, StackSpec, make_stacks

__all__ = [
    "ArraySpec",
    "BoxSpec",
    "Farm",
    "PeripheralSpec",
    "ReplaySettings",
    "Settings",
    "StackSpec",
    "make_arrays",
    "make_stacks",
    "refuse_beside_replay",
    "refuse_pace",
    "run",
    "run_replay",
    "sites",
    "switches",
]
