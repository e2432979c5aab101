"""Which driver families there are: by entry points, the only way the agent reaches a driver."""

from collections.abc import Collection, Iterable
from importlib.metadata import entry_points

from soundpost.device.contract import Credentials, Family
from soundpost.kernel import log
from soundpost.kernel.errors import Invalid

GROUP = "soundpost.drivers"

_log = log.get("agent.catalogue")


def families(wanted: Collection[str] = ()) -> dict[str, Family]:
    """By name: those that are used unasked, and those of the others (`opt_in`) that are wanted. Raises Invalid for one that
    there is not."""
    every = every_family()
    if unknown := [name for name in wanted if name not in every]:
        raise Invalid(f"There is no family {unknown[0]!r}. There are: {', '.join(every)}.", code="family_unknown")
    return {name: family for name, family in every.items() if name in wanted or not getattr(family, "opt_in", False)}


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
