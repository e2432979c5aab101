"""When an agent says how it is: each ten seconds, and sooner when what it said of its backlog is no longer so; pure."""

from soundpost.link.envelope import BEAT_S

EARLY_S = 2.0
"""Not sooner than this after the last: a beat costs the hub a frame, and it has thousands of agents."""
STANDING = 2
"""Looks in a row that find something waiting: what is there once is just on its way."""


class Beats:
    """Asked at every look, about once a second; the first is due at once."""

    def __init__(self, now: float) -> None:
        self._last = now - BEAT_S
        self._told = 0
        self._standing = 0

    def due(self, now: float, waiting: int) -> bool:
        self._standing = self._standing + 1 if waiting else 0
        began, ended = not self._told and self._standing >= STANDING, self._told and not waiting
        if now - self._last < (EARLY_S if began or ended else BEAT_S):
            return False
        self._last, self._told = now, waiting
        return True
