"""Equal values kept once."""

from math import copysign
from typing import Any, TypeVar

K = TypeVar("K")
T = TypeVar("T")
MOST = 4096


class Shared:
    """Gives for a number or a word the equal one it has seen before. Gains move in steps, so a site has a few hundred different
    ones and a hundred thousand points that show them. Begins anew when it is full, so what is always new (an uptime) does not
    fill it for good."""

    __slots__ = ("_floats", "_integers", "_lists", "_tables", "_words")

    def __init__(self) -> None:
        # Apart, since 1.0 == True == 1 and each must stay what the device said.
        self._floats: dict[float, float] = {}
        self._integers: dict[int, int] = {}
        self._words: dict[str, str] = {}
        self._lists: dict[tuple[str, ...], list[str]] = {}
        self._tables: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}

    def __call__(self, value: Any) -> Any:
        kind = type(value)
        if kind is float:
            # -0.0 == 0.0, and the two are told apart where they are shown.
            return _kept(self._floats, value) if value or copysign(1.0, value) > 0 else value
        if kind is str:
            return _kept(self._words, value)
        return _kept(self._integers, value) if kind is int else value

    def words(self, given: list[str]) -> list[str]:
        """The same list for equal ones: nobody may change it any more."""
        key = tuple(given)
        found = self._lists.get(key)
        return _keep(self._lists, key, [self(word) for word in key]) if found is None else found

    def table(self, given: dict[str, str]) -> dict[str, str]:
        """The same dict for equal ones: nobody may change it any more."""
        key = tuple(given.items())
        found = self._tables.get(key)
        return _keep(self._tables, key, {self(name): self(value) for name, value in key}) if found is None else found


def _kept(table: dict[T, T], value: T) -> T:
    return table[value] if value in table else _keep(table, value, value)


def _keep(table: dict[K, T], key: K, value: T) -> T:
    if len(table) >= MOST:
        table.clear()
    table[key] = value
    return value
