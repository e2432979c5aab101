"""To whom the audit is sent as it grows: at least once each, in order, and nothing is lost while a receiver is away."""

import secrets
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Row

from soundpost.hub.audit import receivers, repo, stream_repo, syslog
from soundpost.hub.audit import service as audit
from soundpost.hub.audit import stream_rules as rules
from soundpost.hub.audit.chain import Head
from soundpost.hub.audit.receivers import Taken
from soundpost.hub.audit.service import Who
from soundpost.hub.audit.stream_rules import Target
from soundpost.hub.store import Store, Tx
from soundpost.kernel import ids
from soundpost.kernel.clock import rfc3339
from soundpost.kernel.errors import Corrupt, NotFound
from soundpost.kernel.signal import Signal

LEVEL = b"\x01"


class Down(Struct, frozen=True):
    """Nothing can be handed over: what the receiver said, since when, when it is tried again (ms)."""

    words: str
    since_ms: int
    next_ms: int
    failures: int


class Stream(Struct, frozen=True):
    """One receiver and how far it is. `n`: the last row it took, at `taken_ms` (0 = none yet); `tried`: the last that may have arrived."""

    id: str
    target: Target
    secret: bytes | None
    n: int
    tried: int
    taken_ms: int
    created_ms: int


def stream_of(row: Row[Any]) -> Stream:
    target = msgspec.msgpack.decode(bytes(row.settings)[1:], type=Target)
    return Stream(row.id, target, row.secret and bytes(row.secret), row.n, row.tried, row.taken_ms, row.created_ms)


def told(row: Row[Any]) -> dict[str, Any]:
    """One row of the audit as receivers get it. `mac`: its proof, to be compared later."""
    return {
        "n": row.n, "id": row.id, "phase": row.phase, "time": rfc3339(row.time_ms), "act": row.act, "who_kind": row.who_kind,
        "who_id": row.who_id or None, "who": row.who_name or None, "from": row.address or None, "device": row.device or None,
        "subject": row.subject or None, "result": row.result or None, "detail": repo.detail(row),
        "mac": bytes(row.mac).hex() if row.mac else None,
    }  # fmt: skip


class Parcel(Struct, frozen=True):
    """What one receiver gets at once: rows in order. `cut`: so many before them were taken away by retention while it was away.
    `repeat_upto`: rows up to this may have arrived before. `head`: the end of the chain, kept apart from this machine. `test`: nothing
    but a word that the line works."""

    rows: list[dict[str, Any]] = []
    cut: int = 0
    repeat_upto: int = 0
    head: str = ""
    test: bool = False

    @property
    def name(self) -> str:
        if self.rows:
            return f"{self.rows[0]['n']}-{self.rows[-1]['n']}"
        return f"head-{self.head.partition(':')[0]}" if self.head else "test"


