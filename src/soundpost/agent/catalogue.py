"""Which driver families there are: by entry points, the only way the agent reaches a driver."""

import os
from collections.abc import Iterable
from importlib.metadata import entry_points

from soundpost.device.contract import Credentials, Family
from soundpost.kernel import log

GROUP = "soundpost.drivers"
OPTED_IN = "SOUNDPOST_AGENT_FAMILIES"
"""Names, separated by commas, of families that are used only when somebody wants them (`opt_in`)."""

_log = log.get("agent.catalogue")


def families() -> dict[str, Family]:
    """By name, those that are used unasked or that somebody wants."""
    wanted = {name.strip() for name in os.environ.get(OPTED_IN, "").split(",")}
    return {
        name: family
        for name, family in every_family().items()
        if name in wanted or not getattr(family, "opt_in", False)
    }


def every_family() -> dict[str, Family]:
    """By name. A family that can't be loaded is logged and left out: the others go on."""
    found: dict[str, Family] = {}
    for entry in entry_points(group=GROUP):
        try:
            family: Family = entry.load()
        except Exception:
            _log.exception("driver family can't be loaded", family=entry.name)
            continue
        found[family.name] = family
    return found


def default_credentials(families: Iterable[Family]) -> list[Credentials]:
    """The published factory sign-ins a new agent starts with, where a family names them (`default_credentials`)."""
    sets: list[Credentials] = []
    for family in families:
        sets += getattr(family, "default_credentials", ())
    return sets
