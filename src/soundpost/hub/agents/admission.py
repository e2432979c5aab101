"""Who may come in: joining by name and password, hello by key. Every refusal has its own code and says what to do."""

from collections.abc import Awaitable, Callable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from soundpost.hub.agents import repo, rules
from soundpost.hub.agents.repo import Account
from soundpost.hub.agents.rules import CONNECTED, HELD_TWICE, Limits, Tries
from soundpost.hub.agents.service import Agents
from soundpost.hub.agents.states import Past
from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.people.rules import Attempts
from soundpost.hub.store import Tx, meta
from soundpost.kernel import ids, log
from soundpost.kernel.errors import TooMany, Unavailable
from soundpost.link.envelope import Hello, Join, Joined, Refused, key_bytes, signed_bytes

IsPerson = Callable[[str], Awaitable[bool]]
MOST_UNKNOWN = 1_000
SAVE_TRIES_S = 1.0


async def nobody(_name: str) -> bool:
    return False


class JoinAttempts(Attempts):
    """Machines repeat themselves more than people do."""

    FREE = 20


class Admitted(Struct, frozen=True):
    """The committed outcome of a hello."""

    account: Account
    level: int
    knows_acked: bool


class Admission:
    """`is_person`: is this a person's sign-in name? Handed in by app; only the sentence of a refusal depends on it."""

    def __init__(self, agents: Agents, hub: str, limits: Limits, is_person: IsPerson = nobody) -> None:
        self._agents, self._hub, self._limits, self._is_person = agents, hub, limits, is_person
        self._clock = agents.store.clock
        self._attempts = JoinAttempts()
        self._hashing = 0
        self._run = ids.mint("boot", self._clock.now_ms())
        self.tries: dict[str, Tries] = {}
        """By agent id: refused tries since the holder was last let in."""
        self.unknown: dict[str, Tries] = {}
        """By a name no account has; in memory only, the oldest makes room."""
        self._saved: dict[str, float] = {}
        self._log = log.get("agents")

    # -- joining

    async def join(self, join: Join, address: str) -> Joined | Refused:
        answer = await self._join(join, address)
        if isinstance(answer, Refused):
            await self.tried(self._agents.by_name(join.name), join.name, answer.code, address)
        return answer

    async def _join(self, join: Join, address: str) -> Joined | Refused:
        if isinstance(level := rules.check_level(join.level, join.lowest), Refused):
            return level
        name = join.name[: rules.NAME_MOST]
        key = (address, name.casefold())
        try:
            self._attempts.check(key, self._clock.monotonic())
        except TooMany as wait:
            return rules.refusal("too_many_tries", name=name, retry_after_s=float(str(wait.params["retry_after_s"])))
        account = self._agents.by_name(name)
        # A name nobody has costs as much as a wrong password.
        right = await self._verified(account.password_hash or None if account else None, join.password)
        if isinstance(right, Refused):
            return right
        if account is None:
            person = await self._is_person(name)
            return rules.refusal("not_an_agent" if person else "unknown_account", name=name)
        if not right:
            self._attempts.failed(key, self._clock.monotonic())
            return rules.refusal("wrong_password", name=account.name)
        self._attempts.cleared(key)
        if not _usable(join.public_key):
            return rules.refusal("key_unusable")
        return await self._agents.store.unit_of_work(lambda tx: self._bind(tx, account, join, address))

    async def _verified(self, hashed: str | None, password: str) -> bool | Refused:
        busy = rules.refusal("busy", retry_after_s=3.0)
        if self._hashing >= self._limits.hashes_waiting:
            return busy
        self._hashing += 1
        try:
            return await self._agents.passwords.verify(hashed, password)
        except Unavailable:
            return busy
        finally:
            self._hashing -= 1

    def _bind(self, tx: Tx, proved: Account, join: Join, address: str) -> Joined | Refused:
        """Account, key and site belong together from here on; the row decides, not memory. `proved`: the account as its password
        was proved; a password changed since then (a hand-over) is another one."""
        id = proved.id
        account = repo.account(tx.conn, id)
        if account is None:
            return rules.refusal("unknown_account", name=join.name)
        if account.password_hash != proved.password_hash:
            return rules.refusal("wrong_password", name=account.name)
        site = repo.site(tx.conn, account.site)
        assert site is not None
        if account.public_key == join.public_key:  # its Joined got lost on the way: the same machine asks again
            return Joined(agent=id, site=site.id, site_name=site.name)
        if account.public_key is not None:
            code = "held_twice" if account.state == HELD_TWICE else "account_held"
            return rules.refusal(code, name=account.name)
        theirs = repo.site(tx.conn, join.site) if join.site not in ("", site.id) else None
        if theirs is not None:
            return rules.refusal("other_site", name=account.name, site=theirs.name, own_site=site.name)
        self._agents.change(
            tx, id, public_key=join.public_key, next_key=None, joined_ms=tx.now_ms, boot="", last_uid=None
        )
        detail = {"agent": id, "name": account.name, "machine": join.machine[:100]}
        tx.log("agent.joined", {**detail, "address": address}, site=site.id)
        who = Who("agent", id=id, name=account.name, address=address)
        audit.recorded(tx, who, "agent.joined", subject=id, detail=detail)
        return Joined(agent=id, site=site.id, site_name=site.name)

    # -- hello

    async def hello(self, hello: Hello, nonce: bytes, address: str) -> Admitted | Refused:
        answer = await self._hello(hello, nonce, address)
        account = self._agents.accounts.get(hello.agent)
        if isinstance(answer, Refused):
            await self.tried(account, hello.agent, answer.code, address)
        else:
            self.tries.pop(hello.agent, None)
        return answer

    async def _hello(self, hello: Hello, nonce: bytes, address: str) -> Admitted | Refused:
        if isinstance(level := rules.check_level(hello.level, hello.lowest), Refused):
            return level
        account = self._agents.accounts.get(hello.agent)
        if account is None:
            return rules.refusal("key_revoked")
        signed = signed_bytes(self._hub, hello.host, nonce, hello.nonce, hello.agent, hello.boot)
        key = next((k for k in (account.public_key, account.next_key) if k and _fits(k, hello.signature, signed)), None)
        if key is None or account.public_key is None:
            revoked = any(_fits(key, hello.signature, signed) for key in account.past.keys)
            return rules.refusal("key_revoked" if revoked else "bad_signature", name=account.name)
        return await self._agents.store.unit_of_work(lambda tx: self._admit(tx, hello, key, level, address))

    def _admit(self, tx: Tx, hello: Hello, key: bytes, level: int, address: str) -> Admitted | Refused:
        account = repo.account(tx.conn, hello.agent)
        if account is None or key not in (account.public_key, account.next_key):
            return rules.refusal("key_revoked")
        if account.state == HELD_TWICE:
            return rules.refusal("held_twice", name=account.name)
        past = rules.judge_boot(account.boot, account.past, hello.boot)
        if past is None:
            return self._held_twice(tx, account, hello, address)
        fresh = account.state != CONNECTED or account.boot != hello.boot
        knows = self._knows(tx, account, hello)
        if fresh:
            detail = {"agent": account.id, "name": account.name, "address": address, "version": hello.version[:50]}
            detail["dialled"] = hello.host[:256]  # signed: a relay can't make it another
            tx.log("agent.connected", detail, site=account.site)
        if rules.is_zone(hello.zone):
            repo.change_site(tx.conn, account.site, zone=hello.zone)
        after = self._agents.change(
            tx,
            account.id,
            state=CONNECTED,
            since_ms=tx.now_ms if account.state != CONNECTED else account.since_ms,
            reason=None,
            boot=hello.boot,
            version=hello.version[:50],
            level=level,
            address=address,
            dropped=hello.dropped,
            **self._keys(tx, account, hello, key, past),
        )
        return Admitted(after, level, knows)

    def _keys(self, tx: Tx, account: Account, hello: Hello, key: bytes, past: Past) -> dict[str, Any]:
        """A new key is vouched for by the old one; either is good until the new one was used, then the old one is taken away."""
        if key == account.next_key:
            tx.log("agent.key_changed", {"agent": account.id, "name": account.name}, site=account.site)
            return {"public_key": key, "next_key": None, "past": rules.retire(past, account.public_key)}
        wanted = hello.next_key
        vouched = _usable(wanted) and _fits(key, hello.next_signature, key_bytes(self._hub, account.id, wanted))
        return {"past": past, "next_key": wanted if vouched and wanted != key else account.next_key}

    def _held_twice(self, tx: Tx, account: Account, hello: Hello, address: str) -> Refused:
        """A boot that was replaced lives: two machines hold one key, and nothing says which is the right one (T28)."""
        refused = rules.refusal("held_twice", name=account.name)
        self._agents.change(
            tx,
            account.id,
            state=HELD_TWICE,
            since_ms=tx.now_ms,
            reason=rules.held_twice_reason(account.address, address),
        )
        detail = {"agent": account.id, "name": account.name, "addresses": [account.address, address]}
        tx.log("agent.held_twice", {**detail, "boots": [account.boot, hello.boot]}, site=account.site)
        self._agents.end(tx, account.id, refused)
        return refused

    def _knows(self, tx: Tx, account: Account, hello: Hello) -> bool:
        """False: this hub went back behind what it had acked (T9). Its log gets a new id, once in this process's life: a restore
        always means another process, and every agent of a restored hub finds the same."""
        uid = hello.last_acked
        if not uid or uid == account.last_uid or not tx.unseen([uid]):
            return True
        if not self._agents.store.renewed and meta.get(tx.conn, "log_renewed_by") != self._run.encode():
            meta.put(tx, "log_renewed_by", self._run.encode())
            self._agents.store.new_log(tx)
            audit.recorded(tx, audit.SYSTEM, "hub.restored", subject=account.id, detail={"name": account.name})
            tx.log("hub.restored", {"agent": account.id, "name": account.name}, site=account.site)
            self._log.error("this hub was restored from an older copy; its log has a new id", agent=account.id)
        return False

    # -- tries

    async def tried(self, account: Account | None, name: str, code: str, address: str) -> None:
        """Counts a refused try; an account that nobody holds shows it as its state."""
        if code == "busy":
            return
        table, key = (self.tries, account.id) if account else (self.unknown, name[: rules.NAME_MOST])
        before = table.pop(key, None) or (account and _kept(account))
        count = before.count + 1 if before else 1
        table[key] = Tries(code, count, address, self._clock.now_ms())
        if len(self.unknown) > MOST_UNKNOWN:
            del self.unknown[next(iter(self.unknown))]
        if account is None:
            self._log.warning("an agent was refused", name=name[: rules.NAME_MOST], code=code, address=address)
            return
        self._agents.changed.emit(account.id)
        now = self._clock.monotonic()
        if account.state in (rules.NEVER, rules.REFUSED) and now - self._saved.get(account.id, -1e9) >= SAVE_TRIES_S:
            self._saved[account.id] = now
            await self._agents.store.unit_of_work(lambda tx: self._save_tries(tx, account.id))

    def _save_tries(self, tx: Tx, id: str) -> None:
        account, tries = repo.account(tx.conn, id), self.tries.get(id)
        if account is None or tries is None or account.state not in (rules.NEVER, rules.REFUSED):
            return
        since = account.since_ms if account.state == rules.REFUSED else tx.now_ms
        self._agents.change(tx, id, state=rules.REFUSED, since_ms=since, reason=rules.tries_reason(tries))


def _kept(account: Account) -> Tries | None:
    """Tries counted before this hub started."""
    if account.state != rules.REFUSED or account.reason is None or "tries" not in account.reason.params:
        return None
    params = account.reason.params
    return Tries(account.reason.code, int(params["tries"]), str(params.get("address", "")), 0)


def _usable(public_key: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key)
    except ValueError:
        return False
    return True


def _fits(public_key: bytes, signature: bytes, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True
