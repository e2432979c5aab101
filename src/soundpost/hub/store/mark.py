"""How far this log ever came, kept beside the keys, where no backup of the data goes (T31, T36).

A database that knows less than its mark was put back from an older copy. The mark is written after commits and now and then, so
one that was only killed is never behind it.
"""

import contextlib
import os
from pathlib import Path

NAME = "log.mark"


class Mark:
    """`folder`: of the keys; None keeps no mark."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / NAME if folder is not None else None
        self.n = self._read()

    def _read(self) -> int:
        if self._path is None:
            return 0
        try:
            n = int(self._path.read_text())
            return n if n < 1 << 62 else 0
        except (OSError, ValueError):  # none yet, or cut by a power loss: nothing is known then
            return 0

    def behind(self, head: int) -> bool:
        """Whether a log that ends at `head` went back. An empty one is new, not old."""
        return 0 < head < self.n

    def put(self, head: int) -> None:
        if self._path is None or head == self.n:
            return
        with contextlib.suppress(OSError):  # a folder that is read-only: restores are then noticed by agents alone
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self._path.with_suffix(".new")
            fresh.write_text(str(head))
            os.replace(fresh, self._path)
        self.n = head
