"""Equal values kept once."""

from math import copysign
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 4096


class Shared:
    """Gives for a number or a word the equal one it has seen before. Gains move in steps, so a site has a few hundred different
    ones and a hundred thousand points that show them. Begins anew when it is full, so what is always new (an uptime) does not
    fill it for good."""

    __slots__ = ("_floats", "_words")

    def __init__(self) -> None:
        # Apart, since 1.0 == True == 1 and each must stay what the device said.
        self._floats: dict[float, float] = {}
        self._words: dict[str, str] = {}

    def __call__(self, value: Any) -> Any:
        if type(value) is float:
            # -0.0 == 0.0, and the two are told apart where they are shown.
            return _kept(self._floats, value) if value or copysign(1.0, value) > 0 else value
        return _kept(self._words, value) if type(value) is str else value


def _kept(table: dict[T, T], value: T) -> T:
    if len(table) >= MOST:
        table.clear()
    return table.setdefault(value, value)
