"""What REST and the live socket show of a server: built here alone, so both show the same."""

from collections.abc import Callable
from typing import Annotated, Any, Protocol

from msgspec import Struct

from soundpost.device.ceiling import LEVELS
from soundpost.device.model import Reason
from soundpost.hub.agents import rules
from soundpost.hub.agents.links import AgentLinks
from soundpost.hub.agents.repo import Account, Site
from soundpost.hub.agents.service import no_such_server
from soundpost.hub.agents.session import Session
from soundpost.hub.agents.states import AWAITED
from soundpost.hub.people.rules import Principal
from soundpost.kernel.clock import rfc3339
from soundpost.kernel.shape import one_of
from soundpost.link.envelope import RangeState, ScanState

STATES = (rules.CONNECTED, rules.LOST, rules.NEVER, rules.REFUSED, rules.HELD_TWICE, AWAITED)
AgentState = Annotated[str, one_of(STATES)]


class ReasonView(Struct):
    code: str
    params: dict[str, str | int | float]
    text: str


def reason_view(reason: Reason | None) -> ReasonView | None:
    return None if reason is None else ReasonView(reason.code, reason.params, reason.text)


class SiteRef(Struct):
    id: str
    name: str
    zone: str


class AgentRef(Struct):
    id: str
    name: str
    state: AgentState


class AgentItem(Struct):
    id: str
    name: str
    site: SiteRef
    state: AgentState
    since: str
    reason: ReasonView | None
    devices: dict[str, int]
    subnets: list[str]
    last_confirmed: str | None
    waiting: int
    dropped: int
    version: str
    level: int
    clock_offset_s: float | None
    disk_free_percent: float | None
    added: str
    added_by: str
    address: str
    delay_ms: int | None
    ceiling: Annotated[str, one_of(("", *LEVELS))]
    """The most a hub may do at this site; "" = its agent never told one."""


class ScanView(Struct):
    interface: str
    range: str
    asked: int
    total: int
    found: int
    refused: int
    running: bool
    started: str | None
    ended: str | None
    next: str | None
    swept: bool
    note: str
    note_code: Annotated[str, one_of(("", "too_large", "not_chosen"))]


class CredentialSetView(Struct):
    id: str
    user: str
    subnets: list[str]


class AgentDetail(AgentItem):
    scans: list[ScanView]
    credential_sets: list[CredentialSetView]
    policy: Annotated[str, one_of(("list", "ask"))]
    fingerprint: str
    boot: str


class SiteItem(Struct):
    id: str
    name: str
    zone: str
    agent: AgentRef | None
    devices: dict[str, int]


class Reader(Protocol):
    """Whose eyes: which sites they see, wholly or a part, and how many devices of them by status."""

    whole: bool

    def site(self, site_id: str) -> bool: ...

    def counts(self, site_id: str) -> dict[str, int]: ...


ReaderOf = Callable[[Principal | None], Reader]


class NoDevices:
    """A reader who sees every site, where nothing is known of devices."""

    whole = True

    def site(self, site_id: str) -> bool:
        return True

    def counts(self, site_id: str) -> dict[str, int]:
        return {}


