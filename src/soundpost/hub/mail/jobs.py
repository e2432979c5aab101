"""The couriers: one for mail, one for text messages, so that neither holds up the other. They take no input: each round asks the rows."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from sqlalchemy import Row

from soundpost.hub.mail import letters, repo, rules, sms, smtp, states, texts
from soundpost.hub.mail.rules import Outcome
from soundpost.hub.mail.service import CHANGED, Down, Post, context, hold
from soundpost.hub.organization.service import MAIL_SECRET, SMS_SECRET
from soundpost.hub.store import Tx
from soundpost.kernel import backoff, log
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import Corrupt, TellUser

BATCH = 20
LOOK_S = 60.0
"""At least so often the wall clock is looked at again."""
DOWN_FIRST_S, DOWN_MOST_S = 10.0, 900.0
EXPIRED = "It was not sent in time: what it says is worth nothing any more."
OPENED = "The stored words can't be opened with this hub's key file."

Send = Callable[[Row[Any]], Awaitable[Outcome]]


class Courier:
    def __init__(self, post: Post, channel: str, clock: Clock, chance: Callable[[], float]) -> None:
        self._post, self._channel, self._clock, self._chance = post, channel, clock, chance
        self._store, self._organization = post.store, post.organization
        self._woken = post.woken[channel]
        self._line = log.UpDown(log.get("mail"), "sending", channel=channel)

    async def run(self) -> None:
        while True:
            wait = LOOK_S
            try:
                wait = await self.round()
            except Exception:
                log.get("mail").exception("a round of sending failed", channel=self._channel)
            await self._until_woken(wait)

    async def _until_woken(self, wait: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with self._clock.timeout(min(max(wait, 0.0), LOOK_S)):
                await self._woken.wait()

    async def round(self) -> float:
        """Sends what is due; returns the seconds until something may be again."""
        self._woken.clear()
        await self._store.unit_of_work(self._tidy)
        if self._post.why(self._channel) == "not_set_up":
            return LOOK_S
        now = self._clock.now_ms()
        down = self._post.down.get(self._channel)
        if down is not None and 0 < down.next_ms - now <= DOWN_MOST_S * 1_000:
            return (down.next_ms - now) / 1_000
        while rows := await self._due():
            if not await self._carry(rows):
                return LOOK_S if (failed := self._post.down.get(self._channel)) is None else self._left(failed.next_ms)
        following = await self._store.read(lambda conn: repo.next_due(conn, self._channel, self._without()))
        return LOOK_S if following is None else self._left(following)

    def _left(self, ms: int) -> float:
        return max(0.0, (ms - self._clock.now_ms()) / 1_000)

    def _without(self) -> tuple[str, ...]:
        """Kinds that have to wait."""
        return () if self._organization.address else rules.LINKED

    async def _due(self) -> list[Row[Any]]:
        now, without = self._clock.now_ms(), self._without()
        return await self._store.read(lambda conn: repo.due(conn, self._channel, now, without, BATCH))

    def _tidy(self, tx: Tx) -> None:
        hold(tx)
        if self._channel in self._post.renewed:
            repo.hasten(tx.conn, self._channel, tx.now_ms)
            tx.after(lambda: self._post.renewed.discard(self._channel))
        for row in repo.expire(tx.conn, tx.now_ms, EXPIRED):
            tx.hint(CHANGED)
            tx.log("message.failed", {"message": row.id, "channel": row.channel, "kind": row.kind})

    # --- carrying

    async def _carry(self, rows: list[Row[Any]]) -> bool:
        """False when nothing can go out this way now; then all that is left waits."""
        try:
            async with self._opened() as send:
                for row in rows:
                    if (outcome := await self._one(row, send)) is None:
                        continue
                    if outcome.kind == "down":
                        raise smtp.Unreachable(outcome.words)
                    if outcome.unsure:
                        break  # a new line for the next
        except smtp.Unreachable as error:
            self._now_down(error.words)
            return False
        self._post.down.pop(self._channel, None)
        self._line.up()
        return True

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[Send]:
        settings = self._organization.settings
        try:
            secret = self._organization.secret(MAIL_SECRET if self._channel == "mail" else SMS_SECRET)
        except Corrupt as error:
            raise smtp.Unreachable(f"{error.text} Or enter the password again.") from None
        if self._channel == "sms":

            async def text(row: Row[Any]) -> Outcome:
                return await sms.send(settings.sms, secret, row.recipient, self._short(row), row.id)

            yield text
            return
        async with smtp.line(settings.mail, secret) as line:

            async def letter(row: Row[Any]) -> Outcome:
                return await line.send(self._letter(row))

            yield letter

    def _now_down(self, words: str) -> None:
        before, now = self._post.down.get(self._channel), self._clock.now_ms()
        failures = before.failures + 1 if before else 1
        wait = backoff.delay(failures, self._chance(), first=DOWN_FIRST_S, most=DOWN_MOST_S, floor=DOWN_FIRST_S / 2)
        since = before.since_ms if before else now
        self._post.down[self._channel] = Down(words, since, now + int(wait * 1_000), failures)
        self._line.down(words)

    async def _one(self, row: Row[Any], send: Send) -> Outcome | None:
        """The attempt is committed before the send, its end after it: found open at a start, it is made again (T24)."""
        mid = letters.message_id(row.id, self._organization.settings.mail) if self._channel == "mail" else row.id
        begun = await self._store.unit_of_work(lambda tx: self._begin(tx, row, mid))
        if begun is None:  # withdrawn meanwhile
            return None
        outcome = await self._tried(begun, send)
        await self._store.unit_of_work(lambda tx: self._close(tx, begun, outcome))
        return outcome

    def _begin(self, tx: Tx, row: Row[Any], message_id: str) -> Row[Any] | None:
        tx.hint(CHANGED)
        hold(tx)  # a restore may be found between two messages
        return repo.begin(tx.conn, row.id, tx.now_ms, message_id)

    async def _tried(self, row: Row[Any], send: Send) -> Outcome:
        try:
            async with self._clock.timeout(self._limit()):
                return await send(row)
        except TimeoutError:
            return Outcome("later", "The server did not answer in time.", unsure=True)
        except TellUser as error:
            return Outcome("refused", error.text)
        except Corrupt:
            return Outcome("refused", OPENED)
        except (KeyError, ValueError, msgspec.MsgspecError) as error:
            log.get("mail").exception("a message can't be put into words", kind=row.kind)
            return Outcome("refused", f"This message can't be put into words ({type(error).__name__}).")

    def _limit(self) -> float:
        """For one message, all its commands together."""
        settings = self._organization.settings
        return 4.0 * (settings.mail.timeout_s if self._channel == "mail" else settings.sms.timeout_s)

    def _close(self, tx: Tx, row: Row[Any], outcome: Outcome) -> None:
        kind = outcome.kind
        if kind == "later" and rules.given_up(tx.now_ms, row.first_ms):
            kind = "refused"
        values: dict[str, Any] = {"said": outcome.words, "repeats": 1 if outcome.unsure else row.repeats}
        if kind == "sent":
            values |= {"state": states.SENT, "body": None, "ended_ms": tx.now_ms, "repeats": row.repeats}
        elif kind == "refused":
            values |= {"state": states.FAILED, "ended_ms": tx.now_ms}
        else:
            values["next_ms"] = tx.now_ms if kind == "down" else rules.next_ms(tx.now_ms, row.tries, self._chance())
        tx.hint(CHANGED)
        if repo.end(tx.conn, row.id, row.began_ms, **values) and kind == "refused":
            tx.log("message.failed", {"message": row.id, "channel": row.channel, "kind": row.kind})

    # --- words

    def _params(self, row: Row[Any]) -> tuple[texts.Params, str]:
        sealer = self._store.secrets.sealer
        params: texts.Params = msgspec.msgpack.decode(sealer.open(bytes(row.body), context(row.id)))
        return params, row.language or self._organization.settings.language

    def _letter(self, row: Row[Any]) -> letters.Letter:
        params, language = self._params(row)
        settings = self._organization.settings
        return letters.compose(
            settings.mail, row.recipient, row.kind, params, language=language, organization=settings.name,
            address=self._organization.address, message_id=row.message_id, now_ms=self._clock.now_ms(), repeats=bool(row.repeats),
        )  # fmt: skip

    def _short(self, row: Row[Any]) -> str:
        params, language = self._params(row)
        name = letters.one_line(self._organization.settings.name)
        return texts.short(row.kind, language, letters.clean(params), name, repeats=bool(row.repeats))


@contextlib.asynccontextmanager
async def running(post: Post, clock: Clock, seed: int) -> AsyncIterator[None]:
    """Both couriers, and the counts pages show. Attempts found open were cut off by a crash."""
    await post.store.unit_of_work(lambda tx: repo.interrupted(tx.conn))
    await post.count()
    end = post.store.hinted.subscribe(post.hear)
    chance = backoff.Chance(seed)
    couriers = [Courier(post, channel, clock, chance) for channel in rules.CHANNELS]
    tasks = [asyncio.create_task(courier.run(), name="courier") for courier in couriers]
    tasks.append(asyncio.create_task(post.keep_counting(), name="message-counts"))
    tasks.append(asyncio.create_task(trim_daily(post, clock), name="message-trim"))
    try:
        yield
    finally:
        end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def trim_daily(post: Post, clock: Clock) -> None:
    while True:
        with contextlib.suppress(Exception):
            await post.store.unit_of_work(lambda tx: repo.trim(tx.conn, tx.now_ms - rules.KEPT_MS))
        await clock.sleep(86_400.0)
