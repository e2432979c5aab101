"""Mail and text messages on their way out: queued in the transaction of what they tell, sent after it, tried again until they are out."""

import asyncio
from collections.abc import Collection
from typing import Any, Literal

import msgspec
from msgspec import Struct
from sqlalchemy import Row

from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.mail import repo, rules, states
from soundpost.hub.organization.rules import Standing
from soundpost.hub.organization.service import Organization
from soundpost.hub.store import Store, Tx, meta
from soundpost.hub.store.engine import RENEWED
from soundpost.kernel import ids
from soundpost.kernel.errors import Conflict, NotFound

Channel = Literal["mail", "sms"]
QUEUED, CHANGED = "message.queued", "message.changed"
"""Hints: something is to be sent; something about what waits is different."""
QUEUE_LOG = "outgoing_log"


def queue(
    tx: Tx,
    channel: Channel,
    recipient: str,
    kind: str,
    params: dict[str, Any],
    *,
    language: str = "",
    person: str = "",
    expires_ms: int = 0,
) -> str:
    """`kind` names a text of `mail.texts`, `params` what it says; a `link` among them is a path of this hub's pages. `language`: of
    who reads it, "" = the organization's. `expires_ms`: it is not sent after that; left out, `minutes` among the params say how long it
    is worth something. Sealed as it lies here, since a link lets somebody in. Returns the id."""
    id = ids.mint("out", tx.now_ms)
    body = tx.secrets.sealer.seal(msgspec.msgpack.encode(params), context(id))
    minutes = params.get("minutes")
    if not expires_ms and isinstance(minutes, int | float):
        expires_ms = tx.now_ms + int(minutes * 60_000)
    row = {
        "id": id, "channel": channel, "recipient": recipient, "kind": kind, "body": body, "language": language, "person": person,
        "state": states.WAITING, "created_ms": tx.now_ms, "next_ms": tx.now_ms,
        "expires_ms": expires_ms or tx.now_ms + rules.WORTH_MS,
    }  # fmt: skip
    repo.add(tx.conn, row)
    tx.hint(QUEUED)
    return id


def cancel(tx: Tx, person: str, kinds: Collection[str] = ()) -> int:
    """What has not gone out to this person is taken back: all of it, or these kinds. Returns how many messages."""
    gone = repo.cancel(tx.conn, person, kinds)
    if gone:
        tx.hint(CHANGED)
    return gone


def hold(tx: Tx) -> bool:
    """The hub was put back to an older state (its log has another id than the one under which this queue was last looked at): what waited
    then may be out already, so it is held until an owner says go (T36). True when that was so."""
    now, known = meta.log_id(tx.conn), meta.get(tx.conn, QUEUE_LOG)
    if known is not None and known.decode() == now:
        return False
    meta.put(tx, QUEUE_LOG, now.encode())
    if known is None:
        return False
    held = repo.hold(tx.conn, "out_" + now.partition("_")[2])  # ids follow time: what was queued since is not old
    if held:
        audit.recorded(tx, audit.SYSTEM, "message.held", detail={"count": held})
        tx.log("message.held", {"count": held})
        tx.hint(CHANGED)
    return True


def context(id: str) -> str:
    return f"outgoing {id}"


class Down(Struct, frozen=True):
    """Nothing can go out this way: what the server said, since when, when it is tried again (ms; 0 = at once)."""

    words: str
    since_ms: int
    next_ms: int
    failures: int


