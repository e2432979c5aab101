"""Asking an agent for something, and how it ended (truth T20-T23). The hub's row is the truth at the hub."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct

from soundpost.device.capability import VERBS, CommandState
from soundpost.device.model import Descriptor
from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.commands import repo, rules
from soundpost.hub.commands.repo import CommandRow
from soundpost.hub.commands.results import Results
from soundpost.hub.commands.words import same, told, waiting
from soundpost.hub.inventory.rules import RESTART_MS
from soundpost.hub.inventory.scope import Scope
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.inventory.state import DeviceState
from soundpost.hub.store import Store, Tx
from soundpost.kernel import ids, log
from soundpost.kernel.errors import NotFound
from soundpost.kernel.signal import Signal
from soundpost.link.commands import Command

Send = Callable[[str, Command], Awaitable[object] | object]
EXPIRE_AT_ONCE = 100
NAMES_KEPT = 10_000


class Changed(Struct, frozen=True):
    """A command of this device was asked, sent, or ended: its row as committed."""

    device: str
    row: CommandRow


class Commands:
    """Implements `hub.agents.receiver.CommandDesk`. `send_command(site, command)` is handed in by app.py: the agents' room gives
    it to a connected session; when there is none it does nothing, and the command goes out at the next hello."""

    def __init__(self, store: Store, inventory: Inventory) -> None:
        self.store, self.clock, self.inventory = store, store.clock, inventory
        self.changes: Signal[Changed] = Signal("commands")
        self.send_command: Send = lambda _site, _command: False
        self.ceiling_of: Callable[[str], str] = lambda _site: ""
        """The most a hub may do at a site; handed in like `send_command`."""
        self._names: dict[str, str] = {}
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._log = log.get("commands")
        self._results = Results(self._changed, lambda site: inventory.memory.site(site).agent)
        self.ended = self._results.ended
        """Give it to the inventory: `inventory.on_command_ended = commands.ended`."""

    async def start(self) -> None:
        """Open commands go on; those whose time ran out while the hub was down expire now."""
        self._names.update(await self.store.read(lambda conn: repo.names(conn, NAMES_KEPT)))
        since_ms = self.clock.now_ms() - RESTART_MS
        for row in await self.store.read(lambda conn: repo.asked_since(conn, "reboot", since_ms)):
            self._tell_restart(row)
        self._task = asyncio.create_task(self._expire(), name="commands-expiry")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def person_of(self, command: str) -> str:
        return self._names.get(command, "")

    # What people ask

    async def ask(
        self,
        who: Who,
        device_id: str,
        capability: str,
        arguments: Mapping[str, Any],
        *,
        allowed: Scope,
        deadline_s: float | None = None,
        idempotency_key: str | None = None,
    ) -> CommandRow:
        """Accepted, on disk and in the audit before this returns. With a key that was used before: what it led to then."""
        device = self.inventory.find(device_id, allowed)
        row = self._accepted(who, device, capability, arguments, deadline_s, rules.check_key(idempotency_key))
        detail = rules.told(capability, row.arguments, self._read(device, row.arguments))

        def work(tx: Tx) -> tuple[CommandRow, int]:
            if row.idempotency_key and (known := repo.by_key(tx.conn, row.person, row.idempotency_key)):
                return same(known, row), 0
            subject, act = row.id, f"command.{capability}"
            row.audit = audit.opened(tx, who, act, device=device_id, subject=subject, detail=detail)
            repo.add(tx.conn, row)
            tx.log("command.accepted", told(row), site=row.site, device=row.device)
            tx.after(lambda: self._changed(row))
            return row, repo.holder(tx.conn, device_id)[2]

        kept, generation = await self.store.unit_of_work(work)
        if kept is row:
            self._woken.set()
            await self._hand_on(row, generation)
        return kept

    def _accepted(
        self,
        who: Who,
        device: DeviceState,
        capability: str,
        arguments: Mapping[str, Any],
        deadline_s: float | None,
        key: str,
    ) -> CommandRow:
        record, now_ms = device.record, self.clock.now_ms()
        assert record is not None
        support = rules.supported(capability, record.capabilities, record.name)

        def point_of(name: str) -> Descriptor | None:
            place = device.schema.index.get(name)
            return None if place is None else device.schema.descriptors[place]

        checked = rules.check(capability, arguments, support, point_of)
        now = self._value(device, VERBS[capability].written(checked))
        rules.check_ceiling(self.ceiling_of(device.site.id), capability, checked, now)
        deadline_ms = now_ms + round(rules.deadline_s(capability, deadline_s) * 1000)
        return CommandRow(
            id=ids.mint("cmd", now_ms),
            device=device.id,
            site=device.site.id,
            capability=capability,
            arguments=checked,
            state=CommandState.ACCEPTED,
            reason=None if device.site.link.state == "up" else waiting(device, deadline_ms),
            person=who.id,
            person_name=who.name,
            idempotency_key=key,
            undo=rules.undo(capability, checked, self._read(device, checked)),
            assumed=support != "evidenced",
            asked_ms=now_ms,
            deadline_ms=deadline_ms,
        )

    @classmethod
    def _read(cls, device: DeviceState, arguments: Mapping[str, Any]) -> object:
        return cls._value(device, arguments.get("key", ""))

    @staticmethod
    def _value(device: DeviceState, key: str) -> object:
        """The point's value as it was read last; None where no point is set, or none was read."""
        place = device.schema.index.get(key)
        return None if place is None else device.values[place]

    async def _hand_on(self, row: CommandRow, generation: int) -> None:
        """Committed already: whatever goes wrong here, the next hello sends it again."""
        try:
            answer = self.send_command(row.site, self._command(row, generation))
            if isinstance(answer, Awaitable):
                await answer
        except Exception as error:
            self._log.warning("a command could not be sent; it goes out at the next hello", id=row.id, error=str(error))

    def _command(self, row: CommandRow, generation: int) -> Command:
        return Command(
            id=row.id,
            device=row.device,
            capability=row.capability,
            arguments=row.arguments,
            left_ms=max(row.deadline_ms - self.clock.now_ms(), 0),
            generation=generation,
            person=row.person_name,
        )

    async def abort(self, who: Who, id: str, allowed: Scope) -> CommandRow:
        """Final: it was not started, and never will be. Raises Conflict once it has started or ended."""
        await self.find(id, allowed)

        def work(tx: Tx) -> CommandRow:
            row = repo.one(tx.conn, id)
            assert row is not None
            if refusal := rules.may_abort(row.state, row.go_ms > 0):
                raise refusal
            audit.recorded(tx, who, "command.abort", device=row.device, subject=id)
            self._results.end(tx, row, CommandState.REFUSED, reason=rules.ABORTED)
            return row

        return await self.store.unit_of_work(work)

    async def find(self, id: str, allowed: Scope) -> CommandRow:
        row = await self.store.read(lambda conn: repo.one(conn, id))
        if row is None or not self.visible(row, allowed):
            raise NotFound("There is no such command.", id=id)
        return row

    def visible(self, row: CommandRow, allowed: Scope) -> bool:
        if allowed.everything:
            return True
        device = self.inventory.memory.devices.get(row.device)
        return device is not None and allowed.device(device)

    async def page(
        self, allowed: Scope, *, device: str | None, before: tuple[int, str] | None, limit: int
    ) -> list[CommandRow]:
        """Up to `limit` that this reader may see; what is hidden leaves no short page, which would read as the last one."""
        kept: list[CommandRow] = []
        while len(kept) < limit:
            rows = await self.store.read(
                lambda conn, at=before: repo.page(conn, device=device, before=at, limit=limit)  # type: ignore[misc]
            )
            kept += [row for row in rows if self.visible(row, allowed)]
            if len(rows) < limit:
                break
            before = rows[-1].asked_ms, rows[-1].id
        return kept[:limit]

    async def of_device(self, device: str, last: int = 10) -> list[CommandRow]:
        """The open ones and the last ones, newest first."""

        def query(conn: Any) -> list[CommandRow]:
            open_ones = repo.page(conn, device=device, before=None, limit=100, open_only=True)
            latest = repo.page(conn, device=device, before=None, limit=last)
            known = {row.id: row for row in (*open_ones, *latest)}
            return sorted(known.values(), key=lambda row: (row.asked_ms, row.id), reverse=True)

        return await self.store.read(query)

    # What agents' sessions ask

    async def open_for(self, site: str) -> list[Command]:
        now_ms = self.clock.now_ms()

        def query(conn: Any) -> list[tuple[CommandRow, int]]:
            rows = [row for row in repo.open_of_site(conn, site) if row.deadline_ms > now_ms]
            return [(row, repo.holder(conn, row.device)[2]) for row in rows]

        return [self._command(row, generation) for row, generation in await self.store.read(query)]

    async def seen(self, site: str, command: str) -> None:
        def work(tx: Tx) -> None:
            row = repo.one(tx.conn, command)
            if row is not None and row.site == site and rules.moves(row.state, CommandState.SENT):
                self._sent(tx, row)

        await self.store.unit_of_work(work)

    def _sent(self, tx: Tx, row: CommandRow) -> None:
        row.state, row.reason = CommandState.SENT, None
        repo.change(tx.conn, row.id, state=row.state, reason=None)
        tx.log("command.sent", told(row), site=row.site, device=row.device)
        tx.after(lambda: self._changed(row))

    async def go(self, site: str, command: str) -> tuple[bool, str]:
        """Answered from the row, and noted there: what was told to start can't be taken back any more (T22)."""

        def work(tx: Tx) -> str:
            row = repo.one(tx.conn, command)
            if row is None:
                return rules.may_start(None, site, tx.now_ms, [], False)
            holder, stack, _ = repo.holder(tx.conn, row.device)
            ahead = repo.open_ahead(tx.conn, stack, row.asked_ms, row.id)
            short = rules.Row(row.id, row.state, row.site, row.deadline_ms, row.asked_ms)
            code = rules.may_start(short, site, tx.now_ms, ahead, holder == site)
            if not code:
                if row.state == CommandState.ACCEPTED:
                    self._sent(tx, row)
                repo.change(tx.conn, row.id, go_ms=tx.now_ms)
            return code

        code = await self.store.unit_of_work(work)
        return not code, code

    # Time

    async def _expire(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self.expire_due()
                due = await self.store.read(repo.next_deadline)
            except Exception as error:
                self._log.error("expired commands could not be ended; trying again", error=str(error))
                due = self.clock.now_ms() + 1000
            wait_s = None if due is None else max((due - self.clock.now_ms()) / 1000, 0.001)
            try:
                async with self.clock.timeout(wait_s):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def expire_due(self) -> None:
        def work(tx: Tx) -> int:
            rows = repo.due(tx.conn, tx.now_ms, EXPIRE_AT_ONCE)
            for row in rows:
                self._results.end(tx, row, CommandState.EXPIRED, reason=rules.EXPIRED)
            return len(rows)

        while await self.store.unit_of_work(work) == EXPIRE_AT_ONCE:
            pass

    def _changed(self, row: CommandRow) -> None:
        if len(self._names) > 2 * NAMES_KEPT:
            for id in list(self._names)[:NAMES_KEPT]:
                del self._names[id]
        self._names[row.id] = row.person_name
        self._tell_restart(row)
        self.changes.emit(Changed(row.device, row))

    def _tell_restart(self, row: CommandRow) -> None:
        if row.capability == "reboot":
            self.inventory.restart_told(
                row.device, rules.restart_of(row.id, row.state, row.asked_ms, row.ended_ms), row.id
            )
