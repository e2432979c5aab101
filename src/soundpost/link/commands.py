"""What hubs ask of agents (truth T20-T23)."""

from typing import Any

from msgspec import Struct, field


class Command(Struct, kw_only=True, array_like=True):
    """`id` is `cmd_…`, minted by the origin, known for ever. `left_ms` is what remains of the deadline when it is sent:
    the agent counts it down on its own monotonic clock. `generation` is the hold the origin believes in."""

    id: str
    device: str
    capability: str
    arguments: dict[str, Any] = field(default_factory=dict)
    left_ms: int = 30_000
    generation: int = 0
    person: str = ""
