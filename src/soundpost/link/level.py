"""The link's protocol level: one growing integer, one dated line per step.

1  2026-11-24  first level: challenge, join, hello, two lanes, commands with *go?*, boot ids, known devices, plan
"""

LEVEL = 1
LOWEST = 1


def agreed(ours: int, our_lowest: int, theirs: int, their_lowest: int) -> int | None:
    """The level both ends speak, or None when they share none."""
    level = min(ours, theirs)
    return level if level >= max(our_lowest, their_lowest) else None
