"""What a scene is made of: acts, and plans that say when which act is due. Pure; the clock is the scene's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happens to a device: `what` is set, push, call, locate or the name of a fault."""

    stack: str
    what: str
    on: bool = True
    args: Mapping[str, Any] = field(default_factory=dict)


class Plan(Protocol):
    """`gentle`: a device somebody put in trouble by hand is left alone."""

    gentle: bool

    def next_s(self) -> float | None:
        """When something happens next, in seconds since the scene began; None: never again."""

    def acts(self, second: float) -> list[Act]:
        """What is due then. Asked once for each time that `next_s` named, in order."""
