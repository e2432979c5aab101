"""What is said of commands, and when two are the same."""

from typing import Any

import msgspec

from soundpost.device.model import Reason
from soundpost.hub.commands.repo import CommandRow
from soundpost.hub.inventory.state import DeviceState
from soundpost.kernel.clock import rfc3339
from soundpost.kernel.errors import Conflict


def told(row: CommandRow) -> dict[str, Any]:
    """For events."""
    body: dict[str, Any] = {
        "id": row.id,
        "capability": row.capability,
        "arguments": row.arguments,
        "status": row.state.value,
        "person": row.person_name,
        "reason": msgspec.to_builtins(row.reason),
    }
    if row.state.ended:
        body["result"] = row.result
    return body


def same(known: CommandRow, asked: CommandRow) -> CommandRow:
    """The command an Idempotency-Key led to before; Conflict when it is used for something else now."""
    if (known.device, known.capability, known.arguments) != (asked.device, asked.capability, asked.arguments):
        raise Conflict(
            "This Idempotency-Key was used for something else.", code="idempotency_mismatch", command=known.id
        )
    return known


def waiting(device: DeviceState, deadline_ms: int) -> Reason:
    agent = device.site.agent.name if device.site.agent else device.site.name
    text = f"The server {agent} is out of contact; it is asked when it is back, until {rfc3339(deadline_ms)}."
    return Reason("agent_lost", text, {"agent": agent, "until": rfc3339(deadline_ms)})
