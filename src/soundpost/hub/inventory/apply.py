"""Facts become rows: one run inside one transaction. What memory must learn is returned and applied after the commit (T14)."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from soundpost.device.model import Device, Status
from soundpost.hub.agents.receiver import Source
from soundpost.hub.inventory import repo
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.inventory.rules import site_may_tell, told_ms
from soundpost.hub.inventory.state import Found
from soundpost.hub.store import Tx
from soundpost.kernel import log
from soundpost.link import events
from soundpost.link.events import Fact

Effect = Callable[[Memory], None]
NoteLastUid = Callable[[Tx, str, bytes], None]
TOLD_AGAIN_MS = 2_000
"""A status that began no later than this after the one known began with it: the measured offset of clocks wanders a little, and
an agent from an older copy of its disk remembers an older beginning than what it told since."""


class Ended(Struct):
    """`command.ended` as it reaches the commands' room, in the transaction that logs it. `time_ms` is the hub's clock."""

    site: str
    device: str
    time_ms: int
    late: bool
    body: events.CommandEnded


OnCommandEnded = Callable[[Tx, Ended], dict[str, Any]]
"""Returns what the event tells; called once per fact."""


class Part(Struct):
    """What of one delivery goes into one commit."""

    source: Source
    facts: Sequence[Fact] = ()
    rejected: Sequence[tuple[bytes, str]] = ()
    late: bool = False
    last_uid: bytes = b""


class Refused(Exception):
    """This fact can't be applied, by rule: it is set aside with this code."""


