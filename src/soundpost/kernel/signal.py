"""Hints inside one process: who subscribed is called at once, on the event loop. Hints may be missed; rows are the truth (T32)."""

import contextlib
from collections.abc import Callable
from typing import Generic, TypeVar

from soundpost.kernel import log

T = TypeVar("T")


class Signal(Generic[T]):
    def __init__(self, name: str) -> None:
        self._name = name
        self._listeners: list[Callable[[T], None]] = []

    def subscribe(self, listener: Callable[[T], None]) -> Callable[[], None]:
        """Returns what ends the subscription."""
        self._listeners.append(listener)
        return lambda: self._forget(listener)

    def _forget(self, listener: Callable[[T], None]) -> None:
        with contextlib.suppress(ValueError):
            self._listeners.remove(listener)

    def emit(self, value: T) -> None:
        """One listener's failure is logged and keeps nobody else from hearing."""
        for listener in tuple(self._listeners):
            try:
                listener(value)
            except Exception:
                log.get("kernel").exception("a listener failed", signal=self._name)