class Streams:
    """`hub`: what this one is called in messages; `host`: the machine, for syslog."""

    def __init__(self, store: Store, *, hub: str, host: str, version: str) -> None:
        self.store, self.hub, self.host, self.version = store, hub, host, version
        self.down: dict[str, Down] = {}
        self.heads: dict[str, Head] = {}
        """To be sent to each; the next hour's takes the place of one that waits."""
        self.changed: Signal[str] = Signal("streams changed")
        """Emits an id: its receiver, or how it is doing, is different."""

    async def all(self) -> tuple[list[Stream], int]:
        """In the order in which they were added, and the last row there is."""
        rows, head = await self.store.read(lambda conn: (stream_repo.everything(conn), stream_repo.head(conn)))
        return [stream_of(row) for row in rows], head

    async def get(self, id: str) -> Stream:
        row = await self.store.read(lambda conn: stream_repo.one(conn, id))
        if row is None:
            raise no_such_stream(id)
        return stream_of(row)

    # --- what owners change

    async def add(self, who: Who, target: Target, secret: str | None, start: str) -> tuple[Stream, str | None]:
        """And the webhook's secret where it was made here: it is told this once."""
        if start not in rules.STARTS:
            raise rules.wrong("start", f"It begins with one of {', '.join(rules.STARTS)}.")
        target = rules.checked(target)
        made = secrets.token_urlsafe(32) if target.kind == "webhook" and not secret else None
        chosen = made or (rules.check_secret(secret) if secret and target.kind == "webhook" else None)

        def work(tx: Tx) -> Stream:
            rules.check_room(len(stream_repo.everything(tx.conn)))
            id = ids.mint("str", tx.now_ms)
            at = stream_repo.head(tx.conn) if start == "now" else 0
            row = {"id": id, "settings": packed(target), "n": at, "tried": at, "created_ms": tx.now_ms}
            stream_repo.add(tx.conn, row | {"secret": sealed(tx, id, chosen)})
            self._told(tx, who, "audit.stream_added", id, None, target)
            return _existing(tx, id)

        return await self.store.unit_of_work(work), made

    async def change(self, who: Who, id: str, fields: dict[str, Any], secret: str | None) -> Stream:
        def work(tx: Tx) -> Stream:
            before = _existing(tx, id).target
            after = rules.checked(rules.changed(before, fields))
            values: dict[str, Any] = {"settings": packed(after)}
            if secret and after.kind == "webhook":
                values["secret"] = sealed(tx, id, rules.check_secret(secret))
            stream_repo.change(tx.conn, id, **values)
            if before != after or "secret" in values:
                self._told(tx, who, "audit.stream_changed", id, before, after, new_secret="secret" in values)
            return _existing(tx, id)

        return await self.store.unit_of_work(work)

    async def remove(self, who: Who, id: str) -> None:
        def work(tx: Tx) -> None:
            before = _existing(tx, id)
            stream_repo.remove(tx.conn, id)
            detail = {"upto": before.n}
            self._told(tx, who, "audit.stream_removed", id, before.target, None, **detail)

        await self.store.unit_of_work(work)

    def _told(
        self, tx: Tx, who: Who, act: str, id: str, before: Target | None, after: Target | None, **more: object
    ) -> None:
        target = after or before
        assert target is not None
        detail = audit.changing({"name": target.name, **more}, (plain(before), plain(after)))
        audit.recorded(tx, who, act, subject=id, detail=detail)
        tx.after(lambda: self._renewed(id))

    def _renewed(self, id: str) -> None:
        self.down.pop(id, None)
        self.changed.emit(id)

    # --- handing over

    def carry_head(self, tx: Tx, head: Head) -> None:
        """Each hour's, to each receiver, after the rows before it (T35)."""
        there = [row.id for row in stream_repo.everything(tx.conn)]
        tx.after(lambda: self._heads_wait(there, head))

    def _heads_wait(self, there: list[str], head: Head) -> None:
        for id in there:
            self.heads[id] = head
            self.changed.emit(id)

    async def hand_over(self, stream: Stream, parcel: Parcel) -> Taken:
        """Never raises for what the receiver does."""
        target = stream.target
        if target.kind == "syslog":
            return await receivers.to_syslog(target, syslog.framed(self._messages(target, parcel)))
        try:
            secret = self.store.secrets.sealer.open(stream.secret or b"", context(stream.id)).decode()
        except Corrupt as error:
            return Taken(False, f"{error.text} Or enter the secret again.")
        now_ms = self.store.clock.now_ms()
        delivery = f"{self.store.log_id}:{parcel.name}"
        return await receivers.to_webhook(target, secret, self._body(parcel, now_ms), delivery, now_ms // 1_000)

    def _messages(self, target: Target, parcel: Parcel) -> list[bytes]:
        made = [
            syslog.of_row(target, self.host, self.version, row, repeat=row["n"] <= parcel.repeat_upto)
            for row in parcel.rows
        ]
        notes: list[tuple[str, dict[str, Any]]] = []
        if parcel.cut:
            notes.append(("audit.cut", {"rows": parcel.cut}))
        if parcel.head:
            notes.append(("audit.head", {"head": parcel.head}))
        if parcel.test:
            notes.append(("audit.test", {"text": "Soundpost can reach this receiver."}))
        time = rfc3339(self.store.clock.now_ms())
        said = [
            syslog.message(
                target,
                self.host,
                self.version,
                time=time,
                id=id,
                severity=syslog.INFO,
                fields={"hub": self.hub},
                body=body,
            )
            for id, body in notes
        ]
        return [*said, *made] if parcel.cut else [*made, *said]

    def _body(self, parcel: Parcel, now_ms: int) -> bytes:
        facts: dict[str, Any] = {"hub": self.hub, "log": self.store.log_id, "sent": rfc3339(now_ms)}
        if parcel.test:
            return msgspec.json.encode({"type": "audit.test", **facts})
        if not parcel.rows:
            return msgspec.json.encode({"type": "audit.head", **facts, "head": parcel.head})
        first, last = parcel.rows[0]["n"], parcel.rows[-1]["n"]
        return msgspec.json.encode(
            {
                "type": "audit.rows", **facts, "first": first, "last": last, "cut_before": parcel.cut,
                "may_repeat_upto": parcel.repeat_upto if parcel.repeat_upto >= first else None, "rows": parcel.rows,
            }
        )  # fmt: skip

    async def test(self, who: Who, id: str) -> Taken:
        """One message now, past what waits; one that was taken wakes the stream."""
        stream = await self.get(id)
        async with audit.around(self.store, who, "audit.stream_tested", subject=id) as ended:
            taken = await self.hand_over(stream, Parcel(test=True))
            if not taken.ok:
                ended.update(code="test_failed", text=taken.words)
        if taken.ok:
            self._renewed(id)
        return taken


def packed(target: Target) -> bytes:
    return LEVEL + msgspec.msgpack.encode(target)


def context(id: str) -> str:
    return f"audit stream {id}"


def sealed(tx: Tx, id: str, secret: str | None) -> bytes | None:
    return tx.secrets.sealer.seal(secret.encode(), context(id)) if secret else None


def plain(target: Target | None) -> dict[str, Any] | None:
    """For the audit: what is of its kind."""
    if target is None:
        return None
    own = ("url",) if target.kind == "webhook" else ("host", "port", "tls", "facility", "enterprise", "confirm")
    return {name: getattr(target, name) for name in ("kind", "name", "enabled", *own, "timeout_s")}


def _existing(tx: Tx, id: str) -> Stream:
    row = stream_repo.one(tx.conn, id)
    if row is None:
        raise no_such_stream(id)
    return stream_of(row)


def no_such_stream(id: str) -> NotFound:
    return NotFound("There is no such receiver of the audit.", code="no_such_stream", id=id)
