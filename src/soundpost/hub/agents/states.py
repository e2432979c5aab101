"""What an account's row can say: words that rules decide with and rows are kept in."""

from msgspec import Struct, field

NEVER, CONNECTED, LOST, REFUSED, HELD_TWICE = "never", "connected", "lost", "refused", "held_twice"
AWAITED = "awaited"
"""Never in a row: it says connected, but this process of the hub has not heard of the server yet (T6)."""


class Past(Struct):
    """What must not come back: boot ids that a newer session replaced (T28), keys that were taken away."""

    boots: list[str] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