class AgentItems:
    """`reader_of` says what a person may see; inventory lies above, so app hands it in."""

    def __init__(self, links: AgentLinks, reader_of: ReaderOf = lambda _person: NoDevices()) -> None:
        self._links, self._agents = links, links.agents
        self.reader_of = reader_of

    def _seen(self, id: str, reader: Reader) -> Account:
        """Raises NotFound, also for what this reader may not see."""
        account = self._agents.get(id)
        if not reader.site(account.site):
            raise no_such_server(id)
        return account

    def item(self, id: str, reader: Reader) -> AgentItem:
        return AgentItem(**self._common(self._seen(id, reader), reader))

    def all(self, reader: Reader) -> list[AgentItem]:
        rows = sorted(self._agents.accounts.values(), key=lambda account: account.name.casefold())
        return [AgentItem(**self._common(account, reader)) for account in rows if reader.site(account.site)]

    def detail(self, id: str, reader: Reader) -> AgentDetail:
        account = self._seen(id, reader)
        # What a sweep found, and with which users it tried, is of the site's devices, also those this reader does not see.
        scans = self._scans(account) if reader.whole else None
        offset = self._offset_ms(account)
        return AgentDetail(
            **self._common(account, reader),
            scans=[_scan(state, offset) for state in scans.ranges] if scans else [],
            credential_sets=[CredentialSetView(s.id, s.user, s.subnets or ["*"]) for s in scans.sets] if scans else [],
            policy=scans.policy if scans else "list",
            fingerprint=rules.fingerprint(account.public_key),
            boot=account.boot,
        )

    def sites(self, reader: Reader) -> list[SiteItem]:
        return [
            SiteItem(site.id, site.name, site.zone, self.ref(site.id), reader.counts(site.id))
            for site in sorted(self._agents.sites.values(), key=lambda site: (site.name.casefold(), site.id))
            if reader.site(site.id)
        ]

    def ref(self, site: str) -> AgentRef | None:
        """The server of a site, as a device's item names it."""
        account = self._agents.of_site(site)
        return AgentRef(account.id, account.name, self._state(account)) if account else None

    def ceiling(self, site: str) -> str:
        account = self._agents.of_site(site)
        return self._ceiling(account) if account else ""

    def _ceiling(self, account: Account) -> str:
        scans = self._scans(account)
        return scans.ceiling if scans and scans.ceiling in LEVELS else ""

    def states(self) -> dict[str, int]:
        """How many servers are in each state, for the summary."""
        states = dict.fromkeys(STATES, 0)
        for account in self._agents.accounts.values():
            states[self._state(account)] += 1
        return states

    def _state(self, account: Account) -> str:
        if self._links.awaited(account.id):
            return AWAITED
        return rules.LOST if self._links.lost(account.id) else account.state

    def _common(self, account: Account, reader: Reader) -> dict[str, Any]:
        session, lost = self._links.sessions.get(account.id), self._links.lost(account.id)
        site = self._agents.sites[account.site]
        scans = self._scans(account)
        confirmed = max(account.confirmed_ms, session.confirmed_ms if session else 0)
        return {
            "id": account.id,
            "name": account.name,
            "site": _site(site),
            "state": self._state(account),
            "since": rfc3339(lost.since_ms if lost else account.since_ms),
            "reason": self._reason(account),
            "devices": reader.counts(site.id),
            "subnets": [state.range for state in scans.ranges if state.swept] if scans else [],
            "last_confirmed": rfc3339(confirmed) if confirmed else None,
            "waiting": session.waiting if session else 0,
            "dropped": session.dropped if session else account.dropped,
            "version": account.version,
            "level": account.level,
            "clock_offset_s": round(self._offset_ms(account) / 1000, 3) if account.version or session else None,
            "disk_free_percent": _disk(session),
            "added": rfc3339(account.added_ms),
            "added_by": account.added_by,
            "address": account.address,
            "delay_ms": session.offset.delay_ms if session else None,
            "ceiling": self._ceiling(account),
        }

    def _reason(self, account: Account) -> ReasonView | None:
        if self._links.awaited(account.id):
            return reason_view(rules.AWAITED_SINCE_START)
        if lost := self._links.lost(account.id):
            return reason_view(lost.reason)
        tries = self._links.admission.tries.get(account.id)
        show_tries = tries is not None and (account.reason is None or account.state == rules.REFUSED)
        reason: Reason | None = rules.tries_reason(tries) if tries and show_tries else account.reason
        return reason_view(reason)

    def _scans(self, account: Account) -> ScanState | None:
        session = self._links.sessions.get(account.id)
        return session.scans if session and session.scans else account.scans

    def _offset_ms(self, account: Account) -> int:
        session = self._links.sessions.get(account.id)
        return session.source.offset_ms if session else account.offset_ms


def _site(site: Site) -> SiteRef:
    return SiteRef(site.id, site.name, site.zone)


def _disk(session: Session | None) -> float | None:
    return round(session.disk_free_percent, 1) if session and session.disk_free_percent >= 0 else None


def _scan(state: RangeState, offset_ms: int) -> ScanView:
    def at(agent_ms: int) -> str | None:
        return rfc3339(agent_ms + offset_ms) if agent_ms else None

    return ScanView(
        interface=state.interface,
        range=state.range,
        asked=state.asked,
        total=state.total,
        found=state.found,
        refused=state.refused,
        running=state.running,
        started=at(state.started_ms),
        ended=at(state.ended_ms),
        next=at(state.next_ms),
        swept=state.swept,
        note=state.note,
        note_code=state.note_code,
    )
