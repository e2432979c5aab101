"""Sites and the accounts their agents join with ("Servers" on screen).

Rows are the truth; `accounts` and `sites` hold them in memory and follow each commit, so that a hello or a list reads nothing.
"""

import secrets
from typing import Any

from msgspec import Struct, structs

from soundpost.hub.agents import repo, rules
from soundpost.hub.agents.repo import Account, Site
from soundpost.hub.audit import service as audit
from soundpost.hub.audit.service import Who
from soundpost.hub.people.passwords import Passwords
from soundpost.hub.people.rules import check_password
from soundpost.hub.store import Store, Tx
from soundpost.kernel import ids
from soundpost.kernel.errors import Conflict, NotFound
from soundpost.kernel.signal import Signal
from soundpost.link.envelope import Refused


class Ending(Struct, frozen=True):
    """An account whose session must end now, and what its agent is told."""

    agent: str
    refused: Refused


class Added(Struct, frozen=True):
    """`password` is shown once and kept nowhere."""

    account: Account
    site: Site
    password: str


def note_last_uid(tx: Tx, agent: str, uid: bytes) -> None:
    """For the receiver, inside the commit that holds an agent's facts: `uid` of the last of them (T9)."""
    if uid:
        repo.change(tx.conn, agent, last_uid=uid, confirmed_ms=tx.now_ms)


