"""`GET /summary`: counts kept while things change, and the few causes that need somebody."""

import heapq
from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from soundpost.device.model import COUNTED, Kind, Reason, Status
from soundpost.hub.inventory import rules, views
from soundpost.hub.inventory.memory import Memory
from soundpost.hub.inventory.scope import Scope
from soundpost.hub.inventory.state import AgentInfo, DeviceState, Found, SiteState
from soundpost.kernel.clock import rfc3339

NEEDS = 5
AGENT_STATES = ("connected", "awaited", "lost", "never", "refused")


class Need(Struct):
    """One cause: what it is, where, why, since when, how many devices it covers and the page that says more."""

    status: views.StatusWord
    title: str
    where: str
    code: str
    params: dict[str, str | int | float]
    text: str
    since: str | None
    devices: int
    target: str


class Summary(Struct):
    kinds: dict[str, dict[str, int]]
    stacks: dict[str, int]
    agents: dict[str, int]
    sites: int
    found: dict[str, int]
    needs: list[Need]
    as_of: str


def summary(memory: Memory, found: list[Found], scope: Scope, now_ms: int) -> Summary:
    sites = [site for site in memory.sites.values() if scope.everything or scope.site(site.id)]
    counts = scope.counts(memory)
    return Summary(
        kinds={kind.value: _by_status(counts.get(kind, {})) for kind in COUNTED},
        stacks=_by_status(counts.get(Kind.STACK, {})),
        agents=_agents(sites),
        sites=len(sites),
        found=dict(Counter(entry.reason.code for entry in found)),
        needs=_needs(memory, sites, scope),
        as_of=rfc3339(now_ms),
    )


def _by_status(counts: Mapping[str, int]) -> dict[str, int]:
    return {status: counts.get(status, 0) for status in (*map(str, Status), rules.RESTARTING)}


def _agents(sites: list[SiteState]) -> dict[str, int]:
    counts = dict.fromkeys(AGENT_STATES, 0)
    for site in sites:
        if site.agent is not None:
            state = rules.agent_state(site.link.state, site.agent.state)
            state = "refused" if state == "held_twice" else state
            counts[state] = counts.get(state, 0) + 1
    return counts


def _needs(memory: Memory, sites: list[SiteState], scope: Scope) -> list[Need]:
    """Offline first, then servers out of contact, then degraded; within these the newest first. Thousands may be in trouble: only
    those that are told are put into words."""
    ranked: list[tuple[int, int, str, SiteState | None]] = []
    for site in sites:
        if site.agent is not None and not site.up and site.agent.state != "never":
            ranked.append((1, -site.link.since_ms, _page_of(site.agent), site))
    causes: dict[str, int] = Counter()
    for device in memory.troubled.values():
        if device.site.up and (scope.everything or scope.device(device)):
            causes[_cause(memory, device, scope).id] += _counts(device)
    for id in causes:
        device = memory.devices[id]
        ranked.append((2 * _weight(device), -device.since_ms, id, None))
    worst = heapq.nsmallest(NEEDS, ranked, key=lambda entry: entry[:3])
    return [
        _troubled(memory.devices[id], causes[id])
        if site is None
        else _lost_agent(site, scope.counts_of_site(memory, site.id))
        for _, _, id, site in worst
    ]


def _counts(device: DeviceState) -> int:
    return 0 if device.record is None or device.record.kind == Kind.STACK else 1


def _cause(memory: Memory, device: DeviceState, scope: Scope) -> DeviceState:
    """A box of a stack that is in the same trouble is covered by it, and a peripheral by its box; by none that the reader doesn't see."""
    cause = device
    for _ in range(4):
        record = cause.record
        above = memory.devices.get(record.parent or record.stack) if record else None
        if above is None or above.id not in memory.troubled or _weight(above) > _weight(device):
            break
        if not (scope.everything or scope.device(above)):
            break
        cause = above
    return cause


def _weight(device: DeviceState) -> int:
    return 0 if device.status == Status.OFFLINE else 1


def _lost_agent(site: SiteState, counts: Mapping[str, int]) -> Need:
    assert site.agent is not None
    link, n = site.link, sum(counts.values())
    return _need(Status.UNKNOWN, site.agent.name, site, link.reason, link.since_ms, n, _page_of(site.agent))


def _page_of(agent: AgentInfo) -> str:
    return f"/servers/{agent.id}"


def _troubled(device: DeviceState, n: int) -> Need:
    record = device.record
    assert record is not None
    title = record.name or record.model or record.serial_number or record.kind
    return _need(device.status, title, device.site, device.reason, device.since_ms, max(n, 1), f"/devices/{device.id}")


def _need(status: str, title: str, site: SiteState, why: Reason | None, since_ms: int, n: int, target: str) -> Need:
    why = why or Reason("", "")
    return Need(status, title, site.name, why.code, why.params, why.text, views.when(since_ms), n, target)
