"""`/api/v1`: asking for something, and how it went."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post
from litestar.params import HeaderParameter
from msgspec import Struct, field

from soundpost.device.capability import CommandState
from soundpost.hub.agents.items import ReasonView, reason_view
from soundpost.hub.commands.repo import CommandRow
from soundpost.hub.commands.service import Commands
from soundpost.hub.inventory.views import when
from soundpost.hub.people import http
from soundpost.hub.store import pages
from soundpost.kernel.clock import rfc3339
from soundpost.kernel.shape import one_of

AnyRequest = Request[Any, Any, Any]
StateWord = Annotated[str, one_of(CommandState)]


class CommandBody(Struct, forbid_unknown_fields=True):
    capability: str
    arguments: dict[str, Any] = field(default_factory=dict)
    deadline_s: float | None = None


class Accepted(Struct):
    id: str
    status: StateWord


class Undo(Struct):
    """The command that puts back what was there."""

    capability: str
    arguments: dict[str, Any]


class CommandView(Struct, kw_only=True):
    id: str
    device: str
    capability: str
    arguments: dict[str, Any]
    status: StateWord
    reason: ReasonView | None
    result: dict[str, Any] | None
    person: str
    asked: str
    deadline: str | None
    ended: str | None
    assumed: bool
    undo: Undo | None


class CommandList(Struct):
    items: list[CommandView]
    next: str | None


def view(row: CommandRow) -> CommandView:
    return CommandView(
        id=row.id,
        device=row.device,
        capability=row.capability,
        arguments=row.arguments,
        status=row.state,
        reason=reason_view(row.reason),
        result=row.result,
        person=row.person_name,
        asked=rfc3339(row.asked_ms),
        deadline=when(row.deadline_ms),
        ended=when(row.ended_ms),
        assumed=row.assumed,
        undo=Undo(**row.undo) if row.undo else None,
    )


class DeviceCommandController(Controller):
    path = "/api/v1/devices"
    tags = ("Commands",)

    @post(
        "/{device_id:str}/commands",
        opt={"right": "control", "faults": "assumed_not_confirmed idempotency_mismatch not_supported over_ceiling"},
        status_code=202,
        summary="Ask a device",
    )
    async def ask(
        self,
        request: AnyRequest,
        commands: Commands,
        device_id: str,
        data: CommandBody,
        key: Annotated[str | None, HeaderParameter(name="Idempotency-Key")] = None,
    ) -> Accepted:
        row = await commands.ask(
            http.who(request),
            device_id,
            data.capability,
            data.arguments,
            allowed=commands.inventory.scope(http.principal(request)),
            deadline_s=data.deadline_s,
            idempotency_key=key,
        )
        return Accepted(row.id, row.state)


class CommandController(Controller):
    path = "/api/v1/commands"
    tags = ("Commands",)

    @get("/{command_id:str}", opt={"right": "see"}, summary="One command")
    async def one(self, request: AnyRequest, commands: Commands, command_id: str) -> CommandView:
        return view(await commands.find(command_id, commands.inventory.scope(http.principal(request))))

    @delete(
        "/{command_id:str}",
        opt={"right": "control", "faults": "already_started ended"},
        status_code=200,
        summary="Take it back before it starts",
    )
    async def abort(self, request: AnyRequest, commands: Commands, command_id: str) -> CommandView:
        scope = commands.inventory.scope(http.principal(request))
        return view(await commands.abort(http.who(request), command_id, scope))

    @get("", opt={"right": "see", "faults": "invalid_cursor"}, summary="Commands, newest first")
    async def commands(
        self,
        request: AnyRequest,
        commands: Commands,
        device: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> CommandList:
        wanted = pages.limited(limit)
        before = _place(cursor) if cursor is not None else None
        scope = commands.inventory.scope(http.principal(request))
        rows = await commands.page(scope, device=device, before=before, limit=wanted + 1)
        last = rows[wanted - 1] if len(rows) > wanted else None
        onward = pages.cursor(last.asked_ms, last.id) if last else None
        return CommandList([view(row) for row in rows[:wanted]], onward)


def _place(cursor: str) -> tuple[int, str]:
    at, id = pages.place(cursor, int, str)
    return int(at), str(id)


CONTROLLERS = (DeviceCommandController, CommandController)
