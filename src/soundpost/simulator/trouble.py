"""What a row of the faults' table is made of: its arguments, its work, which products it fits."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from soundpost.kernel.errors import Invalid
from soundpost.simulator.listener import Listener


class Places(Protocol):
    """Knows where every device listens: the farm."""

    async def move(self, station: Listener, address: str, port: int | None = None, *, swap: bool = False) -> None: ...


class Arguments(msgspec.Struct, forbid_unknown_fields=True):
    pass


Work = Callable[[Places, Any, bool, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`lasts`: it stays until it is turned off, and is listed meanwhile. `of`: what it can happen to."""

    text: str
    work: Work
    args: type[Arguments] = Arguments
    lasts: bool = True
    of: type[Any] = Listener

    def defaults(self) -> dict[str, Any]:
        """The arguments with what stands when they are left out."""
        return {field.name: _default(field) for field in msgspec.structs.fields(self.args)}


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


def wrong(text: str) -> Invalid:
    return Invalid(text, code="args_invalid")
