"""Who stands behind an API key, and when it was used last.

A key that fits is never held up by those that do not: they are counted after they were looked for (docs/decisions/0010). When and
from where a key was used is kept here and written once a minute for all keys; whoever shows it asks `last_use`.
"""

import hmac
import secrets
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row

from soundpost.hub.people import key_rules, repo, rules
from soundpost.hub.people.key_rules import Holder
from soundpost.hub.people.rules import Principal
from soundpost.hub.store import Store, Tx
from soundpost.kernel import ids, log
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import TellUser, TooMany, Unauthenticated

WRONG_FREE, WAIT_MOST_S = 20, 60.0


class Use(Struct, frozen=True):
    ms: int
    address: str


class Keyring:
    """`policy`: of whom a second factor is demanded now."""

    def __init__(self, store: Store, clock: Clock, policy: Callable[[], str]) -> None:
        self._store, self._clock, self._policy = store, clock, policy
        self._wrong = rules.Attempts(free=WRONG_FREE, longest_s=WAIT_MOST_S)
        self._uses: dict[str, Use] = {}

    async def principal(self, key: str, address: str) -> Principal | None:
        """Who acts by this key now; None for one that is wrong, revoked, expired, or whose person can't come in."""
        row = await self._store.read(lambda conn: _row(conn, key))
        if row is None:
            return None
        holder = self.holder(row)
        now = self._clock.now_ms()
        why = key_rules.weaker(row.scope, row.expires_ms, holder, now)
        if not key_rules.lets_in(why):
            return None
        self._uses[row.id] = Use(now, address)
        return _principal(row, held_back=holder.held_back)

    def holder(self, row: Row[Any]) -> Holder:
        held_back = not row.factor_ms and rules.demanded(self._policy(), row.role)
        return Holder(row.role, row.state, row.ends_ms, held_back)

    def refusal(self, address: str) -> TellUser:
        """What a stranger with a wrong key is told, and the same whatever is wrong with it. Counts the try."""
        home = rules.network(address)
        try:
            self._wrong.take((home, ""), self._clock.monotonic())
        except TooMany as error:
            return error
        log.get("people").info("an API key was refused", address=address)
        return Unauthenticated(
            "This API key is not good here: it is wrong, has expired or was revoked. Make a new one under Settings > API keys.",
            code="key_refused",
        )

    # --- making

    def insert(self, tx: Tx, person: str, name: str, scope: str, **more: Any) -> tuple[str, str]:
        """The new key's id, and the key itself, of which only its hash is kept."""
        id, letters = ids.mint("key", tx.now_ms), ids.text(secrets.token_bytes(16))[-8:]
        key = key_rules.made_of(letters, secrets.token_urlsafe(32))
        row = {
            "id": id, "name": name, "prefix": key_rules.prefix(key), "key_hash": repo.digest(key), "scope": scope,
            "person": person, "created_ms": tx.now_ms, **more,
        }  # fmt: skip
        repo.add_key(tx.conn, row)
        return id, key

    # --- the last use

    def last_use(self, row: Row[Any]) -> Use:
        """`ms` 0: never."""
        written = Use(row.used_ms, row.used_from)
        return max(written, self._uses.get(row.id, written), key=lambda use: use.ms)

    async def write_uses(self) -> None:
        """All that is not on disk yet, in one commit."""
        uses, self._uses = self._uses, {}
        if not uses:
            return

        def work(tx: Tx) -> None:
            for id, use in uses.items():
                repo.touch_key(tx.conn, id, use.ms, use.address)

        try:
            await self._store.unit_of_work(work)
        except BaseException:
            self._uses = {**uses, **self._uses}
            raise


def _row(conn: Connection, key: str) -> Row[Any] | None:
    """The prefix finds it; what proves it is the hash, compared in constant time."""
    hashed = repo.digest(key)
    if prefix := key_rules.prefix(key):
        found = repo.keys_like(conn, prefix)
    elif key_rules.FIRST_FORM.fullmatch(key):
        found = repo.first_keys(conn, hashed)
    else:
        found = []
    return next((row for row in found if hmac.compare_digest(bytes(row.key_hash), hashed)), None)


def _principal(row: Row[Any], *, held_back: bool) -> Principal:
    own, persons = repo.split(row.places), repo.split(row.person_places)
    return Principal(
        *("key", row.id, row.name, "", row.scope),
        key_rules.rights(row.scope, row.role),
        places=own or persons,
        within=persons if own else frozenset(),
        owner=row.person,
        owner_name=row.person_name,
        held_back="factor" if held_back else "",
    )
