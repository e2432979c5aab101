"""What only a Local Agent's page offers: the central hub, credential sets, discovery (docs/protocol/api.md)."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from cryptography.x509 import load_pem_x509_certificate
from litestar import Controller, Request, delete, get, post, put
from msgspec import UNSET, Struct, UnsetType

from soundpost.agent.discovery import DiscoverySettings
from soundpost.agent.memory import CredentialSet
from soundpost.agent.run import Agent, CredentialInput
from soundpost.agent.uplink import OFF
from soundpost.agent.websocket import Fingerprint
from soundpost.device.ceiling import LEVELS
from soundpost.device.model import Kind
from soundpost.hub.agents.items import ReasonView
from soundpost.hub.audit import service as audit
from soundpost.hub.people import http
from soundpost.hub.store import Store
from soundpost.hub.tls import fingerprint
from soundpost.kernel.clock import Clock, rfc3339
from soundpost.kernel.errors import Conflict, GiveUp, Invalid
from soundpost.kernel.shape import one_of

Trusted = Literal["public", "own_ca", "none"]
AnyRequest = Request[Any, Any, Any]


class HubView(Struct):
    configured: bool
    url: str = ""
    name: str = ""
    state: Annotated[str, one_of(("none", "connecting", "connected", "failing", "refused"))] = "none"
    since: str | None = None
    reason: ReasonView | None = None
    next_try: str | None = None
    devices_reported: int = 0
    last_confirmed: str | None = None
    fingerprint: str | None = None
    waiting: int = 0


class HubCheck(Struct):
    url: str
    fingerprint: str
    trusted: Trusted
    hub: str
    name: str


class CheckBody(Struct, forbid_unknown_fields=True):
    url: str


class HubBody(Struct, forbid_unknown_fields=True):
    url: str
    name: str
    password: str | None = None
    fingerprint: str = ""


CEILING_MOST = 40
CeilingWord = Annotated[str, one_of(LEVELS)]


class SetView(Struct):
    id: str
    user: str
    subnets: list[str]


class SetList(Struct):
    items: list[SetView]


class SetBody(Struct, forbid_unknown_fields=True):
    user: str
    id: str = ""
    password: str | UnsetType | None = UNSET
    subnets: list[str] = []


class SetsBody(Struct, forbid_unknown_fields=True):
    items: list[SetBody]


class InterfaceView(Struct):
    name: str
    range: str
    swept: bool
    note: str
    note_code: Annotated[str, one_of(("", "too_large", "not_chosen"))]


class DiscoveryView(Struct):
    subnets: list[str]
    policy: Annotated[str, one_of(("list", "ask"))]
    interval_s: float
    interfaces: list[InterfaceView]
    managed: str


class DiscoveryBody(Struct, forbid_unknown_fields=True):
    subnets: list[str] | None = None
    policy: Literal["list", "ask"] | None = None
    interval_s: float | None = None


class CeilingView(Struct):
    """The most the central hub may do here. `managed`: "environment" where this machine's settings say it."""

    ceiling: CeilingWord
    managed: Annotated[str, one_of(("", "environment"))]


class CeilingBody(Struct, forbid_unknown_fields=True):
    ceiling: str


class External:
    """The line to the central hub as the page shows it, over REST and as the live topic `external`."""

    def __init__(self, engine: Agent, clock: Clock) -> None:
        self._agent, self._clock = engine, clock

    def view(self) -> HubView:
        connection = self._agent.hub_connection()
        if connection is None:
            return HubView(configured=False)
        state = connection.state
        return HubView(
            configured=True,
            url=connection.url,
            name=connection.name,
            state="connecting" if state.phase == OFF else state.phase,
            since=stamp(state.since_ms),
            reason=ReasonView(state.code, {}, state.text) if state.code else None,
            next_try=stamp(state.next_ms),
            devices_reported=sum(shelf.device.kind != Kind.STACK for shelf in self._agent.board.shelves.values()),
            last_confirmed=stamp(state.confirmed_ms),
            fingerprint=pinned(connection.pem),
            waiting=state.facts_waiting,
        )

    def register(self, live: Any) -> None:
        live.register_object("external", self.view)