class FactRun:
    """Applies parts in order. `effects` holds what memory must learn, in the same order."""

    def __init__(self, tx: Tx, parts: Sequence[Part], on_ended: OnCommandEnded, note_last_uid: NoteLastUid) -> None:
        self.tx, self.parts = tx, parts
        self.effects: list[Effect] = []
        self._on_ended, self._note = on_ended, note_last_uid
        self._rows: dict[str, repo.DeviceRow] = {}
        self._touched: set[str] = set()
        self._history: list[dict[str, Any]] = []
        self._position = 0
        self._aside: set[bytes] = set()
        self._apply: dict[str, Callable[[Source, Fact, Any, int], None]] = {
            "device.found": self._device,
            "device.changed": self._device,
            "device.status": self._status,
            "found.unreadable": self._unreadable,
            "found.gone": self._gone,
        }

    def run(self) -> list[Effect]:
        facts = [fact for part in self.parts for fact in part.facts]
        self._position = repo.log_position(self.tx.conn)
        if ids := {fact.device for fact in facts if fact.device}:
            self._rows = repo.device_rows(self.tx.conn, ids)
        unseen = self.tx.unseen([fact.uid for fact in facts])
        for part in self.parts:
            for body, reason in part.rejected:
                self._set_aside(part.source, body, reason, uid=events.uid_of(body))
            for fact in part.facts:
                if fact.uid in unseen:
                    unseen.discard(fact.uid)
                    self._fact(part, fact)
            if part.last_uid:
                self._note(self.tx, part.source.agent, part.last_uid)
        if self._touched:
            repo.put_devices(self.tx.conn, [self._rows[id] for id in sorted(self._touched)])
        if self._history:
            repo.add_history(self.tx.conn, self._history)
        return self.effects

    def _fact(self, part: Part, fact: Fact) -> None:
        source, time_ms = part.source, told_ms(fact.time_ms, part.source.offset_ms, self.tx.now_ms)
        try:
            if not site_may_tell(fact.type):
                raise Refused("not_a_sites_fact")
            body = self._decoded(fact)
            row = self._rows.get(fact.device)
            if row is not None and row.site != source.site:
                raise Refused("other_site")
            data = msgspec.to_builtins(body) if body is not None else msgspec.msgpack.decode(fact.data)
            if not isinstance(data, dict):
                raise Refused("fact_unreadable")
            if row is not None and 0 < fact.generation < row.generation:
                data["old_generation"] = True  # another agent holds it now: history only (T6)
            elif isinstance(body, events.CommandEnded):
                data = self._on_ended(self.tx, Ended(source.site, fact.device, time_ms, part.late, body))
            elif apply := self._apply.get(fact.type):
                apply(source, fact, body, time_ms)
        except (Refused, msgspec.MsgspecError) as refusal:
            reason = str(refusal) if isinstance(refusal, Refused) else "fact_unreadable"
            self._set_aside(source, events.pack(fact), reason, uid=fact.uid, device=fact.device)
            return
        if fact.type == "device.status" and (known := self._rows.get(fact.device)) is not None:
            data["name"] = known.record.name  # a list of events reads without asking for each device
        if part.late:
            data["late"] = True
        self.tx.log(fact.type, data, site=source.site, device=fact.device, time_ms=time_ms, uid=fact.uid)

    def _decoded(self, fact: Fact) -> Any:
        shape = events.BODIES.get(fact.type)
        return None if shape is None else msgspec.msgpack.decode(fact.data, type=shape)

    def _device(self, source: Source, fact: Fact, body: events.DeviceFound, time_ms: int) -> None:
        record = body.device
        if record.id != fact.device:
            raise Refused("wrong_device")
        row = self._rows.get(record.id)
        if row is None:
            row = self._rows[record.id] = self._new_row(source, record, time_ms)
        elif record.revision <= row.record.revision:
            return
        row.record = record
        self._touched.add(row.id)
        self.effects.append(
            partial(
                Memory.put_record,
                id=row.id,
                site_id=row.site,
                record=record,
                generation=row.generation,
                first_seen_ms=row.first_seen_ms,
            )
        )

    def _new_row(self, source: Source, record: Device, time_ms: int) -> repo.DeviceRow:
        first = told_ms(record.first_seen_ms, source.offset_ms, self.tx.now_ms) if record.first_seen_ms else time_ms
        return repo.DeviceRow(record.id, source.site, record, max(record.generation, 1), first_seen_ms=first)

    def _status(self, source: Source, fact: Fact, body: events.DeviceStatus, time_ms: int) -> None:
        row = self._rows.get(fact.device)
        if row is None:
            raise Refused("unknown_device")
        since_ms = told_ms(body.since_ms, source.offset_ms, self.tx.now_ms)
        again = row.status == body.status and since_ms <= row.since_ms + TOLD_AGAIN_MS
        known = again and row.reason == body.reason
        row.status, row.reason = Status(body.status), body.reason
        row.since_ms, row.status_time_ms = row.since_ms if again else since_ms, time_ms
        self._touched.add(row.id)
        if not known:
            self._history.append(
                {
                    "device": row.id,
                    "since_ms": row.since_ms,
                    "event": self._position + len(self.tx.events) + 1,
                    "status": row.status,
                    "reason": repo.packed(row.reason),
                }
            )
        self.effects.append(
            partial(
                Memory.set_status,
                id=row.id,
                status=row.status,
                since_ms=row.since_ms,
                reason=row.reason,
                time_ms=time_ms,
            )
        )

    def _unreadable(self, source: Source, _fact: Fact, body: events.Unreadable, time_ms: int) -> None:
        entry = Found(
            site=source.site,
            id=body.id,
            address=body.address,
            port=body.port,
            family=body.family,
            reason=body.reason,
            serials=body.serials,
            time_ms=time_ms,
        )
        repo.put_found(self.tx.conn, entry)
        self.effects.append(partial(Memory.put_found, found=entry))

    def _gone(self, source: Source, _fact: Fact, body: events.FoundGone, _time_ms: int) -> None:
        repo.drop_found(self.tx.conn, source.site, body.id)
        self.effects.append(partial(Memory.drop_found, shown_id=f"{source.site}.{body.id}"))

    def _set_aside(self, source: Source, body: bytes, reason: str, *, uid: bytes, device: str = "") -> None:
        if uid and not self._is_new(uid):
            return
        set_aside(self.tx, source, body, reason, uid=uid, device=device if device in self._rows else "")

    def _is_new(self, uid: bytes) -> bool:
        """An unreadable entry may stand in one batch twice, or beside one that was read."""
        fresh = uid not in self._aside and not repo.uid_known(self.tx.conn, uid)
        self._aside.add(uid)
        return fresh


def set_aside(tx: Tx, source: Source, body: bytes, reason: str, *, uid: bytes = b"", device: str = "") -> None:
    """Kept with its bytes and its reason, counted, acked and told (T16)."""
    repo.reject(tx.conn, tx.now_ms, source.site, source.agent, reason, body)
    data = {"reason": reason, "agent": source.agent, "size": len(body)}
    tx.log("entry.rejected", data, site=source.site, device=device, uid=uid)
    log.get("inventory").warning("an entry was set aside", site=source.site, reason=reason)
