"""How deliveries become commits: what is taken at once, what is cut, what is tried again alone. No store, no clock."""

from collections import deque
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from soundpost.device.model import Descriptor
from soundpost.hub.agents.receiver import Delivery, Source
from soundpost.hub.inventory.apply import Part
from soundpost.hub.inventory.state import Schema

FACT_ROWS = 200
"""Rows of facts in one commit (T12)."""
CHANGES = 20_000
"""Changes in one segment. They cost the commit little, but memory takes them in at one go, and the loop must not stand still."""


class Declaration(Struct):
    source: Source
    device: str
    schema: Schema


class Piece(Struct):
    """What one commit takes of one delivery: `last` = the delivery is done when this is committed."""

    delivery: Delivery
    part: Part
    values: bool
    last: bool


Item = Declaration | Piece


def pieces(delivery: Delivery) -> list[Piece]:
    """A frame of many facts needs several commits; its values go with the last, its unreadable entries with the first."""
    size = max(FACT_ROWS - len(delivery.rejected), 1)
    cuts = list(range(0, len(delivery.facts), size)) or [0]
    found: list[Piece] = []
    for place, cut in enumerate(cuts):
        last = place == len(cuts) - 1
        part = Part(
            source=delivery.source,
            facts=delivery.facts[cut : cut + size],
            rejected=delivery.rejected if place == 0 else (),
            late=delivery.late,
            last_uid=last_uid(delivery) if last else b"",
        )
        found.append(Piece(delivery, part, values=last, last=last))
    return found


def last_uid(delivery: Delivery) -> bytes:
    return delivery.last_uid or (delivery.facts[-1].uid if delivery.facts else b"")


def take(waiting: deque[Item]) -> list[Item]:
    """The next commit's share, in order; at least one item."""
    taken: list[Item] = []
    rows = changes = 0
    while waiting:
        more_rows, more_changes = weight(waiting[0])
        if taken and (rows + more_rows > FACT_ROWS or changes + more_changes > CHANGES):
            break
        taken.append(waiting.popleft())
        rows, changes = rows + more_rows, changes + more_changes
    return taken


def weight(item: Item) -> tuple[int, int]:
    """Rows of facts, changes of values."""
    if isinstance(item, Declaration):
        return 0, 0
    values = len(item.delivery.values) if item.values else 0
    return len(item.part.facts) + len(item.part.rejected), values


def by_agent(items: Sequence[Item]) -> list[list[Item]]:
    groups: dict[str, list[Item]] = {}
    for item in items:
        source = item.source if isinstance(item, Declaration) else item.delivery.source
        groups.setdefault(source.agent, []).append(item)
    return list(groups.values())


def one_by_one(item: Item) -> list[Item]:
    """The smallest commits a piece can be tried in; the last one carries its values and its end."""
    if isinstance(item, Declaration):
        return [item]
    part, single = item.part, []
    for rejected in part.rejected:
        single.append(Part(part.source, rejected=[rejected], late=part.late))
    for fact in part.facts:
        single.append(Part(part.source, facts=[fact], late=part.late))
    closing = Part(part.source, late=part.late, last_uid=part.last_uid)
    cut: list[Item] = [Piece(item.delivery, each, values=False, last=False) for each in single]
    return [*cut, Piece(item.delivery, closing, values=item.values, last=item.last)]


def body_of(descriptors: Sequence[Descriptor]) -> bytes:
    return b"\x01" + msgspec.msgpack.encode(descriptors)