def pinned(pem: str) -> str | None:
    """The fingerprint of the CA this agent trusts, as the hub's Servers screen shows it; None where public CAs vouch."""
    return fingerprint(load_pem_x509_certificate(pem.encode())) if pem else None


def stamp(ms: int) -> str | None:
    return rfc3339(ms) if ms else None


async def configure(engine: Agent, url: str, name: str, password: str | None, fingerprint: str) -> None:
    """Asks the hub again for its CA and pins it only when it is the one a person compared: nothing is trusted on a copied text."""
    seen = await looked_at(engine, url)
    if not seen.trusted and seen.sha256 and plain(seen.sha256) != plain(fingerprint):
        raise Conflict(
            f"The hub shows another fingerprint ({seen.sha256}) than the one you confirmed. Compare them again before you go on.",
            code="fingerprint_differs",
            fingerprint=seen.sha256,
        )
    await engine.configure_hub(url, name, password, "" if seen.trusted else seen.pem)


async def looked_at(engine: Agent, url: str) -> Fingerprint:
    """What answers there. What is no hub, or none that can be trusted, is a clash with what was typed and no fault of ours."""
    try:
        return await engine.check_hub(url)
    except GiveUp as error:
        raise Conflict(error.text, code=error.code) from error


def vouched(seen: Fingerprint) -> Trusted:
    """Who vouches for a hub: public CAs, a CA that a person has to compare, or, without TLS, nobody."""
    if seen.trusted:
        return "public"
    return "own_ca" if seen.sha256 else "none"


def plain(fingerprint: str) -> str:
    return fingerprint.replace(":", "").strip().casefold()


class ExternalController(Controller):
    path = "/api/v1/external"
    tags = ("Local Agent",)

    @get("/hub", opt={"right": "see"}, sync_to_thread=False)
    def hub(self, external: External) -> HubView:
        return external.view()

    @post(
        "/hub/check",
        opt={
            "right": "own",
            "whole": True,
            "faults": (
                "hub_url_empty hub_url_insecure hub_url_invalid certificate_changed "
                "certificate_untrusted hub_name_differs no_ca no_tls not_a_hub closed_at_once "
                "hub_unreachable name_unknown proxy_refused proxy_unreachable refused timed_out"
            ),
        },
        status_code=200,
    )
    async def check(self, data: CheckBody, engine: Agent) -> HubCheck:
        seen = await looked_at(engine, data.url)
        return HubCheck(engine._address(data.url).url, seen.sha256, vouched(seen), seen.hub, seen.name)

    @put(
        "/hub",
        opt={
            "right": "own",
            "whole": True,
            "faults": (
                "hub_url_empty hub_url_insecure hub_url_invalid name_needed password_needed "
                "certificate_changed certificate_untrusted fingerprint_differs hub_name_differs no_ca "
                "no_tls not_a_hub closed_at_once disk_failed hub_unreachable name_unknown "
                "proxy_refused proxy_unreachable refused stopping timed_out"
            ),
        },
    )
    async def configure(
        self, request: AnyRequest, data: HubBody, engine: Agent, external: External, store: Store
    ) -> HubView:
        before = known_hub(external)
        detail = {"before": before, "after": {"url": data.url, "account": data.name}}
        async with audit.around(store, http.who(request), "hub.configured", detail=detail):
            await configure(engine, data.url, data.name, data.password, data.fingerprint)
        return external.view()

    @post("/hub/try", opt={"right": "own", "whole": True}, status_code=200, sync_to_thread=False)
    def try_now(self, engine: Agent, external: External) -> HubView:
        engine.try_hub_now()
        return external.view()

    @delete("/hub", opt={"right": "own", "whole": True, "faults": "disk_failed stopping"})
    async def forget(self, request: AnyRequest, engine: Agent, external: External, store: Store) -> None:
        detail = {"before": known_hub(external), "after": None}
        async with audit.around(store, http.who(request), "hub.forgotten", detail=detail):
            await engine.forget_hub()


