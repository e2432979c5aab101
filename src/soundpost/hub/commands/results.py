"""How commands end: by a result from the site, by time, or by a person; each time row, audit and event together."""

from collections.abc import Callable
from typing import Any

import msgspec

from soundpost.device.capability import CommandState
from soundpost.device.model import Reason
from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.commands import repo, rules
from soundpost.hub.commands.repo import CommandRow
from soundpost.hub.commands.words import told
from soundpost.hub.inventory.apply import Ended, Refused
from soundpost.hub.inventory.state import AgentInfo
from soundpost.hub.store import Tx

TOLD_PERSON = "told_person"
"""In the audit: the person whom a site's agent names."""


class Results:
    """`changed` hears of each row after its commit; `agent_of` knows a site's account, None where it has none."""

    def __init__(self, changed: Callable[[CommandRow], None], agent_of: Callable[[str], AgentInfo | None]) -> None:
        self._changed, self._agent_of = changed, agent_of

    def ended(self, tx: Tx, ended: Ended) -> dict[str, Any]:
        """`command.ended` from a site, inside the ingest commit; returns what the event tells. A result that changes nothing
        any more is still a fact."""
        body = ended.body
        state = end_of(body.state)
        row = repo.one(tx.conn, body.id)
        if row is not None and row.site != ended.site:
            raise Refused("other_site")
        if row is None:
            row = self._foreign(tx, ended, state)
        elif rules.moves(row.state, state):
            late = row.state.ended or body.late
            self._write(tx, row, state, body.reason, body.result or None, assumed=body.assumed, late=late)
            return {**told(row), "late": late}
        return {**told(row), "status": state.value, "result": body.result or None, "late": body.late}

    def end(self, tx: Tx, row: CommandRow, state: CommandState, *, reason: Reason) -> None:
        """Ends an open command at the hub: expired, or aborted."""
        self._write(tx, row, state, reason, None)
        tx.log("command.ended", {**told(row), "late": False}, site=row.site, device=row.device)

    def _write(
        self,
        tx: Tx,
        row: CommandRow,
        state: CommandState,
        reason: Reason | None,
        result: dict[str, Any] | None,
        *,
        assumed: bool = False,
        late: bool = False,
    ) -> None:
        row.state, row.reason, row.result, row.ended_ms = state, reason, result, tx.now_ms
        row.assumed = row.assumed or assumed
        repo.change(tx.conn, row.id, state=state, reason=reason, result=result, ended_ms=tx.now_ms, assumed=row.assumed)
        audit.completed(tx, row.audit, state, detail=outcome(row, late))
        tx.after(lambda: self._changed(row))

    def _foreign(self, tx: Tx, ended: Ended, state: CommandState) -> CommandRow:
        """Asked at the site, not by this hub: known here by its end only. Who asked is what the agent tells, so in the audit the
        agent acts and the person is told."""
        body = ended.body
        agent = self._agent_of(ended.site)
        who = Who("agent", agent.id if agent else "", agent.name if agent else "the site")
        claimed = {TOLD_PERSON: body.person} if body.person else {}
        row = CommandRow(
            id=body.id,
            device=ended.device,
            site=ended.site,
            capability=body.capability,
            arguments=body.arguments,
            state=state,
            reason=body.reason,
            result=body.result or None,
            person_name=body.person,
            assumed=body.assumed,
            asked_ms=ended.time_ms,
            deadline_ms=ended.time_ms,
            ended_ms=tx.now_ms,
        )
        act = f"command.{body.capability}"
        detail = {**rules.told(row.capability, row.arguments, None), **claimed}
        row.audit = audit.opened(tx, who, act, device=row.device, subject=row.id, detail=detail)
        audit.completed(tx, row.audit, state, detail=outcome(row, body.late))
        repo.add(tx.conn, row)
        tx.after(lambda: self._changed(row))
        return row


def outcome(row: CommandRow, late: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"reason": msgspec.to_builtins(row.reason)} if row.reason else {}
    if row.result:
        body["result"] = row.result
    if late:
        body["late"] = True
    return body


def end_of(word: str) -> CommandState:
    """A word that is no end, from a newer agent or a broken one, tells nobody how it ended."""
    state = CommandState(word) if word in set(CommandState) else CommandState.UNCERTAIN
    return state if state.ended else CommandState.UNCERTAIN