class Post:
    """What waits, what failed, and how each way out is doing; the couriers (mail.jobs) carry it."""

    def __init__(self, store: Store, organization: Organization) -> None:
        self.store, self.organization = store, organization
        self.down: dict[str, Down] = {}
        self.woken: dict[str, asyncio.Event] = {channel: asyncio.Event() for channel in rules.CHANNELS}
        self.renewed: set[str] = set()
        """Ways whose settings are others now: what waits for them is tried at once."""
        self._counts: dict[tuple[str, str], int] = {}
        self.changes = store.clock.now_ms()
        """Another number after each change, across restarts as well."""
        self._stale = asyncio.Event()
        organization.changed.subscribe(lambda _: self._settings_changed())

    def wake(self, channel: str | None = None) -> None:
        for name in (channel,) if channel else rules.CHANNELS:
            self.woken[name].set()

    # --- after each commit

    def hear(self, word: str) -> None:
        if word in (QUEUED, CHANGED):
            self._stale.set()
        if word in (QUEUED, RENEWED):
            self.wake()

    async def count(self) -> None:
        self._counts = await self.store.read(repo.counts)
        self.changes += 1

    async def keep_counting(self) -> None:
        """Counts follow the commits; many at once are counted once."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            await self.count()

    # --- asking

    def standing(self, channel: str) -> Standing:
        """From memory: pages look at it each second."""
        down, why = self.down.get(channel), self.why(channel)
        counted = (states.WAITING, states.FAILED, states.HELD)
        waiting, failed, held = (self._counts.get((channel, state), 0) for state in counted)
        if down is None or why not in ("down", "address_missing"):
            return Standing(why, waiting, failed, held=held)
        return Standing("down", waiting, failed, down.words, down.since_ms, down.next_ms, held)

    def why(self, channel: str) -> str:
        settings = self.organization.settings
        ready = settings.mail.ready if channel == "mail" else settings.sms.ready
        if not ready:
            return "not_set_up"
        if channel in self.down:
            return "down"
        return "address_missing" if channel == "mail" and not self.organization.address else ""

    async def page(self, wanted: Collection[str], before: str | None, limit: int) -> list[Row[Any]]:
        return await self.store.read(lambda conn: repo.page(conn, wanted, before, limit))

    # --- acting

    async def retry(self, who: Who, id: str | None = None) -> int:
        """One message, or all that are not out, at once. Returns how many."""

        def work(tx: Tx) -> int:
            if id is not None:
                _check_again(repo.one(tx.conn, id))
            count = repo.again(tx.conn, tx.now_ms, id)
            if count:
                audit.recorded(tx, who, "message.retried", subject=id or "", detail={"count": count})
                tx.hint(QUEUED)
            return count

        self.down.clear()
        return await self.store.unit_of_work(work)

    async def release(self, who: Who) -> int:
        """What was held since a restore goes out now. Returns how many messages."""

        def work(tx: Tx) -> int:
            count = repo.release(tx.conn, tx.now_ms)
            if count:
                audit.recorded(tx, who, "message.released", detail={"count": count})
                tx.hint(QUEUED)
            return count

        return await self.store.unit_of_work(work)

    async def drop_held(self, who: Who) -> int:
        def work(tx: Tx) -> int:
            count = repo.drop_held(tx.conn)
            if count:
                audit.recorded(tx, who, "message.held_dropped", detail={"count": count})
                tx.hint(CHANGED)
            return count

        return await self.store.unit_of_work(work)

    async def drop(self, who: Who, id: str) -> None:
        def work(tx: Tx) -> None:
            gone = repo.remove(tx.conn, id)
            if gone is None:
                raise no_such_message()
            detail = {"kind": gone.kind, "to": gone.recipient, "state": gone.state}
            audit.recorded(tx, who, "message.dropped", subject=id, detail=detail)
            tx.hint(CHANGED)

        await self.store.unit_of_work(work)

    def _settings_changed(self) -> None:
        self.down.clear()
        self.renewed.update(rules.CHANNELS)
        self.wake()


def _check_again(row: Row[Any] | None) -> None:
    if row is None:
        raise no_such_message()
    if row.state == states.SENT:
        raise Conflict("This message is out already.", code="message_sent")
    if row.body is None:
        raise Conflict("What this message said is worth nothing any more; send a new one.", code="message_expired")
    if row.began_ms:
        raise Conflict("This message is being sent this moment.", code="message_under_way")


def no_such_message() -> NotFound:
    return NotFound("There is no such message.", code="no_such_message")