class LocalController(Controller):
    path = "/api/v1/local"
    tags = ("Local Agent",)

    @get("/credentials", opt={"right": "own", "whole": True}, sync_to_thread=False)
    def credentials(self, engine: Agent) -> SetList:
        return SetList([SetView(item.id, item.user, list(item.subnets)) for item in engine.credentials()])

    @put(
        "/credentials",
        opt={
            "right": "own",
            "whole": True,
            "faults": "credential_invalid disk_failed range_invalid range_too_large stopping",
        },
    )
    async def put_credentials(self, request: AnyRequest, data: SetsBody, engine: Agent, store: Store) -> SetList:
        wanted = [
            CredentialInput(
                item.user,
                None if item.password in (UNSET, None) else str(item.password),
                item.id,
                anywhere(item.subnets),
            )
            for item in data.items
        ]
        before = said_sets(engine.credentials())
        new = [item.user for item in wanted if item.password is not None]
        detail = {"before": before, "after": said_sets(wanted), "new_passwords": new}
        async with audit.around(store, http.who(request), "credentials.changed", detail=detail):
            kept = await engine.put_credentials(wanted)
        return SetList([SetView(item.id, item.user, list(item.subnets)) for item in kept])

    @get("/discovery", opt={"right": "own", "whole": True}, sync_to_thread=False)
    def discovery(self, engine: Agent) -> DiscoveryView:
        return discovery_view(engine)

    @put(
        "/discovery",
        opt={
            "right": "own",
            "whole": True,
            "faults": "disk_failed managed_by_hub range_invalid range_too_large stopping subnets_fixed",
        },
    )
    async def put_discovery(
        self, request: AnyRequest, data: DiscoveryBody, engine: Agent, store: Store
    ) -> DiscoveryView:
        now = engine.discovery_settings()
        chosen = DiscoverySettings(
            data.subnets if data.subnets is not None else list(now.subnets),
            data.policy or now.policy,
            data.interval_s or now.interval_s,
        )
        if not chosen.subnets:
            raise Invalid("Name at least one range, or auto.", code="invalid_argument", field="subnets")
        detail = {"before": said_discovery(now), "after": said_discovery(chosen)}
        async with audit.around(store, http.who(request), "discovery.changed", detail=detail):
            await engine.set_discovery(chosen)
        return discovery_view(engine)

    @get("/ceiling", opt={"right": "see"}, sync_to_thread=False, summary="The most the central hub may do here")
    def ceiling(self, engine: Agent) -> CeilingView:
        return ceiling_view(engine)

    @put(
        "/ceiling",
        opt={"right": "own", "whole": True, "faults": "ceiling_fixed disk_failed stopping"},
        summary="Change the most the central hub may do here",
    )
    async def put_ceiling(self, request: AnyRequest, data: CeilingBody, engine: Agent, store: Store) -> CeilingView:
        detail = {"before": engine.house.ceiling, "after": data.ceiling[:CEILING_MOST]}
        async with audit.around(store, http.who(request), "ceiling.changed", detail=detail):
            await engine.set_ceiling(data.ceiling)
        return ceiling_view(engine)


def known_hub(external: External) -> dict[str, Any] | None:
    """For the audit: which hub this site is joined to now, and under which name."""
    hub = external.view()
    return {"url": hub.url, "account": hub.name} if hub.configured else None


def said_sets(sets: Sequence[CredentialSet | CredentialInput]) -> list[str]:
    """For the audit, in the order they are tried; no passwords."""
    return [f"{item.user} @ {', '.join(item.subnets) or '*'}" for item in sets]


def said_discovery(chosen: DiscoverySettings) -> dict[str, Any]:
    return {"subnets": list(chosen.subnets), "policy": chosen.policy, "interval_s": chosen.interval_s}


def anywhere(subnets: list[str]) -> list[str]:
    return [subnet for subnet in subnets if subnet != "*"]


def discovery_view(engine: Agent) -> DiscoveryView:
    chosen = engine.discovery_settings()
    managed = (
        "environment" if engine.settings.subnets_fixed else "hub" if engine.house.hub_plan.subnets is not None else ""
    )
    shown = [
        InterfaceView(state.interface, state.range, state.swept, state.note, state.note_code)
        for state in engine.board.scan_state.ranges
    ]
    return DiscoveryView(list(chosen.subnets), chosen.policy, chosen.interval_s, shown, managed)


def ceiling_view(engine: Agent) -> CeilingView:
    return CeilingView(engine.house.ceiling, "environment" if engine.settings.ceiling_fixed else "")


CONTROLLERS = (ExternalController, LocalController)
__all__ = ["CONTROLLERS", "External", "configure"]