class Agents:
    """`passwords` is the process's one argon2 pool (people.passwords)."""

    def __init__(self, store: Store, passwords: Passwords) -> None:
        self.store, self.passwords = store, passwords
        self.accounts: dict[str, Account] = {}
        self._at: dict[str, str] = {}
        """By site, its account: lists of sites and devices ask for it row by row."""
        self.sites: dict[str, Site] = {}
        self.changed: Signal[str] = Signal("agent changed")
        """Emits an agent's id; one that is not in `accounts` any more was deleted."""
        self.ended: Signal[Ending] = Signal("agent session must end")

    async def start(self) -> None:
        """Reads the rows; call before anybody is let in."""
        rows, sites = await self.store.read(lambda conn: (repo.accounts(conn), repo.all_sites(conn)))
        self.accounts = {row.id: row for row in rows}
        self._at = {row.site: row.id for row in rows}
        self.sites = {site.id: site for site in sites}

    # -- finding

    def get(self, id: str) -> Account:
        if (account := self.accounts.get(id)) is None:
            raise no_such_server(id)
        return account

    def by_name(self, name: str) -> Account | None:
        wanted = " ".join(name.split()).casefold()
        return next((a for a in self.accounts.values() if a.name.casefold() == wanted), None)

    def of_site(self, site: str) -> Account | None:
        return self.accounts.get(self._at.get(site, ""))

    async def is_account(self, name: str, password: str) -> bool:
        """For people's sign-in: an agent's name *and* password used there get their own sentence."""
        account = self.by_name(name)
        return account is not None and await self.passwords.verify(account.password_hash or None, password)

    # -- changing

    async def add(self, who: Who, name: str, password: str | None = None, site: str | None = None) -> Added:
        """A new site, or `site`, which must have no server. Raises Invalid, Conflict `name_taken`/`site_taken`, NotFound."""
        name = rules.check_name(name)
        password = _chosen(password, name)
        hashed = await self.passwords.hash(password)

        def work(tx: Tx) -> tuple[Account, Site]:
            _free_name(tx, name)
            place = self._place(tx, name, site)
            account = Account(
                id=ids.mint("agt", tx.now_ms),
                name=name,
                site=place.id,
                password_hash=hashed,
                since_ms=tx.now_ms,
                added_ms=tx.now_ms,
                added_by=who.name or who.id,
            )
            repo.add(tx.conn, account)
            made = {"name": account.name, "site": place.name}
            self._told(tx, who, "agent.added", account, change=(None, made), site_name=place.name)
            self._remember(tx, account.id)
            return account, place

        return Added(*await self.store.unit_of_work(work), password)

    def _place(self, tx: Tx, name: str, site: str | None) -> Site:
        if site is None:
            place = Site(ids.mint("sit", tx.now_ms), name, "", tx.now_ms)
            repo.add_site(tx.conn, place)
            tx.after(lambda: self.sites.__setitem__(place.id, place))
            return place
        found = repo.site(tx.conn, site)
        if found is None:
            raise NotFound("There is no such site; choose one from the list, or a new one.", id=site)
        if repo.holder(tx.conn, site):
            raise Conflict(
                f"The site {found.name} has a server already. Hand that one over, or delete it first.",
                code="site_taken",
                site=site,
            )
        return found

    async def rename(self, who: Who, id: str, name: str) -> Account:
        """A site that bears its server's name is renamed with it."""
        name = rules.check_name(name)

        def work(tx: Tx) -> Account:
            before = _existing(tx, id)
            if name == before.name:
                return before
            _free_name(tx, name, id)
            repo.change(tx.conn, id, name=name)
            site = repo.site(tx.conn, before.site)
            if site and site.name == before.name:
                repo.change_site(tx.conn, site.id, name=name)
            self._told(
                tx,
                who,
                "agent.renamed",
                structs.replace(before, name=name),
                change=({"name": before.name}, {"name": name}),
            )
            return self._remember(tx, id)

        return await self.store.unit_of_work(work)

    async def new_password(self, who: Who, id: str, password: str | None = None) -> str:
        """For the next join; a running agent keeps its key."""
        password, hashed = await self._secret(id, password)

        def work(tx: Tx) -> None:
            account = _existing(tx, id)
            repo.change(tx.conn, id, password_hash=hashed)
            self._told(tx, who, "agent.password", account)
            self._remember(tx, id)

        await self.store.unit_of_work(work)
        return password

    async def hand_over(self, who: Who, id: str) -> str:
        """Forgets the key and ends the session: whoever comes first with the new password is the holder."""
        password, hashed = await self._secret(id, None)

        def work(tx: Tx) -> None:
            account = _existing(tx, id)
            repo.change(
                tx.conn,
                id,
                password_hash=hashed,
                public_key=None,
                next_key=None,
                boot="",
                past=rules.revoke(account.past, account.public_key),
                last_uid=None,
                state=rules.NEVER,
                since_ms=tx.now_ms,
                reason=None,
            )
            self._told(tx, who, "agent.password", account, handed_over=True)
            self.end(tx, id, rules.refusal("handed_over", name=account.name))
            self._remember(tx, id)

        await self.store.unit_of_work(work)
        return password

    async def delete(self, who: Who, id: str) -> None:
        """The account only: site, devices and history stay, and another account can take the site over."""

        def work(tx: Tx) -> None:
            account = _existing(tx, id)
            repo.remove(tx.conn, id)
            gone = {"name": account.name, "site": self.sites[account.site].name}
            self._told(tx, who, "agent.deleted", account, change=(gone, None))
            self.end(tx, id, rules.refusal("account_deleted", name=account.name))
            tx.after(lambda: self._forget(id))

        await self.store.unit_of_work(work)

    async def adopt_local(self, site_id: str, site_name: str, public_key: bytes, zone: str = "") -> Account:
        """A Local Agent's own engine: its site and key are known before it says hello, and no password opens the account.
        Its account is found again by site, so an edition may call this at each start."""

        def work(tx: Tx) -> Account:
            site = repo.site(tx.conn, site_id)
            if site is None:
                repo.add_site(tx.conn, Site(site_id, site_name, zone, tx.now_ms))
            else:
                repo.change_site(tx.conn, site_id, name=site_name, zone=zone or site.zone)
            self._reread_site(tx, site_id)
            id = repo.holder(tx.conn, site_id)
            if id is None:
                id = ids.mint("agt", tx.now_ms)
                name = _untaken(tx, site_name)
                account = Account(id, name, site_id, since_ms=tx.now_ms, added_ms=tx.now_ms, added_by="Soundpost")
                repo.add(tx.conn, account)
            # Engine and hub live in one process and share no past: a boot can't come back here.
            repo.change(tx.conn, id, public_key=public_key, boot="", past=None, joined_ms=tx.now_ms)
            return self._remember(tx, id)

        return await self.store.unit_of_work(work)

    # -- memory follows the commit

    def _remember(self, tx: Tx, id: str) -> Account:
        account = repo.account(tx.conn, id)
        assert account is not None
        site = repo.site(tx.conn, account.site)

        def committed() -> None:
            if site:
                self.sites[site.id] = site
            self._leaves(id)
            self.accounts[id], self._at[account.site] = account, id
            self.changed.emit(id)

        tx.after(committed)
        return account

    def row(self, tx: Tx, id: str) -> Account | None:
        return repo.account(tx.conn, id)

    def change(self, tx: Tx, id: str, **values: Any) -> Account:
        """For this room's own link state: the row now, memory after the commit."""
        repo.change(tx.conn, id, **values)
        return self._remember(tx, id)

    def _reread_site(self, tx: Tx, id: str) -> None:
        site = repo.site(tx.conn, id)
        assert site is not None
        tx.after(lambda: self.sites.__setitem__(id, site))

    def _leaves(self, id: str) -> None:
        """The site it was at is nobody's, unless another came there."""
        before = self.accounts.get(id)
        if before is not None and self._at.get(before.site) == id:
            del self._at[before.site]

    def _forget(self, id: str) -> None:
        self._leaves(id)
        self.accounts.pop(id, None)
        self.changed.emit(id)

    def end(self, tx: Tx, id: str, refused: Refused) -> None:
        """Once this is committed, the account's session is closed with that answer."""
        tx.after(lambda: self.ended.emit(Ending(id, refused)))

    async def _secret(self, id: str, password: str | None) -> tuple[str, str]:
        password = _chosen(password, self.get(id).name)
        return password, await self.passwords.hash(password)

    def _told(
        self, tx: Tx, who: Who, type: str, account: Account, *, change: audit.Change = audit.NO_CHANGE, **more: object
    ) -> None:
        detail = {"agent": account.id, "name": account.name, **more}
        tx.log(type, {**detail, "person": who.name or who.id}, site=account.site)
        audit.recorded(tx, who, type, subject=account.id, detail=audit.changing(detail, change))


def _chosen(password: str | None, name: str) -> str:
    if password is None:
        return rules.generated_password(secrets.choice)
    check_password(password, name)
    return password


def _existing(tx: Tx, id: str) -> Account:
    if (account := repo.account(tx.conn, id)) is None:
        raise no_such_server(id)
    return account


def no_such_server(id: str) -> NotFound:
    return NotFound("There is no such server; it may have been deleted.", id=id)


def _free_name(tx: Tx, name: str, but: str = "") -> None:
    if repo.names(tx.conn).get(name.casefold(), but) != but:
        raise Conflict(f"Another server is named {name}; choose another name.", code="name_taken", name=name)


def _untaken(tx: Tx, wanted: str) -> str:
    taken, name, number = repo.names(tx.conn), wanted, 1
    while name.casefold() in taken:
        number += 1
        name = f"{wanted} {number}"
    return name
