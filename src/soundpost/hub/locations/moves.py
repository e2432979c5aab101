"""Which devices a change of places, hands' words or rules moves, so that the audit tells it of each. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from soundpost.hub.locations.placing import PlaceRule
from soundpost.hub.locations.tree import Tree, text


class Called(NamedTuple):
    """A device as it is placed by. `chain`: its own id, then those it hangs from, nearest first; rules know it by `names` and `address`."""

    chain: Sequence[str]
    names: Collection[str]
    address: str


class Standing(NamedTuple):
    tree: Tree
    placed: Mapping[str, str]
    rules: Sequence[PlaceRule]


class Moved(NamedTuple):
    """Paths; None for nowhere. `location`: where it is now, "" for nowhere."""

    device: str
    before: str | None
    after: str | None
    location: str


def rule_for(rules: Iterable[PlaceRule], names: Collection[str], address: str) -> PlaceRule | None:
    """The first that fits."""
    return next((rule for rule in rules if rule.fits(names, address)), None)


def where(placed: Mapping[str, str], rules: Iterable[PlaceRule], called: Called) -> tuple[str, str]:
    """The place of a device, and how it came there: `hand`, `rule`, `inherited` or "". A hand's word goes before a rule's, also when it was
    said of what the device hangs from."""
    own = placed.get(called.chain[0])
    if own is not None:
        return own, "hand"
    above = next((place for id in called.chain[1:] if (place := placed.get(id)) is not None), None)
    if above is not None:
        return above, "inherited"
    rule = rule_for(rules, called.names, called.address)
    return (rule.location, "rule") if rule is not None else ("", "")


def moved(devices: Iterable[Called], before: Standing, after: Standing) -> Iterator[Moved]:
    """Those that hang below other places than before, which decides who may see them. A place that is only called otherwise moves none."""
    for called in devices:
        was, _ = where(before.placed, before.rules, called)
        now, _ = where(after.placed, after.rules, called)
        if [one.id for one in before.tree.above(was)] != [one.id for one in after.tree.above(now)]:
            yield Moved(called.chain[0], _path(before.tree, was), _path(after.tree, now), now)


def _path(tree: Tree, id: str) -> str | None:
    return text(tree.path(id)) or None
